// Package vfstest holds the conformance suite of vfs.FS. Every implementation
// and every wrapper passes it.
package vfstest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Run runs the suite. open returns a file system and an existing empty
// directory in it, new for every call.
func Run(t *testing.T, open func(t *testing.T) (fsys vfs.FS, dir string)) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, s suite)
	}{
		{"Create", testCreate},
		{"OpenFile", testOpenFile},
		{"Positions", testPositions},
		{"ReadAtEnd", testReadAtEnd},
		{"ReadOnly", testReadOnly},
		{"Truncate", testTruncate},
		{"Preallocate", testPreallocate},
		{"Closed", testClosed},
		{"Remove", testRemove},
		{"RemoveAll", testRemoveAll},
		{"Rename", testRename},
		{"Directories", testDirectories},
		{"Stat", testStat},
		{"Lock", testLock},
		{"FreeSpace", testFreeSpace},
		{"Concurrent", testConcurrent},
		{"WholeFiles", testWholeFiles},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys, dir := open(t)
			c.run(t, suite{FS: fsys, t: t, dir: dir})
		})
	}
}

type suite struct {
	vfs.FS
	t   *testing.T
	dir string
}

func (s suite) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s suite) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("unexpected error: %v", err)
	}
}

func (s suite) fails(err, want error) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.t.Fatalf("error %v, want %v", err, want)
	}
}

func (s suite) write(name, content string) {
	s.t.Helper()
	f, err := s.Create(s.path(name))
	s.ok(err)
	_, err = f.Write([]byte(content))
	s.ok(err)
	s.ok(f.Sync())
	s.ok(f.Close())
}

func (s suite) holds(name, want string) {
	s.t.Helper()
	got, err := vfs.ReadFile(s.FS, s.path(name), 1<<20)
	s.ok(err)
	if string(got) != want {
		s.t.Fatalf("%s holds %q, want %q", name, got, want)
	}
}

func (s suite) lists(dir string, want ...string) {
	s.t.Helper()
	got, err := s.List(s.path(dir))
	s.ok(err)
	if !slices.Equal(got, want) {
		s.t.Fatalf("List(%s) = %q, want %q", dir, got, want)
	}
}

func testCreate(t *testing.T, s suite) {
	s.write("a", "first, long")
	s.write("a", "second")
	s.holds("a", "second")
	_, err := s.Create(s.path("missing/a"))
	s.fails(err, fs.ErrNotExist)
	s.ok(s.MkdirAll(s.path("d")))
	if _, err := s.Create(s.path("d")); err == nil {
		t.Fatal("Create of a directory succeeded")
	}
	if _, err := s.Create(s.path("a/b")); err == nil {
		t.Fatal("Create below a file succeeded")
	}
}

func testOpenFile(t *testing.T, s suite) {
	f, err := s.OpenFile(s.path("a"))
	s.ok(err)
	_, err = f.WriteAt([]byte("hello"), 0)
	s.ok(err)
	s.ok(f.Close())
	f, err = s.OpenFile(s.path("a"))
	s.ok(err)
	_, err = f.WriteAt([]byte("J"), 0)
	s.ok(err)
	s.ok(f.Close())
	s.holds("a", "Jello")
	_, err = s.OpenFile(s.path("missing/a"))
	s.fails(err, fs.ErrNotExist)
	_, err = s.Open(s.path("b"))
	s.fails(err, fs.ErrNotExist)
}

func testPositions(t *testing.T, s suite) {
	f, err := s.Create(s.path("a"))
	s.ok(err)
	defer f.Close()
	for _, part := range []string{"one ", "two ", "three"} {
		n, err := f.Write([]byte(part))
		s.ok(err)
		if n != len(part) {
			t.Fatalf("Write = %d, want %d", n, len(part))
		}
	}
	_, err = f.WriteAt([]byte("TWO"), 4)
	s.ok(err)
	_, err = f.WriteAt([]byte("far"), 10_000)
	s.ok(err)
	size, err := f.Size()
	s.ok(err)
	if size != 10_003 {
		t.Fatalf("size %d, want 10003", size)
	}
	got, err := vfs.ReadFile(s.FS, s.path("a"), 1<<20)
	s.ok(err)
	want := append([]byte("one TWO three"), make([]byte, 10_000-13)...)
	if want = append(want, "far"...); !bytes.Equal(got, want) {
		t.Fatal("content differs")
	}
	r, err := s.Open(s.path("a"))
	s.ok(err)
	defer r.Close()
	all, err := io.ReadAll(r)
	s.ok(err)
	if !bytes.Equal(all, want) {
		t.Fatal("content read in sequence differs")
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("Read at the end = %d, %v", n, err)
	}
}

