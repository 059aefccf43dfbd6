package catalogtest

import (
	"context"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func testGroupLife(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "/a/b")
	if g.ID < 1 || g.Name != "/a/b" || g.CreatedMS != 5 || g.Scope != scope {
		t.Fatalf("created %+v", g)
	}
	_, err := db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "/a/b"}, nil, 0)
	wantErr(t, "create again", err, catalog.ErrExists)
	elsewhere := get[catalog.Group](t)(db.CreateGroup(ctx, catalog.Group{Scope: other, Name: "/a/b"}, nil, 0))

	same(t, "by name", get[catalog.Group](t)(db.GroupByName(ctx, scope, "/a/b")), g)
	same(t, "by id", get[catalog.Group](t)(db.GroupByID(ctx, g.ID)), g)
	same(t, "in the other account", get[catalog.Group](t)(db.GroupByName(ctx, other, "/a/b")), elsewhere)
	_, err = db.GroupByName(ctx, scope, "/a")
	wantErr(t, "missing", err, catalog.ErrNotFound)

	s := newStream(t, db, g, "s")
	ok(t, "delete", db.DeleteGroup(ctx, g.ID))
	wantErr(t, "delete again", db.DeleteGroup(ctx, g.ID), catalog.ErrNotFound)
	_, err = db.GroupByName(ctx, scope, "/a/b")
	wantErr(t, "deleted, by name", err, catalog.ErrNotFound)
	_, err = db.GroupByID(ctx, g.ID)
	wantErr(t, "deleted, by id", err, catalog.ErrNotFound)
	_, err = db.StreamByName(ctx, g.ID, "s")
	wantErr(t, "stream of a deleted group", err, catalog.ErrNotFound)
	_, err = db.CreateStream(ctx, g.ID, "t", 1)
	wantErr(t, "create a stream in a deleted group", err, catalog.ErrNotFound)
	wantErr(t, "delete a stream of a deleted group", db.DeleteStream(ctx, g.ID, s.ID), catalog.ErrNotFound)
	same(t, "streams of a deleted group", len(get[[]catalog.Stream](t)(db.Streams(ctx, g.ID, catalog.StreamFilter{Limit: 9}))), 0)
	same(t, "streams of a deleted group by id", len(get[[]catalog.Stream](t)(db.StreamsByID(ctx, g.ID, []logs.StreamID{s.ID}))), 0)

	again := newGroup(t, db, "/a/b")
	if again.ID <= g.ID {
		t.Fatalf("recreated with id %d after %d", again.ID, g.ID)
	}
	same(t, "streams after recreation", len(get[[]catalog.Stream](t)(db.Streams(ctx, again.ID, catalog.StreamFilter{Limit: 9}))), 0)
}

func testGroupSettings(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	g := newGroup(t, db, "g")
	ok(t, "retention", db.SetRetention(ctx, g.ID, 30))
	ok(t, "class", db.SetClass(ctx, g.ID, "INFREQUENT_ACCESS"))
	ok(t, "protection", db.SetProtection(ctx, g.ID, true))
	wantErr(t, "delete protected", db.DeleteGroup(ctx, g.ID), catalog.ErrConflict)
	s := newStream(t, db, g, "s")
	wantErr(t, "delete stream of protected", db.DeleteStream(ctx, g.ID, s.ID), catalog.ErrConflict)
	ok(t, "close", db.Close())

	db = open(t, h)
	g.RetentionDays, g.Class, g.Protected = 30, "INFREQUENT_ACCESS", true
	same(t, "after reopening", get[catalog.Group](t)(db.GroupByName(ctx, scope, "g")), g)
	ok(t, "unprotect", db.SetProtection(ctx, g.ID, false))
	ok(t, "delete stream", db.DeleteStream(ctx, g.ID, s.ID))
	ok(t, "delete", db.DeleteGroup(ctx, g.ID))
	wantErr(t, "retention of deleted", db.SetRetention(ctx, g.ID, 1), catalog.ErrNotFound)
	wantErr(t, "class of deleted", db.SetClass(ctx, g.ID, "x"), catalog.ErrNotFound)
	wantErr(t, "protection of deleted", db.SetProtection(ctx, g.ID, true), catalog.ErrNotFound)
}

func testGroupLimit(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	create := func(s logs.Scope, name string) (catalog.Group, error) {
		return db.CreateGroup(ctx, catalog.Group{Scope: s, Name: name}, nil, 2)
	}
	a := get[catalog.Group](t)(create(scope, "a"))
	get[catalog.Group](t)(create(scope, "b"))
	_, err := create(scope, "a")
	wantErr(t, "name taken", err, catalog.ErrExists)
	_, err = create(scope, "c")
	wantErr(t, "third of two", err, catalog.ErrTooMany)
	get[catalog.Group](t)(create(other, "c"))
	same(t, "count", get[int](t)(db.CountGroups(ctx, scope)), 2)
	ok(t, "delete", db.DeleteGroup(ctx, a.ID))
	get[catalog.Group](t)(create(scope, "c"))
	same(t, "count", get[int](t)(db.CountGroups(ctx, scope)), 2)
	same(t, "count of an unknown scope", get[int](t)(db.CountGroups(ctx, logs.Scope{})), 0)
}

func testGroupPaging(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	for _, n := range []string{"b/2", "a", "b/1", "B", "b", "c", "b0", "b/10"} {
		newGroup(t, db, n)
	}
	list := func(f catalog.GroupFilter) []string {
		t.Helper()
		return groupNames(get[[]catalog.Group](t)(db.Groups(ctx, scope, f)))
	}
	same(t, "all, by bytes", list(catalog.GroupFilter{Limit: 99}), []string{"B", "a", "b", "b/1", "b/10", "b/2", "b0", "c"})
	same(t, "prefix", list(catalog.GroupFilter{Prefix: "b/", Limit: 99}), []string{"b/1", "b/10", "b/2"})
	same(t, "prefix, after", list(catalog.GroupFilter{Prefix: "b/", After: "b/1", Limit: 1}), []string{"b/10"})
	same(t, "after a name that is gone", list(catalog.GroupFilter{After: "b/15", Limit: 2}), []string{"b/2", "b0"})
	same(t, "after before the prefix", list(catalog.GroupFilter{Prefix: "b/", After: "a", Limit: 1}), []string{"b/1"})
	same(t, "match", list(catalog.GroupFilter{Limit: 2, Match: func(g *catalog.Group) bool { return strings.Contains(g.Name, "1") }}), []string{"b/1", "b/10"})
	same(t, "class", list(catalog.GroupFilter{Limit: 2, Class: "DELIVERY"}), []string{})
	same(t, "other scope", groupNames(get[[]catalog.Group](t)(db.Groups(ctx, other, catalog.GroupFilter{Limit: 9}))), []string{})
}
