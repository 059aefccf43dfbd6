package alarms_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/alarms"
)

func TestPutAndDescribe(t *testing.T) {
	w := newWorld(t)
	if err := w.Put(ctx, scope, "a", simple(), map[string]string{"team": "x"}); err != nil {
		t.Fatal(err)
	}
	want := alarms.State{Value: alarms.Insufficient, Reason: "Unchecked: Initial alarm creation", UpdatedMS: start, TransitionedMS: start}
	for range 2 {
		a := w.alarm("a")
		if d := cmp.Diff(simple(), a.Config); d != "" {
			t.Errorf("config (-want +got):\n%s", d)
		}
		if d := cmp.Diff(want, a.State); d != "" {
			t.Errorf("state (-want +got):\n%s", d)
		}
		if a.ConfiguredMS != start || a.ARN() != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a" {
			t.Errorf("got %d %s", a.ConfiguredMS, a.ARN())
		}
		w.restart()
	}

	// An update replaces the configuration, keeps the state and the tags.
	if err := w.SetState(ctx, scope, "a", alarms.OK, "test", ""); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	c := simple()
	c.Metric.Threshold = 7
	if err := w.Put(ctx, scope, "a", c, map[string]string{"team": "y"}); err != nil {
		t.Fatal(err)
	}
	if a := w.alarm("a"); a.Metric.Threshold != 7 || a.State.Value != alarms.OK || a.ConfiguredMS != start+1000 || a.State.UpdatedMS != start {
		t.Errorf("after an update: %+v", a)
	}
	arn := scope.AlarmARN("a")
	tags, err := w.Tags(ctx, scope, arn)
	if d := cmp.Diff(map[string]string{"team": "x"}, tags); d != "" || err != nil {
		t.Errorf("tags: %v %s", err, d)
	}
	if err := errors.Join(w.Tag(ctx, scope, arn, map[string]string{"k": "v"}), w.Untag(ctx, scope, arn, []string{"team"})); err != nil {
		t.Fatal(err)
	}
	if tags, err := w.Tags(ctx, scope, arn); err != nil || tags["k"] != "v" || len(tags) != 1 {
		t.Errorf("tags: %v %v", tags, err)
	}
	for _, arn := range []string{scope.AlarmARN("b"), "a", scope.GroupARN("a")} {
		if _, err := w.Tags(ctx, scope, arn); !errors.Is(err, alarms.ErrNotFound) {
			t.Errorf("tags of %s: %v", arn, err)
		}
	}
	other := logs.Scope{Account: "210987654321", Region: "eu-west-1"}
	if p, err := w.Describe(ctx, other, alarms.DescribeRequest{}); err != nil || len(p.Alarms) != 0 {
		t.Errorf("another scope: %v %v", p, err)
	}
}