func testReadAtEnd(t *testing.T, s suite) {
	s.write("a", "0123456789")
	f, err := s.Open(s.path("a"))
	s.ok(err)
	defer f.Close()
	buf := make([]byte, 4)
	for _, c := range []struct {
		off  int64
		want string
		err  error
	}{{0, "0123", nil}, {6, "6789", nil}, {8, "89", io.EOF}, {10, "", io.EOF}, {1 << 40, "", io.EOF}} {
		n, err := f.ReadAt(buf, c.off)
		if string(buf[:n]) != c.want || err != c.err {
			t.Errorf("ReadAt(%d) = %q, %v; want %q, %v", c.off, buf[:n], err, c.want, c.err)
		}
	}
	if _, err := f.ReadAt(buf, -1); err == nil {
		t.Error("ReadAt(-1) succeeded")
	}
}

func testReadOnly(t *testing.T, s suite) {
	s.write("a", "x")
	f, err := s.Open(s.path("a"))
	s.ok(err)
	defer f.Close()
	if _, err := f.Write([]byte("y")); err == nil {
		t.Error("Write succeeded")
	}
	if _, err := f.WriteAt([]byte("y"), 0); err == nil {
		t.Error("WriteAt succeeded")
	}
	if f.Truncate(0) == nil {
		t.Error("Truncate succeeded")
	}
	s.holds("a", "x")
}

func testTruncate(t *testing.T, s suite) {
	f, err := s.Create(s.path("a"))
	s.ok(err)
	defer f.Close()
	_, err = f.WriteAt(bytes.Repeat([]byte("x"), 9000), 0)
	s.ok(err)
	s.ok(f.Truncate(5000))
	s.ok(f.Truncate(12_000))
	got, err := vfs.ReadFile(s.FS, s.path("a"), 1<<20)
	s.ok(err)
	want := append(bytes.Repeat([]byte("x"), 5000), make([]byte, 7000)...)
	if !bytes.Equal(got, want) {
		t.Fatal("bytes beyond a truncation came back")
	}
	if f.Truncate(-1) == nil {
		t.Error("Truncate(-1) succeeded")
	}
}

func testPreallocate(t *testing.T, s suite) {
	f, err := s.Create(s.path("a"))
	s.ok(err)
	defer f.Close()
	_, err = f.WriteAt([]byte("head"), 0)
	s.ok(err)
	s.ok(f.Preallocate(70_000))
	s.ok(f.Preallocate(10))
	got, err := vfs.ReadFile(s.FS, s.path("a"), 1<<20)
	s.ok(err)
	if want := append([]byte("head"), make([]byte, 69_996)...); !bytes.Equal(got, want) {
		t.Fatalf("content differs, %d bytes", len(got))
	}
}

func testClosed(t *testing.T, s suite) {
	f, err := s.Create(s.path("a"))
	s.ok(err)
	s.ok(f.Close())
	_, err = f.Write([]byte("x"))
	s.fails(err, fs.ErrClosed)
	_, err = f.ReadAt(make([]byte, 1), 0)
	s.fails(err, fs.ErrClosed)
	s.fails(f.Sync(), fs.ErrClosed)
	s.fails(f.Close(), fs.ErrClosed)
}

func testRemove(t *testing.T, s suite) {
	s.write("a", "kept by the handle")
	f, err := s.Open(s.path("a"))
	s.ok(err)
	defer f.Close()
	s.ok(s.Remove(s.path("a")))
	s.fails(s.Remove(s.path("a")), fs.ErrNotExist)
	got, err := io.ReadAll(f)
	s.ok(err)
	if string(got) != "kept by the handle" {
		t.Fatalf("removed file reads %q", got)
	}
	s.ok(s.MkdirAll(s.path("d")))
	s.write("d/x", "")
	if s.Remove(s.path("d")) == nil {
		t.Fatal("removed a directory with a file in it")
	}
	s.ok(s.Remove(s.path("d/x")))
	s.ok(s.Remove(s.path("d")))
	s.lists("")
}

