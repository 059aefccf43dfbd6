package objstore_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/objstore/objstoretest"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func openLocal(t *testing.T, fsys vfs.FS, dir string) *objstore.Local {
	t.Helper()
	l, err := objstore.OpenLocal(t.Context(), objstore.LocalOptions{FS: fsys, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestLocalOS(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return openLocal(t, vfs.OS(), t.TempDir()) })
}

func TestLocalMem(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store { return openLocal(t, vfs.NewMem(), "objects") })
}

func md5hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// A store finds everything again, and plain files are what other tools see.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := openLocal(t, vfs.OS(), dir)
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	bucket := objstore.Bucket{Name: "bkt", Account: "123456789012", Region: "eu-west-1", Created: made}
	if err := s.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	o, err := s.Put(t.Context(), "bkt", "logs/2026/000000.gz", strings.NewReader("hello"), 5, objstore.PutOptions{Metadata: objstore.Metadata{ContentType: "application/gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "bkt", "logs", "2026", "000000.gz"))
	if err != nil || string(data) != "hello" {
		t.Errorf("plain file: %q, %v", data, err)
	}
	// A file that was put there by hand is an object.
	if err := os.WriteFile(filepath.Join(dir, "bkt", "by hand.txt"), []byte("by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context(), "bkt", "logs/2026/000000.gz"); !errors.Is(err, objstore.ErrClosed) {
		t.Errorf("closed store: %v", err)
	}
	s = openLocal(t, vfs.OS(), dir)
	if b, err := s.Bucket(t.Context(), "bkt"); err != nil || b != bucket {
		t.Errorf("bucket %+v, %v", b, err)
	}
	got, err := s.Head(t.Context(), "bkt", "logs/2026/000000.gz")
	if err != nil || cmp.Diff(o, got) != "" {
		t.Errorf("head: %v\n%s", err, cmp.Diff(o, got))
	}
	page, err := s.List(t.Context(), "bkt", objstore.ListOptions{})
	if err != nil || len(page.Objects) != 2 || page.Objects[0].Key != "by hand.txt" || !strings.HasSuffix(page.Objects[0].ETag, "-1") {
		t.Errorf("list: %+v, %v", page, err)
	}
	// Changed by hand: the metadata no longer counts.
	if err := os.WriteFile(filepath.Join(dir, "bkt", "logs", "2026", "000000.gz"), []byte("hello, world"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err = s.Head(t.Context(), "bkt", "logs/2026/000000.gz")
	if err != nil || got.Size != 12 || got.ETag == o.ETag {
		t.Errorf("changed by hand: %+v, %v", got, err)
	}
}

// A page far into a large bucket costs names, not files.
func TestListManyKeys(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 keys")
	}
	const n = 100_000
	mem := vfs.NewMem()
	s := openLocal(t, mem, "objects")
	if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
		t.Fatal(err)
	}
	if err := mem.MkdirAll("objects/bkt/flat"); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f, err := mem.Create(fmt.Sprintf("objects/bkt/flat/%06d", i))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	fault := vfs.NewFault(mem, &vfs.Plan{})
	s = openLocal(t, fault, "objects")
	o := objstore.ListOptions{Prefix: "flat/"}
	seen, pages := 0, 0
	for {
		page, err := s.List(t.Context(), "bkt", o)
		if err != nil {
			t.Fatal(err)
		}
		seen, pages = seen+len(page.Objects), pages+1
		if o.After = page.Next; page.Next == "" {
			break
		}
	}
	if seen != n || pages != n/1000 {
		t.Errorf("%d keys on %d pages", seen, pages)
	}
	if stats := fault.Count(vfs.OpStat); stats > 6*n {
		t.Errorf("%d stats for %d keys", stats, n)
	}
	before := fault.Count(vfs.OpStat)
	page, err := s.List(t.Context(), "bkt", objstore.ListOptions{Delimiter: "/"})
	if err != nil || len(page.Prefixes) != 1 || page.Prefixes[0] != "flat/" {
		t.Errorf("%+v, %v", page, err)
	}
	if stats := fault.Count(vfs.OpStat) - before; stats > 10 {
		t.Errorf("%d stats to roll a directory up", stats)
	}
}

func FuzzKeys(f *testing.F) {
	for _, k := range objstoretest.OddKeys {
		f.Add(k, k)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if objstore.CheckKey(a) != nil || objstore.CheckKey(b) != nil {
			return
		}
		mem := vfs.NewMem()
		s := openLocal(t, mem, "top/objects")
		if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{a, b} {
			if _, err := s.Put(t.Context(), "bkt", k, strings.NewReader(k), -1, objstore.PutOptions{}); err != nil {
				t.Fatalf("put %q: %v", k, err)
			}
		}
		want := []string{min(a, b)}
		if a != b {
			want = append(want, max(a, b))
		}
		page, err := s.List(t.Context(), "bkt", objstore.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range page.Objects {
			got = append(got, o.Key)
			r, err := s.Get(t.Context(), "bkt", o.Key, nil)
			if err != nil {
				t.Fatal(err)
			}
			data, _ := io.ReadAll(r)
			if r.Close(); string(data) != o.Key {
				t.Fatalf("%q holds %q", o.Key, data)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		// Nothing is outside of the bucket and the store's own directory.
		for dir, want := range map[string][]string{"/": {"top"}, "top": {"objects"}, "top/objects": {".cumulog", "bkt"}, "top/objects/.cumulog": {"buckets", "meta", "tmp", "uploads"}} {
			if names, err := mem.List(dir); err != nil || cmp.Diff(want, names) != "" {
				t.Fatalf("%s holds %v, %v", dir, names, err)
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	s, err := objstore.OpenLocal(b.Context(), objstore.LocalOptions{FS: vfs.OS(), Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.CreateBucket(b.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Put(b.Context(), "bkt", "dir/key", bytes.NewReader(data), int64(len(data)), objstore.PutOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
