package querytest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// TestPatternScripts runs testdata/pattern/*.txt: over the matcher alone, and over real stores whose events are in memory, flushed,
// compacted, and in the oldest format of parts, with one and with several workers. In a store, each load is a group of its own, filled
// up with copies of its messages and with those of the other loads, so that blocks are large enough to be taken apart into columns.
func TestPatternScripts(t *testing.T) {
	scripts, err := querytest.ReadPatternScripts("testdata/pattern/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i := range scripts {
		s := &scripts[i]
		t.Run(s.Name, func(t *testing.T) {
			t.Run("matcher", func(t *testing.T) { matchScript(t, s) })
			t.Run("refused", func(t *testing.T) { refuseScript(t, s) })
			for _, workers := range []int{1, 4} {
				for _, storage := range storages {
					if testing.Short() && (workers == 1 || !storage.columns) {
						continue
					}
					t.Run(fmt.Sprintf("%s, %d workers", storage.name, workers), func(t *testing.T) {
						storeScript(t, s, storage, workers)
					})
				}
			}
		})
	}
}

func matchScript(t *testing.T, s *querytest.PatternScript) {
	for _, set := range s.Sets {
		for _, c := range set.Filters {
			m := compile(t, c)
			if m == nil {
				continue
			}
			for i, text := range set.Messages {
				if got := m.Match([]byte(text)); got != c.Matches[i+1] {
					t.Errorf("%s: pattern %s\nmessage %d: %s\ngot %v, want %v", c.Where, c.Pattern, i+1, text, got, c.Matches[i+1])
				}
				values, ok := m.Values([]byte(text))
				if ok != c.Matches[i+1] {
					t.Errorf("%s: pattern %s, message %d: values were extracted: %v", c.Where, c.Pattern, i+1, ok)
				}
				if want, given := c.Values[i+1]; given {
					if d := gocmp.Diff(want, values); d != "" {
						t.Errorf("%s: pattern %s, message %d: values (-want +got)\n%s", c.Where, c.Pattern, i+1, d)
					}
				}
			}
		}
	}
}

func compile(t *testing.T, c querytest.PatternCase) *pattern.Matcher {
	t.Helper()
	p, err := pattern.Parse(c.Pattern)
	if err != nil {
		t.Errorf("%s: %s is refused: %v", c.Where, c.Pattern, err)
		return nil
	}
	return p.Compile()
}

func refuseScript(t *testing.T, s *querytest.PatternScript) {
	for _, r := range s.Refused {
		_, err := pattern.Parse(r.Pattern)
		e, ok := errors.AsType[*pattern.SyntaxError](err)
		if !ok {
			t.Errorf("%s: %s: got error %v, want %s", r.Where, r.Pattern, err, r.Error)
			continue
		}
		if got := fmt.Sprintf("%d-%d %s", e.Span.Start, e.Span.End, e.Text); got != r.Error {
			t.Errorf("%s: %s: got error %s, want %s", r.Where, r.Pattern, got, r.Error)
		}
		if e.Reason == "" {
			t.Errorf("%s: %s: the error has no reason", r.Where, r.Pattern)
		}
	}
}

// storage is a way to have events in a store.
type storage struct {
	name    string
	columns bool // large blocks are stored in columns
	load    func(t *testing.T, events [][]string) *store.Store
}

var storages = []storage{
	{"memory", false, func(t *testing.T, events [][]string) *store.Store {
		s := openStore(t)
		appendEvents(t, s, events)
		return s
	}},
	{"flushed", true, func(t *testing.T, events [][]string) *store.Store {
		s := openStore(t)
		appendEvents(t, s, events)
		settle(t, s.Flush)
		return s
	}},
	{"compacted", true, func(t *testing.T, events [][]string) *store.Store {
		s := openStore(t)
		for half := range 2 {
			part := make([][]string, len(events))
			for g, list := range events {
				part[g] = list[half*len(list)/2 : (half+1)*len(list)/2]
			}
			appendEvents(t, s, part)
			settle(t, s.Flush)
		}
		settle(t, s.Merge)
		return s
	}},
	{"oldest format", false, oldestStore},
}

func settle(t *testing.T, do func(context.Context) error) {
	t.Helper()
	if err := do(t.Context()); err != nil {
		t.Fatal(err)
	}
}

const scriptTime = 1_700_000_000_000

