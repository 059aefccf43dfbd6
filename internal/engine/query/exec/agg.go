package exec

import (
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// aggregator holds the states of one aggregate for all groups. Its methods are
// called for blocks and groups, never for single values.
type aggregator interface {
	// grow makes states for the groups below n and returns by how many bytes it grew.
	grow(n int) int
	// update adds the rows of in; groups has the group of each.
	update(in *input, groups []uint32) (grown int, err error)
	// merge adds states of o, an aggregator of the same kind: its group from+i is to[i] here.
	merge(o aggregator, from int, to []uint32) (grown int)
	// value returns the result of one group. It shares no memory with blocks.
	value(group int) plan.Value
}

func newAggregator(a plan.Agg, p *pace) aggregator {
	switch a.Func {
	case plan.Count:
		return &counts{of: a.Arg != nil}
	case plan.Sum, plan.Avg:
		return &sums{avg: a.Func == plan.Avg}
	case plan.Min:
		return &extremes{sign: -1}
	case plan.Max:
		return &extremes{sign: 1}
	case plan.StddevPop, plan.StddevSamp, plan.VarPop, plan.VarSamp:
		s := &spreads{root: a.Func == plan.StddevPop || a.Func == plan.StddevSamp}
		if a.Func == plan.StddevSamp || a.Func == plan.VarSamp {
			s.less = 1
		}
		return s
	case plan.Pct:
		return &percentiles{p: a.P}
	case plan.CountDistinct:
		return &distincts{}
	case plan.Earliest:
		return &ends{sign: -1}
	case plan.Values:
		return &valueLists{pace: p}
	case plan.TopK:
		return &valueLists{top: int(a.P), pace: p}
	case plan.SortsFirst:
		return &sortEnds{sign: -1}
	case plan.SortsLast:
		return &sortEnds{sign: 1}
	}
	return &ends{sign: 1}
}

// fit returns s with length n; new elements are zero.
func fit[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	t := make([]T, n, max(2*cap(s), n))
	copy(t, s)
	return t
}

type counts struct {
	n  []int64
	of bool // of values that are present
}

func (c *counts) grow(n int) int {
	was := cap(c.n)
	c.n = fit(c.n, n)
	return 8 * (cap(c.n) - was)
}

func (c *counts) update(in *input, groups []uint32) (int, error) {
	if !c.of {
		if len(c.n) == 1 {
			c.n[0] += int64(len(groups))
			return 0, nil
		}
		for _, g := range groups {
			c.n[g]++
		}
		return 0, nil
	}
	at, all, err := in.present()
	if err != nil {
		return 0, err
	}
	if all {
		for _, g := range groups {
			c.n[g]++
		}
		return 0, nil
	}
	for _, i := range at {
		c.n[groups[i]]++
	}
	return 0, nil
}

func (c *counts) merge(o aggregator, from int, to []uint32) int {
	n := o.(*counts).n[from:]
	for i, g := range to {
		c.n[g] += n[i]
	}
	return 0
}

func (c *counts) value(g int) plan.Value { return plan.NumberValue(float64(c.n[g])) }

type sums struct {
	s   []exactSum
	n   []int64
	avg bool
}

func (s *sums) grow(n int) int {
	was := cap(s.n)*8 + cap(s.s)*40
	s.s, s.n = fit(s.s, n), fit(s.n, n)
	return cap(s.n)*8 + cap(s.s)*40 - was
}

func (s *sums) update(in *input, groups []uint32) (int, error) {
	nums, at, err := in.numbers()
	if err != nil {
		return 0, err
	}
	grown := 0
	if at == nil {
		for i, x := range nums {
			g := groups[i]
			s.n[g]++
			grown += s.s[g].add(x)
		}
		return grown, nil
	}
	for i, x := range nums {
		g := groups[at[i]]
		s.n[g]++
		grown += s.s[g].add(x)
	}
	return grown, nil
}

func (s *sums) merge(o aggregator, from int, to []uint32) int {
	x, grown := o.(*sums), 0
	for i, g := range to {
		s.n[g] += x.n[from+i]
		grown += s.s[g].merge(&x.s[from+i])
	}
	return grown
}

func (s *sums) value(g int) plan.Value {
	if s.n[g] == 0 {
		return plan.Value{}
	}
	x := s.s[g].float()
	if s.avg {
		x /= float64(s.n[g])
	}
	return plan.NumberValue(x)
}

type spreads struct {
	sums
	sq   []exactSum
	less int64
	root bool
}

func (s *spreads) grow(n int) int {
	was := cap(s.sq) * 40
	s.sq = fit(s.sq, n)
	return s.sums.grow(n) + cap(s.sq)*40 - was
}

func (s *spreads) update(in *input, groups []uint32) (int, error) {
	nums, at, err := in.numbers()
	if err != nil {
		return 0, err
	}
	squares := 0
	for i, x := range nums {
		j := i
		if at != nil {
			j = int(at[i])
		}
		squares += s.sq[groups[j]].addSquare(x)
	}
	grown, err := s.sums.update(in, groups)
	return squares + grown, err
}

func (s *spreads) merge(o aggregator, from int, to []uint32) int {
	x, grown := o.(*spreads), 0
	for i, g := range to {
		grown += s.sq[g].merge(&x.sq[from+i])
	}
	return grown + s.sums.merge(&x.sums, from, to)
}

func (s *spreads) value(g int) plan.Value {
	if s.n[g] <= s.less {
		return plan.Value{}
	}
	v := variance(&s.s[g], &s.sq[g], s.n[g], s.less)
	if s.root {
		v = math.Sqrt(v)
	}
	return plan.NumberValue(v)
}

// extreme value of one group: the number when there is one, else the text.
type bound struct {
	num  float64
	has  uint8 // bit 0: a number, bit 1: a text, bit 2: a number was a time
	text []byte
}

type extremes struct {
	b    []bound
	sign int
}

func (e *extremes) grow(n int) int {
	was := cap(e.b)
	e.b = fit(e.b, n)
	return 40 * (cap(e.b) - was)
}

func (e *extremes) update(in *input, groups []uint32) (int, error) {
	if in.numeric() {
		nums, at, err := in.numbers()
		if err != nil {
			return 0, err
		}
		for i, x := range nums {
			j := i
			if at != nil {
				j = int(at[i])
			}
			e.number(&e.b[groups[j]], x)
		}
		return 0, nil
	}
	vals, err := in.values()
	if err != nil {
		return 0, err
	}
	grown := 0
	for i := range vals {
		v, b := &vals[i], &e.b[groups[i]]
		if v.Kind == plan.Null {
			continue
		}
		if x, ok := v.Float(); ok {
			e.number(b, x)
			if v.Kind == plan.Time {
				b.has |= 4
			}
			continue
		}
		grown += e.textual(b, v.Text)
	}
	return grown, nil
}

func (e *extremes) number(b *bound, x float64) {
	if b.has&1 == 0 || e.sign > 0 && x > b.num || e.sign < 0 && x < b.num {
		b.num = x
		b.has |= 1
	}
}

func (e *extremes) textual(b *bound, t []byte) int {
	x, y := plan.Value{Kind: plan.Text, Text: t}, plan.Value{Kind: plan.Text, Text: b.text}
	if b.has&2 != 0 && plan.Order(&x, &y)*e.sign <= 0 {
		return 0
	}
	was := cap(b.text)
	b.text = append(b.text[:0], t...)
	b.has |= 2
	return cap(b.text) - was
}

func (e *extremes) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	for i, g := range to {
		x, b := &o.(*extremes).b[from+i], &e.b[g]
		if x.has&1 != 0 {
			e.number(b, x.num)
		}
		if x.has&2 != 0 {
			grown += e.textual(b, x.text)
		}
		b.has |= x.has & 4
	}
	return grown
}

