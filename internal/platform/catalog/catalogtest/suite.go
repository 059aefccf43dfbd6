// Package catalogtest is the conformance suite of the catalog. Every
// implementation passes it.
package catalogtest

import (
	"context"
	"errors"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Home is one catalog that can be closed and opened again.
type Home interface {
	// Open opens the catalog; the test closes what it opens.
	Open(t *testing.T) *catalog.DB
}

// Run runs the suite; fresh returns an empty home for each test.
func Run(t *testing.T, fresh func(t *testing.T) Home) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, h Home)
	}{
		{"Groups", testGroups},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

var (
	scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}
	other = logs.Scope{Account: "111111111111", Region: "us-east-1"}
)

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func open(t *testing.T, h Home) *catalog.DB {
	t.Helper()
	db := h.Open(t)
	t.Cleanup(func() { db.Close() })
	return db
}

func testGroups(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := must(db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "/a/b", Class: "STANDARD", CreatedMS: 5}, map[string]string{"k": "v"}, 0))(t)
	if g.ID != 1 || g.Name != "/a/b" || g.CreatedMS != 5 {
		t.Fatalf("created %+v", g)
	}
	_, err := db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: "/a/b"}, nil, 0)
	wantErr(t, "create again", err, catalog.ErrExists)
	must(db.CreateGroup(ctx, catalog.Group{Scope: other, Name: "/a/b"}, nil, 0))(t)

	got := must(db.GroupByName(ctx, scope, "/a/b"))(t)
	if got != g {
		t.Fatalf("got %+v, want %+v", got, g)
	}
	_, err = db.GroupByName(ctx, scope, "/a")
	wantErr(t, "get a missing group", err, catalog.ErrNotFound)
}
