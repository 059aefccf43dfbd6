package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
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
	case plan.Contains:
		if x.X == (plan.Field{Name: plan.Message}) {
			return inMessage{[]byte(x.Sub), s}
		}
	case plan.Match:
		if need := plan.NeedOf(e); x.X == (plan.Field{Name: plan.Message}) && need.Op != hint.Any {
			return &matched{general: g, need: need}
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
		mark := len(p.s.arena.b)
		if err := p.n.eval(f, rows, p.s.vals, &p.s.arena, p.s.pace); err != nil {
			return nil, err
		}
		for i, r := range rows {
			if p.s.vals[i].True() {
				out = append(out, r)
			}
		}
		p.s.arena.b = p.s.arena.b[:mark]
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
	general
	need hint.Need
	rows []uint32
}

func (p *matched) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	hits, err := meets(f, p.need)
	if err != nil {
		return nil, err
	}
	if hits != nil {
		p.rows = with(sel, hits, p.rows[:0])
		sel = p.rows
	}
	if err := p.s.pace.work(checkEvery); err != nil {
		return nil, err
	}
	return p.general.keep(f, sel, out)
}

// meets returns the rows whose messages meet a need; nil means all.
func meets(f *blockFrame, n hint.Need) (column.Bitmap, error) {
	switch n.Op {
	case hint.Any:
		return nil, nil
	case hint.Contains:
		hits := column.NewBitmap(f.n)
		return hits, f.Find([]byte(n.Text), hits)
	}
	var all column.Bitmap
	if n.Op != hint.All {
		all = column.NewBitmap(f.n)
	}
	for _, k := range n.Kids {
		hits, err := meets(f, k)
		if err != nil {
			return nil, err
		}
		switch {
		case n.Op == hint.All && hits != nil && all == nil:
			all = hits
		case n.Op == hint.All && hits != nil:
			all.And(hits)
		case n.Op == hint.OneOf && hits == nil:
			return nil, nil
		case n.Op == hint.OneOf:
			all.Or(hits)
		}
	}
	return all, nil
}

// onPath is a condition on one path. It looks at how the column is encoded.
type onPath struct {
	general
	ref  fieldRef
	null bool // it holds where the path is absent

	numeric bool // "path op number"
	compare plan.CmpOp
	num     float64
	limits  [256]limits // by scale

	isEqual bool // "path = text"
	equal   []byte

	isContains bool // "path contains text"
	sub        []byte

	table []uint8 // by entry: 1 where it holds
}

// limits are the integers from which on the number is reached and passed.
type limits struct {
	known           bool
	reach, pass     int64
	noReach, noPass bool
}

// entries is a frame of the entries of one dictionary.
type entries struct{ dict []plan.Value }

func (e entries) load(_ *fieldRef, rows []uint32, out []plan.Value, _ *arena) error {
	for i, r := range rows {
		out[i] = e.dict[r]
	}
	return nil
}

func (p *onPath) holdsForNull() bool {
	var out [1]plan.Value
	var a arena
	err := p.n.eval(entries{make([]plan.Value, 1)}, []uint32{0}, out[:], &a, &pace{left: 1 << 30})
	return err == nil && out[0].True()
}

func (p *onPath) keep(f *blockFrame, sel, out []uint32) ([]uint32, error) {
	c, err := f.column(p.ref.slot)
	if err != nil {
		return nil, err
	}
	if err := p.s.pace.work(checkEvery); err != nil {
		return nil, err
	}
	switch c.v.Kind {
	case column.Null:
		return constant{p.null}.keep(f, sel, out)
	case column.Dict:
		return p.keepEntries(f, c, sel, out)
	case column.Int, column.Fixed:
		if p.numeric {
			return p.keepInts(c.v, sel, out[:0]), nil
		}
	case column.Text:
		if p.isEqual && !c.v.Escaped && c.v.AllQuoted {
			return p.keepEqual(c.v, sel, out[:0]), nil
		}
		if p.isContains && !c.v.Escaped && c.v.AllQuoted && len(p.sub) > 0 && len(sel) > f.n/2 {
			return p.keepContaining(f, c.v, sel, out[:0])
		}
	}
	return p.general.keep(f, sel, out)
}

