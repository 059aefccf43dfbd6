package store_test

import (
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var _ store.Manifest = (*catalog.DB)(nil)

// TestStoreOverTheCatalog runs the store over the real file system and the real
// catalog: concurrent writers and readers, flush, merge, deletion, restart.
func TestStoreOverTheCatalog(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	now := time.UnixMilli(1_728_043_200_000)
	db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	group, err := db.CreateGroup(ctx, catalog.Group{
		Scope: logs.Scope{Account: "000000000000", Region: "us-east-1"}, Name: "g", Class: "STANDARD", CreatedMS: now.UnixMilli(),
	}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	later := now
	open := func() *store.Store {
		t.Helper()
		s, err := store.Open(ctx, store.Options{FS: vfs.OS(), Dir: dir, Manifest: db, Now: func() time.Time { return later }})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	count := func(s *store.Store, q store.Query) (n int) {
		t.Helper()
		q.Group, q.End = group.ID, math.MaxInt64
		last := logs.Key{Timestamp: -1}
		if _, err := s.Scan(ctx, q, func(e logs.Event) bool {
			if !last.Less(e.Key) {
				t.Errorf("%v after %v", e.Key, last)
			}
			last = e.Key
			n++
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}

	s := open()
	var ids []logs.StreamID
	for i := range 4 {
		st, err := db.CreateStream(ctx, group.ID, fmt.Sprint("stream ", i), now.UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, st.ID)
	}
	const batches = 50
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			for i := range batches {
				msg := fmt.Sprintf("stream %d event %d", id, i)
				b := store.Batch{
					Group: group.ID, Stream: id, Ingestion: now.UnixMilli(),
					Timestamps: []int64{now.UnixMilli() + int64(i)}, Arena: []byte(msg), Ends: []uint32{uint32(len(msg))},
				}
				seq, err := s.Append(ctx, b)
				if err != nil {
					t.Error(err)
					return
				}
				// What was acknowledged is visible at once.
				after := logs.Key{Timestamp: now.UnixMilli() + int64(i), Seq: seq - 1}
				seen := false
				_, err = s.Scan(ctx, store.Query{Group: group.ID, Streams: []logs.StreamID{id}, End: math.MaxInt64, After: &after},
					func(e logs.Event) bool { seen = e.Seq == seq; return false })
				if err != nil || !seen {
					t.Errorf("event %d of stream %d is not visible: %v", i, id, err)
				}
				if i%20 == 19 {
					if err := s.Flush(ctx); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := count(s, store.Query{}); n != 4*batches {
		t.Errorf("%d events, want %d", n, 4*batches)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	if n := count(s, store.Query{}); n != 4*batches {
		t.Errorf("%d events after a restart, want %d", n, 4*batches)
	}

	// One stream goes, with its events on disk, and the tombstone after them.
	if err := db.DeleteStream(ctx, group.ID, ids[0]); err != nil {
		t.Fatal(err)
	}
	later = now.Add(time.Hour)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Merge(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(s, store.Query{}); n != 3*batches {
		t.Errorf("%d events after the deletion, want %d", n, 3*batches)
	}
	if tombs, err := db.Tombstones(ctx); err != nil || len(tombs) != 0 {
		t.Errorf("tombstones %v, %v; want none", tombs, err)
	}
	streams, err := db.StreamsByID(ctx, group.ID, ids)
	if err != nil || len(streams) != 3 {
		t.Fatalf("streams %v, %v; want three", streams, err)
	}
	for _, st := range streams {
		if st.FirstMS != now.UnixMilli() || st.LastMS != now.UnixMilli()+batches-1 || st.IngestionMS != now.UnixMilli() {
			t.Errorf("stream statistics %+v", st)
		}
	}
	if len(s.HeadStats(group.ID)) != 0 {
		t.Errorf("statistics remain in memory after a flush")
	}
	err = store.Verify(ctx, vfs.OS(), dir, db, func(r store.PartReport) error {
		if !r.OK() || r.Orphan {
			return fmt.Errorf("%+v", r)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
