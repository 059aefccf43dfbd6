package alarms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/service/alarms"
)

// set sets values of a metric in windows that end at the present minute, or ten seconds; "-" is no value, the newest on the
// right.
func (w *world) set(metric string, period time.Duration, values string) {
	w.t.Helper()
	step := time.Minute
	if period < step {
		step = 10 * time.Second
	}
	end := w.now.Truncate(step).UnixMilli()
	words := strings.Fields(values)
	m := map[int64]float64{}
	for i, v := range words {
		if v == "-" {
			continue
		}
		var x float64
		if _, err := fmt.Sscan(v, &x); err != nil {
			w.t.Fatal(err)
		}
		m[end-int64(len(words)-i)*period.Milliseconds()] = x
	}
	if w.points.values == nil {
		w.points.values, w.points.counts = map[string]map[int64]float64{}, map[string]map[int64]float64{}
	}
	w.points.values[metric] = m
}

// at ticks at a time after start.
func (w *world) at(d time.Duration) {
	w.t.Helper()
	w.now = time.UnixMilli(start).Add(d)
	w.tick()
}

// is expects the state of an alarm.
func (w *world) is(name, state string) {
	w.t.Helper()
	if a := w.alarm(name); a.State.Value != state {
		w.t.Errorf("at %v: %s is %s (%s), want %s", w.now.Sub(time.UnixMilli(start)), name, a.State.Value, a.State.Reason, state)
	}
}

func TestEvaluation(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.Metric.EvaluationPeriods, c.Metric.DatapointsToAlarm = 3, 2
	w.now = time.UnixMilli(start).Add(5 * time.Second)
	w.set("errors", time.Minute, "1 9 2")
	w.put("a", c)
	// A new alarm is evaluated at once, with data from before it.
	w.tick()
	w.is("a", alarms.OK)
	a := w.alarm("a")
	const reason = "Threshold Crossed: 2 out of the last 3 datapoints [2.0 (21/09/26 14:13:00), 1.0 (21/09/26 14:11:00)] were not greater than the threshold (5.0) (minimum 2 datapoints for ALARM -> OK transition)."
	if a.State.Reason != reason {
		t.Errorf("got  %s\nwant %s", a.State.Reason, reason)
	}
	const data = `{"version":"1.0","queryDate":"2026-09-21T14:14:05.000+0000","startDate":"2026-09-21T14:11:00.000+0000","statistic":"Sum","period":60,"recentDatapoints":[1.0,9.0,2.0],"threshold":5.0,"evaluatedDatapoints":[{"timestamp":"2026-09-21T14:13:00.000+0000","value":2.0},{"timestamp":"2026-09-21T14:12:00.000+0000","value":9.0},{"timestamp":"2026-09-21T14:11:00.000+0000","value":1.0}]}`
	if a.State.ReasonData != data {
		t.Errorf("got  %s\nwant %s", a.State.ReasonData, data)
	}
	w.drain()

	// The next minute counts five seconds after its end.
	w.now = time.UnixMilli(start).Add(time.Minute)
	w.set("errors", time.Minute, "1 9 2 8")
	w.at(time.Minute + 4999*time.Millisecond)
	w.is("a", alarms.OK)
	w.at(time.Minute + 5*time.Second)
	w.is("a", alarms.Alarming)
	const second = "Threshold Crossed: 2 out of the last 3 datapoints [8.0 (21/09/26 14:14:00), 9.0 (21/09/26 14:12:00)] were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
	if got := w.alarm("a").State.Reason; got != second {
		t.Errorf("got  %s\nwant %s", got, second)
	}
	if got := w.drain(); got != "a ops ALARM" {
		t.Errorf("actions %s", got)
	}
	// Nothing happens twice, also after a restart; nor is anything asked again within the minute.
	calls := w.points.calls
	for s := 6; s < 60; s += 7 {
		w.at(time.Minute + time.Duration(s)*time.Second)
	}
	if w.points.calls != calls {
		t.Errorf("%d calls", w.points.calls-calls)
	}
	w.restart()
	w.tick()
	if got := w.drain(); got != "" {
		t.Errorf("actions after a restart: %s", got)
	}
	// No data: first what there is counts, then there is none.
	w.now = time.UnixMilli(start).Add(2 * time.Minute)
	w.set("errors", time.Minute, "1 9 2 8 - - - - -")
	w.at(2*time.Minute + 5*time.Second)
	w.is("a", alarms.Insufficient)
	if got := w.alarm("a").State.Reason; got != "Insufficient Data: 3 datapoints were unknown." {
		t.Errorf("reason %s", got)
	}
	if got := w.drain(); got != "a f INSUFFICIENT_DATA" {
		t.Errorf("actions %s", got)
	}
}

