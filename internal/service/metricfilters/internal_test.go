package metricfilters

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

func FuzzEMF(f *testing.F) {
	f.Add([]byte(`{"_aws":{"Timestamp":1000,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["D","E"],[]],"Metrics":[{"Name":"M","Unit":"Count","StorageResolution":1}]}]},"D":"d","E":"\u00e9","M":[1,2.5]}`))
	f.Add([]byte(`{"_aws":{"Timestamp":1000,"CloudWatchMetrics":[{}]}}`))
	f.Add([]byte(`{"_aws":{"Timestamp":`))
	f.Fuzz(func(t *testing.T, m []byte) {
		var r emfReader
		if !mayBeEMF(m) {
			return
		}
		if r.read(m, 1000) != emfMetrics {
			return
		}
		for _, d := range r.directives {
			for _, s := range r.sets[d.sets[0]:d.sets[1]] {
				dims := r.dims[s[0]:s[1]]
				for i := range dims {
					if i > 0 && string(dims[i-1].name) >= string(dims[i].name) || len(dims[i].value) == 0 {
						t.Errorf("dimensions %q", dims)
					}
				}
			}
			for _, e := range r.metrics[d.metrics[0]:d.metrics[1]] {
				for _, v := range r.values[e.values[0]:e.values[1]] {
					if math.IsNaN(v) || math.Abs(v) > maxValue {
						t.Errorf("value %v", v)
					}
				}
			}
		}
	})
}

func FuzzCriteria(f *testing.F) {
	f.Add(`@aws.account = "1" AND @aws.region NOT IN ["a", "b"] OR @aws.region != "c"`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCriteria(text)
		if err == nil {
			c.Selects(logs.Scope{Account: "1", Region: "a"})
		}
	})
}

func TestCriteria(t *testing.T) {
	scope := logs.Scope{Account: "111122223333", Region: "eu-west-1"}
	for text, want := range map[string]bool{
		`@aws.account = "111122223333"`:                                                    true,
		`@aws.account="111122223333"`:                                                      true,
		`@aws.account != "111122223333"`:                                                   false,
		`@aws.region IN ["us-east-1", "eu-west-1"]`:                                        true,
		` @aws.region NOT IN["us-east-1","eu-west-1"] `:                                    false,
		`@aws.region = "x" AND @aws.region = "eu-west-1" OR @aws.account = "111122223333"`: true,
		`@aws.account = "111122223333" OR @aws.region = "x" AND @aws.region = "eu-west-1"`: true,
		`@aws.account = "1" OR @aws.region = "x" AND @aws.region = "eu-west-1"`:            false,
	} {
		c, err := ParseCriteria(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Selects(scope); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	many := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf("%q", fmt.Sprint(i)))
		}
		return "@aws.region IN [" + strings.Join(list, ",") + "]"
	}
	if _, err := ParseCriteria(many(maxCriteriaValues)); err != nil {
		t.Errorf("%d values: %v", maxCriteriaValues, err)
	}
	for _, text := range []string{
		"", "@aws.region", "@aws.region =", "@aws.region = x", `@aws.region = ""`, `@aws.region = "x" AND`, `@aws.region = "x" OR`, `@aws.region = "x" "y"`,
		`@aws.region IN "x"`, `@aws.region IN []`, `@aws.region IN ["x",]`, `@aws.region IN ["x"`, `@aws.region NOT "x"`, `@aws.region NOT = "x"`, `@aws.regions = "x"`,
		`@message = "x"`, `(@aws.region = "x")`, `@aws.region = "x" and @aws.region = "y"`, `@aws.region < "x"`, `@aws.region = "x`, `@aws.region = "x" ANDY @aws.region = "y"`,
		`@aws.region = "a\"b"`, many(maxCriteriaValues + 1),
	} {
		if _, err := ParseCriteria(text); err == nil {
			t.Errorf("%.60s is accepted", text)
		}
	}
}

func TestBucketsBoundTheirValues(t *testing.T) {
	c := &consumer{}
	x := &target{}
	g := rand.New(rand.NewPCG(1, 2))
	sum, n := 0.0, 0
	for range 50_000 {
		v := math.Exp(g.NormFloat64() * 3)
		c.put(x, 60_000, v, 1)
		sum, n = sum+v, n+1
	}
	c.collect()
	p := c.points[0]
	if len(c.points) != 1 || len(p.Values) > 8*maxBucketValues {
		t.Fatalf("%d points, %d values", len(c.points), len(p.Values))
	}
	got, count := 0.0, 0.0
	for i, v := range p.Values {
		got, count = got+v*p.Counts[i], count+p.Counts[i]
		if v < p.Min || v > p.Max {
			t.Fatalf("value %v is outside of [%v, %v]", v, p.Min, p.Max)
		}
	}
	if p.Sum != sum || count != float64(n) || p.Count != float64(n) || math.Abs(got-sum) > sum/100 {
		t.Errorf("sum %v, of the values %v; want %v; count %v, of the values %v; want %d", p.Sum, got, sum, p.Count, count, n)
	}
	for _, v := range []float64{0, -0.1, 1e-300, 1.5, -7} {
		if r := rounded(v, roundedBits); math.Abs(r-v) > math.Abs(v)/500 {
			t.Errorf("%v is rounded to %v", v, r)
		}
	}
}

