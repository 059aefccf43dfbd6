package plan

import (
	"math"
	"strconv"
	"strings"
)

// Plan is a query: the events of a Scan, passed through Steps in their order.
type Plan struct {
	Scan  Scan
	Steps []Step
}

// Step is one of Filter, Extend, Project, Stats, Sort, Limit, Unnest, Dedup,
// Cluster and Transform.
type Step interface {
	String() string // one line of Explain
	exprs() []Expr
	withExprs(e []Expr) Step
}

// Named is an expression and the name of the column that it makes.
type Named struct {
	Expr Expr
	As   string
}

// Filter keeps the rows for which Cond holds.
type Filter struct{ Cond Expr }

// Extend adds columns. Each sees those before it; a name hides an older column
// of the same name.
type Extend struct{ Cols []Named }

// Project replaces the columns by others, in this order. Afterwards only these
// columns exist; all other names are Null.
type Project struct{ Cols []Named }

// AggFunc is an aggregate.
type AggFunc uint8

// The aggregates. Those of numbers skip rows whose value is no number, and are
// Null when there is none.
const (
	Count         AggFunc = iota // rows, or rows where Arg is present
	Sum                          // exact, then rounded once
	Avg                          // the sum divided by the count of numbers
	Min                          // of numbers when there are any, else of texts in sort order
	Max                          //
	StddevPop                    // of the population; from exact sums
	StddevSamp                   // of a sample; Null for fewer than two numbers
	VarPop                       //
	VarSamp                      //
	Pct                          // the value of rank ceil(P/100*n): exact for up to 8,192 numbers, else within 0.5 % of it (the least and the greatest are exact)
	CountDistinct                // texts: exact up to 16,384, else with a standard error of 0.81 %
	Earliest                     // value of Arg in the first row, by time, that has one
	Latest                       //
	Values                       // a list of the distinct values, told apart by their texts, in sort order; without any an empty list
	TopK                         // a list of the P most frequent values, most frequent first, equal ones in sort order
	SortsFirst                   // the value that a sort puts first
	SortsLast                    // the one that it puts last
)

var aggNames = [...]string{"count", "sum", "avg", "min", "max", "stddev_pop", "stddev_samp", "var_pop", "var_samp",
	"pct", "count_distinct", "earliest", "latest", "values", "topk", "sorts_first", "sorts_last"}

// MaxTopK bounds the P of TopK.
const MaxTopK = 10_000

// String returns the name of the aggregate.
func (f AggFunc) String() string { return aggNames[f] }

// Agg is one aggregate of a Stats.
type Agg struct {
	Func AggFunc
	Arg  Expr    // nil only for Count: all rows
	P    float64 // of Pct, 0 to 100; of TopK, a whole number from 1 to MaxTopK
	As   string
}

// Stats makes one row for each distinct combination of By: the keys, then the
// aggregates. Without By it makes exactly one row. Rows come in the order of
// their keys (Order, the first key first).
type Stats struct {
	By   []Named
	Aggs []Agg
}

// SortKey is one expression of a Sort.
type SortKey struct {
	Expr Expr
	Desc bool
}

// Sort orders rows by Keys and keeps the first Limit of them; 0 keeps all. Rows
// that are equal by Keys keep their order after a Stats; events come newest first.
type Sort struct {
	Keys  []SortKey
	Limit int
}

// Limit keeps N rows: the first after a Sort or Stats, else whichever are found
// first, and the scan stops then.
type Limit struct{ N int }

func (s Filter) String() string { return "filter " + s.Cond.String() }
func (s Limit) String() string  { return "limit " + strconv.Itoa(s.N) }

func (s Extend) String() string  { return "extend " + named(s.Cols) }
func (s Project) String() string { return "project " + named(s.Cols) }

func named(cols []Named) string {
	s := make([]string, len(cols))
	for i, c := range cols {
		if s[i] = c.Expr.String(); s[i] != c.As {
			s[i] += " as " + c.As
		}
	}
	return strings.Join(s, ", ")
}

// String returns the aggregate as text.
func (a Agg) String() string {
	arg := "*"
	if a.Arg != nil {
		arg = a.Arg.String()
	}
	if a.Func == Pct || a.Func == TopK {
		arg += ", " + strconv.FormatFloat(a.P, 'g', -1, 64)
	}
	s := a.Func.String() + "(" + arg + ")"
	if s != a.As {
		s += " as " + a.As
	}
	return s
}

func (s Stats) String() string {
	a := make([]string, len(s.Aggs))
	for i := range s.Aggs {
		a[i] = s.Aggs[i].String()
	}
	text := "stats " + strings.Join(a, ", ")
	if len(s.By) > 0 {
		text += " by " + named(s.By)
	}
	return text
}