// appendEvents stores list g of events in group g+1, stream g+1, a millisecond apart.
func appendEvents(t *testing.T, s *store.Store, events [][]string) {
	t.Helper()
	for g, list := range events {
		for chunk := range slices.Chunk(list, 500) {
			b := store.Batch{Group: logs.GroupID(g + 1), Stream: logs.StreamID(g + 1), Ingestion: scriptTime}
			for _, m := range chunk {
				b.Timestamps = append(b.Timestamps, scriptTime+int64(len(b.Timestamps)))
				b.Arena = append(b.Arena, m...)
				b.Ends = append(b.Ends, uint32(len(b.Arena)))
			}
			if _, err := s.Append(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// oldestStore stores events in a part of version 1 of the format.
func oldestStore(t *testing.T, events [][]string) *store.Store {
	t.Helper()
	blocks := make([][]segment.Row, len(events))
	for g, list := range events {
		for i, m := range list {
			at := i % 500
			key := logs.Key{Timestamp: scriptTime + int64(at), Seq: logs.MakeSeq(uint64(1+i/500), at)}
			blocks[g] = append(blocks[g], segment.Row{Stream: logs.StreamID(g + 1), Key: key, Ingestion: scriptTime, Message: []byte(m)})
		}
	}
	return oldestOf(t, blocks)
}

// asVersion1 makes a part that uses nothing of version 2 one of version 1: header and trailer differ in the number only.
func asVersion1(part []byte) {
	table := crc32.MakeTable(crc32.Castagnoli)
	set := func(at, version, crc int, head []byte) {
		binary.LittleEndian.PutUint16(head[version:], 1)
		binary.LittleEndian.PutUint32(head[crc:], crc32.Checksum(head[at:crc], table))
	}
	set(0, 4, 36, part[:40])
	set(0, 16, 20, part[len(part)-32:])
}

// storeScript asks a store for every filter.
func storeScript(t *testing.T, s *querytest.PatternScript, storage storage, workers int) {
	if len(s.Sets) == 0 {
		return
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers)) // that many goroutines of a scan
	events := make([][]string, len(s.Sets))
	for g := range s.Sets {
		events[g] = fill(s, g)
	}
	st := storage.load(t, events)
	if storage.columns && inColumns(t, st, len(events)) == 0 {
		t.Error("no block is stored in columns: the test shows less than it claims")
	}
	for g, set := range s.Sets {
		number := map[string]int{}
		for i, m := range set.Messages {
			number[m] = i + 1
		}
		for _, c := range set.Filters {
			m := compile(t, c)
			if m == nil {
				continue
			}
			want := map[string]int{}
			for _, text := range events[g] {
				if n, own := number[text]; own && c.Matches[n] || !own && m.Match([]byte(text)) {
					want[text]++
				}
			}
			for _, columns := range []column.Filter{nil, m.Columns()} {
				got := map[string]int{}
				q := store.Query{Group: logs.GroupID(g + 1), End: scriptTime + 1000, Need: m.Pattern().Need(), Columns: columns, Match: m.Match}
				if columns != nil || m.Columns() == nil {
					q.Automaton = m.Automaton()
				}
				if _, err := st.Scan(t.Context(), q, func(e logs.Event) bool { got[string(e.Message)]++; return true }); err != nil {
					t.Fatalf("%s: %v", c.Where, err)
				}
				if d := gocmp.Diff(want, got); d != "" {
					t.Errorf("%s: pattern %s: messages and how often, with columns %v (-want +got)\n%s", c.Where, c.Pattern, columns != nil, d)
				}
			}
		}
	}
}

// fill returns the messages of set g many times, among those of the other sets and among ordinary ones, which are of the form that makes
// columns pay: 200 KiB, at least 100 events.
func fill(s *querytest.PatternScript, g int) []string {
	rng := rand.New(rand.NewPCG(uint64(g), 11))
	form := querytest.Text
	if strings.Contains(s.Name, "json") {
		form = querytest.JSON
	}
	ordinary := querytest.Rows(rng, 2000, form)
	own := s.Sets[g].Messages
	out, size := slices.Clone(own), 0
	most := 200 << 10
	if testing.Short() {
		most = 100 << 10
	}
	for i := 0; len(out) < 100 || size < most && i < len(ordinary); i++ {
		m := ordinary[i].Message()
		switch from := s.Sets[rng.IntN(len(s.Sets))].Messages; {
		case i%8 == 0 && len(own) > 0:
			m = own[rng.IntN(len(own))]
		case i%16 == 1 && len(from) > 0:
			m = from[rng.IntN(len(from))]
		}
		out, size = append(out, m), size+len(m)+26
	}
	return out
}

// inColumns counts the blocks of groups 1 to n that are stored in columns.
func inColumns(t *testing.T, s *store.Store, n int) int {
	t.Helper()
	count := 0
	for g := range n {
		_, err := s.ScanBlocks(t.Context(), store.BlockQuery{Groups: []logs.GroupID{logs.GroupID(g + 1)}, End: scriptTime + 1000}, 1,
			func(_ int, b *store.BlockView) error {
				// Without columns, whoever asks for a field has the messages decoded.
				before := b.Decoded()
				_, err := b.Field("no such field")
				if b.Decoded() == before {
					count++
				}
				return err
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	return count
}
