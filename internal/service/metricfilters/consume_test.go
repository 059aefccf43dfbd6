package metricfilters_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// event is a message and how many seconds ago it happened.
type event struct {
	ago     int
	message string
}

// send appends events, which are in the order of time, to the stream s of a group.
func (w *world) send(group string, events ...event) {
	w.t.Helper()
	var b ingest.Batch
	for _, e := range events {
		b.Append(w.now.Add(-time.Duration(e.ago)*time.Second).UnixMilli(), []byte(e.message))
	}
	if err := w.groups.CreateStream(ctx, scope, group, "s"); err != nil && !errors.Is(err, groups.ErrStreamExists) {
		w.t.Fatal(err)
	}
	res, err := w.ingest.Put(ctx, scope, group, "s", b)
	w.must(err)
	if res.Rejected != nil {
		w.t.Fatalf("rejected events: %+v", res.Rejected)
	}
}

func (w *world) say(group string, messages ...string) {
	w.t.Helper()
	var events []event
	for _, m := range messages {
		events = append(events, event{0, m})
	}
	w.send(group, events...)
}

// consume makes datapoints of all that there is.
func (w *world) consume() {
	w.t.Helper()
	for {
		more, err := w.Step(ctx)
		w.must(err)
		if !more {
			return
		}
	}
}

// data describes the datapoints of a metric of the last day by minute, as
// "minutes ago: count sum [least, greatest]".
func (w *world) data(namespace, name string, dims ...string) string {
	w.t.Helper()
	return w.dataOf(time.Minute, namespace, name, dims...)
}

func (w *world) dataOf(period time.Duration, namespace, name string, dims ...string) string {
	w.t.Helper()
	m := series.Metric{Scope: scope, Namespace: namespace, Name: name}
	for i := 0; i < len(dims); i += 2 {
		m.Dimensions = append(m.Dimensions, series.Dimension{Name: dims[i], Value: dims[i+1]})
	}
	ms := w.now.UnixMilli()
	now := ms - ms%period.Milliseconds()
	from := now - 3*time.Hour.Milliseconds()
	if period >= time.Minute {
		from = now - 24*time.Hour.Milliseconds()
	}
	buckets, err := w.series.Read(ctx, m, "", period, from, now+time.Hour.Milliseconds())
	w.must(err)
	var out []string
	for _, b := range buckets {
		out = append(out, fmt.Sprintf("%d: %g %g [%g, %g]", (now-b.Start)/period.Milliseconds(), b.Count, b.Sum, b.Min, b.Max))
	}
	return strings.Join(out, "; ")
}

