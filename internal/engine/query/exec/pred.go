package exec

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/query/automaton"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// predicate keeps the rows of sel (ascending) for which a condition holds. It
// appends them to out, whose memory may be that of sel.
type predicate interface {
	keep(f *blockFrame, sel, out []uint32) ([]uint32, error)
}

// scratch is what the predicates of one worker share.
type scratch struct {
	arena arena
	pace  *pace
	vals  []plan.Value // batch
	seq   []uint32     // 0, 1, 2 …: never written to
	ids   []uint32     // batch
	bits  column.Bitmap
}

func newScratch(p *pace, q *quota) *scratch {
	s := &scratch{arena: arena{q: q}, pace: p, vals: make([]plan.Value, batch), seq: make([]uint32, column.MaxRows), ids: make([]uint32, batch)}
	for i := range s.seq {
		s.seq[i] = uint32(i)
	}
	return s
}

// numbers returns from to to-1, valid until the next call.
func (s *scratch) numbers(from, to int) []uint32 {
	ids := s.ids[:to-from]
	for i := range ids {
		ids[i] = uint32(from + i)
	}
	return ids
}

// compilePredicate chooses how a condition is computed.
func compilePredicate(c *compiler, e plan.Expr, s *scratch) predicate {
	switch x := e.(type) {
	case plan.Const:
		return constant{x.V.True()}
	case plan.And:
		p := make(allOf, len(x.X))
		for i, k := range x.X {
			p[i] = compilePredicate(c, k, s)
		}
		return p
	}
	g := general{n: c.compile(e), s: s}
	plan.Fields(e, func(name string) { g.messages = g.messages || name == plan.Message })
	if path, ok := onlyPath(e); ok {
		p := &onPath{general: g, ref: c.slot(path)}
		p.null = p.holdsForNull()
		if x, ok := e.(plan.Cmp); ok {
			p.compare, p.num, p.numeric = comparison(x)
			p.equal, p.isEqual = textEquality(x)
		}
		if x, ok := e.(plan.Contains); ok && x.X == (plan.Field{Name: path}) {
			p.sub, p.isContains = []byte(x.Sub), true
		}
		return p
	}
	switch x := e.(type) {
	case plan.Or:
		p := &anyOf{s: s}
		for _, k := range x.X {
			p.x = append(p.x, compilePredicate(c, k, s))
		}
		return p
	case plan.Not:
		return &notOf{x: compilePredicate(c, x.X, s), s: s}
	case plan.Test:
		return &tested{Test: x, s: s}
	case plan.Contains:
		if x.X == (plan.Field{Name: plan.Message}) {
			return inMessage{[]byte(x.Sub), s}
		}
	case plan.Match:
		if x.X == (plan.Field{Name: plan.Message}) {
			return &matched{find: automaton.New(x.Re), need: plan.NeedOf(e), s: s}
		}
	}
	return g
}

// onlyPath returns the path of an expression that reads one path and nothing else.
func onlyPath(e plan.Expr) (path string, ok bool) {
	ok = true
	plan.Fields(e, func(name string) {
		if plan.IsSystem(name) || path != "" && path != name {
			ok = false
		}
		path = name
	})
	return path, ok && path != ""
}

func comparison(x plan.Cmp) (op plan.CmpOp, num float64, ok bool) {
	if _, isField := x.A.(plan.Field); !isField {
		return 0, 0, false
	}
	c, isConst := x.B.(plan.Const)
	if !isConst || c.V.Kind != plan.Number && c.V.Kind != plan.Raw {
		return 0, 0, false
	}
	return x.Op, c.V.Num, true
}

func textEquality(x plan.Cmp) ([]byte, bool) {
	if _, isField := x.A.(plan.Field); !isField || x.Op != plan.Eq {
		return nil, false
	}
	c, isConst := x.B.(plan.Const)
	if !isConst || c.V.Kind != plan.Text {
		return nil, false
	}
	if _, isNumber := plan.ParseNumber(c.V.Text); isNumber {
		return nil, false // numbers are equal to it too
	}
	return c.V.Text, true
}

type constant struct{ holds bool }

func (p constant) keep(_ *blockFrame, sel, out []uint32) ([]uint32, error) {
	if !p.holds {
		return out[:0], nil
	}
	return append(out[:0], sel...), nil
}

type allOf []predicate

func (p allOf) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	var err error
	for _, x := range p {
		if sel, err = x.keep(f, sel, out); err != nil || len(sel) == 0 {
			return out[:0], err
		}
	}
	return sel, nil
}

// anyOf gives each operand the rows that the ones before did not keep.
type anyOf struct {
	x          []predicate
	s          *scratch
	left, kept []uint32
	hits       column.Bitmap
}

