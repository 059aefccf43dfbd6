// Package automaton finds regular expressions in texts, whole or piece by piece,
// faster than package regexp does.
package automaton

import (
	"bytes"
	"math/bits"
	"regexp"
	"regexp/syntax"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Finder says whether a regular expression is found in a text. It answers as
// regexp does, most of the time by an automaton that is built while it runs: one
// table look-up for each byte of ASCII text. It belongs to one goroutine.
//
// The automaton knows neither word boundaries nor lines; expressions with those,
// texts with other than ASCII, and expressions that need too many states are left
// to regexp.
type Finder struct {
	re     *regexp.Regexp
	prefix []byte // every match begins with it
	empty  bool   // it is found in the empty text
	prog   *syntax.Prog

	next   []uint16 // by state and byte: 0 unknown, 1 found, else the state
	ends   []uint8  // by state: 1 when the end of the text is a match
	sets   [][]uint32
	states map[string]uint16
	start  uint16 // at the beginning of a text
	middle uint16 // after it, when nothing has begun to match

	seen  []bool
	queue []uint32
	key   []byte
}

const (
	found      = 1
	firstState = 2
	maxStates  = 512 // 128 KiB of table
	maxProg    = 1000
)

// New returns the Finder of a regular expression.
func New(re *regexp.Regexp) *Finder {
	f := &Finder{re: re}
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return f
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxProg {
		return f
	}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		if in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return f
		}
	}
	if p, _ := re.LiteralPrefix(); !startsAnchored(prog) {
		f.prefix = []byte(p)
	}
	f.prog, f.empty = prog, re.MatchString("")
	f.seen = make([]bool, len(prog.Inst))
	f.states = map[string]uint16{}
	f.sets = make([][]uint32, firstState)
	f.ends = make([]uint8, firstState)
	f.next = make([]uint16, firstState*128)
	f.middle, _ = f.state(f.closure(nil, uint32(prog.Start), false))
	f.start, _ = f.state(f.closure(nil, uint32(prog.Start), true))
	return f
}

// HasPrefix reports whether Match looks for a text that every match begins with,
// so that to look for one before gains nothing.
func (f *Finder) HasPrefix() bool { return len(f.prefix) > 0 }

// startsAnchored reports whether an assertion may come before the first byte.
func startsAnchored(p *syntax.Prog) bool {
	return slices.ContainsFunc(p.Inst, func(i syntax.Inst) bool { return i.Op == syntax.InstEmptyWidth })
}

// closure adds pc and what is reached from it without a byte to set.
func (f *Finder) closure(set []uint32, pc uint32, begin bool) []uint32 {
	clear(f.seen)
	for _, p := range set {
		f.seen[p] = true
	}
	f.queue = append(f.queue[:0], pc)
	for len(f.queue) > 0 {
		pc := f.queue[len(f.queue)-1]
		f.queue = f.queue[:len(f.queue)-1]
		if f.seen[pc] {
			continue
		}
		f.seen[pc] = true
		in := &f.prog.Inst[pc]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			f.queue = append(f.queue, in.Out, in.Arg)
			continue
		case syntax.InstCapture, syntax.InstNop:
			f.queue = append(f.queue, in.Out)
			continue
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText != 0 && !begin {
				continue
			}
			if syntax.EmptyOp(in.Arg)&syntax.EmptyEndText == 0 {
				f.queue = append(f.queue, in.Out)
				continue
			}
		case syntax.InstFail:
			continue
		}
		set = append(set, pc)
	}
	return set
}

// state returns the number of a set of instructions; ok is false when there are
// too many.
func (f *Finder) state(set []uint32) (s uint16, ok bool) {
	slices.Sort(set)
	f.key = f.key[:0]
	ends := uint8(0)
	for _, pc := range set {
		in := &f.prog.Inst[pc]
		if in.Op == syntax.InstMatch {
			return found, true
		}
		if in.Op == syntax.InstEmptyWidth && f.matchesAtEnd(in.Out) {
			ends = 1
		}
		f.key = append(f.key, byte(pc), byte(pc>>8))
	}
	if s, ok := f.states[string(f.key)]; ok {
		return s, true
	}
	if len(f.sets) >= maxStates {
		return 0, false
	}
	s = uint16(len(f.sets))
	f.states[string(f.key)] = s
	f.sets = append(f.sets, slices.Clone(set))
	f.ends = append(f.ends, ends)
	f.next = append(f.next, make([]uint16, 128)...)
	return s, true
}

