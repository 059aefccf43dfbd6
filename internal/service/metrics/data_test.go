package metrics_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/metrics"
)

// TestPages reads page by page, in both orders and with all sizes, while data is published, and gets what one page
// has.
func TestPages(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, ascending := range []bool{true, false} {
		for _, expression := range []bool{false, true} {
			w := newWorld(t)
			start := noon - 3*hour
			for i := range 4 {
				for at := start; at < noon; at += minute {
					if rng.IntN(3) > 0 {
						w.put(fmt.Sprint("M", i), at, float64(at-start)/1000+float64(i)/10)
					}
				}
			}
			queries := []metrics.Query{stat("a", "M0", "Sum"), stat("b", "M1", "p50"), stat("c", "M2", "Maximum"), stat("d", "M3", "Sum")}
			queries[2].Stat.Period = 300
			queries[3].Hidden = true
			if expression {
				queries = append(queries, metrics.Query{ID: "e", Expression: "a + d"})
			}
			request := metrics.DataRequest{Queries: queries, Start: start, End: noon, Ascending: ascending}
			whole, err := w.Data(ctx, scope, request)
			if err != nil || whole.NextToken != "" {
				t.Fatal(err, whole.NextToken)
			}
			for i := range whole.Results {
				whole.Results[i].Messages = nil
			}
			for _, size := range []int{1, 7, 100, 300, 1000} {
				request.Max, request.NextToken = size, ""
				got := make([]metrics.Result, len(whole.Results))
				for pages := 0; ; pages++ {
					page, err := w.Data(ctx, scope, request)
					if err != nil {
						t.Fatal(err)
					}
					n := 0
					for i, r := range page.Results {
						n += len(r.Values)
						got[i].ID, got[i].Label, got[i].Status = r.ID, r.Label, r.Status
						got[i].Timestamps = append(got[i].Timestamps, r.Timestamps...)
						got[i].Values = append(got[i].Values, r.Values...)
					}
					if n > size || n < size && page.NextToken != "" {
						t.Fatalf("page of %d with %d", size, n)
					}
					if page.NextToken == "" {
						break
					}
					request.NextToken = page.NextToken
				}
				if d := cmp.Diff(whole.Results, got); d != "" {
					t.Fatalf("ascending %v, expression %v, pages of %d (-one +pages):\n%s", ascending, expression, size, d)
				}
			}
		}
	}
}

func TestPartialDataIsMarked(t *testing.T) {
	w := newWorld(t)
	w.put("M", noon-10*minute, 1, 2, 3)
	w.put("N", noon-10*minute, 1)
	got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{stat("m", "M", "Sum"), stat("n", "N", "Sum")}, Start: noon - hour, End: noon, Ascending: true, Max: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got.Results[0].Status != metrics.PartialData || got.Results[1].Status != metrics.Complete || got.NextToken == "" {
		t.Errorf("got %+v", got)
	}
	// The default order is the newest first.
	got, err = w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{stat("m", "M", "Sum")}, Start: noon - hour, End: noon})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]float64{3, 2, 1}, got.Results[0].Values); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
}

// TestStartIsRounded rounds the start as its age demands, and periods begin there.
func TestStartIsRounded(t *testing.T) {
	w := newWorld(t)
	first := func(start int64, period int) int64 {
		t.Helper()
		q := metrics.Query{ID: "t", Expression: "TIME_SERIES(1)", Period: period}
		got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{q}, Start: start, End: start + 10*hour, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		return got.Results[0].Timestamps[0]
	}
	at := func(ago, then int64) int64 { return noon - ago + then }
	for _, c := range []struct {
		name        string
		start, want int64
		period      int
	}{
		{"now", at(hour, 34_567), at(hour, 0), 60},
		{"an hour's period", at(hour, 7*minute+34_567), at(hour, 7*minute), 3600},
		{"ten seconds", at(hour, 34_567), at(hour, 30_000), 10},
		{"a second", at(hour, 34_567), at(hour, 34_000), 1},
		{"20 days", at(20*day, 34*minute+1), at(20*day, 30*minute), 300},
		{"70 days", at(70*day, 34*minute+1), at(70*day, 0), 3600},
	} {
		if got := first(c.start, c.period); got != c.want {
			t.Errorf("%s: got %d, want %d (off by %d)", c.name, got, c.want, got-c.want)
		}
	}
}

