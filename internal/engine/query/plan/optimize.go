package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/logs"
)

// Query is a plan made ready to run. All expressions of Conds, Head and Cols
// read system fields and JSON paths only.
type Query struct {
	Request Request
	Conds   []Expr  // must all hold, cheapest first
	Bounds  []Bound // exclude blocks before anything is decoded

	// Unnests make rows of the elements of lists, one after the other. Conditions on
	// elements are theirs.
	Unnests []Unnested

	// Head is what takes the rows of all blocks together: Stats, Sort, Limit, Dedup or
	// Cluster.
	Head Step
	// Cols are the columns of the rows that leave a Sort, Limit or Dedup.
	Cols []Named
	// Rest are the steps after it, over rows in memory.
	Rest []Step

	// ByAge says that the head keeps the newest or the oldest rows only.
	ByAge TimeOrder

	// Columns are the names of the result's columns.
	Columns []string
	// Events says that the rows of the result are events, not groups.
	Events bool

	rules []string
}

// Optimize checks a plan and makes it ready to run.
func Optimize(p *Plan) (*Query, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if err := checkElements(p); err != nil {
		return nil, err
	}
	q := &Query{Request: Request{Scan: p.Scan}}
	steps := q.columns(slices.Clone(p.Steps))
	steps = q.moveLimits(steps)
	rest, err := q.inline(steps)
	if err != nil {
		return nil, err
	}
	q.narrow()
	q.order()
	q.derive()
	q.ByAge = q.byAge()
	if q.Request.Order = q.ByAge; q.ByAge == AnyOrder {
		switch h := q.Head.(type) {
		case Dedup: // of equal rows the newest is kept
			q.Request.Order = NewestFirst
		case Sort:
			if h.Limit > 0 {
				q.Request.Order = NewestFirst
			}
		}
	}
	q.prune(rest)
	return q, nil
}

func (q *Query) applied(rule string) {
	if !slices.Contains(q.rules, rule) {
		q.rules = append(q.rules, rule)
	}
}

// moveLimits moves each Limit before the steps that keep every row, and into a
// Sort.
func (q *Query) moveLimits(steps []Step) []Step {
	var out []Step
	for _, s := range steps {
		l, ok := s.(Limit)
		if !ok {
			out = append(out, s)
			continue
		}
		at := len(out)
		for at > 0 && keepsRows(out[at-1]) {
			at--
		}
		if at < len(out) {
			q.applied("limit before columns")
		}
		if at > 0 {
			switch before := out[at-1].(type) {
			case Sort:
				if l.N > 0 && (before.Limit == 0 || l.N < before.Limit) {
					out[at-1] = Sort{before.Keys, l.N}
				}
				if l.N > 0 {
					q.applied("limit into sort")
					continue
				}
			case Limit:
				out[at-1] = Limit{min(before.N, l.N)}
				continue
			}
		}
		out = slices.Insert(out, at, s)
	}
	return out
}

func keepsRows(s Step) bool {
	switch s.(type) {
	case Extend, Project:
		return true
	}
	return false
}

// names maps the columns of a row to expressions over the event.
type names struct {
	of     map[string]Expr
	closed bool // all others are Null
}

func (n *names) resolve(e Expr) (Expr, error) {
	e = fold(rewrite(e, func(x Expr) Expr {
		f, ok := x.(Field)
		if !ok {
			return x
		}
		if to, ok := n.of[f.Name]; ok {
			return to
		}
		if n.closed {
			return Const{}
		}
		return x
	}))
	nodes := 0
	return e, check(e, &nodes, 1)
}