func TestBucketsFoldEqualValues(t *testing.T) {
	c := &consumer{}
	x := &target{}
	for i := range 10_000 {
		c.put(x, 60_000, float64(i%exactValues)+0.1, 1)
	}
	c.collect()
	p := c.points[0]
	if len(p.Values) > 2*exactValues {
		t.Errorf("%d values", len(p.Values))
	}
	counts := map[float64]float64{}
	for i, v := range p.Values {
		counts[v] += p.Counts[i]
	}
	for i := range exactValues {
		if n, want := counts[float64(i)+0.1], float64((10_000-i+exactValues-1)/exactValues); n != want {
			t.Fatalf("%v occurs %v times, want %v", float64(i)+0.1, n, want)
		}
	}
	for n := range allBits + 1 {
		for i := range 10 {
			if v := math.Ldexp(1, i); rounded(v, n) != v || rounded(-v, n) != -v || rounded(0, n) != 0 {
				t.Errorf("%v is rounded to %v with %d bits", v, rounded(v, n), n)
			}
		}
	}
	for i := range 512 {
		if v := rounded(float64(i), roundedBits); v != float64(i) {
			t.Errorf("%d is rounded to %v", i, v)
		}
	}
}

// newTestConsumer returns a consumer of nothing that has the group of a set of filters in hand.
func newTestConsumer(t *testing.T, now time.Time, specs ...Spec) *consumer {
	t.Helper()
	s := &Service{o: Options{Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}}
	c := &s.consumer
	c.s, c.groups, c.targets, c.onMatch, c.lsn = s, map[logs.GroupID]*work{}, map[string]*target{}, c.matched, 1
	scope := logs.Scope{Account: "1", Region: "r"}
	f := &groupFilters{live: map[string]*version{}}
	for i := range specs {
		compiled, err := compile(&specs[i])
		if err != nil {
			t.Fatal(err)
		}
		f.live[fmt.Sprint(i)] = &version{record: record{Spec: specs[i]}, compiled: compiled, id: 1, scope: scope}
	}
	c.w = &work{id: 1, scope: scope, standard: true, name: "g"}
	c.groups[1] = c.w
	c.w.use(c, f)
	return c
}

func dimensionedSpec(name string) Spec {
	return Spec{Pattern: "[a, b]", Transformation: Transformation{
		Namespace: "N", Name: name, Value: "1", Dimensions: map[string]string{"A": "$a", "B": "$b"},
	}}
}

func TestCombinationsAreBounded(t *testing.T) {
	c := newTestConsumer(t, time.UnixMilli(1_790_000_000_000), dimensionedSpec("x"), dimensionedSpec("y"), dimensionedSpec("z"))
	kept := func() (n, pairs int) {
		for _, k := range c.w.counters {
			n += len(k.byDims)
			pairs += len(k.pairs)
		}
		if n != c.combinations {
			t.Errorf("%d combinations are noted, there are %d", c.combinations, n)
		}
		return n, pairs
	}
	const side = 140
	for i := range side * side {
		c.w.set.Match(fmt.Appendf(nil, "%d %d", i/side, i%side), c.onMatch)
	}
	if n, _ := kept(); n != 3*side*side {
		t.Fatalf("%d combinations are kept", n)
	}
	c.bound()
	if n, pairs := kept(); n != 0 || pairs != 3*2*side {
		t.Errorf("%d combinations and %d pairs are left", n, pairs)
	}
	c.w.set.Match([]byte("1 1"), c.onMatch)
	c.bound()
	if n, _ := kept(); n != 3 {
		t.Errorf("%d combinations of an event", n)
	}
	c.w.use(c, nil) // all filters are deleted
	if n, _ := kept(); n != 0 {
		t.Errorf("%d combinations of no filters", n)
	}
}

func TestOneEventMakesTooMuch(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_000)
	c := newTestConsumer(t, now, Spec{Transformation: Transformation{Namespace: "N", Name: "x", Value: "1"}})
	event := fmt.Appendf(nil, `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"E","Dimensions":[],"Metrics":[{"Name":"M"},{"Name":"M"}]}]},"M":1}`, now.UnixMilli())
	try := func(size int, made int, dropped int64) {
		t.Helper()
		c.size, c.s.consumer.stats.Dropped = size, 0
		c.w.set.Match(event, c.onMatch)
		c.embedded(event, now.UnixMilli())
		c.collect()
		if len(c.points) != made || c.stats.Dropped != dropped {
			t.Errorf("size %d: %d points, %d dropped; want %d and %d", size, len(c.points), c.stats.Dropped, made, dropped)
		}
		c.forget()
	}
	try(0, 2, 0)
	try(maxPass, 1, 2) // there is room for the filter, and none for the metrics of the event
	try(maxPass+1, 0, 3)
}

func TestGroupsArePrunedTogether(t *testing.T) {
	const n = 2_000
	old := &table{groups: map[logs.GroupID]*groupFilters{}}
	var gone []logs.GroupID
	for i := range logs.GroupID(n) {
		v := &version{record: record{Until: uint64(i)}}
		old.set(i, &groupFilters{live: map[string]*version{"f": v}, ended: []*version{v, v}})
		if i%2 == 0 {
			gone = append(gone, i)
		}
	}
	next, removed := old.prune(gone, func(v *version) bool { return v.Until < 11 })
	if len(next.groups) != n/2 || next.ended != n-10 || len(removed) != 10 || next.groups[1].ended != nil || len(next.groups[1].live) != 1 {
		t.Errorf("%d groups, %d ended versions, %d removed", len(next.groups), next.ended, len(removed))
	}
	if len(old.groups) != n || old.ended != 2*n || len(old.groups[1].ended) != 2 {
		t.Errorf("the table changed: %d groups, %d ended versions", len(old.groups), old.ended)
	}
	// A copy of the table per group would be several allocations per group.
	if a := testing.AllocsPerRun(1, func() { old.prune(gone, func(*version) bool { return false }) }); a > n {
		t.Errorf("%v allocations for %d groups", a, len(gone))
	}
}
