package transform

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// WindowFunc is a function over the rows of a window.
type WindowFunc uint8

// The functions. Those of rank see rows as equal when all of OrderBy are.
const (
	Aggregated  WindowFunc = iota // Agg over the frame
	RowNumber                     // 1, 2, …
	Rank                          // one more than rows before that are not equal
	DenseRank                     // the same, equal rows counting once
	PercentRank                   // (rank-1)/(rows-1); 0 for a single row
	CumeDist                      // the share of rows that are not behind
	Ntile                         // of N parts as equal as they can be, the first ones larger
	Lag                           // Field in the row N before
	Lead                          // Field in the row N behind
	FirstValue                    // Field in the first row of the frame
	LastValue                     // in the last
	NthValue                      // in the one that is number N, from 1
)

var windowNames = [...]string{"aggregate", "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead",
	"first_value", "last_value", "nth_value"}

// String returns the name of the function in SQL.
func (f WindowFunc) String() string { return windowNames[f] }

// Edge is where a frame begins or ends: Offset rows from the row itself, negative
// ones before it, or with Unbounded at that end of the partition.
type Edge struct {
	Unbounded bool
	Offset    int
}

// Frame is the part of the partition that a function sees for one row. With Range
// an edge at the row itself is at the first or last of the rows that are equal to
// it; Range has no other offsets.
type Frame struct {
	Range    bool
	From, To Edge
}

// Window is one function over windows.
type Window struct {
	Func        WindowFunc
	Agg         Aggregate // of Aggregated; its As does not count
	Field       string
	N           int        // of Lag and Lead 1 when it is 0
	Default     plan.Value // of Lag and Lead where there is no row
	IgnoreNulls bool       // of FirstValue, LastValue and NthValue
	PartitionBy []string
	OrderBy     []Key
	Frame       *Frame // nil: up to the row itself and its equals with OrderBy, else the partition
	As          string
}

// Windows adds columns with the results of functions over windows. Rows keep
// their order.
func Windows(list []Window) (plan.Transform, error) {
	if len(list) == 0 {
		return plan.Transform{}, wrong("there are no window functions")
	}
	list = slices.Clone(list)
	t := plan.Transform{Name: "window", Events: true}
	names := make([]string, len(list))
	for i := range list {
		x := &list[i]
		if err := x.check(); err != nil {
			return plan.Transform{}, err
		}
		names[i] = x.As
		t.Reads = distinctNames(t.Reads, x.PartitionBy, keyFields(x.OrderBy), x.reads())
		t.Name += " " + x.Func.String() + " as " + x.As
		if len(x.PartitionBy) > 0 {
			t.Name += " by " + strings.Join(x.PartitionBy, ", ")
		}
		if len(x.OrderBy) > 0 {
			t.Name += " order by " + keyText(x.OrderBy)
		}
	}
	if err := checkNames("window", names...); err != nil {
		return plan.Transform{}, err
	}
	t.Columns = keep(names...)
	return made(t, func(w *work) (*plan.Rows, error) {
		cols := make([][]plan.Value, len(list))
		for i := range list {
			col, err := list[i].apply(w)
			if err != nil {
				return nil, err
			}
			cols[i] = col
		}
		return w.with(names, cols...)
	}), nil
}

func (x *Window) reads() []string {
	if x.Func == Aggregated {
		return aggReads(x.Agg)
	}
	if x.Field == "" {
		return nil
	}
	return []string{x.Field}
}

func (x *Window) check() error {
	if int(x.Func) >= len(windowNames) {
		return wrong("there is no window function %d", x.Func)
	}
	if err := checkNames("window", x.PartitionBy...); err != nil {
		return err
	}
	if len(x.OrderBy) > MaxFields {
		return wrong("window is ordered by more than %d fields", MaxFields)
	}
	switch x.Func {
	case Aggregated:
		if err := x.Agg.check("window"); err != nil {
			return err
		}
	case Lag, Lead:
		if x.N == 0 {
			x.N = 1
		}
		if x.N < -MaxLag || x.N > MaxLag {
			return wrong("%s looks %d rows away, not up to %d", x.Func, x.N, MaxLag)
		}
	case Ntile, NthValue:
		if x.N < 1 {
			return wrong("%s has the number %d, which is not positive", x.Func, x.N)
		}
	}
	if x.Func >= Lag && x.Field == "" {
		return wrong("%s has no field", x.Func)
	}
	if f := x.Frame; f != nil {
		for _, o := range []int{f.From.Offset, f.To.Offset} {
			if o < -MaxLag || o > MaxLag || f.Range && o != 0 {
				return wrong("the frame of %s goes %d rows away", x.Func, o)
			}
		}
	}
	return nil
}

// apply returns the column that the function makes.
func (x *Window) apply(w *work) ([]plan.Value, error) {
	by, err := w.sources(x.PartitionBy)
	if err != nil {
		return nil, err
	}
	groups, _, err := w.groups(by)
	if err != nil {
		return nil, err
	}
	o, err := w.ordering(x.OrderBy)
	if err != nil {
		return nil, err
	}
	rows, err := w.indexes(w.in.Len)
	if err != nil {
		return nil, err
	}
	err = w.sort(rows, func(a, b int) int {
		if groups[a] != groups[b] {
			return groups[a] - groups[b]
		}
		return o.compare(a, b)
	})
	if err != nil {
		return nil, err
	}
	r := &windowRun{Window: x, w: w, order: o}
	if r.out, err = w.column(w.in.Len); err != nil {
		return nil, err
	}
	if x.Func == Aggregated {
		r.values, r.at, err = x.Agg.inputs(w)
	} else {
		r.values, err = w.source(x.Field)
	}
	if err != nil {
		return nil, err
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && groups[rows[to]] == groups[rows[from]] {
			to++
		}
		if err := r.partition(rows[from:to]); err != nil {
			return nil, err
		}
		from = to
	}
	return r.out, nil
}

