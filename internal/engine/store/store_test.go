package store

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestMergeRemovesDeadEventsFromDisk(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, fs, m, c.now, manualTuning())
	defer s.Close()
	ctx := t.Context()
	put := func(g logs.GroupID, st logs.StreamID, ts int64, n int) {
		t.Helper()
		for i := range n {
			if _, err := s.Append(ctx, makeBatch(g, st, c.ms, event(ts+int64(i), strings.Repeat("x", 500)))); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.retain(3, 1)
	put(1, 10, baseTime, 100)
	put(1, 11, baseTime, 100)
	put(2, 20, baseTime, 100)
	put(3, 30, baseTime-dayMillis/2, 50)
	put(3, 30, baseTime+dayMillis/4, 50)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	m.delete(1, 11, c.ms)
	m.delete(2, 0, c.ms)
	c.advance(dayMillis * 3 / 4 * time.Millisecond)
	if err := s.Merge(ctx); err != nil {
		t.Fatal(err)
	}
	rows := map[logs.GroupID]int{}
	for g := logs.GroupID(1); g <= 3; g++ {
		rows[g] = len(collect(t, s, Query{Group: g, End: math.MaxInt64}, math.MaxInt, nil))
	}
	if rows[1] != 100 || rows[2] != 0 || rows[3] != 50 {
		t.Errorf("events per group %v, want 100, 0 and 50", rows)
	}
	if m.bytes[1] != 50_000 || m.bytes[2] != 0 || m.bytes[3] != 25_000 {
		t.Errorf("stored bytes %v, want 50000, 0 and 25000", m.bytes)
	}
	if len(m.tombs) != 0 {
		t.Errorf("tombstones %+v are not done", m.tombs)
	}
	for id, g := range m.segs {
		if _, err := fs.Stat(partPath("/data/parts", id)); err != nil {
			t.Errorf("part of segment %+v: %v", g, err)
		}
	}
	names, err := fs.List("/data/parts")
	if err != nil || len(names) != len(m.segs) {
		t.Errorf("files %v, %v; want those of %d segments", names, err, len(m.segs))
	}
	// What is left expires as a whole.
	m.retain(1, 1)
	c.advance(3 * 24 * time.Hour)
	if err := s.Merge(ctx); err != nil {
		t.Fatal(err)
	}
	if names, err := fs.List("/data/parts"); err != nil || len(names) != 0 {
		t.Errorf("files %v, %v; want none", names, err)
	}
}

func TestYoungTombstoneWaitsForAppendsUnderWay(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, fs, m, c.now, manualTuning())
	defer s.Close()
	m.delete(1, 10, c.ms)
	merge := func() {
		t.Helper()
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	merge()
	if len(m.tombs) != 1 {
		t.Fatal("the tombstone was done at once")
	}
	if _, err := s.Append(t.Context(), makeBatch(1, 10, c.ms, event(c.ms, "late"))); err != nil {
		t.Fatal(err)
	}
	c.advance(tombstoneGrace)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(m.tombs) != 1 {
		t.Fatal("the tombstone was done while the memtable held rows")
	}
	merge()
	if len(m.tombs) != 0 || len(m.segs) != 0 {
		t.Fatalf("tombstones %v, segments %v; want none", m.tombs, m.segs)
	}
}

func TestNumberOfPartsStaysBounded(t *testing.T) {
	m, c := newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.mergeFanIn = 4
	s := openStore(t, vfs.NewMem(), m, c.now, tune)
	defer s.Close()
	most := 0
	for i := range 300 {
		b := makeBatch(1, logs.StreamID(1+i%3), c.ms, event(c.ms, strings.Repeat("m", 300)), event(c.ms, "n"))
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.mergeAll(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(m.segs))
		c.advance(time.Minute)
	}
	// Two days, at most fan-in less one part in each of a few tiers.
	if most > 24 {
		t.Errorf("%d parts after 300 flushes", most)
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 600 {
		t.Errorf("%d events, want 600", got)
	}
}

func TestReaderKeepsMergedFiles(t *testing.T) {
	fs, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	tune := manualTuning()
	tune.cacheBytes = 1
	s := openStore(t, fs, m, c.now, tune)
	defer s.Close()
	for i := range 200 {
		b := makeBatch(1, 1, c.ms, event(baseTime+int64(i), strings.Repeat("r", 2000)))
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	n := 0
	_, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(e logs.Event) bool {
		if n == 0 {
			if err := s.Merge(t.Context()); err != nil {
				t.Errorf("merge: %v", err)
			}
		}
		n++
		return true
	})
	if err != nil || n != 200 {
		t.Errorf("%d events, %v; want 200", n, err)
	}
	s.collect()
	if names, err := fs.List("/data/parts"); err != nil || len(names) != len(m.segs) {
		t.Errorf("files %v, %v after the reader is gone; want %d", names, err, len(m.segs))
	}
}

func TestHeadStatsAndPublishedStats(t *testing.T) {
	m, c := newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, vfs.NewMem(), m, c.now, manualTuning())
	defer s.Close()
	put := func(st logs.StreamID, ingestion int64, ts ...int64) {
		t.Helper()
		var events []logs.Event
		for _, x := range ts {
			events = append(events, event(x, "12345"))
		}
		if _, err := s.Append(t.Context(), makeBatch(1, st, ingestion, events...)); err != nil {
			t.Fatal(err)
		}
	}
	put(1, 100, 5, 9)
	put(1, 90, 7, 8)
	put(2, 80, 3)
	want := map[logs.StreamID]StreamStats{1: {First: 5, Last: 9, LastIngestion: 100}, 2: {First: 3, Last: 3, LastIngestion: 80}}
	if got := s.HeadStats(1); len(got) != 2 || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("head stats %v, want %v", got, want)
	}
	if got := s.HeadStreamStats(1, []logs.StreamID{2, 3}); len(got) != 1 || got[2] != want[2] {
		t.Errorf("head stats of stream 2 %v, want %v", got, want[2])
	}
	if got := s.HeadBytes(1); got != 25 {
		t.Errorf("head bytes %d, want 25", got)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.HeadStats(1); len(got) != 0 || s.HeadBytes(1) != 0 {
		t.Errorf("after the flush: %v, %d bytes", got, s.HeadBytes(1))
	}
	if got := m.streams[1]; got.First != 5 || got.Last != 9 || got.LastIngestion != 100 || m.bytes[1] != 25 {
		t.Errorf("published %+v, %d bytes", got, m.bytes[1])
	}
}

func TestAppendRefusesMalformedBatches(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes = 8 << 20
	tune.blockBytes = 0
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	refuse := func(name string, change func(*Batch)) {
		t.Helper()
		b := makeBatch(1, 1, 1, event(1, "a"), event(2, "b"))
		change(&b)
		if _, err := s.Append(t.Context(), b); !errors.Is(err, ErrBadBatch) {
			t.Errorf("%s: %v, want ErrBadBatch", name, err)
		}
	}
	refuse("no group", func(b *Batch) { b.Group = 0 })
	refuse("no stream", func(b *Batch) { b.Stream = 0 })
	refuse("no events", func(b *Batch) { b.Timestamps, b.Ends = nil, nil })
	refuse("an end is missing", func(b *Batch) { b.Ends = b.Ends[:1] })
	refuse("descending", func(b *Batch) { b.Timestamps[1] = 0 })
	refuse("negative", func(b *Batch) { b.Timestamps[0] = -1 })
	refuse("beyond the arena", func(b *Batch) { b.Ends[1] = 100 })
	refuse("ends descend", func(b *Batch) { b.Ends[0], b.Ends[1] = 5, 4 })
	refuse("starts after the first end", func(b *Batch) { b.Start = 10 })
	refuse("too many", func(b *Batch) {
		*b = Batch{Group: 1, Stream: 1, Timestamps: make([]int64, logs.MaxBatchEvents+1), Ends: make([]uint32, logs.MaxBatchEvents+1)}
	})
	refuse("message too long", func(b *Batch) {
		b.Arena = make([]byte, maxMessage+1)
		b.Timestamps, b.Ends, b.Start = []int64{1}, []uint32{maxMessage + 1}, 0
	})
	full := Batch{Group: 1, Stream: 1, Timestamps: make([]int64, logs.MaxBatchEvents), Ends: make([]uint32, logs.MaxBatchEvents)}
	if _, err := s.Append(t.Context(), full); err != nil {
		t.Errorf("%d empty events: %v", logs.MaxBatchEvents, err)
	}
	large := Batch{Group: 1, Stream: 2, Timestamps: []int64{1}, Arena: bytes.Repeat([]byte("x"), maxMessage), Ends: []uint32{maxMessage}}
	if _, err := s.Append(t.Context(), large); err != nil {
		t.Errorf("the longest message: %v", err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, s, Query{Group: 1, Streams: []logs.StreamID{2}, End: 10}, 10, nil); len(got) != 1 || len(got[0].Message) != maxMessage {
		t.Errorf("the longest message did not come back")
	}
	if _, err := s.Scan(t.Context(), Query{}, nil); !errors.Is(err, ErrBadQuery) {
		t.Errorf("scan without a group: %v", err)
	}
}

func TestScanStopsEarlyAndOpensFewBlocks(t *testing.T) {
	c := &clock{ms: baseTime}
	tune := manualTuning()
	tune.memtableBytes = 8 << 20
	s := openStore(t, vfs.NewMem(), newMemManifest(), c.now, tune)
	defer s.Close()
	for i := range 500 {
		if _, err := s.Append(t.Context(), makeBatch(1, logs.StreamID(1+i%7), c.ms, event(baseTime+int64(i)*10, strings.Repeat("s", 1000)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	st, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64, Reverse: true}, func(logs.Event) bool { n++; return n < 5 })
	if err != nil || st.Blocks > 2 || st.Matched != 5 || st.BlocksSkipped < 20 {
		t.Errorf("newest five: %+v, %v; want at most two blocks opened", st, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	n = 0
	_, err = s.Scan(ctx, Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool {
		if n++; n == 10 {
			cancel()
		}
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled scan: %v", err)
	}
}

func TestStreamsOfBlocksAreRemembered(t *testing.T) {
	fault := vfs.NewFault(vfs.NewMem(), nil)
	tune := manualTuning()
	tune.memtableBytes, tune.cacheBytes, tune.blockBytes = 8<<20, 64<<10, 100<<10
	s := openStore(t, fault, newMemManifest(), time.Now, tune)
	defer s.Close()
	for i := range 400 {
		b := makeBatch(1, logs.StreamID(1+i%2*1000), 1, event(baseTime+int64(i), strings.Repeat("d", 2500)))
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The id lies within the range of every block, but in none.
	q := Query{Group: 1, Streams: []logs.StreamID{500}, End: math.MaxInt64}
	collect(t, s, q, math.MaxInt, nil)
	before := fault.Count(vfs.OpRead)
	if got := collect(t, s, q, math.MaxInt, nil); len(got) != 0 || fault.Count(vfs.OpRead) != before {
		t.Errorf("%d events, %d reads; want none", len(got), fault.Count(vfs.OpRead)-before)
	}
	q.Streams = []logs.StreamID{1001}
	if got := collect(t, s, q, math.MaxInt, nil); len(got) != 200 {
		t.Errorf("%d events, want 200", len(got))
	}
}

func TestClosedStore(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, manualTuning())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	_, err := s.Append(t.Context(), makeBatch(1, 1, 1, event(1, "a")))
	_, serr := s.Scan(t.Context(), Query{Group: 1, End: 1}, nil)
	for _, err := range []error{err, serr, s.Flush(t.Context()), s.Merge(t.Context())} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}

// TestCloseUnderLoad closes a store while clients append, scan, flush and
// merge. Each call ends, with success or ErrClosed.
func TestCloseUnderLoad(t *testing.T) {
	tune := manualTuning()
	tune.manual = false
	tune.memtableBytes = 64 << 10
	mem, m := vfs.NewMem(), newMemManifest()
	s := openStore(t, mem, m, time.Now, tune)
	var wg sync.WaitGroup
	var stored atomic.Int64
	started := make(chan struct{}, 100)
	client := func(call func(i int) error) {
		wg.Go(func() {
			for i := 0; ; i++ {
				if err := call(i); errors.Is(err, ErrClosed) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				if i == 5 {
					started <- struct{}{}
				}
			}
		})
	}
	for c := range 4 {
		client(func(i int) error {
			if i > 200 { // slow enough for a merge to come to an end
				time.Sleep(5 * time.Millisecond)
			}
			_, err := s.Append(context.Background(), makeBatch(1, logs.StreamID(1+c), 1, event(int64(i), strings.Repeat("c", 2000))))
			if err == nil {
				stored.Add(1)
			}
			return err
		})
	}
	client(func(int) error {
		_, err := s.Scan(context.Background(), Query{Group: 1, End: math.MaxInt64, Match: func([]byte) bool { return true }}, func(logs.Event) bool { return true })
		return err
	})
	client(func(int) error { return s.Flush(context.Background()) })
	client(func(int) error { return s.Merge(context.Background()) })
	for range 7 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	s = openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); int64(got) != stored.Load() {
		t.Errorf("%d events, want %d", got, stored.Load())
	}
}

func TestIndexStaysOrderedUnderReaders(t *testing.T) {
	m := newMemtable()
	rng := rand.New(rand.NewPCG(3, 3))
	var want []logs.Key
	for lsn := uint64(1); lsn <= 2000; lsn++ {
		c := &chunk{lsn: lsn, group: 1, stream: logs.StreamID(1 + rng.IntN(5)), timestamps: []int64{rng.Int64N(1000)}, ends: []uint32{0}}
		m.add(c, time.Time{})
		want = append(want, c.key(0))
		if rng.IntN(3) > 0 {
			continue
		}
		found, _ := m.sources(1, nil)
		runs := found[0].runs
		for i := 1; i < len(runs); i++ {
			if len(runs[i-1]) < 2*len(runs[i]) {
				t.Fatalf("runs %d and %d have %d and %d rows", i-1, i, len(runs[i-1]), len(runs[i]))
			}
		}
		if lsn%400 > 3 {
			continue
		}
		var got []logs.Key
		for _, r := range found[0].sorted() {
			got = append(got, found[0].chunks[r.chunk].key(int(r.row)))
		}
		slices.SortFunc(want, logs.Key.Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("after %d rows the order is wrong", lsn)
		}
	}
}

func FuzzDecodePut(f *testing.F) {
	b := makeBatch(3, 4, 5, event(10, "hello"), event(10, ""), event(12, "x"))
	c, err := b.check()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(appendPutHeader(nil, c), c.arena[c.start:c.ends[2]]...))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodePut(9, data)
		if err != nil {
			return
		}
		again := append(appendPutHeader(nil, c), c.arena...)
		d, err := decodePut(9, again)
		if err != nil || !slices.Equal(c.timestamps, d.timestamps) || !slices.Equal(c.ends, d.ends) || !bytes.Equal(c.arena, d.arena) {
			t.Fatalf("%x decodes to %+v and encodes to %x, %v", data, c, again, err)
		}
	})
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add([]byte(`{"level":1,"class":7,"day":20000,"tombstones":3,"inputs":["ab"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMeta(data)
		if err != nil {
			return
		}
		if m.Level < 0 || m.Class < -1 || m.Day < -1 || m.Tombstones < 0 {
			t.Fatalf("%q decodes to %+v", data, m)
		}
	})
}
