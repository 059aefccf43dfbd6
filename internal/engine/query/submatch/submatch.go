package submatch

import (
	"bytes"
	"regexp"
	"unicode/utf8"
)

// Pattern is a regular expression made ready. It is never changed.
type Pattern struct {
	re   *regexp.Regexp
	prog []op // nil: only regexp knows it
	caps int  // 2 for the match and 2 for each group

	anchored bool       // matches begin at the start of the text only
	prefix   []byte     // matches begin with it
	first    *[256]bool // matches begin with one of these; nil: with any, or empty
}

// New makes an expression ready.
func New(re *regexp.Regexp) *Pattern {
	p := &Pattern{re: re, caps: 2 * (re.NumSubexp() + 1)}
	p.compile(re.String())
	return p
}

// Fast reports whether matches are found without regexp, as long as texts are ASCII.
func (p *Pattern) Fast() bool { return p.prog != nil }

// Finder finds matches of a Pattern. It belongs to one goroutine.
type Finder struct {
	p     *Pattern
	caps  []int
	stack []choice
	steps int
}

// Finder returns a new Finder.
func (p *Pattern) Finder() *Finder { return &Finder{p: p, caps: make([]int, p.caps)} }

// Find returns the places of the first match, as regexp's FindSubmatchIndex, nil
// when there is none. They are valid until the next call.
func (f *Finder) Find(text []byte) []int {
	if f.p.prog == nil || !ascii(text) {
		return f.p.re.FindSubmatchIndex(text)
	}
	f.steps = 256 + 16*len(text)
	for start := 0; ; start++ {
		if start = f.p.next(text, start); start < 0 {
			return nil
		}
		if f.match(text, start) {
			return f.caps
		}
		if f.steps < 0 {
			return f.p.re.FindSubmatchIndex(text)
		}
	}
}

// next returns the first place from start on where a match can begin, or -1.
func (p *Pattern) next(text []byte, start int) int {
	switch {
	case start > len(text) || p.anchored && start > 0:
		return -1
	case p.prefix != nil:
		n := bytes.Index(text[start:], p.prefix)
		if n < 0 {
			return -1
		}
		return start + n
	case p.first != nil:
		for i, c := range text[start:] {
			if p.first[c] {
				return start + i
			}
		}
		return -1
	}
	return start
}

func ascii(b []byte) bool {
	for len(b) >= 8 {
		if (uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|
			uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56)&0x8080808080808080 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// maxStack bounds the choices that are kept; where there are more, regexp answers.
const maxStack = 10_000

// choice is what match comes back to when it cannot go on.
type choice struct {
	kind choiceKind
	pc   int // where to go on; of a capture: which place
	pos  int // where in the text; of a capture: its value before
	end  int // of a run: the last place that it can end at
}

type choiceKind uint8

const (
	choosePath    choiceKind = iota
	chooseCapture            // not a choice: a place that is undone
	chooseShorter            // a run that can end at pos or later, before end
	chooseLonger             // a run that can end after pos, up to end
)

// match looks for a match that begins at start. Without one it fails; when
// f.steps is negative then, it gave up.
func (f *Finder) match(text []byte, start int) bool {
	prog := f.p.prog
	for i := range f.caps {
		f.caps[i] = -1
	}
	f.stack = f.stack[:0]
	pc, pos := 0, start
	for {
		if f.steps--; f.steps < 0 || len(f.stack) > maxStack {
			f.steps = -1
			return false
		}
		ok := true
		switch o := &prog[pc]; o.kind {
		case opLiteral:
			if ok = bytes.HasPrefix(text[pos:], o.lit); ok {
				pos += len(o.lit)
				pc++
			}
		case opSet:
			if ok = pos < len(text) && o.set[text[pos]]; ok {
				pos++
				pc++
			}
		case opRun:
			pos, ok = f.run(o, text, pc, pos)
			pc++
		case opCapture:
			f.stack = append(f.stack, choice{kind: chooseCapture, pc: o.to, pos: f.caps[o.to]})
			f.caps[o.to] = pos
			pc++
		case opSplit:
			f.stack = append(f.stack, choice{kind: choosePath, pc: o.other, pos: pos})
			pc = o.to
		case opJump:
			pc = o.to
		case opAssert:
			ok = o.holds(text, pos)
			pc++
		case opMatch:
			f.caps[0], f.caps[1] = start, pos
			return true
		}
		if !ok {
			if pc, pos, ok = f.back(text); !ok {
				return false
			}
		}
	}
}

// run reads a run of characters from pos on. It returns where the run ends, and
// leaves a choice when it can end elsewhere.
func (f *Finder) run(o *op, text []byte, pc, pos int) (int, bool) {
	limit := len(text)
	if o.max >= 0 && o.max < limit-pos {
		limit = pos + o.max
	}
	end := o.end(text, pos, limit)
	f.steps -= (end - pos) >> 4
	least := pos + o.min
	if end < least {
		return pos, false
	}
	switch {
	case o.sure || end == least:
		return end, true
	case o.lazy:
		f.stack = append(f.stack, choice{kind: chooseLonger, pc: pc + 1, pos: least, end: end})
		return least, true
	}
	f.stack = append(f.stack, choice{kind: chooseShorter, pc: pc + 1, pos: least, end: end})
	return end, true
}

// end returns where a run of characters of the set ends, at most at limit.
func (o *op) end(text []byte, pos, limit int) int {
	if o.stop >= 0 {
		if n := bytes.IndexByte(text[pos:limit], byte(o.stop)); n >= 0 {
			return pos + n
		}
		return limit
	}
	for pos < limit && o.set[text[pos]] {
		pos++
	}
	return pos
}

// back goes to the last choice.
func (f *Finder) back(text []byte) (pc, pos int, ok bool) {
	for len(f.stack) > 0 {
		at := len(f.stack) - 1
		c := &f.stack[at]
		follow := -1
		if c.kind >= chooseShorter {
			follow = f.p.prog[c.pc-1].follow
		}
		switch c.kind {
		case choosePath:
			pc, pos = c.pc, c.pos
			f.stack = f.stack[:at]
			return pc, pos, true
		case chooseCapture:
			f.caps[c.pc] = c.pos
			f.stack = f.stack[:at]
		case chooseShorter:
			to := c.end - 1
			if follow >= 0 {
				n := bytes.LastIndexByte(text[c.pos:c.end], byte(follow))
				f.steps -= (c.end - c.pos - max(n, 0)) >> 4
				if to = c.pos + n; n < 0 {
					f.stack = f.stack[:at]
					continue
				}
			}
			pc, pos, c.end = c.pc, to, to
			if to == c.pos {
				f.stack = f.stack[:at]
			}
			return pc, pos, true
		case chooseLonger:
			to := c.pos + 1
			if follow >= 0 {
				n := bytes.IndexByte(text[to:min(c.end+1, len(text))], byte(follow))
				f.steps -= max(n, 0) >> 4
				if n < 0 {
					f.stack = f.stack[:at]
					continue
				}
				to += n
			}
			pc, pos, c.pos = c.pc, to, to
			if to == c.end {
				f.stack = f.stack[:at]
			}
			return pc, pos, true
		}
	}
	return 0, 0, false
}
