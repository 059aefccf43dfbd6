package metrics_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/metrics"
)

func TestPutLimits(t *testing.T) {
	w := newWorld(t)
	good := metrics.Datum{Name: "M", Value: ref(1.0)}
	dims := func(n int) (out []metrics.Dimension) {
		for i := range n {
			out = append(out, metrics.Dimension{Name: fmt.Sprint("D", i), Value: "v"})
		}
		return out
	}
	many := func(n int) []float64 { return make([]float64, n) }
	one := func(change func(*metrics.Datum)) []metrics.Datum {
		d := good
		change(&d)
		return []metrics.Datum{d}
	}
	set := func(count, sum, least, greatest float64) []metrics.Datum {
		return one(func(d *metrics.Datum) {
			d.Value, d.Statistics = nil, &metrics.StatisticSet{SampleCount: count, Sum: sum, Minimum: least, Maximum: greatest}
		})
	}
	values := func(v, n []float64) []metrics.Datum {
		return one(func(d *metrics.Datum) { d.Value, d.Values, d.Counts = nil, v, n })
	}
	for _, c := range []struct {
		name      string
		namespace string
		data      []metrics.Datum
		kind      error // nil: is accepted
		want      string
	}{
		{"value", "App", one(func(*metrics.Datum) {}), nil, ""},
		{"set", "App", set(3, 6, 1, 3), nil, ""},
		{"values", "App", values([]float64{1, 2}, nil), nil, ""},
		{"values and counts", "App", values([]float64{1, 2}, []float64{3, 4}), nil, ""},
		{"150 values", "App", values(many(150), nil), nil, ""},
		{"151 values", "App", values(many(151), nil), metrics.ErrInvalidValue, "Values must not have a size greater than 150"},
		{"no values", "App", values([]float64{}, nil), metrics.ErrMissing, "Values must not be empty"},
		{"counts", "App", values([]float64{1, 2}, []float64{1}), metrics.ErrInvalidCombination, "must have the same size"},
		{"count of 0", "App", values([]float64{1}, []float64{0}), metrics.ErrInvalidValue, "Counts.member.1 must be greater than 0"},
		{"1000 data", "App", repeat(good, 1000), nil, ""},
		{"1001 data", "App", repeat(good, 1001), metrics.ErrInvalidValue, "The collection MetricData must not have a size greater than 1000."},
		{"no data", "App", nil, metrics.ErrMissing, "The parameter MetricData is required."},
		{"no namespace", "", one(func(*metrics.Datum) {}), metrics.ErrMissing, "Namespace is required"},
		{"AWS", "AWS/Logs", one(func(*metrics.Datum) {}), metrics.ErrInvalidValue, "The value AWS/ for parameter Namespace is invalid."},
		{"colon", ":x", one(func(*metrics.Datum) {}), metrics.ErrInvalidValue, "Namespace is invalid"},
		{"namespace of 255", strings.Repeat("n", 255), one(func(*metrics.Datum) {}), nil, ""},
		{"namespace of 256", strings.Repeat("n", 256), one(func(*metrics.Datum) {}), metrics.ErrInvalidValue, "Namespace is invalid"},
		{"no name", "App", one(func(d *metrics.Datum) { d.Name = "" }), metrics.ErrMissing, "MetricData.member.1.MetricName is required"},
		{"name of 256", "App", one(func(d *metrics.Datum) { d.Name = strings.Repeat("n", 256) }), metrics.ErrInvalidValue, "MetricName is invalid"},
		{"not ASCII", "App", one(func(d *metrics.Datum) { d.Name = "größe" }), metrics.ErrInvalidValue, "MetricName is invalid"},
		{"30 dimensions", "App", one(func(d *metrics.Datum) { d.Dimensions = dims(30) }), nil, ""},
		{"31 dimensions", "App", one(func(d *metrics.Datum) { d.Dimensions = dims(31) }), metrics.ErrInvalidValue, "Dimensions must not have a size greater than 30"},
		{"dimension twice", "App", one(func(d *metrics.Datum) { d.Dimensions = append(dims(1), dims(1)...) }), metrics.ErrInvalidValue, "more than once"},
		{"blank dimension", "App", one(func(d *metrics.Datum) { d.Dimensions = []metrics.Dimension{{Name: "A", Value: " "}} }), metrics.ErrInvalidValue, "Dimensions.member.1.Value is invalid"},
		{"empty dimension", "App", one(func(d *metrics.Datum) { d.Dimensions = []metrics.Dimension{{Name: "A"}} }), metrics.ErrMissing, "Dimensions.member.1.Value is required"},
		{"dimension of 1024", "App", one(func(d *metrics.Datum) {
			d.Dimensions = []metrics.Dimension{{Name: "A", Value: strings.Repeat("v", 1024)}}
		}), nil, ""},
		{"dimension of 1025", "App", one(func(d *metrics.Datum) {
			d.Dimensions = []metrics.Dimension{{Name: "A", Value: strings.Repeat("v", 1025)}}
		}), metrics.ErrInvalidValue, "Value is invalid"},
		{"nothing", "App", one(func(d *metrics.Datum) { d.Value = nil }), metrics.ErrMissing, "One of the parameters"},
		{"value and set", "App", one(func(d *metrics.Datum) { d.Statistics = &metrics.StatisticSet{SampleCount: 1} }), metrics.ErrInvalidCombination, "mutually exclusive and you have specified both"},
		{"value and values", "App", one(func(d *metrics.Datum) { d.Values = []float64{1} }), metrics.ErrInvalidCombination, "mutually exclusive"},
		{"counts alone", "App", one(func(d *metrics.Datum) { d.Counts = []float64{1} }), metrics.ErrInvalidCombination, "Counts needs"},
		{"NaN", "App", one(func(d *metrics.Datum) { d.Value = ref(math.NaN()) }), metrics.ErrInvalidValue, "The value NaN for parameter MetricData.member.1.Value is invalid."},
		{"2^360", "App", one(func(d *metrics.Datum) { d.Value = ref(math.Ldexp(1, 360)) }), nil, ""},
		{"above 2^360", "App", one(func(d *metrics.Datum) { d.Value = ref(math.Ldexp(1.1, 360)) }), metrics.ErrInvalidValue, "is invalid"},
		{"-2^360", "App", one(func(d *metrics.Datum) { d.Value = ref(-math.Ldexp(1, 360)) }), nil, ""},
		{"set of none", "App", set(0, 0, 0, 0), metrics.ErrInvalidValue, "SampleCount must be greater than 0"},
		{"set upside down", "App", set(1, 1, 2, 1), metrics.ErrInvalidValue, "Minimum must not be greater"},
		{"unit", "App", one(func(d *metrics.Datum) { d.Unit = "Gigabits/Second" }), nil, ""},
		{"no such unit", "App", one(func(d *metrics.Datum) { d.Unit = "count" }), metrics.ErrInvalidValue, "The value count for parameter MetricData.member.1.Unit is invalid."},
		{"resolution", "App", one(func(d *metrics.Datum) { d.Resolution = 1 }), nil, ""},
		{"no such resolution", "App", one(func(d *metrics.Datum) { d.Resolution = 5 }), metrics.ErrInvalidValue, "StorageResolution must be 1 or 60"},
		{"two weeks ago", "App", one(func(d *metrics.Datum) { d.Timestamp = ref(noon - 14*day) }), nil, ""},
		{"longer ago", "App", one(func(d *metrics.Datum) { d.Timestamp = ref(noon - 14*day - 1) }), metrics.ErrInvalidValue, "within the past two weeks"},
		{"in two hours", "App", one(func(d *metrics.Datum) { d.Timestamp = ref(noon + 2*hour) }), nil, ""},
		{"later", "App", one(func(d *metrics.Datum) { d.Timestamp = ref(noon + 2*hour + 1) }), metrics.ErrInvalidValue, "in the future"},
	} {
		err := w.Put(ctx, scope, c.namespace, c.data)
		if c.kind == nil && err != nil || c.kind != nil && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %v %s", c.name, err, c.kind, c.want)
		}
	}
}