func TestShortPeriods(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.Metric.Period = 10
	w.put("a", c)
	w.set("errors", 10*time.Second, "9")
	w.at(1999 * time.Millisecond)
	w.is("a", alarms.Insufficient)
	w.at(2 * time.Second)
	w.is("a", alarms.Alarming)
	w.now = time.UnixMilli(start).Add(10 * time.Second)
	w.set("errors", 10*time.Second, "9 1")
	w.at(11999 * time.Millisecond)
	w.is("a", alarms.Alarming)
	w.at(12 * time.Second)
	w.is("a", alarms.OK)
}

// A period of an hour slides by minutes.
func TestLongPeriods(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.Metric.Period = 3600
	w.put("a", c)
	for i := range 3 {
		at := time.Duration(i)*time.Minute + 5*time.Second
		w.now = time.UnixMilli(start).Add(at)
		w.set("errors", time.Hour, []string{"1", "9", "1"}[i])
		w.at(at)
		w.is("a", []string{alarms.OK, alarms.Alarming, alarms.OK}[i])
	}
}

func TestReasonsOfFilledData(t *testing.T) {
	f := func(treat, values, state, reason string) {
		t.Helper()
		w := newWorld(t)
		c := simple()
		c.Metric.EvaluationPeriods, c.Metric.TreatMissing = 2, treat
		w.put("a", c)
		w.now = w.now.Add(5 * time.Second)
		w.set("errors", time.Minute, values)
		w.tick()
		if a := w.alarm("a"); a.State.Value != state || a.State.Reason != reason {
			t.Errorf("%s %s: got %s: %s", treat, values, a.State.Value, a.State.Reason)
		}
	}
	f(alarms.Breaching, "-", alarms.Alarming, "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].")
	f(alarms.NotBreaching, "-", alarms.OK, "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].")
	f(alarms.Breaching, "9 -", alarms.Alarming, "Threshold Crossed: 1 out of the last 2 datapoints [9.0 (21/09/26 14:12:00)] was greater than the threshold (5.0) and 1 missing datapoint was treated as [Breaching] (minimum 2 datapoints for OK -> ALARM transition).")
	f(alarms.Missing, "9 -", alarms.Alarming, "Threshold Crossed: 1 out of the last 2 datapoints [9.0 (21/09/26 14:12:00)] was greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition).")
}

func TestLowSamples(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.Metric.Statistic, c.Metric.ExtendedStatistic, c.Metric.LowSamples, c.Metric.EvaluationPeriods = "", "p99", "ignore", 2
	w.put("ignore", c)
	c2 := c
	m := *c.Metric
	m.LowSamples = ""
	c2.Metric = &m
	w.put("evaluate", c2)
	w.now = w.now.Add(5 * time.Second)
	w.set("errors", time.Minute, "9 9")
	end := start
	w.points.counts["errors"] = map[int64]float64{end - 60_000: 500, end - 120_000: 499}
	w.tick()
	w.is("ignore", alarms.Insufficient) // 999 samples, 1,000 are needed
	w.is("evaluate", alarms.Alarming)
	w.now = w.now.Add(time.Minute)
	w.set("errors", time.Minute, "9 9")
	w.points.counts["errors"] = map[int64]float64{end: 501, end - 60_000: 499}
	w.tick()
	w.is("ignore", alarms.Alarming)
}

