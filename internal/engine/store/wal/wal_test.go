package wal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestAppendReplay(t *testing.T) {
	for _, fsys := range []struct {
		name string
		fs   vfs.FS
		dir  string
	}{{"Mem", vfs.NewMem(), dir}, {"OS", vfs.OS(), t.TempDir()}} {
		t.Run(fsys.name, func(t *testing.T) {
			o := options(fsys.fs)
			o.Dir = fsys.dir
			rng := newRand(1)
			var want []record
			for range 4 {
				h := open(t, o)
				h.replays(want)
				for _, n := range []int{0, 1, 7, 8, 9, 4000, 4096, 20_000, 40_000, 100_000} {
					want = append(want, h.put(message(rng, n)))
				}
				h.close()
			}
			h := open(t, o)
			h.replays(want)
			if want[0].lsn != 1 || !slices.IsSortedFunc(want, func(a, b record) int { return int(a.lsn) - int(b.lsn) }) {
				t.Errorf("LSNs start at %d or do not ascend", want[0].lsn)
			}
			if h.recovery.Records != int64(len(want)) || h.recovery.LastLSN != want[len(want)-1].lsn {
				t.Errorf("recovery %+v", h.recovery)
			}
			h.close()
		})
	}
}

func TestPartsAreGathered(t *testing.T) {
	fsys := vfs.NewMem()
	h := open(t, options(fsys))
	long := strings.Repeat("body of the record ", 5000)
	parts := [][]byte{[]byte("head|"), nil, []byte(long), []byte("|tail")}
	lsn, err := h.log.Append(context.Background(), 9, "tag", parts...)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.applied) != 1 || h.applied[0] != lsn || h.tags[0] != "tag" {
		t.Errorf("applied %v, tags %v", h.applied, h.tags)
	}
	for _, p := range parts {
		clear(p) // the log must not look at them any more
	}
	h.close()
	h = open(t, options(fsys))
	h.replays([]record{{lsn, 9, "head|" + long + "|tail"}})
	h.close()
}

func TestPayloadLimit(t *testing.T) {
	fsys := vfs.NewMem()
	h := open(t, options(fsys))
	_, err := h.log.Append(context.Background(), 1, nil, make([]byte, wal.MaxPayload), []byte{1})
	if !errors.Is(err, wal.ErrTooLarge) {
		t.Fatalf("append above the limit: %v", err)
	}
	at := h.put(strings.Repeat("x", wal.MaxPayload))
	h.close()
	h = open(t, options(fsys))
	h.replays([]record{at})
	h.close()
}

func TestConcurrentAppends(t *testing.T) {
	fsys := vfs.NewMem()
	o := options(fsys)
	o.QueueBytes = 10_000 // appends wait for room, too
	h := open(t, o)
	const workers, each = 16, 60
	var mu sync.Mutex
	var want []record
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := newRand(uint64(w))
			for i := range each {
				payload := fmt.Sprintf("%d/%d %s", w, i, message(rng, rng.IntN(3000)))
				lsn, err := h.log.Append(context.Background(), 1, nil, []byte(payload))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want = append(want, record{lsn, 1, payload})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(want, func(a, b record) int { return int(a.lsn) - int(b.lsn) })
	if len(h.applied) != workers*each || !slices.IsSorted(h.applied) {
		t.Errorf("%d applied, sorted %v", len(h.applied), slices.IsSorted(h.applied))
	}
	if s := h.log.Stats(); s.Records != workers*each || s.Groups == 0 || s.Groups > s.Records {
		t.Errorf("stats %+v", s)
	}
	h.close()
	h = open(t, o)
	h.replays(want)
	h.close()
}

func TestClose(t *testing.T) {
	h := open(t, options(vfs.NewMem()))
	h.put("a")
	h.close()
	h.close()
	if _, err := h.log.Append(context.Background(), 1, nil); !errors.Is(err, wal.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

func TestContext(t *testing.T) {
	fsys := vfs.NewFault(vfs.NewMem(), nil)
	o := options(fsys)
	o.QueueBytes = 1 // one record at a time
	h := open(t, o)
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fsys.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpSync {
			once.Do(func() { close(entered); <-leave })
		}
		return vfs.Failure{}
	}})
	ctx, cancel := context.WithCancel(context.Background())
	queued := make(chan error, 1)
	go func() {
		_, err := h.log.Append(ctx, 1, nil, []byte("queued before the context ended"))
		queued <- err
	}()
	<-entered
	cancel()
	if _, err := h.log.Append(ctx, 1, nil, []byte("never queued")); !errors.Is(err, context.Canceled) {
		t.Errorf("append with a full queue and no context: %v", err)
	}
	close(leave)
	if err := <-queued; err != nil {
		t.Errorf("a queued record follows its context: %v", err)
	}
	h.close()
	h = open(t, o)
	h.replays([]record{{1, 1, "queued before the context ended"}})
	h.close()
}