func repeat[T any](v T, n int) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// TestPutIsAllOrNothing refuses a request for its last datum.
func TestPutIsAllOrNothing(t *testing.T) {
	w := newWorld(t)
	if err := w.Put(ctx, scope, "App", []metrics.Datum{{Name: "A", Value: ref(1.0)}, {Name: ""}}); err == nil {
		t.Fatal("accepted")
	}
	list, _, err := w.List(ctx, scope, metrics.ListRequest{})
	if err != nil || len(list) != 0 {
		t.Errorf("published: %v %v", list, err)
	}
}

func TestStatistics(t *testing.T) {
	w := newWorld(t)
	at := noon - 10*minute
	put := func(d metrics.Datum) {
		t.Helper()
		d.Name = "Latency"
		if err := w.Put(ctx, scope, "App", []metrics.Datum{d}); err != nil {
			t.Fatal(err)
		}
	}
	put(metrics.Datum{Values: []float64{1, 2, 3, 4}, Counts: []float64{1, 2, 3, 4}, Unit: "Seconds", Timestamp: &at})
	put(metrics.Datum{Value: ref(10.0), Unit: "Milliseconds", Timestamp: ref(at + 70_000)})
	put(metrics.Datum{Statistics: &metrics.StatisticSet{SampleCount: 2, Sum: 3, Minimum: 1, Maximum: 2}, Unit: "Seconds", Timestamp: ref(at + 2*minute)})
	ask := func(r metrics.StatisticsRequest) []metrics.Datapoint {
		t.Helper()
		r.Metric = metrics.Metric{Namespace: "App", Name: "Latency"}
		r.Start, r.End = noon-hour, noon
		label, got, err := w.Statistics(ctx, scope, r)
		if err != nil || label != "Latency" {
			t.Fatal(err, label)
		}
		return got
	}
	want := []metrics.Datapoint{
		{Start: at, Unit: "Seconds", SampleCount: 10, Sum: 30, Average: 3, Minimum: 1, Maximum: 4},
		{Start: at + minute, Unit: "Milliseconds", SampleCount: 1, Sum: 10, Average: 10, Minimum: 10, Maximum: 10},
		{Start: at + 2*minute, Unit: "Seconds", SampleCount: 2, Sum: 3, Average: 1.5, Minimum: 1, Maximum: 2},
	}
	if d := cmp.Diff(want, ask(metrics.StatisticsRequest{Period: 60, Statistics: []string{"Sum"}})); d != "" {
		t.Errorf("all units (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[1:2], ask(metrics.StatisticsRequest{Period: 60, Statistics: []string{"Average", "Maximum"}, Unit: "Milliseconds"})); d != "" {
		t.Errorf("a unit (-want +got):\n%s", d)
	}
	if got := ask(metrics.StatisticsRequest{Period: 60, Statistics: []string{"Sum"}, Unit: "Bytes"}); got != nil {
		t.Errorf("another unit: %+v", got)
	}
	// Sets have no percentiles.
	got := ask(metrics.StatisticsRequest{Period: 60, Extended: []string{"p50", "p99.9", "tm90", "TC(2:4)", "PR(:3)", "IQM"}})
	extended := []map[string]float64{
		{"p50": 3, "p99.9": 4, "tm90": 26.0 / 9, "TC(2:4)": 7, "PR(:3)": 60, "IQM": 3.1666666666666665},
		{"p50": 10, "p99.9": 10, "tm90": 10, "TC(2:4)": 0, "PR(:3)": 0, "IQM": 10},
	}
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	for i := range got {
		if d := cmp.Diff(extended[i], got[i].Extended); d != "" {
			t.Errorf("datapoint %d (-want +got):\n%s", i, d)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*metrics.StatisticsRequest)
		kind   error
		want   string
	}{
		{"1440", func(r *metrics.StatisticsRequest) { r.Start = r.End - day }, nil, ""},
		{"too many", func(r *metrics.StatisticsRequest) { r.Start = r.End - 2*day }, metrics.ErrInvalidCombination,
			"You have requested up to 2,880 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range."},
		{"times", func(r *metrics.StatisticsRequest) { r.Start = r.End }, metrics.ErrInvalidValue, "The parameter StartTime must be less than the parameter EndTime."},
		{"period", func(r *metrics.StatisticsRequest) { r.Period = 61 }, metrics.ErrInvalidValue, "Period must be"},
		{"neither", func(r *metrics.StatisticsRequest) { r.Statistics = nil }, metrics.ErrMissing, "At least one of the parameters"},
		{"both", func(r *metrics.StatisticsRequest) { r.Extended = []string{"p1"} }, metrics.ErrInvalidCombination, "mutually exclusive"},
		{"six", func(r *metrics.StatisticsRequest) { r.Statistics = repeat("Sum", 6) }, metrics.ErrInvalidValue, "greater than 5"},
		{"not plain", func(r *metrics.StatisticsRequest) { r.Statistics = []string{"p90"} }, metrics.ErrInvalidValue, "p90"},
		{"plain", func(r *metrics.StatisticsRequest) { r.Statistics, r.Extended = nil, []string{"Sum"} }, metrics.ErrInvalidValue, "Sum"},
		{"unit", func(r *metrics.StatisticsRequest) { r.Unit = "x" }, metrics.ErrInvalidValue, "Unit"},
		{"no name", func(r *metrics.StatisticsRequest) { r.Name = "" }, metrics.ErrMissing, "MetricName"},
	} {
		r := metrics.StatisticsRequest{Metric: metrics.Metric{Namespace: "App", Name: "Latency"}, Start: noon - hour, End: noon, Period: 60, Statistics: []string{"Sum"}}
		c.change(&r)
		_, _, err := w.Statistics(ctx, scope, r)
		if c.kind == nil && err != nil || c.kind != nil && (!errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestParseStatistic(t *testing.T) {
	for _, text := range []string{
		"SampleCount", "Sum", "Average", "Minimum", "Maximum", "IQM", "p0", "p0.0", "p50", "p99.9999999999", "p100", "tm90", "tc99.5", "ts10", "wm98",
		"TM(10%:90%)", "TM(:95%)", "TM(5%:)", "TM(150:1000)", "TC(:0.5)", "TS(80%:)", "WM(10%:90%)", "PR(:300)", "PR(100:2000)", "TM(-5:5)",
	} {
		if s, ok := metrics.ParseStatistic(text); !ok || s.String() != text {
			t.Errorf("%s: %v %v", text, s, ok)
		}
	}
	for _, text := range []string{
		"", "p", "sum", "P90", "p101", "p-1", "p1e1", "p99.99999999999", "tm", "tm101", "TM90", "tm(10%:90%)", "TM()", "TM(:)", "TM(10)", "TM(10%:90)", "TM(10:90%)",
		"TM(90%:10%)", "TM(5:5)", "pr90", "PR(10%:90%)", "TM(10%:90%", "XM(1:2)", "TM(a:b)", "TM(1:2:3)", "IQM(1:2)", "p+5", "p 5",
	} {
		if _, ok := metrics.ParseStatistic(text); ok {
			t.Errorf("%q is a statistic", text)
		}
	}
}

func FuzzParseStatistic(f *testing.F) {
	for _, s := range []string{"p99", "TM(10%:90%)", "PR(:300)", "wm98", "IQM"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := metrics.ParseStatistic(text); ok && s.String() != text {
			t.Fatalf("%q is %q", text, s)
		}
	})
}

func TestList(t *testing.T) {
	w := newWorld(t)
	for i := range 601 {
		d := metrics.Datum{Name: "M", Value: ref(1.0), Dimensions: []metrics.Dimension{{Name: "Zone", Value: "z"}, {Name: "Host", Value: fmt.Sprintf("%03d", i)}}}
		if i > 0 {
			d.Timestamp = ref(noon - 4*hour)
		}
		if err := w.Put(ctx, scope, "App", []metrics.Datum{d}); err != nil {
			t.Fatal(err)
		}
	}
	page, next, err := w.List(ctx, scope, metrics.ListRequest{Namespace: "App"})
	if err != nil || len(page) != 500 || next == "" {
		t.Fatal(len(page), next, err)
	}
	if d := cmp.Diff([]metrics.Dimension{{Name: "Host", Value: "000"}, {Name: "Zone", Value: "z"}}, page[0].Dimensions); d != "" {
		t.Errorf("dimensions (-want +got):\n%s", d)
	}
	page, next, err = w.List(ctx, scope, metrics.ListRequest{Namespace: "App", NextToken: next})
	if err != nil || len(page) != 101 || next != "" || page[0].Dimensions[0].Value != "500" {
		t.Fatal(len(page), next, err)
	}
	if page, _, err = w.List(ctx, scope, metrics.ListRequest{RecentlyActive: true}); err != nil || len(page) != 1 {
		t.Errorf("recently active: %d %v", len(page), err)
	}
	if page, _, err = w.List(ctx, scope, metrics.ListRequest{Dimensions: []metrics.DimensionFilter{{Name: "Host", Value: "007"}}}); err != nil || len(page) != 1 {
		t.Errorf("by dimension: %d %v", len(page), err)
	}
	w.now += 14*day + 1
	if page, _, err = w.List(ctx, scope, metrics.ListRequest{}); err != nil || len(page) != 0 {
		t.Errorf("after two weeks: %d %v", len(page), err)
	}
	if _, _, err = w.List(ctx, scope, metrics.ListRequest{NextToken: "?"}); !errors.Is(err, metrics.ErrInvalidToken) {
		t.Errorf("token: %v", err)
	}
	if _, _, err = w.List(ctx, scope, metrics.ListRequest{Dimensions: repeat(metrics.DimensionFilter{Name: "a"}, 11)}); !errors.Is(err, metrics.ErrInvalidValue) {
		t.Errorf("11 filters: %v", err)
	}
}

func TestDashboards(t *testing.T) {
	w := newWorld(t)
	body := `{"widgets":[{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"metrics":[["App","Errors","Host","a"],[".","."],["App","M",{"stat":"Sum"}]],"region":"us-east-1"}},{"type":"text","properties":{"markdown":"hi"}}]}`
	warnings, err := w.PutDashboard(ctx, scope, "main-1", body, map[string]string{"team": "x"})
	if err != nil || len(warnings) != 0 {
		t.Fatal(warnings, err)
	}
	w.now += 1000
	if _, err := w.PutDashboard(ctx, scope, "other", `{"widgets":[],"extra":1}`, nil); err != nil {
		t.Fatal(err)
	}
	got, err := w.Dashboard(ctx, scope, "main-1")
	want := metrics.Dashboard{Name: "main-1", ARN: "arn:aws:cloudwatch::000000000000:dashboard/main-1", Body: body, LastModified: noon, Size: int64(len(body))}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("dashboard %v (-want +got):\n%s", err, d)
	}
	// Dashboards are those of the account, in every region.
	elsewhere := scope
	elsewhere.Region = "eu-west-1"
	list, next, err := w.Dashboards(ctx, elsewhere, "", "")
	if err != nil || next != "" || len(list) != 2 || list[0].Name != "main-1" || list[1].Name != "other" || list[1].LastModified != noon+1000 {
		t.Errorf("list %+v %q %v", list, next, err)
	}
	if list, _, err := w.Dashboards(ctx, scope, "oth", ""); err != nil || len(list) != 1 {
		t.Errorf("prefix: %v %v", list, err)
	}
	if err := w.DeleteDashboards(ctx, scope, []string{"main-1", "none"}); !errors.Is(err, metrics.ErrDashboardNotFound) {
		t.Errorf("delete with a missing one: %v", err)
	}
	if err := w.DeleteDashboards(ctx, scope, []string{"main-1"}); err != nil {
		t.Error(err)
	}
	if _, err := w.Dashboard(ctx, scope, "main-1"); !errors.Is(err, metrics.ErrDashboardNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if err := w.DeleteDashboards(ctx, scope, nil); !errors.Is(err, metrics.ErrMissing) {
		t.Errorf("delete nothing: %v", err)
	}
}

func TestDashboardMessages(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		``:                       ": The field DashboardBody is required.",
		`[`:                      ": The field DashboardBody must be a valid JSON object",
		`{}`:                     ": Should have required property 'widgets'",
		`{"widgets":1}`:          "/widgets: Should be array",
		`{"widgets":[1]}`:        "/widgets/0: Should be object",
		`{"widgets":[{"x":24}]}`: "/widgets/0/x: Should be between 0 and 23|/widgets/0: Should have required property 'type'",
		`{"widgets":[{"type":"chart","properties":{}}]}`:                                                  "/widgets/0/type: Should be equal to one of the allowed values: [alarm custom explorer log metric text]",
		`{"widgets":[{"type":"text"}]}`:                                                                   "/widgets/0: Should have required property 'properties'",
		`{"widgets":[{"type":"text","properties":{}}]}`:                                                   "/widgets/0/properties: Should have required property 'markdown'",
		`{"widgets":[{"type":"metric","properties":{"region":"r"}}]}`:                                     "/widgets/0/properties: Should have required property 'metrics' or 'annotations'",
		`{"widgets":[{"type":"metric","properties":{"region":"r","metrics":[["a"]]}}]}`:                   `/widgets/0/properties/metrics/0: Invalid metric field type, only "String" type is allowed for namespace and name, and both are required`,
		`{"widgets":[{"type":"metric","properties":{"region":"r","metrics":[["a",5]]}}]}`:                 `/widgets/0/properties/metrics/0/1: Invalid metric field type, only "String" type is allowed`,
		`{"widgets":[{"type":"metric","properties":{"region":"r","metrics":[[{"expression":"m1*2"}]]}}]}`: "",
	} {
		_, err := w.PutDashboard(ctx, scope, "d", body, nil)
		var lines []string
		if de, ok := errors.AsType[*metrics.DashboardError](err); ok {
			for _, m := range de.Messages {
				lines = append(lines, m.DataPath+": "+m.Message)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(lines, "|"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", body, got, want)
		}
	}
	if _, err := w.PutDashboard(ctx, scope, "a b", `{"widgets":[]}`, nil); err == nil {
		t.Error("a name with a space is accepted")
	}
	warnings, err := w.PutDashboard(ctx, scope, "d", `{"widgets":[{"type":"metric","properties":{"metrics":[]},"z":1}],"x":1}`, nil)
	if err != nil || len(warnings) != 3 {
		t.Errorf("warnings %v %v", warnings, err)
	}
	if _, err := w.Dashboard(ctx, scope, "d"); err != nil {
		t.Error(err)
	}
}

// TestPutAddsUp publishes 1,000 data in a request, of ten metrics, three times.
func TestPutAddsUp(t *testing.T) {
	w := newWorld(t)
	var data []metrics.Datum
	for i := range 1000 {
		data = append(data, metrics.Datum{Name: fmt.Sprint("M", i%10), Value: ref(float64(i))})
	}
	for range 3 {
		if err := w.Put(ctx, scope, "App", data); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.Evaluate(ctx, scope, []metrics.Query{stat("m", "M3", "SampleCount")}, noon, noon+time.Minute.Milliseconds())
	if err != nil || len(got[0].Values) != 1 || got[0].Values[0] != 300 {
		t.Errorf("got %+v %v", got, err)
	}
}

// TestTooManyMetrics publishes a metric with more and more values of a dimension, up to its limit.
func TestTooManyMetrics(t *testing.T) {
	w := newWorld(t)
	batch := func(from int) []metrics.Datum {
		data := make([]metrics.Datum, 1000)
		for i := range data {
			data[i] = metrics.Datum{Name: "Wild", Value: ref(1.0), Dimensions: []metrics.Dimension{{Name: "User", Value: fmt.Sprint(from + i)}}}
		}
		return data
	}
	n := 0
	var err error
	for ; n < 100_000 && err == nil; n += 1000 {
		err = w.Put(ctx, scope, "App", batch(n))
	}
	if want := "Too many metrics: metric Wild in App has 32768 combinations of dimensions and units already."; !errors.Is(err, metrics.ErrTooManyMetrics) || err.Error() != want {
		t.Fatalf("after %d: %v", n, err)
	}
	if err := w.Put(ctx, scope, "App", append(batch(0)[:999], metrics.Datum{Name: "Other", Value: ref(1.0)})); err != nil {
		t.Errorf("metrics that are there, and another: %v", err)
	}
}
