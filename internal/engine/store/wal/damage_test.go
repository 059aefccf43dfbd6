package wal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// damagedLog makes a log of several files and groups of several records.
func damagedLog(t *testing.T, seed uint64, clean bool) (*vfs.Mem, []record) {
	t.Helper()
	disk := vfs.NewMem()
	fsys := vfs.NewFault(disk, nil)
	h := open(t, options(fsys))
	rng := newRand(seed)
	var want []record
	for range 20 {
		want = append(want, group(t, h, fsys, rng)...)
	}
	crashed := disk.CrashClone(newRand(seed))
	h.close()
	if !clean {
		return crashed, want
	}
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // the truncation at the end, too
		f, err := disk.OpenFile(filepath.Join(dir, name))
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	return disk, want
}

// group appends a group of several records: the first record's sync waits for the
// others to be queued.
func group(t *testing.T, h *harness, fsys *vfs.Fault, rng *rand.Rand) []record {
	t.Helper()
	var mu sync.Mutex
	var got []record
	add := func(payload string) {
		lsn, err := h.log.Append(context.Background(), 1, nil, []byte(payload))
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		got = append(got, record{lsn, 1, payload})
		mu.Unlock()
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	fsys.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpSync {
			once.Do(func() { close(entered); <-leave })
		}
		return vfs.Failure{}
	}})
	payloads := make([]string, 6)
	for i := range payloads {
		payloads[i] = message(rng, rng.IntN(4000))
	}
	var wg sync.WaitGroup
	wg.Go(func() { add(payloads[0]) })
	<-entered
	for _, p := range payloads[1:] {
		wg.Go(func() { add(p) })
	}
	close(leave)
	wg.Wait()
	fsys.SetPlan(nil)
	out := make([]record, len(got))
	for _, r := range got {
		out[int(r.lsn-minLSN(got))] = r
	}
	return out
}

func minLSN(rs []record) uint64 {
	least := rs[0].lsn
	for _, r := range rs {
		least = min(least, r.lsn)
	}
	return least
}