func TestMath(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.Metric = &alarms.MetricSpec{
		Queries: []alarms.Query{
			{ID: "a", Stat: &alarms.Stat{Namespace: "n", MetricName: "m", Period: 60, Stat: "Sum"}},
			{ID: "e", Expression: "a*2", ReturnData: true, Label: "twice"},
		},
		EvaluationPeriods: 1, Threshold: 5, Comparison: "LessThanOrEqualToThreshold",
	}
	w.put("a", c)
	w.now = w.now.Add(5 * time.Second)
	w.set("a*2", time.Minute, "5")
	w.tick()
	w.is("a", alarms.Alarming)

	// What cannot be evaluated says so, once.
	w.points.err = &alarms.ConfigurationError{Message: "no such function"}
	for range 2 {
		w.now = w.now.Add(time.Minute)
		w.tick()
		if s := w.alarm("a").State; s.Value != alarms.Insufficient || s.Evaluation != alarms.EvaluationError || s.Reason != "no such function" {
			t.Errorf("%+v", s)
		}
	}
	if got := w.drain(); got != "a ops ALARM; a f INSUFFICIENT_DATA" {
		t.Errorf("actions %s", got)
	}
	// And goes away again.
	w.points.err = nil
	w.now = w.now.Add(time.Minute)
	w.set("a*2", time.Minute, "7")
	w.tick()
	if s := w.alarm("a").State; s.Value != alarms.OK || s.Evaluation != "" {
		t.Errorf("%+v", s)
	}

	c.Metric.Queries[1].Expression = "BAD(a)"
	refused(t, w.Put(ctx, scope, "b", c, nil), "unknown function BAD")
}

// Trouble with one metric is trouble of this alarm only, and goes away.
func TestTrouble(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	w.now = w.now.Add(5 * time.Second)
	w.set("errors", time.Minute, "9")
	w.points.err = errors.New("disk")
	if err := w.Tick(ctx); err == nil || !strings.Contains(err.Error(), "alarm a: disk") {
		t.Errorf("got %v", err)
	}
	w.points.err = nil
	w.now = w.now.Add(time.Second)
	w.tick()
	w.is("a", alarms.Alarming)

	// A catalog that does not take the change: the state stays, in memory too.
	w.now = w.now.Add(time.Minute)
	w.set("errors", time.Minute, "1")
	broken, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.Tick(broken); err == nil {
		t.Error("no error")
	}
	w.is("a", alarms.Alarming)
	w.tick()
	w.is("a", alarms.OK)
}

// Alarms wait for the metrics of events that were accepted in their window, but not for ever, and not for later ones.
func TestMetricsBehind(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	w.at(5 * time.Second)
	w.now = time.UnixMilli(start).Add(time.Minute)
	w.set("errors", time.Minute, "9")
	w.accepted = 10
	w.at(time.Minute)
	w.at(time.Minute + 5*time.Second)
	w.is("a", alarms.Insufficient)
	w.accepted, w.counted = 20, 9
	w.at(time.Minute + 6*time.Second)
	w.is("a", alarms.Insufficient)
	w.counted = 10
	w.at(time.Minute + 7*time.Second)
	w.is("a", alarms.Alarming)

	w.now = time.UnixMilli(start).Add(2 * time.Minute)
	w.set("errors", time.Minute, "1")
	w.accepted = 30
	w.at(2 * time.Minute)
	w.at(2*time.Minute + 5*time.Second)
	w.at(2*time.Minute + 34*time.Second)
	w.is("a", alarms.Alarming)
	w.at(2*time.Minute + 35*time.Second)
	w.is("a", alarms.OK)

	// After a start likewise.
	w.now = time.UnixMilli(start).Add(3 * time.Minute)
	w.set("errors", time.Minute, "9")
	w.restart()
	w.at(3*time.Minute + 6*time.Second)
	w.is("a", alarms.OK)
	w.counted = 30
	w.at(3*time.Minute + 7*time.Second)
	w.is("a", alarms.Alarming)
}

func TestClockJumps(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	w.now = w.now.Add(5 * time.Second)
	w.set("errors", time.Minute, "9")
	w.tick()
	w.is("a", alarms.Alarming)
	calls := w.points.calls
	// A day forwards: one evaluation, of the present.
	w.at(24 * time.Hour)
	w.is("a", alarms.Insufficient)
	if n := w.points.calls - calls; n > 2 {
		t.Errorf("%d calls", n)
	}
	if got := w.drain(); got != "a ops ALARM; a f INSUFFICIENT_DATA" {
		t.Errorf("actions %s", got)
	}
	// And back: of the present again.
	w.at(5 * time.Second)
	w.is("a", alarms.Alarming)
	if got := w.drain(); got != "a ops ALARM" {
		t.Errorf("actions %s", got)
	}
}

// What SetState sets lasts until the next evaluation.
func TestSetStateIsTemporary(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	w.now = w.now.Add(5 * time.Second)
	w.set("errors", time.Minute, "1 1")
	w.tick()
	w.is("a", alarms.OK)
	if err := w.SetState(ctx, scope, "a", alarms.Alarming, "test", ""); err != nil {
		t.Fatal(err)
	}
	w.tick()
	w.is("a", alarms.Alarming)
	w.at(time.Minute + 5*time.Second)
	w.is("a", alarms.OK)
	if got := w.drain(); got != "a calm OK; a ops ALARM; a calm OK" {
		t.Errorf("actions %s", got)
	}
}

