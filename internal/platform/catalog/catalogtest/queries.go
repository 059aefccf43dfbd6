package catalogtest

import (
	"context"
	"fmt"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func testQueries(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	put := func(id string, in logs.Scope, language string, groups ...string) catalog.Query {
		t.Helper()
		q := catalog.Query{ID: id, Scope: in, Language: language, Status: "Running", CreatedMS: 7, Text: "fields a", Groups: groups, Spec: []byte(`{}`), Outcome: []byte(`{}`)}
		return get[catalog.Query](t)(db.CreateQuery(ctx, q))
	}
	a := put("a", scope, "CWLI", "/a", "/a/b")
	put("b", scope, "PPL", "/a/b")
	put("c", other, "CWLI", "/a")
	put("d", scope, "CWLI", "x_y")
	_, err := db.CreateQuery(ctx, a)
	wantErr(t, "create again", err, catalog.ErrExists)
	same(t, "by id", get[catalog.Query](t)(db.QueryByID(ctx, "a")), a)

	end := catalog.QueryEnd{Status: "Complete", EndedMS: 9, Outcome: []byte(`{"rows":1}`), Bytes: 100}
	ok(t, "end", db.EndQuery(ctx, "a", end))
	wantErr(t, "end again", db.EndQuery(ctx, "a", end), catalog.ErrConflict)
	wantErr(t, "end of an unknown query", db.EndQuery(ctx, "e", end), catalog.ErrNotFound)

	list := func(in logs.Scope, f catalog.QueryFilter) string {
		t.Helper()
		if f.Limit == 0 {
			f.Limit = 10
		}
		out := ""
		for _, q := range get[[]catalog.Query](t)(db.Queries(ctx, in, f)) {
			out += q.ID
		}
		return out
	}
	for _, c := range []struct {
		f    catalog.QueryFilter
		want string
	}{
		{catalog.QueryFilter{}, "dba"},
		{catalog.QueryFilter{Limit: 1}, "d"},
		{catalog.QueryFilter{Before: a.Position + 1}, "a"},
		{catalog.QueryFilter{Language: "PPL"}, "b"},
		{catalog.QueryFilter{Group: "/a"}, "a"},
		{catalog.QueryFilter{Group: "/a/b"}, "ba"},
		{catalog.QueryFilter{Group: "x_y"}, "d"},
		{catalog.QueryFilter{Group: "xay"}, ""},
		{catalog.QueryFilter{Status: "Complete"}, "dba"},
		{catalog.QueryFilter{Status: "Failed"}, "db"},
	} {
		same(t, fmt.Sprintf("list %+v", c.f), list(scope, c.f), c.want)
	}
	same(t, "of the other account", list(other, catalog.QueryFilter{}), "c")

	n, bytes, err := db.QueryUsage(ctx)
	ok(t, "usage", err)
	if n != 4 || bytes <= 100 {
		t.Errorf("usage is %d queries of %d bytes", n, bytes)
	}
	same(t, "oldest that ended", len(get[[]catalog.Query](t)(db.OldestQueries(ctx, 9))), 1)

	db.Close()
	db = open(t, h)
	same(t, "ended after a restart", get[int64](t)(db.EndOpenQueries(ctx, catalog.QueryEnd{Status: "Failed", Reason: "why", EndedMS: 11})), int64(3))
	d := get[catalog.Query](t)(db.QueryByID(ctx, "d"))
	if d.Status != "Failed" || d.Reason != "why" || d.EndedMS != 11 {
		t.Errorf("after the restart d is %+v", d)
	}
	next := put("e", scope, "CWLI")
	if next.Position <= d.Position || len(next.Groups) != 0 {
		t.Errorf("e is %+v after %d", next, d.Position)
	}
	ok(t, "delete", db.DeleteQueries(ctx, []string{"a", "b", "zz", "c", "d", "e"}))
	n, bytes, err = db.QueryUsage(ctx)
	ok(t, "usage", err)
	same(t, "usage at the end", []int64{n, bytes}, []int64{0, 0})
	_, err = db.QueryByID(ctx, "a")
	wantErr(t, "deleted", err, catalog.ErrNotFound)
}

func testDefinitions(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	create := func(id, name, token string, now int64) string {
		t.Helper()
		d := catalog.Definition{ID: id, Scope: scope, Name: name, Language: "CWLI", Text: "fields a", Spec: []byte(`{}`), ModifiedMS: now, Token: token}
		return get[string](t)(db.CreateDefinition(ctx, d, now-10, 4))
	}
	same(t, "create", create("1", "f/b", "", 100), "1")
	same(t, "create without a token again", create("2", "f/b", "", 100), "2")
	same(t, "create", create("3", "f/a", "tok", 100), "3")
	same(t, "same token", create("4", "f/a", "tok", 109), "3")
	same(t, "same token, later", create("5", "g", "tok", 200), "5")
	_, err := db.CreateDefinition(ctx, catalog.Definition{ID: "6", Scope: scope, Spec: []byte(`{}`)}, 0, 4)
	wantErr(t, "one too many", err, catalog.ErrTooMany)

	changed := catalog.Definition{ID: "2", Scope: scope, Name: "f/c", Language: "PPL", Text: "x", Spec: []byte(`{"a":1}`), ModifiedMS: 300}
	ok(t, "replace", db.ReplaceDefinition(ctx, changed))
	wantErr(t, "replace from elsewhere", db.ReplaceDefinition(ctx, catalog.Definition{ID: "2", Scope: other}), catalog.ErrNotFound)
	list := func(f catalog.DefinitionFilter) []catalog.Definition {
		t.Helper()
		if f.Limit == 0 {
			f.Limit = 10
		}
		return get[[]catalog.Definition](t)(db.Definitions(ctx, scope, f))
	}
	ids := func(d []catalog.Definition) (out string) {
		for i := range d {
			out += d[i].ID
		}
		return out
	}
	same(t, "replaced", list(catalog.DefinitionFilter{Name: "f/c"}), []catalog.Definition{changed})
	same(t, "all", ids(list(catalog.DefinitionFilter{})), "3125")
	same(t, "a folder", ids(list(catalog.DefinitionFilter{Prefix: "f/"})), "312")
	same(t, "a language", ids(list(catalog.DefinitionFilter{Language: "PPL"})), "2")
	same(t, "second page", ids(list(catalog.DefinitionFilter{AfterName: "f/b", AfterID: "1", Limit: 1})), "2")
	wantErr(t, "delete from elsewhere", db.DeleteDefinition(ctx, other, "1"), catalog.ErrNotFound)
	ok(t, "delete", db.DeleteDefinition(ctx, scope, "1"))
	wantErr(t, "delete again", db.DeleteDefinition(ctx, scope, "1"), catalog.ErrNotFound)
}
