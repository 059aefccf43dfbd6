// Package catalogtest is the conformance suite of the catalog. Every
// implementation passes it.
package catalogtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		{"GroupLife", testGroupLife},
		{"GroupSettings", testGroupSettings},
		{"GroupLimit", testGroupLimit},
		{"GroupPaging", testGroupPaging},
		{"StreamLife", testStreamLife},
		{"StreamPaging", testStreamPaging},
		{"StreamPagingByTime", testStreamPagingByTime},
		{"StreamStats", testStreamStats},
		{"StreamsByID", testStreamsByID},
		{"Tags", testTags},
		{"ResourceTags", testResourceTags},
		{"Settings", testSettings},
		{"Schedules", testSchedules},
		{"Tasks", testTasks},
		{"Queries", testQueries},
		{"Definitions", testDefinitions},
		{"Documents", testDocuments},
		{"Journal", testJournal},
		{"Outbox", testOutbox},
		{"Keys", testKeys},
		{"Meta", testMeta},
		{"Publish", testPublish},
		{"Tombstones", testTombstones},
		{"IdsAreNeverReused", testIDs},
		{"OddNames", testOddNames},
		{"ConcurrentWriters", testConcurrentWriters},
		{"Closed", testClosed},
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

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

// get returns v, failing the test on an error.
func get[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
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

func newGroup(t *testing.T, db *catalog.DB, name string) catalog.Group {
	t.Helper()
	g, err := db.CreateGroup(context.Background(), catalog.Group{Scope: scope, Name: name, Class: "STANDARD", CreatedMS: 5}, nil, 0)
	ok(t, "create group "+name, err)
	return g
}

func newStream(t *testing.T, db *catalog.DB, g catalog.Group, name string) catalog.Stream {
	t.Helper()
	s, err := db.CreateStream(context.Background(), g.ID, name, 7)
	ok(t, "create stream "+name, err)
	return s
}

func names[T any](list []T, name func(T) string) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, name(x))
	}
	return out
}

func groupNames(list []catalog.Group) []string {
	return names(list, func(g catalog.Group) string { return g.Name })
}

func streamNames(list []catalog.Stream) []string {
	return names(list, func(s catalog.Stream) string { return s.Name })
}
