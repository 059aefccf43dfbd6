package catalog_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func TestCopyIsACatalog(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	scope := logs.Scope{Account: "000000000000", Region: "us-east-1"}
	create := func(name string) {
		t.Helper()
		before := db.Changes()
		g, err := db.CreateGroup(ctx, catalog.Group{Scope: scope, Name: name, Class: "STANDARD"}, map[string]string{"team": "x"}, 10)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.CreateStream(ctx, g.ID, "s", 1); err != nil {
			t.Fatal(err)
		}
		if db.Changes() == before {
			t.Fatal("changes were not counted")
		}
	}
	target := filepath.Join(dir, "copy")
	for _, name := range []string{"first", "second"} { // the second replaces the first
		create(name)
		if err := db.Copy(ctx, target); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(target)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v, %v; it holds secrets", info.Mode(), err)
		}
	}
	create("third") // not in the copy
	c, err := catalog.Open(ctx, target, catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if found, err := c.Check(ctx); err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	groups, err := c.Groups(ctx, scope, catalog.GroupFilter{Limit: 10})
	if err != nil || len(groups) != 2 || groups[0].Name != "first" || groups[1].Name != "second" {
		t.Fatalf("%v, %v", groups, err)
	}
	if streams, err := c.Streams(ctx, groups[1].ID, catalog.StreamFilter{Limit: 10}); err != nil || len(streams) != 1 {
		t.Fatalf("%v, %v", streams, err)
	}
}

func TestCopyThatFailsLeavesTheOldOne(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	db, err := catalog.Open(ctx, filepath.Join(dir, "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	target := filepath.Join(dir, "copy")
	if err := db.Copy(ctx, target); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := db.Copy(ended, target); err == nil {
		t.Fatal("a copy whose context had ended succeeded")
	}
	after, err := os.ReadFile(target)
	if err != nil || string(after) != string(before) {
		t.Fatal("the old copy changed", err)
	}
	if names, err := filepath.Glob(target + ".tmp*"); err != nil || len(names) > 0 {
		t.Fatal(names, err)
	}
}
