package submatch

import (
	"bytes"
	"regexp/syntax"
	"unicode"
	"unicode/utf8"
)

type opKind uint8

const (
	opLiteral opKind = iota // the bytes lit
	opSet                   // one character of set
	opRun                   // min to max characters of set
	opCapture               // the place is caps[to]
	opSplit                 // first to, then other
	opJump                  // to
	opAssert                // a condition on the place
	opMatch
)

// op is one step of a program.
type op struct {
	kind      opKind
	lit       []byte
	set       *[256]bool
	min, max  int  // of opRun; max -1: any number
	lazy      bool // as few as can be
	sure      bool // the longest run is the only one that can be part of a match, or the first to be tried with success
	stop      int  // the one character that set does not have, -1 when there are several or none
	follow    int  // the character behind the run in every match, -1 when it is not known
	to, other int
	assert    syntax.EmptyOp
}

// maxProgram bounds a program; longer ones are left to regexp.
const maxProgram = 2000

// compile makes the program; without one regexp does everything.
func (p *Pattern) compile(source string) {
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return
	}
	c := &compiler{}
	if !c.add(tree) || len(c.prog) >= maxProgram {
		return
	}
	c.emit(op{kind: opMatch})
	c.joinLiterals()
	c.settle()
	p.prog = c.prog
	at := 0
	for p.prog[at].kind == opCapture {
		at++
	}
	switch o := &p.prog[at]; o.kind {
	case opLiteral:
		p.prefix = o.lit
	case opSet:
		p.first = o.set
	case opRun:
		if o.min > 0 {
			p.first = o.set
		}
	case opAssert:
		p.anchored = o.assert == syntax.EmptyBeginText
	}
}

// compiler translates a syntax tree.
type compiler struct{ prog []op }

func (c *compiler) emit(o op) int {
	c.prog = append(c.prog, o)
	return len(c.prog) - 1
}

// add translates an expression; false says that it cannot.
func (c *compiler) add(re *syntax.Regexp) bool {
	if len(c.prog) >= maxProgram {
		return false
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			c.char(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		c.emit(op{kind: opSet, set: setOf(re)})
	case syntax.OpBeginLine:
		c.emit(op{kind: opAssert, assert: syntax.EmptyBeginLine})
	case syntax.OpEndLine:
		c.emit(op{kind: opAssert, assert: syntax.EmptyEndLine})
	case syntax.OpBeginText:
		c.emit(op{kind: opAssert, assert: syntax.EmptyBeginText})
	case syntax.OpEndText:
		c.emit(op{kind: opAssert, assert: syntax.EmptyEndText})
	case syntax.OpWordBoundary:
		c.emit(op{kind: opAssert, assert: syntax.EmptyWordBoundary})
	case syntax.OpNoWordBoundary:
		c.emit(op{kind: opAssert, assert: syntax.EmptyNoWordBoundary})
	case syntax.OpCapture:
		c.emit(op{kind: opCapture, to: 2 * re.Cap})
		if !c.add(re.Sub[0]) {
			return false
		}
		c.emit(op{kind: opCapture, to: 2*re.Cap + 1})
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if !c.add(s) {
				return false
			}
		}
	case syntax.OpAlternate:
		return c.alternate(re.Sub)
	case syntax.OpQuest:
		return c.repeat(re, 0, 1)
	case syntax.OpStar:
		return c.repeat(re, 0, -1)
	case syntax.OpPlus:
		return c.repeat(re, 1, -1)
	case syntax.OpRepeat:
		return c.repeat(re, re.Min, re.Max)
	default:
		return false
	}
	return true
}

func (c *compiler) char(r rune, fold bool) {
	if r >= utf8.RuneSelf && !fold {
		c.emit(op{kind: opSet, set: &[256]bool{}}) // no ASCII text has it
		return
	}
	if !fold {
		c.emit(op{kind: opLiteral, lit: []byte{byte(r)}})
		return
	}
	c.emit(op{kind: opSet, set: setOf(&syntax.Regexp{Op: syntax.OpLiteral, Flags: syntax.FoldCase, Rune: []rune{r}})})
}

func (c *compiler) alternate(list []*syntax.Regexp) bool {
	var jumps []int
	for i, s := range list {
		split := -1
		if i < len(list)-1 {
			split = c.emit(op{kind: opSplit})
			c.prog[split].to = split + 1
		}
		if !c.add(s) {
			return false
		}
		if split >= 0 {
			jumps = append(jumps, c.emit(op{kind: opJump}))
			c.prog[split].other = len(c.prog)
		}
	}
	for _, j := range jumps {
		c.prog[j].to = len(c.prog)
	}
	return true
}

