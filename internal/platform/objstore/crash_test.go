package objstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// version is what a key may hold: nothing, or a content with its metadata.
type version struct {
	exists  bool
	content string
}

func (v version) put(t *testing.T, s objstore.Store, key string) error {
	_, err := s.Put(t.Context(), "bkt", key, strings.NewReader(v.content), int64(len(v.content)),
		objstore.PutOptions{Metadata: objstore.Metadata{ContentType: "type/" + v.content[:4]}})
	return err
}

// read returns what the store has under key, and checks that bytes, ETag and
// metadata belong together.
func read(t *testing.T, s objstore.Store, key string) version {
	t.Helper()
	r, err := s.Get(t.Context(), "bkt", key, nil)
	if errors.Is(err, objstore.ErrNoSuchKey) {
		return version{}
	}
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if md5hex(data) != r.Object.ETag || r.Object.Metadata.ContentType != "type/"+string(data[:4]) {
		t.Fatalf("%q: bytes %.20q… do not belong to %+v", key, data, r.Object)
	}
	return version{true, string(data)}
}

// TestCrash takes a crash clone of the file system after every call that
// changes it, and opens a store on it. What was acknowledged is there; the write
// under way is there whole or not at all. Contents are of one length, so that
// nothing but the journal can tell them apart.
func TestCrash(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { crash(t, seed) })
	}
}

func crash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	mem := vfs.NewMem()
	acknowledged := map[string]version{}
	var busy string // key of the write under way
	var next version
	checks := 0
	plan := &vfs.Plan{After: func(c vfs.Call, err error) {
		if !c.Op.Mutates() || busy == "" {
			return
		}
		checks++
		clone := mem.CrashClone(rng)
		s := openLocal(t, clone, "objects")
		for key, want := range acknowledged {
			got := read(t, s, key)
			if got != want && !(key == busy && got == next) {
				t.Fatalf("seed %d, after %s %s: %q is %.20q, want %.20q", seed, c.Op, c.Name, key, got.content, want.content)
			}
		}
		// The store goes on, and a second crash changes nothing.
		if _, err := s.List(t.Context(), "bkt", objstore.ListOptions{}); err != nil {
			t.Fatal(err)
		}
		before := read(t, s, busy)
		if again := read(t, openLocal(t, clone.CrashClone(rng), "objects"), busy); again != before {
			t.Fatalf("seed %d, after %s %s: %q changes with a second crash", seed, c.Op, c.Name, busy)
		}
	}}
	s := openLocal(t, vfs.NewFault(mem, plan), "objects")
	if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
		t.Fatal(err)
	}
	keys := []string{"a", "a/b", "a/b/c", "d/e/f", "x"}
	for _, k := range keys {
		acknowledged[k] = version{}
	}
	for i := range 30 {
		busy, next = keys[rng.IntN(len(keys))], version{}
		if rng.IntN(4) == 0 {
			if err := s.Delete(t.Context(), "bkt", busy, ""); err != nil {
				t.Fatal(err)
			}
		} else {
			next = version{true, fmt.Sprintf("%04d", i) + strings.Repeat("x", 5000)}
			if err := next.put(t, s, busy); err != nil {
				t.Fatal(err)
			}
		}
		acknowledged[busy] = next
		busy = ""
	}
	if checks < 100 {
		t.Fatalf("only %d crashes", checks)
	}
}

// A multipart upload survives a crash with all acknowledged parts, and its
// completion is all or nothing.
func TestCrashMultipart(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	mem := vfs.NewMem()
	var id string
	parts := 0
	plan := &vfs.Plan{After: func(c vfs.Call, _ error) {
		if !c.Op.Mutates() || id == "" || c.Op == vfs.OpWrite {
			return
		}
		s := openLocal(t, mem.CrashClone(rng), "objects")
		_, list, _, err := s.Parts(t.Context(), "bkt", "k", id, 0, 10)
		_, herr := s.Head(t.Context(), "bkt", "k")
		switch {
		case herr == nil: // completed
		case err != nil || len(list) < parts:
			t.Fatalf("after %s %s: %d parts of %d, %v", c.Op, c.Name, len(list), parts, err)
		}
	}}
	s := openLocal(t, vfs.NewFault(mem, plan), "objects")
	if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
		t.Fatal(err)
	}
	up, err := s.CreateUpload(t.Context(), "bkt", "k", objstore.Metadata{}, objstore.Checksum{})
	if err != nil {
		t.Fatal(err)
	}
	id = up.ID
	var done []objstore.CompletedPart
	data := bytes.Repeat([]byte("x"), objstore.MinPartSize)
	for n := 1; n <= 2; n++ {
		p, err := s.PutPart(t.Context(), "bkt", "k", id, n, bytes.NewReader(data), -1, nil)
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, objstore.CompletedPart{Number: n, ETag: p.ETag})
		parts = n
	}
	if _, err := s.CompleteUpload(t.Context(), "bkt", "k", id, done, objstore.CompleteOptions{Size: -1}); err != nil {
		t.Fatal(err)
	}
	reopened := openLocal(t, mem.CrashClone(rng), "objects")
	if o, err := reopened.Head(t.Context(), "bkt", "k"); err != nil || o.Size != 2*objstore.MinPartSize {
		t.Fatalf("%+v, %v", o, err)
	}
}

