package pattern

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// object reads a message that is a JSON object, once, and remembers the values
// of wanted paths. It is used by one goroutine at a time.
//
// The message may have white space around the object. Strings may hold any
// bytes; a backslash takes the next byte with it. Everything else is as RFC 8259
// has it.
type object struct {
	m    []byte
	pos  int
	open []bool // containers around pos: true for arrays
	key  []byte // memory for keys with escapes

	values []value // by slot: the last value that is no object
	exists []bool  // by slot: anything is there
}

// paths is a tree of the keys that selectors begin with.
type paths struct {
	name string
	slot int // -1: no selector ends here
	kids []*paths
}

func (p *paths) kid(name []byte) *paths {
	for _, k := range p.kids {
		if string(name) == k.name {
			return k
		}
	}
	return nil
}

// add returns the slot of a path of keys.
func (p *paths) add(keys Selector, slots *int) int {
	for _, k := range keys {
		next := p.kid([]byte(k.Name))
		if next == nil {
			next = &paths{name: k.Name, slot: -1}
			p.kids = append(p.kids, next)
		}
		p = next
	}
	if p.slot < 0 {
		p.slot = *slots
		*slots++
	}
	return p.slot
}

// read reads a message and reports whether it is a JSON object.
func (o *object) read(m []byte, want *paths, slots int) bool {
	o.m, o.pos = m, 0
	if cap(o.values) < slots {
		o.values, o.exists = make([]value, slots), make([]bool, slots)
	}
	o.values, o.exists = o.values[:slots], o.exists[:slots]
	clear(o.values)
	clear(o.exists)
	o.space()
	if o.pos == len(m) || m[o.pos] != '{' || !o.members(want) {
		return false
	}
	o.space()
	return o.pos == len(m)
}

func (o *object) space() {
	m, i := o.m, o.pos
	for i < len(m) && (m[i] == ' ' || m[i] == '\n' || m[i] == '\t' || m[i] == '\r') {
		i++
	}
	o.pos = i
}

// peek skips white space and returns the next byte, 0 at the end.
func (o *object) peek() byte {
	if o.pos < len(o.m) && o.m[o.pos] > ' ' {
		return o.m[o.pos]
	}
	o.space()
	if o.pos == len(o.m) {
		return 0
	}
	return o.m[o.pos]
}

// text reads the string at pos and returns what is between the quotes.
func (o *object) text() ([]byte, bool) {
	from := o.pos + 1
	for i := from; ; i++ {
		n := indexQuote(o.m[i:])
		if n < 0 {
			return nil, false
		}
		i += n
		back := i
		for back > from && o.m[back-1] == '\\' {
			back--
		}
		if (i-back)&1 == 0 {
			o.pos = i + 1
			return o.m[from:i], true
		}
	}
}

// indexQuote returns where the first quote stands, -1 when there is none. Most strings are so
// short that a call of bytes.IndexByte costs more than looking.
func indexQuote(m []byte) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(m) && i < 32; i += 8 {
		w := binary.LittleEndian.Uint64(m[i:]) ^ '"'*ones
		if zero := (w - ones) & ^w & high; zero != 0 {
			return i + bits.TrailingZeros64(zero)/8
		}
	}
	n := bytes.IndexByte(m[i:], '"')
	if n < 0 {
		return -1
	}
	return i + n
}

// members reads the object at pos.
func (o *object) members(want *paths) bool {
	o.pos++
	if o.peek() == '}' {
		o.pos++
		return true
	}
	for {
		if o.peek() != '"' {
			return false
		}
		key, ok := o.text()
		if !ok || o.peek() != ':' {
			return false
		}
		o.pos++
		if !o.member(want.kid(o.unescaped(key))) {
			return false
		}
		switch o.peek() {
		case ',':
			o.pos++
		case '}':
			o.pos++
			return true
		default:
			return false
		}
	}
}

func (o *object) unescaped(key []byte) []byte {
	if bytes.IndexByte(key, '\\') < 0 {
		return key
	}
	o.key = column.AppendUnescaped(o.key[:0], key)
	return o.key
}

// member reads a value, which want is about; nil: nothing of it matters.
func (o *object) member(want *paths) bool {
	if want == nil {
		_, ok := o.skip()
		return ok
	}
	if want.slot >= 0 {
		o.exists[want.slot] = true
	}
	if o.peek() == '{' && len(want.kids) > 0 {
		return o.members(want)
	}
	v, ok := o.skip()
	if ok && want.slot >= 0 && v.kind != objectValue {
		o.values[want.slot] = v
	}
	return ok
}

