package exec

import (
	"bytes"
	"math"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendFixed appends n/10^scale as it was written.
func appendFixed(dst []byte, n int64, scale uint8, trim column.Trim) []byte {
	dst = plan.AppendDecimal(dst, n, scale)
	if trim == column.TrimNone || scale == 0 {
		return dst
	}
	end := len(dst)
	for dst[end-1] == '0' {
		end--
	}
	switch {
	case dst[end-1] != '.':
	case trim == column.TrimPoint:
		end++
	default:
		end--
	}
	return dst[:end]
}

// intValue returns the value that textValue would return for the text of n/10^scale.
func intValue(n int64, scale uint8, trim column.Trim, quoted bool, a *arena) plan.Value {
	if !quoted && scale == 0 && n <= 1<<53 && n >= -1<<53 {
		return plan.Value{Kind: plan.Number, Num: float64(n)}
	}
	from := len(a.Bytes)
	a.Bytes = appendFixed(a.Bytes, n, scale, trim)
	if quoted {
		return plan.Value{Kind: plan.Text, Text: a.Text(from)}
	}
	return plan.Value{Kind: plan.Raw, Num: plan.Decimal(n, scale), Text: a.Text(from)}
}

// textValue returns the value of a JSON scalar as it was written, without its
// quotes when quoted.
func textValue(t []byte, quoted, escaped bool, a *arena) plan.Value {
	if quoted {
		if escaped && bytes.IndexByte(t, '\\') >= 0 {
			from := len(a.Bytes)
			a.Bytes = column.AppendUnescaped(a.Bytes, t)
			t = a.Text(from)
		}
		return plan.Value{Kind: plan.Text, Text: t}
	}
	if len(t) > 0 {
		switch t[0] {
		case 'n':
			return plan.Value{}
		case 't':
			return plan.Value{Kind: plan.Bool, Num: 1, Text: t}
		case 'f':
			return plan.Value{Kind: plan.Bool, Text: t}
		case '[', '{':
			return plan.Value{Kind: plan.List, Text: t}
		}
	}
	if f, ok := plan.ParseNumber(t); ok {
		return plan.Value{Kind: plan.Raw, Num: f, Text: t}
	}
	return plan.Value{Kind: plan.Text, Text: t} // beyond what a double holds
}

// threshold returns the smallest n for which n/10^scale is at least num (more
// than num when above), in the arithmetic of plan.Decimal; over says that there
// is none.
func threshold(num float64, scale uint8, above bool) (n int64, over bool) {
	reaches := func(n int64) bool {
		f := plan.Decimal(n, scale)
		if above {
			return f > num
		}
		return f >= num
	}
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if !reaches(hi) {
		return 0, true
	}
	for lo < hi {
		mid := lo/2 + hi/2 + (lo%2+hi%2)/2
		if mid == hi {
			mid--
		}
		if reaches(mid) {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, false
}
