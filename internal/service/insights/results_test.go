package insights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestPagesOfManyRows(t *testing.T) {
	w := newWorld(t)
	const n = insights.MaxRows + 5
	w.many("/a", "s", n, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	r := hour("fields n | sort @timestamp desc", "/a")
	r.Limit = insights.MaxRows
	id := w.begin(r)
	w.ended(id)
	ctx := context.Background()
	var token *string
	rows := 0
	for pages := 1; ; pages++ {
		p, err := w.Results(ctx, scope, id, token, 0)
		w.must(err)
		for _, row := range p.Rows {
			if want := fmt.Sprint(n - 1 - rows); len(row) != 2 || row[0].Value != want {
				t.Fatalf("row %d is %v, want n=%s", rows, row, want)
			}
			rows++
		}
		if p.Next == "" {
			equal(t, "pages", pages, 10)
			break
		}
		token = &p.Next
	}
	equal(t, "rows", rows, insights.MaxRows)

	p, err := w.Results(ctx, scope, id, nil, 3)
	w.must(err)
	p, err = w.Results(ctx, scope, id, &p.Next, 2)
	w.must(err)
	equal(t, "the second page", []string{p.Rows[0][0].Value, p.Rows[1][0].Value}, []string{fmt.Sprint(n - 4), fmt.Sprint(n - 5)})
	next := p.Next
	w.now.Add(int64(time.Hour / time.Millisecond))
	_, err = w.Results(ctx, scope, id, &next, 2)
	w.must(err)
	w.now.Add(1)
	id2 := w.begin(hour(show, "/a"))
	p2 := w.ended(id2)
	for what, token := range map[string]string{"expired": next, "garbage": "x", "of another query": p2.Next} {
		if _, err := w.Results(ctx, scope, id, &token, 2); !errors.Is(err, insights.ErrBadToken) {
			t.Errorf("token %s: %v", what, err)
		}
	}
}

func TestLimits(t *testing.T) {
	w := newWorld(t)
	w.many("/a", "s", 10_050, func(i int) string { return "m" })
	for _, c := range []struct {
		query     string
		limit     int
		want      int
		wantPages int
	}{
		{"fields @message", 0, 10_000, 1},
		{"fields @message", 7, 7, 1},
		{"fields @message | limit 5", 7, 5, 1},
		{"fields @message | limit 9", 7, 7, 1},
		{"fields @message | limit 10020", 100_000, 10_020, 2},
	} {
		r := hour(c.query, "/a")
		r.Limit = c.limit
		id := w.begin(r)
		p := w.ended(id)
		n, pages := len(p.Rows), 1
		for p.Next != "" {
			var err error
			p, err = w.Results(context.Background(), scope, id, &p.Next, 0)
			w.must(err)
			n += len(p.Rows)
			pages++
		}
		equal(t, fmt.Sprintf("%s limit %d", c.query, c.limit), []int{n, pages}, []int{c.want, c.wantPages})
	}
}

// What the indexes leave out is counted while a query runs.
func TestStatisticsWhileItRuns(t *testing.T) {
	w := newWorld(t)
	w.many("/a", "s", 40_000, func(i int) string { return fmt.Sprintf("event %d %s", i, strings.Repeat("x", i%50)) })
	w.many("/a", "s", 1, func(i int) string { return "the needle" })
	w.must(w.store.Flush(context.Background()))
	reached, release := make(chan struct{}, 100), make(chan struct{})
	hold := func() { reached <- struct{}{}; <-release }
	w.gate.each.Store(&hold)
	id := w.begin(hour("filter @message like 'needle'", "/a"))
	<-reached
	var p insights.Page
	for deadline := time.Now().Add(30 * time.Second); p.Stats.RecordsSkipped == 0 && time.Now().Before(deadline); {
		var err error
		p, err = w.Results(context.Background(), scope, id, nil, 0)
		w.must(err)
	}
	equal(t, "status", p.Status, insights.Running)
	if p.Stats.RecordsSkipped == 0 || p.Stats.BytesSkipped == 0 {
		t.Errorf("%+v", p.Stats)
	}
	close(release)
	equal(t, "rows", len(w.ended(id).Rows), 1)
}

func TestPointers(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "x"})
	p := w.ended(w.begin(hour("fields @message", "/a")))
	last := p.Rows[0][1]
	id, err := logs.ParseEventID(last.Value)
	if last.Name != "@ptr" || err != nil || id.Timestamp != start-1 {
		t.Errorf("%v is %v, %v", last, id, err)
	}
	p = w.ended(w.begin(hour("stats count(*)", "/a")))
	equal(t, "columns of a count", p.Rows, [][]insights.Cell{{{Name: "count(*)", Value: "1"}}})
}

func TestForeignQueriesAreNotFound(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "x"})
	id := w.begin(hour(show, "/a"))
	w.ended(id)
	w.must(w.Close())
	w.open()
	for _, c := range []struct {
		scope logs.Scope
		id    string
	}{{other, id}, {scope, "none"}, {scope, "0"}} {
		if _, err := w.Results(context.Background(), c.scope, c.id, nil, 0); !errors.Is(err, insights.ErrNotFound) {
			t.Errorf("results of %v: %v", c, err)
		}
		if _, err := w.Groups(context.Background(), c.scope, c.id, nil, 0); !errors.Is(err, insights.ErrNotFound) {
			t.Errorf("groups of %v: %v", c, err)
		}
	}
}

