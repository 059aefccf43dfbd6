package sqlexpr

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Compute computes an aggregate over rows in memory; fn is one of the names of the
// table of aggregates, args are its columns, rows the rows that count, in order. It
// agrees with the aggregates of package plan where there is one of the same meaning.
func compute(fn string, args [][]plan.Value, p float64, rows []int) plan.Value {
	if fn == "count" && len(args) == 0 {
		return plan.NumberValue(float64(len(rows)))
	}
	if len(args) == 2 {
		return computeTwo(fn, args[0], args[1], rows)
	}
	var known []*plan.Value
	for _, r := range rows {
		if v := &args[0][r]; v.Kind != plan.Null {
			known = append(known, v)
		}
	}
	switch fn {
	case "count":
		return plan.NumberValue(float64(len(known)))
	case "first", "last", "min", "max", "mode":
		return pick(fn, known)
	case "list":
		if p > 0 && len(known) > int(p) {
			known = known[:int(p)]
		}
		return listOf(known)
	case "values":
		known = distinct(known)
		slices.SortFunc(known, plan.Order)
		return listOf(known)
	case "count_distinct":
		return plan.NumberValue(float64(len(distinct(known))))
	case "bool_and", "bool_or":
		return boolOf(fn, known)
	}
	var x []float64
	for _, v := range known {
		if f, ok := v.Float(); ok {
			x = append(x, f)
		}
	}
	if len(x) == 0 {
		return plan.Value{}
	}
	return computeNumbers(fn, x, p)
}

// pick chooses one of the values.
func pick(fn string, known []*plan.Value) plan.Value {
	if len(known) == 0 {
		return plan.Value{}
	}
	best := known[0]
	switch fn {
	case "last":
		best = known[len(known)-1]
	case "mode":
		counts := map[string]int{}
		for _, v := range known {
			counts[textKey(v)]++
		}
		n := 0
		for _, v := range known {
			if c := counts[textKey(v)]; c > n || c == n && Compare(v, best) < 0 {
				best, n = v, c
			}
		}
	case "min", "max":
		var numbers []*plan.Value
		for _, v := range known {
			if _, ok := v.Float(); ok {
				numbers = append(numbers, v)
			}
		}
		if len(numbers) > 0 {
			known = numbers
		}
		best = known[0]
		for _, v := range known {
			if c := plan.Order(v, best); fn == "min" && c < 0 || fn == "max" && c > 0 {
				best = v
			}
		}
	}
	return *best
}

func textKey(v *plan.Value) string { return string(v.AppendText(nil)) }

// distinct keeps the first value of each text.
func distinct(known []*plan.Value) []*plan.Value {
	seen := map[string]bool{}
	var out []*plan.Value
	for _, v := range known {
		if k := textKey(v); !seen[k] {
			seen[k] = true
			out = append(out, v)
		}
	}
	return out
}

// listOf makes a JSON array of values.
func listOf(known []*plan.Value) plan.Value {
	b := []byte{'['}
	for i, v := range known {
		if i > 0 {
			b = append(b, ',')
		}
		if b = appendJSON(b, v); len(b) > plan.MaxMade {
			return plan.Value{}
		}
	}
	return plan.Value{Kind: plan.List, Text: append(b, ']')}
}

func appendJSON(b []byte, v *plan.Value) []byte {
	switch v.Kind {
	case plan.Null:
		return append(b, "null"...)
	case plan.Text:
		return jsontext.Quote(b, v.Text)
	}
	return v.AppendText(b)
}

func boolOf(fn string, known []*plan.Value) plan.Value {
	some := false
	for _, v := range known {
		b, ok := truthOf(v)
		if !ok {
			continue
		}
		some = true
		if b == (fn == "bool_or") {
			return Truth(b)
		}
	}
	if !some {
		return plan.Value{}
	}
	return Truth(fn == "bool_and")
}

