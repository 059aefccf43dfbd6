package store

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func TestPartFilesKeepTheirBound(t *testing.T) {
	mem := vfs.NewMem()
	if err := mem.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	x := &openFiles{fsys: mem, limit: 3}
	var files []*partFile
	content := func(i int) []byte { return fmt.Appendf(nil, "file %02d", i) }
	for i := range 10 {
		name := fmt.Sprintf("/d/%d", i)
		if err := vfs.WriteFile(mem, name, content(i)); err != nil {
			t.Fatal(err)
		}
		f, err := x.openFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := f.Size(); n != 7 || err != nil {
			t.Errorf("size %d, %v", n, err)
		}
		files = append(files, f)
		if n := x.count(); n != min(i+1, 3) {
			t.Errorf("%d files are open after %d", n, i+1)
		}
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			b := make([]byte, 7)
			for i := range 200 {
				k := (i*7 + w) % 10
				if _, err := files[k].ReadAt(b, 0); err != nil || !bytes.Equal(b, content(k)) {
					t.Errorf("file %d: %q, %v", k, b, err)
				}
			}
		})
	}
	wg.Wait()
	// Files in use at the moment are passed: one for each reader.
	if n := x.count(); n > 3+4 {
		t.Errorf("%d files are open", n)
	}
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, errPartClosed) {
			t.Errorf("a read after Close: %v", err)
		}
	}
	if x.count() != 0 {
		t.Errorf("%d files are open at the end", x.count())
	}
	if _, err := x.openFile("/d/none"); err == nil {
		t.Error("a file that is missing was opened")
	}
}

func TestManyPartsFewFiles(t *testing.T) {
	tune := manualTuning()
	tune.openParts = 4
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, tune)
	defer s.Close()
	o := newOracle()
	for i := range 30 {
		b := makeBatch(1, 1, baseTime, event(baseTime+int64(i%7), fmt.Sprintf("event %d", i)))
		seq, err := s.Append(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		o.append(&b, seq)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := Query{Group: 1, End: math.MaxInt64}
	sameEvents(t, "all", collect(t, s, all, math.MaxInt, nil), o.scan(all))
	if h := s.Health(); h.OpenParts != 4 || h.Parts != 30 {
		t.Errorf("%+v", h)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	sameEvents(t, "merged", collect(t, s, all, math.MaxInt, nil), o.scan(all))
	if h := s.Health(); h.OpenParts > 4 {
		t.Errorf("%+v", h)
	}
}

// TestMemtablesOfScansAreCounted flushes under a scan.
func TestMemtablesOfScansAreCounted(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), (&clock{ms: baseTime}).now, manualTuning())
	defer s.Close()
	for i := range 3 {
		if _, err := s.Append(t.Context(), makeBatch(1, 1, baseTime, event(baseTime+int64(i), "a message"))); err != nil {
			t.Fatal(err)
		}
	}
	head := s.Health().HeadBytes
	n := 0
	_, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(e logs.Event) bool {
		if n++; n == 1 {
			if err := s.Flush(t.Context()); err != nil {
				t.Error(err)
			}
			if h := s.Health(); h.PinnedBytes != head || h.HeadBytes != 0 {
				t.Errorf("while the scan runs: %+v; the memtable had %d bytes", h, head)
			}
		}
		return true
	})
	if h := s.Health(); err != nil || n != 3 || h.PinnedBytes != 0 {
		t.Errorf("%d events, %v, %+v", n, err, h)
	}
	if _, err := s.Append(t.Context(), makeBatch(1, 1, baseTime, event(baseTime, "another"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h := s.Health(); h.PinnedBytes != 0 {
		t.Errorf("without a scan: %+v", h)
	}
}