// Queries are kept for seven days.
func TestExpiry(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "x"})
	ctx := context.Background()
	old := w.begin(hour(show, "/a"))
	w.ended(old)
	w.now.Add(1000)
	young := w.begin(hour(show, "/a"))
	w.ended(young)
	w.now.Add(7*day - 1)
	w.saved(old, young)
	for range 2 {
		if _, err := w.Results(ctx, scope, old, nil, 0); !errors.Is(err, insights.ErrNotFound) {
			t.Errorf("after seven days: %v", err)
		}
		equal(t, "the younger one", w.status(young), insights.Complete)
		found, err := w.Describe(ctx, scope, insights.DescribeRequest{})
		w.must(err)
		equal(t, "queries", len(found.Queries), 1)
		w.must(w.Expire(ctx))
	}
	if w.exists(old) || !w.exists(young) {
		t.Errorf("files: old %v, young %v", w.exists(old), w.exists(young))
	}
}

// The oldest queries go first when there are too many or they take too much.
func TestBoundsOfWhatIsKept(t *testing.T) {
	for name, change := range map[string]func(*insights.Options){
		"queries": func(o *insights.Options) { o.MaxQueries = 3 },
		"bytes":   func(o *insights.Options) { o.MaxBytes = 9_000 },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			w.many("/a", "s", 300, func(i int) string { return fmt.Sprint(i * 7919) })
			var ids []string
			for range 8 {
				id := w.begin(hour(show, "/a"))
				w.ended(id)
				ids = append(ids, id)
			}
			w.saved(ids...)
			w.must(w.Expire(context.Background()))
			kept := 0
			for i, id := range ids {
				_, err := w.Results(context.Background(), scope, id, nil, 0)
				if kept > 0 && err != nil {
					t.Errorf("query %d is gone and an older one is not: %v", i, err)
				}
				if (err == nil) != w.exists(id) {
					t.Errorf("query %d: %v, file %v", i, err, w.exists(id))
				}
				if err == nil {
					kept++
				}
			}
			if kept < 1 || kept > 3 {
				t.Errorf("%d are kept", kept)
			}
		})
	}
}

// saved waits until the ends of queries are written.
func (w *world) saved(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			q, err := w.db.QueryByID(context.Background(), id)
			w.must(err)
			if q.EndedMS >= 0 {
				break
			}
			if time.Now().After(deadline) {
				w.t.Fatalf("the end of query %s is not written", id)
			}
		}
	}
}

func (w *world) exists(id string) bool {
	_, err := w.fs.Stat("queries/" + id[:2] + "/" + id + ".rows")
	return err == nil
}

// A damaged file is an error, not an answer.
func TestDamagedResult(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "x"})
	id := w.begin(hour(show, "/a"))
	w.ended(id)
	w.saved(id)
	name := "queries/" + id[:2] + "/" + id + ".rows"
	good, err := vfs.ReadFile(w.fs, name, 1<<20)
	w.must(err)
	w.must(w.Close())
	w.open()
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x40
		w.must(vfs.CreateFile(w.fs, name, bad))
		p, err := w.Results(context.Background(), scope, id, nil, 0)
		if err == nil && i >= 8 { // of the first bytes nothing depends
			t.Fatalf("byte %d: %v", i, p.Rows)
		}
	}
	for n := range good {
		w.must(vfs.CreateFile(w.fs, name, good[:n]))
		if p, err := w.Results(context.Background(), scope, id, nil, 0); err == nil {
			t.Fatalf("%d bytes: %v", n, p.Rows)
		}
	}
}

// A disk without space does not take answers away; they are written later.
func TestFullDisk(t *testing.T) {
	var full atomic.Bool
	refused := make(chan struct{}, 100)
	w := newWorld(t, func(o *insights.Options) {
		o.FS = vfs.NewFault(o.FS, &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
			if full.Load() && c.Op == vfs.OpWrite {
				refused <- struct{}{}
				return vfs.Failure{Err: syscall.ENOSPC}
			}
			return vfs.Failure{}
		}})
	})
	w.put("/a", "s", map[int64]string{-1: "x"})
	full.Store(true)
	id := w.begin(hour(show, "/a"))
	equal(t, "answer", text(w.ended(id).Rows), "@message=x\n")
	<-refused
	full.Store(false)
	w.must(w.Close())
	w.open()
	equal(t, "answer after a restart", text(w.ended(id).Rows), "@message=x\n")
}

// A page of large rows ends early, in memory and on disk.
func TestLargeRows(t *testing.T) {
	if testing.Short() {
		t.Skip("80 MB of rows")
	}
	w := newWorld(t, func(o *insights.Options) { o.Memory = 256 << 20 })
	big := strings.Repeat("0123456789", 100_000)
	const n = 80
	for i := range int64(n) {
		w.put("/a", "s", map[int64]string{-1 - i: big})
	}
	id := w.begin(hour("fields @message", "/a"))
	for range 2 {
		p := w.ended(id)
		rows, pages := len(p.Rows), 1
		for p.Next != "" {
			var err error
			p, err = w.Results(context.Background(), scope, id, &p.Next, 0)
			w.must(err)
			rows += len(p.Rows)
			pages++
		}
		equal(t, "rows and pages", []int{rows, pages}, []int{n, 2})
		w.saved(id)
		w.must(w.Close())
		w.open()
	}
}
