package insights_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/insights"
)

// BenchmarkSmallQuery is a query over 10,000 events from its start until its answer is read, with the
// catalog and the results on a disk.
func BenchmarkSmallQuery(b *testing.B) {
	for name, query := range map[string]string{
		"newest": "fields @timestamp, @message | limit 20",
		"stats":  "filter level = 'ERROR' | stats count(*), avg(ms) by bin(1m)",
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, func(o *insights.Options) { o.FS, o.Dir = vfs.OS(), b.TempDir() })
			w.many("/a", "s", 10_000, func(i int) string {
				return fmt.Sprintf(`{"level":"%s","ms":%d,"path":"/items/%d"}`, []string{"INFO", "ERROR"}[i%2], i%900, i%77)
			})
			b.ReportAllocs()
			for b.Loop() {
				id, err := w.Start(context.Background(), scope, hour(query, "/a"))
				if err != nil {
					b.Fatal(err)
				}
				p, err := w.Results(context.Background(), scope, id, nil, 0)
				for err == nil && p.Status != insights.Complete {
					p, err = w.Results(context.Background(), scope, id, nil, 0)
				}
				if err != nil || len(p.Rows) == 0 {
					b.Fatalf("%v %+v", err, p)
				}
			}
		})
	}
}
