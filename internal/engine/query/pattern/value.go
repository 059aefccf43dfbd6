package pattern

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"sync"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/automaton"
)

// valueKind is what a value is.
type valueKind uint8

const (
	noValue     valueKind = iota
	stringValue           // text is what stands between the quotes, escapes as they are
	numberValue           // text as written
	boolValue
	nullValue
	arrayValue
	objectValue
	tokenValue // a token of a delimited line
)

// value is a value in a message.
type value struct {
	kind valueKind
	text []byte
}

// scalar reports whether comparisons can hold for the value.
func (v value) scalar() bool {
	return v.kind == stringValue || v.kind == numberValue || v.kind == boolValue || v.kind == tokenValue
}

// test is a compiled Compare or Is: a condition on one value. It is safe for
// concurrent use.
type test struct {
	ne   bool // the opposite of equal
	op   CompareOp
	kind OperandKind

	text          []byte
	before, after bool
	find          finder // of text, when both are set
	num           float64
	re            *search

	is   bool
	want valueKind
	lit  string
}

func newCompare(c *Compare) *test {
	t := &test{op: c.Op, kind: c.Operand.Kind, ne: c.Op == Ne}
	switch v := &c.Operand; v.Kind {
	case TextOperand:
		t.text, t.before, t.after = []byte(v.Text), v.Before, v.After
		if v.Before && v.After && v.Text != "" {
			t.find = newFinder(v.Text)
		}
	case NumberOperand:
		t.text, t.num = []byte(v.Text), v.Number
	case RegexOperand:
		t.re = newSearch(v.Regexp)
	}
	return t
}

func newIs(c *Is) *test {
	switch c.What {
	case Null:
		return &test{is: true, want: nullValue}
	case True:
		return &test{is: true, want: boolValue, lit: "true"}
	}
	return &test{is: true, want: boolValue, lit: "false"}
}

// holds reports whether the condition holds for a value. buf is memory to use.
func (t *test) holds(v value, buf *[]byte) bool {
	if t.is {
		return v.kind == t.want && (t.lit == "" || string(v.text) == t.lit)
	}
	if !v.scalar() {
		return false
	}
	if t.kind == NumberOperand {
		return t.number(v)
	}
	text := v.text
	if v.kind == stringValue && bytes.IndexByte(text, '\\') >= 0 {
		*buf = column.AppendUnescaped((*buf)[:0], text)
		text = *buf
	}
	return t.matches(text) != t.ne
}

// matches reports whether a text is equal to the operand.
func (t *test) matches(text []byte) bool {
	switch {
	case t.kind == RegexOperand:
		return t.re.match(text)
	case t.before && t.after:
		return len(t.text) == 0 || t.find.in(text)
	case t.before:
		return bytes.HasSuffix(text, t.text)
	case t.after:
		return bytes.HasPrefix(text, t.text)
	}
	return bytes.Equal(text, t.text)
}

// number compares with a number. A string that is one takes part in = and !=.
func (t *test) number(v value) bool {
	if v.kind == boolValue {
		return t.ne
	}
	if v.kind == stringValue && t.op > Ne {
		return false
	}
	n, ok := parseNumber(v.text)
	if !ok {
		return t.ne
	}
	return compareNumbers(t.op, n, t.num)
}

func compareNumbers(op CompareOp, a, b float64) bool {
	switch op {
	case Eq:
		return a == b
	case Ne:
		return a != b
	case Lt:
		return a < b
	case Le:
		return a <= b
	case Gt:
		return a > b
	}
	return a >= b
}

// parseNumber returns the number that a text is nothing but: an optional sign,
// digits, an optional fraction and exponent. One beyond a double is infinite.
func parseNumber(b []byte) (float64, bool) {
	i, n := 0, len(b)
	if n == 0 {
		return 0, false
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		i++
	}
	const exact = 15 // digits that a double holds
	m, from := uint64(0), i
	for i < n && isDigit(b[i]) {
		if i-from < exact {
			m = m*10 + uint64(b[i]-'0')
		}
		i++
	}
	if i == from {
		return 0, false
	}
	if i == n && i-from <= exact {
		if neg {
			return -float64(m), true
		}
		return float64(m), true
	}
	if i < n && b[i] == '.' {
		whole := i - from
		i++
		at := i
		for i < n && isDigit(b[i]) {
			if whole+i-at < exact {
				m = m*10 + uint64(b[i]-'0')
			}
			i++
		}
		if i == at {
			return 0, false
		}
		if i == n && whole+i-at <= exact { // both are exact, so that the quotient is rounded once
			f := float64(m) / pow10[i-at]
			if neg {
				f = -f
			}
			return f, true
		}
	}
	if i < n && b[i]|0x20 == 'e' {
		i++
		if i < n && (b[i] == '+' || b[i] == '-') {
			i++
		}
		at := i
		for i < n && isDigit(b[i]) {
			i++
		}
		if i == at {
			return 0, false
		}
	}
	if i != n {
		return 0, false
	}
	f, err := strconv.ParseFloat(unsafe.String(&b[0], n), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// search finds a regular expression, in any number of goroutines at once.
type search struct{ pool sync.Pool }

func newSearch(re *Regexp) *search {
	compiled := regexp.MustCompile(re.Go) // Parse has compiled it
	return &search{sync.Pool{New: func() any { return automaton.New(compiled) }}}
}

func (s *search) match(text []byte) bool {
	f := s.pool.Get().(*automaton.Finder)
	found := f.Match(text)
	s.pool.Put(f)
	return found
}