// hurt damages one file of a log at random, and says how and whether it was the
// last file.
func hurt(t *testing.T, disk *vfs.Mem, rng *rand.Rand) (how string, last bool) {
	t.Helper()
	names, err := disk.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	name := names[rng.IntN(len(names))]
	path := filepath.Join(dir, name)
	f, err := disk.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, _ := f.Size()
	at := rng.Int64N(size)
	how = fmt.Sprintf("%s of %d at %d: ", name, size, at)
	switch rng.IntN(6) {
	case 0, 1:
		how += "flip a bit"
		b := make([]byte, 1)
		_, _ = f.ReadAt(b, at)
		b[0] ^= 1 << rng.IntN(8)
		_, err = f.WriteAt(b, at)
	case 2:
		how += "zero a page"
		at = at / 4096 * 4096
		_, err = f.WriteAt(make([]byte, min(4096, size-at)), at)
	case 3:
		how += "scramble bytes"
		b := make([]byte, min(rng.Int64N(20_000), size-at))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		_, err = f.WriteAt(b, at)
	case 4:
		how += "truncate"
		err = f.Truncate(at)
	case 5:
		how += "empty or remove"
		if rng.IntN(2) == 0 {
			err = disk.Remove(path)
		} else {
			err = f.Truncate(0)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = disk.SyncDir(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	return how, name == names[len(names)-1]
}

// TestDamage: whatever happens to a file, recovery gives all records, or says which
// are lost; salvage gives the others. Only the end of the last file may vanish
// unnoticed, where damage cannot be told from a write that was cut short.
func TestDamage(t *testing.T) {
	type made struct {
		disk *vfs.Mem
		want []record
	}
	logs := map[string]made{}
	found, unnoticed := 0, 0
	for seed := range seeds(100, 400) {
		rng := newRand(seed)
		clean := rng.IntN(2) == 0
		kind := fmt.Sprint(seed%5, clean)
		if _, ok := logs[kind]; !ok {
			disk, want := damagedLog(t, seed%5, clean)
			logs[kind] = made{disk, want}
		}
		disk, want := logs[kind].disk.CrashClone(newRand(1)), logs[kind].want
		how, last := hurt(t, disk, rng)
		how = fmt.Sprintf("seed %d, clean %v: %s", seed, clean, how)

		salvaged := disk.CrashClone(newRand(1)) // opened instead of disk, which stays
		h, err := tryOpen(t, options(disk))
		var damage *wal.CorruptionError
		switch {
		case err == nil:
			if n := len(h.replayed); n < len(want) {
				unnoticed++
				small := strings.Contains(how, "flip") || strings.Contains(how, "zero")
				if !last || clean && small {
					t.Fatalf("%s: %d of %d records and no error", how, n, len(want))
				}
				want = want[:n]
			}
			h.replays(want)
			h.close()
		case errors.As(err, &damage):
			found++
			if damage.File == "" || damage.From == 0 || damage.To < damage.From || damage.Hint == "" {
				t.Fatalf("%s: %+v", how, damage)
			}
		default:
			t.Fatalf("%s: %v", how, err)
		}

		o := options(salvaged)
		o.Salvage = true
		s, serr := tryOpen(t, o)
		if serr != nil {
			t.Fatalf("%s: salvage: %v", how, serr)
		}
		if (err != nil) != (len(s.recovery.Lost) > 0) {
			t.Fatalf("%s: open says %v, salvage says %+v", how, err, s.recovery.Lost)
		}
		lost := func(lsn uint64) bool {
			for _, l := range s.recovery.Lost {
				if l.From <= lsn && lsn <= l.To {
					return true
				}
			}
			return false
		}
		rest := s.replayed
		for _, r := range want {
			switch {
			case len(rest) > 0 && rest[0] == r:
				if lost(r.lsn) {
					t.Fatalf("%s: record %d is there and called lost", how, r.lsn)
				}
				rest = rest[1:]
			case !lost(r.lsn):
				t.Fatalf("%s: record %d is missing and not in %+v", how, r.lsn, s.recovery.Lost)
			}
		}
		if len(rest) > 0 {
			t.Fatalf("%s: %s came from nowhere", how, brief(rest))
		}
		// The next start does not fail for the same damage.
		s.close()
		o.Salvage = false
		after := open(t, o)
		after.replays(s.replayed)
		after.close()
		o.Salvage = true
		s = open(t, o)
		// Life goes on, and with a checkpoint the damage is forgotten.
		next := s.put("after the salvage")
		if err := s.log.Release(s.recovery.LastLSN); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		s.close()
		o = options(salvaged)
		o.Checkpoint = s.recovery.LastLSN
		s = open(t, o)
		s.replays([]record{next})
		s.close()
	}
	if found == 0 || unnoticed == 0 {
		t.Errorf("%d damages found, %d unnoticed: the test does not reach both", found, unnoticed)
	}
	t.Logf("%d damages found, %d losses of the end unnoticed", found, unnoticed)
}

// TestSalvageKeepsTheRestOfAGroup: one flipped byte costs one record.
func TestSalvageKeepsTheRestOfAGroup(t *testing.T) {
	disk, want := damagedLog(t, 3, true)
	victim := want[len(want)/2]
	names, _ := disk.List(dir)
	hit := false
	for _, name := range names {
		path := filepath.Join(dir, name)
		content, err := vfs.ReadFile(disk, path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if at := strings.Index(string(content), victim.payload); at >= 0 && len(victim.payload) > 50 {
			hit = true
			f, err := disk.OpenFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte("#"), int64(at)+20); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	if !hit {
		t.Fatalf("record %d was not found", victim.lsn)
	}
	o := options(disk)
	_, err := tryOpen(t, o)
	var damage *wal.CorruptionError
	if !errors.As(err, &damage) || !strings.Contains(err.Error(), "salvage") {
		t.Fatalf("open: %v", err)
	}
	report, err := wal.Inspect(context.Background(), disk, dir, 0)
	if err != nil || len(report.Lost) != 1 || report.Records != int64(len(want)-1) {
		t.Fatalf("inspect: %+v, %v", report, err)
	}
	o.Salvage = true
	h := open(t, o)
	h.replays(append(append([]record{}, want[:len(want)/2]...), want[len(want)/2+1:]...))
	if l := h.recovery.Lost; len(l) != 1 || l[0].From != victim.lsn || l[0].To != victim.lsn {
		t.Errorf("lost %+v, want %d only", l, victim.lsn)
	}
	next := h.put("x")
	h.close()
	// The loss is accepted, for good.
	o.Salvage = false
	h = open(t, o)
	h.replays(append(append(append([]record{}, want[:len(want)/2]...), want[len(want)/2+1:]...), next))
	if len(h.recovery.Lost) != 1 {
		t.Errorf("the next start reports %+v", h.recovery.Lost)
	}
	last := h.recovery.LastLSN
	if err := h.log.Release(last); err != nil {
		t.Fatal(err)
	}
	h.close()
	o.Checkpoint = last
	h = open(t, o)
	h.close()
	names, _ = disk.List(dir)
	if all := strings.Join(names, " "); !strings.Contains(all, ".damaged") || strings.Contains(all, "salvaged") {
		t.Errorf("the damaged file was not kept, or the note was: %v", names)
	}
}

// TestTornTail: a group that was being written when the power went is cut off.
func TestTornTail(t *testing.T) {
	disk := vfs.NewMem()
	fsys := vfs.NewFault(disk, nil)
	h := open(t, options(fsys))
	want := []record{h.put("acknowledged")}
	var torn *vfs.Mem
	// The second write of the file takes the group back: the crash is before it.
	plan := func(c vfs.Call) vfs.Failure {
		if c.Op != vfs.OpWrite {
			return vfs.Failure{}
		}
		if c.Size > 4096 {
			return vfs.Failure{Err: syscall.EIO, Short: 4096}
		}
		if torn == nil {
			for seed := uint64(0); ; seed++ { // a clone that kept the page
				torn = disk.CrashClone(newRand(seed))
				if r, err := wal.Inspect(context.Background(), torn, dir, 0); err == nil && r.TornBytes > 0 {
					break
				}
				if seed == 100 {
					t.Error("no clone has a torn tail")
					break
				}
			}
		}
		return vfs.Failure{}
	}
	fsys.SetPlan(&vfs.Plan{Inject: plan})
	if _, err := h.log.Append(context.Background(), 1, nil, []byte(randomText(20_000))); !errors.Is(err, wal.ErrFailed) {
		t.Fatalf("append: %v", err)
	}
	h.close()
	h = open(t, options(torn))
	h.replays(want)
	if got := h.recovery.TornBytes; got != 20480 && got != 24576 {
		t.Errorf("torn bytes %d", got)
	}
	want = append(want, h.put("after the crash"))
	h.close()
	h = open(t, options(torn))
	h.replays(want)
	h.close()
}

func TestDamagedLastHeader(t *testing.T) {
	disk, _ := damagedLog(t, 1, false)
	names, _ := disk.List(dir)
	last := filepath.Join(dir, names[len(names)-1])
	f, err := disk.OpenFile(last)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// One copy of the header is enough.
	if _, err := f.WriteAt(make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	h := open(t, options(disk.CrashClone(newRand(1))))
	h.close()
	if _, err := f.WriteAt(make([]byte, 4096), 4096); err != nil {
		t.Fatal(err)
	}
	_, err = tryOpen(t, options(disk))
	var damage *wal.CorruptionError
	if !errors.As(err, &damage) || damage.To != wal.MaxLSN || damage.File != names[len(names)-1] {
		t.Fatalf("open: %v", err)
	}
}

func TestUnknownVersion(t *testing.T) {
	disk, _ := damagedLog(t, 1, true)
	names, _ := disk.List(dir)
	// Both copies claim version 2, with a good checksum.
	wal.SetVersionForTest(t, disk, filepath.Join(dir, names[0]), 2)
	if _, err := tryOpen(t, options(disk)); !errors.Is(err, wal.ErrVersion) {
		t.Fatalf("open: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	disk, want := damagedLog(t, 2, true)
	fsys := vfs.NewFault(disk, &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpRead && c.Nth == 5 {
			return vfs.Failure{Err: syscall.EIO}
		}
		return vfs.Failure{}
	}})
	if _, err := tryOpen(t, options(fsys)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("open of an unreadable file: %v", err)
	}
	fsys = vfs.NewFault(disk, &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpRead && c.Size == 4096 { // the pages of the window that failed, one by one
			return vfs.Failure{}
		}
		if c.Op == vfs.OpRead && c.Size > 8192 {
			return vfs.Failure{Err: syscall.EIO}
		}
		return vfs.Failure{}
	}})
	o := options(fsys)
	o.Salvage = true
	h := open(t, o)
	h.replays(want)
	h.close()
}

func TestCanceledOpen(t *testing.T) {
	disk, _ := damagedLog(t, 2, true)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o := options(disk)
	o.Apply = func([]*wal.Pending) {}
	if _, _, err := wal.Open(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("open: %v", err)
	}
}