// matchesAtEnd reports whether pc leads to a match without a further byte.
func (f *Finder) matchesAtEnd(pc uint32) bool {
	todo, done := []uint32{pc}, map[uint32]bool{}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if done[pc] {
			continue
		}
		done[pc] = true
		in := &f.prog.Inst[pc]
		switch in.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			todo = append(todo, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			todo = append(todo, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText == 0 {
				todo = append(todo, in.Out)
			}
		}
	}
	return false
}

// step computes the state after a byte; ok is false when there are too many.
func (f *Finder) step(s uint16, b byte) (uint16, bool) {
	var set []uint32
	for _, pc := range f.sets[s] {
		in := &f.prog.Inst[pc]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if in.MatchRune(rune(b)) {
				set = f.closure(set, in.Out, false)
			}
		}
	}
	set = f.closure(set, uint32(f.prog.Start), false)
	n, ok := f.state(set)
	if ok {
		f.next[int(s)<<7|int(b)] = n
	}
	return n, ok
}

// match reports whether the expression is found in t.
func (f *Finder) match(t []byte) bool {
	if f.prog == nil {
		return f.re.Match(t)
	}
	if len(t) == 0 { // its beginning is its end
		return f.empty
	}
	s, i := f.start, 0
	if s == found {
		return true
	}
	prefix := len(f.prefix) > 0
	for i < len(t) {
		if prefix && s == f.middle {
			skip := bytes.Index(t[i:], f.prefix)
			if skip < 0 {
				return false
			}
			i += skip
		}
		for ; i < len(t); i++ {
			b := t[i]
			if b >= 0x80 {
				return f.re.Match(t)
			}
			n := f.next[int(s)<<7|int(b)]
			if n < firstState {
				if n == found {
					return true
				}
				var ok bool
				if n, ok = f.step(s, b); !ok {
					f.prog = nil
					return f.re.Match(t)
				}
				if n == found {
					return true
				}
			}
			s = n
			if prefix && s == f.middle {
				i++
				break
			}
		}
	}
	return f.ends[s] != 0
}

// The rest makes a finder a column.Automaton: its states are those of the
// automaton, and whatever that does not know is Unsure.

// Match reports whether the expression is found in a whole text.
func (f *Finder) Match(t []byte) bool { return f.match(t) }

// Start returns the state before the first piece of a text.
func (f *Finder) Start() column.State {
	if f.prog == nil {
		return column.Unsure
	}
	return column.State(f.start)
}

// Ends reports whether a text that is not empty and ends in s matches.
func (f *Finder) Ends(s column.State) bool { return f.ends[s] != 0 }

// Run returns the state that a piece leads to.
func (f *Finder) Run(state column.State, piece []byte) column.State {
	if f.prog == nil {
		return column.Unsure
	}
	s := uint16(state)
	for i := 0; i < len(piece); i++ {
		if s == f.middle && len(f.prefix) > 0 {
			skip := bytes.IndexByte(piece[i:], f.prefix[0])
			if skip < 0 {
				return column.State(s)
			}
			i += skip
		}
		b := piece[i]
		if b >= 0x80 {
			return column.Unsure
		}
		n := f.next[int(s)<<7|int(b)]
		if n == 0 {
			var ok bool
			if n, ok = f.step(s, b); !ok {
				f.prog = nil
				return column.Unsure
			}
		}
		if n == found {
			return column.Matched
		}
		s = n
	}
	return column.State(s)
}

// Reach appends the states that pieces of some bytes can lead to; see
// column.Automaton.
func (f *Finder) Reach(s column.State, bytes *[4]uint64, dst []column.State) ([]column.State, bool) {
	dst = append(dst, s)
	if f.prog == nil {
		return dst, false
	}
	for i := 0; i < len(dst); i++ {
		s := uint16(dst[i])
		set := *bytes
		if s == f.middle && len(f.prefix) > 0 { // all other bytes leave it as it is
			c := f.prefix[0]
			set = [4]uint64{}
			set[c>>6] = bytes[c>>6] & (1 << (c & 63))
		}
		if set[2]|set[3] != 0 {
			return dst, false
		}
		for word, w := range set[:2] {
			for ; w != 0; w &= w - 1 {
				b := byte(word<<6 + bits.TrailingZeros64(w))
				n := f.next[int(s)<<7|int(b)]
				if n == 0 {
					var ok bool
					if n, ok = f.step(s, b); !ok {
						f.prog = nil
						return dst, false
					}
				}
				if n == found {
					return dst, false
				}
				if !slices.Contains(dst, column.State(n)) {
					if dst = append(dst, column.State(n)); len(dst) > column.MaxReach {
						return dst, false
					}
				}
			}
		}
	}
	return dst, true
}