func TestComposite(t *testing.T) {
	w := newWorld(t)
	still := simple() // no data change its state
	still.Metric.TreatMissing = alarms.Ignore
	w.put("a", still)
	w.put("b", still)
	w.put("c", composite("ALARM(a) AND ALARM(b)"))
	w.put("d", composite("ALARM(c) OR FALSE"))
	w.put("t", composite("TRUE"))
	w.tick()
	for name, state := range map[string]string{"c": alarms.OK, "d": alarms.OK, "t": alarms.Alarming} {
		w.is(name, state)
	}
	if got := w.alarm("t").State.Reason; got != "The alarm rule is TRUE." {
		t.Errorf("reason %s", got)
	}
	w.drain()
	set := func(name, state string) {
		t.Helper()
		w.now = w.now.Add(time.Second)
		if err := w.SetState(ctx, scope, name, state, "r", ""); err != nil {
			t.Fatal(err)
		}
		w.tick()
	}
	set("a", alarms.Alarming)
	set("b", alarms.Alarming)
	// The whole chain follows in one tick.
	w.is("c", alarms.Alarming)
	w.is("d", alarms.Alarming)
	if got := w.drain(); got != "a ops ALARM; b ops ALARM; c ops ALARM; d ops ALARM" {
		t.Errorf("actions %s", got)
	}
	s := w.alarm("c").State
	if s.Reason != "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:b transitioned to ALARM at Monday 21 September, 2026 14:14:02 UTC" ||
		s.ReasonData != `{"triggeringAlarms":[{"arn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:b","state":{"value":"ALARM","timestamp":"2026-09-21T14:14:02.000+0000"}}]}` {
		t.Errorf("%+v", s)
	}
	// SetState of a composite alarm lasts until a child changes.
	set("c", alarms.OK)
	w.is("c", alarms.OK)
	set("b", alarms.OK)
	set("b", alarms.Alarming)
	w.is("c", alarms.Alarming)
	// A changed rule is evaluated.
	w.put("c", composite("OK(a)"))
	w.tick()
	w.is("c", alarms.OK)
}

func TestNotifications(t *testing.T) {
	w := newWorld(t)
	c := simple()
	c.OKActions, c.InsufficientActions = nil, nil
	w.put("a", c)
	w.put("c", composite("ALARM(a)"))
	c.AlarmActions = []string{function}
	w.put("f", c)
	w.tick()
	w.drain()
	w.now = w.now.Add(1500 * time.Millisecond)
	for _, name := range []string{"a", "f"} {
		if err := w.SetState(ctx, scope, name, alarms.Alarming, "because", `{"n":1}`); err != nil {
			t.Fatal(err)
		}
	}
	w.tick()
	want := map[string]string{
		"a": `{"AlarmName":"a","AlarmDescription":"d","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-09-21T14:14:00.000+0000","NewStateValue":"ALARM","NewStateReason":"because","StateChangeTime":"2026-09-21T14:14:01.500+0000","Region":"EU (Ireland)","AlarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a","OldStateValue":"INSUFFICIENT_DATA","OKActions":[],"AlarmActions":["arn:aws:sns:eu-west-1:123456789012:ops"],"InsufficientDataActions":[],"Trigger":{"MetricName":"errors","Namespace":"app","StatisticType":"Statistic","Statistic":"SUM","Dimensions":[{"value":"a","name":"host"}],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":5.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}}`,
		"f": `{"accountId":"123456789012","alarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:f","alarmData":{"alarmName":"f","configuration":{"description":"d","metrics":[{"id":"m1","metricStat":{"metric":{"dimensions":{"host":"a"},"name":"errors","namespace":"app"},"period":60,"stat":"Sum"},"returnData":true}]},"previousState":{"value":"INSUFFICIENT_DATA","reason":"Unchecked: Initial alarm creation","timestamp":"2026-09-21T14:14:00.000+0000"},"state":{"value":"ALARM","reason":"because","reasonData":"{\"n\":1}","timestamp":"2026-09-21T14:14:01.500+0000"}},"region":"eu-west-1","source":"aws.cloudwatch","time":"2026-09-21T14:14:01.500+0000"}`,
		"c": `{"AlarmName":"c","AlarmDescription":null,"AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-09-21T14:14:00.000+0000","NewStateValue":"ALARM","NewStateReason":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a transitioned to ALARM at Monday 21 September, 2026 14:14:01 UTC","StateChangeTime":"2026-09-21T14:14:01.500+0000","Region":"EU (Ireland)","AlarmArn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:c","OldStateValue":"OK","OKActions":["arn:aws:sns:eu-west-1:123456789012:calm"],"AlarmActions":["arn:aws:sns:eu-west-1:123456789012:ops"],"InsufficientDataActions":[],"AlarmRule":"ALARM(a)","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a","State":{"Value":"ALARM","Timestamp":"2026-09-21T14:14:01.500+0000"}}]}`,
	}
	for _, r := range w.outbox() {
		if r.Body != want[r.Owner] {
			t.Errorf("%s\ngot  %s\nwant %s", r.Owner, r.Body, want[r.Owner])
		}
		delete(want, r.Owner)
		if !strings.HasPrefix(r.Subject, `ALARM: "`+r.Owner+`" in EU (Ireland)`) || !strings.Contains(r.Text, "has entered the ALARM state") || r.Name == "" || r.AtMS != start+1500 {
			t.Errorf("%+v", r)
		}
	}
	if len(want) != 0 {
		t.Errorf("without notification: %v", want)
	}

	long := strings.Repeat("n", 255)
	w.put(long, simple())
	if err := w.SetState(ctx, scope, long, alarms.OK, "r", ""); err != nil {
		t.Fatal(err)
	}
	all := w.outbox()
	if s := all[len(all)-1].Subject; len(s) != 100 || !strings.HasSuffix(s, `nnn..." in EU (Ireland)`) {
		t.Errorf("subject %s", s)
	}
}