// repeat translates a repetition: a run when it is one of single characters.
func (c *compiler) repeat(re *syntax.Regexp, least, most int) bool {
	sub, lazy := re.Sub[0], re.Flags&syntax.NonGreedy != 0
	if set := setOf(sub); set != nil {
		c.emit(op{kind: opRun, set: set, min: least, max: most, lazy: lazy})
		return true
	}
	if re.Op == syntax.OpRepeat {
		simple := re.Simplify()
		return simple.Op != syntax.OpRepeat && c.add(simple)
	}
	if most < 0 && canBeEmpty(sub) {
		return false
	}
	if least == 1 {
		from := len(c.prog)
		if !c.add(sub) {
			return false
		}
		split := c.emit(op{kind: opSplit, to: from, other: len(c.prog) + 1})
		c.order(split, lazy)
		return true
	}
	split := c.emit(op{kind: opSplit})
	if !c.add(sub) {
		return false
	}
	if most < 0 {
		c.emit(op{kind: opJump, to: split})
	}
	c.prog[split].to, c.prog[split].other = split+1, len(c.prog)
	c.order(split, lazy)
	return true
}

// order turns the ways of a split around when the repetition is lazy.
func (c *compiler) order(split int, lazy bool) {
	if o := &c.prog[split]; lazy {
		o.to, o.other = o.other, o.to
	}
}

// canBeEmpty reports whether an expression may match nothing.
func canBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		return len(re.Rune) == 0
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return canBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || canBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if !canBeEmpty(s) {
				return false
			}
		}
		return true
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			if canBeEmpty(s) {
				return true
			}
		}
		return false
	}
	return true
}

// setOf returns the ASCII characters that an expression of one character
// matches; nil when it is none.
func setOf(re *syntax.Regexp) *[256]bool {
	set := &[256]bool{}
	switch re.Op {
	case syntax.OpNoMatch:
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		for i := range utf8.RuneSelf {
			set[i] = re.Op == syntax.OpAnyChar || i != '\n'
		}
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1] && r < utf8.RuneSelf; r++ {
				set[r] = true
			}
		}
	case syntax.OpLiteral:
		if len(re.Rune) != 1 {
			return nil
		}
		r := re.Rune[0]
		if r < utf8.RuneSelf {
			set[r] = true
		}
		if re.Flags&syntax.FoldCase != 0 {
			for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
				if f < utf8.RuneSelf {
					set[f] = true
				}
			}
		}
	default:
		return nil
	}
	return set
}

// joinLiterals makes one literal of those that stand side by side.
func (c *compiler) joinLiterals() {
	target := make([]bool, len(c.prog)+1)
	for _, o := range c.prog {
		if o.kind == opJump || o.kind == opSplit {
			target[o.to] = true
			target[o.other] = o.kind == opSplit || target[o.other]
		}
	}
	moved := make([]int, len(c.prog)+1)
	var out []op
	for i, o := range c.prog {
		if n := len(out); n > 0 && o.kind == opLiteral && out[n-1].kind == opLiteral && !target[i] {
			out[n-1].lit = append(out[n-1].lit, o.lit...)
			moved[i] = n - 1
			continue
		}
		moved[i] = len(out)
		if o.kind == opLiteral {
			o.lit = bytes.Clone(o.lit)
		}
		out = append(out, o)
	}
	for i := range out {
		if o := &out[i]; o.kind == opJump || o.kind == opSplit {
			o.to, o.other = moved[o.to], moved[o.other]
		}
	}
	c.prog = out
}

// settle finds out where runs can only end in one place.
func (c *compiler) settle() {
	for i := range c.prog {
		o := &c.prog[i]
		o.stop, o.follow = -1, -1
		if o.kind != opRun {
			continue
		}
		missing := 0
		for ch := range utf8.RuneSelf {
			if !o.set[ch] {
				missing++
				o.stop = ch
			}
		}
		if missing != 1 {
			o.stop = -1
		}
		at := i + 1
		for c.prog[at].kind == opCapture {
			at++
		}
		switch next := &c.prog[at]; next.kind {
		case opLiteral:
			o.follow = int(next.lit[0])
			o.sure = !o.set[next.lit[0]]
		case opSet:
			o.sure = disjoint(o.set, next.set)
		case opRun:
			o.sure = next.min > 0 && disjoint(o.set, next.set)
		case opAssert:
			o.sure = next.assert == syntax.EmptyEndText && o.max < 0
		case opMatch:
			if o.lazy {
				o.max, o.lazy = o.min, false
			}
			o.sure = true
		}
	}
}

func disjoint(a, b *[256]bool) bool {
	for i := range a {
		if a[i] && b[i] {
			return false
		}
	}
	return true
}

func (o *op) holds(text []byte, pos int) bool {
	switch o.assert {
	case syntax.EmptyBeginText:
		return pos == 0
	case syntax.EmptyEndText:
		return pos == len(text)
	case syntax.EmptyBeginLine:
		return pos == 0 || text[pos-1] == '\n'
	case syntax.EmptyEndLine:
		return pos == len(text) || text[pos] == '\n'
	}
	before := pos > 0 && wordChar(text[pos-1])
	after := pos < len(text) && wordChar(text[pos])
	return (before != after) == (o.assert == syntax.EmptyWordBoundary)
}

func wordChar(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_'
}
