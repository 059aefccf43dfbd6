package catalogtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func testTags(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	type tags = map[string]string
	g := get[catalog.Group](t)(db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "g"}, tags{"a": "1"}, 0))
	arn := scope.GroupARN("g")
	of := func(want tags) {
		t.Helper()
		same(t, "tags", get[tags](t)(db.Tags(ctx, arn)), want)
	}
	of(tags{"a": "1"})
	ok(t, "put", db.PutGroupTags(ctx, g.ID, tags{"a": "2", "b": ""}, 3))
	of(tags{"a": "2", "b": ""})
	wantErr(t, "one too many", db.PutGroupTags(ctx, g.ID, tags{"a": "9", "c": "3", "d": "4"}, 3), catalog.ErrTooMany)
	of(tags{"a": "2", "b": ""})
	ok(t, "as many as allowed", db.PutGroupTags(ctx, g.ID, tags{"a": "9", "c": "3"}, 3))
	ok(t, "remove", db.RemoveGroupTags(ctx, g.ID, []string{"b", "unknown"}))
	of(tags{"a": "9", "c": "3"})

	get[catalog.Group](t)(db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "h"}, tags{"x": "y"}, 0))
	get[catalog.Group](t)(db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "i"}, tags{"x": "z"}, 0))
	between := get[map[string]tags](t)(db.TagsBetween(ctx, scope.GroupARN("g"), scope.GroupARN("h")))
	same(t, "between", between, map[string]tags{arn: {"a": "9", "c": "3"}, scope.GroupARN("h"): {"x": "y"}})

	ok(t, "delete", db.DeleteGroup(ctx, g.ID))
	of(tags{})
	wantErr(t, "put on deleted", db.PutGroupTags(ctx, g.ID, tags{"a": "1"}, 50), catalog.ErrNotFound)
	wantErr(t, "remove on deleted", db.RemoveGroupTags(ctx, g.ID, []string{"a"}), catalog.ErrNotFound)
	newGroup(t, db, "g")
	of(tags{})
}

func testTasks(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	create := func(s logs.Scope, id string, limit catalog.TaskLimit) (catalog.Task, error) {
		return db.CreateTask(ctx, catalog.Task{ID: id, Kind: "export", Scope: s, State: "PENDING", CreatedMS: 5, Spec: []byte(`{"a":1}`), Progress: []byte(`{}`)}, limit)
	}
	one := catalog.TaskLimit{States: []string{"PENDING", "RUNNING"}, Max: 1}
	a := get[catalog.Task](t)(create(scope, "a", one))
	_, err := create(scope, "b", one)
	wantErr(t, "second active", err, catalog.ErrTooMany)
	_, err = create(scope, "a", catalog.TaskLimit{})
	wantErr(t, "same id", err, catalog.ErrExists)
	get[catalog.Task](t)(create(other, "o", one))

	ok(t, "start", db.UpdateTask(ctx, "a", []string{"PENDING"}, "RUNNING", []byte(`{"n":1}`)))
	wantErr(t, "start again", db.UpdateTask(ctx, "a", []string{"PENDING"}, "RUNNING", nil), catalog.ErrConflict)
	wantErr(t, "missing", db.UpdateTask(ctx, "zz", []string{"PENDING"}, "RUNNING", nil), catalog.ErrNotFound)
	ok(t, "finish", db.UpdateTask(ctx, "a", []string{"PENDING", "RUNNING"}, "COMPLETED", nil))
	ok(t, "close", db.Close())
	db = open(t, h)
	got := get[catalog.Task](t)(db.Task(ctx, "a"))
	if got.State != "COMPLETED" || string(got.Progress) != `{"n":1}` || string(got.Spec) != `{"a":1}` || got.Position != a.Position || got.Scope != scope {
		t.Fatalf("task %+v", got)
	}
	_, err = db.Task(ctx, "zz")
	wantErr(t, "get missing", err, catalog.ErrNotFound)

	for i := range 5 {
		get[catalog.Task](t)(create(scope, fmt.Sprint("t", i), catalog.TaskLimit{}))
	}
	list := func(f catalog.TaskFilter) []string {
		t.Helper()
		return names(get[[]catalog.Task](t)(db.Tasks(ctx, "export", f)), func(x catalog.Task) string { return x.ID })
	}
	same(t, "newest first", list(catalog.TaskFilter{Scope: &scope, Limit: 9}), []string{"t4", "t3", "t2", "t1", "t0", "a"})
	page := get[[]catalog.Task](t)(db.Tasks(ctx, "export", catalog.TaskFilter{Scope: &scope, Limit: 2}))
	same(t, "second page", list(catalog.TaskFilter{Scope: &scope, Limit: 2, Before: page[1].Position}), []string{"t2", "t1"})
	same(t, "by state", list(catalog.TaskFilter{Scope: &scope, Limit: 9, States: []string{"COMPLETED", "FAILED"}}), []string{"a"})
	same(t, "all scopes, oldest", list(catalog.TaskFilter{Oldest: true, Limit: 2, States: []string{"PENDING"}}), []string{"o", "t0"})
	same(t, "oldest, next", list(catalog.TaskFilter{Oldest: true, Limit: 1, Before: page[1].Position}), []string{"t4"})
	same(t, "other kind", len(get[[]catalog.Task](t)(db.Tasks(ctx, "import", catalog.TaskFilter{Limit: 9}))), 0)
	ok(t, "delete", db.DeleteTask(ctx, "t4"))
	wantErr(t, "delete again", db.DeleteTask(ctx, "t4"), catalog.ErrNotFound)
}

