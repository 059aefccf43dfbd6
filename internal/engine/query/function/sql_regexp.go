package function

import (
	"fmt"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var sparkRegexps = dated(
	onMatches("regexp_count", 2, 2, func(m matching, _ []plan.Value, _ *plan.Arena) plan.Value {
		n := 0
		for all := m.re.matches(m.t); all.next() != nil; {
			n++
		}
		return plan.NumberValue(float64(n))
	}),
	onMatches("regexp_extract", 2, 3, regexpExtract),
	onMatches("regexp_extract_all", 2, 3, regexpExtractAll),
	onMatches("regexp_instr", 2, 3, func(m matching, _ []plan.Value, _ *plan.Arena) plan.Value {
		at := m.re.first.Find(m.t)
		if at == nil {
			return plan.NumberValue(0)
		}
		return plan.NumberValue(float64(utf8.RuneCount(m.t[:at[0]]) + 1))
	}),
	onMatches("regexp_substr", 2, 2, func(m matching, _ []plan.Value, _ *plan.Arena) plan.Value {
		at := m.re.first.Find(m.t)
		if at == nil {
			return plan.Value{}
		}
		return text(m.t[at[0]:at[1]])
	}),
	onMatches("split", 2, 3, splitRegexp),
	binding("regexp_replace", 3, 4, regexpReplace),
)

// matching is a text and the expression that is looked for in it.
type matching struct {
	re *finder
	t  []byte
}

// onMatches makes a function of a text and a regular expression.
func onMatches(name string, least, most int, f func(m matching, args []plan.Value, a *plan.Arena) plan.Value) *plan.Function {
	return binding(name, least, most, func(consts []*plan.Value) (plan.Eval, error) {
		find, err := finderOf(consts[1])
		if err != nil {
			return nil, err
		}
		if len(consts) == 3 && name != "split" && consts[1] != nil && consts[2] != nil && plan.HasText(consts[1]) {
			re := find(consts[1], nil)
			if n, ok := whole(consts[2]); ok && (n < 0 || n > re.NumSubexp()) {
				return nil, fmt.Errorf("the regular expression has no group %d", n)
			}
		}
		return func(args []plan.Value, a *plan.Arena) plan.Value {
			t, ok := textOf(&args[0], a)
			re := find(&args[1], a)
			if !ok || re == nil || len(args) == 3 && args[2].Kind == plan.Null {
				return plan.Value{}
			}
			return f(matching{re, t}, args, a)
		}, nil
	})
}

// group returns the number of the group that the third argument is, 1 when there is none.
func (m matching) group(args []plan.Value) (int, bool) {
	n := 1
	if len(args) == 3 {
		var ok bool
		if n, ok = whole(&args[2]); !ok {
			return 0, false
		}
	}
	return n, n >= 0 && n <= m.re.NumSubexp()
}

// regexpExtract is what a group of the first match has, nothing when there is none.
// An expression without groups gives the match when no group is said (ours).
func regexpExtract(m matching, args []plan.Value, _ *plan.Arena) plan.Value {
	n, ok := m.group(args)
	if !ok {
		if len(args) == 3 {
			return plan.Value{}
		}
		n = 0
	}
	at := m.re.first.Find(m.t)
	if at == nil || at[2*n] < 0 {
		return text(m.t[:0])
	}
	return text(m.t[at[2*n]:at[2*n+1]])
}

func regexpExtractAll(m matching, args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := m.group(args)
	if !ok {
		if len(args) == 3 {
			return plan.Value{}
		}
		n = 0
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for all := m.re.matches(m.t); !full(a, from); {
		at := all.next()
		if at == nil {
			break
		}
		if len(a.Bytes) > from+1 {
			a.Bytes = append(a.Bytes, ',')
		}
		part := m.t[:0]
		if at[2*n] >= 0 {
			part = m.t[at[2*n]:at[2*n+1]]
		}
		a.Bytes = jsontext.Quote(a.Bytes, part)
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// splitRegexp cuts a text at every match, into as many parts as the third argument
// says when it is positive; 0 leaves empty parts at the end out. A match of
// nothing at the beginning makes no part, as in Java.
func splitRegexp(m matching, args []plan.Value, a *plan.Arena) plan.Value {
	limit := -1
	if len(args) == 3 {
		var ok bool
		if limit, ok = whole(&args[2]); !ok {
			return plan.Value{}
		}
	}
	from, last, parts := len(a.Bytes), 0, 0
	a.Bytes = append(a.Bytes, '[')
	end := len(a.Bytes) // behind the last part that is not empty
	add := func(t []byte) {
		if parts > 0 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = jsontext.Quote(a.Bytes, t)
		if parts++; len(t) > 0 {
			end = len(a.Bytes)
		}
	}
	for all := m.re.matches(m.t); !full(a, from) && (limit <= 0 || parts < limit-1); {
		at := all.next()
		if at == nil {
			break
		}
		if at[1] == 0 || at[0] == len(m.t) && at[1] == len(m.t) {
			continue
		}
		add(m.t[last:at[0]])
		last = at[1]
	}
	add(m.t[last:])
	if limit == 0 {
		a.Bytes = a.Bytes[:end]
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// regexpReplace is regexReplace from a place on, counted from 1.
func regexpReplace(consts []*plan.Value) (plan.Eval, error) {
	all, err := regexReplace(consts[:3])
	if err != nil || len(consts) == 3 {
		return all, err
	}
	rest := make([]plan.Value, 3)
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		pos, ok1 := whole(&args[3])
		if !ok || !ok1 || pos < 1 {
			return plan.Value{}
		}
		at := runes(t, pos-1)
		copy(rest, args[:3])
		rest[0] = text(t[at:])
		v := all(rest, a)
		if v.Kind == plan.Null || at == 0 {
			return v
		}
		from := len(a.Bytes)
		a.Bytes = append(append(a.Bytes, t[:at]...), v.Text...)
		return made(a, from)
	}, nil
}
