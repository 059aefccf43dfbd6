package function

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendGrouped appends digits with a comma before each group of three of the
// whole number.
func appendGrouped(dst, digits []byte) []byte {
	end := bytes.IndexAny(digits, ".e")
	if end < 0 {
		end = len(digits)
	}
	for i, c := range digits {
		if i > 0 && i < end && (end-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, c)
	}
	return dst
}

// numberFormat is a format of format_number: digits after the point, at least and
// at most, before it at least, and whether there are groups.
type numberFormat struct {
	least, most, whole int
	grouped            bool
	prefix, suffix     string
}

// parseNumberFormat reads a pattern such as #,##0.00.
func parseNumberFormat(s string) (f numberFormat, err error) {
	from := strings.IndexAny(s, "#0.")
	end := strings.LastIndexAny(s, "#0.,") + 1
	if from < 0 || len(s) > 100 {
		return f, fmt.Errorf("the format %.40q is not valid", s)
	}
	f.prefix, f.suffix = s[:from], s[end:]
	before, after, _ := strings.Cut(s[from:end], ".")
	f.grouped = strings.Contains(before, ",")
	f.whole, f.least, f.most = strings.Count(before, "0"), strings.Count(after, "0"), len(after)
	if strings.Trim(before, "#0,") != "" || strings.Trim(after, "#0") != "" || strings.ContainsAny(f.prefix+f.suffix, "%;'E") {
		return f, fmt.Errorf("the format %.40q is not valid", s)
	}
	return f, nil
}

func (f numberFormat) append(dst []byte, x float64) []byte {
	digits := strconv.AppendFloat(nil, math.Abs(roundEven(x, f.most)), 'f', f.most, 64)
	if point := bytes.IndexByte(digits, '.'); point >= 0 {
		for len(digits) > point+1+f.least && digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		if digits[len(digits)-1] == '.' {
			digits = digits[:len(digits)-1]
		}
		for ; point < f.whole; point++ {
			digits = append([]byte{'0'}, digits...)
		}
	} else {
		for len(digits) < f.whole {
			digits = append([]byte{'0'}, digits...)
		}
	}
	if f.whole == 0 && len(digits) > 1 && digits[0] == '0' && digits[1] == '.' {
		digits = digits[1:]
	}
	if x < 0 && bytes.ContainsAny(digits, "123456789") {
		dst = append(dst, '-')
	}
	dst = append(dst, f.prefix...)
	if f.grouped {
		dst = appendGrouped(dst, digits)
	} else {
		dst = append(dst, digits...)
	}
	return append(dst, f.suffix...)
}

// formatNumber writes a number in groups of three digits with a number of digits
// after the point, or by a pattern such as #,##0.00. Halves go to the even neighbour.
func formatNumber(consts []*plan.Value) (plan.Eval, error) {
	find, err := constant(consts[1], func(s string) (numberFormat, error) {
		if n, err := strconv.Atoi(s); err == nil && strings.Trim(s, "0") != "" || s == "0" {
			if n < 0 || n > maxPrecision {
				return numberFormat{}, fmt.Errorf("the number of digits is not from 0 to %d", maxPrecision)
			}
			return numberFormat{least: n, most: n, whole: 1, grouped: true}, nil
		}
		return parseNumberFormat(s)
	})
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		f, ok := find(&args[1], a)
		x, ok1 := args[0].Float()
		if !ok || !ok1 {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = f.append(a.Bytes, x)
		return made(a, from)
	}, nil
}