func testRemoveAll(t *testing.T, s suite) {
	s.ok(s.MkdirAll(s.path("d/e/f")))
	s.write("d/x", "1")
	s.write("d/e/f/y", "2")
	s.write("z", "3")
	s.ok(s.RemoveAll(s.path("d")))
	s.ok(s.RemoveAll(s.path("d")))
	s.ok(s.RemoveAll(s.path("no/such")))
	s.lists("", "z")
	s.ok(s.RemoveAll(s.path("z")))
	s.lists("")
}

func testRename(t *testing.T, s suite) {
	s.write("a", "A")
	s.write("b", "B")
	s.ok(s.Rename(s.path("a"), s.path("b")))
	s.holds("b", "A")
	s.lists("", "b")
	s.fails(s.Rename(s.path("a"), s.path("c")), fs.ErrNotExist)
	s.ok(s.MkdirAll(s.path("d")))
	s.ok(s.Rename(s.path("b"), s.path("d/b")))
	s.holds("d/b", "A")
	s.fails(s.Rename(s.path("d/b"), s.path("no/b")), fs.ErrNotExist)
	s.ok(s.Rename(s.path("d"), s.path("e")))
	s.holds("e/b", "A")
	s.lists("", "e")
}

func testDirectories(t *testing.T, s suite) {
	s.ok(s.MkdirAll(s.path("a/b/c")))
	s.ok(s.MkdirAll(s.path("a/b/c")))
	s.write("a/b/y", "")
	s.write("a/b/x", "")
	s.lists("a/b", "c", "x", "y")
	s.lists("a/b/c")
	if s.MkdirAll(s.path("a/b/x")) == nil {
		t.Fatal("MkdirAll of a file succeeded")
	}
	if s.MkdirAll(s.path("a/b/x/y")) == nil {
		t.Fatal("MkdirAll below a file succeeded")
	}
	_, err := s.List(s.path("none"))
	s.fails(err, fs.ErrNotExist)
	s.ok(s.SyncDir(s.path("a/b")))
	s.fails(s.SyncDir(s.path("none")), fs.ErrNotExist)
}

func testStat(t *testing.T, s suite) {
	s.write("a", "12345")
	s.ok(s.MkdirAll(s.path("d")))
	i, err := s.Stat(s.path("a"))
	s.ok(err)
	if i.Name != "a" || i.Size != 5 || i.Dir || i.Modified.IsZero() {
		t.Errorf("Stat(a) = %+v", i)
	}
	i, err = s.Stat(s.path("d"))
	s.ok(err)
	if i.Name != "d" || !i.Dir {
		t.Errorf("Stat(d) = %+v", i)
	}
	_, err = s.Stat(s.path("none"))
	s.fails(err, fs.ErrNotExist)
}

func testLock(t *testing.T, s suite) {
	l, err := s.Lock(s.path("LOCK"))
	s.ok(err)
	_, err = s.Lock(s.path("LOCK"))
	s.fails(err, vfs.ErrLocked)
	s.ok(l.Close())
	l, err = s.Lock(s.path("LOCK"))
	s.ok(err)
	s.ok(l.Close())
	_, err = s.Lock(s.path("none/LOCK"))
	s.fails(err, fs.ErrNotExist)
}

func testFreeSpace(t *testing.T, s suite) {
	n, err := s.FreeSpace(s.dir)
	s.ok(err)
	if n <= 0 {
		t.Fatalf("FreeSpace = %d", n)
	}
}

func testConcurrent(t *testing.T, s suite) {
	f, err := s.Create(s.path("a"))
	s.ok(err)
	defer f.Close()
	const workers, each = 8, 1000
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			p := bytes.Repeat([]byte{byte('a' + w)}, each)
			if _, err := f.WriteAt(p, int64(w*each)); err != nil {
				t.Error(err)
			}
			if err := f.Sync(); err != nil {
				t.Error(err)
			}
			got := make([]byte, each)
			if _, err := f.ReadAt(got, int64(w*each)); err != nil || !bytes.Equal(got, p) {
				t.Errorf("worker %d reads %q…, %v", w, got[:8], err)
			}
		})
	}
	wg.Wait()
}

func testWholeFiles(t *testing.T, s suite) {
	s.ok(vfs.WriteFile(s.FS, s.path("a"), []byte("one")))
	s.ok(vfs.WriteFile(s.FS, s.path("a"), []byte("two")))
	s.holds("a", "two")
	s.lists("", "a")
	_, err := vfs.ReadFile(s.FS, s.path("a"), 3)
	s.ok(err)
	_, err = vfs.ReadFile(s.FS, s.path("a"), 2)
	s.fails(err, vfs.ErrTooLarge)
}
