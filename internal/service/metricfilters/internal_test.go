package metricfilters

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

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
		if r := rounded(v, roundedBits); math.Abs(r-v) > math.Abs(v)/500 && v != 0 {
			t.Errorf("%v is rounded to %v", v, r)
		}
	}
}
