package insights_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/insights"
)

// Groups of one query have retentions of their own.
func TestRetentionOfSeveralGroups(t *testing.T) {
	w := newWorld(t)
	for _, g := range []string{"/day", "/three", "/ever"} {
		w.put(g, "s", map[int64]string{0: g + " old", day: g + " middle", 2 * day: g + " new"})
	}
	w.now.Add(2*day + 1000)
	w.must(w.groups.PutRetention(context.Background(), scope, "/day", 1))
	w.must(w.groups.PutRetention(context.Background(), scope, "/three", 3))
	r := insights.StartRequest{Query: "stats count(*) as n by @log | sort @log", Groups: []string{"/ever", "/day", "/three"}, Start: 0, End: w.now.Load()}
	w.answers(r, "@log=123456789012:/day n=1\n@log=123456789012:/ever n=3\n@log=123456789012:/three n=3\n")
	w.must(w.groups.PutRetention(context.Background(), scope, "/three", 1))
	w.answers(r, "@log=123456789012:/day n=1\n@log=123456789012:/ever n=3\n@log=123456789012:/three n=1\n")
	r.Groups = []string{"/day"}
	w.answers(r, "@log=123456789012:/day n=1\n")
}

func TestDeletedStreamsAreNotSeen(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "kept", map[int64]string{-2: "x"})
	w.put("/a", "gone", map[int64]string{-1: "y"})
	w.put("/b", "gone", map[int64]string{-1: "z"})
	w.must(w.groups.DeleteStream(context.Background(), scope, "/a", "gone"))
	w.answers(hour("fields @message, @logStream | sort @message", "/a", "/b"), "@message=x @logStream=kept\n@message=z @logStream=gone\n")
	w.answers(hour("stats count(*) as n", "/a"), "n=1\n")
	w.answers(hour(`filter @logStream = "gone" | fields @message`, "/a", "/b"), "@message=z\n")
	w.answers(hour(`filter @log = "123456789012:/a" | fields @message`, "/a", "/b"), "@message=x\n")
	w.put("/a", "gone", map[int64]string{-1: "again"})
	w.answers(hour(`filter @logStream like /gon/ | fields @message | sort @message`, "/a"), "@message=again\n")
}

// A condition on @log leaves the other groups alone.
func TestConditionOnTheGroup(t *testing.T) {
	w := newWorld(t)
	for _, g := range []string{"/a", "/b", "/c"} {
		w.put(g, "s", map[int64]string{-2: g, -1: g})
	}
	check := func(query, want string, groups, scanned int64) {
		t.Helper()
		p := w.ended(w.begin(hour(query, "/a", "/b", "/c")))
		equal(t, query, text(p.Rows), want)
		equal(t, "statistics of "+query, []int64{p.Stats.GroupsScanned, p.Stats.RecordsScanned}, []int64{groups, scanned})
	}
	check(`filter @log = "123456789012:/b" | stats count(*) as n`, "n=2\n", 1, 2)
	check(`filter @log in ["123456789012:/b", "123456789012:/c", "/a"] | stats count(*) as n`, "n=4\n", 2, 4)
	check(`filter @log != "123456789012:/b" | stats count(*) as n`, "n=4\n", 3, 6)
	check(`filter @log = "/b" | stats count(*) as n`, "n=0\n", 3, 0)
	check(`filter @log = "123456789012:/b" or @logStream = "s" | stats count(*) as n`, "n=6\n", 3, 6)
}

// Names of many streams are loaded in one go.
func TestManyStreams(t *testing.T) {
	w := newWorld(t)
	const n = 150
	ctx := context.Background()
	w.create("/a")
	g, err := w.groups.Resolve(ctx, scope, "/a")
	w.must(err)
	done := make(chan error, n)
	name := func(i int) string { return string(rune('a'+i/26)) + string(rune('a'+i%26)) }
	for i := range n {
		go func() {
			err := w.groups.CreateStream(ctx, scope, "/a", name(i))
			st, rerr := w.groups.ResolveStream(ctx, g, name(i))
			if err == nil {
				err = rerr
			}
			if err == nil {
				_, err = w.store.Append(ctx, store.Batch{Group: g.ID, Stream: st.ID, Ingestion: start, Arena: []byte("m"), Ends: []uint32{1}, Timestamps: []int64{start - 1}})
			}
			done <- err
		}()
	}
	for range n {
		w.must(<-done)
	}
	p := w.ended(w.begin(hour("stats count(*) as n by @logStream | sort @logStream", "/a")))
	if len(p.Rows) != n || p.Rows[0][0].Value != "aa" || p.Rows[n-1][0].Value != name(n-1) {
		t.Errorf("%d rows: %v … (%s)", len(p.Rows), p.Rows[:min(2, len(p.Rows))], p.Reason)
	}
}

// So many deleted streams, groups and retentions that the plan looks them up.
func TestMuchIsHidden(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	const n = 300
	w.create("/a")
	errs := make(chan error, n)
	for i := range n {
		go func() {
			name := fmt.Sprint(i)
			err := w.groups.CreateStream(ctx, scope, "/a", name)
			if err == nil && i > 0 {
				err = w.groups.DeleteStream(ctx, scope, "/a", name)
			}
			errs <- err
		}()
	}
	for range n {
		w.must(<-errs)
	}
	w.put("/a", "0", map[int64]string{0: "kept"})
	w.put("/a", "again", map[int64]string{0: "kept too"})
	dead, err := w.groups.Resolve(ctx, scope, "/a")
	w.must(err)
	ids, err := w.groups.DeadStreamsOf(ctx, []logs.GroupID{dead.ID})
	w.must(err)
	for _, id := range ids[:20] {
		_, err := w.store.Append(ctx, store.Batch{Group: dead.ID, Stream: id, Ingestion: start, Arena: []byte("x"), Ends: []uint32{1}, Timestamps: []int64{start}})
		w.must(err)
	}
	r := insights.StartRequest{Query: "fields @message | sort @message", Start: 0, End: start + 40*day}
	r.Groups = []string{"/a"}
	w.answers(r, "@message=kept\n@message=kept too\n")

	retentions := []int{1, 3, 5, 7, 14, 30}
	r.Query, r.Groups = "stats count(*) as n by @log | sort n", nil
	for _, days := range retentions {
		name := fmt.Sprintf("/r%02d", days)
		events := map[int64]string{}
		for d := range int64(31) {
			events[d*day] = "x"
		}
		w.put(name, "s", events)
		w.must(w.groups.PutRetention(ctx, scope, name, days))
		r.Groups = append(r.Groups, name)
	}
	w.now.Store(start + 30*day + 1)
	want := ""
	for _, days := range retentions {
		want += fmt.Sprintf("@log=123456789012:/r%02d n=%d\n", days, days)
	}
	w.answers(r, want)
}
