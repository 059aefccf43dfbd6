package function

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/automaton"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/engine/query/submatch"
)

// finder is a regular expression that knows fast where it is not found, and where
// its first match is. It belongs to one goroutine.
type finder struct {
	*regexp.Regexp
	fast  *automaton.Finder
	first *submatch.Finder
	free  bool // a match does not depend on what stands before it
}

func compileFinder(pattern string) (*finder, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %w", err)
	}
	p := submatch.New(re)
	return &finder{re, automaton.New(re), p.Finder(), p.Fast() && contextFree(pattern)}, nil
}

// contextFree reports whether no match depends on what stands before it.
func contextFree(pattern string) bool {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return false
	}
	const before = syntax.EmptyBeginText | syntax.EmptyBeginLine | syntax.EmptyWordBoundary | syntax.EmptyNoWordBoundary
	for i := range prog.Inst {
		if in := &prog.Inst[i]; in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&before != 0 {
			return false
		}
	}
	return true
}

// finderOf returns what finds the finder for an argument: compiled now when it is
// constant.
func finderOf(c *plan.Value) (func(v *plan.Value, a *plan.Arena) *finder, error) {
	if c != nil {
		var found *finder
		if plan.HasText(c) {
			var err error
			if found, err = compileFinder(string(c.AppendText(nil))); err != nil {
				return nil, err
			}
		}
		return func(*plan.Value, *plan.Arena) *finder { return found }, nil
	}
	seen := newCache(compileFinder)
	return func(v *plan.Value, a *plan.Arena) *finder {
		t, ok := textOf(v, a)
		if !ok {
			return nil
		}
		f, _ := seen.get(t)
		return f
	}, nil
}

// maxMatches bounds how many matches in one text are looked at, fewer when the
// expression has many groups; a function acts as if there were no others (ours).
const maxMatches = 1 << 16

// maxPlaces bounds the beginnings and ends of groups that are kept.
const maxPlaces = 1 << 20

// shortText is how long texts are in which one match is looked for after the other.
const shortText = 1024

// matches goes through the matches in a text, in the order and by the rules of
// regexp's FindAll.
type matches struct {
	f      *finder
	t      []byte
	all    [][]int // of a text that is not short
	pos    int     // where the next match can begin
	behind int     // the end of the last one
}

func (f *finder) matches(t []byte) matches {
	if f.free && len(t) <= shortText {
		return matches{f: f, t: t, behind: -1}
	}
	most := min(maxMatches, max(1, maxPlaces/(2*f.NumSubexp()+2)))
	return matches{all: f.FindAllSubmatchIndex(t, most)}
}

// next returns the places of the next match and its groups, valid until the next
// call; nil when there is none.
func (m *matches) next() []int {
	if m.f == nil {
		if len(m.all) == 0 {
			return nil
		}
		at := m.all[0]
		m.all = m.all[1:]
		return at
	}
	for m.pos <= len(m.t) {
		at := m.f.first.Find(m.t[m.pos:])
		if at == nil {
			m.pos = len(m.t) + 1
			return nil
		}
		for i := range at {
			if at[i] >= 0 {
				at[i] += m.pos
			}
		}
		wanted := true
		if at[1] == m.pos { // of nothing
			wanted = at[0] != m.behind
			_, n := utf8.DecodeRune(m.t[m.pos:])
			m.pos += max(n, 1)
		} else {
			m.pos = at[1]
		}
		if m.behind = at[1]; wanted {
			return at
		}
	}
	return nil
}
