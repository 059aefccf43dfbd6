package metricsapi_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
)

// BenchmarkGetMetricData asks for a day of 100 metrics, by minute, in each protocol. The Go SDK is
// not in the figure of the others, but the client of HTTP is.
func BenchmarkGetMetricData(b *testing.B) {
	s := newStack(b)
	ctx := context.Background()
	day := s.ms.Load() - 24*time.Hour.Milliseconds()
	in := &cw.GetMetricDataInput{StartTime: s.at(-24 * time.Hour), EndTime: s.at(0)}
	text := fmt.Sprintf(`{"StartTime":%d,"EndTime":%d,"MetricDataQueries":[`, day/1000, s.ms.Load()/1000)
	pairs := []string{"StartTime", in.StartTime.Format(time.RFC3339), "EndTime", in.EndTime.Format(time.RFC3339)}
	for i := range 100 {
		name, id := fmt.Sprintf("m%02d", i), fmt.Sprintf("q%d", i)
		points := make([]series.Point, 1440)
		for m := range points {
			v := float64(m*i) / 7
			points[m] = series.Point{
				Metric: series.Metric{Scope: logs.Scope{Account: account, Region: region}, Namespace: "App", Name: name},
				Unit:   "Count", Timestamp: day + int64(m)*60_000, Count: 1, Sum: v, Min: v, Max: v,
			}
		}
		if err := s.series.Add(ctx, points, nil); err != nil {
			b.Fatal(err)
		}
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: ptr("App"), MetricName: &name}, Period: ptr(int32(60)), Stat: ptr("Average"),
		}})
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(`{"Id":%q,"MetricStat":{"Metric":{"Namespace":"App","MetricName":%q},"Period":60,"Stat":"Average"}}`, id, name)
		at := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		pairs = append(pairs, at+"Id", id, at+"MetricStat.Metric.Namespace", "App", at+"MetricStat.Metric.MetricName", name,
			at+"MetricStat.Period", "60", at+"MetricStat.Stat", "Average")
	}
	text += "]}"
	whole := func(n int) {
		b.Helper()
		if n < 1_000_000 {
			b.Fatalf("an answer of %d bytes", n)
		}
	}
	b.Run("Go-SDK", func(b *testing.B) {
		for b.Loop() {
			out, err := s.GetMetricData(ctx, in)
			if err != nil || len(out.MetricDataResults) != 100 || out.NextToken == nil {
				b.Fatalf("%v, %+v", err, out.NextToken)
			}
		}
	})
	b.Run("JSON", func(b *testing.B) {
		for b.Loop() {
			whole(len(s.json(b, "GetMetricData", text).body))
		}
	})
	b.Run("Query", func(b *testing.B) {
		for b.Loop() {
			whole(len(s.query(b, "GetMetricData", pairs...).body))
		}
	})
}
