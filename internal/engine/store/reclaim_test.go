package store

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// diskBytes returns the sizes of all files below dir.
func diskBytes(t *testing.T, fsys vfs.FS, dir string) (n int64) {
	t.Helper()
	names, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		info, err := fsys.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Dir {
			n += diskBytes(t, fsys, filepath.Join(dir, name))
		} else {
			n += info.Size
		}
	}
	return n
}

// reclaimWorld is a store with groups 1 and 2 of two streams each and events of
// three days.
type reclaimWorld struct {
	t     *testing.T
	fs    vfs.FS
	dir   string
	m     *memManifest
	clock *clock
	s     *Store
}

// newReclaimWorld fills the store with the events that want accepts.
func newReclaimWorld(t *testing.T, fsys vfs.FS, dir string, want func(g logs.GroupID, st logs.StreamID, day int) bool) *reclaimWorld {
	w := &reclaimWorld{t: t, fs: fsys, dir: dir, m: newMemManifest(), clock: &clock{ms: baseTime + dayMillis/4}}
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.fileBytes, tune.walFile = 8<<20, 80<<10, 1<<20, 4<<20
	tune.noIndex = true
	s, err := Open(t.Context(), Options{FS: fsys, Dir: dir, Manifest: w.m, Now: w.clock.now, tune: tune})
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	rng := rand.New(rand.NewPCG(3, 3))
	for day := range 3 {
		for g := logs.GroupID(1); g <= 2; g++ {
			for k := range 2 {
				st := logs.StreamID(int(g)*10 + k)
				for i := range 8 {
					b := Batch{Group: g, Stream: st, Ingestion: w.clock.ms}
					for j := range 20 {
						for range 1 << 10 {
							b.Arena = append(b.Arena, byte(rng.Uint32()))
						}
						b.Timestamps = append(b.Timestamps, w.clock.ms-int64(2-day)*dayMillis+int64(i*1000+j))
						b.Ends = append(b.Ends, uint32(len(b.Arena)))
					}
					if !want(g, st, day) {
						continue
					}
					if _, err := s.Append(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.merge()
	return w
}

// merge does what the background does within 25 hours, ten minutes at a time.
func (w *reclaimWorld) merge() {
	w.t.Helper()
	for range 150 {
		if err := w.s.mergeAll(w.t.Context(), false); err != nil {
			w.t.Fatal(err)
		}
		w.clock.advance(10 * time.Minute)
	}
}

func (w *reclaimWorld) parts() int64 { return diskBytes(w.t, w.fs, filepath.Join(w.dir, "parts")) }

func (w *reclaimWorld) rows(g logs.GroupID) (n int) {
	if _, err := w.s.Scan(w.t.Context(), Query{Group: g, End: math.MaxInt64}, func(logs.Event) bool { n++; return true }); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestDiskSpaceComesBack measures the directory: a day after a group or a stream
// was deleted, a retention was shortened, or a day has expired, a store is about as large as
// one that never had the events, without anybody asking for it.
func TestDiskSpaceComesBack(t *testing.T) {
	const perStreamDay = 8 * 20
	all := func(logs.GroupID, logs.StreamID, int) bool { return true }
	for _, c := range []struct {
		name   string
		change func(w *reclaimWorld)
		left   func(g logs.GroupID, st logs.StreamID, day int) bool // nil: nothing
		rows1  int                                                  // of group 1 in the end
		rows2  int
	}{
		{"group deleted", func(w *reclaimWorld) { w.m.delete(1, 0, w.clock.ms) },
			func(g logs.GroupID, _ logs.StreamID, _ int) bool { return g == 2 }, 0, 6 * perStreamDay},
		{"stream deleted", func(w *reclaimWorld) { w.m.delete(1, 10, w.clock.ms) },
			func(_ logs.GroupID, st logs.StreamID, _ int) bool { return st != 10 }, 3 * perStreamDay, 6 * perStreamDay},
		{"retention shortened", func(w *reclaimWorld) { w.m.retain(1, 1); w.m.retain(2, 30) },
			func(g logs.GroupID, _ logs.StreamID, _ int) bool { return g == 2 }, 0, 6 * perStreamDay},
		// A day at most after the oldest day has passed the retention of both.
		{"a day expires", func(w *reclaimWorld) { w.m.retain(1, 3); w.m.retain(2, 3) },
			func(_ logs.GroupID, _ logs.StreamID, day int) bool { return day == 2 }, 2 * perStreamDay, 2 * perStreamDay},
		{"everything goes", func(w *reclaimWorld) { w.m.delete(1, 0, w.clock.ms); w.m.delete(2, 0, w.clock.ms) }, nil, 0, 0},
	} {
		for _, system := range []string{"memory", "disk"} {
			t.Run(c.name+"/"+system, func(t *testing.T) {
				open := func(want func(logs.GroupID, logs.StreamID, int) bool) *reclaimWorld {
					if system == "disk" {
						return newReclaimWorld(t, vfs.OS(), t.TempDir(), want)
					}
					return newReclaimWorld(t, vfs.NewMem(), "/data", want)
				}
				want := int64(0)
				if c.left != nil {
					w := open(c.left)
					want = w.parts()
					if err := w.s.Close(); err != nil {
						t.Fatal(err)
					}
				}
				w := open(all)
				before := w.parts()
				c.change(w)
				w.merge()
				after := w.parts()
				if after > want+want/20 || before < want+want/20 {
					t.Errorf("%d bytes of parts, %d before, want about %d", after, before, want)
				}
				if n1, n2 := w.rows(1), w.rows(2); n1 != c.rows1 || n2 != c.rows2 {
					t.Errorf("%d and %d events, want %d and %d", n1, n2, c.rows1, c.rows2)
				}
				if len(w.m.tombs) != 0 {
					t.Errorf("tombstones %v are left", w.m.tombs)
				}
				// The log was let go by the flushes; what is left of it is bounded.
				if whole := diskBytes(t, w.fs, w.dir); whole > after+6*w.s.o.tune.walFile {
					t.Errorf("%d bytes in all, %d of parts", whole, after)
				}
				if err := w.s.Close(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
