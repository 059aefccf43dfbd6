package sqlexpr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func numbers(x ...float64) []plan.Value {
	v := make([]plan.Value, len(x))
	for i, f := range x {
		v[i] = plan.NumberValue(f)
	}
	return v
}

func all(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func TestAggregatesInMemory(t *testing.T) {
	check := func(want, fn string, p float64, cols ...[]plan.Value) {
		t.Helper()
		n := 0
		if len(cols) > 0 {
			n = len(cols[0])
		}
		v := compute(fn, cols, p, all(n))
		got := string(v.AppendText(nil))
		if v.Kind == plan.Null {
			got = "null"
		}
		if f, ok := v.Float(); ok && v.Kind == plan.Number {
			got = string(plan.AppendNumber(nil, math.Round(f*1e6)/1e6))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", fn, got, want)
		}
	}
	mixed := []plan.Value{plan.NumberValue(2), {}, plan.TextValue("x"), plan.TextValue("10"), plan.NumberValue(2)}
	check("4", "count", 0, mixed)
	check("14", "sum", 0, mixed)
	check("4.666667", "avg", 0, mixed)
	check("2", "min", 0, mixed)
	check("10", "max", 0, mixed)
	check("2", "first", 0, mixed)
	check("2", "mode", 0, mixed)
	check("3", "count_distinct", 0, mixed)
	check(`[2,"x","10",2]`, "list", 0, mixed)
	check(`[2,"x"]`, "list", 2, mixed)
	check(`["x",2,"10"]`, "values", 0, mixed)
	check("2", "percentile", 50, mixed)
	check("10", "percentile", 100, mixed)
	none := []plan.Value{{}, plan.TextValue("x")}
	for _, fn := range []string{"sum", "avg", "var_pop", "stddev_samp", "percentile", "bit_or", "skewness"} {
		check("null", fn, 50, none)
	}
	check("null", "min", 0, none[:1])
	check("null", "bool_and", 0, none)
	one := numbers(3)
	check("0", "var_pop", 0, one)
	check("null", "var_samp", 0, one)
	check("null", "skewness", 0, one)
	x, y := numbers(1, 2, 3, 4), numbers(2, 4, 5, 9)
	check("1.25", "var_pop", 0, x)
	check("1.290994", "stddev_samp", 0, x)
	check("0", "skewness", 0, x)
	check("-1.36", "kurtosis", 0, x)
	check("0.964764", "corr", 0, y, x)
	check("2.75", "covar_pop", 0, y, x)
	check("3.666667", "covar_samp", 0, y, x)
	check("2.2", "regr_slope", 0, y, x)
	check("-0.5", "regr_intercept", 0, y, x)
	check("0.930769", "regr_r2", 0, y, x)
	check("4", "regr_count", 0, y, x)
	check("2.5", "regr_avgx", 0, y, x)
	check("5", "regr_avgy", 0, y, x)
	check("5", "regr_sxx", 0, y, x)
	check("26", "regr_syy", 0, y, x)
	check("11", "regr_sxy", 0, y, x)
	check("9", "max_by", 0, y, x)
	check("2", "min_by", 0, y, x)
	check("0", "bit_and", 0, x)
	check("7", "bit_or", 0, x)
	check("4", "bit_xor", 0, x)
}

// TestOrderKeys compares values as ORDER BY does and as plan.Sort does with the
// keys that are made for it.
func TestOrderKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	value := func() plan.Value {
		switch rng.IntN(5) {
		case 0:
			return plan.Value{}
		case 1:
			return plan.NumberValue(float64(rng.IntN(30)))
		}
		var b strings.Builder
		for range rng.IntN(6) {
			b.WriteString([]string{"a", "B", "0", "9", "10", "/", ".", "-", "é", ":", " "}[rng.IntN(11)])
		}
		return plan.TextValue(b.String())
	}
	key := func(v plan.Value) plan.Value { return orderKey().Eval([]plan.Value{v}, &plan.Arena{}) }
	sign := func(n int) int { return max(min(n, 1), -1) }
	for range 20_000 {
		a, b := value(), value()
		x, y := key(a), key(b)
		want, got := sign(Compare(&a, &b)), sign(plan.Order(&x, &y))
		if _, number := a.Float(); number && want == 0 {
			continue // equal numbers are told apart by their text
		}
		if got != want {
			t.Fatalf("%q and %q: %d, want %d", a.AppendText(nil), b.AppendText(nil), got, want)
		}
	}
}

