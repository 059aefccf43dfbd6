package alarms_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/actions"
	"github.com/cumulog/cumulog/internal/service/alarms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = int64(1_790_000_040_000) // 2026-09-21T14:14:00Z

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}
)

const (
	topic    = "arn:aws:sns:eu-west-1:123456789012:ops"
	calm     = "arn:aws:sns:eu-west-1:123456789012:calm"
	function = "arn:aws:lambda:eu-west-1:123456789012:function:f"
)

// world is a Service over a catalog, with a clock that tests set.
type world struct {
	*alarms.Service
	t      testing.TB
	db     *catalog.DB
	path   string
	now    time.Time
	points *points

	accepted, counted uint64 // progress of metrics
	asked             func() // when set: called when the service asks for the time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.UnixMilli(start), path: filepath.Join(t.TempDir(), "catalog.db"), points: &points{}}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	clock := func() time.Time {
		if w.asked != nil {
			w.asked()
		}
		return w.now
	}
	var err error
	if w.db, err = catalog.Open(ctx, w.path, catalog.Options{Now: clock}); err != nil {
		w.t.Fatal(err)
	}
	if w.Service, err = alarms.New(ctx, alarms.Options{Catalog: w.db, Metrics: w.points, Now: clock, Progress: func() (uint64, uint64) { return w.accepted, w.counted }}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

// restart closes the catalog and opens it again.
func (w *world) restart() {
	w.t.Helper()
	w.close()
	w.open()
}

// simple is an alarm on a metric with all actions.
func simple() alarms.Config {
	return alarms.Config{
		Description: "d", ActionsEnabled: true, OKActions: []string{calm}, AlarmActions: []string{topic}, InsufficientActions: []string{function},
		Metric: &alarms.MetricSpec{
			Namespace: "app", MetricName: "errors", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: 5, Comparison: "GreaterThanThreshold",
			Dimensions: []alarms.Dimension{{Name: "host", Value: "a"}},
		},
	}
}

func composite(rule string) alarms.Config {
	return alarms.Config{ActionsEnabled: true, OKActions: []string{calm}, AlarmActions: []string{topic}, Composite: &alarms.CompositeSpec{Rule: rule}}
}

func (w *world) put(name string, c alarms.Config) {
	w.t.Helper()
	if err := w.Put(ctx, scope, name, c, nil); err != nil {
		w.t.Fatalf("put %s: %v", name, err)
	}
}

// refused expects a *ParameterError with a text in it.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if e, ok := errors.AsType[*alarms.ParameterError](err); !ok || !strings.Contains(e.Message, want) {
		t.Errorf("got %v, want a parameter error with %q", err, want)
	}
}

// alarm returns an alarm.
func (w *world) alarm(name string) *alarms.Alarm {
	w.t.Helper()
	p, err := w.Describe(ctx, scope, alarms.DescribeRequest{Names: []string{name}, Types: []string{alarms.TypeMetric, alarms.TypeComposite}})
	if err != nil || len(p.Alarms) != 1 {
		w.t.Fatalf("describe %s: %d alarms, %v", name, len(p.Alarms), err)
	}
	return p.Alarms[0]
}

// outbox returns what is to be done.
func (w *world) outbox() []actions.Request {
	w.t.Helper()
	messages, err := w.db.Outbox(ctx, actions.Kind, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	out := make([]actions.Request, len(messages))
	for i, m := range messages {
		if err := json.Unmarshal(m.Body, &out[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// drain empties the outbox and returns "target state" of each message, in order.
func (w *world) drain() string {
	w.t.Helper()
	messages, err := w.db.Outbox(ctx, actions.Kind, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	var c catalog.Changes
	for _, m := range messages {
		var r actions.Request
		if err := json.Unmarshal(m.Body, &r); err != nil {
			w.t.Fatal(err)
		}
		state, _, _ := strings.Cut(r.Subject, ":")
		out = append(out, r.Owner+" "+r.Target[strings.LastIndexByte(r.Target, ':')+1:]+" "+state)
		c.Sent = append(c.Sent, m.Seq)
	}
	if err := w.db.Apply(ctx, c); err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

// points are metrics by their name.
type points struct {
	values map[string]map[int64]float64 // by start of the window
	counts map[string]map[int64]float64
	err    error
	calls  int
	asked  func() // when set: called for each request
}

func (p *points) Check(_ context.Context, _ logs.Scope, queries []alarms.Query) error {
	for _, q := range queries {
		if strings.Contains(q.Expression, "BAD") {
			return errors.New("Invalid metrics list: unknown function BAD")
		}
	}
	return nil
}

func (p *points) Datapoints(_ context.Context, _ logs.Scope, queries []alarms.Query, period, start, end int64) ([]alarms.Datapoint, error) {
	p.calls++
	if p.asked != nil {
		p.asked()
	}
	if p.err != nil {
		return nil, p.err
	}
	var out []alarms.Datapoint
	for _, q := range queries {
		if !q.ReturnData {
			continue
		}
		from := p.values
		name := q.Expression
		if q.Stat != nil {
			if name = q.Stat.MetricName; q.Stat.Stat == "SampleCount" {
				from = p.counts
			}
		}
		for at := start; at < end; at += period * 1000 {
			if v, ok := from[name][at]; ok {
				out = append(out, alarms.Datapoint{StartMS: at, Value: v})
			}
		}
	}
	return out, nil
}

func (w *world) tick() {
	w.t.Helper()
	if err := w.Tick(ctx); err != nil {
		w.t.Fatal(err)
	}
}