// skip reads a value without looking at what is in it.
func (o *object) skip() (value, bool) {
	o.open = o.open[:0]
	c := o.peek()
	from := o.pos
	v, ok := o.scalar(c)
	if v.kind != noValue || !ok {
		return v, ok
	}
	kind := objectValue
	if c == '[' {
		kind = arrayValue
	}
	for {
		// c opens a container.
		o.pos++
		o.open = append(o.open, c == '[')
		first := o.peek()
		closed := first == '}' && c == '{' || first == ']' && c == '['
		for {
			if closed {
				o.pos++
				o.open = o.open[:len(o.open)-1]
				if len(o.open) == 0 {
					return value{kind, o.m[from:o.pos]}, true
				}
				switch end := o.peek(); {
				case end == ',':
					o.pos++
					first, closed = o.peek(), false
				case end == '}' && !o.open[len(o.open)-1], end == ']' && o.open[len(o.open)-1]:
					continue
				default:
					return v, false
				}
			}
			list := o.open[len(o.open)-1]
			if !list {
				if first != '"' {
					return v, false
				}
				if _, ok := o.text(); !ok || o.peek() != ':' {
					return v, false
				}
				o.pos++
				first = o.peek()
			}
			if first == '{' || first == '[' {
				c = first
				break
			}
			if _, ok := o.scalar(first); !ok {
				return v, false
			}
			switch end := o.peek(); {
			case end == ',':
				o.pos++
				first = o.peek()
			case end == '}' && !list, end == ']' && list:
				closed = true
			default:
				return v, false
			}
		}
	}
}

// scalar reads the value that begins with c; of an array or object it reads
// nothing and returns noValue.
func (o *object) scalar(c byte) (value, bool) {
	switch {
	case c == '"':
		text, ok := o.text()
		return value{stringValue, text}, ok
	case c == '{' || c == '[':
		return value{}, true
	case c == 't':
		return o.literal("true", boolValue)
	case c == 'f':
		return o.literal("false", boolValue)
	case c == 'n':
		return o.literal("null", nullValue)
	case c == '-' || isDigit(c):
		return o.number()
	}
	return value{}, false
}

func (o *object) literal(text string, kind valueKind) (value, bool) {
	end := o.pos + len(text)
	if end > len(o.m) || string(o.m[o.pos:end]) != text {
		return value{}, false
	}
	v := value{kind, o.m[o.pos:end]}
	o.pos = end
	return v, true
}

func (o *object) number() (value, bool) {
	m, i := o.m, o.pos
	if m[i] == '-' {
		i++
	}
	digits := func() bool {
		from := i
		for i < len(m) && isDigit(m[i]) {
			i++
		}
		return i > from
	}
	switch {
	case i < len(m) && m[i] == '0':
		i++
	case !digits():
		return value{}, false
	}
	if i < len(m) && m[i] == '.' {
		i++
		if !digits() {
			return value{}, false
		}
	}
	if i < len(m) && m[i]|0x20 == 'e' {
		i++
		if i < len(m) && (m[i] == '+' || m[i] == '-') {
			i++
		}
		if !digits() {
			return value{}, false
		}
	}
	v := value{numberValue, m[o.pos:i]}
	o.pos = i
	return v, true
}

// walk calls visit for every value that steps lead to from v, a value that was
// read before. It stops when visit returns false. o is used for reading.
func (o *object) walk(v value, steps Selector, visit func(value) bool) bool {
	if len(steps) == 0 {
		return visit(v)
	}
	step := steps[0]
	if step.Elem != (v.kind == arrayValue) || !step.Elem && v.kind != objectValue {
		return true
	}
	m, pos := o.m, o.pos
	defer func() { o.m, o.pos = m, pos }()
	o.m, o.pos = v.text, 1
	for i := 0; ; i++ {
		if c := o.peek(); c == ']' || c == '}' {
			return true
		}
		wanted := step.Any || step.Elem && step.Index == i
		if !step.Elem {
			key, _ := o.text()
			wanted = step.Any || string(o.unescaped(key)) == step.Name
			o.peek()
			o.pos++
		}
		next, ok := o.skip()
		if !ok { // not what was read before
			return true
		}
		if wanted && !o.walk(next, steps[1:], visit) {
			return false
		}
		if step.Elem && !step.Any && i == step.Index {
			return true
		}
		if o.peek() == ',' {
			o.pos++
			o.peek()
		}
	}
}
