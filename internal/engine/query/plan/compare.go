package plan

import (
	"bytes"
	"math"
)

// CmpOp is a comparison.
type CmpOp uint8

// The comparisons.
const (
	Eq CmpOp = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

var cmpNames = [...]string{"=", "!=", "<", "<=", ">", ">="}

// String returns the operator as Logs Insights writes it.
func (o CmpOp) String() string { return cmpNames[o] }

// Swap returns the comparison with its sides exchanged.
func (o CmpOp) Swap() CmpOp { return [...]CmpOp{Eq, Ne, Gt, Ge, Lt, Le}[o] }

// holds reports whether the comparison holds when the sides compare as c.
func (o CmpOp) holds(c int) bool {
	switch o {
	case Eq:
		return c == 0
	case Ne:
		return c != 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	}
	return c >= 0
}

// Holds reports whether "a op b" holds; the package comment has the rules.
func Holds(op CmpOp, a, b *Value) bool {
	if a.Kind == Null || b.Kind == Null || a.Kind == List || b.Kind == List {
		return op == Ne
	}
	if a.Kind == Text && b.Kind == Text {
		if op <= Ne {
			return bytes.Equal(a.Text, b.Text) == (op == Eq)
		}
		if x, ok := ParseNumber(a.Text); ok {
			if y, ok := ParseNumber(b.Text); ok {
				return op.holds(compareFloat(x, y))
			}
		}
		return op.holds(bytes.Compare(a.Text, b.Text))
	}
	x, ok1 := a.Float()
	y, ok2 := b.Float()
	if ok1 && ok2 {
		return op.holds(compareFloat(x, y))
	}
	if op <= Ne && (a.Kind == Bool || b.Kind == Bool) { // the text true against JSON true
		return bytes.Equal(a.Text, b.Text) == (op == Eq)
	}
	return op == Ne
}

func compareFloat(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// Order is the natural order of Logs Insights' sort, a total order of texts:
// Null first; then what is no number, cut into runs of digits and of other
// bytes, digit runs by length and then value, the rest by bytes; then numbers,
// equal ones by their text (ours).
func Order(a, b *Value) int {
	if a.Kind == Null || b.Kind == Null {
		return int(min(a.Kind, 1)) - int(min(b.Kind, 1))
	}
	x, ok1 := a.Float()
	y, ok2 := b.Float()
	switch {
	case ok1 && ok2:
		if c := compareFloat(x, y); c != 0 || a.Kind == b.Kind && (a.Kind == Number || a.Kind == Time) {
			return c
		}
		var m, n [32]byte
		return bytes.Compare(a.AppendText(m[:0]), b.AppendText(n[:0]))
	case ok1:
		return 1
	case ok2:
		return -1
	}
	return natural(a.Text, b.Text)
}

func natural(a, b []byte) int {
	for i, j := 0, 0; ; {
		if i == len(a) || j == len(b) {
			return (len(a) - i) - (len(b) - j)
		}
		d, e := digits(a[i:]), digits(b[j:])
		if d > 0 && e > 0 {
			if d != e {
				return d - e
			}
			if c := bytes.Compare(a[i:i+d], b[j:j+e]); c != 0 {
				return c
			}
			i, j = i+d, j+e
			continue
		}
		if a[i] != b[j] {
			return int(a[i]) - int(b[j])
		}
		i, j = i+1, j+1
	}
}

func digits(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// ArithOp is an arithmetic operator.
type ArithOp byte

// The operators are '+', '-', '*', '/', '%' and '^'.

// Arithmetic computes "a op b".
func Arithmetic(op ArithOp, a, b *Value) Value {
	x, ok1 := a.Float()
	y, ok2 := b.Float()
	if !ok1 || !ok2 {
		return Value{}
	}
	var f float64
	switch op {
	case '+':
		f = x + y
	case '-':
		f = x - y
	case '*':
		f = x * y
	case '/':
		f = x / y
	case '%':
		f = math.Mod(x, y)
	case '^':
		f = math.Pow(x, y)
	}
	if f == 0 {
		f = 0
	}
	return NumberValue(f)
}

// BinOf returns the start of the period of every ms that t lies in; periods
// are counted from the Unix epoch. every is positive.
func BinOf(t, every int64) int64 {
	r := t % every
	if r < 0 {
		r += every
	}
	return t - r
}
