package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

// TestDeleteOnAFullDisk: what frees space goes on when nothing else does.
func TestDeleteOnAFullDisk(t *testing.T) {
	ctx := context.Background()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=48m"); err != nil {
		t.Skipf("a small tmpfs cannot be mounted, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	db, err := Open(ctx, filepath.Join(disk, "catalog.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.reserve.take(); err != nil {
		t.Fatal(err)
	}
	g, doomed := testGroup(t, db, "g"), testGroup(t, db, "doomed")
	var streams []logs.StreamID
	for i := range 200 {
		s, err := db.CreateStream(ctx, g.ID, fmt.Sprintf("%d-%s", i, strings.Repeat("x", 300)), 1)
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, s.ID)
	}
	if err := db.Publish(ctx, Publication{Add: []Segment{{ID: "a"}}}); err != nil {
		t.Fatal(err)
	}

	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer ballast.Close()
	for err = nil; err == nil; {
		_, err = ballast.Write(make([]byte, 4096))
	}
	full := false
	for i := 0; i < 5000 && !full; i++ { // the log of SQLite has some room left
		_, err := db.CreateStream(ctx, g.ID, fmt.Sprintf("more-%d-%s", i, strings.Repeat("x", 300)), 1)
		if full = errors.Is(err, ErrFull); err != nil && !full {
			t.Fatal(err)
		}
	}
	if !full {
		t.Fatal("the disk never became full")
	}
	for _, id := range streams {
		if err := db.DeleteStream(ctx, g.ID, id); err != nil {
			t.Fatalf("delete stream %d: %v", id, err)
		}
	}
	if err := db.DeleteGroup(ctx, doomed.ID); err != nil {
		t.Fatal(err)
	}
	if err := db.Publish(ctx, Publication{Remove: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if dead, err := db.Tombstones(ctx); err != nil || len(dead) != len(streams)+1 {
		t.Errorf("%d tombstones, %v; want %d", len(dead), err, len(streams)+1)
	}
}
