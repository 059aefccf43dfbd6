package function

import (
	"bytes"
	"math"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// findInSet is the place, from 1, of a text in a list that is separated by commas.
func findInSet(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	set, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.Value{}
	}
	if bytes.IndexByte(t, ',') >= 0 {
		return plan.NumberValue(0)
	}
	for n := 1; ; n++ {
		one, rest, more := bytes.Cut(set, []byte{','})
		if bytes.Equal(one, t) {
			return plan.NumberValue(float64(n))
		}
		if set = rest; !more {
			return plan.NumberValue(0)
		}
	}
}

// locate is the place, from 1, of a text in another, 0 when it is not there. what
// and in are the arguments; a third one is where to begin.
func locate(what, in int) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		sub, ok := textOf(&args[what], a)
		t, ok1 := textOf(&args[in], a)
		if !ok || !ok1 {
			return plan.Value{}
		}
		start := 1
		if len(args) == 3 {
			if start, ok = whole(&args[2]); !ok {
				return plan.Value{}
			}
		}
		if start < 1 {
			return plan.NumberValue(0)
		}
		from := runes(t, start-1)
		at := bytes.Index(t[from:], sub)
		if at < 0 || start-1 > utf8.RuneCount(t) {
			return plan.NumberValue(0)
		}
		return plan.NumberValue(float64(start + utf8.RuneCount(t[from:from+at])))
	}
}

func left(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	n, ok1 := whole(&args[1])
	if !ok || !ok1 {
		return plan.Value{}
	}
	return text(t[:runes(t, n)])
}

func right(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	n, ok1 := whole(&args[1])
	if !ok || !ok1 {
		return plan.Value{}
	}
	return text(t[runes(t, utf8.RuneCount(t)-max(n, 0)):])
}

// substring takes characters from a place, counted from 1, or from the end when
// it is negative.
func substring(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	pos, ok1 := whole(&args[1])
	n := math.MaxInt32
	if len(args) == 3 {
		var ok2 bool
		n, ok2 = whole(&args[2])
		ok1 = ok1 && ok2
	}
	if !ok || !ok1 {
		return plan.Value{}
	}
	start := pos - 1
	switch {
	case pos == 0:
		start = 0
	case pos < 0:
		start = utf8.RuneCount(t) + pos
	}
	end := start + min(max(n, 0), math.MaxInt32)
	t = t[:runes(t, end)]
	return text(t[runes(t, start):])
}

// substringIndex is what stands before the nth delimiter, or behind the nth from
// the end.
func substringIndex(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	sep, ok1 := textOf(&args[1], a)
	n, ok2 := whole(&args[2])
	if !ok || !ok1 || !ok2 {
		return plan.Value{}
	}
	if n == 0 || len(sep) == 0 {
		return text(t[:0])
	}
	if n > 0 {
		at := 0
		for ; n > 0; n-- {
			i := bytes.Index(t[at:], sep)
			if i < 0 {
				return text(t)
			}
			if n == 1 {
				return text(t[:at+i])
			}
			at += i + len(sep)
		}
	}
	end := len(t)
	for ; n < 0; n++ {
		i := bytes.LastIndex(t[:end], sep)
		if i < 0 {
			return text(t)
		}
		end = i
	}
	return text(t[end+len(sep):])
}

// splitPart is the nth part between delimiters, from the end when n is negative;
// nothing when there are fewer.
func splitPart(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	sep, ok1 := textOf(&args[1], a)
	n, ok2 := whole(&args[2])
	if !ok || !ok1 || !ok2 || n == 0 {
		return plan.Value{}
	}
	if len(sep) == 0 {
		if n == 1 || n == -1 {
			return text(t)
		}
		return text(t[:0])
	}
	for ; n < -1; n++ {
		i := bytes.LastIndex(t, sep)
		if i < 0 {
			return text(t[:0])
		}
		t = t[:i]
	}
	if n == -1 {
		if i := bytes.LastIndex(t, sep); i >= 0 {
			t = t[i+len(sep):]
		}
		return text(t)
	}
	for ; n > 1; n-- {
		i := bytes.Index(t, sep)
		if i < 0 {
			return text(t[:0])
		}
		t = t[i+len(sep):]
	}
	if i := bytes.Index(t, sep); i >= 0 {
		t = t[:i]
	}
	return text(t)
}

// overlay replaces characters from a place, counted from 1, by a text: as many as
// it has when no length is said.
func overlay(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	by, ok1 := textOf(&args[1], a)
	pos, ok2 := whole(&args[2])
	n := -1
	if len(args) == 4 {
		var ok3 bool
		n, ok3 = whole(&args[3])
		ok2 = ok2 && ok3
	}
	if !ok || !ok1 || !ok2 {
		return plan.Value{}
	}
	if n < 0 {
		n = utf8.RuneCount(by)
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, t[:runes(t, pos-1)]...)
	a.Bytes = append(a.Bytes, by...)
	a.Bytes = append(a.Bytes, t[runes(t, pos-1+min(n, math.MaxInt32)):]...)
	return made(a, from)
}
