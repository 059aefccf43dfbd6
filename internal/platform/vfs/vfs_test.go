package vfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/platform/vfs/vfstest"
)

func TestConformance(t *testing.T) {
	mem := func() vfs.FS {
		m := vfs.NewMem()
		if err := m.MkdirAll("/data"); err != nil {
			t.Fatal(err)
		}
		return m
	}
	t.Run("OS", func(t *testing.T) {
		vfstest.Run(t, func(t *testing.T) (vfs.FS, string) { return vfs.OS(), t.TempDir() })
	})
	t.Run("Mem", func(t *testing.T) {
		vfstest.Run(t, func(*testing.T) (vfs.FS, string) { return mem(), "/data" })
	})
	t.Run("FaultNoPlan", func(t *testing.T) {
		vfstest.Run(t, func(*testing.T) (vfs.FS, string) { return vfs.NewFault(mem(), nil), "/data" })
	})
	t.Run("FaultOverOS", func(t *testing.T) {
		vfstest.Run(t, func(t *testing.T) (vfs.FS, string) {
			return vfs.NewFault(vfs.OS(), &vfs.Plan{}), t.TempDir()
		})
	})
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, fsys vfs.FS, name string, content []byte) vfs.File {
	t.Helper()
	f, err := fsys.Create(name)
	ok(t, err)
	_, err = f.Write(content)
	ok(t, err)
	return f
}

// crashes returns many crash clones of m, with seeds that repeat.
func crashes(m *vfs.Mem, fn func(seed uint64, c *vfs.Mem)) {
	for seed := range uint64(200) {
		fn(seed, m.CrashClone(rand.New(rand.NewPCG(seed, 1))))
	}
}

// read returns the content of a file of a clone, or nil when the name is gone.
func read(t *testing.T, c *vfs.Mem, name string) []byte {
	t.Helper()
	b, err := vfs.ReadFile(c, name, 1<<20)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	ok(t, err)
	return append([]byte{}, b...)
}

func TestCrashKeepsWhatWasSynced(t *testing.T) {
	m := vfs.NewMem()
	f := create(t, m, "a", bytes.Repeat([]byte("1"), 10_000))
	ok(t, f.Sync())
	ok(t, m.SyncDir("."))
	crashes(m, func(seed uint64, c *vfs.Mem) {
		if got := read(t, c, "a"); !bytes.Equal(got, bytes.Repeat([]byte("1"), 10_000)) {
			t.Fatalf("seed %d: synced content is gone", seed)
		}
	})
}

func TestCrashDropsUnsyncedPagesOneByOne(t *testing.T) {
	m := vfs.NewMem()
	f := create(t, m, "a", bytes.Repeat([]byte("1"), 3*4096))
	ok(t, f.Sync())
	ok(t, m.SyncDir("."))
	_, err := f.WriteAt(bytes.Repeat([]byte("2"), 3*4096), 4096)
	ok(t, err)
	seen := map[string]bool{}
	crashes(m, func(seed uint64, c *vfs.Mem) {
		got := read(t, c, "a")
		state := ""
		for at := 0; at < len(got); at += 4096 {
			page := got[at : at+4096]
			if !bytes.Equal(page, bytes.Repeat(page[:1], 4096)) {
				t.Fatalf("seed %d: a page is torn", seed)
			}
			state += fmt.Sprintf("%x", page[0]&3)
		}
		if state[0] != '1' {
			t.Fatalf("seed %d: a page that was not written changed", seed)
		}
		seen[state] = true
	})
	// Pages 1 and 2 old or new; page 3 absent, zero or new.
	if len(seen) != 12 {
		t.Errorf("%d outcomes, want 12: %v", len(seen), seen)
	}
}

