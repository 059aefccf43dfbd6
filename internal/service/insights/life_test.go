package insights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestQueriesWaitForAPlace(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Concurrency, o.MaxQueued = 1, 2 })
	w.put("/a", "s", map[int64]string{-1: "x"})
	release := w.gate.hold()
	defer release()
	one, two, three := w.begin(hour(show, "/a")), w.begin(hour(show, "/a")), w.begin(hour(show, "/a"))
	w.refuses(hour(show, "/a"), "Account maximum query concurrency limit of [3] reached.")
	for id, want := range map[string]string{one: insights.Running, two: insights.Scheduled, three: insights.Scheduled} {
		equal(t, "while one runs", w.status(id), want)
	}
	ctx := context.Background()
	equal(t, "health", w.Health(), insights.Health{Running: 1, Waiting: 2, Ended: map[string]int64{"Complete": 0, "Failed": 0, "Cancelled": 0, "Timeout": 0}})
	found, err := w.Describe(ctx, scope, insights.DescribeRequest{Status: insights.Scheduled})
	w.must(err)
	if len(found.Queries) != 2 || found.Queries[0].ID != three {
		t.Errorf("scheduled queries: %+v", found)
	}
	w.must(w.Stop(ctx, scope, two))
	equal(t, "stopped while it waited", w.status(two), insights.Cancelled)
	equal(t, "what is behind it", w.status(three), insights.Scheduled)
	release()
	for id, want := range map[string]string{one: insights.Complete, two: insights.Cancelled, three: insights.Complete} {
		equal(t, "in the end", w.ended(id).Status, want)
	}
	equal(t, "ended", w.Health().Ended, map[string]int64{"Complete": 2, "Failed": 0, "Cancelled": 1, "Timeout": 0})
	if err := w.Stop(ctx, scope, one); !errors.Is(err, insights.ErrEnded) {
		t.Errorf("stop again: %v", err)
	}
}

func TestStop(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-1: "x"})
	ctx := context.Background()
	release := w.gate.hold()
	defer release()
	id := w.begin(hour(show, "/a"))
	for _, c := range []struct {
		scope logs.Scope
		id    string
	}{{other, id}, {scope, "none"}} {
		if err := w.Stop(ctx, c.scope, c.id); !errors.Is(err, insights.ErrNotFound) {
			t.Errorf("stop %v: %v", c, err)
		}
	}
	w.gate.reached(t)
	w.must(w.Stop(ctx, scope, id))
	p := w.ended(id)
	equal(t, "status", []any{p.Status, p.Reason, p.Stats.GroupsScanned}, []any{insights.Cancelled, "The query was stopped.", int64(1)})
	if err := w.Stop(ctx, scope, id); !errors.Is(err, insights.ErrEnded) {
		t.Errorf("stop again: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Timeout = time.Millisecond })
	w.put("/a", "s", map[int64]string{-1: "x"})
	defer w.gate.hold()()
	p := w.ended(w.begin(hour(show, "/a")))
	equal(t, "status", []string{p.Status, p.Reason}, []string{insights.Timeout, "The query ran longer than is allowed."})
}

func TestQuotasOfAWS(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Strict = true })
	w.put("/a", "s", map[int64]string{-1: "x"})
	release := w.gate.hold()
	defer release()
	var ids []string
	for range 100 {
		ids = append(ids, w.begin(hour(show, "/a")))
	}
	w.refuses(hour(show, "/a"), "Account maximum query concurrency limit of [100] reached.")
	w.must(w.Stop(context.Background(), scope, ids[50]))
	ids[50] = w.begin(hour(show, "/a"))
	release()
	for _, id := range ids {
		equal(t, "in the end", w.ended(id).Status, insights.Complete)
	}
	w.begin(hour(show, "/a"))
}

func TestNeedsMemory(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Memory = 1 << 20 })
	w.many("/a", "s", 20_000, func(i int) string { return fmt.Sprintf("message %d of many, which are all different", i) })
	p := w.ended(w.begin(hour("stats count(*) by @message", "/a")))
	if p.Status != insights.Failed || !strings.Contains(p.Reason, "its share is 1 MiB") {
		t.Errorf("%s: %s", p.Status, p.Reason)
	}
}

// What was known at the end of a process is known in the next one.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-2: "x", -1: "y"})
	ctx := context.Background()
	complete := w.begin(hour("fields @message, nothing | sort @message", "/a"))
	before := w.ended(complete)
	empty := w.begin(hour("filter @message = 'none'", "/a"))
	w.ended(empty)
	release := w.gate.hold()
	running := w.begin(hour(show, "/a"))
	w.must(w.Close())
	release()
	if _, err := w.Start(ctx, scope, hour(show, "/a")); !errors.Is(err, insights.ErrClosed) {
		t.Errorf("start after close: %v", err)
	}
	w.open()
	after := w.ended(complete)
	equal(t, "answer after a restart", after, before)
	equal(t, "rows", text(after.Rows), "@message=x\n@message=y\n")
	equal(t, "the one without rows", w.ended(empty).Status, insights.Complete)
	p := w.ended(running)
	equal(t, "the one that ran", []string{p.Status, p.Reason}, []string{insights.Failed, "The server was stopped while the query ran."})
	found, err := w.Describe(ctx, scope, insights.DescribeRequest{})
	w.must(err)
	equal(t, "queries", len(found.Queries), 3)
}

