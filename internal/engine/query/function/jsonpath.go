package function

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// jsonStep is a step of a path: a member, an element, or all of them.
type jsonStep struct {
	key   []byte
	index int // -1: a member; -2: everything
}

// jsonPath is a path such as $.a[0]['b c'].*.d.
type jsonPath []jsonStep

const (
	maxSteps   = 100
	memberStep = -1
	everyStep  = -2
)

// parsePath reads a path. The $ at its beginning may be missing when bare is set.
func parsePath(s string, bare bool) (jsonPath, error) {
	rest, ok := strings.CutPrefix(s, "$")
	switch {
	case !ok && !bare:
		return nil, fmt.Errorf("the path %.40q does not begin with $", s)
	case !ok && rest != "" && rest[0] != '[' && rest[0] != '.':
		rest = "." + rest
	}
	var p jsonPath
	for rest != "" {
		if len(p) == maxSteps {
			return nil, fmt.Errorf("the path has more than %d steps", maxSteps)
		}
		var st jsonStep
		if st, rest, ok = pathStep(rest); !ok {
			return nil, fmt.Errorf("the path %.40q is not valid", s)
		}
		p = append(p, st)
	}
	return p, nil
}

func pathStep(s string) (st jsonStep, rest string, ok bool) {
	if s[0] == '.' {
		end := strings.IndexAny(s[1:], ".[")
		if end < 0 {
			end = len(s) - 1
		}
		name := s[1 : end+1]
		if name == "*" {
			return jsonStep{index: everyStep}, s[end+1:], true
		}
		return jsonStep{key: []byte(name), index: memberStep}, s[end+1:], name != ""
	}
	if s[0] != '[' || len(s) < 3 {
		return st, "", false
	}
	if q := s[1]; q == '\'' || q == '"' {
		end := strings.IndexByte(s[2:], q)
		if end < 0 || end+3 >= len(s) || s[end+3] != ']' {
			return st, "", false
		}
		return jsonStep{key: []byte(s[2 : end+2]), index: memberStep}, s[end+4:], true
	}
	in, rest, ok := strings.Cut(s[1:], "]")
	if in == "*" || in == "" {
		return jsonStep{index: everyStep}, rest, ok && in == "*"
	}
	n, err := strconv.Atoi(in)
	return jsonStep{index: n}, rest, ok && err == nil && n >= 0
}

// wild reports whether the path can lead to several places.
func (p jsonPath) wild() bool {
	for _, st := range p {
		if st.index == everyStep {
			return true
		}
	}
	return false
}

// each calls f with every piece of JSON that the path leads to, until it is false.
func (p jsonPath) each(at []byte, scratch *[]byte, f func(b []byte) bool) bool {
	if len(p) == 0 {
		return f(at)
	}
	st := p[0]
	it := jsontext.Of(at)
	if st.index == memberStep {
		if it.Array() {
			return true
		}
		var found []byte
		for it.Next() {
			if keyIs(it.Key, st.key, scratch) {
				found = it.Value
			}
		}
		return found == nil || p[1:].each(found, scratch, f)
	}
	if st.index >= 0 && !it.Array() {
		return true
	}
	for it.Next() {
		if st.index == everyStep || st.index == it.Index {
			if !p[1:].each(it.Value, scratch, f) {
				return false
			}
		}
	}
	return true
}

// one returns the only piece that a path without wildcards leads to; nil when
// there is none.
func (p jsonPath) one(at []byte, scratch *[]byte) []byte {
	for len(p) > 0 {
		st := p[0]
		it := jsontext.Of(at)
		at = nil
		if it.Array() != (st.index != memberStep) {
			return nil
		}
		for it.Next() {
			if st.index == it.Index && it.Array() {
				at = it.Value
				break
			}
			if st.index == memberStep && keyIs(it.Key, st.key, scratch) {
				at = it.Value
			}
		}
		if at == nil {
			return nil
		}
		p = p[1:]
	}
	return at
}

// pathEval computes what a path leads to in a value: nothing is Null, several
// pieces are an array.
type pathEval struct {
	path    jsonPath
	scratch []byte
}

func (e *pathEval) value(v *plan.Value, a *plan.Arena) plan.Value {
	b := jsonOf(v)
	if b == nil {
		return plan.Value{}
	}
	if !e.path.wild() {
		return fromJSON(e.path.one(b, &e.scratch), a)
	}
	from, n := len(a.Bytes), 0
	var only []byte
	a.Bytes = append(a.Bytes, '[')
	e.path.each(b, &e.scratch, func(b []byte) bool {
		n++
		only = b
		a.Bytes = appendElement(a.Bytes, from, b)
		return !full(a, from)
	})
	a.Bytes = append(a.Bytes, ']')
	switch n {
	case 0:
		a.Bytes = a.Bytes[:from]
		return plan.Value{}
	case 1:
		a.Bytes = a.Bytes[:from]
		return fromJSON(only, a)
	}
	return madeList(a, from)
}

// jsonOf returns the JSON that a value is: a list, or a text that is JSON.
func jsonOf(v *plan.Value) []byte {
	switch v.Kind {
	case plan.List:
		return v.Text
	case plan.Text:
		return jsontext.Trim(v.Text)
	case plan.Raw, plan.Bool:
		return v.Text
	}
	return nil
}
