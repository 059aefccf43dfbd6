package pattern

import (
	"sync"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// jsonMatcher matches JSON patterns.
type jsonMatcher struct {
	gate  gate
	cond  jsonCond
	paths paths
	slots int
	pool  sync.Pool // *jsonScan
}

// jsonScan is what one match works with.
type jsonScan struct {
	object
	buf []byte
}

// jsonCond is a compiled condition.
type jsonCond struct {
	op   jsonOp
	kids []jsonCond

	test  *test
	slot  int      // of the keys
	rest  Selector // behind them
	wild  bool     // rest has a wildcard
	start Selector // the whole selector, when a wildcard of members makes it so that it is walked from the root
}

type jsonOp uint8

const (
	opAnd jsonOp = iota
	opOr
	opTest
	opMissing
)

func newJSONMatcher(p *Pattern) *jsonMatcher {
	j := &jsonMatcher{gate: newGate(needOfJSON(p.Cond, noKeys)), paths: paths{slot: -1}}
	j.cond = j.compile(p.Cond)
	j.pool.New = func() any { return new(jsonScan) }
	return j
}

// noKeys leaves keys out of what a gate searches for: most messages that are
// objects have them, and reading such a message costs little more than the search.
func noKeys(Selector) hint.Need { return hint.Need{} }

// opensObject reports whether a message can be an object by its first byte.
func opensObject(m []byte) bool {
	m = trimSpace(m)
	return len(m) > 0 && m[0] == '{'
}

func (j *jsonMatcher) compile(c Cond) jsonCond {
	switch c := c.(type) {
	case *And:
		return jsonCond{op: opAnd, kids: j.compileAll(c.X)}
	case *Or:
		return jsonCond{op: opOr, kids: j.compileAll(c.X)}
	case *Compare:
		return j.leaf(jsonCond{op: opTest, test: newCompare(c)}, c.Sel)
	case *Is:
		return j.leaf(jsonCond{op: opTest, test: newIs(c)}, c.Sel)
	case *NotExists:
		return j.leaf(jsonCond{op: opMissing}, c.Sel)
	}
	panic("pattern: unknown condition")
}

func (j *jsonMatcher) compileAll(x []Cond) []jsonCond {
	out := make([]jsonCond, len(x))
	for i, k := range x {
		out[i] = j.compile(k)
	}
	return out
}

func (j *jsonMatcher) leaf(c jsonCond, sel Selector) jsonCond {
	keys := sel.keys()
	c.rest = sel[len(keys):]
	for _, s := range c.rest {
		c.wild = c.wild || s.Any
	}
	if len(c.rest) > 0 && !c.rest[0].Elem {
		c.start = sel
		return c
	}
	c.slot = j.paths.add(keys, &j.slots)
	return c
}

// keys returns the names that a selector begins with.
func (s Selector) keys() Selector {
	for i, step := range s {
		if step.Elem || step.Any {
			return s[:i]
		}
	}
	return s
}

func (j *jsonMatcher) match(m []byte) bool {
	if !opensObject(m) || !j.gate.open(m) {
		return false
	}
	s := j.pool.Get().(*jsonScan)
	ok := s.read(m, &j.paths, j.slots) && s.holds(&j.cond)
	s.m = nil
	clear(s.values) // they refer to the message
	j.pool.Put(s)
	return ok
}

func (s *jsonScan) holds(c *jsonCond) bool {
	switch c.op {
	case opAnd:
		for i := range c.kids {
			if !s.holds(&c.kids[i]) {
				return false
			}
		}
		return true
	case opOr:
		for i := range c.kids {
			if s.holds(&c.kids[i]) {
				return true
			}
		}
		return false
	}
	if c.start != nil {
		return s.reach(value{objectValue, trimSpace(s.m)}, c.start, c)
	}
	v := s.values[c.slot]
	if len(c.rest) > 0 {
		return s.reach(v, c.rest, c)
	}
	if c.op == opMissing {
		return !s.exists[c.slot]
	}
	return c.test.holds(v, &s.buf)
}

// reach decides a condition whose selector goes on from v. With a wildcard, any
// value will do; without one, the last that is no object counts.
func (s *jsonScan) reach(v value, steps Selector, c *jsonCond) bool {
	found, last := false, value{}
	s.walk(v, steps, func(v value) bool {
		if c.op == opMissing {
			found = true
			return false
		}
		if c.wild {
			found = c.test.holds(v, &s.buf)
			return !found
		}
		if v.kind != objectValue {
			last = v
		}
		return true
	})
	switch {
	case c.op == opMissing:
		return !found
	case c.wild:
		return found
	}
	return c.test.holds(last, &s.buf)
}

func trimSpace(m []byte) []byte {
	for len(m) > 0 && m[0] <= ' ' {
		m = m[1:]
	}
	return m
}
