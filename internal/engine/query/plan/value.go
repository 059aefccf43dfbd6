package plan

import (
	"bytes"
	"math"
	"strconv"
	"unsafe"
)

// ValueKind is the kind of a Value.
type ValueKind uint8

// The kinds.
const (
	Null   ValueKind = iota
	Number           // Num: computed, or an integer that is exact in it
	Raw              // a JSON number: Num, and Text as it was written
	Bool             // JSON true or false: Num is 1 or 0, Text as written
	Text             // Text
	Time             // Num: ms since the Unix epoch
	List             // Text: a JSON array or object as written
)

// Value is one cell. Who hands one out says how long Text is valid.
type Value struct {
	Kind ValueKind
	Num  float64
	Text []byte
}

// NumberValue returns a computed number; one that is not finite is Null.
func NumberValue(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Value{}
	}
	return Value{Kind: Number, Num: f}
}

// BoolValue returns the result of a predicate as a number, 1 or 0.
func BoolValue(b bool) Value {
	if b {
		return Value{Kind: Number, Num: 1}
	}
	return Value{Kind: Number}
}

// TextValue returns a text.
func TextValue(s string) Value { return Value{Kind: Text, Text: []byte(s)} }

// Float returns the number that a value is or that its text is nothing but.
func (v *Value) Float() (float64, bool) {
	switch v.Kind {
	case Number, Raw, Bool, Time:
		return v.Num, true
	case Text:
		return ParseNumber(v.Text)
	}
	return 0, false
}

// AppendText appends the text of a value: as it was written, else the shortest
// decimal number that is the value (no exponent below 1e21); a Time in ms.
// Null is empty.
func (v *Value) AppendText(dst []byte) []byte {
	switch v.Kind {
	case Number, Time:
		return AppendNumber(dst, v.Num)
	case Null:
		return dst
	}
	return append(dst, v.Text...)
}

// True reports whether a value holds as a filter.
func (v *Value) True() bool {
	if f, ok := v.Float(); ok {
		return f != 0
	}
	return v.Kind == Text && string(v.Text) == "true"
}

// Clone returns a value that shares no memory with v.
func (v *Value) Clone() Value {
	return Value{Kind: v.Kind, Num: v.Num, Text: bytes.Clone(v.Text)}
}

// AppendNumber appends the shortest text of a number that is not infinite.
func AppendNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	if a := math.Abs(f); a >= 1e21 || a < 1e-6 {
		return strconv.AppendFloat(dst, f, 'g', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// maxNumber bounds the text of a number; anything longer is text.
const maxNumber = 400

// ParseNumber returns the number that b is nothing but: an optional '-', digits
// (leading zeros allowed), an optional fraction and exponent, and a finite value.
func ParseNumber(b []byte) (float64, bool) {
	i, n := 0, len(b)
	if n == 0 || n > maxNumber {
		return 0, false
	}
	neg := b[0] == '-'
	if neg {
		i++
	}
	var m uint64
	from := i
	for i < n && b[i]-'0' <= 9 {
		if i-from < 18 {
			m = m*10 + uint64(b[i]-'0')
		}
		i++
	}
	digits := i - from
	if digits == 0 {
		return 0, false
	}
	scale := 0
	if i < n && b[i] == '.' {
		i++
		at := i
		for i < n && b[i]-'0' <= 9 {
			if digits < 18 {
				m = m*10 + uint64(b[i]-'0')
			}
			digits++
			i++
		}
		if scale = i - at; scale == 0 {
			return 0, false
		}
	}
	// Both numbers are exact in a double, so their quotient is rounded once.
	if i == n && digits <= 18 && m <= 1<<53 && scale <= 22 {
		f := float64(m) / pow10[scale]
		if neg && f != 0 {
			f = -f
		}
		return f, true
	}
	if i < n && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < n && (b[i] == '+' || b[i] == '-') {
			i++
		}
		at := i
		for i < n && b[i]-'0' <= 9 {
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
	if err != nil {
		return 0, false
	}
	if f == 0 {
		f = 0 // not the negative one
	}
	return f, true
}

var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// AppendDecimal appends n/10^scale with exactly scale digits after the point,
// as column.Fixed means it.
func AppendDecimal(dst []byte, n int64, scale uint8) []byte {
	if scale == 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	u := uint64(n)
	if n < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var buf [288]byte
	at := len(buf)
	for i := 0; u > 0 || i <= int(scale); i++ {
		if i == int(scale) {
			at--
			buf[at] = '.'
		}
		at--
		buf[at] = byte('0' + u%10)
		u /= 10
	}
	return append(dst, buf[at:]...)
}

// Decimal returns the double nearest to n/10^scale: what ParseNumber returns
// for the text of AppendDecimal. It does not decrease when n grows.
func Decimal(n int64, scale uint8) float64 {
	if scale == 0 {
		return float64(n)
	}
	if n <= 1<<53 && n >= -1<<53 && int(scale) < len(pow10) {
		return float64(n) / pow10[scale]
	}
	var buf [300]byte
	f, ok := ParseNumber(AppendDecimal(buf[:0], n, scale))
	if !ok {
		return 0
	}
	return f
}
