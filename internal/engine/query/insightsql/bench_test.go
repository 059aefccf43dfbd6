package insightsql_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
)

// BenchmarkPrepare parses, checks and compiles queries: what each pays before it runs.
func BenchmarkPrepare(b *testing.B) {
	for name, text := range map[string]string{
		"fields": "fields @timestamp, @message | sort @timestamp desc | limit 20",
		"stats": `filter @message like /(?i)error/ and status >= 500 and not (path in ["/health", "/ping"])
			| parse @message "user=*, latency := *" as user, latency
			| stats count(*) as n, avg(latency) as mean, pct(latency, 99) as p99 by bin(5m), user | sort n desc | limit 10`,
	} {
		b.Run(name, func(b *testing.B) {
			env := testEnv(func(insightsql.Sub) {})
			b.ReportAllocs()
			for b.Loop() {
				q, err := insightsql.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := q.Compile(b.Context(), env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