// windowRun computes one function.
type windowRun struct {
	*Window
	w      *work
	order  ordering
	values []plan.Value
	at     func(i int) float64
	out    []plan.Value

	rows        []int // of the partition, in order
	first, last []int // for each of them the first of its equals, and the one behind the last
}

func (r *windowRun) partition(rows []int) error {
	r.rows = rows
	if err := r.w.grow(2 * len(rows) * indexBytes); err != nil {
		return err
	}
	r.first, r.last = make([]int, len(rows)), make([]int, len(rows))
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && r.order.compare(rows[from], rows[to]) == 0 {
			to++
		}
		for i := from; i < to; i++ {
			r.first[i], r.last[i] = from, to
		}
		from = to
	}
	if r.Func == Aggregated {
		return r.aggregate()
	}
	dense := 0
	for i, row := range rows {
		if r.first[i] == i {
			dense++
		}
		r.out[row] = r.value(i, dense)
		if err := r.w.step(); err != nil {
			return err
		}
	}
	return nil
}

// value computes the functions other than aggregates for the row at i.
func (r *windowRun) value(i, dense int) plan.Value {
	n := len(r.rows)
	switch r.Func {
	case RowNumber:
		return plan.NumberValue(float64(i + 1))
	case Rank:
		return plan.NumberValue(float64(r.first[i] + 1))
	case DenseRank:
		return plan.NumberValue(float64(dense))
	case PercentRank:
		return plan.NumberValue(float64(r.first[i]) / float64(max(n-1, 1)))
	case CumeDist:
		return plan.NumberValue(float64(r.last[i]) / float64(n))
	case Ntile:
		size, more := n/r.N, n%r.N
		if i < more*(size+1) {
			return plan.NumberValue(float64(i/(size+1) + 1))
		}
		return plan.NumberValue(float64(more + (i-more*(size+1))/size + 1))
	case Lag, Lead:
		k := i + r.N
		if r.Func == Lag {
			k = i - r.N
		}
		if k < 0 || k >= n {
			return r.Default
		}
		return r.values[r.rows[k]]
	}
	from, to := r.frame(i)
	return r.inFrame(from, to)
}

// inFrame computes FirstValue, LastValue and NthValue.
func (r *windowRun) inFrame(from, to int) plan.Value {
	want, step := 1, 1
	switch r.Func {
	case LastValue:
		from, to, step = to-1, from-1, -1
	case NthValue:
		want = r.N
	}
	if !r.IgnoreNulls {
		if k := from + step*(want-1); step > 0 && k < to || step < 0 && k > to {
			return r.values[r.rows[k]]
		}
		return plan.Value{}
	}
	for k := from; step > 0 && k < to || step < 0 && k > to; k += step {
		if v := r.values[r.rows[k]]; v.Kind != plan.Null {
			if want--; want == 0 {
				return v
			}
		}
	}
	return plan.Value{}
}

// frame returns the frame of the row at i: from the one up to before the other.
func (r *windowRun) frame(i int) (from, to int) {
	n := len(r.rows)
	f := r.Frame
	if f == nil {
		if len(r.OrderBy) == 0 {
			return 0, n
		}
		return 0, r.last[i]
	}
	to = n
	if !f.From.Unbounded {
		if from = i + f.From.Offset; f.Range {
			from = r.first[i]
		}
	}
	if !f.To.Unbounded {
		if to = i + f.To.Offset + 1; f.Range {
			to = r.last[i]
		}
	}
	from = min(max(from, 0), n)
	return from, min(max(to, from), n)
}

// aggregate computes Aggregated. Frames that begin or end with the partition are
// computed by adding rows, others each anew.
func (r *windowRun) aggregate() error {
	n := len(r.rows)
	s := newState(r.Agg)
	if err := r.w.grow(stateBytes); err != nil {
		return err
	}
	add := func(k int) error {
		row := r.rows[k]
		if grown := s.add(&r.values[row], r.at(row)); grown > 0 {
			if err := r.w.grow(grown); err != nil {
				return err
			}
		}
		return r.w.step()
	}
	if f := r.Frame; f != nil && !f.From.Unbounded && f.To.Unbounded {
		have := n
		for i := n - 1; i >= 0; i-- {
			from, _ := r.frame(i)
			moved := from < have || i == n-1
			for ; have > from; have-- {
				if err := add(have - 1); err != nil {
					return err
				}
			}
			r.set(i, s, moved, i+1)
		}
		return nil
	}
	lastFrom, lastTo := 0, 0
	for i := range n {
		from, to := r.frame(i)
		if from != lastFrom {
			s.reset()
			lastTo = from
		}
		moved := from != lastFrom || to != lastTo || i == 0
		for ; lastTo < to; lastTo++ {
			if err := add(lastTo); err != nil {
				return err
			}
		}
		lastFrom = from
		r.set(i, s, moved, i-1)
	}
	return nil
}

// set sets the result of the row at i, that of the row at like if nothing moved.
func (r *windowRun) set(i int, s *state, moved bool, like int) {
	if moved {
		r.out[r.rows[i]] = s.value()
		return
	}
	r.out[r.rows[i]] = r.out[r.rows[like]]
}
