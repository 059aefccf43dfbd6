package exec

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// valueLists counts the distinct values of each group and lists them.
type valueLists struct {
	of    []valueList
	top   int // how many are listed, most frequent first; 0: all, in sort order
	tally []uint32
	text  []byte
	pace  *pace
}

type valueList struct {
	t    keyTable
	n    []int64
	bare []bool // one of them was written without quotes
}

func (s *valueLists) grow(n int) int {
	was := cap(s.of)
	s.of = fit(s.of, n)
	return 150 * (cap(s.of) - was)
}

// maxTally bounds the groups times entries of a dictionary that are counted in
// an array.
const maxTally = 1 << 16

func (s *valueLists) update(in *input, groups []uint32) (int, error) {
	c, err := in.column()
	if err != nil {
		return 0, err
	}
	grown := 0
	if c != nil && c.v.Kind == column.Dict && len(s.of)*len(c.dict) <= maxTally {
		in.codes = fit(in.codes[:0], len(in.rows))
		c.codes(in.rows, in.codes)
		d := uint32(len(c.dict))
		s.tally = fit(s.tally[:0], len(s.of)*len(c.dict))
		clear(s.tally)
		for i, code := range in.codes {
			s.tally[groups[i]*d+code]++
		}
		for at, n := range s.tally {
			if n > 0 {
				grown += s.add(at/len(c.dict), &c.dict[at%len(c.dict)], int64(n))
			}
		}
		return grown, nil
	}
	vals, err := in.values()
	if err != nil {
		return 0, err
	}
	for i := range vals {
		grown += s.add(int(groups[i]), &vals[i], 1)
	}
	return grown, nil
}

func (s *valueLists) add(group int, v *plan.Value, n int64) int {
	if v.Kind == plan.Null {
		return 0
	}
	s.text = v.AppendText(s.text[:0])
	return s.of[group].add(s.text, v.Kind != plan.Text, n)
}

func (l *valueList) add(text []byte, bare bool, n int64) int {
	was := l.t.bytes() + 9*cap(l.n)
	i := int(l.t.find(text))
	if i == len(l.n) {
		l.n, l.bare = append(l.n, 0), append(l.bare, false)
	}
	l.n[i] += n
	l.bare[i] = l.bare[i] || bare
	return l.t.bytes() + 9*cap(l.n) - was
}

func (s *valueLists) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	for at, g := range to {
		l := &o.(*valueLists).of[from+at]
		for i, n := range l.n {
			grown += s.of[g].add(l.t.key(i), l.bare[i], n)
			if s.pace.work(64) != nil {
				return grown // nobody waits for the answer any more
			}
		}
	}
	return grown
}

func (s *valueLists) value(g int) plan.Value {
	l := &s.of[g]
	order := make([]int, len(l.n))
	vals := make([]plan.Value, len(l.n))
	for i := range order {
		order[i], vals[i] = i, plan.Value{Kind: plan.Text, Text: l.t.key(i)}
	}
	if sortPaced(order, func(a, b int) int {
		if s.top > 0 && l.n[a] != l.n[b] {
			return int(min(max(l.n[b]-l.n[a], -1), 1))
		}
		return plan.Order(&vals[a], &vals[b])
	}, s.pace) != nil {
		return plan.Value{} // nobody waits for the answer any more
	}
	if s.top > 0 && s.top < len(order) {
		order = order[:s.top]
	}
	list := []byte{'['}
	for i, at := range order {
		if i > 0 {
			list = append(list, ',')
		}
		if l.bare[at] {
			list = append(list, vals[at].Text...)
		} else {
			list = jsontext.Quote(list, vals[at].Text)
		}
	}
	return plan.Value{Kind: plan.List, Text: append(list, ']')}
}

// sortEnds keeps the first or the last value of each group in sort order.
type sortEnds struct {
	v    []plan.Value
	sign int
}

func (s *sortEnds) grow(n int) int {
	was := cap(s.v)
	s.v = fit(s.v, n)
	return valueBytes * (cap(s.v) - was)
}

func (s *sortEnds) update(in *input, groups []uint32) (int, error) {
	vals, err := in.values()
	if err != nil {
		return 0, err
	}
	grown := 0
	for i := range vals {
		grown += s.offer(&s.v[groups[i]], &vals[i])
	}
	return grown, nil
}

func (s *sortEnds) offer(best, v *plan.Value) int {
	if v.Kind == plan.Null {
		return 0
	}
	if best.Kind != plan.Null {
		c := plan.Order(v, best) * s.sign
		if c < 0 || c == 0 && v.Kind >= best.Kind { // equal ones differ in kind at most
			return 0
		}
	}
	was := cap(best.Text)
	best.Kind, best.Num, best.Text = v.Kind, v.Num, append(best.Text[:0], v.Text...)
	return cap(best.Text) - was
}

func (s *sortEnds) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	for i, g := range to {
		grown += s.offer(&s.v[g], &o.(*sortEnds).v[from+i])
	}
	return grown
}

func (s *sortEnds) value(g int) plan.Value { return s.v[g] }