func TestPutRefuses(t *testing.T) {
	w := newWorld(t)
	bad := func(want string, change func(c *alarms.Config)) {
		t.Helper()
		c := simple()
		change(&c)
		refused(t, w.Put(ctx, scope, "a", c, nil), want)
	}
	bad("either a metric alarm or a composite", func(c *alarms.Config) { c.Metric = nil })
	bad("either a metric alarm or a composite", func(c *alarms.Config) { c.Composite = &alarms.CompositeSpec{} })
	bad("AlarmDescription", func(c *alarms.Config) { c.Description = strings.Repeat("x", 1025) })
	bad("AlarmActions has more than 5", func(c *alarms.Config) { c.AlarmActions = make([]string, 6) })
	bad("Invalid arn syntax: nope", func(c *alarms.Config) { c.OKActions = []string{"nope"} })
	bad("duplicate", func(c *alarms.Config) { c.OKActions = []string{topic, topic} })
	bad("1 to 1024", func(c *alarms.Config) { c.OKActions = []string{""} })
	bad("ComparisonOperator is missing", func(c *alarms.Config) { c.Metric.Comparison = "" })
	bad("anomaly detection", func(c *alarms.Config) { c.Metric.Comparison = "LessThanLowerThreshold" })
	bad("EvaluationPeriods must be at least 1", func(c *alarms.Config) { c.Metric.EvaluationPeriods = 0 })
	bad("DatapointsToAlarm", func(c *alarms.Config) { c.Metric.DatapointsToAlarm = 2 })
	bad("TreatMissingData", func(c *alarms.Config) { c.Metric.TreatMissing = "good" })
	bad("EvaluateLowSampleCountPercentile", func(c *alarms.Config) { c.Metric.LowSamples = "no" })
	bad("needs MetricName and Namespace", func(c *alarms.Config) { c.Metric.MetricName = "" })
	bad("exactly one of Statistic", func(c *alarms.Config) { c.Metric.ExtendedStatistic = "p99" })
	bad("Unknown Statistic", func(c *alarms.Config) { c.Metric.Statistic = "Median" })
	for _, p := range []int64{0, 1, 5, 40, 61, -60} {
		bad("Period must be", func(c *alarms.Config) { c.Metric.Period = p })
	}
	bad("more than a day", func(c *alarms.Config) { c.Metric.EvaluationPeriods = 1441 })
	bad("more than a week", func(c *alarms.Config) { c.Metric.Period, c.Metric.EvaluationPeriods = 3600, 169 })
	bad("more than a week", func(c *alarms.Config) { c.Metric.EvaluationPeriods = 1 << 60 })
	bad("given twice", func(c *alarms.Config) { c.Metric.Dimensions = append(c.Metric.Dimensions, c.Metric.Dimensions[0]) })
	bad("at most 30", func(c *alarms.Config) { c.Metric.Dimensions = make([]alarms.Dimension, 31) })

	sum := func(queries ...alarms.Query) func(c *alarms.Config) {
		return func(c *alarms.Config) {
			c.Metric = &alarms.MetricSpec{Queries: queries, EvaluationPeriods: 1, Comparison: "GreaterThanThreshold"}
		}
	}
	stat := func(id string, period int64) alarms.Query {
		return alarms.Query{ID: id, Stat: &alarms.Stat{Namespace: "n", MetricName: "m", Period: period, Stat: "Sum"}}
	}
	total := alarms.Query{ID: "e", Expression: "a+b", ReturnData: true}
	bad("cannot be combined", func(c *alarms.Config) { c.Metric.Queries = []alarms.Query{total} })
	bad("must begin with a lowercase letter", sum(stat("A", 60), total))
	bad("used twice", sum(stat("a", 60), stat("a", 60), total))
	bad("Exactly one element", sum(stat("a", 60)))
	bad("Exactly one element", sum(stat("a", 60), total, alarms.Query{ID: "f", Expression: "a", ReturnData: true}))
	bad("same Period", sum(stat("a", 60), stat("b", 120), total))
	bad("exactly one of MetricStat and Expression", sum(alarms.Query{ID: "a"}, total))
	bad("Period must be given", sum(total))
	var many []alarms.Query
	for i := range 11 {
		many = append(many, stat(fmt.Sprint("m", i), 60))
	}
	bad("more than 10 metrics", sum(append(many, total)...))

	for _, name := range []string{"", strings.Repeat("x", 256), "a\nb", "a\xff"} {
		refused(t, w.Put(ctx, scope, name, simple(), nil), "The name of an alarm")
	}
	refused(t, w.Put(ctx, scope, "a", simple(), map[string]string{"aws:x": "y"}), "reserved")

	// The bounds themselves.
	c := simple()
	c.Description = strings.Repeat("ü", 1024)
	c.Metric.EvaluationPeriods = 1440
	w.put(strings.Repeat("ü", 255), c)
	c.Metric.Period, c.Metric.EvaluationPeriods = 3600, 168
	w.put("b", c)
	c = simple()
	sum(append(many[:10:10], total)...)(&c)
	w.put("c", c)
}

