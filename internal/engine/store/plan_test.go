package store

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestPlan: which parts the next merge in the background takes.
func TestPlan(t *testing.T) {
	const kib, day = 1 << 10, baseTime / dayMillis
	s := openStore(t, vfs.NewMem(), newMemManifest(), func() time.Time { return time.UnixMilli(baseTime) }, func() tuning {
		tune := manualTuning()
		tune.fileBytes, tune.mergeFanIn = 256*kib, 4
		return tune
	}())
	defer s.Close()
	n := 0
	mk := func(level int, day int64, size int64, age time.Duration) *part {
		n++
		return s.newPart(catalog.Segment{
			ID: fmt.Sprintf("%02d", n), Level: level, Day: day, FileBytes: size, Created: baseTime - age.Milliseconds(), MaxLSN: uint64(n),
			GroupLow: 1, GroupHigh: 9, MinTime: day * dayMillis, MaxTime: (day+1)*dayMillis - 1,
		})
	}
	times := func(n int, f func() *part) (out []*part) {
		for range n {
			out = append(out, f())
		}
		return out
	}
	for _, c := range []struct {
		name  string
		parts []*part
		all   bool
		want  int    // parts that are merged
		why   string // the reason of the job
	}{
		{"few flushed parts", times(3, func() *part { return mk(0, -1, 5*kib, 0) }), false, 0, ""},
		{"flushed parts", times(5, func() *part { return mk(0, -1, 5*kib, 0) }), false, 5, "flushed parts"},
		{"few flushed parts, all", times(2, func() *part { return mk(0, -1, 5*kib, 0) }), true, 2, "flushed parts"},
		{"many flushed parts", times(80, func() *part { return mk(0, -1, 5*kib, 0) }), false, maxMergeInputs, "flushed parts"},
		{"a tier that is not full", times(3, func() *part { return mk(1, day, 20*kib, 0) }), false, 0, ""},
		{"a full tier and a smaller part", append(times(4, func() *part { return mk(1, day, 20*kib, 0) }), mk(1, day, kib, 0)), false, 5, "full tier"},
		{"some full parts over one moment", times(4, func() *part { return mk(2, day, 200*kib, 0) }), false, 0, ""},
		{"full parts over one moment", times(5, func() *part { return mk(2, day, 200*kib, 0) }), false, 5, "full parts over one moment"},
		{"full parts of two days", []*part{mk(2, day, 200*kib, 0), mk(2, day, 200*kib, 0), mk(2, day, 200*kib, 0), mk(2, day-1, 200*kib, 0), mk(2, day-1, 200*kib, 0)}, false, 0, ""},
		{"a closed day that just got events", []*part{mk(1, day-3, 20*kib, 30*time.Hour), mk(1, day-3, 20*kib, time.Minute)}, false, 0, ""},
		{"a closed day with parts of one size", []*part{mk(1, day-3, 20*kib, 30*time.Hour), mk(1, day-3, 20*kib, 2*time.Hour)}, false, 2, "late events"},
		{"a closed day with a large and a small part", []*part{mk(1, day-3, 100*kib, 30*time.Hour), mk(1, day-3, kib, 2*time.Hour)}, false, 0, ""},
		{"a closed day with a large and two small parts", []*part{mk(1, day-3, 100*kib, 30*time.Hour), mk(1, day-3, kib, 2*time.Hour), mk(1, day-3, kib, 2*time.Hour)}, false, 2, "late events"},
		{"a closed day at rest", []*part{mk(1, day-3, 100*kib, 30*time.Hour), mk(1, day-3, kib, 25*time.Hour)}, false, 2, "closed day"},
		{"a closed day in one part", []*part{mk(1, day-3, 100*kib, 30*time.Hour), mk(2, day-3, 200*kib, 25*time.Hour)}, false, 0, ""},
		{"an open day, all", []*part{mk(1, day, 100*kib, 0), mk(1, day, kib, 0)}, true, 2, "closed day"},
	} {
		job := s.plan(c.parts, c.all)
		got, why := 0, ""
		if job != nil {
			got, why = len(job.inputs), job.reason
			if job.urgent != c.all || job.level < 1 {
				t.Errorf("%s: %+v", c.name, job)
			}
		}
		if got != c.want || why != c.why {
			t.Errorf("%s: %d parts because of %q, want %d because of %q", c.name, got, why, c.want, c.why)
		}
	}
}

// TestLateEventsOfClosedDaysAreJoined: a group that brings a few events of old
// days for weeks leaves few parts of them, and does not write those days again each time.
func TestLateEventsOfClosedDaysAreJoined(t *testing.T) {
	in := newIngest(t, func() tuning {
		tune := manualTuning()
		tune.memtableBytes, tune.fileBytes = 4<<20, 1<<20
		return tune
	}())
	rng := rand.New(rand.NewPCG(12, 12))
	first := dayOf(in.clock.ms)
	put := func(ts int64, events, size int) {
		t.Helper()
		b := Batch{Group: 1, Stream: 1, Ingestion: in.clock.ms}
		for i := range events {
			for range size {
				b.Arena = append(b.Arena, 'a'+byte(rng.IntN(26)))
			}
			b.Timestamps = append(b.Timestamps, ts+int64(i))
			b.Ends = append(b.Ends, uint32(len(b.Arena)))
		}
		in.raw += int64(len(b.Arena))
		in.rows += int64(events)
		if _, err := in.s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	put(in.clock.ms, 1000, 200) // the day itself: 200 kB
	for range 30 * 8 {          // and for a month three hundred bytes every three hours
		in.clock.advance(3 * time.Hour)
		put(first*dayMillis+rng.Int64N(dayMillis), 3, 100)
		if err := in.s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := in.s.mergeAll(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		in.look()
	}
	written, raw := in.written.Load(), in.raw
	in.settle(1)
	left := 0
	for _, g := range in.m.segs {
		if g.Day == first {
			left++
		}
	}
	// The small parts cost their frames many times over, but the day is not written
	// every time: that would be 240 times its size.
	if left != 1 || in.most > 16 || written > 6*raw {
		t.Errorf("%d parts of the day are left, %d at most; %d bytes written for %d", left, in.most, written, raw)
	}
	t.Logf("at most %d parts; %d bytes written for %d", in.most, written, raw)
}

// TestMergeOpensFewBlocks: far more overlapping blocks than a merge opens at once
// come out complete, and in an order that readers can follow.
func TestMergeOpensFewBlocks(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.fileBytes, tune.noIndex = 16<<20, 70<<10, 64<<20, true
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	rng := rand.New(rand.NewPCG(13, 13))
	parts := 3*maxOpen + 1
	for i := range parts {
		noise(t, s, rng, logs.StreamID(1+i), baseTime, 150, 1000)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, overlap := blocksOf(t, s)
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 150*parts || overlap > 2*4 || len(s.cur.parts) != 1 {
		t.Errorf("%d events in %d parts, want %d; %d blocks overlap", got, len(s.cur.parts), 150*parts, overlap)
	}
}
