package catalog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
)

var testScope = logs.Scope{Account: "000000000000", Region: "us-east-1"}

func openTest(t testing.TB) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "catalog.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func testGroup(t testing.TB, db *DB, name string) Group {
	t.Helper()
	g, err := db.CreateGroup(context.Background(), Group{Scope: testScope, Name: name}, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// onWriter runs SQL on the commit goroutine, outside a transaction.
func onWriter(t testing.TB, db *DB, sql string) {
	t.Helper()
	err := db.apply(context.Background(), "test", func(x *tx) error {
		if _, err := x.w.exec("COMMIT"); err != nil {
			return err
		}
		var ignored any
		if err := x.row(sql, nil, &ignored); err != nil && !isNoRows(err) {
			return err
		}
		if _, err := x.w.exec("BEGIN"); err != nil {
			return err
		}
		_, err := x.w.exec("SAVEPOINT change")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	ctx := context.Background()
	db := openTest(t)
	g := testGroup(t, db, "g")
	onWriter(t, db, "PRAGMA max_page_count = 1") // SQLite takes the present size
	var made []string
	full := false
	for i := 0; i < 5000 && !full; i++ {
		name := fmt.Sprintf("%d-%s", i, strings.Repeat("x", 400))
		_, err := db.CreateStream(ctx, g.ID, name, 1)
		switch {
		case errors.Is(err, ErrFull):
			full = true
		case err != nil:
			t.Fatal(err)
		default:
			made = append(made, name)
		}
	}
	if !full {
		t.Fatal("the disk never became full")
	}
	for _, name := range made {
		if _, err := db.StreamByName(ctx, g.ID, name); err != nil {
			t.Fatalf("read while full: %v", err)
		}
	}
	onWriter(t, db, "PRAGMA max_page_count = 1000000")
	if _, err := db.CreateStream(ctx, g.ID, "after", 1); err != nil {
		t.Fatalf("write after space returned: %v", err)
	}
	list, err := db.Streams(ctx, g.ID, StreamFilter{Limit: 10_000})
	if err != nil || len(list) != len(made)+1 {
		t.Fatalf("%d streams, %v; want %d", len(list), err, len(made)+1)
	}
	if found, err := db.Check(ctx); err != nil || len(found) > 0 {
		t.Fatalf("damage: %q, %v", found, err)
	}
}

func TestFailingChangeLeavesItsNeighbours(t *testing.T) {
	ctx := context.Background()
	db := openTest(t)
	errRefused := errors.New("refused")
	insert := func(k string, err error) *change {
		return &change{done: make(chan struct{}), fn: func(x *tx) error {
			if _, e := x.exec(`INSERT INTO meta (k, v) VALUES (?, 'v')`, k); e != nil {
				return e
			}
			return err
		}}
	}
	batch := []*change{insert("u:a", nil), insert("u:b", errRefused), insert("u:a", nil), insert("u:c", nil)}
	err := db.apply(ctx, "hold the commit goroutine", func(x *tx) error {
		for _, c := range batch {
			db.queue <- c // they wait, so the next group commit takes all four
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []error{nil, errRefused, ErrExists, nil}
	for i, c := range batch {
		<-c.done
		if !errors.Is(c.err, want[i]) {
			t.Errorf("change %d: %v, want %v", i, c.err, want[i])
		}
	}
	for k, there := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, err := db.Meta(ctx, k); (err == nil) != there {
			t.Errorf("%s: %v, want there %v", k, err, there)
		}
	}
}

func TestPurgeRemovesStreamsOfDeletedGroups(t *testing.T) {
	ctx := context.Background()
	db := openTest(t)
	g := testGroup(t, db, "g")
	for i := range 25 {
		if _, err := db.CreateStream(ctx, g.ID, fmt.Sprint(i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.DeleteGroup(ctx, g.ID); err != nil {
		t.Fatal(err)
	}
	for {
		more, err := db.purge(ctx, 10)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
	}
	count := func(query string) (n int) {
		t.Helper()
		if err := db.row(ctx, query, nil, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(`SELECT count(*) FROM log_streams`); n != 0 {
		t.Errorf("%d stream rows left", n)
	}
	if n := count(`SELECT count(*) FROM log_groups`); n != 1 {
		t.Errorf("%d group rows while the tombstone is open, want 1", n)
	}
	stones, err := db.Tombstones(ctx)
	if err != nil || len(stones) != 1 {
		t.Fatalf("tombstones %v, %v", stones, err)
	}
	if err := db.Publish(ctx, Publication{TombstonesDone: []int64{stones[0].Seq}}); err != nil {
		t.Fatal(err)
	}
	if n := count(`SELECT count(*) FROM log_groups`); n != 0 {
		t.Errorf("%d group rows after the tombstone is done, want 0", n)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	db, err := Open(context.Background(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = db.apply(context.Background(), "test", func(x *tx) error { return setMeta(x, schemaKey, "99") })
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db, err := Open(context.Background(), path, Options{}); !errors.Is(err, ErrTooNew) {
		t.Fatalf("opened %v, %v; want ErrTooNew", db, err)
	}
}

// Pages must be range scans of an index: no scan of the group, no sorting.
func TestPagesAreIndexRanges(t *testing.T) {
	ctx := context.Background()
	db := openTest(t)
	g := testGroup(t, db, "g")
	after := &Stream{Name: "p5", LastMS: 7}
	var got []string
	seen := map[string]bool{}
	plan := func() {
		t.Helper()
		db.stmts.Range(func(q, _ any) bool {
			query := q.(string)
			if seen[query] || !strings.Contains(query, "ORDER BY") {
				return true
			}
			seen[query] = true
			args := make([]any, strings.Count(query, "?"))
			for i := range args {
				args[i] = 1
			}
			rows, err := db.read.Query(`EXPLAIN QUERY PLAN `+query, args...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				got = append(got, detail)
				if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "SUBQUERY") || strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("%s\n\tplan: %s", query, detail)
				}
			}
			return true
		})
	}
	for _, byLast := range []bool{false, true} {
		for _, descending := range []bool{false, true} {
			for _, position := range []*Stream{nil, after} {
				f := StreamFilter{ByLast: byLast, Descending: descending, After: position, Limit: 5}
				if !byLast {
					f.Prefix = "p"
				}
				if _, err := db.Streams(ctx, g.ID, f); err != nil {
					t.Fatal(err)
				}
				plan()
			}
		}
	}
	for _, f := range []GroupFilter{{Limit: 1}, {Limit: 1, Prefix: "p", After: "p5"}, {Limit: 1, Match: func(*Group) bool { return true }}} {
		if _, err := db.Groups(ctx, testScope, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Tasks(ctx, "export", TaskFilter{Scope: &testScope, Before: 5, Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Schedules(ctx, testScope, "ENABLED", "a", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DueSchedules(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Runs(ctx, "x", RunFilter{Statuses: []string{"Running"}, Before: 5, Limit: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.RunsIn(ctx, "Running", 1); err != nil {
		t.Fatal(err)
	}
	plan()
	if t.Failed() {
		t.Log(strings.Join(got, "\n"))
	}
	bounds := 0
	for _, d := range got {
		if strings.Contains(d, "last_ts,name)>(") || strings.Contains(d, "last_ts,name)<(") || strings.Contains(d, "name>? AND name<?") {
			bounds++
		}
	}
	if bounds < 5 {
		t.Errorf("only %d plans bound both sides or the pair:\n%s", bounds, strings.Join(got, "\n"))
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "az": "a{", "/a/": "/a0", "\U0010ffff": "", "a\U0010ffff": "b", "é": "ê", "\ud7ff": "\ue000", "\x7f": "\u0080",
		"\xff": "", "a\xff": "b", "a\xc3": "a\xc4",
	} {
		got := prefixEnd(prefix)
		if got != want {
			t.Errorf("prefixEnd(%q) = %q, want %q", prefix, got, want)
		}
	}
}

func FuzzPrefixEnd(f *testing.F) {
	f.Add("a\U0010ffff", "x")
	f.Fuzz(func(t *testing.T, prefix, rest string) {
		end := prefixEnd(prefix)
		if end != "" && (prefix+rest >= end || end <= prefix) {
			t.Fatalf("%q is not below %q", prefix+rest, end)
		}
	})
}

// Streams by id must be found by their key, whatever the size of the group.
func TestStreamsByIDUseTheirKey(t *testing.T) {
	ctx := context.Background()
	db := openTest(t)
	g := testGroup(t, db, "g")
	if _, err := db.StreamsByID(ctx, g.ID, []logs.StreamID{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	plans := 0
	db.stmts.Range(func(q, _ any) bool {
		query := q.(string)
		if !strings.Contains(query, "s.stream_id IN") {
			return true
		}
		rows, err := db.read.Query(`EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			got = append(got, detail)
		}
		plans++
		if plan := strings.Join(got, "; "); !strings.Contains(plan, "SEARCH s USING INTEGER PRIMARY KEY") {
			t.Errorf("%s\n\tplan: %s", query, plan)
		}
		return true
	})
	if plans == 0 {
		t.Error("no statement was looked at")
	}
}

// The catalog holds secrets: nobody but the owner may read its files, even those of a database that was copied carelessly.
func TestFilesAreTheOwners(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such modes")
	}
	path := filepath.Join(t.TempDir(), "catalog.db")
	for _, when := range []string{"new", "reopened"} {
		db, err := Open(context.Background(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		testGroup(t, db, when)
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) < 3 {
			t.Fatalf("files %v, %v", files, err)
		}
		for _, name := range files {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(name, reserveSuffix) { // the reserve holds zeros
				t.Errorf("%s: %s has mode %v", when, filepath.Base(name), info.Mode())
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