// inline replaces columns by what they stand for up to the first step that
// takes all rows together, which becomes the head, and collects the conditions
// up to it. It returns the steps after the head.
func (q *Query) inline(steps []Step) ([]Step, error) {
	n := names{of: map[string]Expr{}}
	var order []SortKey // of a Sort that a Dedup follows
	for i, s := range steps {
		if _, ok := s.(Transform); ok {
			q.Head = Sort{}
			return steps[i:], q.rowColumns(n, steps[i:])
		}
		old := s.exprs()
		resolved := make([]Expr, len(old))
		serial, _ := s.(Extend)
		for j, e := range old {
			r, err := n.resolve(e)
			if err != nil {
				return nil, err
			}
			if r.String() != e.String() {
				q.applied("fold and inline")
			}
			if resolved[j] = r; serial.Cols != nil {
				n.of[serial.Cols[j].As] = r
			}
		}
		switch s := s.(type) {
		case Filter:
			q.filter(resolved[0])
		case Unnest:
			n.of[s.As] = q.unnest(resolved[0], s.As)
		case Project:
			n = names{of: map[string]Expr{}, closed: true}
			for j, c := range s.Cols {
				n.of[c.As] = resolved[j]
			}
		case Stats:
			q.Head = s.withExprs(resolved)
			return steps[i+1:], nil
		case Cluster:
			q.Head = s.withExprs(resolved)
			return steps[i+1:], nil
		case Dedup:
			d := Dedup{Keys: resolved, N: s.N, Null: s.Null, By: order}
			rest := steps[i+1:]
			if len(rest) > 0 {
				if l, ok := rest[0].(Limit); ok && l.N > 0 {
					q.applied("limit into dedup")
					d.Limit, rest = l.N, rest[1:]
				}
			}
			q.Head = d
			return rest, q.rowColumns(n, rest)
		case Sort:
			sorted := s.withExprs(resolved).(Sort)
			if s.Limit == 0 {
				switch follower(steps[i+1:]).(type) {
				case Dedup:
					q.applied("sort into dedup")
					order = sorted.Keys
					continue
				case Stats, Cluster:
					if len(q.Unnests) == 0 { // else it orders rows of one event
						q.applied("sort is not needed")
						continue
					}
				}
			}
			q.Head = sorted
			return steps[i+1:], q.rowColumns(n, steps[i+1:])
		case Limit:
			q.Head = s
			return steps[i+1:], q.rowColumns(n, steps[i+1:])
		}
	}
	q.Head = Sort{}
	return nil, q.rowColumns(n, nil)
}

// prune drops the steps that only rename what the head made already.
func (q *Query) prune(rest []Step) {
	for i, s := range rest {
		old := s.exprs()
		folded := make([]Expr, len(old))
		for j, e := range old {
			folded[j] = fold(e)
		}
		rest[i] = s.withExprs(folded)
	}
	q.Rest = rest
}

// narrow turns conditions on times, groups and streams into the scan.
func (q *Query) narrow() {
	q.Conds = slices.DeleteFunc(q.Conds, func(e Expr) bool {
		switch e := e.(type) {
		case Cmp:
			f, ok := e.A.(Field)
			c, isConst := e.B.(Const)
			if !ok || !isConst {
				return false
			}
			if f.Name == Timestamp && q.narrowTime(e.Op, &c.V) {
				q.applied("time range")
				return true
			}
			switch {
			case f.Name == LogStream && e.Op == Eq:
				return q.narrowStreams([]Value{c.V})
			case f.Name == LogGroup && e.Op == Eq:
				return q.narrowGroups([]Value{c.V})
			}
		case In:
			switch e.X {
			case Expr(Field{LogStream}):
				return q.narrowStreams(e.List)
			case Expr(Field{LogGroup}):
				return q.narrowGroups(e.List)
			}
		}
		return false
	})
}

func (q *Query) narrowTime(op CmpOp, v *Value) bool {
	x, ok := v.Float()
	if !ok || op == Ne {
		return false
	}
	x = max(min(x, 1<<53), -1<<53)
	s := &q.Request.Scan
	up, down := int64(math.Ceil(x)), int64(math.Floor(x))
	switch op {
	case Eq:
		s.Start = max(s.Start, up)
		s.End = min(s.End, down+1)
	case Lt:
		s.End = min(s.End, up)
	case Le:
		s.End = min(s.End, down+1)
	case Gt:
		s.Start = max(s.Start, down+1)
	case Ge:
		s.Start = max(s.Start, up)
	}
	s.End = max(s.End, s.Start)
	return true
}

