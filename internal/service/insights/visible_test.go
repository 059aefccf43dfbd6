package insights_test

import (
	"context"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store"
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
