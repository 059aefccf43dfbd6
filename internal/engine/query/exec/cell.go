package exec

import (
	"bytes"
	"math"
	"unicode/utf16"
	"unicode/utf8"

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
	from := len(a.b)
	a.b = appendFixed(a.b, n, scale, trim)
	if quoted {
		return plan.Value{Kind: plan.Text, Text: a.text(from)}
	}
	return plan.Value{Kind: plan.Raw, Num: plan.Decimal(n, scale), Text: a.text(from)}
}

// textValue returns the value of a JSON scalar as it was written, without its
// quotes when quoted.
func textValue(t []byte, quoted, escaped bool, a *arena) plan.Value {
	if quoted {
		if escaped && bytes.IndexByte(t, '\\') >= 0 {
			from := len(a.b)
			a.b = appendUnescaped(a.b, t)
			t = a.text(from)
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

// appendUnescaped appends the text of a JSON string; an escape that is none
// stays as it is, and half a surrogate pair becomes U+FFFD.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			dst = append(dst, s[i])
			continue
		}
		i++
		switch s[i] {
		case '"', '\\', '/':
			dst = append(dst, s[i])
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, ok := hex4(s[i+1:])
			if !ok {
				dst = append(dst, '\\', 'u')
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if i+2 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					low, ok = hex4(s[i+3:])
				}
				pair := utf16.DecodeRune(r, low)
				if ok && pair != utf8.RuneError {
					i += 6
				}
				r = pair
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, '\\', s[i])
		}
	}
	return dst
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
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
