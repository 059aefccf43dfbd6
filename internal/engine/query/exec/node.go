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
	bufs [][]plan.Value // one for each kid
	ref  fieldRef
	sub  []byte
	fn   plan.Eval
	args []plan.Value
	text []byte
	find *automaton.Finder

	apart *extraction
	part  int // where it has the part
}

// compiler resolves the columns of expressions.
type compiler struct {
	slot        func(name string) fieldRef
	extractions map[string]*extraction
}

func (c *compiler) compile(e plan.Expr) *node {
	n := &node{expr: e}
	operand := func(x plan.Expr) {
		n.kids = append(n.kids, c.compile(x))
		n.bufs = append(n.bufs, make([]plan.Value, batch))
	}
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
	for i, k := range n.kids {
		if err := k.eval(f, rows, n.bufs[i], a, p); err != nil {
			return err
		}
	}
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
		x, y := n.bufs[0], n.bufs[1]
		for i := range out {
			out[i] = plan.BoolValue(plan.Holds(e.Op, &x[i], &y[i]))
		}
	case plan.And:
		n.logic(out, true)
	case plan.Or:
		n.logic(out, false)
	case plan.Not:
		for i := range out {
			out[i] = plan.BoolValue(!n.bufs[0][i].True())
		}
	case plan.Test:
		for i := range out {
			m := n.bufs[0][i].Text
			out[i] = plan.BoolValue(e.Match(m))
			if err := p.work(len(m)); err != nil {
				return err
			}
		}
	case plan.Contains, plan.Match:
		return n.search(out, p)
	case plan.In:
		for i := range out {
			out[i] = plan.BoolValue(plan.InList(&n.bufs[0][i], e.List))
		}
	case plan.Present:
		for i := range out {
			out[i] = plan.BoolValue(n.bufs[0][i].Kind != plan.Null)
		}
	case plan.Arith:
		x, y := n.bufs[0], n.bufs[1]
		for i := range out {
			out[i] = plan.Arithmetic(e.Op, &x[i], &y[i])
		}
	case plan.Bin:
		for i := range out {
			out[i] = plan.BinValue(&n.bufs[0][i], e.Every)
		}
	case plan.Extract:
		return n.apart.load(n.part, f, rows, out, a, p)
	case plan.Call:
		for i := range out {
			for j := range n.args {
				n.args[j] = n.bufs[j][i]
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

func (n *node) logic(out []plan.Value, all bool) {
	for i := range out {
		result := all
		for _, b := range n.bufs {
			if b[i].True() != all {
				result = !all
				break
			}
		}
		out[i] = plan.BoolValue(result)
	}
}

func (n *node) search(out []plan.Value, p *pace) error {
	for i := range out {
		v := &n.bufs[0][i]
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
