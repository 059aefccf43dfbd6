package function

import (
	"bytes"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var texts = []*plan.Function{
	fixed("strlen", 1, strlen),
	fixed("tolower", 1, cased(bytes.ToLower, 'A', 'Z')),
	fixed("toupper", 1, cased(bytes.ToUpper, 'a', 'z')),
	predicate("isempty", 1, isEmpty),
	predicate("isblank", 1, isBlank),
	anyNumber("concat", true, concat),
	between("trim", 1, 2, trim(bytes.TrimSpace, bytes.Trim)),
	between("ltrim", 1, 2, trim(trimLeft, bytes.TrimLeft)),
	between("rtrim", 1, 2, trim(trimRight, bytes.TrimRight)),
	between("substr", 2, 3, substr),
	fixed("replace", 3, replace),
	asPredicate(between("strcontains", 2, 3, strContains)),
	predicate("startswith", 2, related(bytes.HasPrefix)),
	predicate("endswith", 2, related(bytes.HasSuffix)),
}

func strlen(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(float64(utf8.RuneCount(t)))
}

// cased changes the case of letters; from and to are the ASCII ones it changes.
func cased(f func([]byte) []byte, from, to byte) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		at := len(a.Bytes)
		for _, c := range t {
			if c >= utf8.RuneSelf {
				a.Bytes = append(a.Bytes[:at], f(t)...)
				break
			}
			if c >= from && c <= to {
				c ^= 0x20
			}
			a.Bytes = append(a.Bytes, c)
		}
		return made(a, at)
	}
}

func isEmpty(args []plan.Value, _ *plan.Arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(v.Text) == 0)
}

func isBlank(args []plan.Value, _ *plan.Arena) plan.Value {
	v := &args[0]
	return plan.BoolValue(v.Kind == plan.Null || v.Kind == plan.Text && len(bytes.TrimSpace(v.Text)) == 0)
}

// concat joins texts; Null counts as empty.
func concat(args []plan.Value, a *plan.Arena) plan.Value {
	at := len(a.Bytes)
	for i := range args {
		if a.Bytes = args[i].AppendText(a.Bytes); full(a, at) {
			break
		}
	}
	return made(a, at)
}

func trimLeft(t []byte) []byte { return bytes.TrimLeftFunc(t, isSpace) }

func trimRight(t []byte) []byte { return bytes.TrimRightFunc(t, isSpace) }

// trim removes white space, or any of the characters of the second argument.
func trim(space func([]byte) []byte, chars func([]byte, string) []byte) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		if len(args) == 1 {
			return text(space(t))
		}
		set, ok := textOf(&args[1], a)
		if !ok {
			return plan.Value{}
		}
		return text(chars(t, view(set)))
	}
}

// substr returns what follows a number of characters, at most a number of them.
// Negative numbers are Null (ours).
func substr(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	start, ok1 := whole(&args[1])
	if !ok || !ok1 || start < 0 {
		return plan.Value{}
	}
	t = t[runes(t, start):]
	if len(args) == 3 {
		n, ok := whole(&args[2])
		if !ok || n < 0 {
			return plan.Value{}
		}
		t = t[:runes(t, n)]
	}
	return text(t)
}

// runes returns the length of the first n characters of a text in bytes.
func runes(t []byte, n int) int {
	i := 0
	for ; n > 0 && i < len(t); n-- {
		if t[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(t[i:])
		i += size
	}
	return i
}

// replace replaces every occurrence; that of nothing is none.
func replace(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	find, ok1 := textOf(&args[1], a)
	by, ok2 := textOf(&args[2], a)
	if !ok || !ok1 || !ok2 {
		return plan.Value{}
	}
	if len(find) == 0 {
		return text(t)
	}
	at := bytes.Index(t, find)
	if at < 0 {
		return text(t)
	}
	from := len(a.Bytes)
	for at >= 0 && !full(a, from) {
		a.Bytes = append(append(a.Bytes, t[:at]...), by...)
		t = t[at+len(find):]
		at = bytes.Index(t, find)
	}
	a.Bytes = append(a.Bytes, t...)
	return made(a, from)
}

// related holds when two texts are in a relation.
func related(f func(t, of []byte) bool) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		of, ok1 := textOf(&args[1], a)
		return plan.BoolValue(ok && ok1 && f(t, of))
	}
}

// strContains holds when a text contains another; a third argument that holds
// makes letters equal whatever their case.
func strContains(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	of, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.BoolValue(false)
	}
	if len(args) == 3 && args[2].True() {
		return plan.BoolValue(containsFold(t, of, a))
	}
	return plan.BoolValue(bytes.Contains(t, of))
}