func (p *anyOf) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	p.hits = p.hits.Fit(f.n)
	p.left = append(p.left[:0], sel...)
	var err error
	for _, x := range p.x {
		if p.kept, err = x.keep(f, p.left, p.kept[:0]); err != nil {
			return nil, err
		}
		for _, r := range p.kept {
			p.hits.Set(int(r))
		}
		p.left = without(p.left, p.hits)
	}
	return with(sel, p.hits, out[:0]), nil
}

type notOf struct {
	x    predicate
	s    *scratch
	kept []uint32
	hits column.Bitmap
}

func (p *notOf) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	var err error
	if p.kept, err = p.x.keep(f, sel, p.kept[:0]); err != nil {
		return nil, err
	}
	p.hits = p.hits.Fit(f.n)
	for _, r := range p.kept {
		p.hits.Set(int(r))
	}
	return without(append(out[:0], sel...), p.hits), nil
}

func with(sel []uint32, hits column.Bitmap, out []uint32) []uint32 {
	for _, r := range sel {
		if hits.Has(int(r)) {
			out = append(out, r)
		}
	}
	return out
}

func without(sel []uint32, hits column.Bitmap) []uint32 {
	out := sel[:0]
	for _, r := range sel {
		if !hits.Has(int(r)) {
			out = append(out, r)
		}
	}
	return out
}

// general evaluates the condition for each row.
type general struct {
	n        *node
	s        *scratch
	messages bool // it reads them
}

func (p general) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	out = out[:0]
	if p.messages && len(sel) > f.n/8 { // all at once is cheaper
		if _, err := f.messages(); err != nil {
			return nil, err
		}
	}
	for len(sel) > 0 {
		rows := sel[:min(batch, len(sel))]
		sel = sel[len(rows):]
		mark := len(p.s.arena.Bytes)
		if err := p.n.eval(f, rows, p.s.vals, &p.s.arena, p.s.pace); err != nil {
			return nil, err
		}
		for i, r := range rows {
			if p.s.vals[i].True() {
				out = append(out, r)
			}
		}
		p.s.arena.Bytes = p.s.arena.Bytes[:mark]
		if err := p.s.pace.work(16 * batch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inMessage lets the block search, encoded where it can.
type inMessage struct {
	sub []byte
	s   *scratch
}

func (p inMessage) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	if len(p.sub) == 0 {
		return append(out[:0], sel...), nil
	}
	p.s.bits = p.s.bits.Fit(f.n)
	if err := f.Find(p.sub, p.s.bits); err != nil {
		return nil, err
	}
	return with(sel, p.s.bits, out[:0]), p.s.pace.work(checkEvery)
}

// matched runs a regular expression over the messages that hold its literals.
type matched struct {
	find *automaton.Finder
	need hint.Need
	s    *scratch
	rows []uint32
	free []column.Bitmap
	pass int // blocks that are not searched for the literals, which excluded little
}

const passBlocks = 31

func (p *matched) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	if p.pass--; p.pass < 0 && p.need.Op != hint.Any {
		hits, err := p.meets(f, &p.need)
		if err != nil {
			return nil, err
		}
		if err := p.s.pace.work(checkEvery); err != nil {
			return nil, err
		}
		if hits != nil {
			all := len(sel)
			p.rows = with(sel, hits, p.rows[:0])
			p.give(hits)
			if sel = p.rows; len(sel) > all/16 {
				p.pass = passBlocks
			}
		}
	}
	if len(sel) == 0 {
		return out[:0], nil
	}
	p.s.bits = p.s.bits.Fit(f.n)
	if err := f.Match(p.find, sel, p.s.bits); err != nil {
		return nil, err
	}
	return with(sel, p.s.bits, out[:0]), p.s.pace.work(checkEvery)
}

// meets returns the rows whose messages meet a need; nil means all. The result is
// the caller's until it gives it back.
func (p *matched) meets(f *blockFrame, n *hint.Need) (column.Bitmap, error) {
	switch n.Op {
	case hint.Any:
		return nil, nil
	case hint.Contains:
		hits := p.take(f.n)
		return hits, f.Find([]byte(n.Text), hits)
	}
	var all column.Bitmap
	if n.Op != hint.All {
		all = p.take(f.n)
	}
	for i := range n.Kids {
		hits, err := p.meets(f, &n.Kids[i])
		if err != nil {
			return nil, err
		}
		switch {
		case n.Op == hint.All && hits != nil && all == nil:
			all = hits
			continue
		case n.Op == hint.All && hits != nil:
			all.And(hits)
		case n.Op == hint.OneOf && hits == nil:
			p.give(all)
			return nil, nil
		case n.Op == hint.OneOf:
			all.Or(hits)
		}
		p.give(hits)
	}
	return all, nil
}

// take returns an empty set for n rows.
func (p *matched) take(n int) column.Bitmap {
	if k := len(p.free); k > 0 {
		b := p.free[k-1]
		p.free = p.free[:k-1]
		return b.Fit(n)
	}
	return column.NewBitmap(n)
}

func (p *matched) give(b column.Bitmap) {
	if b != nil {
		p.free = append(p.free, b)
	}
}