// After a crash, queries that ran are failed and files that no record knows are gone.
func TestCrash(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-2: "x", -1: "y"})
	complete := w.begin(hour(show, "/a"))
	w.ended(complete)
	w.saved(complete)
	release := w.gate.hold()
	defer release()
	running := w.begin(hour(show, "/a"))

	// A second service over the same catalog is what comes after a crash.
	left := w.Service
	defer left.Close()
	for _, name := range []string{complete[:2] + "/" + complete + ".rows.tmp", running[:2] + "/" + running + ".rows", "zz/other"} {
		w.must(w.fs.MkdirAll("queries/" + name[:2]))
		w.must(vfs.CreateFile(w.fs, "queries/"+name, []byte("half")))
	}
	w.open()
	release()
	p := w.ended(running)
	equal(t, "the one that ran", []string{p.Status, p.Reason}, []string{insights.Failed, "The server ended before the result of the query was written."})
	equal(t, "the one that was complete", text(w.ended(complete).Rows), "@message=x\n@message=y\n")
	for name, want := range map[string]bool{complete[:2] + "/" + complete + ".rows": true, complete[:2] + "/" + complete + ".rows.tmp": false, "zz/other": true} {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := w.fs.Stat("queries/" + name); (err == nil) == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: want it there: %v", name, want)
			}
		}
	}
}

// Many clients at once get their answers, and nothing is left.
func TestManyQueriesAtOnce(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Concurrency = 3 })
	w.many("/a", "s", 500, func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) })
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for i := range 10 {
				r := hour(fmt.Sprintf("filter n < %d | stats count(*) as c", c*10+i), "/a")
				id, err := w.Start(context.Background(), scope, r)
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 2 {
					if err := w.Stop(context.Background(), scope, id); err != nil && !errors.Is(err, insights.ErrEnded) {
						t.Error(err)
					}
					continue
				}
				p, err := w.Results(context.Background(), scope, id, nil, 0)
				for err == nil && p.Status != insights.Complete {
					p, err = w.Results(context.Background(), scope, id, nil, 0)
				}
				if err != nil || text(p.Rows) != fmt.Sprintf("c=%d\n", c*10+i) {
					t.Errorf("query %d of %d: %v %v", i, c, p, err)
				}
			}
		})
	}
	all.Wait()
	found, err := w.Describe(context.Background(), scope, insights.DescribeRequest{})
	w.must(err)
	equal(t, "queries", len(found.Queries), 80)
}

// While a query runs, what it found so far can be seen.
func TestPartialResults(t *testing.T) {
	w := newWorld(t)
	for i := range int64(4) {
		w.many(fmt.Sprintf("/g%d", i), "s", 100, func(n int) string { return fmt.Sprint(n) })
	}
	steps := &stepper{next: make(chan struct{})}
	w.must(w.Close())
	w.open(func(o *insights.Options) { o.Store = steps; steps.Store = w.store })
	id := w.begin(hour("stats count(*) as n", "/g0", "/g1", "/g2", "/g3"))
	seen := int64(0)
	for i := range int64(4) {
		for deadline := time.Now().Add(20 * time.Second); ; {
			p, err := w.Results(context.Background(), scope, id, nil, 0)
			w.must(err)
			// Statistics are of now, rows follow them.
			if seen = p.Stats.RecordsScanned; seen >= i*100 && (i == 0 || text(p.Rows) == fmt.Sprintf("n=%d\n", i*100)) {
				equal(t, "status", p.Status, insights.Running)
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("after %d blocks: %+v", i, p)
			}
		}
		steps.next <- struct{}{}
	}
	p := w.ended(id)
	equal(t, "in the end", text(p.Rows), "n=400\n")
	equal(t, "statistics", p.Stats, insights.Statistics{RecordsMatched: 400, RecordsScanned: 400, BytesScanned: p.Stats.BytesScanned, GroupsScanned: 4})
}

// stepper is a store that hands out one block for each value in next.
type stepper struct {
	*store.Store
	next chan struct{}
}

func (s *stepper) ScanBlocks(ctx context.Context, q store.BlockQuery, _ int, fn func(worker int, b *store.BlockView) error) (store.Stats, error) {
	return s.Store.ScanBlocks(ctx, q, 1, func(i int, b *store.BlockView) error {
		select {
		case <-s.next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return fn(i, b)
	})
}

// Queries that run and those that wait end when the service is closed.
func TestClose(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) { o.Concurrency = 1 })
	w.put("/a", "s", map[int64]string{-1: "x"})
	release := w.gate.hold()
	running, waiting := w.begin(hour(show, "/a")), w.begin(hour(show, "/a"))
	w.must(w.Close())
	w.must(w.Close())
	release()
	w.open()
	for _, id := range []string{running, waiting} {
		p := w.ended(id)
		equal(t, "status", []string{p.Status, p.Reason}, []string{insights.Failed, "The server was stopped while the query ran."})
	}
	if err := w.Stop(context.Background(), scope, waiting); !errors.Is(err, insights.ErrEnded) {
		t.Errorf("stop: %v", err)
	}
}
