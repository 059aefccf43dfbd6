package function

import (
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// roundAt rounds a number to digits after the point (before it when negative),
// halves away from zero. It rounds the shortest decimal number that the double
// is, so that 2.345 becomes 2.35 although the double is a little less.
func roundAt(x float64, digits int) float64 { return roundDecimal(x, digits, false) }

// roundEven is roundAt with halves to the even neighbour.
func roundEven(x float64, digits int) float64 { return roundDecimal(x, digits, true) }

func roundDecimal(x float64, digits int, even bool) float64 {
	if x == math.Trunc(x) && digits >= 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return x + 0
	}
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], math.Abs(x), 'e', -1, 64) // d.ddde±xx
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	exp, err := strconv.Atoi(string(text[e+1:]))
	if err != nil {
		return x
	}
	var d [24]byte // the digits; the number is 0.ddd * 10^(exp+1)
	n := copy(d[:], text[:1])
	if e > 1 {
		n += copy(d[n:], text[2:e])
	}
	keep := exp + 1 + digits
	switch {
	case keep >= n:
		return x
	case keep < 0:
		return 0
	}
	up := d[keep] >= '5'
	if even && d[keep] == '5' && keep+1 == n {
		up = keep > 0 && (d[keep-1]-'0')&1 == 1
	}
	var m uint64
	for _, c := range d[:keep] {
		m = m*10 + uint64(c-'0')
	}
	if up {
		m++
	}
	out := strconv.AppendUint(buf[:0], m, 10)
	out = strconv.AppendInt(append(out, 'e'), int64(-digits), 10)
	f, _ := plan.ParseNumber(out)
	return math.Copysign(f, x) + 0
}

// round rounds to a number of digits, none when it is not said.
func round(how func(float64, int) float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		digits := 0
		if len(args) == 2 {
			if digits, ok = whole(&args[1]); !ok {
				return plan.Value{}
			}
		}
		return plan.NumberValue(how(x, min(max(digits, -400), 400)))
	}
}