func TestLabels(t *testing.T) {
	w := newWorld(t)
	for _, host := range []string{"a", "b"} {
		if err := w.Put(ctx, scope, "App", []metrics.Datum{{
			Name: "Errors", Dimensions: []metrics.Dimension{{Name: "Host", Value: host}}, Values: []float64{2, 4}, Timestamp: ref(noon - 2*minute),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	w.put("Plain", noon-3*minute, 1, 2.5)
	label := func(q metrics.Query, label string) (all []string) {
		t.Helper()
		if label != "nil" {
			q.Label = &label
		}
		got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{q, {ID: "hidden", Hidden: true, Stat: stat("x", "Plain", "Sum").Stat}}, Start: noon - hour, End: noon, Timezone: "+0130"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Results {
			all = append(all, r.Label)
		}
		return all
	}
	search := metrics.Query{ID: "s", Expression: "SEARCH('{App,Host} Errors', 'Sum', 60)"}
	plain := stat("p", "Plain", "Sum")
	for _, c := range []struct {
		q    metrics.Query
		text string
		want string
	}{
		{plain, "nil", "Plain"},
		{plain, "Mine", "Mine"},
		{plain, "", ""},
		{plain, "${LABEL} max ${MAX} min ${MIN} avg ${AVG} sum ${SUM} last ${LAST} first ${FIRST} n ${DATAPOINT_COUNT}", "Plain max 2.5 min 1 avg 1.75 sum 3.5 last 2.5 first 1 n 2"},
		{plain, "${MIN_MAX_RANGE} ${FIRST_LAST_RANGE} ${MIN_MAX_TIME_RANGE} ${LAST_TIME_RELATIVE}", "1.5 1.5 1m0s 2m0s"},
		{plain, "${LAST_TIME}", "2026-03-01 13:28:00 UTC+01:30"},
		{plain, "${PROP('MetricName')} ${PROP('Namespace')} ${PROP('Stat')} ${PROP('Period')} ${PROP('Region')} ${PROP('AccountId')}", "Plain App Sum 60 us-east-1 000000000000"},
		{plain, "${UNKNOWN} ${PROP('Dim.None')} $", "${UNKNOWN} ${PROP('Dim.None')} $"},
		{metrics.Query{ID: "e", Expression: "hidden * 2"}, "nil", "e"},
		{metrics.Query{ID: "e", Expression: "hidden * 2"}, "Twice ${MAX}", "Twice 5"},
		{search, "nil", "a|b"},
		{search, "Errors of", "Errors of a|Errors of b"},
		{search, "", "a|b"},
		{search, "[${MAX}] ${PROP('Dim.Host')} ${LABEL}", "[6] a a|[6] b b"},
	} {
		if got := strings.Join(label(c.q, c.text), "|"); got != c.want {
			t.Errorf("label %q: got %q, want %q", c.text, got, c.want)
		}
	}
	empty := stat("none", "None", "Sum")
	if got := label(empty, "${MAX}"); got[0] != "--" {
		t.Errorf("label of no data: %q", got)
	}
}

func TestSearchAndMetrics(t *testing.T) {
	w := newWorld(t)
	w.put("ErrorsA", noon-3*minute, 1, 2)
	w.put("ErrorsB", noon-3*minute, 10, 20)
	w.put("Other", noon-3*minute, 100)
	values := func(expression string, more ...metrics.Query) (all [][]float64) {
		t.Helper()
		got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: append(more, metrics.Query{ID: "e", Expression: expression}), Start: noon - hour, End: noon, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Results {
			if r.ID == "e" {
				all = append(all, r.Values)
			}
		}
		return all
	}
	if d := cmp.Diff([][]float64{{1, 2}, {10, 20}}, values("SEARCH('{App} Errors', 'Sum', 60)")); d != "" {
		t.Errorf("search (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]float64{{11, 22}}, values("SUM(SEARCH('{App} Errors', 'Sum', 60))")); d != "" {
		t.Errorf("sum of a search (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]float64{{12, 24}}, values("SUM(METRICS()) + a", stat("a", "ErrorsA", "Sum"), stat("b", "ErrorsB", "Sum"))); d != "" {
		t.Errorf("METRICS (-want +got):\n%s", d)
	}
	if d := cmp.Diff([][]float64{{30}}, values("SEARCH('{App} \"ErrorsB\"', 'Sum', 3600)")); d != "" {
		t.Errorf("period (-want +got):\n%s", d)
	}
	if got := values("SEARCH('{None} x', 'Sum', 60)"); got != nil {
		t.Errorf("nothing found: %v", got)
	}
}

func TestDataErrors(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		change func(*metrics.DataRequest)
		kind   error
		want   string
	}{
		{"no queries", func(r *metrics.DataRequest) { r.Queries = nil }, metrics.ErrMissing, "The parameter MetricDataQueries is required."},
		{"too many", func(r *metrics.DataRequest) {
			for i := range 500 {
				r.Queries = append(r.Queries, stat(fmt.Sprint("m", i), "M", "Sum"))
			}
		}, metrics.ErrValidation, "must not have a size greater than 500"},
		{"times", func(r *metrics.DataRequest) { r.Start = r.End }, metrics.ErrValidation, "The parameter StartTime must be less than the parameter EndTime."},
		{"id", func(r *metrics.DataRequest) { r.Queries[0].ID = "A" }, metrics.ErrValidation, `The value "A" for parameter MetricDataQueries.member.1.Id is not matching`},
		{"twice", func(r *metrics.DataRequest) { r.Queries = append(r.Queries, r.Queries[0]) }, metrics.ErrValidation, "are not unique: m."},
		{"neither", func(r *metrics.DataRequest) { r.Queries[0].Stat = nil }, metrics.ErrValidation, "must have a MetricStat or an Expression"},
		{"both", func(r *metrics.DataRequest) { r.Queries[0].Expression = "m" }, metrics.ErrValidation, "must not have both"},
		{"account", func(r *metrics.DataRequest) { r.Queries[0].AccountID = "111111111111" }, metrics.ErrValidation, "another account"},
		{"period", func(r *metrics.DataRequest) { r.Queries[0].Stat.Period = 45 }, metrics.ErrValidation, "must be 1, 5, 10, 20, 30 or a multiple of 60"},
		{"statistic", func(r *metrics.DataRequest) { r.Queries[0].Stat.Stat = "Median" }, metrics.ErrValidation, "The value Median for parameter Stat is not supported."},
		{"unit", func(r *metrics.DataRequest) { r.Queries[0].Stat.Unit = "Furlong" }, metrics.ErrValidation, "The value Furlong for parameter Unit is invalid."},
		{"dimensions", func(r *metrics.DataRequest) {
			r.Queries[0].Stat.Metric.Dimensions = []metrics.Dimension{{Name: "A", Value: "1"}, {Name: "A", Value: "2"}}
		}, metrics.ErrInvalidValue, "more than once"},
		{"nothing shown", func(r *metrics.DataRequest) { r.Queries[0].Hidden = true }, metrics.ErrValidation, "At least one"},
		{"page", func(r *metrics.DataRequest) { r.Max = 100_801 }, metrics.ErrValidation, "MaxDatapoints"},
		{"token", func(r *metrics.DataRequest) { r.NextToken = "x!" }, metrics.ErrInvalidToken, "The specified nextToken is invalid."},
		{"zone", func(r *metrics.DataRequest) { r.Timezone = "CET" }, metrics.ErrValidation, "Timezone"},
		{"syntax", expression("m +"), metrics.ErrValidation, "Error in expression 'e': The expression ends too early at position 4"},
		{"variable", expression("n"), metrics.ErrValidation, "Error in expression 'e': Undefined variable n at position 1"},
		{"itself", expression("e + 1"), metrics.ErrValidation, "Error in expression 'e': It refers to itself"},
		{"a number", expression("SUM(m)"), metrics.ErrValidation, "Error in expression 'e': The expression is a number, not a time series at position 1"},
		{"band", expression("ANOMALY_DETECTION_BAND(m)"), metrics.ErrValidation, "Error in expression 'e': ANOMALY_DETECTION_BAND is not supported"},
		{"search", expression("SEARCH('{', 'Sum', 60)"), metrics.ErrValidation, "Error in expression 'e': A schema needs names"},
		{"search statistic", expression("SEARCH('{A} b', 'Summe', 60)"), metrics.ErrValidation, "The value Summe for the statistic of SEARCH is not supported."},
		{"searches", func(r *metrics.DataRequest) {
			for i := range 2 {
				r.Queries = append(r.Queries, metrics.Query{ID: fmt.Sprint("e", i), Expression: strings.Repeat("SUM(SEARCH('a','Sum'))+", 50+i) + "m"})
			}
		}, metrics.ErrValidation, "more than 100 SEARCH"},
		{"search period", expression("SEARCH('{A} b', 'Sum', 61)"), metrics.ErrValidation, "period of SEARCH"},
	} {
		r := metrics.DataRequest{Queries: []metrics.Query{stat("m", "M", "Sum")}, Start: noon - hour, End: noon}
		c.change(&r)
		_, err := w.Data(ctx, scope, r)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	// Cycles over several expressions.
	_, err := w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{{ID: "a", Expression: "b"}, {ID: "b", Expression: "c"}, {ID: "c", Expression: "a"}}, Start: noon - hour, End: noon})
	if err == nil || !strings.Contains(err.Error(), "refers to itself") {
		t.Errorf("cycle: %v", err)
	}
}

func expression(text string) func(*metrics.DataRequest) {
	return func(r *metrics.DataRequest) { r.Queries = append(r.Queries, metrics.Query{ID: "e", Expression: text}) }
}

// TestAllOfTime asks for all of time, of many metrics: that takes no longer than what there is.
func TestAllOfTime(t *testing.T) {
	w := newWorld(t)
	w.put("M", noon-10*minute, 1, 2, 3)
	var queries []metrics.Query
	for i := range 200 {
		queries = append(queries, stat(fmt.Sprint("m", i), "M", "Sum"))
	}
	queries[0].Stat.Period = 365 * 86400
	for _, ascending := range []bool{true, false} {
		r := metrics.DataRequest{Queries: queries, Start: math.MinInt64, End: math.MaxInt64, Ascending: ascending}
		n := 0
		for {
			got, err := w.Data(ctx, scope, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range got.Results {
				n += len(x.Values)
			}
			if r.NextToken = got.NextToken; r.NextToken == "" {
				break
			}
			r.Max = 7
		}
		if n != 1+199*3 {
			t.Errorf("ascending %v: %d values", ascending, n)
		}
	}
	got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: []metrics.Query{{ID: "e", Expression: "m1 * 1"}, queries[1]}, Start: 0, End: 1 << 60})
	if err != nil || len(got.Results[0].Values) != 3 {
		t.Errorf("expression: %+v %v", got.Results, err)
	}
}

func TestCheckAndEvaluate(t *testing.T) {
	w := newWorld(t)
	w.put("M", noon-10*minute, 1, 2, 3)
	hidden := stat("m", "M", "Sum")
	hidden.Hidden = true
	for _, c := range []struct {
		queries []metrics.Query
		want    string
	}{
		{[]metrics.Query{stat("m", "M", "Sum")}, ""},
		{[]metrics.Query{hidden, {ID: "e", Expression: "m * 2"}}, ""},
		{[]metrics.Query{hidden, {ID: "e", Expression: "[m]"}}, "not a single time series"},
		{[]metrics.Query{{ID: "e", Expression: "SEARCH('{A} b', 'Sum', 60)"}}, "SEARCH"},
		{[]metrics.Query{stat("m", "M", "Sum"), stat("n", "M", "Sum")}, "Exactly one"},
		{[]metrics.Query{hidden}, "Exactly one"},
	} {
		err := w.Check(ctx, scope, c.queries, true)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, want %q", c.queries, err, c.want)
		}
	}
	got, err := w.Evaluate(ctx, scope, []metrics.Query{hidden, {ID: "e", Expression: "FILL(m, 0)"}}, noon-11*minute, noon-6*minute)
	if err != nil {
		t.Fatal(err)
	}
	want := []metrics.Result{{
		ID: "e", Label: "e", Status: metrics.Complete, Values: []float64{0, 1, 2, 3, 0},
		Timestamps: []int64{noon - 11*minute, noon - 10*minute, noon - 9*minute, noon - 8*minute, noon - 7*minute},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("evaluated (-want +got):\n%s", d)
	}
}

// BenchmarkDataDay asks for a day of 100 metrics by the minute.
func BenchmarkDataDay(b *testing.B) {
	w := newWorld(b)
	var queries []metrics.Query
	for i := range 100 {
		q := stat(fmt.Sprint("m", i), "M", "Average")
		q.Stat.Metric.Dimensions = []metrics.Dimension{{Name: "Host", Value: fmt.Sprint("host-", i)}}
		queries = append(queries, q)
	}
	for at := noon - day; at < noon; at += minute {
		var data []metrics.Datum
		for i := range 100 {
			data = append(data, metrics.Datum{Name: "M", Dimensions: queries[i].Stat.Metric.Dimensions, Timestamp: &at, Value: ref(float64(at%97) + float64(i)/3)})
		}
		if err := w.Put(ctx, scope, "App", data); err != nil {
			b.Fatal(err)
		}
		if at%(3*hour) == 0 {
			if err := errors.Join(w.db.Flush(ctx), w.db.Maintain(ctx)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		got, err := w.Data(ctx, scope, metrics.DataRequest{Queries: queries, Start: noon - day, End: noon})
		if err != nil || len(got.Results) != 100 || len(got.Results[0].Values) < 1000 {
			b.Fatal(err)
		}
	}
}

// TestPeriodOfAChain is a chain of expressions that each need the two before: the way to its metric is gone once.
func TestPeriodOfAChain(t *testing.T) {
	w := newWorld(t)
	queries := []metrics.Query{stat("e0", "M", "Sum"), stat("e1", "M", "Sum")}
	for i := 2; i < 120; i++ {
		queries = append(queries, metrics.Query{ID: fmt.Sprint("e", i), Expression: fmt.Sprintf("e%d + e%d", i-1, i-2)})
	}
	if err := w.Check(ctx, scope, queries, false); err != nil {
		t.Fatal(err)
	}
}
