package transform

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Fill is a value for a column.
type Fill struct {
	Field string
	Value plan.Value
}

// Missing are the parameters of FillMissing.
type Missing struct {
	Time string   // the column of periods, ms
	Keys []string // all keys of the rows in their order, Time among them

	// Next returns the start of the period after the one that starts at t, ms. It
	// returns more than t.
	Next func(t int64) int64

	// From and To, when they are not equal, are the first period that there has to
	// be and the time at which the last one has begun (ms, To is no part).
	From, To int64

	Fills []Fill // of rows that are made; other columns are Null
}

// FillMissing adds rows for periods that have none, for each combination of the
// other keys that there is: from the first period of all rows to the last. Rows
// come out in the order of their keys.
func FillMissing(m Missing) (plan.Transform, error) {
	if err := checkNames("fillmissing", m.Keys...); err != nil {
		return plan.Transform{}, err
	}
	fields := make([]string, len(m.Fills))
	for i, f := range m.Fills {
		fields[i] = f.Field
	}
	if err := checkNames("fillmissing", fields...); err != nil {
		return plan.Transform{}, err
	}
	timed := false
	for _, k := range m.Keys {
		timed = timed || k == m.Time
	}
	if !timed || m.Next == nil || m.To < m.From {
		return plan.Transform{}, wrong("fillmissing needs rows by a period of time")
	}
	t := plan.Transform{Name: "fillmissing by " + strings.Join(m.Keys, ", "), All: true, Columns: keep()}
	return made(t, m.apply), nil
}

func (m Missing) apply(w *work) (*plan.Rows, error) {
	times, err := w.source(m.Time)
	if err != nil {
		return nil, err
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	if m.From != m.To {
		first, last = m.From, m.To-1
	}
	for i := range times {
		if f, ok := times[i].Float(); ok {
			first, last = min(first, int64(f)), max(last, int64(f))
		}
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	var others [][]plan.Value
	var otherNames []string
	for _, k := range m.Keys {
		if k == m.Time {
			continue
		}
		c, err := w.source(k)
		if err != nil {
			return nil, err
		}
		others, otherNames = append(others, c), append(otherNames, k)
	}
	groups, n, err := w.groups(others)
	if err != nil {
		return nil, err
	}
	periods, err := m.periods(w, first, last, max(n, 1))
	if err != nil {
		return nil, err
	}
	// Which periods a group has, and a row of it.
	if err := w.grow(n*len(periods) + n*indexBytes); err != nil {
		return nil, err
	}
	has := make([]bool, n*len(periods))
	example := make([]int, n)
	at := make(map[int64]int, len(periods))
	for i, p := range periods {
		at[p] = i
	}
	for i := range times {
		example[groups[i]] = i
		if f, ok := times[i].Float(); ok {
			if p, ok := at[int64(f)]; ok {
				has[groups[i]*len(periods)+p] = true
			}
		}
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	if n == 0 && len(others) == 0 {
		n, has = 1, make([]bool, len(periods)) // no rows at all
	}
	b, err := m.builder(w, otherNames)
	if err != nil {
		return nil, err
	}
	for g := range n {
		for p, t := range periods {
			if has[g*len(periods)+p] {
				continue
			}
			from := -1
			if len(others) > 0 {
				from = example[g]
			}
			if err := b.add(from, t); err != nil {
				return nil, err
			}
		}
	}
	return b.sorted()
}

// periods lists the starts of periods from first to last.
func (m Missing) periods(w *work, first, last int64, groups int) ([]int64, error) {
	var periods []int64
	for t := first; t <= last; {
		if len(periods)*groups >= MaxMade {
			return nil, fmt.Errorf("%w: fillmissing would make more than %d", ErrRows, MaxMade)
		}
		periods = append(periods, t)
		next := m.Next(t)
		if next <= t {
			break
		}
		t = next
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	return periods, w.grow(len(periods) * keyBytes)
}

// filler adds rows to those of its work.
type filler struct {
	m     Missing
	w     *work
	out   *plan.Rows
	keys  map[string]bool
	fills map[string]plan.Value
}

func (m Missing) builder(w *work, others []string) (*filler, error) {
	b := &filler{m: m, w: w, out: &plan.Rows{Len: w.in.Len}, keys: map[string]bool{}, fills: map[string]plan.Value{}}
	for _, n := range others {
		b.keys[n] = true
	}
	for _, f := range m.Fills {
		b.fills[f.Field] = f.Value
	}
	names := w.in.Names
	if !slices.Contains(names, m.Time) {
		names = append(names[:len(names):len(names)], m.Time)
	}
	b.out.Names = names
	for _, n := range names {
		from, err := w.source(n)
		if err != nil {
			return nil, err
		}
		col, err := w.column(w.in.Len)
		if err != nil {
			return nil, err
		}
		copy(col, from)
		b.out.Cols = append(b.out.Cols, col)
	}
	return b, nil
}

// add makes a row of the period t with the other keys of row from.
func (b *filler) add(from int, t int64) error {
	if err := b.w.grow(len(b.out.Cols) * valueBytes); err != nil {
		return err
	}
	for i, n := range b.out.Names {
		v := b.fills[n]
		switch {
		case n == b.m.Time:
			v = plan.Value{Kind: plan.Time, Num: float64(t)}
		case b.keys[n]:
			v = b.out.Cols[i][from]
		}
		b.out.Cols[i] = append(b.out.Cols[i], v)
	}
	b.out.Len++
	return b.w.step()
}

// sorted returns the rows in the order of their keys.
func (b *filler) sorted() (*plan.Rows, error) {
	w := &work{ctx: b.w.ctx, in: b.out}
	b.out.Grow = b.w.in.Grow
	keys := make([]Key, len(b.m.Keys))
	for i, k := range b.m.Keys {
		keys[i].Field = k
	}
	o, err := w.ordering(keys)
	if err != nil {
		return nil, err
	}
	x, err := w.indexes(b.out.Len)
	if err != nil {
		return nil, err
	}
	if err := w.sort(x, o.compare); err != nil {
		return nil, err
	}
	out, err := w.take(x)
	if out != nil {
		out.From = nil
	}
	return out, err
}
