package insightsql

import (
	"math"
	"strconv"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// AppendText appends the text of a value as results show it. Computed numbers
// are rounded to 4 decimals, times are in UTC, booleans are 1 and 0. Null is empty.
func AppendText(dst []byte, v *plan.Value) []byte {
	switch v.Kind {
	case plan.Number:
		return appendNumber(dst, v.Num)
	case plan.Time:
		return time.UnixMilli(int64(v.Num)).UTC().AppendFormat(dst, "2006-01-02 15:04:05.000")
	case plan.Bool:
		return append(dst, '0'+byte(v.Num))
	}
	return v.AppendText(dst)
}

func appendNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return plan.AppendNumber(dst, f)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', 4, 64)
	end := len(dst)
	for dst[end-1] == '0' {
		end--
	}
	if dst[end-1] == '.' {
		end--
	}
	if dst = dst[:end]; string(dst[from:]) == "-0" {
		dst = append(dst[:from], '0')
	}
	return dst
}
