package querytest_test

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// scriptBatch is a batch of one stream.
type scriptBatch struct {
	group  logs.GroupID
	stream logs.StreamID
	lsn    uint64 // once it is stored
	rows   []scriptRow
}

type scriptRow struct {
	time    int64
	label   int // n of En, or 0 for a filler
	message string
}

// loaded is a store with the events of a set, and fillers behind them.
type loaded struct {
	store  *store.Store
	labels map[exec.Event]int
	dataNames
}

// dataNames are the groups and streams of a set, in the order of their first events.
type dataNames struct {
	groups  []string
	streams []streamName
}

type streamName struct{ group, stream string }

// ingestion is when events of scripts were received.
var ingestion = querytest.Day.Add(36 * time.Hour).UnixMilli()

func (n *dataNames) group(name string) logs.GroupID {
	return logs.GroupID(slices.Index(n.groups, name) + 1)
}

func (n *dataNames) stream(group, stream string) logs.StreamID {
	return logs.StreamID(slices.Index(n.streams, streamName{group, stream}) + 1)
}

// batches returns the events of a set in the order in which they are received, one batch for each run of a stream, and behind them
// fillers of later times: copies of the events among ordinary ones.
func batches(set *querytest.DataSet, columns bool) (n dataNames, list []*scriptBatch) {
	for i, e := range set.Events {
		if !slices.Contains(n.groups, e.Group) {
			n.groups = append(n.groups, e.Group)
		}
		s := streamName{e.Group, e.Stream}
		if !slices.Contains(n.streams, s) {
			n.streams = append(n.streams, s)
		}
		g, id := n.group(e.Group), n.stream(e.Group, e.Stream)
		if len(list) == 0 || list[len(list)-1].group != g || list[len(list)-1].stream != id {
			list = append(list, &scriptBatch{group: g, stream: id})
		}
		b := list[len(list)-1]
		b.rows = append(b.rows, scriptRow{e.Time, i + 1, e.Message})
	}
	if columns && len(n.groups) > 0 {
		list = append(list, fillers(set, &n)...)
	}
	for _, b := range list {
		slices.SortStableFunc(b.rows, func(x, y scriptRow) int { return cmp.Compare(x.time, y.time) })
	}
	return n, list
}

// fillers are for the first group: 100 KiB, so that a block of them is taken apart into columns.
func fillers(set *querytest.DataSet, n *dataNames) (list []*scriptBatch) {
	rng := rand.New(rand.NewPCG(uint64(len(set.Events)), 12))
	form := querytest.Text
	if strings.HasPrefix(set.Events[0].Message, "{") {
		form = querytest.JSON
	}
	ordinary := querytest.Rows(rng, 1000, form)
	first := querytest.Day.Add(20 * time.Hour).UnixMilli()
	size := 0
	for i := 0; i < len(ordinary) && size < 100<<10; i++ {
		if i%400 == 0 {
			list = append(list, &scriptBatch{group: 1, stream: 1})
		}
		m := ordinary[i].Message()
		if i%3 == 0 {
			m = set.Events[rng.IntN(len(set.Events))].Message
		}
		b := list[len(list)-1]
		b.rows = append(b.rows, scriptRow{first + int64(i)*10, 0, m})
		size += len(m)
	}
	return list
}

// loadSet stores the events of a set in one of the ways.
func loadSet(t *testing.T, set *querytest.DataSet, storage string) *loaded {
	t.Helper()
	n, list := batches(set, storage != "oldest format")
	l := &loaded{dataNames: n}
	switch storage {
	case "memory":
		l.store = openStore(t)
		appendBatches(t, l.store, list)
	case "flushed":
		l.store = openStore(t)
		appendBatches(t, l.store, list)
		settle(t, l.store.Flush)
	case "compacted":
		l.store = openStore(t)
		for i, b := range list { // parts that overlap in their times
			appendBatches(t, l.store, []*scriptBatch{b})
			if i%2 == 0 || i == len(list)-1 {
				settle(t, l.store.Flush)
			}
		}
		settle(t, l.store.Merge)
	case "oldest format":
		l.store = oldestBatches(t, list, len(n.groups))
	}
	l.labels = map[exec.Event]int{}
	for _, b := range list {
		for i, r := range b.rows {
			if r.label > 0 {
				l.labels[exec.Event{Key: logs.Key{Timestamp: r.time, Seq: logs.MakeSeq(b.lsn, i)}, Group: b.group, Stream: b.stream}] = r.label
			}
		}
	}
	return l
}

func appendBatches(t *testing.T, s *store.Store, list []*scriptBatch) {
	t.Helper()
	for _, b := range list {
		batch := store.Batch{Group: b.group, Stream: b.stream, Ingestion: ingestion}
		for _, r := range b.rows {
			batch.Timestamps = append(batch.Timestamps, r.time)
			batch.Arena = append(batch.Arena, r.message...)
			batch.Ends = append(batch.Ends, uint32(len(batch.Arena)))
		}
		seq, err := s.Append(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		b.lsn = seq.Batch()
	}
}

// oldestBatches opens a store whose only part is of version 1 of the format.
func oldestBatches(t *testing.T, list []*scriptBatch, groups int) *store.Store {
	t.Helper()
	blocks := make([][]segment.Row, groups)
	for i, b := range list {
		b.lsn = uint64(1 + i)
		for j, r := range b.rows {
			blocks[b.group-1] = append(blocks[b.group-1], segment.Row{
				Stream: b.stream, Key: logs.Key{Timestamp: r.time, Seq: logs.MakeSeq(b.lsn, j)}, Ingestion: ingestion, Message: []byte(r.message),
			})
		}
	}
	return oldestOf(t, blocks)
}

// oldestOf opens a store whose only part is of version 1 of the format: raw blocks without an index, as that version wrote them. Block g
// is the one of group g+1.
func oldestOf(t *testing.T, blocks [][]segment.Row) *store.Store {
	t.Helper()
	ctx := t.Context()
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	id := uuid.New()
	name := filepath.Join(t.TempDir(), "part")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	w := segment.NewWriter(f, segment.WriterOptions{ID: id, Modes: segment.Modes(segment.ModeRaw, segment.ModeShared), NoIndex: true})
	hex := strings.ReplaceAll(id.String(), "-", "")
	part := catalog.Segment{ID: hex, Class: -1, Day: -1, GroupLow: 1, GroupHigh: logs.GroupID(len(blocks)), Groups: int64(len(blocks)), MaxLSN: 1 << 20}
	for g, block := range blocks {
		slices.SortFunc(block, func(a, b segment.Row) int {
			return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Key.Timestamp, b.Key.Timestamp), cmp.Compare(a.Key.Seq, b.Key.Seq))
		})
		if err := w.Add(logs.GroupID(g+1), block); err != nil {
			t.Fatal(err)
		}
		for _, r := range block {
			if part.Rows == 0 || r.Key.Timestamp < part.MinTime {
				part.MinTime = r.Key.Timestamp
			}
			part.MaxTime = max(part.MaxTime, r.Key.Timestamp)
			part.Rows, part.RawBytes = part.Rows+1, part.RawBytes+int64(len(r.Message))
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	asVersion1(data)
	part.FileBytes = int64(len(data))

	fs := vfs.NewMem()
	for _, dir := range []string{"data", filepath.Join("data", "parts")} {
		if err := fs.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	out, err := fs.Create(filepath.Join("data", "parts", hex+".part"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		t.Fatal(err)
	}
	if err := db.Publish(ctx, catalog.Publication{Checkpoint: 1 << 20, Add: []catalog.Segment{part}}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(ctx, store.Options{FS: fs, Dir: "data", Manifest: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