// keepEntries computes the condition once for each entry of the dictionary.
func (p *onPath) keepEntries(f *blockFrame, c *blockColumn, sel, out []uint32) ([]uint32, error) {
	d := len(c.dict)
	p.table = append(p.table[:0], make([]uint8, d)...)
	some, all := false, true
	for from := 0; from < d; from += batch {
		rows := p.s.numbers(from, min(from+batch, d))
		mark := len(p.s.arena.b)
		if err := p.n.eval(entries{c.dict}, rows, p.s.vals, &p.s.arena, p.s.pace); err != nil {
			return nil, err
		}
		for i := range rows {
			holds := p.s.vals[i].True()
			some, all = some || holds, all && holds
			if holds {
				p.table[from+i] = 1
			}
		}
		p.s.arena.b = p.s.arena.b[:mark]
	}
	if !some || all {
		return constant{all}.keep(f, sel, out)
	}
	out = room(out, len(sel))
	table, k, v := p.table, 0, c.v
	if v.Valid == nil && !c.mixed {
		if len(sel) == f.n {
			for i, id := range v.IDs[:f.n] {
				out[k] = uint32(i)
				k += int(table[id])
			}
			return out[:k], nil
		}
		for _, r := range sel {
			out[k] = r
			k += int(table[v.IDs[r]])
		}
		return out[:k], nil
	}
	for _, r := range sel {
		code := int(v.IDs[r])
		if c.mixed && !v.Quoted.Has(int(r)) {
			code += v.Dict.Len()
		}
		if v.Valid != nil && !v.Valid.Has(int(r)) {
			code = d - 1
		}
		out[k] = r
		k += int(table[code])
	}
	return out[:k], nil
}

// room returns out with length n+1, so that writing before counting is in range.
func room(out []uint32, n int) []uint32 {
	if cap(out) < n+1 {
		return make([]uint32, n+1, column.MaxRows+1)
	}
	return out[:n+1]
}

func (p *onPath) keepInts(v *column.Vector, sel, out []uint32) []uint32 {
	scale := v.Scale
	if v.Kind == column.Int {
		scale = 0
	}
	l := &p.limits[scale]
	if !l.known {
		l.known = true
		l.reach, l.noReach = threshold(p.num, scale, false)
		l.pass, l.noPass = threshold(p.num, scale, true)
	}
	// The condition is: from <= n <= to, or with outside set the opposite.
	const low, high = -1 << 63, 1<<63 - 1
	from, to, none, outside := int64(low), int64(high), false, false
	below := func(limit int64, no bool) { // n < limit
		if !no {
			to, none = limit-1, limit == low
		}
	}
	above := func(limit int64, no bool) { // n >= limit
		from, none = limit, none || no
	}
	switch p.compare {
	case plan.Lt:
		below(l.reach, l.noReach)
	case plan.Le:
		below(l.pass, l.noPass)
	case plan.Gt:
		above(l.pass, l.noPass)
	case plan.Ge:
		above(l.reach, l.noReach)
	default:
		outside = p.compare == plan.Ne
		below(l.pass, l.noPass)
		above(l.reach, l.noReach)
		none = none || from > to
	}
	if none {
		if outside {
			return append(out, sel...)
		}
		return out
	}
	out = room(out, len(sel))
	k, span, flip := 0, uint64(to)-uint64(from), uint8(0)
	if outside {
		flip = 1
	}
	nullHolds := uint8(0)
	if p.null {
		nullHolds = 1
	}
	if v.Valid == nil && len(sel) == len(v.Ints) {
		for i, n := range v.Ints {
			out[k] = uint32(i)
			k += int(within(uint64(n)-uint64(from), span) ^ flip)
		}
		return out[:k]
	}
	for _, r := range sel {
		out[k] = r
		hit := within(uint64(v.Ints[r])-uint64(from), span) ^ flip
		if v.Valid != nil && !v.Valid.Has(int(r)) {
			hit = nullHolds
		}
		k += int(hit)
	}
	return out[:k]
}

func within(n, span uint64) uint8 {
	if n <= span {
		return 1
	}
	return 0
}

func (p *onPath) keepEqual(v *column.Vector, sel, out []uint32) []uint32 {
	for _, r := range sel {
		if (v.Valid == nil || v.Valid.Has(int(r))) && bytes.Equal(v.Texts.At(int(r)), p.equal) {
			out = append(out, r)
		}
	}
	return out
}

// keepContaining searches all texts as one and maps the hits to rows.
func (p *onPath) keepContaining(f *blockFrame, v *column.Vector, sel, out []uint32) ([]uint32, error) {
	p.s.bits = p.s.bits.Fit(f.n)
	data, ends := v.Texts.Data, v.Texts.Ends
	row, at := 0, 0
	for at < len(data) {
		// A window ends where a text ends, so that the context is looked at in time.
		last := row
		for last < len(ends)-1 && int(ends[last])-at < checkEvery {
			last++
		}
		stop := int(ends[last])
		for at < stop {
			i := bytes.Index(data[at:stop], p.sub)
			if i < 0 {
				break
			}
			at += i
			for int(ends[row]) <= at {
				row++
			}
			if at+len(p.sub) <= int(ends[row]) {
				p.s.bits.Set(row)
				at = int(ends[row])
			} else {
				at++
			}
		}
		row, at = last+1, stop
		if row >= len(ends) {
			break
		}
		if err := p.s.pace.work(checkEvery); err != nil {
			return nil, err
		}
	}
	for _, r := range sel {
		if p.s.bits.Has(int(r)) && (v.Valid == nil || v.Valid.Has(int(r))) {
			out = append(out, r)
		}
	}
	return out, nil
}