func TestActionEntry(t *testing.T) {
	w := newWorld(t)
	w.put("a", simple())
	if err := w.SetState(ctx, scope, "a", alarms.Alarming, "r", ""); err != nil {
		t.Fatal(err)
	}
	r := w.outbox()[0]
	f := func(failure error, summary, data string) {
		t.Helper()
		e, err := alarms.ActionEntry(&r, failure, start)
		if err != nil {
			t.Fatal(err)
		}
		var l struct{ Type, Item, Summary, Data string }
		if err := json.Unmarshal(e.Body, &l); err != nil {
			t.Fatal(err)
		}
		if l.Type != alarms.TypeMetric || l.Item != alarms.ItemAction || l.Summary != summary || l.Data != data || e.Name != "a" || e.Kind != "alarm" || e.AtMS != start {
			t.Errorf("got %+v %+v", e, l)
		}
	}
	r.Body = `{}`
	f(nil, "Successfully executed action "+topic, `{"actionState":"Succeeded","stateUpdateTimestamp":1790000040000,"notificationResource":"`+topic+`","publishedMessage":"{}","error":null}`)
	r.Body = strings.Repeat("x", 5000)
	f(errors.New("down"), "Failed to execute action "+topic, `{"actionState":"Failed","stateUpdateTimestamp":1790000040000,"notificationResource":"`+topic+`","error":"down"}`)
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0.0", 5: "5.0", -1.5: "-1.5", 0.001: "0.001", 0.0009: "9.0E-4", 1e7: "1.0E7", 9999999: "9999999.0", 15078544179.2: "1.50785441792E10", 0.0666851903306472: "0.0666851903306472",
	} {
		if got := alarms.Number(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
	if got := alarms.Number(math.Inf(1)); got != "+Inf" {
		t.Errorf("got %s", got)
	}
}

// Run evaluates what is put, and stops.
func TestRun(t *testing.T) {
	w := newWorld(t)
	sent := make(chan struct{}, 10)
	w.points.values = map[string]map[int64]float64{"errors": {}}
	now := time.Now()
	for i := range 10 {
		w.points.values["errors"][now.Truncate(time.Minute).Add(-time.Duration(i)*time.Minute).UnixMilli()] = 9
	}
	s, err := alarms.New(ctx, alarms.Options{Catalog: w.db, Metrics: w.points, Sent: func() { sent <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	run, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { s.Run(run) })
	if err := s.Put(ctx, scope, "a", simple(), nil); err != nil {
		t.Fatal(err)
	}
	<-sent
	stop()
	done.Wait()
	if got := w.drain(); got != "a ops ALARM" {
		t.Errorf("actions %s", got)
	}
}
