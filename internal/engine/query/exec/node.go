package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/query/automaton"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// node is a compiled expression with its scratch space: it belongs to one
// goroutine. It is evaluated for up to batch rows at a time.
type node struct {
	expr plan.Expr
	kids []*node
	lent *operands // where kids are evaluated
	ref  fieldRef
	sub  []byte
	fn   plan.Eval
	args []plan.Value
	text []byte
	find *automaton.Finder

	apart *extraction
	part  int // where it has the part
}

// operands lends the nodes of one goroutine the memory of their operands: of those under evaluation,
// not of all there are. It is a stack, as evaluation is.
type operands struct {
	all  [][]plan.Value // each of a batch
	used int
}

func (o *operands) take(n int) [][]plan.Value {
	for len(o.all) < o.used+n {
		o.all = append(o.all, make([]plan.Value, batch))
	}
	o.used += n
	return o.all[o.used-n : o.used]
}

func (o *operands) give(n int) { o.used -= n }

// compiler resolves the columns of expressions.
type compiler struct {
	slot        func(name string) fieldRef
	extractions map[string]*extraction
	lent        operands // of all the nodes
}

func (c *compiler) compile(e plan.Expr) *node {
	n := &node{expr: e, lent: &c.lent}
	operand := func(x plan.Expr) { n.kids = append(n.kids, c.compile(x)) }
	switch e := e.(type) {
	case plan.Field:
		n.ref = c.slot(e.Name)
	case plan.Cmp:
		operand(e.A)
		operand(e.B)
	case plan.And:
		for _, x := range e.X {
			operand(x)
		}
	case plan.Or:
		for _, x := range e.X {
			operand(x)
		}
	case plan.Not:
		operand(e.X)
	case plan.Contains:
		operand(e.X)
		n.sub = []byte(e.Sub)
	case plan.Match:
		operand(e.X)
		n.find = automaton.New(e.Re)
	case plan.Test:
		operand(plan.Field{Name: plan.Message})
	case plan.In:
		operand(e.X)
	case plan.Present:
		operand(e.X)
	case plan.Arith:
		operand(e.A)
		operand(e.B)
	case plan.Bin:
		operand(e.X)
	case plan.Call:
		for _, x := range e.Args {
			operand(x)
		}
		n.fn = evalOf(e)
		n.args = make([]plan.Value, len(e.Args))
	case plan.Extract:
		n.apart = c.extraction(e)
		n.part = n.apart.use(e.Part)
	}
	return n
}

// evalOf returns what computes a call of a plan that was checked.
func evalOf(e plan.Call) plan.Eval {
	f, err := e.Bound()
	if err != nil {
		panic("exec: a call that was checked: " + err.Error())
	}
	return f
}

// eval sets out[i] to the value for rows[i]; at most batch rows. Texts are valid
// as those of frame.load.
func (n *node) eval(f frame, rows []uint32, out []plan.Value, a *arena, p *pace) error {
	out = out[:len(rows)]
	switch n.expr.(type) {
	case plan.And:
		return n.logic(true, f, rows, out, a, p)
	case plan.Or:
		return n.logic(false, f, rows, out, a, p)
	}
	bufs := n.lent.take(len(n.kids))
	defer n.lent.give(len(n.kids))
	for i, k := range n.kids {
		if err := k.eval(f, rows, bufs[i], a, p); err != nil {
			return err
		}
	}
	return n.compute(bufs, f, rows, out, a, p)
}

// compute sets out to what the values of the kids make.
func (n *node) compute(bufs [][]plan.Value, f frame, rows []uint32, out []plan.Value, a *arena, p *pace) error {
	switch e := n.expr.(type) {
	case plan.Field:
		if err := f.load(&n.ref, rows, out, a); err != nil {
			return err
		}
		return a.charge()
	case plan.Const:
		for i := range out {
			out[i] = e.V
		}
	case plan.Cmp:
		x, y := bufs[0], bufs[1]
		for i := range out {
			out[i] = plan.BoolValue(plan.Holds(e.Op, &x[i], &y[i]))
		}
	case plan.Not:
		for i := range out {
			out[i] = plan.BoolValue(!bufs[0][i].True())
		}
	case plan.Test:
		for i := range out {
			m := bufs[0][i].Text
			out[i] = plan.BoolValue(e.Match(m))
			if err := p.work(len(m)); err != nil {
				return err
			}
		}
	case plan.Contains, plan.Match:
		return n.search(bufs[0], out, p)
	case plan.In:
		for i := range out {
			out[i] = plan.BoolValue(plan.InList(&bufs[0][i], e.List))
		}
	case plan.Present:
		for i := range out {
			out[i] = plan.BoolValue(bufs[0][i].Kind != plan.Null)
		}
	case plan.Arith:
		x, y := bufs[0], bufs[1]
		for i := range out {
			out[i] = plan.Arithmetic(e.Op, &x[i], &y[i])
		}
	case plan.Bin:
		for i := range out {
			out[i] = plan.BinValue(&bufs[0][i], e.Every)
		}
	case plan.Extract:
		return n.apart.load(n.part, f, rows, out, a, p)
	case plan.Call:
		for i := range out {
			for j := range n.args {
				n.args[j] = bufs[j][i]
			}
			from := len(a.Bytes)
			out[i] = n.fn(n.args, &a.Arena)
			if err := p.work(16 + len(a.Bytes) - from); err != nil {
				return err
			}
			if err := a.charge(); err != nil {
				return err
			}
		}
	}
	return nil
}

// logic sets out to whether all, or any, of the kids hold.
func (n *node) logic(all bool, f frame, rows []uint32, out []plan.Value, a *arena, p *pace) error {
	buf := n.lent.take(1)[0]
	defer n.lent.give(1)
	for i := range out {
		out[i] = plan.BoolValue(all)
	}
	for _, k := range n.kids {
		if err := k.eval(f, rows, buf, a, p); err != nil {
			return err
		}
		for i := range out {
			if buf[i].True() != all {
				out[i] = plan.BoolValue(!all)
			}
		}
	}
	return nil
}

func (n *node) search(texts, out []plan.Value, p *pace) error {
	for i := range out {
		v := &texts[i]
		if !plan.HasText(v) {
			out[i] = plan.BoolValue(false)
			continue
		}
		t := v.Text
		if v.Kind == plan.Number || v.Kind == plan.Time {
			n.text = v.AppendText(n.text[:0])
			t = n.text
		}
		if n.find != nil {
			out[i] = plan.BoolValue(n.find.Match(t))
		} else {
			out[i] = plan.BoolValue(bytes.Contains(t, n.sub))
		}
		if err := p.work(len(t) + 1); err != nil {
			return err
		}
	}
	return nil
}