func (w *world) want(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestFiltersCount(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	w.group("other")
	w.say("g", "ERROR before the filter was put")
	w.put("g", spec("errors", "ERROR", "1"))
	w.put("g", spec("half", "?ERROR ?WARN", "0.5"))
	w.put("g", spec("all", "", "-2"))
	w.put("g", spec("ms", "{ $.ms = * }", "$.ms"))
	w.put("g", spec("size", "[..., size]", "$size"))
	w.say("other", "ERROR elsewhere")
	w.send("g", event{7200, "ERROR of two hours ago"}, event{61, "a WARN 3"}, event{1, "an ERROR 4"}, event{1, `{"ms":12.5}`}, event{0, `{"ms":"7"}`}, event{0, `{"ms":"x"}`}, event{0, `{"ms":null,"a":[1]}`})
	w.consume()
	w.want("errors", w.data("App", "errors"), "120: 1 1 [1, 1]; 0: 1 1 [1, 1]")
	w.want("half", w.data("App", "half"), "120: 1 0.5 [0.5, 0.5]; 1: 1 0.5 [0.5, 0.5]; 0: 1 0.5 [0.5, 0.5]")
	w.want("all", w.data("App", "all"), "120: 1 -2 [-2, -2]; 1: 1 -2 [-2, -2]; 0: 5 -10 [-2, -2]")
	w.want("ms", w.data("App", "ms"), "0: 2 19.5 [7, 12.5]")
	w.want("size", w.data("App", "size"), "1: 1 3 [3, 3]; 0: 1 4 [4, 4]")
	w.want("bytes", w.data("AWS/Logs", "IncomingBytes", "LogGroupName", "g"), "0: 2 121 [31, 90]")
	w.want("events", w.data("AWS/Logs", "IncomingLogEvents", "LogGroupName", "g"), "0: 2 8 [1, 7]")
	w.want("events of all groups", w.data("AWS/Logs", "IncomingLogEvents"), "0: 3 9 [1, 7]")

	// Nothing is counted twice, and the position survives.
	w.consume()
	w.close()
	w.open()
	w.consume()
	w.want("errors again", w.data("App", "errors"), "120: 1 1 [1, 1]; 0: 1 1 [1, 1]")
	w.say("g", "ERROR")
	w.close()
	w.open()
	w.consume()
	w.want("errors after a restart", w.data("App", "errors"), "120: 1 1 [1, 1]; 0: 2 2 [1, 1]")
}

func TestDimensionsOfFilters(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	s := spec("ms", `{ $.ms = * && $.path = * }`, "$.ms")
	s.Transformation.Dimensions = map[string]string{"Z": "$.path", "Milli": "$.ms"}
	s.Transformation.Unit = "Milliseconds"
	s.System = []string{"@aws.region"}
	w.put("g", s)
	s = spec("status", "[ip, status, ...]", "1")
	s.Transformation.Dimensions = map[string]string{"Status": "$status"}
	w.put("g", s)
	s = spec("elsewhere", "", "1")
	s.Criteria = `@aws.region != "eu-west-1"`
	w.put("g", s)
	s = spec("here", "", "1")
	s.Criteria = `@aws.region IN ["us-east-1", "eu-west-1"] AND @aws.account = "123456789012"`
	w.put("g", s)
	long := strings.Repeat("é", 1024)
	w.say("g", `{"ms":1,"path":"/a"}`, `{"ms":1,"path":"/\u0061"}`, `{"ms":2,"path":"/a"}`, `{"ms":3,"path":""}`, `{"ms":3,"path":"a\u0000"}`, `{"ms":4,"path":true}`,
		`{"ms":5,"path":"`+long+`"}`, `{"ms":5,"path":"`+long+`x"}`, "1.1.1.1 404", "1.1.1.2 404", "1.1.1.3 200 x", "1.1.1.4 \xff")
	w.consume()
	w.want("a, 1", w.data("App", "ms", "@aws.region", "eu-west-1", "Milli", "1", "Z", "/a"), "0: 2 2 [1, 1]")
	w.want("a, 2", w.data("App", "ms", "@aws.region", "eu-west-1", "Milli", "2", "Z", "/a"), "0: 1 2 [2, 2]")
	w.want("true", w.data("App", "ms", "@aws.region", "eu-west-1", "Milli", "4", "Z", "true"), "0: 1 4 [4, 4]")
	w.want("long", w.data("App", "ms", "@aws.region", "eu-west-1", "Milli", "5", "Z", long), "0: 1 5 [5, 5]")
	w.want("404", w.data("App", "status", "Status", "404"), "0: 2 2 [1, 1]")
	w.want("200", w.data("App", "status", "Status", "200"), "0: 1 1 [1, 1]")
	w.want("bytes that are no text", w.data("App", "status", "Status", "\uFFFD"), "0: 1 1 [1, 1]")
	w.want("criteria that do not hold", w.data("App", "elsewhere"), "")
	w.want("criteria that hold", w.data("App", "here"), "0: 12 12 [1, 1]")
	metrics, _ := w.series.List(series.ListQuery{Scope: scope, Namespace: "App", Name: "ms", Limit: 100})
	if len(metrics) != 4 {
		t.Errorf("there are %d combinations of dimensions: %v", len(metrics), metrics)
	}
}

func TestChangesCountFromThen(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	w.put("g", spec("n", "a", "1"))
	w.say("g", "a", "b")
	w.put("g", spec("n", "b", "10")) // the consumer has not seen a and b yet
	w.say("g", "a", "b")
	w.put("g", spec("n", "a", "100"))
	w.say("g", "a", "b")
	w.close() // versions that ended are still there
	w.open()
	w.say("g", "a")
	w.must(w.Delete(ctx, scope, "g", "n"))
	w.say("g", "a")
	w.consume()
	w.want("sum", w.data("App", "n"), "0: 4 211 [1, 100]")
	w.close()
	w.open()
	w.consume()
	w.want("sum again", w.data("App", "n"), "0: 4 211 [1, 100]")
	w.put("g", spec("n", "a", "1000"))
	w.consume()
	w.say("g", "a")
	w.put("g", spec("n", "a", "10000"))
	w.consume()
	w.want("after it was put again", w.data("App", "n"), "0: 5 1211 [1, 1000]")
	if d := cmp.Diff([]string{"g/n"}, w.names(metricfilters.DescribeRequest{})); d != "" {
		t.Errorf("filters (-want +got):\n%s", d)
	}

	w.say("g", "a")
	w.must(w.groups.Delete(ctx, scope, "g"))
	w.group("g")
	w.say("g", "a")
	w.consume()
	w.now = w.now.Add(time.Hour)
	w.consume()
	w.say("g", "a")
	w.consume()
	w.want("after the group was deleted", w.data("App", "n"), "60: 6 11211 [1, 10000]")
}

func TestDefaultValues(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	w.group("silent")
	zero := 0.0
	s := spec("errors", "ERROR", "1")
	s.Transformation.Default = &zero
	w.put("g", s)
	w.put("silent", func() metricfilters.Spec { s.Transformation.Name = "silent"; return s }())
	seven := 7.0
	s = spec("with account", "ERROR", "1")
	s.Transformation.Default, s.System = &seven, []string{"@aws.account"}
	w.put("g", s)
	w.now = w.now.Truncate(time.Minute).Add(30 * time.Second)
	w.send("g", event{180, "fine"}, event{0, "fine"})
	w.consume()
	w.want("before the minute is over", w.data("App", "errors"), "")
	w.now = w.now.Add(15 * time.Second)
	w.consume()
	w.want("a late minute", w.data("App", "errors"), "3: 1 0 [0, 0]")
	w.close() // what is outstanding is found again
	w.open()
	w.consume()
	w.want("after a restart", w.data("App", "errors"), "3: 1 0 [0, 0]")
	w.now = w.now.Add(30 * time.Second)
	w.say("g", "ERROR", "fine") // of the next minute
	w.consume()
	w.want("the minute is over", w.data("App", "errors"), "4: 1 0 [0, 0]; 1: 1 0 [0, 0]; 0: 1 1 [1, 1]")
	w.want("with a dimension", w.data("App", "with account", "@aws.account", "123456789012"), "4: 1 7 [7, 7]; 1: 1 7 [7, 7]; 0: 1 1 [1, 1]")
	w.now = w.now.Add(2 * time.Minute)
	w.consume()
	w.send("g", event{300, "fine"}, event{180, "fine"}) // one of them in a minute that has a default value
	w.consume()
	w.now = w.now.Add(time.Minute)
	w.consume()
	w.want("late events", w.data("App", "errors"), "7: 1 0 [0, 0]; 6: 1 0 [0, 0]; 4: 1 0 [0, 0]; 3: 1 1 [1, 1]")
	w.want("a group without events", w.data("App", "silent"), "")
	w.close()
	w.open()
	w.now = w.now.Add(time.Hour)
	w.consume()
	w.want("at last", w.data("App", "errors"), "67: 1 0 [0, 0]; 66: 1 0 [0, 0]; 64: 1 0 [0, 0]; 63: 1 1 [1, 1]")
}

func TestTooManyDimensionValues(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	s := spec("users", "{ $.user = * }", "1")
	s.Transformation.Dimensions = map[string]string{"User": "$.user"}
	w.put("g", s)
	w.put("g", spec("n", "", "1"))
	users := func(from, to int) {
		t.Helper()
		var messages []string
		for i := from; i < to; i++ {
			messages = append(messages, fmt.Sprintf(`{"user":%d}`, i))
		}
		w.say("g", messages...)
		w.consume()
	}
	count := func() int {
		t.Helper()
		metrics, _ := w.series.List(series.ListQuery{Scope: scope, Namespace: "App", Name: "users", Limit: 5000})
		return len(metrics)
	}
	users(0, 1000)
	if n := count(); n != 1000 {
		t.Errorf("%d users, want 1000", n)
	}
	w.now = w.now.Add(time.Hour)
	users(500, 1500)
	if n := count(); n != 1500 {
		t.Errorf("%d users in two hours, want 1500", n)
	}
	users(1500, 1600)
	if n := count(); n != 1500 {
		t.Errorf("%d users after the limit, want 1500", n)
	}
	w.want("another filter", w.data("App", "n"), "60: 1000 1000 [1, 1]; 0: 1100 1100 [1, 1]")
	w.now = w.now.Add(time.Hour)
	users(1500, 1600)
	w.close()
	w.open()
	users(1500, 1600)
	if n := count(); n != 1500 {
		t.Errorf("%d users after it was disabled, want 1500", n)
	}
	if n := w.Stats().Disabled; n != 0 {
		t.Errorf("%d filters were disabled since the restart", n)
	}
	w.put("g", s) // makes it count again
	users(1500, 1600)
	if n := count(); n != 1600 {
		t.Errorf("%d users after it was put again, want 1600", n)
	}
}

// A hundred thousand values of a dimension, with a limit of series that is far below.
func TestTooManyMetrics(t *testing.T) {
	w := newWorld(t, func(w *world) { w.limit = 100 })
	w.group("g")
	w.put("g", spec("n", "", "1"))
	w.say("g", "x")
	w.consume()
	s := spec("users", "{ $.user = * }", "1")
	s.Transformation.Dimensions = map[string]string{"User": "$.user"}
	w.put("g", s)
	for i := range 20 {
		var messages []string
		for k := range 5000 {
			messages = append(messages, fmt.Sprintf(`{"user":%d}`, i*5000+k))
		}
		w.say("g", messages...)
	}
	w.consume()
	w.want("another filter", w.data("App", "n"), "0: 100001 100001 [1, 1]")
	w.want("events", w.data("AWS/Logs", "IncomingLogEvents"), "0: 21 100001 [1, 5000]")
	if st := w.Stats(); st.Dropped == 0 || st.Disabled != 1 || st.Behind != 0 {
		t.Errorf("stats %+v", st)
	}
}

// failing is a Metrics that fails now and then.
type failing struct {
	*series.DB
	calls *int
	fails func(call int) bool
}

func (f failing) Add(ctx context.Context, points []series.Point, reached map[string]uint64) error {
	*f.calls++
	if f.fails(*f.calls) {
		return errors.New("disk on fire")
	}
	return f.DB.Add(ctx, points, reached)
}

func TestMetricsThatFail(t *testing.T) {
	calls := 0
	w := newWorld(t, func(w *world) {
		w.metrics = func(db *series.DB) metricfilters.Metrics {
			return failing{db, &calls, func(n int) bool { return n > 1 && n%3 != 0 }}
		}
	})
	w.group("g")
	s := spec("n", "a", "1")
	zero := 0.0
	s.Transformation.Default = &zero
	w.put("g", s)
	failures := 0
	drain := func() {
		for {
			more, err := w.Step(ctx)
			if err != nil {
				failures++
			} else if !more {
				return
			}
		}
	}
	for i := range 10 {
		w.say("g", "a", "b")
		if i%2 == 0 {
			drain()
		} else if _, err := w.Step(ctx); err != nil {
			failures++
		}
		if i == 7 {
			w.close()
			w.open()
		}
	}
	drain()
	w.now = w.now.Add(time.Minute)
	w.say("g", "b")
	w.now = w.now.Add(2 * time.Minute)
	drain()
	w.now = w.now.Add(time.Minute)
	drain()
	w.want("sum", w.data("App", "n"), "4: 10 10 [1, 1]; 3: 1 0 [0, 0]")
	if failures < 5 {
		t.Errorf("only %d failures: the test shows little", failures)
	}
}

// telling is a Metrics that tells of each addition.
type telling struct {
	*series.DB
	added chan struct{}
}

func (m telling) Add(ctx context.Context, points []series.Point, reached map[string]uint64) error {
	err := m.DB.Add(ctx, points, reached)
	if len(points) > 0 {
		m.added <- struct{}{}
	}
	return err
}

func TestRunConsumesAndEnds(t *testing.T) {
	added := make(chan struct{}, 100)
	w := newWorld(t, func(w *world) {
		w.metrics = func(db *series.DB) metricfilters.Metrics { return telling{db, added} }
	})
	w.group("g")
	w.put("g", spec("n", "", "1"))
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(run)
	}()
	w.say("g", "a", "b")
	<-added
	stop()
	<-done
	w.want("sum", w.data("App", "n"), "0: 2 2 [1, 1]")
}