func TestCrashNames(t *testing.T) {
	m := vfs.NewMem()
	ok(t, create(t, m, "old", []byte("old")).Sync())
	ok(t, create(t, m, "gone", []byte("gone")).Sync())
	ok(t, m.SyncDir("/"))
	ok(t, create(t, m, "tmp", []byte("new")).Sync())
	ok(t, m.Rename("tmp", "old"))
	ok(t, m.Remove("gone"))
	seen := map[string]bool{}
	crashes(m, func(_ uint64, c *vfs.Mem) {
		seen[fmt.Sprintf("%s %s %s", read(t, c, "old"), read(t, c, "gone"), read(t, c, "tmp"))] = true
	})
	for _, want := range []string{"old gone ", "old gone new", "old  ", "new  ", "new gone ", "old  new"} {
		if !seen[want] {
			t.Errorf("never saw %q in %v", want, seen)
		}
		delete(seen, want)
	}
	if len(seen) > 0 {
		t.Errorf("impossible outcomes %v", seen)
	}
	ok(t, m.SyncDir("/"))
	crashes(m, func(seed uint64, c *vfs.Mem) {
		if string(read(t, c, "old")) != "new" || read(t, c, "gone") != nil || read(t, c, "tmp") != nil {
			t.Fatalf("seed %d: a synced directory changed", seed)
		}
	})
}

func TestCrashTruncation(t *testing.T) {
	m := vfs.NewMem()
	f := create(t, m, "a", bytes.Repeat([]byte("1"), 10_000))
	ok(t, f.Sync())
	ok(t, m.SyncDir("/"))
	ok(t, f.Truncate(0))
	sizes := map[int]bool{}
	crashes(m, func(seed uint64, c *vfs.Mem) {
		got := read(t, c, "a")
		sizes[len(got)] = true
		if !bytes.Equal(got, bytes.Repeat([]byte("1"), len(got))) {
			t.Fatalf("seed %d: a lost truncation changed content", seed)
		}
	})
	if !sizes[0] || !sizes[10_000] || len(sizes) != 2 {
		t.Errorf("sizes %v, want 0 and 10000", sizes)
	}
}

func TestCrashCloneIsIndependent(t *testing.T) {
	m := vfs.NewMem()
	f := create(t, m, "a", []byte("one"))
	ok(t, f.Sync())
	ok(t, m.SyncDir("/"))
	c := m.CrashClone(rand.New(rand.NewPCG(1, 1)))
	g, err := c.OpenFile("a")
	ok(t, err)
	_, err = g.Write([]byte("two"))
	ok(t, err)
	_, err = f.WriteAt([]byte("six"), 0)
	ok(t, err)
	if a, b := read(t, m, "a"), read(t, c, "a"); string(a) != "six" || string(b) != "two" {
		t.Errorf("original %q, clone %q", a, b)
	}
}

func TestLockDiesWithTheProcess(t *testing.T) {
	m := vfs.NewMem()
	l, err := m.Lock("LOCK")
	ok(t, err)
	defer l.Close()
	c := m.CrashClone(rand.New(rand.NewPCG(1, 1)))
	again, err := c.Lock("LOCK")
	ok(t, err)
	ok(t, again.Close())
}

func TestMemLimit(t *testing.T) {
	m := vfs.NewMem()
	m.SetLimit(10_000)
	f := create(t, m, "a", make([]byte, 9_000))
	n, err := f.Write(make([]byte, 3_000))
	if n != 1_000 || !vfs.IsNoSpace(err) {
		t.Fatalf("Write = %d, %v; want 1000 and no space", n, err)
	}
	if _, err := f.WriteAt(make([]byte, 10_000), 0); err != nil {
		t.Fatalf("overwriting needs no space: %v", err)
	}
	if err := f.Preallocate(10_001); !vfs.IsNoSpace(err) {
		t.Fatalf("Preallocate: %v", err)
	}
	ok(t, m.Remove("a"))
	if got := m.Used(); got != 10_000 {
		t.Errorf("used %d while the removed file is open", got)
	}
	ok(t, f.Close())
	if got := m.Used(); got != 0 {
		t.Errorf("used %d after the last handle was closed", got)
	}
	if free, _ := m.FreeSpace("/"); free != 10_000 {
		t.Errorf("free %d", free)
	}
}