func testKeys(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	k1 := catalog.AccessKey{ID: "K1", Secret: "s1", Account: "000000000000", Description: "d", CreatedMS: 2}
	k2 := catalog.AccessKey{ID: "K2", Secret: "s2", Account: "000000000000", CreatedMS: 1}
	ok(t, "create", db.CreateKey(ctx, k1))
	ok(t, "create", db.CreateKey(ctx, k2))
	wantErr(t, "create again", db.CreateKey(ctx, k1), catalog.ErrExists)
	same(t, "get", get[catalog.AccessKey](t)(db.Key(ctx, "K1")), k1)
	same(t, "list", get[[]catalog.AccessKey](t)(db.Keys(ctx)), []catalog.AccessKey{k2, k1})
	ok(t, "delete", db.DeleteKey(ctx, "K1"))
	wantErr(t, "delete again", db.DeleteKey(ctx, "K1"), catalog.ErrNotFound)
	_, err := db.Key(ctx, "K1")
	wantErr(t, "get deleted", err, catalog.ErrNotFound)
}

func testMeta(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	_, err := db.Meta(ctx, "x")
	wantErr(t, "missing", err, catalog.ErrNotFound)
	ok(t, "set", db.SetMeta(ctx, "x", "1"))
	ok(t, "set again", db.SetMeta(ctx, "x", "2"))
	ok(t, "set a name that the catalog uses itself", db.SetMeta(ctx, "schema_version", "99"))
	ok(t, "close", db.Close())
	db = open(t, h)
	same(t, "value", get[string](t)(db.Meta(ctx, "x")), "2")
	same(t, "damage", len(get[[]string](t)(db.Check(ctx))), 0)
}

func segment(id string) catalog.Segment {
	return catalog.Segment{ID: id, Level: 1, Class: 30, Day: 20000, GroupLow: 1, GroupHigh: 4, Groups: 3, MinTime: 10, MaxTime: 20,
		Rows: 5, RawBytes: 100, FileBytes: 50, MaxLSN: 1 << 49, Tombstones: 2, Created: 9}
}

func testPublish(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	same(t, "first checkpoint", get[uint64](t)(db.Checkpoint(ctx)), uint64(0))
	g := newGroup(t, db, "g")
	s := newStream(t, db, g, "s")
	p := catalog.Publication{
		Add: []catalog.Segment{segment("a"), segment("b")}, Checkpoint: 7,
		Streams:    []catalog.StreamStats{{Group: g.ID, Stream: s.ID, First: 1, Last: 2, LastIngestion: 3}, {Stream: 999, First: 1}},
		GroupBytes: []catalog.GroupBytes{{Group: g.ID, Delta: 100}, {Group: 999, Delta: 1}},
	}
	ok(t, "publish", db.Publish(ctx, p))
	wantErr(t, "publish again", db.Publish(ctx, p), catalog.ErrExists)
	wantErr(t, "remove unknown", db.Publish(ctx, catalog.Publication{
		Add: []catalog.Segment{segment("c")}, Remove: []string{"a", "zz"}, Checkpoint: 50,
		GroupBytes: []catalog.GroupBytes{{Group: g.ID, Delta: 5}},
	}), catalog.ErrNotFound)

	check := func(checkpoint uint64, bytes int64, ids ...string) {
		t.Helper()
		var want []catalog.Segment
		for _, id := range ids {
			want = append(want, segment(id))
		}
		same(t, "segments", get[[]catalog.Segment](t)(db.Segments(ctx)), want)
		same(t, "checkpoint", get[uint64](t)(db.Checkpoint(ctx)), checkpoint)
		same(t, "bytes", get[catalog.Group](t)(db.GroupByID(ctx, g.ID)).StoredBytes, bytes)
	}
	check(7, 100, "a", "b")
	ok(t, "merge", db.Publish(ctx, catalog.Publication{Add: []catalog.Segment{segment("c")}, Remove: []string{"a", "b"}, Checkpoint: 6,
		GroupBytes: []catalog.GroupBytes{{Group: g.ID, Delta: -40}}}))
	check(7, 60, "c")
	ok(t, "close", db.Close())
	db = open(t, h)
	check(7, 60, "c")
	ok(t, "shrink below nothing", db.Publish(ctx, catalog.Publication{Checkpoint: 8, GroupBytes: []catalog.GroupBytes{{Group: g.ID, Delta: -99}}}))
	check(8, 0, "c")
	got := get[catalog.Stream](t)(db.StreamByName(ctx, g.ID, "s"))
	same(t, "times", []int64{got.FirstMS, got.LastMS, got.IngestionMS}, []int64{1, 2, 3})
}

