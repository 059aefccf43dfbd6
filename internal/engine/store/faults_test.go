package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestEveryCallFailsOnce: whichever call on a part fails, in whichever way, while
// several goroutines encode, a flush or merge either succeeds or leaves everything as it
// was: no file, no goroutine, no event lost; and the next one succeeds.
func TestEveryCallFailsOnce(t *testing.T) {
	failures := map[string]vfs.Failure{
		"EIO":         {Err: syscall.EIO},
		"ENOSPC":      {Err: syscall.ENOSPC},
		"short write": {Err: syscall.ENOSPC, Short: 100},
		"dropped":     {Err: syscall.EIO, DropDirty: true},
	}
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.fileBytes, tune.encoders = 8<<20, 70<<10, 600<<10, 3
	tune.modes, tune.noIndex = segment.Modes(segment.ModeRaw, segment.ModeShared), true
	for name, f := range failures {
		if testing.Short() && name != "short write" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
			fault := vfs.NewFault(mem, nil)
			s := openStore(t, fault, m, c.now, tune)
			defer s.Close()
			rng := rand.New(rand.NewPCG(17, 17))
			stored := 0
			put := func() {
				t.Helper()
				noise(t, s, rng, logs.StreamID(1+stored%3), baseTime+int64(rng.IntN(500)), 100, 1500)
				stored += 100
			}
			// run fails the nth call until none is left to fail.
			run := func(what string, prepare func(), do func() error) {
				t.Helper()
				step := int64(1)
				if testing.Short() { // each call costs another look at everything stored
					step = 3
				}
				for nth := int64(1); ; nth += step {
					prepare()
					var calls atomic.Int64
					var hit atomic.Bool
					fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
						ok := strings.Contains(c.Name, "/parts") && (c.Op.Mutates() || c.Op == vfs.OpClose || c.Op == vfs.OpRead || c.Op == vfs.OpOpen)
						if ok && f.DropDirty {
							ok = c.Op == vfs.OpSync
						}
						if ok && calls.Add(1) == nth {
							hit.Store(true)
							f := f
							if c.Op != vfs.OpWrite {
								f.Short = 0
							}
							f.Err = &fs.PathError{Op: string(c.Op), Path: c.Name, Err: f.Err}
							return f
						}
						return vfs.Failure{}
					}})
					err := do()
					fault.SetPlan(nil)
					if err != nil && (!hit.Load() || !errors.Is(err, f.Err)) {
						t.Fatalf("%s, call %d: %v", what, nth, err)
					}
					where := fmt.Sprintf("%s, call %d", what, nth)
					if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != stored {
						t.Fatalf("%s: %d events, want %d", where, got, stored)
					}
					names, lerr := mem.List("/data/parts")
					if lerr != nil {
						t.Fatal(lerr)
					}
					for _, file := range names {
						if strings.HasSuffix(file, tempSuffix) && err == nil {
							t.Fatalf("%s: %s is left", where, file)
						}
					}
					c.advance(checkEvery) // files that could not be read are looked at again
					if err := do(); err != nil {
						t.Fatalf("%s, then: %v", where, err)
					}
					if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != stored {
						t.Fatalf("%s, then: %d events, want %d", where, got, stored)
					}
					if !hit.Load() {
						t.Logf("%s: fewer than %d calls", what, nth)
						return
					}
				}
			}
			run("flush", put, func() error { return s.Flush(t.Context()) })
			run("merge", func() {
				for range 2 {
					put()
					if err := s.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}, func() error { return s.Merge(t.Context()) })
			for _, p := range s.cur.parts {
				if p.avoid {
					t.Errorf("%s is left alone", p.path)
				}
			}
			if err := Verify(t.Context(), mem, "/data", m, func(r PartReport) error {
				if !r.OK() {
					return fmt.Errorf("%+v", r)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}