func (e *extremes) value(g int) plan.Value {
	b := &e.b[g]
	switch {
	case b.has&5 == 5:
		return plan.Value{Kind: plan.Time, Num: b.num}
	case b.has&1 != 0:
		return plan.NumberValue(b.num)
	case b.has&2 != 0:
		return plan.Value{Kind: plan.Text, Text: b.text}
	}
	return plan.Value{}
}

type percentiles struct {
	q []quantiles
	p float64
}

func (s *percentiles) grow(n int) int {
	was := cap(s.q)
	s.q = fit(s.q, n)
	return 40 * (cap(s.q) - was)
}

func (s *percentiles) update(in *input, groups []uint32) (int, error) {
	nums, at, err := in.numbers()
	if err != nil {
		return 0, err
	}
	grown := 0
	for i, x := range nums {
		j := i
		if at != nil {
			j = int(at[i])
		}
		q := &s.q[groups[j]]
		if q.s == nil || !q.s.count(x) {
			grown += q.add(x)
		}
	}
	return grown, nil
}

func (s *percentiles) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	x := o.(*percentiles)
	for i, g := range to {
		grown += s.q[g].merge(&x.q[from+i])
	}
	return grown
}

func (s *percentiles) value(g int) plan.Value {
	x, ok := s.q[g].at(s.p)
	if !ok {
		return plan.Value{}
	}
	return plan.NumberValue(x)
}

type distincts struct {
	d    []distinct
	text []byte
}

func (s *distincts) grow(n int) int {
	was := cap(s.d)
	s.d = fit(s.d, n)
	return 40 * (cap(s.d) - was)
}

func (s *distincts) update(in *input, groups []uint32) (int, error) {
	codes, hashes, err := in.entryHashes()
	if err != nil {
		return 0, err
	}
	grown := 0
	if codes != nil {
		null := uint32(len(hashes))
		for i, c := range codes {
			if c < null && hashes[c].present {
				grown += s.d[groups[i]].add(hashes[c].h)
			}
		}
		return grown, nil
	}
	vals, err := in.values()
	if err != nil {
		return 0, err
	}
	for i := range vals {
		v := &vals[i]
		switch v.Kind {
		case plan.Null:
			continue
		case plan.Number, plan.Time:
			s.text = v.AppendText(s.text[:0])
			grown += s.d[groups[i]].add(xxhash.Sum64(s.text))
		default:
			grown += s.d[groups[i]].add(xxhash.Sum64(v.Text))
		}
	}
	return grown, nil
}

func (s *distincts) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	x := o.(*distincts)
	for i, g := range to {
		grown += s.d[g].merge(&x.d[from+i])
	}
	return grown
}

func (s *distincts) value(g int) plan.Value { return plan.NumberValue(float64(s.d[g].count())) }
