package sqlexpr

import (
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// windowOnly are the functions that need OVER.
var windowOnly = words("cume_dist dense_rank lag lead nth_value ntile percent_rank rank row_number")

// NeedsOver reports whether a function is a window function and nothing else.
func NeedsOver(name string) bool { return windowOnly[name] }

// Prefixes of the columns that Windows makes.
const (
	windowPrefix = "$win"
	inputPrefix  = "$in"
)

// Windows collects the window functions of a statement. It replaces them by the
// columns that its steps add.
type Windows struct {
	c      *Compiler
	byText map[string]plan.Expr
	inputs []plan.Named
	items  []windowItem
}

// windowItem is one window function.
type windowItem struct {
	fn     string
	args   []string // columns
	n      int      // of lag, lead, nth_value, ntile, sma and wma
	other  plan.Value
	p      float64
	unique bool
	skip   bool // leave out Null
	by     []string
	order  []windowKey
	frame  Frame
	as     string
}

type windowKey struct {
	column string
	desc   bool
	last   bool // Null comes last
}

// Windows makes an empty collection.
func (c *Compiler) Windows() *Windows { return &Windows{c: c, byText: map[string]plan.Expr{}} }

// Empty reports whether there are no window functions.
func (w *Windows) Empty() bool { return len(w.items) == 0 }

// Replace is a Compiler.Replace that takes window functions; Compiler.Replace is
// used for what is inside of them, so it must not be this one then.
func (w *Windows) Replace(e Expr) (plan.Expr, error) {
	call, ok := e.(*Call)
	if !ok || call.Over == nil {
		return nil, nil
	}
	text := e.String()
	if x := w.byText[text]; x != nil {
		return x, nil
	}
	item, err := w.item(call)
	if err != nil {
		return nil, err
	}
	item.as = columnName(windowPrefix, len(w.items))
	w.items = append(w.items, item)
	x := plan.Expr(plan.Field{Name: item.as})
	w.byText[text] = x
	return x, nil
}

// input makes an expression a column that the transform reads.
func (w *Windows) input(x plan.Expr) string {
	text := x.String()
	for _, k := range w.inputs {
		if k.Expr.String() == text {
			return k.As
		}
	}
	as := columnName(inputPrefix, len(w.inputs))
	w.inputs = append(w.inputs, plan.Named{Expr: x, As: as})
	return as
}

func (w *Windows) item(e *Call) (windowItem, error) {
	c := w.c
	item := windowItem{fn: e.Func, n: 1, skip: e.Nulls == "ignore"}
	if len(w.items) >= MaxItems {
		return item, c.errorf(e.Span, "there are more than %d window functions", MaxItems)
	}
	for _, k := range kids(e) {
		if HasWindow(k) {
			return item, c.errorf(k.At(), "a window function inside of a window function is not supported")
		}
	}
	for _, k := range e.Over.By {
		x, err := c.Value(k)
		if err != nil {
			return item, err
		}
		item.by = append(item.by, w.input(x))
	}
	for _, o := range e.Over.Order {
		x, err := c.Value(o.X)
		if err != nil {
			return item, err
		}
		item.order = append(item.order, windowKey{w.input(x), o.Desc, o.Nulls == "last" || o.Nulls == "" && o.Desc})
	}
	switch {
	case e.Over.Frame != nil:
		item.frame = *e.Over.Frame
	case len(item.order) > 0:
		item.frame = Frame{Hi: Edge{Kind: Current}}
	default:
		item.frame = Frame{Hi: Edge{Kind: Last}}
	}
	if windowOnly[e.Func] || e.Func == "first_value" || e.Func == "last_value" {
		return item, w.only(e, &item)
	}
	if _, ok := aggregateOf(c.Dialect, e.Func); !ok {
		return item, c.errorf(e.Span, "the function %s is no window function", e.Func)
	}
	a, err := c.aggregate(e, false)
	if err != nil {
		return item, err
	}
	item.fn, item.p, item.unique = a.fn, a.p, a.distinct
	for _, x := range a.args {
		item.args = append(item.args, w.input(x))
	}
	return item, nil
}

// only reads the arguments of the functions that are no aggregates.
func (w *Windows) only(e *Call, item *windowItem) error {
	c := w.c
	least, most := 0, 0
	switch e.Func {
	case "lag", "lead":
		least, most = 1, 3
	case "nth_value":
		least, most = 2, 2
	case "first_value", "last_value":
		least, most = 1, 2
	case "ntile":
		least, most = 1, 1
	}
	switch n := len(e.Args); {
	case e.Star || e.Distinct || e.Filter != nil:
		return c.errorf(e.Span, "%s takes no *, DISTINCT or FILTER", e.Func)
	case n < least || n > most:
		return c.errorf(e.Span, "the function %s takes %s, not %d", e.Func, (&plan.Function{Min: least, Max: most}).Arity(), n)
	case len(item.order) == 0 && windowOnly[e.Func] && e.Func != "row_number":
		return c.errorf(e.Span, "the function %s needs ORDER BY in OVER", e.Func)
	}
	args := e.Args
	if e.Func == "ntile" || e.Func == "nth_value" {
		n, err := w.count(args[len(args)-1], 1)
		if err != nil {
			return err
		}
		item.n = n
		args = args[:len(args)-1]
	}
	if e.Func == "lag" || e.Func == "lead" {
		if len(args) > 1 {
			n, err := w.count(args[1], 0)
			if err != nil {
				return err
			}
			item.n = n
		}
		if len(args) > 2 {
			v, ok := Constant(args[2])
			if !ok {
				return c.errorf(args[2].At(), "the default of %s must be a constant", e.Func)
			}
			item.other = v
		}
		args = args[:1]
	}
	if len(args) == 2 { // first_value(x, true): IGNORE NULLS
		v, ok := Constant(args[1])
		if !ok || v.Kind != plan.Bool {
			return c.errorf(args[1].At(), "%s takes true or false as its second argument", e.Func)
		}
		item.skip = item.skip || v.Num == 1
		args = args[:1]
	}
	for _, a := range args {
		x, err := c.Value(a)
		if err != nil {
			return err
		}
		item.args = append(item.args, w.input(x))
	}
	return nil
}

func (w *Windows) count(e Expr, least float64) (int, error) {
	v, ok := Constant(e)
	if !ok || v.Kind != plan.Number || v.Num < least || v.Num > 1e6 || v.Num != float64(int(v.Num)) {
		return 0, w.c.errorf(e.At(), "this must be an integer from %v to 1000000", least)
	}
	return int(v.Num), nil
}

// Steps are the steps that add the columns.
func (w *Windows) Steps() []plan.Step {
	if w.Empty() {
		return nil
	}
	var steps []plan.Step
	var reads []string
	if len(w.inputs) > 0 {
		steps = append(steps, plan.Extend{Cols: w.inputs})
		for _, k := range w.inputs {
			reads = append(reads, k.As)
		}
	}
	return append(steps, windows(w.items, reads))
}

// windows makes the transform of several window functions.
func windows(items []windowItem, reads []string) plan.Transform {
	return plan.Transform{
		Name: "window functions", Reads: reads, Events: true, Apply: windowRun{items}.apply,
		Columns: func(in []string) []string {
			out := slices.Clone(in)
			for _, k := range items {
				out = append(out, k.as)
			}
			return out
		},
	}
}

// EventStats adds aggregates over all rows that are equal by the keys.
func (c *Compiler) EventStats(calls []*Call, keys []plan.Expr, as []string) ([]plan.Step, error) {
	w := c.Windows()
	var by []string
	for _, k := range keys {
		by = append(by, w.input(k))
	}
	for i, e := range calls {
		a, err := c.aggregate(e, false)
		if err != nil {
			return nil, err
		}
		item := windowItem{fn: a.fn, p: a.p, unique: a.distinct, by: by, frame: Frame{Hi: Edge{Kind: Last}}, as: as[i]}
		for _, x := range a.args {
			item.args = append(item.args, w.input(x))
		}
		w.items = append(w.items, item)
	}
	return w.Steps(), nil
}

// Trend is a moving average of n rows.
type Trend struct {
	X        plan.Expr
	N        int
	Weighted bool
	As       string
}

// Trends adds moving averages, in the order that the rows have.
func (c *Compiler) Trends(list []Trend) []plan.Step {
	w := c.Windows()
	for _, t := range list {
		fn := "sma"
		if t.Weighted {
			fn = "wma"
		}
		w.items = append(w.items, windowItem{
			fn: fn, n: t.N, args: []string{w.input(t.X)}, as: t.As,
			frame: Frame{Rows: true, Lo: Edge{Preceding, t.N - 1}, Hi: Edge{Kind: Current}},
		})
	}
	return w.Steps()
}
