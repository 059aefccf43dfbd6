package function

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var sparkFormats = slicesOf(
	dated(alias(absent(&plan.Function{Name: "format_string", Min: 1, Max: plan.MaxArgs, Bind: formatString}), "printf")...),
	[]*plan.Function{
		binding("format_number", 2, 2, formatNumber),
		binding("to_char", 2, 2, toChar),
		binding("to_varchar", 2, 2, toChar),
		binding("to_number", 2, 2, toNumber),
		binding("encode", 2, 2, encode),
		absent(binding("decode", 2, plan.MaxArgs, decode)),
		binding("to_binary", 1, 2, toBinary),
	},
)

// verb is a part of a format of printf: a text, or an argument.
type verb struct {
	text                                        string
	conv                                        byte // 0: text
	upper                                       bool
	arg                                         int
	width                                       int // -1: none
	precision                                   int // -1: none
	minus, plus, blank, zero, comma, paren, alt bool
}

const (
	maxVerbs     = 200
	maxWidth     = 1000
	maxPrecision = 100
)

// parseFormat reads a format of java.util.Formatter.
func parseFormat(s string) ([]verb, error) {
	var vs []verb
	next := 0
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i != 0 {
			if i < 0 {
				i = len(s)
			}
			vs, s = append(vs, verb{text: s[:i]}), s[i:]
			continue
		}
		v, n, err := parseVerb(s, &next)
		if err != nil {
			return nil, err
		}
		if vs, s = append(vs, v), s[n:]; len(vs) > maxVerbs {
			return nil, fmt.Errorf("the format has more than %d parts", maxVerbs)
		}
	}
	return vs, nil
}

func parseVerb(s string, next *int) (v verb, n int, err error) {
	v.width, v.precision, v.arg = -1, -1, -1
	i := 1
	number := func() int {
		from, x := i, 0
		for i < len(s) && s[i]-'0' <= 9 && x < 1e6 {
			x = x*10 + int(s[i]-'0')
			i++
		}
		if i == from {
			return -1
		}
		return x
	}
	if at := number(); at > 0 && i < len(s) && s[i] == '$' {
		v.arg = at - 1
		i++
	} else {
		i = 1
	}
flags:
	for ; i < len(s); i++ {
		switch s[i] {
		case '-':
			v.minus = true
		case '+':
			v.plus = true
		case ' ':
			v.blank = true
		case '0':
			v.zero = true
		case ',':
			v.comma = true
		case '(':
			v.paren = true
		case '#':
			v.alt = true
		default:
			break flags
		}
	}
	v.width = number()
	if i < len(s) && s[i] == '.' {
		i++
		if v.precision = number(); v.precision < 0 {
			return v, 0, fmt.Errorf("a precision is missing in the format")
		}
	}
	if i == len(s) || v.width > maxWidth || v.precision > maxPrecision {
		return v, 0, fmt.Errorf("the format %.40q is not valid", s)
	}
	c := s[i]
	v.conv = c | 0x20
	v.upper = c&0x20 == 0 && c != '%'
	switch c {
	case '%':
		v.conv, v.text = 0, "%"
		return v, i + 1, nil
	case 'n':
		v.conv, v.text = 0, "\n"
		return v, i + 1, nil
	case 's', 'S', 'd', 'f', 'e', 'E', 'g', 'G', 'x', 'X', 'o', 'c', 'C', 'b', 'B':
	default:
		return v, 0, fmt.Errorf("unknown %s in the format", s[:i+1])
	}
	if v.arg < 0 {
		v.arg = *next
		*next++
	}
	return v, i + 1, nil
}

// formatString writes values by a format of printf. Null is the text null; a value
// that does not fit its place makes the result Null, as does a place without one.
func formatString(consts []*plan.Value) (plan.Eval, error) {
	n := len(consts) - 1
	find, err := constant(consts[0], func(s string) ([]verb, error) {
		vs, err := parseFormat(s)
		for _, v := range vs {
			if err == nil && v.conv != 0 && v.arg >= n {
				err = fmt.Errorf("the format needs more than %d values", n)
			}
		}
		return vs, err
	})
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		vs, ok := find(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		from := len(a.Bytes)
		for i := range vs {
			v := &vs[i]
			if v.conv == 0 {
				a.Bytes = append(a.Bytes, v.text...)
			} else if !v.write(&args[v.arg+1], a) {
				a.Bytes = a.Bytes[:from]
				return plan.Value{}
			}
			if full(a, from) {
				break
			}
		}
		return made(a, from)
	}, nil
}

