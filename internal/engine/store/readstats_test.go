package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// fillStore stores n events of 1000 bytes, ten milliseconds apart, the second
// half in memory; event i is of stream 1+i%7 and says its number.
func fillStore(t *testing.T, n int) (*Store, *oracle) {
	t.Helper()
	c := &clock{ms: baseTime}
	tune := manualTuning()
	tune.memtableBytes = 8 << 20
	s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, tune)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	o := newOracle()
	for i := range n {
		if i == n/2 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		m := fmt.Sprintf("event %d. ", i)
		b := makeBatch(1, logs.StreamID(1+i%7), c.ms, event(baseTime+int64(i)*10, m+strings.Repeat("s", 1000-len(m))))
		seq, err := s.Append(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		o.append(&b, seq)
	}
	return s, o
}

func TestStatsSayWhyBlocksWereSkipped(t *testing.T) {
	s, _ := fillStore(t, 800)
	blocks := func(st Stats) int64 { return st.Blocks + st.DamagedBlocks + st.BlocksSkipped }
	sums := func(st Stats) bool {
		return st.BlocksSkipped == st.TimeSkipped.Blocks+st.StreamSkipped.Blocks+st.IndexSkipped.Blocks+st.StopSkipped.Blocks
	}
	scan := func(q Query, limit int) Stats {
		t.Helper()
		n := 0
		st, err := s.Scan(t.Context(), q, func(logs.Event) bool { n++; return n < limit })
		if err != nil {
			t.Fatal(err)
		}
		if !sums(st) || st.Matched != int64(n) {
			t.Errorf("%d events yielded: %+v", n, st)
		}
		return st
	}
	all := Query{Group: 1, End: math.MaxInt64}
	whole := scan(all, math.MaxInt)
	if whole.Rows != 800 || whole.Bytes != 800_000 || whole.MemoryRows != 400 || whole.MemoryBytes != 400_000 || whole.DecodedBytes != 400_000 ||
		whole.BlocksSkipped != 0 || whole.Blocks < 20 || whole.KeyBlocks != whole.Blocks {
		t.Errorf("everything: %+v", whole)
	}
	stop := scan(all, 1)
	if stop.StopSkipped.Blocks != stop.BlocksSkipped || blocks(stop) != whole.Blocks || stop.StopSkipped.Rows < 350 || stop.StopSkipped.Bytes != 1000*stop.StopSkipped.Rows {
		t.Errorf("one event: %+v", stop)
	}
	late := all
	late.Start = baseTime + 3000
	st := scan(late, math.MaxInt)
	if st.TimeSkipped.Blocks != st.BlocksSkipped || st.TimeSkipped.Blocks < 10 || blocks(st) != whole.Blocks || st.Rows != 500 {
		t.Errorf("late events: %+v", st)
	}
	late.Start = baseTime + 4000
	if st = scan(late, math.MaxInt); st.PartsSkipped != 1 || blocks(st) != 0 || st.Rows != 400 || st.MemoryRows != 400 {
		t.Errorf("events in memory: %+v", st)
	}
	other := all
	other.Streams = []logs.StreamID{99}
	if st = scan(other, math.MaxInt); st.StreamSkipped.Blocks != whole.Blocks || st.RowsSkipped() != 400 || st.BytesSkipped() != 400_000 || st.Rows != 0 {
		t.Errorf("another stream: %+v", st)
	}
	find := all
	find.Need = hint.Text("event 77")
	st = scan(find, math.MaxInt)
	if st.Matched != 11 || st.Rows+st.RowsSkipped() != 800 || st.MemoryRows != 400 {
		t.Errorf("found: %+v", st)
	}
	find.Need = hint.Or()
	if st = scan(find, math.MaxInt); st != (Stats{Applied: st.Applied}) {
		t.Errorf("never: %+v", st)
	}
}

func TestBudgetCutsScansIntoPages(t *testing.T) {
	s, o := fillStore(t, 400)
	for _, reverse := range []bool{false, true} {
		for _, match := range []string{"", "3", "no such text"} {
			for _, bytes1 := range []int64{1, 20_000, 1 << 40} {
				q := Query{Group: 1, End: math.MaxInt64, Reverse: reverse, Budget: Budget{Bytes: bytes1}}
				if match != "" {
					q.Match = func(m []byte) bool { return bytes.Contains(m, []byte(match)) }
					q.Need = hint.Text(match)
				}
				want := o.scan(q)
				var got []logs.Event
				pages := 0
				for {
					pages++
					st, err := s.Scan(t.Context(), q, func(e logs.Event) bool {
						e.Message = bytes.Clone(e.Message)
						got = append(got, e)
						return true
					})
					if err != nil || pages > 1000 {
						t.Fatal(pages, err)
					}
					if st.Frontier == nil {
						break
					}
					if reverse {
						q.Before = st.Frontier
					} else {
						q.After = st.Frontier
					}
				}
				name := fmt.Sprintf("reverse %v, match %q, budget %d", reverse, match, bytes1)
				sameEvents(t, name, got, want)
				if one := bytes1 > 1<<30; one != (pages == 1) {
					t.Errorf("%s: %d pages", name, pages)
				}
			}
		}
	}
	q := Query{Group: 1, End: math.MaxInt64, Match: func([]byte) bool { return false }, Budget: Budget{Time: time.Nanosecond}}
	st, err := s.Scan(t.Context(), q, nil)
	if err != nil || st.Frontier == nil || st.Rows == 400 {
		t.Errorf("no time: %+v, %v", st, err)
	}
}

// TestCancelledScansStopAtOnce counts how much is still looked at after the
// context has ended.
func TestCancelledScansStopAtOnce(t *testing.T) {
	c := &clock{ms: baseTime}
	s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, tuning{manual: true, walFile: 64 << 20, walReserve: -1, memtableBytes: 64 << 20, workers: 2})
	defer s.Close()
	for i := range 16 {
		var events []logs.Event
		for j := range 2000 {
			events = append(events, event(baseTime+int64(i), fmt.Sprintf("%04d", j)+strings.Repeat("x", 496)))
		}
		if _, err := s.Append(t.Context(), makeBatch(1, logs.StreamID(1+i), c.ms, events...)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(where string) {
		for _, need := range []string{"", "xxx"} {
			for _, at := range []int64{1, 5000} {
				ctx, cancel := context.WithCancel(t.Context())
				var seen, cancelled atomic.Int64
				q := Query{Group: 1, End: math.MaxInt64, Need: hint.Text(need), Match: func([]byte) bool {
					if seen.Add(1) == at {
						cancel()
						cancelled.Store(seen.Load())
					}
					return false
				}}
				_, err := s.Scan(ctx, q, func(logs.Event) bool { return true })
				cancel()
				// Each of two workers and the scan itself ends its step.
				if most := cancelled.Load() + 3*searchStep/500; !errors.Is(err, context.Canceled) || seen.Load() > most {
					t.Errorf("%s, need %q: %v after %d messages; cancelled after %d, at most %d expected", where, need, err, seen.Load(), cancelled.Load(), most)
				}
			}
		}
	}
	check("in memory")
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("in parts")
}