// computeNumbers computes an aggregate of at least one number.
func computeNumbers(fn string, x []float64, p float64) plan.Value {
	switch fn {
	case "sum":
		return plan.NumberValue(sum(x))
	case "avg":
		return plan.NumberValue(sum(x) / float64(len(x)))
	case "percentile":
		slices.Sort(x)
		i := int(math.Ceil(p/100*float64(len(x)))) - 1
		return plan.NumberValue(x[min(max(i, 0), len(x)-1)])
	case "bit_and", "bit_or", "bit_xor":
		v := int64(x[0])
		for _, f := range x[1:] {
			switch fn {
			case "bit_and":
				v &= int64(f)
			case "bit_or":
				v |= int64(f)
			default:
				v ^= int64(f)
			}
		}
		return plan.NumberValue(float64(v))
	}
	n := float64(len(x))
	m2, m3, m4 := moments(x)
	switch fn {
	case "var_pop":
		return plan.NumberValue(m2 / n)
	case "stddev_pop":
		return plan.NumberValue(math.Sqrt(m2 / n))
	case "var_samp":
		return plan.NumberValue(m2 / (n - 1))
	case "stddev_samp":
		return plan.NumberValue(math.Sqrt(m2 / (n - 1)))
	case "skewness":
		return plan.NumberValue(math.Sqrt(n) * m3 / math.Pow(m2, 1.5))
	case "kurtosis":
		return plan.NumberValue(n*m4/(m2*m2) - 3)
	}
	return plan.Value{}
}

// sum adds numbers with a correction for what is lost (Neumaier).
func sum(x []float64) float64 {
	s, lost := 0.0, 0.0
	for _, f := range x {
		t := s + f
		if math.Abs(s) >= math.Abs(f) {
			lost += (s - t) + f
		} else {
			lost += (f - t) + s
		}
		s = t
	}
	return s + lost
}

// moments are the sums of powers of the distances from the mean.
func moments(x []float64) (m2, m3, m4 float64) {
	mean := sum(x) / float64(len(x))
	for _, f := range x {
		d := f - mean
		m2 += d * d
		m3 += d * d * d
		m4 += d * d * d * d
	}
	return m2, m3, m4
}

// computeTwo computes an aggregate of two columns.
func computeTwo(fn string, a, b []plan.Value, rows []int) plan.Value {
	switch fn {
	case "max_by", "min_by", "first", "last":
		return pickBy(fn, a, b, rows)
	}
	var y, x []float64
	for _, r := range rows {
		f, ok := a[r].Float()
		g, ok2 := b[r].Float()
		if ok && ok2 {
			y, x = append(y, f), append(x, g)
		}
	}
	n := float64(len(x))
	if fn == "regr_count" {
		return plan.NumberValue(n)
	}
	if n == 0 {
		return plan.Value{}
	}
	mx, my := sum(x)/n, sum(y)/n
	var sxx, syy, sxy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		sxx += dx * dx
		syy += dy * dy
		sxy += dx * dy
	}
	v := math.NaN()
	switch fn {
	case "corr":
		v = sxy / math.Sqrt(sxx*syy)
	case "covar_pop":
		v = sxy / n
	case "covar_samp":
		v = sxy / (n - 1)
	case "regr_avgx":
		v = mx
	case "regr_avgy":
		v = my
	case "regr_sxx":
		v = sxx
	case "regr_syy":
		v = syy
	case "regr_sxy":
		v = sxy
	case "regr_slope":
		v = sxy / sxx
	case "regr_intercept":
		v = my - sxy/sxx*mx
	case "regr_r2":
		if v = sxy * sxy / (sxx * syy); syy == 0 && sxx > 0 {
			v = 1
		}
	}
	return plan.NumberValue(v)
}

// pickBy returns the value of a in the row with the greatest or least value of b.
// first and last look at rows where a is present only.
func pickBy(fn string, a, b []plan.Value, rows []int) plan.Value {
	best := -1
	for _, r := range rows {
		if b[r].Kind == plan.Null || (fn == "first" || fn == "last") && a[r].Kind == plan.Null {
			continue
		}
		if best < 0 {
			best = r
			continue
		}
		c := Compare(&b[r], &b[best])
		if fn[:1] == "m" && (fn == "max_by" && c > 0 || fn == "min_by" && c < 0) || fn == "first" && c < 0 || fn == "last" && c > 0 {
			best = r
		}
	}
	if best < 0 {
		return plan.Value{}
	}
	return a[best]
}

// Compare orders values as ORDER BY does: Null first, then texts by their bytes,
// then numbers and texts that are numbers.
func Compare(a, b *plan.Value) int {
	if a.Kind == plan.Null || b.Kind == plan.Null {
		return cmp.Compare(min(a.Kind, 1), min(b.Kind, 1))
	}
	x, ok := a.Float()
	y, ok2 := b.Float()
	switch {
	case ok && ok2:
		return cmp.Compare(x, y)
	case ok:
		return 1
	case ok2:
		return -1
	}
	return bytes.Compare(a.Text, b.Text)
}

func columnName(prefix string, n int) string { return prefix + strconv.Itoa(n) }
