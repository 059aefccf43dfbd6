package function

import (
	"math"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// textOf returns the text of a value, made in the arena if need be; ok is false
// for Null and lists.
func textOf(v *plan.Value, a *plan.Arena) (t []byte, ok bool) {
	switch v.Kind {
	case plan.Null, plan.List:
		return nil, false
	case plan.Number, plan.Time:
		from := len(a.Bytes)
		a.Bytes = v.AppendText(a.Bytes)
		return a.Text(from), true
	}
	return v.Text, true
}

// made returns the text that was appended to the arena since from, cut to what
// one call may make.
func made(a *plan.Arena, from int) plan.Value {
	if len(a.Bytes)-from > plan.MaxMade {
		a.Bytes = a.Bytes[:from+plan.MaxMade]
	}
	return plan.Value{Kind: plan.Text, Text: a.Text(from)}
}

// full reports whether a call that began at from has made all it may.
func full(a *plan.Arena, from int) bool { return len(a.Bytes)-from > plan.MaxMade }

// text returns a text that shares memory with an argument.
func text(t []byte) plan.Value { return plan.Value{Kind: plan.Text, Text: t[:len(t):len(t)]} }

// madeList is made for a JSON array or object; one that is too long is Null.
func madeList(a *plan.Arena, from int) plan.Value {
	if full(a, from) {
		a.Bytes = a.Bytes[:from]
		return plan.Value{}
	}
	return plan.Value{Kind: plan.List, Text: a.Text(from)}
}

// view returns the bytes as a string that is valid as long as they are not changed.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// whole returns the integer that a value is, rounded towards zero; false when it
// is no number or not exact in a double.
func whole(v *plan.Value) (int, bool) {
	f, ok := v.Float()
	if !ok || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int(f), true
}

// millis returns the time that a value is, in ms.
func millis(v *plan.Value) (int64, bool) {
	f, ok := v.Float()
	if !ok || math.Abs(f) > maxTime {
		return 0, false
	}
	return int64(math.Floor(f)), true
}

// maxTime bounds times, in ms: the year 9999 and a little more.
const maxTime = 1 << 48

// timeValue returns a time; Null when it is out of bounds.
func timeValue(ms int64) plan.Value {
	if ms > maxTime || ms < -maxTime {
		return plan.Value{}
	}
	return plan.Value{Kind: plan.Time, Num: float64(ms)}
}

// fromJSON returns the value that a piece of JSON is, as written and without
// white space around it. A string with escapes is made in the arena.
func fromJSON(b []byte, a *plan.Arena) plan.Value {
	if len(b) == 0 {
		return plan.Value{}
	}
	switch b[0] {
	case '{', '[':
		return plan.Value{Kind: plan.List, Text: b}
	case 'n':
		return plan.Value{}
	case 't':
		return plan.Value{Kind: plan.Bool, Num: 1, Text: b}
	case 'f':
		return plan.Value{Kind: plan.Bool, Text: b}
	case '"':
		return text(unquoted(b[1:len(b)-1], a))
	}
	f, ok := plan.ParseNumber(b)
	if !ok {
		return text(b)
	}
	return plan.Value{Kind: plan.Raw, Num: f, Text: b}
}

// unquoted returns what a JSON string means whose bytes between the quotes are s.
func unquoted(s []byte, a *plan.Arena) []byte {
	for _, c := range s {
		if c == '\\' {
			from := len(a.Bytes)
			a.Bytes = column.AppendUnescaped(a.Bytes, s)
			return a.Text(from)
		}
	}
	return s
}

// appendJSON appends a value as JSON.
func appendJSON(dst []byte, v *plan.Value) []byte {
	switch v.Kind {
	case plan.Null:
		return append(dst, "null"...)
	case plan.Text:
		return jsontext.Quote(dst, v.Text)
	}
	return v.AppendText(dst)
}
