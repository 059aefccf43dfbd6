package sqlexpr

import (
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// windowRun computes window functions over rows in memory.
type windowRun struct{ items []windowItem }

func (w windowRun) apply(ctx context.Context, in *plan.Rows) (*plan.Rows, error) {
	m := &memory{ctx: ctx, in: in}
	out := &plan.Rows{Names: slices.Clone(in.Names), Cols: slices.Clone(in.Cols), Len: in.Len, From: make([]int, in.Len)}
	for i := range out.From {
		out.From[i] = i
	}
	for i := range w.items {
		item := &w.items[i]
		col, err := m.column(in.Len)
		if err != nil {
			return nil, err
		}
		groups, err := m.groups(m.columns(item.by), true)
		if err != nil {
			return nil, err
		}
		p := partition{m: m, item: item, args: m.columns(item.args), out: col}
		for _, k := range item.order {
			p.keys = append(p.keys, m.columns([]string{k.column})[0])
		}
		for _, rows := range groups {
			if err := p.run(rows); err != nil {
				return nil, err
			}
		}
		out.Names, out.Cols = append(out.Names, item.as), append(out.Cols, col)
	}
	return out, nil
}

// partition computes one window function for the rows of one partition.
type partition struct {
	m    *memory
	item *windowItem
	args [][]plan.Value
	keys [][]plan.Value
	out  []plan.Value

	rows  []int
	first []int // of each row: the first row that is equal by the order
	last  []int // and the one behind the last
}

func (p *partition) compare(a, b int) int {
	for i, k := range p.item.order {
		x, y := &p.keys[i][a], &p.keys[i][b]
		if xn, yn := x.Kind == plan.Null, y.Kind == plan.Null; xn || yn {
			if xn == yn {
				continue
			}
			if xn == k.last {
				return 1
			}
			return -1
		}
		if c := Compare(x, y); c != 0 {
			if k.desc {
				return -c
			}
			return c
		}
	}
	return 0
}

func (p *partition) run(rows []int) error {
	if len(p.item.order) > 0 {
		slices.SortStableFunc(rows, p.compare)
	}
	p.rows = rows
	n := len(rows)
	p.first, p.last = make([]int, n), make([]int, n)
	for i := 0; i < n; {
		j := i + 1
		for j < n && p.compare(rows[i], rows[j]) == 0 {
			j++
		}
		for k := i; k < j; k++ {
			p.first[k], p.last[k] = i, j
		}
		i = j
	}
	if err := p.m.steps(n); err != nil {
		return err
	}
	if windowOnly[p.item.fn] && p.item.fn != "nth_value" {
		p.ranked()
		return nil
	}
	return p.framed()
}

// ranked computes what depends on the order alone.
func (p *partition) ranked() {
	n := len(p.rows)
	dense := 0
	for i, r := range p.rows {
		if p.first[i] == i {
			dense++
		}
		v := 0.0
		switch p.item.fn {
		case "row_number":
			v = float64(i + 1)
		case "rank":
			v = float64(p.first[i] + 1)
		case "dense_rank":
			v = float64(dense)
		case "percent_rank":
			if n > 1 {
				v = float64(p.first[i]) / float64(n-1)
			}
		case "cume_dist":
			v = float64(p.last[i]) / float64(n)
		case "ntile":
			v = float64(tile(i, n, p.item.n))
		case "lag":
			p.out[r] = p.away(i, -1)
			continue
		case "lead":
			p.out[r] = p.away(i, 1)
			continue
		}
		p.out[r] = plan.NumberValue(v)
	}
}

// tile is the number, from 1, of the bucket of row i when n rows go into k buckets,
// the first ones one larger than the others.
func tile(i, n, k int) int {
	size, more := n/k, n%k
	if i < more*(size+1) {
		return i/(size+1) + 1
	}
	return more + (i-more*(size+1))/size + 1
}

// away is the value some rows from row i.
func (p *partition) away(i, direction int) plan.Value {
	left := p.item.n
	if left == 0 {
		return p.args[0][p.rows[i]]
	}
	for j := i + direction; j >= 0 && j < len(p.rows); j += direction {
		v := p.args[0][p.rows[j]]
		if p.item.skip && v.Kind == plan.Null {
			continue
		}
		if left--; left == 0 {
			return v
		}
	}
	return p.item.other
}

// bounds are the rows of the frame of row i: from lo to before hi.
func (p *partition) bounds(i int) (lo, hi int) {
	f := &p.item.frame
	n := len(p.rows)
	switch f.Lo.Kind {
	case Preceding:
		lo = i - f.Lo.N
	case Current:
		if lo = i; !f.Rows {
			lo = p.first[i]
		}
	case Following:
		lo = i + f.Lo.N
	}
	hi = n
	switch f.Hi.Kind {
	case Preceding:
		hi = i - f.Hi.N + 1
	case Current:
		if hi = i + 1; !f.Rows {
			hi = p.last[i]
		}
	case Following:
		hi = i + f.Hi.N + 1
	}
	lo, hi = min(max(lo, 0), n), min(max(hi, 0), n)
	return lo, max(lo, hi)
}

// framed computes what depends on the frame of each row.
func (p *partition) framed() error {
	var run *running
	if p.item.frame.Lo.Kind == First && !p.item.unique && runs[p.item.fn] {
		run = &running{fn: p.item.fn, star: len(p.args) == 0}
	}
	var last plan.Value
	lastLo, lastHi := -1, -1
	for i, r := range p.rows {
		lo, hi := p.bounds(i)
		if lo == lastLo && hi == lastHi && p.item.fn != "sma" && p.item.fn != "wma" {
			p.out[r] = last
			continue
		}
		switch {
		case run != nil:
			for ; run.rows < hi; run.rows++ {
				if run.star {
					run.n++
				} else {
					run.add(&p.args[0][p.rows[run.rows]])
				}
			}
			last = run.value()
		default:
			if err := p.m.steps(hi - lo); err != nil {
				return err
			}
			last = p.frame(p.rows[lo:hi])
		}
		lastLo, lastHi = lo, hi
		p.out[r] = last
	}
	return nil
}

// frame computes the function over the rows of a frame.
func (p *partition) frame(rows []int) plan.Value {
	switch p.item.fn {
	case "sma", "wma":
		return p.average(rows)
	case "first_value", "last_value", "nth_value":
		return p.nth(rows)
	}
	g := groupItem{fn: p.item.fn, p: p.item.p, distinct: p.item.unique}
	for i := range p.args {
		g.args = append(g.args, i)
	}
	return g.compute(p.args, rows)
}

func (p *partition) nth(rows []int) plan.Value {
	n := p.item.n
	for i := range rows {
		r := rows[i]
		if p.item.fn == "last_value" {
			r = rows[len(rows)-1-i]
		}
		v := p.args[0][r]
		if p.item.skip && v.Kind == plan.Null {
			continue
		}
		if n--; n == 0 {
			return v
		}
	}
	return plan.Value{}
}

// average is the moving average of exactly n rows: Null for fewer, or when one of
// them is no number.
func (p *partition) average(rows []int) plan.Value {
	if len(rows) < p.item.n {
		return plan.Value{}
	}
	total, weights := 0.0, 0.0
	for i, r := range rows {
		f, ok := p.args[0][r].Float()
		if !ok {
			return plan.Value{}
		}
		w := 1.0
		if p.item.fn == "wma" {
			w = float64(i + 1)
		}
		total += w * f
		weights += w
	}
	return plan.NumberValue(total / weights)
}

// runs are the aggregates that need no second look at rows when a frame grows.
var runs = words("count sum avg min max")

// running is an aggregate over a frame that only grows.
type running struct {
	fn   string
	star bool
	rows int

	n       int // values that count
	s, lost float64
	best    plan.Value
	number  bool // best is a number
}

func (r *running) add(v *plan.Value) {
	if v.Kind == plan.Null {
		return
	}
	f, ok := v.Float()
	switch r.fn {
	case "count":
		r.n++
	case "sum", "avg":
		if !ok {
			return
		}
		r.n++
		t := r.s + f
		if a, b := max(r.s, -r.s), max(f, -f); a >= b {
			r.lost += (r.s - t) + f
		} else {
			r.lost += (f - t) + r.s
		}
		r.s = t
	default:
		if r.number && !ok {
			return
		}
		c := plan.Order(v, &r.best)
		if r.n == 0 || ok && !r.number || r.fn == "min" && c < 0 || r.fn == "max" && c > 0 {
			r.best = *v
		}
		r.n++
		r.number = ok
	}
}

func (r *running) value() plan.Value {
	switch {
	case r.fn == "count":
		return plan.NumberValue(float64(r.n))
	case r.n == 0:
		return plan.Value{}
	case r.fn == "sum":
		return plan.NumberValue(r.s + r.lost)
	case r.fn == "avg":
		return plan.NumberValue((r.s + r.lost) / float64(r.n))
	}
	return r.best
}