func (s Sort) String() string {
	k := make([]string, len(s.Keys))
	for i, x := range s.Keys {
		k[i] = x.Expr.String()
		if x.Desc {
			k[i] += " desc"
		}
	}
	text := "sort " + strings.Join(k, ", ")
	if s.Limit > 0 {
		text += " limit " + strconv.Itoa(s.Limit)
	}
	return text
}

func (s Filter) exprs() []Expr  { return []Expr{s.Cond} }
func (s Limit) exprs() []Expr   { return nil }
func (s Extend) exprs() []Expr  { return namedExprs(s.Cols) }
func (s Project) exprs() []Expr { return namedExprs(s.Cols) }
func (s Sort) exprs() []Expr {
	var e []Expr
	for _, k := range s.Keys {
		e = append(e, k.Expr)
	}
	return e
}
func (s Stats) exprs() []Expr {
	e := namedExprs(s.By)
	for _, a := range s.Aggs {
		if a.Arg != nil {
			e = append(e, a.Arg)
		}
	}
	return e
}

func namedExprs(cols []Named) []Expr {
	e := make([]Expr, len(cols))
	for i, c := range cols {
		e[i] = c.Expr
	}
	return e
}

func withNamed(cols []Named, e []Expr) []Named {
	n := make([]Named, len(cols))
	for i, c := range cols {
		n[i] = Named{e[i], c.As}
	}
	return n
}

func (s Filter) withExprs(e []Expr) Step  { return Filter{e[0]} }
func (s Limit) withExprs([]Expr) Step     { return s }
func (s Extend) withExprs(e []Expr) Step  { return Extend{withNamed(s.Cols, e)} }
func (s Project) withExprs(e []Expr) Step { return Project{withNamed(s.Cols, e)} }
func (s Sort) withExprs(e []Expr) Step {
	k := make([]SortKey, len(s.Keys))
	for i := range k {
		k[i] = SortKey{e[i], s.Keys[i].Desc}
	}
	return Sort{k, s.Limit}
}
func (s Stats) withExprs(e []Expr) Step {
	n := Stats{By: withNamed(s.By, e), Aggs: make([]Agg, len(s.Aggs))}
	at := len(s.By)
	for i, a := range s.Aggs {
		if a.Arg != nil {
			a.Arg = e[at]
			at++
		}
		n.Aggs[i] = a
	}
	return n
}

// Check reports, wrapped in ErrInvalid, what is wrong with a plan.
func (p *Plan) Check() error {
	if p.Scan.Start < 0 || p.Scan.End < p.Scan.Start {
		return invalid("the time range is from %d to %d", p.Scan.Start, p.Scan.End)
	}
	if len(p.Steps) > MaxSteps {
		return invalid("there are more than %d steps", MaxSteps)
	}
	for _, s := range p.Steps {
		if err := checkStep(s); err != nil {
			return err
		}
	}
	return nil
}

func checkStep(s Step) error {
	items := 1
	switch s := s.(type) {
	case Filter:
	case Extend:
		items = len(s.Cols)
	case Project:
		items = len(s.Cols)
	case Sort:
		if items = len(s.Keys); s.Limit < 0 {
			return invalid("sort keeps %d rows", s.Limit)
		}
		if s.Limit > 0 {
			items = max(items, 1) // without keys it keeps the newest events
		}
	case Limit:
		if s.N < 0 {
			return invalid("limit %d", s.N)
		}
	case Stats:
		items = len(s.Aggs) + len(s.By)
		for _, a := range s.Aggs {
			if int(a.Func) >= len(aggNames) {
				return invalid("unknown aggregate %d", a.Func)
			}
			if a.Arg == nil && a.Func != Count {
				return invalid("%s has no argument", a.Func)
			}
			if a.Func == Pct && !(a.P >= 0 && a.P <= 100) {
				return invalid("percentile %v is not from 0 to 100", a.P)
			}
			if a.Func == TopK && !(a.P >= 1 && a.P <= MaxTopK && a.P == math.Trunc(a.P)) {
				return invalid("topk keeps %v values, not 1 to %d", a.P, MaxTopK)
			}
		}
	case Unnest, Cluster:
	case Dedup:
		items = len(s.Keys)
	case Transform:
		items = max(1, len(s.Reads))
	default:
		return invalid("unknown step %T", s)
	}
	if err := checkRows(s); err != nil {
		return err
	}
	if items == 0 || items > MaxItems {
		return invalid("a step has %d expressions, not 1 to %d", items, MaxItems)
	}
	for _, e := range s.exprs() {
		nodes := 0
		if err := check(e, &nodes, 1); err != nil {
			return err
		}
	}
	return nil
}
