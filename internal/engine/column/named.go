package column

import (
	"bytes"
	"slices"
	"strings"
)

// maxNested bounds the objects and arrays in one another that Find looks into.
const maxNested = 64

// Find returns the value of a field of a JSON object or array by the name that
// users write, as the value is written: the keys and the indexes of arrays that
// lead to it, joined by '.'. As keys may hold dots themselves, several paths can
// have one name: the first path in doc that has a value other than null wins, and
// of a path that is repeated the last value. An object has no value. Where doc is
// not one object or array, with white space around it at most, nothing is found.
func Find(doc []byte, name string) (value []byte, ok bool) {
	f := finder{b: doc}
	i := f.space(0)
	if i == len(doc) || doc[i] != '{' && doc[i] != '[' {
		return nil, false
	}
	if i = f.container(i, name, 0); i < 0 || f.space(i) != len(doc) {
		return nil, false
	}
	return f.value, f.value != nil
}

// finder is one Find. Paths that have the name differ in where they cut it: path has
// how much of the name is left after each key.
type finder struct {
	b     []byte
	path  [maxNested]int
	first []int // of the value
	value []byte
}

// container looks for what is left of the name in the object or array that
// begins at i, and returns its end; -1: it has none.
func (f *finder) container(i int, name string, depth int) int {
	if depth == maxNested {
		return -1
	}
	object := f.b[i] == '{'
	closer := f.b[i] + 2
	i = f.space(i + 1)
	if i < len(f.b) && f.b[i] == closer {
		return i + 1
	}
	for index := 0; ; index++ {
		var left string
		var leads bool
		if object {
			if i >= len(f.b) || f.b[i] != '"' {
				return -1
			}
			end := f.stringEnd(i + 1)
			if end < 0 {
				return -1
			}
			left, leads = cutKey(name, f.b[i+1:end])
			if i = f.space(end + 1); i >= len(f.b) || f.b[i] != ':' {
				return -1
			}
			i = f.space(i + 1)
		} else {
			left, leads = cutIndex(name, index)
		}
		if i >= len(f.b) {
			return -1
		}
		from, inside := i, f.b[i] == '{' || f.b[i] == '['
		f.path[depth] = len(left)
		if leads && left != "" && inside {
			i = f.container(i, left[1:], depth+1)
		} else {
			i = f.valueEnd(i)
		}
		if i < 0 {
			return -1
		}
		if leads && left == "" {
			f.offer(f.path[:depth+1], f.b[from:i:i])
		}
		i = f.space(i)
		switch {
		case i >= len(f.b):
			return -1
		case f.b[i] == closer:
			return i + 1
		case f.b[i] != ',':
			return -1
		}
		i = f.space(i + 1)
	}
}

func (f *finder) offer(path []int, value []byte) {
	switch {
	case value[0] == '{':
	case f.value != nil:
		if slices.Equal(path, f.first) {
			f.value = value
		}
	case string(value) != "null":
		f.value, f.first = value, slices.Clone(path)
	}
}

// cutKey returns what is left of a name after a key that is written as raw; false
// when the key does not lead to it.
func cutKey(name string, raw []byte) (left string, leads bool) {
	if bytes.IndexByte(raw, '\\') >= 0 {
		raw = AppendUnescaped(nil, raw)
	}
	if len(name) < len(raw) || name[:len(raw)] != string(raw) {
		return "", false
	}
	left = name[len(raw):]
	return left, left == "" || left[0] == '.'
}

// cutIndex is cutKey for an element of an array.
func cutIndex(name string, index int) (left string, leads bool) {
	n := strings.IndexByte(name, '.')
	if n < 0 {
		n = len(name)
	}
	if n == 0 || n > 9 || n > 1 && name[0] == '0' {
		return "", false
	}
	want := 0
	for _, c := range []byte(name[:n]) {
		if c-'0' > 9 {
			return "", false
		}
		want = want*10 + int(c-'0')
	}
	return name[n:], want == index
}

func (f *finder) space(i int) int {
	for i < len(f.b) && (f.b[i] == ' ' || f.b[i] == '\t' || f.b[i] == '\n' || f.b[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns where the quote is that ends the string whose content begins
// at i; -1: nowhere.
func (f *finder) stringEnd(i int) int {
	for i < len(f.b) {
		n := bytes.IndexByte(f.b[i:], '"')
		if n < 0 {
			return -1
		}
		escape := bytes.IndexByte(f.b[i:i+n], '\\')
		if escape < 0 {
			return i + n
		}
		i += escape + 2
	}
	return -1
}

// valueEnd returns the end of the value at i; -1: there is none. It looks at the
// structure of objects and arrays only as far as it needs to find their ends.
func (f *finder) valueEnd(i int) int {
	depth := 0
	for i < len(f.b) {
		switch c := f.b[i]; {
		case c == '"':
			if i = f.stringEnd(i + 1); i < 0 {
				return -1
			}
			i++
		case c == '{', c == '[':
			depth++
			i++
		case c == '}', c == ']':
			if depth--; depth < 0 {
				return -1
			}
			i++
		case depth > 0:
			i++
			continue
		default:
			return f.scalarEnd(i)
		}
		if depth == 0 {
			return i
		}
	}
	return -1
}

func (f *finder) scalarEnd(i int) int {
	from := i
	for i < len(f.b) && (f.b[i]|0x20 >= 'a' && f.b[i]|0x20 <= 'z' || f.b[i]-'0' <= 9 || f.b[i] == '-' || f.b[i] == '+' || f.b[i] == '.') {
		i++
	}
	switch t := f.b[from:i]; {
	case len(t) == 0:
		return -1
	case t[0]-'0' <= 9, len(t) > 1 && t[0] == '-' && t[1]-'0' <= 9:
		if isNumber(t) {
			return i
		}
	case string(t) == "true", string(t) == "false", string(t) == "null":
		return i
	}
	return -1
}

// isNumber reports whether t, which begins as one, is a JSON number.
func isNumber(t []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(t) && t[n]-'0' <= 9 {
			n++
		}
		t = t[n:]
		return n > 0
	}
	if t[0] == '-' {
		t = t[1:]
	}
	if t[0] == '0' && len(t) > 1 && t[1]-'0' <= 9 || !digits() {
		return false
	}
	if len(t) > 0 && t[0] == '.' {
		if t = t[1:]; !digits() {
			return false
		}
	}
	if len(t) > 0 && t[0]|0x20 == 'e' {
		if t = t[1:]; len(t) > 0 && (t[0] == '+' || t[0] == '-') {
			t = t[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(t) == 0
}
