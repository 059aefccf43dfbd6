package discover

import (
	"bytes"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// maxTries bounds the places where a JSON object is looked for.
const maxTries = 16

// fragment returns the first JSON object in a text.
func fragment(m []byte) []byte {
	for range maxTries {
		at := bytes.IndexByte(m, '{')
		if at < 0 {
			return nil
		}
		m = m[at:]
		if end, ok := jsontext.Value(m, 0); ok && end > 2 {
			return m[:end:end]
		}
		m = m[1:]
	}
	return nil
}

// Embedded returns a field of the first JSON object in a message, Null when there
// is none.
func Embedded(message []byte, name string, a *plan.Arena) plan.Value {
	object := fragment(message)
	if object == nil {
		return plan.Value{}
	}
	if len(name) > 1 && name[0] == '@' {
		if name[1] != '@' {
			return plan.Value{}
		}
		name = name[1:]
	}
	return scalar(find(object, name, 0, a), a)
}

// maxNested bounds how deep fields are looked for.
const maxNested = 100

// find returns the piece of JSON that a flattened name leads to.
func find(at []byte, name string, depth int, a *plan.Arena) []byte {
	if depth > maxNested {
		return nil
	}
	var found []byte
	it := jsontext.Of(at)
	if it.Array() {
		n, rest, ok := index(name)
		for ok && it.Next() {
			if it.Index == n {
				return inside(it.Value, rest, depth, a)
			}
		}
		return nil
	}
	mark := len(a.Bytes)
	for it.Next() {
		key := it.Key
		if bytes.IndexByte(key, '\\') >= 0 {
			a.Bytes = column.AppendUnescaped(a.Bytes[:mark], key)
			key = a.Bytes[mark:]
		}
		if len(name) < len(key) || name[:len(key)] != string(key) {
			continue
		}
		rest := name[len(key):]
		if rest != "" {
			if rest[0] != '.' || len(rest) == 1 {
				continue
			}
			rest = rest[1:]
		}
		if v := inside(it.Value, rest, depth, a); v != nil {
			found = v
		}
	}
	a.Bytes = a.Bytes[:mark]
	return found
}

// inside returns what a name leads to from a value; "" is the value itself.
func inside(v []byte, name string, depth int, a *plan.Arena) []byte {
	if name == "" {
		return v
	}
	if v[0] != '{' && v[0] != '[' {
		return nil
	}
	return find(v, name, depth+1, a)
}

// index cuts the number off that a name begins with.
func index(name string) (n int, rest string, ok bool) {
	i := 0
	for i < len(name) && i < 9 && name[i]-'0' <= 9 {
		n = n*10 + int(name[i]-'0')
		i++
	}
	switch {
	case i == 0 || i > 1 && name[0] == '0':
		return 0, "", false
	case i == len(name):
		return n, "", true
	case name[i] != '.' || i+1 == len(name):
		return 0, "", false
	}
	return n, name[i+1:], true
}

// scalar returns the value of a piece of JSON; an object is Null.
func scalar(b []byte, a *plan.Arena) plan.Value {
	if len(b) == 0 {
		return plan.Value{}
	}
	switch b[0] {
	case '{', 'n':
		return plan.Value{}
	case '[':
		return plan.Value{Kind: plan.List, Text: b}
	case 't':
		return plan.Value{Kind: plan.Bool, Num: 1, Text: b}
	case 'f':
		return plan.Value{Kind: plan.Bool, Text: b}
	case '"':
		t := b[1 : len(b)-1 : len(b)-1]
		if bytes.IndexByte(t, '\\') >= 0 {
			from := len(a.Bytes)
			a.Bytes = column.AppendUnescaped(a.Bytes, t)
			t = a.Text(from)
		}
		return plan.Value{Kind: plan.Text, Text: t}
	}
	return word(b)
}

// embeddedFields lists the leaves of the first JSON object, left at most.
func embeddedFields(m []byte, left int, yield func(name []byte, v *plan.Value)) {
	object := fragment(m)
	if object == nil {
		return
	}
	l := leaves{left: left, yield: yield}
	l.walk(object, 0)
}

// leaves are the scalars of a piece of JSON by their flattened names.
type leaves struct {
	name  []byte
	arena plan.Arena
	left  int
	yield func(name []byte, v *plan.Value)
}

func (l *leaves) walk(at []byte, depth int) {
	from := len(l.name)
	for it := jsontext.Of(at); it.Next() && l.left > 0 && depth < maxNested; {
		l.name = l.name[:from]
		if depth > 0 {
			l.name = append(l.name, '.')
		}
		if it.Array() {
			l.name = strconv.AppendInt(l.name, int64(it.Index), 10)
		} else {
			if depth == 0 && len(it.Key) > 0 && it.Key[0] == '@' {
				l.name = append(l.name, '@')
			}
			l.name = column.AppendUnescaped(l.name, it.Key)
		}
		if c := it.Value[0]; c == '{' || c == '[' {
			l.walk(it.Value, depth+1)
			continue
		}
		l.arena.Bytes = l.arena.Bytes[:0]
		if v := scalar(it.Value, &l.arena); v.Kind != plan.Null {
			l.yield(l.name, &v)
			l.left--
		}
	}
	l.name = l.name[:from]
}