// TestFaults fails each kind of call once at each turn: the write reports an
// error, the key holds old or new whole, and the store goes on, also after a
// restart.
func TestFaults(t *testing.T) {
	old, next := version{true, "old " + strings.Repeat("x", 5000)}, version{true, "next" + strings.Repeat("x", 5000)}
	for _, op := range []vfs.Op{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpRename, vfs.OpMkdirAll, vfs.OpRemove} {
		for nth := 1; ; nth++ {
			mem := vfs.NewMem()
			fault := vfs.NewFault(mem, &vfs.Plan{})
			s := openLocal(t, fault, "objects")
			if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
				t.Fatal(err)
			}
			if err := old.put(t, s, "d/k"); err != nil {
				t.Fatal(err)
			}
			seen := 0
			fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
				if c.Op == op {
					if seen++; seen == nth {
						return vfs.Failure{Err: syscall.EIO}
					}
				}
				return vfs.Failure{}
			}})
			err := next.put(t, s, "d/k")
			fault.SetPlan(&vfs.Plan{})
			if seen < nth {
				break // there are no more such calls
			}
			// What cannot be removed from tmp is removed later.
			if err == nil && op != vfs.OpRemove {
				t.Errorf("%s %d: no error", op, nth)
			}
			if got := read(t, s, "d/k"); got != old && got != next {
				t.Errorf("%s %d: %.20q", op, nth, got.content)
			}
			if got := read(t, openLocal(t, mem.CrashClone(rand.New(rand.NewPCG(1, 1))), "objects"), "d/k"); got != old && got != next {
				t.Errorf("%s %d: after a crash %.20q", op, nth, got.content)
			}
			if err := s.Delete(t.Context(), "bkt", "d/k", ""); err != nil {
				t.Errorf("%s %d: delete: %v", op, nth, err)
			}
			if got := read(t, openLocal(t, mem.CrashClone(rand.New(rand.NewPCG(1, 1))), "objects"), "d/k"); got.exists {
				t.Errorf("%s %d: deleted object comes back", op, nth)
			}
			if err := old.put(t, s, "d/k"); err != nil || read(t, s, "d/k") != old {
				t.Errorf("%s %d: the store does not go on: %v", op, nth, err)
			}
		}
	}
}

// A full disk refuses writes with ErrNoSpace, keeps reads and deletions
// working, and forgets nothing.
func TestFullDisk(t *testing.T) {
	mem := vfs.NewMem()
	s := openLocal(t, mem, "objects")
	if err := s.CreateBucket(t.Context(), objstore.Bucket{Name: "bkt"}); err != nil {
		t.Fatal(err)
	}
	old, next := version{true, "old " + strings.Repeat("x", 5000)}, version{true, "next" + strings.Repeat("x", 5000)}
	if err := old.put(t, s, "k"); err != nil {
		t.Fatal(err)
	}
	for _, room := range []int64{0, 100, 5004, 5010} {
		mem.SetLimit(mem.Used() + room)
		if err := next.put(t, s, "k"); !errors.Is(err, objstore.ErrNoSpace) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
		if read(t, s, "k") != old {
			t.Error("the old version is gone")
		}
	}
	if err := s.Delete(t.Context(), "bkt", "k", ""); err != nil {
		t.Error(err)
	}
	mem.SetLimit(1 << 30)
	if err := next.put(t, s, "k"); err != nil || read(t, s, "k") != next {
		t.Errorf("with space again: %v", err)
	}
	if names, err := mem.List("objects/.cumulog/tmp"); err != nil || len(names) != 0 {
		t.Errorf("left in tmp: %v, %v", names, err)
	}
}
