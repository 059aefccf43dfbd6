package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// place is the position of a row in time.
type place struct {
	logs.Key
	group logs.GroupID
}

func (p *place) compare(o *place) int {
	if c := p.Key.Compare(o.Key); c != 0 {
		return c
	}
	return int(min(max(p.group-o.group, -1), 1))
}

type end struct {
	has  bool
	at   place
	v    plan.Value
	cand int32 // in a block: 1 + the row that is best
}

type ends struct {
	e       []end
	sign    int
	touched []uint32
}

func (s *ends) grow(n int) int {
	was := cap(s.e)
	s.e = fit(s.e, n)
	return 96 * (cap(s.e) - was)
}

func (s *ends) update(in *input, groups []uint32) (int, error) {
	vals, err := in.values()
	if err != nil {
		return 0, err
	}
	places, err := in.places()
	if err != nil {
		return 0, err
	}
	s.touched = s.touched[:0]
	for i := range vals {
		if vals[i].Kind == plan.Null {
			continue
		}
		e := &s.e[groups[i]]
		if e.has && places(i).compare(&e.at)*s.sign <= 0 {
			continue
		}
		if e.cand == 0 {
			s.touched = append(s.touched, groups[i])
		}
		e.has, e.at, e.cand = true, *places(i), int32(i+1)
	}
	grown := 0
	for _, g := range s.touched {
		e := &s.e[g]
		grown += s.set(e, &vals[e.cand-1])
		e.cand = 0
	}
	return grown, nil
}

func (s *ends) set(e *end, v *plan.Value) int {
	was := cap(e.v.Text)
	e.v.Kind, e.v.Num = v.Kind, v.Num
	e.v.Text = append(e.v.Text[:0], v.Text...)
	return cap(e.v.Text) - was
}

func (s *ends) merge(o aggregator, from int, to []uint32) int {
	grown := 0
	x := o.(*ends)
	for i, g := range to {
		f, e := &x.e[from+i], &s.e[g]
		if !f.has {
			continue
		}
		c := 1
		if e.has {
			c = f.at.compare(&e.at) * s.sign
		}
		if c > 0 || c == 0 && bytes.Compare(f.v.Text, e.v.Text) > 0 {
			e.has, e.at = true, f.at
			grown += s.set(e, &f.v)
		}
	}
	return grown
}

func (s *ends) value(g int) plan.Value { return s.e[g].v }