func TestDescribePages(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.put(fmt.Sprint("m", i), simple())
	}
	c := simple()
	c.AlarmActions = []string{"arn:aws:sns:eu-west-1:123456789012:other"}
	w.put("x", c)
	w.put("c0", composite("ALARM(m0) OR OK(m1)"))
	w.put("c1", composite("ALARM(c0)"))
	if err := w.SetState(ctx, scope, "m3", alarms.Alarming, "r", ""); err != nil {
		t.Fatal(err)
	}
	both := []string{alarms.TypeMetric, alarms.TypeComposite}
	names := func(r alarms.DescribeRequest, want string) {
		t.Helper()
		var got []string
		for {
			p, err := w.Describe(ctx, scope, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Alarms {
				got = append(got, a.Name)
			}
			if p.Next == "" {
				break
			}
			r.Token = &p.Next
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: got %v, want %s", r, got, want)
		}
	}
	names(alarms.DescribeRequest{}, "m0 m1 m2 m3 m4 m5 m6 x")
	names(alarms.DescribeRequest{Limit: 3, Types: both}, "c0 c1 m0 m1 m2 m3 m4 m5 m6 x")
	names(alarms.DescribeRequest{Types: []string{alarms.TypeComposite}}, "c0 c1")
	names(alarms.DescribeRequest{Prefix: "m", State: alarms.Alarming}, "m3")
	names(alarms.DescribeRequest{ActionPrefix: "arn:aws:sns:eu-west-1:123456789012:o", Prefix: "x"}, "x")
	names(alarms.DescribeRequest{ActionPrefix: "arn:aws:sns:eu-west-1:123456789012:ot"}, "x")
	names(alarms.DescribeRequest{Names: []string{"x", "nope", "m1"}, Limit: 1}, "m1 x")
	names(alarms.DescribeRequest{ChildrenOf: "c0"}, "m0 m1")
	names(alarms.DescribeRequest{ParentsOf: "m1"}, "c0")
	names(alarms.DescribeRequest{ParentsOf: "c0"}, "c1")
	names(alarms.DescribeRequest{ChildrenOf: "m0"}, "")

	bad := func(r alarms.DescribeRequest, want string) {
		t.Helper()
		_, err := w.Describe(ctx, scope, r)
		refused(t, err, want)
	}
	bad(alarms.DescribeRequest{ChildrenOf: "c0", Prefix: "m"}, "ChildrenOfAlarmName")
	bad(alarms.DescribeRequest{ParentsOf: "c0", State: "OK"}, "ParentsOfAlarmName")
	bad(alarms.DescribeRequest{Names: []string{"a"}, Prefix: "m"}, "cannot be combined")
	bad(alarms.DescribeRequest{Names: make([]string, 101)}, "At most 100")
	bad(alarms.DescribeRequest{Limit: 101}, "MaxRecords")
	p, err := w.Describe(ctx, scope, alarms.DescribeRequest{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Describe(ctx, scope, alarms.DescribeRequest{Limit: 1, Prefix: "m", Token: &p.Next}); !errors.Is(err, alarms.ErrBadToken) {
		t.Errorf("a token of another request: %v", err)
	}

	for _, c := range []struct {
		r    alarms.MetricRequest
		want int
	}{
		{alarms.MetricRequest{Namespace: "app", MetricName: "errors", Dimensions: []alarms.Dimension{{Name: "host", Value: "a"}}}, 8},
		{alarms.MetricRequest{Namespace: "app", MetricName: "errors", Dimensions: []alarms.Dimension{{Name: "host", Value: "a"}}, Statistic: "Sum", Period: 60}, 8},
		{alarms.MetricRequest{Namespace: "app", MetricName: "errors", Dimensions: []alarms.Dimension{{Name: "host", Value: "a"}}, Statistic: "Average"}, 0},
		{alarms.MetricRequest{Namespace: "app", MetricName: "errors"}, 0},
	} {
		if got := w.DescribeForMetric(ctx, scope, c.r); len(got) != c.want {
			t.Errorf("%+v: %d alarms, want %d", c.r, len(got), c.want)
		}
	}
}

func TestCompositeReferences(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	w.put("b", simple())
	put := func(name, rule string) error { return w.Put(ctx, scope, name, composite(rule), nil) }
	refused(t, put("c", "ALARM(a) AND OK(zz) OR OK(yy)"), "as alarms [yy, zz] in the alarm rule do not exist")
	refused(t, put("c", `ALARM("arn:aws:cloudwatch:eu-west-2:123456789012:alarm:a")`), "do not exist")
	refused(t, put("c", "ALARM(c)"), "cycle: c -> c")
	refused(t, put("c", "ALARM("), "Error in AlarmRule: invalid alarm rule at character 7")
	refused(t, put("a", "TRUE"), "another type")
	if err := put("c", `ALARM("`+scope.AlarmARN("a")+`") OR ALARM(b)`); err != nil {
		t.Fatal(err)
	}
	if err := put("d", "ALARM(c)"); err != nil {
		t.Fatal(err)
	}
	refused(t, put("c", "ALARM(d)"), "cycle: c -> d -> c")
	refused(t, w.Put(ctx, scope, "c", simple(), nil), "another type")

	s := composite("ALARM(a)")
	s.Composite.Suppressor = "nope"
	refused(t, w.Put(ctx, scope, "e", s, nil), "actions suppressor nope does not exist")
	s.Composite.Suppressor = "e"
	refused(t, w.Put(ctx, scope, "e", s, nil), "its own actions suppressor")
	s.Composite.Suppressor, s.Composite.WaitPeriod = "", 1
	refused(t, w.Put(ctx, scope, "e", s, nil), "need an ActionsSuppressor")
	s.Composite.Suppressor, s.Composite.WaitPeriod = "b", -1
	refused(t, w.Put(ctx, scope, "e", s, nil), "0 to")
	s.Composite.WaitPeriod = 60
	w.put("e", s)

	refused(t, w.Delete(ctx, scope, []string{"a"}), "Cannot delete a as there are composite alarm(s) depending on it.")
	refused(t, w.Delete(ctx, scope, []string{"a", "b"}), "Cannot delete a,b as there are composite alarm(s) depending on them.")
	refused(t, w.Delete(ctx, scope, []string{"c", "d"}), "more than 1 composite")
	refused(t, w.Delete(ctx, scope, []string{"c"}), "Cannot delete c")
	for _, names := range [][]string{{"d"}, {"e", "e"}, {"a", "b", "c"}} {
		if err := w.Delete(ctx, scope, names); err != nil {
			t.Errorf("delete %v: %v", names, err)
		}
	}
	w.put("a", simple())
	if err := w.Delete(ctx, scope, []string{"x", "a"}); !errors.Is(err, alarms.ErrNotFound) || !strings.Contains(err.Error(), "x") {
		t.Errorf("delete of one that is and one that is not: %v", err)
	}
	w.restart()
	if p, err := w.Describe(ctx, scope, alarms.DescribeRequest{}); err != nil || len(p.Alarms) != 0 {
		t.Errorf("%v %v", p, err)
	}
}

func TestMaxParents(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	for i := range alarms.MaxParents {
		w.put(fmt.Sprint("c", i), composite("ALARM(a)"))
	}
	w.put("c0", composite("OK(a)"))
	refused(t, w.Put(ctx, scope, "d", composite("ALARM(a)"), nil), "more than 150 composite alarms")
}

func TestSetState(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	set := func(value, data string) error {
		w.now = w.now.Add(time.Second)
		return w.SetState(ctx, scope, "a", value, "because", data)
	}
	if err := set(alarms.Alarming, `{"x":1}`); err != nil {
		t.Fatal(err)
	}
	a := w.alarm("a")
	want := alarms.State{Value: alarms.Alarming, Reason: "because", ReasonData: `{"x":1}`, UpdatedMS: start + 1000, TransitionedMS: start + 1000}
	if d := cmp.Diff(want, a.State); d != "" {
		t.Errorf("state (-want +got):\n%s", d)
	}
	// The same state again does nothing.
	if err := set(alarms.Alarming, ""); err != nil {
		t.Fatal(err)
	}
	if a := w.alarm("a"); a.State.UpdatedMS != start+2000 || a.State.TransitionedMS != start+1000 {
		t.Errorf("%+v", a.State)
	}
	if err := errors.Join(set(alarms.OK, ""), set(alarms.Insufficient, "")); err != nil {
		t.Fatal(err)
	}
	if got, want := w.drain(), "a ops ALARM; a calm OK; a f INSUFFICIENT_DATA"; got != want {
		t.Errorf("actions %s, want %s", got, want)
	}
	if err := w.SetActionsEnabled(ctx, scope, []string{"a", "nope"}, false); err != nil {
		t.Fatal(err)
	}
	if err := set(alarms.Alarming, ""); err != nil {
		t.Fatal(err)
	}
	if got := w.drain(); got != "" || w.alarm("a").ActionsEnabled {
		t.Errorf("disabled: %s", got)
	}
	w.restart()
	if a := w.alarm("a"); a.ActionsEnabled || a.State.Value != alarms.Alarming {
		t.Errorf("after a restart: %+v", a)
	}

	refused(t, set("BAD", ""), "Unknown StateValue")
	if err := set(alarms.OK, "{"); !errors.Is(err, alarms.ErrReasonData) {
		t.Errorf("bad data: %v", err)
	}
	if err := w.SetState(ctx, scope, "b", alarms.OK, "r", ""); !errors.Is(err, alarms.ErrNotFound) {
		t.Errorf("no alarm: %v", err)
	}
	refused(t, w.SetState(ctx, scope, "a", alarms.OK, strings.Repeat("x", 1024), ""), "StateReason")
	refused(t, w.SetState(ctx, scope, "a", alarms.OK, "", `"`+strings.Repeat("x", 3999)+`"`), "StateReasonData")
	if err := w.SetState(ctx, scope, "a", alarms.OK, strings.Repeat("x", 1023), `"`+strings.Repeat("x", 3998)+`"`); err != nil {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	tick := func() { w.now = w.now.Add(time.Minute) }
	tick()
	if err := w.SetState(ctx, scope, "a", alarms.OK, "first", `{"n":1}`); err != nil {
		t.Fatal(err)
	}
	tick()
	if err := w.SetState(ctx, scope, "a", alarms.Alarming, "second", `{"n":2}`); err != nil {
		t.Fatal(err)
	}
	tick()
	w.put("a", simple())
	w.put("c", composite("ALARM(a)"))
	tick()
	if err := w.Delete(ctx, scope, []string{"c"}); err != nil {
		t.Fatal(err)
	}
	lines := func(r alarms.HistoryRequest) string {
		t.Helper()
		var got []string
		for {
			p, err := w.History(ctx, scope, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range p.Items {
				if !json.Valid([]byte(i.Data)) {
					t.Errorf("data of %s: %s", i.Summary, i.Data)
				}
				got = append(got, i.Summary)
			}
			if p.Next == "" {
				return strings.Join(got, "; ")
			}
			r.Token = &p.Next
		}
	}
	is := func(r alarms.HistoryRequest, want string) {
		t.Helper()
		if got := lines(r); got != want {
			t.Errorf("%+v\ngot  %s\nwant %s", r, got, want)
		}
	}
	const all = `Alarm "a" updated; Alarm updated from OK to ALARM; Alarm updated from INSUFFICIENT_DATA to OK; Alarm "a" created`
	is(alarms.HistoryRequest{Name: "a"}, all)
	is(alarms.HistoryRequest{Limit: 1}, all)
	is(alarms.HistoryRequest{Limit: 2, OldestFirst: true}, `Alarm "a" created; Alarm updated from INSUFFICIENT_DATA to OK; Alarm updated from OK to ALARM; Alarm "a" updated`)
	is(alarms.HistoryRequest{Types: []string{alarms.TypeComposite}}, `Alarm "c" deleted; Alarm "c" created`)
	is(alarms.HistoryRequest{Name: "c"}, `Alarm "c" deleted; Alarm "c" created`)
	is(alarms.HistoryRequest{Item: alarms.ItemState, Limit: 1}, `Alarm updated from OK to ALARM; Alarm updated from INSUFFICIENT_DATA to OK`)
	is(alarms.HistoryRequest{Name: "a", FromMS: start + 60_000, ToMS: start + 120_000}, `Alarm updated from OK to ALARM; Alarm updated from INSUFFICIENT_DATA to OK`)
	is(alarms.HistoryRequest{Name: "nope"}, "")
	p, err := w.History(ctx, scope, alarms.HistoryRequest{Item: alarms.ItemState, Limit: 1})
	if err != nil || len(p.Items) != 1 {
		t.Fatal(p, err)
	}
	const data = `{"version":"1.0","oldState":{"stateValue":"OK","stateReason":"first","stateReasonData":{"n":1}},"newState":{"stateValue":"ALARM","stateReason":"second","stateReasonData":{"n":2}}}`
	if p.Items[0].Data != data || p.Items[0].AtMS != start+120_000 || p.Items[0].Type != alarms.TypeMetric {
		t.Errorf("got %+v", p.Items[0])
	}
	if _, err := w.History(ctx, scope, alarms.HistoryRequest{Token: &p.Next}); !errors.Is(err, alarms.ErrBadToken) {
		t.Errorf("a token of another request: %v", err)
	}
	_, err = w.History(ctx, scope, alarms.HistoryRequest{Limit: 101})
	refused(t, err, "MaxRecords")
	_, err = w.History(ctx, scope, alarms.HistoryRequest{FromMS: 2, ToMS: 1})
	refused(t, err, "StartDate")

	// Data that is too long loses what the old state said, then the rest.
	long := `{"x":"` + strings.Repeat("y", 3000) + `"}`
	for _, v := range []string{alarms.OK, alarms.Alarming} {
		if err := w.SetState(ctx, scope, "a", v, "r", long); err != nil {
			t.Fatal(err)
		}
	}
	p, err = w.History(ctx, scope, alarms.HistoryRequest{Limit: 1})
	if err != nil || len(p.Items) != 1 || !strings.Contains(p.Items[0].Data, long) || strings.Count(p.Items[0].Data, "yyy") > 1000 {
		t.Errorf("long data: %v %v", p, err)
	}
	w.now = w.now.Add(31 * 24 * time.Hour)
	is(alarms.HistoryRequest{Name: "a"}, "")
}

func TestUnreadableAlarm(t *testing.T) {
	w := newWorld(t)
	d := catalog.Document{DocumentKey: catalog.DocumentKey{Kind: "alarm", Scope: scope, Name: "a"}, Body: []byte(`{"config":{"color":1}}`)}
	if _, err := w.db.PutDocument(ctx, d, 0, "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := alarms.New(ctx, alarms.Options{Catalog: w.db, Metrics: w.points}); err == nil || !strings.Contains(err.Error(), "decode alarm a") {
		t.Errorf("got %v", err)
	}
}

func FuzzStoredAlarm(f *testing.F) {
	for _, s := range []string{
		`{"config":{"actionsEnabled":true,"metric":{"namespace":"n","metricName":"m","statistic":"Sum","period":60,"evaluationPeriods":1,"threshold":5,"comparisonOperator":"GreaterThanThreshold"}},"configuredMs":1,"state":{"value":"OK","reason":"r","updatedMs":1,"transitionedMs":1}}`,
		`{"config":{"composite":{"alarmRule":"ALARM(a) AND NOT OK(b)","actionsSuppressor":"s"}},"state":{}}`,
		`{"config":{"composite":{"alarmRule":"("}}}`, `{"config":{"color":1}}`, `{}`, `[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		stored, err := alarms.Reread(body)
		if err != nil {
			return
		}
		again, err := alarms.Reread(stored)
		if err != nil || string(again) != string(stored) {
			t.Fatalf("%s\nis stored as %s\nand then as %s: %v", body, stored, again, err)
		}
	})
}