func (v *verb) write(x *plan.Value, a *plan.Arena) bool {
	from := len(a.Bytes)
	switch {
	case x.Kind == plan.Null && v.conv != 'b':
		a.Bytes = append(a.Bytes, "null"...)
	case v.conv == 's':
		a.Bytes = x.AppendText(a.Bytes)
		if t := a.Bytes[from:]; v.precision >= 0 {
			a.Bytes = a.Bytes[:from+runes(t, v.precision)]
		}
	case v.conv == 'b':
		a.Bytes = strconv.AppendBool(a.Bytes, x.Kind != plan.Null && (x.Kind != plan.Bool || x.Num != 0))
	case v.conv == 'c':
		n, ok := whole(x)
		if !ok || n < 0 || n > utf8.MaxRune {
			return false
		}
		a.Bytes = utf8.AppendRune(a.Bytes, rune(n))
	case v.conv == 'd' || v.conv == 'x' || v.conv == 'o':
		n, ok := long(x)
		if !ok {
			return false
		}
		return v.integer(n, a)
	default:
		f, ok := x.Float()
		if !ok {
			return false
		}
		v.float(f, a)
		return true
	}
	if v.upper {
		upper(a.Bytes[from:])
	}
	v.fill(from, 0, ' ', a)
	return true
}

func upper(b []byte) {
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c &^ 0x20
		}
	}
}

func (v *verb) integer(n int64, a *plan.Arena) bool {
	if v.conv == 'd' {
		u := uint64(n)
		if n < 0 {
			u = -u
		}
		from := len(a.Bytes)
		digits := strconv.AppendUint(nil, u, 10)
		v.signed(n < 0, digits, from, a)
		return true
	}
	from := len(a.Bytes)
	base := 16
	if v.conv == 'o' {
		base = 8
	}
	prefix := 0
	if v.alt {
		a.Bytes = append(a.Bytes, '0')
		if base == 16 {
			a.Bytes = append(a.Bytes, 'x')
		}
		prefix = len(a.Bytes) - from
	}
	a.Bytes = strconv.AppendUint(a.Bytes, uint64(n), base)
	if v.upper {
		upper(a.Bytes[from:])
	}
	fill := byte(' ')
	if v.zero {
		fill = '0'
	} else {
		prefix = 0
	}
	v.fill(from, prefix, fill, a)
	return true
}

func (v *verb) float(f float64, a *plan.Arena) {
	precision := v.precision
	if precision < 0 {
		precision = 6
	}
	from := len(a.Bytes)
	var digits []byte
	switch x := math.Abs(f); v.conv {
	case 'e':
		digits = strconv.AppendFloat(nil, x, 'e', precision, 64)
	case 'g':
		precision = max(precision, 1)
		if x != 0 && (x < 1e-4 || x >= math.Pow10(precision)) {
			digits = strconv.AppendFloat(nil, x, 'e', precision-1, 64)
		} else {
			exp := 0
			if x != 0 {
				exp = int(math.Floor(math.Log10(x)))
			}
			digits = strconv.AppendFloat(nil, x, 'f', max(0, precision-1-exp), 64)
		}
	default:
		digits = strconv.AppendFloat(nil, roundAt(x, precision), 'f', precision, 64)
	}
	if v.upper {
		upper(digits)
	}
	v.signed(f < 0, digits, from, a)
}

// signed appends digits with what flags say about signs and groups.
func (v *verb) signed(negative bool, digits []byte, from int, a *plan.Arena) {
	switch {
	case negative && v.paren:
		a.Bytes = append(a.Bytes, '(')
	case negative:
		a.Bytes = append(a.Bytes, '-')
	case v.plus:
		a.Bytes = append(a.Bytes, '+')
	case v.blank:
		a.Bytes = append(a.Bytes, ' ')
	}
	sign := len(a.Bytes) - from
	if v.comma {
		a.Bytes = appendGrouped(a.Bytes, digits)
	} else {
		a.Bytes = append(a.Bytes, digits...)
	}
	if negative && v.paren {
		a.Bytes = append(a.Bytes, ')')
	}
	fill := byte(' ')
	if v.zero && !v.minus {
		fill = '0'
	} else {
		sign = 0
	}
	v.fill(from, sign, fill, a)
}

// fill fills what was appended since from up to the width, behind skip bytes.
func (v *verb) fill(from, skip int, with byte, a *plan.Arena) {
	missing := v.width - utf8.RuneCount(a.Bytes[from:])
	if missing <= 0 {
		return
	}
	end := len(a.Bytes)
	for range missing {
		a.Bytes = append(a.Bytes, with)
	}
	if v.minus {
		for i := end; i < len(a.Bytes); i++ {
			a.Bytes[i] = ' '
		}
		return
	}
	copy(a.Bytes[from+skip+missing:], a.Bytes[from+skip:end])
	for i := range missing {
		a.Bytes[from+skip+i] = with
	}
}
