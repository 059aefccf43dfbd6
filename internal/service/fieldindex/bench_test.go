package fieldindex_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// BenchmarkDescribeIndexes describes a group of 400,000 events (90 MB) of which no event has most of the
// fields that are indexed by default.
func BenchmarkDescribeIndexes(b *testing.B) {
	w := newWorld(b)
	w.create("g", groups.CreateRequest{})
	g, err := w.groups.Resolve(ctx, scope, "g")
	if err != nil {
		b.Fatal(err)
	}
	st, err := w.groups.ResolveStream(ctx, g, "s")
	if err != nil {
		b.Fatal(err)
	}
	const batch = 4000
	for n := range 100 {
		x := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: start}
		for i := range batch {
			x.Timestamps = append(x.Timestamps, start+int64(n*batch+i))
			x.Arena = fmt.Appendf(x.Arena, `{"level":"info","service":"s%d","path":"/api/v1/items/%d","status":%d,"duration_ms":%d.5,"trace":"%016x%016x","msg":"request finished after some time"}`,
				i%20, i*7919%5000, 200+i%3*100, i%900, n*batch+i, i*2654435761)
			x.Ends = append(x.Ends, uint32(len(x.Arena)))
		}
		if _, err := w.store.Append(ctx, x); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.store.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	w.put("g", `{"Fields":["service","path","status","absent.one","absent.two","absent.three"]}`)
	w.now = w.now.Add(time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.DescribeIndexes(ctx, scope, []string{"g"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
