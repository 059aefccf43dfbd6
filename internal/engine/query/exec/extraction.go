package exec

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// extraction takes texts apart for all expressions that ask for parts of the same.
// Of a block it keeps what it found, so that each text is taken apart once.
type extraction struct {
	x     *node
	vals  []plan.Value // of a batch
	take  func(text []byte, out [][]byte) bool
	out   [][]byte
	glob  *column.Glob // of messages: blocks may know how to cut them
	text  []byte
	rows  []uint32
	block uint64        // the block that is kept, as blockFrame numbers them
	done  column.Bitmap // rows that were taken apart
	cuts  column.Cuts   // parts ascending by when they were first asked for
}

// extraction returns the one of a text and an extractor.
func (c *compiler) extraction(e plan.Extract) *extraction {
	key := e.By.Name + "\x00" + e.X.String()
	if x, ok := c.extractions[key]; ok {
		return x
	}
	x := &extraction{x: c.compile(e.X), vals: make([]plan.Value, batch), take: e.By.New(), out: make([][]byte, e.By.Parts)}
	if e.X == (plan.Field{Name: plan.Message}) {
		x.glob = e.By.Glob
	}
	if c.extractions == nil {
		c.extractions = map[string]*extraction{}
	}
	c.extractions[key] = x
	return x
}

// use returns where the pieces of a part are.
func (x *extraction) use(part int) int {
	for i, p := range x.cuts.Parts {
		if p == part {
			return i
		}
	}
	x.cuts.Parts = append(x.cuts.Parts, part)
	x.cuts.Found = append(x.cuts.Found, nil)
	return len(x.cuts.Parts) - 1
}

// load sets out[i] to a part of the text of rows[i].
func (x *extraction) load(at int, f frame, rows []uint32, out []plan.Value, a *arena, p *pace) error {
	b, ok := f.(*blockFrame)
	if !ok {
		return x.direct(at, f, rows, out, a, p)
	}
	if err := x.ensure(b, rows, a, p); err != nil {
		return err
	}
	found := x.cuts.Found[at]
	for i, r := range rows {
		if s := found[r]; s.From != column.Absent {
			out[i] = plan.Value{Kind: plan.Text, Text: x.cuts.Texts[s.From:s.To:s.To]}
		} else {
			out[i] = plan.Value{}
		}
	}
	return nil
}

// ensure takes the texts of rows of a block apart, at most batch of them, unless
// that was done.
func (x *extraction) ensure(b *blockFrame, rows []uint32, a *arena, p *pace) error {
	if x.block != b.number {
		x.block, x.cuts.Texts = b.number, x.cuts.Texts[:0]
		x.done = x.done.Fit(b.n)
		for i, found := range x.cuts.Found {
			x.cuts.Found[i] = fit(found[:0], b.n)
		}
	}
	x.rows = x.rows[:0]
	for _, r := range rows {
		if !x.done.Has(int(r)) {
			x.rows = append(x.rows, r)
		}
	}
	if len(x.rows) == 0 {
		return nil
	}
	return x.fill(b, x.rows, a, p)
}

// prepare is ensure for any number of rows, so that load cannot fail for them.
func (x *extraction) prepare(b *blockFrame, rows []uint32, a *arena, p *pace) error {
	for len(rows) > 0 {
		n := min(batch, len(rows))
		if err := x.ensure(b, rows[:n], a, p); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// fill takes the texts of rows of a block apart.
func (x *extraction) fill(f *blockFrame, rows []uint32, a *arena, p *pace) error {
	for _, r := range rows {
		x.done.Set(int(r))
	}
	if x.glob != nil && slices.IsSorted(rows) {
		before := len(x.cuts.Texts)
		left, err := f.Cut(x.glob, rows, &x.cuts)
		if err != nil {
			return err
		}
		if err := p.work(len(x.cuts.Texts) - before + 16*(len(rows)-len(left))); err != nil || len(left) == 0 {
			return err
		}
		rows = left
	}
	mark := len(a.Bytes)
	if err := x.x.eval(f, rows, x.vals, a, p); err != nil {
		return err
	}
	for i, r := range rows {
		t, ok := x.apart(&x.vals[i])
		for j, part := range x.cuts.Parts {
			s := column.Piece{From: column.Absent}
			if ok && x.out[part] != nil {
				s.From = uint32(len(x.cuts.Texts))
				x.cuts.Texts = append(x.cuts.Texts, x.out[part]...)
				s.To = uint32(len(x.cuts.Texts))
			}
			x.cuts.Found[j][r] = s
		}
		if err := p.work(len(t) + 16); err != nil {
			return err
		}
	}
	a.Bytes = a.Bytes[:mark]
	return nil
}

// direct takes the texts of rows apart and keeps nothing.
func (x *extraction) direct(at int, f frame, rows []uint32, out []plan.Value, a *arena, p *pace) error {
	if err := x.x.eval(f, rows, x.vals, a, p); err != nil {
		return err
	}
	for i := range rows {
		out[i] = plan.Value{}
		t, ok := x.apart(&x.vals[i])
		if part := x.cuts.Parts[at]; ok && x.out[part] != nil {
			from := len(a.Bytes)
			a.Bytes = append(a.Bytes, x.out[part]...)
			out[i] = plan.Value{Kind: plan.Text, Text: a.Text(from)}
		}
		if err := p.work(len(t) + 16); err != nil {
			return err
		}
	}
	return a.charge()
}

// apart takes the text of a value apart.
func (x *extraction) apart(v *plan.Value) (text []byte, ok bool) {
	if !plan.HasText(v) {
		return nil, false
	}
	text = v.Text
	if v.Kind == plan.Number || v.Kind == plan.Time {
		x.text = v.AppendText(x.text[:0])
		text = x.text
	}
	return text, x.take(text, x.out)
}
