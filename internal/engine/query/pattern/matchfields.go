package pattern

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"sync"
)

// fieldMatcher matches space-delimited patterns.
type fieldMatcher struct {
	gate     gate
	fields   []Field
	conds    []fieldCond // by field
	ellipsis int         // which field it is; -1: none
	least    int         // tokens
	most     int         // tokens that have to be known; more do not matter
	pool     sync.Pool   // *fieldScan
}

// fieldScan is what one match works with.
type fieldScan struct {
	tokens []Span
	buf    []byte
}

// fieldCond is a compiled condition of a field.
type fieldCond struct {
	op   jsonOp
	none bool // any token
	kids []fieldCond
	test *test
}

func newFieldMatcher(p *Pattern) *fieldMatcher {
	f := &fieldMatcher{gate: newGate(p.Need()), fields: p.Fields, ellipsis: -1, least: len(p.Fields), most: len(p.Fields)}
	for i := range p.Fields {
		f.conds = append(f.conds, compileField(p.Fields[i].Cond))
		if p.Fields[i].Kind == Ellipsis {
			f.ellipsis, f.least, f.most = i, len(p.Fields)-1, 1<<30
		}
	}
	if f.ellipsis == len(p.Fields)-1 && f.ellipsis >= 0 { // nothing is counted from the end
		f.most = f.least
	}
	f.pool.New = func() any { return new(fieldScan) }
	return f
}

func compileField(c Cond) fieldCond {
	all := func(op jsonOp, x []Cond) fieldCond {
		out := fieldCond{op: op}
		for _, k := range x {
			out.kids = append(out.kids, compileField(k))
		}
		return out
	}
	switch c := c.(type) {
	case *And:
		return all(opAnd, c.X)
	case *Or:
		return all(opOr, c.X)
	case *Compare:
		return fieldCond{op: opTest, test: newCompare(c)}
	}
	return fieldCond{none: true}
}

func (c *fieldCond) holds(token []byte, buf *[]byte) bool {
	if c.none {
		return true
	}
	switch c.op {
	case opAnd:
		for i := range c.kids {
			if !c.kids[i].holds(token, buf) {
				return false
			}
		}
		return true
	case opOr:
		for i := range c.kids {
			if c.kids[i].holds(token, buf) {
				return true
			}
		}
		return false
	}
	return c.test.holds(value{tokenValue, token}, buf)
}

func (f *fieldMatcher) match(m []byte) bool {
	if !f.gate.open(m) {
		return false
	}
	s := f.pool.Get().(*fieldScan)
	s.tokens = tokens(m, s.tokens[:0], f.most)
	ok := f.holds(m, s)
	f.pool.Put(s)
	return ok
}

func (f *fieldMatcher) holds(m []byte, s *fieldScan) bool {
	if len(s.tokens) < f.least {
		return false
	}
	for i := range f.conds {
		if c := &f.conds[i]; !c.none {
			at := s.tokens[f.token(i, len(s.tokens))]
			if !c.holds(m[at.Start:at.End], &s.buf) {
				return false
			}
		}
	}
	return true
}

// token returns which of n tokens field i is.
func (f *fieldMatcher) token(i, n int) int {
	if f.ellipsis >= 0 && i > f.ellipsis {
		return n - (len(f.fields) - i)
	}
	return i
}

// values calls yield for what a line that matches gives: $name for fields with a
// name, $n for others, n being the number of the token from 1.
func (f *fieldMatcher) values(m []byte, yield func(name string, value []byte)) {
	all := tokens(m, nil, 1<<30)
	n := len(all)
	if f.ellipsis < 0 && len(f.fields) > 0 {
		n = min(n, len(f.fields))
	}
	names := make([]string, n)
	for i := range f.fields {
		if f.fields[i].Kind == Named {
			names[f.token(i, n)] = f.fields[i].Name
		}
	}
	for i, name := range names {
		if name == "" {
			name = strconv.Itoa(i + 1)
		}
		yield("$"+name, m[all[i].Start:all[i].End])
	}
}

// tokens appends the tokens of a line to dst, at most some. White space separates
// them; text in brackets or in double quotes is one, without them, and goes to the
// end of the line when it is not closed.
func tokens(m []byte, dst []Span, most int) []Span {
	for i := 0; len(dst) < most; {
		for i < len(m) && isBlankByte(m[i]) {
			i++
		}
		if i == len(m) {
			break
		}
		from := i
		switch m[i] {
		case '[':
			from++
			n := bytes.IndexByte(m[from:], ']')
			if n < 0 {
				return append(dst, Span{from, len(m)})
			}
			i = from + n + 1
			dst = append(dst, Span{from, i - 1})
			continue
		case '"':
			from++
			for i = from; i < len(m) && m[i] != '"'; i++ {
				if m[i] == '\\' && i+1 < len(m) {
					i++
				}
			}
			if i >= len(m) {
				return append(dst, Span{from, len(m)})
			}
			dst = append(dst, Span{from, i})
			i++
			continue
		}
		i = endOfWord(m, i)
		dst = append(dst, Span{from, i})
	}
	return dst
}

// endOfWord returns where the next blank byte stands from i on, or the end.
func endOfWord(m []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for {
		// Eight bytes at a time, as long as none is below '!'.
		for ; i+8 <= len(m); i += 8 {
			w := binary.LittleEndian.Uint64(m[i:])
			if low := (w - '!'*ones) & ^w & high; low != 0 {
				i += bits.TrailingZeros64(low) / 8
				break
			}
		}
		for end := min(i+8, len(m)); i < end; i++ {
			if isBlankByte(m[i]) {
				return i
			}
		}
		if i == len(m) {
			return i
		}
	}
}

func isBlankByte(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
