package store

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// ingest is a steady load on a store with a clock of its own. It counts bytes,
// not time.
type ingest struct {
	t        *testing.T
	s        *Store
	m        *memManifest
	clock    *clock
	rng      *rand.Rand
	lines    bool         // of JSON instead of bytes that cannot be compressed
	written  atomic.Int64 // into parts
	flushed  int64        // of that, by flushes
	raw      int64        // bytes of messages
	rows     int64
	mostOver int // parts over one (group, moment)
	most     int // parts
}

func newIngest(t *testing.T, tune tuning) *ingest {
	in := &ingest{t: t, m: newMemManifest(), clock: &clock{ms: baseTime / dayMillis * dayMillis}, rng: rand.New(rand.NewPCG(9, 9))}
	fault := vfs.NewFault(vfs.NewMem(), &vfs.Plan{After: func(c vfs.Call, err error) {
		if c.Op == vfs.OpWrite && err == nil && strings.Contains(c.Name, "/parts/") {
			in.written.Add(int64(c.Size))
		}
	}})
	in.s = openStore(t, fault, in.m, in.clock.now, tune)
	return in
}

// days runs the load for n days: every flush takes fill bytes, which the groups
// share; late says how far back in time events may be. One day is a minute long.
func (in *ingest) days(n, flushes, groups, fill, message int, late int64) {
	span := 24 * time.Hour
	if n == 1 {
		span = time.Minute
	}
	for range n * flushes {
		for filled := 0; filled < fill; {
			g := logs.GroupID(1 + in.rng.IntN(groups))
			b := Batch{Group: g, Stream: logs.StreamID(int(g)*100 + in.rng.IntN(5)), Ingestion: in.clock.ms}
			ts := in.clock.ms
			if late > 0 {
				ts = max(0, ts-in.rng.Int64N(late))
			}
			for range 8 {
				for from := len(b.Arena); in.lines && len(b.Arena)-from < message; {
					b.Arena = benchLine(b.Arena, in.rng)
				}
				for range message / 8 {
					if in.lines {
						break
					}
					v := in.rng.Uint64()
					b.Arena = append(b.Arena, byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56))
				}
				b.Timestamps = append(b.Timestamps, ts)
				b.Ends = append(b.Ends, uint32(len(b.Arena)))
			}
			in.raw += int64(len(b.Arena))
			in.rows += int64(len(b.Ends))
			filled += len(b.Arena)
			if _, err := in.s.Append(in.t.Context(), b); err != nil {
				in.t.Fatal(err)
			}
		}
		in.clock.advance(span / time.Duration(flushes))
		if err := in.s.Flush(in.t.Context()); err != nil {
			in.t.Fatal(err)
		}
		for _, p := range in.s.cur.parts {
			if p.seg.Level == 0 && p.seg.Created == in.clock.ms {
				in.flushed += p.seg.FileBytes
			}
		}
		if err := in.s.mergeAll(in.t.Context(), false); err != nil {
			in.t.Fatal(err)
		}
		in.look()
	}
}

// look counts parts, and how many lie over one moment of a group at most.
func (in *ingest) look() {
	in.most = max(in.most, len(in.s.cur.parts))
	for _, at := range in.s.cur.parts {
		n := 0
		for _, p := range in.s.cur.parts {
			if p.seg.MinTime <= at.seg.MinTime && at.seg.MinTime <= p.seg.MaxTime &&
				p.seg.GroupLow <= at.seg.GroupLow && at.seg.GroupLow <= p.seg.GroupHigh {
				n++
			}
		}
		in.mostOver = max(in.mostOver, n)
	}
}

// settle lets every day close and counts what is there.
func (in *ingest) settle(groups int) {
	for range 4 {
		in.clock.advance(25 * time.Hour)
		if err := in.s.mergeAll(in.t.Context(), false); err != nil {
			in.t.Fatal(err)
		}
	}
	rows := int64(0)
	for g := range groups {
		_, err := in.s.Scan(in.t.Context(), Query{Group: logs.GroupID(1 + g), End: math.MaxInt64}, func(logs.Event) bool { rows++; return true })
		if err != nil {
			in.t.Fatal(err)
		}
	}
	if rows != in.rows {
		in.t.Errorf("%d events, want %d", rows, in.rows)
	}
	if err := in.s.Close(); err != nil {
		in.t.Error(err)
	}
}

// TestWriteAmplification states how often an event is written to parts: once by the
// flush, once when it leaves level 0, and once for every size tier up to half a
// file. The messages cannot be compressed, so those are also the bytes written
// for each byte ingested. The shapes are those of the defaults: a flush writes
// a fiftieth of a part file.
func TestWriteAmplification(t *testing.T) {
	if testing.Short() {
		t.Skip("writes hundreds of megabytes, one after another")
	}
	normal := manualTuning()
	normal.memtableBytes, normal.blockBytes, normal.fileBytes, normal.walFile = 16<<20, 68<<10, 20<<20, 16<<20
	normal.modes, normal.noIndex = segment.Modes(segment.ModeRaw, segment.ModeShared), true
	short, lines := normal, normal
	short.fileBytes = 1 << 20
	lines.fileBytes = 20 << 20 / 6
	lines.modes, lines.noIndex = 0, false
	for _, c := range []struct {
		name                                string
		tune                                tuning
		days, flushes, groups, fill, rowLen int
		late                                int64
		most                                float64 // times that an event is written
		parts                               int     // at any time
		over                                int     // parts over one moment of a group
		left                                int     // parts when all days are closed
	}{
		// Two groups fill their blocks in every flush: what is full only moves.
		{"full blocks", normal, 3, 64, 2, 408 << 10, 2 << 10, 0, 3, 20, 4, 6},
		// Flushes of a tenth of that climb one tier more.
		{"small flushes", normal, 3, 64, 2, 40 << 10, 2 << 10, 0, 4, 20, 4, 3},
		// Many groups fill a block only after some merges.
		{"many groups", normal, 3, 64, 50, 408 << 10, 512, 0, 3.1, 20, 4, 6},
		// Events up to two days late spread every flush over three days.
		{"late events", normal, 3, 64, 5, 408 << 10, 2 << 10, 2 * dayMillis, 3.5, 40, 20, 9},
		// What can be compressed, taken apart and indexed.
		{"lines of JSON", lines, 2, 24, 2, 408 << 10, 100, 0, 3, 20, 4, 6},
		// A day of 24 files, all of which may hold any moment of it.
		{"shuffled day", short, 1, 600, 5, 40 << 10, 2 << 10, dayMillis, 5, 70, 30, 70},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := newIngest(t, c.tune)
			in.lines = !c.tune.noIndex
			if c.days == 1 {
				in.clock.advance(24*time.Hour - time.Minute)
			}
			in.days(c.days, c.flushes, c.groups, c.fill, c.rowLen, c.late)
			in.settle(c.groups)
			times := float64(in.written.Load()) / float64(in.flushed)
			left := len(in.m.segs)
			t.Logf("written %.2f times, %.2f bytes for each byte ingested; at most %d parts, %d over one moment; %d in the end",
				times, float64(in.written.Load())/float64(in.raw), in.most, in.mostOver, left)
			if times > c.most || in.most > c.parts || in.mostOver > c.over || left > c.left {
				t.Errorf("want at most %.2f, %d, %d and %d", c.most, c.parts, c.over, c.left)
			}
		})
	}
}