func TestFaultPlan(t *testing.T) {
	var after []string
	plan := &vfs.Plan{
		Inject: func(c vfs.Call) vfs.Failure {
			switch {
			case c.Op == vfs.OpWrite && c.Nth == 2:
				return vfs.Failure{Err: syscall.ENOSPC, Short: 3}
			case c.Op == vfs.OpSync && c.Nth == 1:
				return vfs.Failure{Lost: true}
			case c.Op == vfs.OpSync && c.Nth == 2:
				return vfs.Failure{Err: syscall.EIO, DropDirty: true}
			}
			return vfs.Failure{}
		},
		After: func(c vfs.Call, err error) { after = append(after, fmt.Sprintf("%s%d%v", c.Op, c.Nth, err)) },
	}
	mem := vfs.NewMem()
	fsys := vfs.NewFault(mem, plan)
	f, err := fsys.Create("a")
	ok(t, err)
	ok(t, fsys.SyncDir("/"))
	_, err = f.Write([]byte("12345"))
	ok(t, err)
	n, err := f.Write([]byte("67890"))
	if n != 3 || !vfs.IsNoSpace(err) {
		t.Fatalf("short write = %d, %v", n, err)
	}
	if got := read(t, mem, "a"); string(got) != "12345678" {
		t.Fatalf("after a short write: %q", got)
	}
	durable := func() (kept, lost bool) {
		crashes(mem, func(_ uint64, c *vfs.Mem) {
			if bytes.HasPrefix(read(t, c, "a"), []byte("12345")) {
				kept = true
			} else {
				lost = true
			}
		})
		return
	}
	ok(t, f.Sync())
	if _, lost := durable(); !lost {
		t.Error("a lost sync made data durable")
	}
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("second sync: %v", err)
	}
	ok(t, f.Sync())
	if _, lost := durable(); !lost {
		t.Error("a sync after a failed one made the dropped pages durable")
	}
	if got := read(t, mem, "a"); string(got) != "12345678" {
		t.Errorf("reads after a failed sync: %q", got)
	}
	_, err = f.WriteAt([]byte("1"), 0)
	ok(t, err)
	ok(t, f.Sync())
	if _, lost := durable(); lost {
		t.Error("a page written again and synced was lost")
	}
	want := []string{"create1<nil>", "syncdir1<nil>", "write1<nil>", "sync1<nil>", "sync3<nil>", "write3<nil>", "sync4<nil>"}
	if fmt.Sprint(after) != fmt.Sprint(want) {
		t.Errorf("After saw %v, want %v", after, want)
	}
	fsys.SetPlan(&vfs.Plan{Inject: vfs.FailOn(vfs.OpRename, nil, syscall.EIO)})
	if err := fsys.Rename("a", "b"); !errors.Is(err, syscall.EIO) {
		t.Errorf("Rename: %v", err)
	}
	fsys.SetPlan(nil)
	ok(t, fsys.Rename("a", "b"))
	if got := fsys.Count(vfs.OpRename); got != 2 {
		t.Errorf("%d renames counted", got)
	}
}

func TestIsNoSpace(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {syscall.EIO, false}, {syscall.ENOSPC, true}, {syscall.EDQUOT, true},
		{&os.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}, true},
		{fmt.Errorf("commit: %w", syscall.EDQUOT), true},
	} {
		if got := vfs.IsNoSpace(c.err); got != c.want {
			t.Errorf("IsNoSpace(%v) = %v", c.err, got)
		}
	}
}

func TestWriteFileCrash(t *testing.T) {
	mem := vfs.NewMem()
	ok(t, vfs.WriteFile(mem, "a", []byte("old")))
	rng := rand.New(rand.NewPCG(7, 7))
	clones := 0
	fsys := vfs.NewFault(mem, &vfs.Plan{After: func(c vfs.Call, _ error) {
		for range 20 {
			clones++
			if got := string(read(t, mem.CrashClone(rng), "a")); got != "old" && got != "new" {
				t.Errorf("crash after %s %d: %q", c.Op, c.Nth, got)
			}
		}
	}})
	ok(t, vfs.WriteFile(fsys, "a", []byte("new")))
	if clones == 0 {
		t.Fatal("no crash was tried")
	}
	for range 20 {
		if got := string(read(t, mem.CrashClone(rng), "a")); got != "new" {
			t.Errorf("after success: %q", got)
		}
	}
	fsys.SetPlan(&vfs.Plan{Inject: vfs.FailOn(vfs.OpWrite, nil, syscall.ENOSPC)})
	if err := vfs.WriteFile(fsys, "a", []byte("x")); !vfs.IsNoSpace(err) {
		t.Errorf("WriteFile on a full disk: %v", err)
	}
	if names, _ := mem.List("/"); len(names) != 1 {
		t.Errorf("a temporary file was left: %v", names)
	}
}