func testTombstones(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	type lives = map[logs.GroupID]catalog.GroupLife
	a, b := newGroup(t, db, "a"), newGroup(t, db, "b")
	ok(t, "retention", db.SetRetention(ctx, b.ID, 3))
	s := newStream(t, db, a, "s")
	newStream(t, db, a, "t")
	same(t, "none", len(get[[]catalog.Tombstone](t)(db.Tombstones(ctx))), 0)
	ok(t, "delete stream", db.DeleteStream(ctx, a.ID, s.ID))
	same(t, "dead streams", get[[]logs.StreamID](t)(db.DeadStreams(ctx, a.ID)), []logs.StreamID{s.ID})
	same(t, "dead streams of another group", len(get[[]logs.StreamID](t)(db.DeadStreams(ctx, b.ID))), 0)
	ok(t, "delete group", db.DeleteGroup(ctx, a.ID))
	same(t, "the group itself is no stream", get[[]logs.StreamID](t)(db.DeadStreams(ctx, a.ID)), []logs.StreamID{s.ID})
	list := get[[]catalog.Tombstone](t)(db.Tombstones(ctx))
	if len(list) != 2 || list[0].Stream != s.ID || list[0].Group != a.ID || list[1].Stream != 0 || list[1].Group != a.ID ||
		list[0].Seq < 1 || list[1].Seq <= list[0].Seq || list[0].Created == 0 {
		t.Fatalf("tombstones %+v", list)
	}
	groups := []logs.GroupID{a.ID, b.ID, 999}
	same(t, "lives", get[lives](t)(db.Lives(ctx, groups)), lives{a.ID: {Dead: true}, b.ID: {RetentionDays: 3}})
	ok(t, "done", db.Publish(ctx, catalog.Publication{TombstonesDone: []int64{list[0].Seq, list[1].Seq, 999}}))
	same(t, "none left", len(get[[]catalog.Tombstone](t)(db.Tombstones(ctx))), 0)
	ok(t, "done again", db.Publish(ctx, catalog.Publication{TombstonesDone: []int64{list[0].Seq}}))
	ok(t, "delete", db.DeleteGroup(ctx, b.ID))
	if next := get[[]catalog.Tombstone](t)(db.Tombstones(ctx)); len(next) != 1 || next[0].Seq <= list[1].Seq {
		t.Fatalf("tombstones %+v after %+v", next, list)
	}
}

func testIDs(t *testing.T, h Home) {
	ctx := context.Background()
	var lastGroup logs.GroupID
	var lastStream logs.StreamID
	for range 3 {
		db := h.Open(t)
		g := newGroup(t, db, "g")
		s := newStream(t, db, g, "s")
		if g.ID <= lastGroup || s.ID <= lastStream {
			t.Fatalf("group %d after %d, stream %d after %d", g.ID, lastGroup, s.ID, lastStream)
		}
		lastGroup, lastStream = g.ID, s.ID
		ok(t, "delete", db.DeleteGroup(ctx, g.ID))
		for _, x := range get[[]catalog.Tombstone](t)(db.Tombstones(ctx)) {
			ok(t, "done", db.Publish(ctx, catalog.Publication{TombstonesDone: []int64{x.Seq}}))
		}
		ok(t, "close", db.Close())
	}
}

func testConcurrentWriters(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "g")
	const writers, each = 64, 20
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[logs.StreamID]string{}
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				// Every name is asked for by two writers: one gets it.
				name := fmt.Sprintf("s-%d-%d", w/2, i)
				s, err := db.CreateStream(ctx, g.ID, name, 1)
				if err == nil {
					mu.Lock()
					if _, dup := made[s.ID]; dup {
						t.Errorf("id %d given twice", s.ID)
					}
					made[s.ID] = name
					mu.Unlock()
				}
				if got, err := db.StreamByName(ctx, g.ID, name); err != nil || got.Name != name {
					t.Errorf("%s is not there after it was created: %v", name, err)
				}
			}
		})
	}
	wg.Wait()
	same(t, "streams created", len(made), writers/2*each)
	same(t, "streams listed", len(get[[]catalog.Stream](t)(db.Streams(ctx, g.ID, catalog.StreamFilter{Limit: 10_000}))), writers/2*each)
}

func testClosed(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	g := newGroup(t, db, "g")
	_, err := db.GroupByName(ctx, scope, "g")
	ok(t, "get", err)
	ok(t, "close", db.Close())
	ok(t, "close again", db.Close())
	_, err = db.CreateStream(ctx, g.ID, "s", 1)
	wantErr(t, "write", err, catalog.ErrClosed)
	_, err = db.GroupByName(ctx, scope, "g")
	wantErr(t, "read with a prepared statement", err, catalog.ErrClosed)
	_, err = db.Keys(ctx)
	wantErr(t, "read", err, catalog.ErrClosed)
}
