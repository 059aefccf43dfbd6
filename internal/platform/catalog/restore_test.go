package catalog

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

// TestRestoreKeepsSequencesAboveIDsInUse: neither ids of events nor tombstones that parts have applied come again, not
// even after a restart.
func TestRestoreKeepsSequencesAboveIDsInUse(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "catalog.db")
	db, err := Open(ctx, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := Restoration{
		Manifest: Publication{
			Add:        []Segment{{ID: "a", GroupHigh: 7, Tombstones: 40, Rows: 3}},
			Checkpoint: 9, GroupBytes: []GroupBytes{{Group: 7, Delta: 100}},
			Streams: []StreamStats{{Group: 7, Stream: 70, First: 5, Last: 6, LastIngestion: 8}},
		},
		Logged: []StreamStats{{Group: 8, Stream: 80, First: 1, Last: 1, LastIngestion: 1}},
		Scope:  testScope, Class: "STANDARD",
	}
	for i, want := range []Restored{{2, 2}, {0, 0}} {
		if made, err := db.Restore(ctx, r); err != nil || made != want {
			t.Fatalf("restore %d made %+v, %v; want %+v", i, made, err, want)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = Open(ctx, path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	g, err := db.GroupByName(ctx, testScope, "recovered/group-7")
	if err != nil || g.ID != 7 || g.StoredBytes != 100 {
		t.Errorf("group %+v, %v", g, err)
	}
	s, err := db.StreamByName(ctx, 7, "stream-70")
	if err != nil || s.ID != 70 || s.FirstMS != 5 || s.LastMS != 6 || s.IngestionMS != 8 {
		t.Errorf("stream %+v, %v", s, err)
	}
	if n, err := db.CountGroups(ctx, testScope); n != 2 || err != nil {
		t.Errorf("%d groups, %v; want 2", n, err)
	}
	if fresh := testGroup(t, db, "fresh"); fresh.ID != 9 {
		t.Errorf("a new group got id %d, want 9", fresh.ID)
	}
	if s, err := db.CreateStream(ctx, 7, "fresh", 1); err != nil || s.ID != 81 {
		t.Errorf("a new stream got id %d, %v; want 81", s.ID, err)
	}
	if err := db.DeleteStream(ctx, 8, 80); err != nil {
		t.Fatal(err)
	}
	dead, err := db.Tombstones(ctx)
	if err != nil || len(dead) != 1 || dead[0].Seq != 41 {
		t.Errorf("tombstones %+v, %v; want one of number 41", dead, err)
	}
	if made, err := db.Restore(ctx, r); err != nil || made != (Restored{}) {
		t.Errorf("restoring beside a tombstone made %+v, %v", made, err)
	}
	if found, err := db.StreamsByID(ctx, 8, []logs.StreamID{80}); err != nil || len(found) != 0 {
		t.Errorf("the deleted stream is back: %+v, %v", found, err)
	}
}
