package metricfilters_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = int64(1_790_000_000_000)

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}
)

type world struct {
	*metricfilters.Service
	t       testing.TB
	groups  *groups.Service
	store   *store.Store
	ingest  *ingest.Service
	series  *series.DB
	dir     string
	fs      vfs.FS
	db      *catalog.DB
	now     time.Time
	strict  bool
	limit   int // of series; 0: the default
	metrics func(*series.DB) metricfilters.Metrics
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	w := &world{t: t, now: time.UnixMilli(start), dir: t.TempDir(), fs: vfs.NewMem(), strict: true}
	for _, c := range change {
		c(w)
	}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open() {
	w.t.Helper()
	clock := func() time.Time { return w.now }
	var err error
	w.db, err = catalog.Open(ctx, filepath.Join(w.dir, "catalog.db"), catalog.Options{Now: clock})
	w.must(err)
	w.store, err = store.Open(ctx, store.Options{FS: w.fs, Dir: "data", Manifest: w.db, Now: clock, Memory: 16 << 20})
	w.must(err)
	w.groups, err = groups.New(groups.Options{Catalog: w.db, Store: w.store, Now: clock})
	w.must(err)
	w.ingest = ingest.New(ingest.Options{Directory: w.groups, Store: w.store, Now: clock})
	w.series, err = series.Open(ctx, series.Options{FS: w.fs, Dir: "series", Now: clock, Manual: true, MaxSeries: w.limit})
	w.must(err)
	var metrics metricfilters.Metrics = w.series
	if w.metrics != nil {
		metrics = w.metrics(w.series)
	}
	w.Service, err = metricfilters.New(ctx, metricfilters.Options{
		Catalog: w.db, Directory: w.groups, Feed: w.store, Metrics: metrics, Strict: w.strict, Now: clock,
	})
	w.must(err)
}

func (w *world) close() {
	w.t.Helper()
	if err := errors.Join(w.store.Close(), w.series.Close(), w.db.Close()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) group(name string) {
	w.t.Helper()
	w.must(w.groups.Create(ctx, scope, groups.CreateRequest{Name: name}))
}

func spec(name, pattern, value string) metricfilters.Spec {
	return metricfilters.Spec{Name: name, Pattern: pattern, Transformation: metricfilters.Transformation{Namespace: "App", Name: name, Value: value}}
}

func (w *world) put(group string, s metricfilters.Spec) {
	w.t.Helper()
	if err := w.Put(ctx, scope, group, s); err != nil {
		w.t.Fatalf("put %s: %v", s.Name, err)
	}
}

// names are what Describe lists, as group/name.
func (w *world) names(r metricfilters.DescribeRequest) (names []string) {
	w.t.Helper()
	for {
		page, err := w.Describe(ctx, scope, r)
		w.must(err)
		for _, f := range page.Filters {
			names = append(names, f.Group+"/"+f.Name)
		}
		if page.Next == "" {
			return names
		}
		r.Token = &page.Next
	}
}

func (w *world) count(group string) int {
	w.t.Helper()
	g, err := w.groups.Resolve(ctx, scope, group)
	w.must(err)
	n, err := w.Count(ctx, g.ID)
	w.must(err)
	return n
}

func TestFiltersAreKept(t *testing.T) {
	w := newWorld(t)
	w.group("a")
	w.group("b")
	full := spec("full", `{ $.latency = * && $.path = * }`, "$.latency")
	full.Transformation.Dimensions = map[string]string{"Path": "$.path"}
	full.Transformation.Unit = "Milliseconds"
	full.Criteria = `@aws.region = "eu-west-1"`
	full.System = []string{"@aws.region"}
	w.put("a", full)
	w.put("a", spec("Count", "ERROR", "1"))
	w.put("b", spec("Count", "", "0.5"))
	w.now = w.now.Add(time.Minute)
	w.put("a", spec("Count", "WARN", "2")) // replaces

	check := func() {
		t.Helper()
		same := func(what string, got []string, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		same("all", w.names(metricfilters.DescribeRequest{}), "a/Count", "b/Count", "a/full")
		same("all by one", w.names(metricfilters.DescribeRequest{Limit: 1}), "a/Count", "b/Count", "a/full")
		same("prefix without a group", w.names(metricfilters.DescribeRequest{Prefix: "f"}), "a/Count", "b/Count", "a/full")
		same("group", w.names(metricfilters.DescribeRequest{Group: "a"}), "a/Count", "a/full")
		same("prefix", w.names(metricfilters.DescribeRequest{Group: "a", Prefix: "f"}), "a/full")
		same("metric", w.names(metricfilters.DescribeRequest{Metric: &metricfilters.Metric{Namespace: "App", Name: "Count"}, Limit: 1}), "a/Count", "b/Count")
		page, err := w.Describe(ctx, scope, metricfilters.DescribeRequest{Group: "a"})
		w.must(err)
		want := []metricfilters.Filter{
			{Spec: spec("Count", "WARN", "2"), Group: "a", CreatedMS: start},
			{Spec: full, Group: "a", CreatedMS: start},
		}
		want[0].Transformation.Name = "Count"
		if d := cmp.Diff(want, page.Filters); d != "" {
			t.Errorf("filters (-want +got):\n%s", d)
		}
		if a, b := w.count("a"), w.count("b"); a != 2 || b != 1 {
			t.Errorf("counts %d and %d, want 2 and 1", a, b)
		}
	}
	check()
	w.close()
	w.open()
	check()

	w.must(w.Delete(ctx, scope, "a", "Count"))
	if err := w.Delete(ctx, scope, "a", "Count"); !errors.Is(err, metricfilters.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if n := w.count("a"); n != 1 {
		t.Errorf("%d filters after the deletion, want 1", n)
	}
	w.must(w.groups.Delete(ctx, scope, "a"))
	w.group("a")
	if n := w.count("a"); n != 0 {
		t.Errorf("the new group of the name has %d filters", n)
	}
	if got := w.names(metricfilters.DescribeRequest{}); strings.Join(got, " ") != "b/Count" {
		t.Errorf("filters after the group was deleted: %v", got)
	}
}

func TestRefusedFilters(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	w.must(w.groups.Create(ctx, scope, groups.CreateRequest{Name: "ia", Class: groups.ClassInfrequentAccess}))
	refused := func(want string, pattern, value string, change ...func(*metricfilters.Spec)) {
		t.Helper()
		s := spec("f", pattern, value)
		for _, c := range change {
			c(&s)
		}
		err := w.Put(ctx, scope, "g", s)
		var e *metricfilters.ParameterError
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s, %s: got %v, want %s", pattern, value, err, want)
		}
	}
	dims := func(kv ...string) func(*metricfilters.Spec) {
		return func(s *metricfilters.Spec) {
			s.Transformation.Dimensions = map[string]string{}
			for i := 0; i < len(kv); i += 2 {
				s.Transformation.Dimensions[kv[i]] = kv[i+1]
			}
		}
	}
	const badValue = "Invalid metric transformation: metric value must be a number or a valid selector"
	refused("Invalid metric filter pattern", "{ $.status = }", "1")
	refused("Invalid metric filter pattern", "a=b", "1")
	refused("Metric namespaces starting with AWS/ are reserved for AWS.", "", "1", func(s *metricfilters.Spec) { s.Transformation.Namespace = "AWS/Logs" })
	refused("Invalid metric transformation: metric name must not be empty", "", "1", func(s *metricfilters.Spec) { s.Transformation.Name = " " })
	refused("Invalid metric transformation: metric namespace must not be empty", "", "1", func(s *metricfilters.Spec) { s.Transformation.Namespace = "" })
	for _, bad := range []string{"a\x00b", "\x00", "a\xff", strings.Repeat("x", 4097)} {
		for _, change := range []func(*metricfilters.Transformation){
			func(t *metricfilters.Transformation) { t.Name = bad },
			func(t *metricfilters.Transformation) { t.Namespace = bad },
			func(t *metricfilters.Transformation) { t.Unit = bad },
		} {
			refused("Invalid metric transformation: metric namespace, name and unit must be text without null characters, of at most 4096 bytes", "", "1",
				func(s *metricfilters.Spec) { change(&s.Transformation) })
		}
	}
	for _, v := range []string{"", "one", "NaN", "Inf", "0x1p4", "1_000", "1e400", "1e200", "$", "$.", "$.*", "$.a[*]", "$.a b", "$size", "$.a.", "$[x]"} {
		refused(badValue, "{ $.a = * }", v)
	}
	for _, v := range []string{"$", "$none", "$.size", "$0", "$3", "$-1", "$99999999999999999999"} {
		refused(badValue, "[a, size]", v)
	}
	refused(badValue, "ERROR", "$.a")
	refused(badValue, "", "$1")
	refused("Invalid metric transformation: dimensions and default value are mutually exclusive properties", "{ $.a = * }", "1",
		dims("A", "$.a"), func(s *metricfilters.Spec) { s.Transformation.Default = new(float64) })
	refused("The specified filter pattern does not support dimensions", "ERROR", "1", dims("A", "$.a"))
	refused("The specified filter pattern does not support dimensions", "%x%", "1", dims("A", "$.a"))
	const selector = "Invalid metric transformation: dimension value must be valid selector"
	refused(selector, "{ $.a = * }", "1", dims("A", "a"))
	refused(selector, "{ $.a = * }", "1", dims("A", "$.b"))
	refused(selector, "[a, b]", "1", dims("A", "$c"))
	refused("Invalid metric transformation: a metric can have at most 3 dimensions", "[a, b]", "1", dims("A", "$a", "B", "$b", "C", "$1", "D", "$2"))
	refused("Invalid metric transformation: a metric can have at most 3 dimensions", "[a, b]", "1", dims("A", "$a", "B", "$b"),
		func(s *metricfilters.Spec) { s.System = []string{"@aws.account", "@aws.region"} })
	const name = "Invalid metric transformation: dimension name must be 1 to 255 ASCII characters, at least one of them no blank, and not begin with a colon"
	for _, n := range []string{"", " ", ":a", "ä", "a\n", strings.Repeat("x", 256)} {
		refused(name, "[a]", "1", dims(n, "$a"))
	}
	const system = "Invalid metric transformation: emitSystemFieldDimensions can name @aws.account and @aws.region, each once"
	for _, f := range [][]string{{"@message"}, {"@aws.region", "@aws.region"}} {
		refused(system, "", "1", func(s *metricfilters.Spec) { s.System = f })
	}
	refused("The provided field selection criteria is invalid", "", "1", func(s *metricfilters.Spec) { s.Criteria = "@aws.region" })

	check := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
	}
	yes := true
	s := spec("f", "", "1")
	s.Transformed = &yes
	check("transformed", w.Put(ctx, scope, "g", s), metricfilters.ErrTransformer)
	check("group", w.Put(ctx, scope, "none", spec("f", "", "1")), groups.ErrGroupNotFound)
	check("class", w.Put(ctx, scope, "ia", spec("f", "", "1")), metricfilters.ErrClass)
	check("delete of a group", w.Delete(ctx, scope, "none", "f"), groups.ErrGroupNotFound)
	check("delete of a class", w.Delete(ctx, scope, "ia", "f"), metricfilters.ErrClass)
	_, err := w.Describe(ctx, scope, metricfilters.DescribeRequest{Group: "ia"})
	check("describe of a class", err, metricfilters.ErrClass)
	_, err = w.Describe(ctx, scope, metricfilters.DescribeRequest{Token: new(string)})
	check("token", err, metricfilters.ErrBadToken)
	if got := w.names(metricfilters.DescribeRequest{}); got != nil {
		t.Errorf("refused filters are there: %v", got)
	}
	if err := w.Put(ctx, scope, "g", spec("f", "[a, b, ...]", "$7")); err != nil {
		t.Errorf("a token by its number: %v", err)
	}
}

func TestQuotas(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	for i := range 5 {
		w.put("g", spec(fmt.Sprint("regexp", i), "%x+%", "1"))
	}
	w.put("g", spec("regexp4", "{ $.a = %y% }", "1"))
	if err := w.Put(ctx, scope, "g", spec("regexp5", "[a = %x%]", "1")); !errors.Is(err, metricfilters.ErrTooMany) {
		t.Errorf("sixth filter with a regular expression: %v", err)
	}
	for i := range 95 {
		w.put("g", spec(fmt.Sprint("f", i), "x", "1"))
	}
	w.put("g", spec("f0", "y", "1"))
	if err := w.Put(ctx, scope, "g", spec("more", "x", "1")); !errors.Is(err, metricfilters.ErrTooMany) {
		t.Errorf("filter 101: %v", err)
	}
	if n := len(w.names(metricfilters.DescribeRequest{Group: "g"})); n != 100 {
		t.Errorf("%d filters, want 100", n)
	}

	w = newWorld(t, func(w *world) { w.strict = false })
	w.group("g")
	for i := range 101 {
		w.put("g", spec(fmt.Sprint("f", i), "%x%", "1"))
	}
}