func TestNextLSNAndCheckpoint(t *testing.T) {
	fsys := vfs.NewMem()
	o := options(fsys)
	o.NextLSN = 1000
	h := open(t, o)
	first, second, third := h.put("one"), h.put("two"), h.put("three")
	if first.lsn != 1000 {
		t.Errorf("first LSN %d", first.lsn)
	}
	h.close()
	o.NextLSN = 0
	h = open(t, o)
	h.replays([]record{first, second, third})
	h.close()
	o.Checkpoint = second.lsn
	h = open(t, o)
	h.replays([]record{third})
	if h.recovery.Skipped != 2 {
		t.Errorf("recovery %+v", h.recovery)
	}
	if fourth := h.put("four"); fourth.lsn <= third.lsn {
		t.Errorf("LSN %d was used", fourth.lsn)
	}
	h.close()
	o.Checkpoint = 5000
	h = open(t, o)
	h.replays(nil)
	if names, _ := fsys.List(dir); len(names) != 0 {
		t.Errorf("files that are not needed remain: %v", names)
	}
	if r := h.put("five"); r.lsn != 5001 {
		t.Errorf("LSN %d after checkpoint 5000", r.lsn)
	}
	h.close()
}

func TestOptionsAreValidated(t *testing.T) {
	apply := func([]*wal.Pending) {}
	good := wal.Options{FS: vfs.NewMem(), Dir: dir, Apply: apply}
	for name, change := range map[string]func(*wal.Options){
		"no FS":          func(o *wal.Options) { o.FS = nil },
		"no directory":   func(o *wal.Options) { o.Dir = "" },
		"no Apply":       func(o *wal.Options) { o.Apply = nil },
		"small file":     func(o *wal.Options) { o.FileSize = 4096 },
		"large file":     func(o *wal.Options) { o.FileSize = 1<<40 + 1 },
		"queue":          func(o *wal.Options) { o.QueueBytes = -1 },
		"LSN bound":      func(o *wal.Options) { o.NextLSN = wal.MaxLSN + 1 },
		"checkpoint":     func(o *wal.Options) { o.Checkpoint = wal.MaxLSN + 1 },
		"replay failing": nil,
	} {
		o := good
		if change == nil {
			h := open(t, wal.Options{FS: o.FS, Dir: dir, FileSize: smallFile})
			h.put("x")
			h.close()
			o.Replay = func(uint64, byte, []byte) error { return errors.New("no") }
		} else {
			change(&o)
		}
		if l, _, err := wal.Open(context.Background(), o); err == nil {
			t.Errorf("%s: opened", name)
			l.Close()
		}
	}
}

func TestRelease(t *testing.T) {
	fsys := vfs.NewMem()
	o := options(fsys)
	h := open(t, o)
	rng := newRand(3)
	var all []record
	for range 60 { // about ten files
		all = append(all, h.put(message(rng, 9000)))
	}
	count := func(suffix string) (n int) {
		names, err := fsys.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, suffix) {
				n++
			}
		}
		return n
	}
	before := count(".wal")
	if before < 8 {
		t.Fatalf("only %d files", before)
	}
	if err := h.log.Release(all[0].lsn - 1); err != nil || count(".wal") != before {
		t.Fatalf("release of nothing: %v, %d files", err, count(".wal"))
	}
	if err := h.log.Release(all[39].lsn); err != nil {
		t.Fatal(err)
	}
	if got := count(".free"); got != 4 {
		t.Errorf("%d recycled files, want 4", got)
	}
	left := count(".wal")
	for range 12 {
		all = append(all, h.put(message(rng, 9000)))
	}
	if got := count(".free"); got >= 4 {
		t.Errorf("%d recycled files, none was used", got)
	}
	if s := h.log.Stats(); s.Files != count(".wal") || s.Files <= left || s.Free != count(".free") || s.Backlog == 0 {
		t.Errorf("stats %+v", s)
	}
	h.close()
	o.Checkpoint = all[39].lsn
	h = open(t, o)
	h.replays(all[40:])
	if err := h.log.Release(all[len(all)-1].lsn); err != nil {
		t.Fatal(err)
	}
	h.close()
	if got := count(".wal"); got != 0 {
		t.Errorf("%d files after all were released", got)
	}
}
