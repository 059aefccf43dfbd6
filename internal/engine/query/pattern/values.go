package pattern

import (
	"bytes"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Values returns what the pattern extracts of a message; ok is false when the
// message does not match. Terms and regular expressions extract nothing.
//
// A space-delimited pattern gives $name for fields with a name and $n for the
// others, n being the number of the token from 1. A JSON pattern gives the text
// of the values that its selectors without wildcards lead to, by selector;
// objects and null have none.
func (m *Matcher) Values(message []byte) (values map[string]string, ok bool) {
	if !m.Match(message) {
		return nil, false
	}
	values = map[string]string{}
	switch {
	case m.fields != nil:
		m.fields.values(message, func(name string, v []byte) { values[name] = string(v) })
	case m.json != nil:
		selectors(m.pattern.Cond, func(sel Selector) {
			if v := lookup(message, sel); v.scalar() || v.kind == arrayValue {
				text := v.text
				if v.kind == stringValue && bytes.IndexByte(text, '\\') >= 0 {
					text = column.AppendUnescaped(nil, text)
				}
				values[sel.String()] = strings.ToValidUTF8(string(text), "\uFFFD")
			}
		})
	}
	return values, true
}

// selectors calls yield for the selectors without wildcards of a condition.
func selectors(c Cond, yield func(Selector)) {
	one := func(s Selector) {
		for _, step := range s {
			if step.Any {
				return
			}
		}
		yield(s)
	}
	switch c := c.(type) {
	case *And:
		for _, k := range c.X {
			selectors(k, yield)
		}
	case *Or:
		for _, k := range c.X {
			selectors(k, yield)
		}
	case *Compare:
		one(c.Sel)
	case *Is:
		one(c.Sel)
	case *NotExists:
		one(c.Sel)
	}
}

// lookup returns the value that a selector without wildcards leads to in a JSON
// object.
func lookup(message []byte, sel Selector) value {
	root, slots := paths{slot: -1}, 0
	keys := sel.keys()
	slot := root.add(keys, &slots)
	var o object
	if !o.read(message, &root, slots) {
		return value{}
	}
	v := o.values[slot]
	if rest := sel[len(keys):]; len(rest) > 0 {
		last := value{}
		o.walk(v, rest, func(v value) bool {
			if v.kind != objectValue {
				last = v
			}
			return true
		})
		return last
	}
	return v
}
