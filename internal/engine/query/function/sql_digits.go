package function

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// digitFormat is a format of to_char and to_number.
type digitFormat struct {
	parts        string // 0 or 9, ',' and '.' of it
	whole, after int    // digits
	zeros        int    // digits of the whole number from the first 0 on
	dollar       bool
	sign         byte // 0: none; S, M or P
	signFirst    bool
}

// parseDigits reads a format of the letters 0 9 . D , G $ S MI PR.
func parseDigits(s string) (f digitFormat, err error) {
	wrong := fmt.Errorf("the format %.40q is not valid", s)
	rest := strings.ToUpper(s)
	if len(rest) > 80 {
		return f, wrong
	}
	take := func(t string, sign byte) {
		if f.sign != 0 {
			return
		}
		if r, ok := strings.CutPrefix(rest, t); ok && t != "PR" {
			rest, f.sign, f.signFirst = r, sign, true
		} else if r, ok := strings.CutSuffix(rest, t); ok {
			rest, f.sign = r, sign
		}
	}
	take("MI", 'M')
	take("PR", 'P')
	take("S", 'S')
	rest, f.dollar = strings.CutPrefix(rest, "$")
	parts := []byte(strings.NewReplacer("D", ".", "G", ",").Replace(rest))
	point := false
	for _, c := range parts {
		switch {
		case c == '.' && !point:
			point = true
		case c == ',' && !point && f.whole > 0:
		case (c == '0' || c == '9') && point:
			f.after++
		case c == '0' || c == '9':
			f.whole++
			if c == '0' || f.zeros > 0 {
				f.zeros++
			}
		default:
			return f, wrong
		}
	}
	f.parts = string(parts)
	if f.whole+f.after == 0 {
		return f, wrong
	}
	return f, nil
}

func (f *digitFormat) append(dst []byte, x float64) []byte {
	digits := strconv.AppendFloat(nil, math.Abs(roundAt(x, f.after)), 'f', f.after, 64)
	n := len(digits)
	if f.after > 0 {
		n -= f.after + 1
	}
	if n == 1 && digits[0] == '0' && f.after > 0 {
		digits, n = digits[1:], 0
	}
	sign := func(first bool) {
		switch {
		case f.sign == 0 && first && x < 0:
			dst = append(dst, '-')
		case f.sign == 0 || f.signFirst != first:
		case x < 0 && f.sign != 'P':
			dst = append(dst, '-')
		case f.sign == 'S':
			dst = append(dst, '+')
		case f.sign == 'M':
			dst = append(dst, ' ')
		}
	}
	if f.sign == 'P' && x < 0 {
		dst = append(dst, '<')
	}
	sign(true)
	if f.dollar {
		dst = append(dst, '$')
	}
	left, begun := f.whole, false
	for i := 0; i < len(f.parts); i++ {
		switch c := f.parts[i]; {
		case c == '.':
			dst = append(dst, '.')
			dst = append(dst, digits[len(digits)-f.after:]...)
			i = len(f.parts)
		case c == ',' && begun:
			dst = append(dst, ',')
		case c == ',':
			dst = append(dst, ' ')
		default:
			switch {
			case n > f.whole:
				dst = append(dst, '#')
				begun = true
			case left <= n:
				dst = append(dst, digits[n-left])
				begun = true
			case left <= f.zeros:
				dst = append(dst, '0')
				begun = true
			default:
				dst = append(dst, ' ')
			}
			left--
		}
	}
	sign(false)
	if f.sign == 'P' && x < 0 {
		dst = append(dst, '>')
	}
	return dst
}

// toChar writes a number by a format of digits, or a time by one of Java.
func toChar(consts []*plan.Value) (plan.Eval, error) {
	type either struct {
		digits *digitFormat
		date   *dateformat.Format
	}
	find, err := constant(consts[1], func(s string) (e either, err error) {
		if f, err := parseDigits(s); err == nil {
			return either{digits: &f}, nil
		}
		if strings.ContainsAny(s, "09") {
			return e, fmt.Errorf("the format %.40q is not valid", s)
		}
		e.date, err = dateformat.Java(s)
		return e, err
	})
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		e, ok := find(&args[1], a)
		if !ok {
			return plan.Value{}
		}
		from := len(a.Bytes)
		if e.digits == nil {
			t, ok := moment(&args[0])
			if !ok {
				return plan.Value{}
			}
			a.Bytes = e.date.Append(a.Bytes, t)
			return made(a, from)
		}
		x, ok := args[0].Float()
		if !ok || math.Abs(x) >= 1e21 {
			return plan.Value{}
		}
		a.Bytes = e.digits.append(a.Bytes, x)
		return made(a, from)
	}, nil
}

// toNumber reads a number that has no more digits than a format, with its signs.
func toNumber(consts []*plan.Value) (plan.Eval, error) {
	find, err := constant(consts[1], parseDigits)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		f, ok := find(&args[1], a)
		t, ok1 := textOf(&args[0], a)
		if !ok || !ok1 {
			return plan.Value{}
		}
		x, ok := f.read(spaces(true, true)(t))
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(x + 0)
	}, nil
}

func (f *digitFormat) read(t []byte) (x float64, ok bool) {
	negative := false
	n := len(t)
	switch {
	case f.sign == 'P' && n > 1 && t[0] == '<' && t[n-1] == '>':
		negative, t = true, t[1:n-1]
	case n > 0 && (f.sign == 0 || f.signFirst) && (t[0] == '-' || t[0] == '+' && f.sign == 'S'):
		negative, t = t[0] == '-', t[1:]
	case n > 0 && (f.sign == 'S' || f.sign == 'M') && !f.signFirst && (t[n-1] == '-' || t[n-1] == '+' && f.sign == 'S'):
		negative, t = t[n-1] == '-', t[:n-1]
	}
	if f.dollar {
		if len(t) == 0 || t[0] != '$' {
			return 0, false
		}
		t = t[1:]
	}
	var buf [100]byte
	out := buf[:0]
	whole, after, point := 0, 0, false
	for _, c := range t {
		switch {
		case c == ',' && !point && strings.Contains(f.parts, ","):
			continue
		case c == '.' && !point && f.after > 0:
			point = true
			if whole == 0 {
				out = append(out, '0')
			}
		case c-'0' <= 9 && point:
			after++
		case c-'0' <= 9:
			whole++
		default:
			return 0, false
		}
		out = append(out, c)
		if whole > f.whole || after > f.after {
			return 0, false
		}
	}
	x, ok = plan.ParseNumber(out)
	if negative {
		x = -x
	}
	return x, ok
}