func TestLikePatterns(t *testing.T) {
	check := func(pattern, escape, text string, want bool) {
		t.Helper()
		re, err := compileLike(&Like{Op: "like", Escape: escape}, pattern)
		if err != nil || re.MatchString(text) != want {
			t.Errorf("%q LIKE %q ESCAPE %q: %v, want %v", text, pattern, escape, !want, want)
		}
	}
	check("a%", "", "abc", true)
	check("a%", "", "xabc", false)
	check("%b%", "", "abc\ndef", true)
	check("_b_", "", "abc", true)
	check("_", "", "é", true)
	check(`a\%`, "", "a%", true)
	check(`a\%`, "", "ab", false)
	check(`a!_`, "!", "a_", true)
	check(`a!_`, "!", "ab", false)
	check(`a\d`, "", `a\d`, true)
	check(`a.c`, "", "abc", false)
	check("", "", "", true)
	check(`a\`, "", `a\`, true)
	for pattern, contains := range map[string]string{"%abc%": "abc", `%a\%b%`: "a%b", "%a_c%": "", "abc%": "", "%%": ""} {
		if w := parseLike(pattern, ""); w.simple != (contains != "") || w.contains != contains {
			t.Errorf("%s is %+v", pattern, w)
		}
	}
}

func TestTimes(t *testing.T) {
	at := func(s string) plan.Value {
		v, ok := ParseTime(s)
		if !ok {
			t.Fatalf("%s is no time", s)
		}
		return v
	}
	show := func(v plan.Value) string {
		tm, ok := timeOf(&v)
		if !ok {
			return "null"
		}
		return tm.Format("2006-01-02 15:04:05.000")
	}
	add := func(s string, n float64, unit, want string) {
		t.Helper()
		f := addInterval(unit, 1)
		if got := show(f.Eval([]plan.Value{at(s), plan.NumberValue(n)}, &plan.Arena{})); got != want {
			t.Errorf("%s + %v %s = %s, want %s", s, n, unit, got, want)
		}
	}
	add("2025-01-31", 1, "month", "2025-02-28 00:00:00.000")
	add("2024-02-29", 1, "year", "2025-02-28 00:00:00.000")
	add("2025-03-31 10:00:00", -1, "month", "2025-02-28 10:00:00.000")
	add("2025-01-01", 1, "quarter", "2025-04-01 00:00:00.000")
	add("2025-01-01", 1.5, "hour", "2025-01-01 01:30:00.000")
	add("2025-01-01T00:00:00Z", 1, "week", "2025-01-08 00:00:00.000")
	add("2025-01-01T02:00:00.25+02:00", 0, "day", "2025-01-01 00:00:00.250")
	add(" 2025-01-01 02:00-0130 ", 0, "day", "2025-01-01 03:30:00.000")
	add("2025-01-01", 1e300, "day", "null")
	add("2025-01-01", 1e300, "year", "null")
	cut := func(s string, n int, unit, want string) {
		t.Helper()
		f := spanOf(n, unit, "x")
		if got := show(f.Eval([]plan.Value{at(s)}, &plan.Arena{})); got != want {
			t.Errorf("%s by %d %s = %s, want %s", s, n, unit, got, want)
		}
	}
	cut("2025-10-05 13:47:12.345", 15, "minute", "2025-10-05 13:45:00.000")
	cut("2025-10-05 13:47:12", 1, "week", "2025-09-29 00:00:00.000")
	cut("2025-10-06", 1, "week", "2025-10-06 00:00:00.000")
	cut("2025-11-05", 1, "quarter", "2025-10-01 00:00:00.000")
	cut("2025-11-05", 1, "year", "2025-01-01 00:00:00.000")
	cut("1969-12-31 23:59:59", 1, "hour", "1969-12-31 23:00:00.000")
	diff := func(a, b, unit string, want float64) {
		t.Helper()
		if v := difference(unit).Eval([]plan.Value{at(a), at(b)}, &plan.Arena{}); v.Num != want {
			t.Errorf("from %s to %s are %v %ss, want %v", a, b, v.Num, unit, want)
		}
	}
	diff("2025-01-31", "2025-02-28", "month", 1)
	diff("2025-01-15", "2025-02-14", "month", 0)
	diff("2025-02-14", "2025-01-15", "month", 0)
	diff("2025-02-15", "2025-01-15", "month", -1)
	diff("2025-01-01", "2026-12-31", "year", 1)
	diff("2025-01-01", "2025-01-02 12:00:00", "day", 1)
	diff("2025-01-01", "2025-01-01 00:00:02.500", "second", 2)
	for _, s := range []string{"", "yesterday", "2025-13-01", "2025-10-05 25:00:00", "20251005", "2025-02-29", "2025-10-05 10:00:00.",
		"2025-10-05 10", "2025-10-05 10:00 x", "2025-10-05T10:00:00+1"} {
		if v, ok := ParseTime(s); ok {
			t.Errorf("%q is the time %v", s, v.Num)
		}
	}
}

func TestTiles(t *testing.T) {
	for _, c := range []struct {
		n, k int
		want string
	}{{5, 2, "1 1 1 2 2"}, {4, 4, "1 2 3 4"}, {2, 3, "1 2"}, {7, 3, "1 1 1 2 2 3 3"}} {
		var got []string
		for i := range c.n {
			got = append(got, fmt.Sprint(tile(i, c.n, c.k)))
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%d rows in %d: %s, want %s", c.n, c.k, g, c.want)
		}
	}
}