func (q *Query) narrowStreams(list []Value) bool {
	ids := []logs.StreamID{}
	for i := range list {
		x, ok := list[i].Float()
		if ok && x == math.Trunc(x) && x > 0 && x < 1<<53 {
			id := logs.StreamID(x)
			if q.Request.Streams == nil || slices.Contains(q.Request.Streams, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	q.Request.Streams = slices.Compact(ids)
	q.applied("streams")
	return true
}

func (q *Query) narrowGroups(list []Value) bool {
	wanted := map[float64]bool{}
	for i := range list {
		if x, ok := list[i].Float(); ok {
			wanted[x] = true
		}
	}
	q.Request.Groups = slices.DeleteFunc(slices.Clone(q.Request.Groups), func(id logs.GroupID) bool { return !wanted[float64(id)] })
	q.applied("groups")
	return true
}

// cost ranks a predicate by what one block of it costs, roughly in ns per row.
func cost(e Expr) int {
	c := 0
	switch e := e.(type) {
	case Const:
		return 0
	case Field:
		switch e.Name {
		case Message:
			return 40
		case Timestamp, Ingestion, LogStream, LogGroup:
			return 1
		}
		return 4
	case Contains:
		c = 8
	case Match:
		c = 60
	case Test:
		if e.Columns != nil {
			return 20
		}
		c = 60
	case Arith, Bin, In:
		c = 4
	case Call:
		c = 30
	case Extract:
		c = 60
	case Cmp:
		c = 1
		_, okA := e.A.(Field)
		_, okB := e.B.(Const)
		if !okA || !okB {
			c = 20
		}
	}
	for _, k := range e.kids() {
		c += cost(k)
	}
	return c
}

// order puts cheap conditions before costly ones.
func (q *Query) order() {
	before := slices.Clone(q.Conds)
	cheap := func(a, b Expr) int { return cost(a) - cost(b) }
	slices.SortStableFunc(q.Conds, cheap)
	for i := range q.Unnests {
		slices.SortStableFunc(q.Unnests[i].Conds, cheap)
	}
	for i := range before {
		if before[i].String() != q.Conds[i].String() {
			q.applied("cheap conditions first")
			break
		}
	}
}

// derive collects what the source can skip by and which paths will be read.
func (q *Query) derive() {
	var needs []hint.Need
	for _, c := range q.Conds {
		needs = append(needs, NeedOf(c))
		if b, ok := boundOf(c); ok {
			q.Bounds = append(q.Bounds, b)
			q.applied("bounds")
		}
	}
	for _, u := range q.Unnests {
		needs = append(needs, q.elementNeeds(u.Conds)...)
	}
	if q.Request.Need = hint.And(needs...); q.Request.Need.Op != hint.Any {
		q.applied("index needs")
	}
	exprs := slices.Clone(q.Conds)
	for _, u := range q.Unnests {
		exprs = append(append(exprs, u.X), u.Conds...)
	}
	exprs = append(exprs, q.Head.exprs()...)
	for _, c := range q.Cols {
		exprs = append(exprs, c.Expr)
	}
	seen := map[string]bool{}
	for _, e := range exprs {
		Fields(e, func(name string) {
			if !IsSystem(name) && !IsElement(name) && !seen[name] {
				seen[name] = true
				q.Request.Paths = append(q.Request.Paths, name)
			}
		})
	}
}

func (q *Query) byAge() TimeOrder {
	s, ok := q.Head.(Sort)
	if d, isDedup := q.Head.(Dedup); isDedup {
		s, ok = Sort{d.By, 1}, true
	}
	switch {
	case !ok || s.Limit == 0:
		return AnyOrder
	case len(s.Keys) == 0:
		return NewestFirst
	case s.Keys[0].Expr != Expr(Field{Timestamp}):
		return AnyOrder
	case s.Keys[0].Desc:
		return NewestFirst
	}
	return OldestFirst
}

// Explain returns the query as text, one line for each step, and the rules that
// changed it.
func (q *Query) Explain() string {
	var b strings.Builder
	s := q.Request.Scan
	fmt.Fprintf(&b, "scan %d groups [%d, %d)", len(s.Groups), s.Start, s.End)
	if s.Streams != nil {
		fmt.Fprintf(&b, " %d streams", len(s.Streams))
	}
	switch q.Request.Order {
	case NewestFirst:
		b.WriteString(" newest first")
	case OldestFirst:
		b.WriteString(" oldest first")
	}
	if len(q.Request.Paths) > 0 {
		fmt.Fprintf(&b, " paths %s", strings.Join(q.Request.Paths, ", "))
	}
	b.WriteByte('\n')
	if q.Request.Need.Op != hint.Any {
		fmt.Fprintf(&b, "  need %s\n", needText(q.Request.Need))
	}
	for _, x := range q.Bounds {
		fmt.Fprintf(&b, "  bound %s", x.Path)
		if x.Present {
			b.WriteString(" present")
		}
		if x.Compare {
			fmt.Fprintf(&b, " %s %s", x.Op, AppendNumber(nil, x.Num))
		}
		b.WriteByte('\n')
	}
	for _, c := range q.Conds {
		fmt.Fprintf(&b, "where %s\n", c)
	}
	for _, u := range q.Unnests {
		fmt.Fprintf(&b, "unnest %s as %s\n", u.X, Field{u.Name})
		for _, c := range u.Conds {
			fmt.Fprintf(&b, "where %s\n", c)
		}
	}
	b.WriteString(q.Head.String() + "\n")
	if len(q.Cols) > 0 {
		b.WriteString("  columns " + named(q.Cols) + "\n")
	}
	for _, r := range q.Rest {
		b.WriteString(r.String() + "\n")
	}
	fmt.Fprintf(&b, "rules: %s\n", strings.Join(q.rules, ", "))
	return b.String()
}

func needText(n hint.Need) string {
	switch n.Op {
	case hint.Any:
		return "any"
	case hint.Never:
		return "never"
	case hint.Contains:
		return fmt.Sprintf("%q", n.Text)
	}
	op := " and "
	if n.Op == hint.OneOf {
		op = " or "
	}
	s := make([]string, len(n.Kids))
	for i, k := range n.Kids {
		s[i] = needText(k)
	}
	return "(" + strings.Join(s, op) + ")"
}
