package metricmath

import "math"

// fill computes FILL: values for all times of the range that a series has none for.
func (e *evaluation) fill(c *callNode) (Value, error) {
	v, err := e.argument(c, 0, TimeSeries, Array)
	if err != nil {
		return Value{}, err
	}
	by := scalar(math.NaN())
	word := ""
	if w, ok := c.args[1].(*wordNode); ok {
		word = w.word
	} else if by, err = e.argument(c, 1, Scalar, TimeSeries); err != nil {
		return Value{}, err
	}
	out := Value{Type: v.Type, Series: make([]*Series, len(v.Series))}
	for i, s := range v.Series {
		times, err := e.grid(c, s.Period)
		if err != nil {
			return Value{}, err
		}
		out.Series[i] = filled(s, times, word, by)
	}
	return out, nil
}

// filled returns s with values at all times of the grid. Values of s between them stay.
func filled(s *Series, grid []int64, word string, by Value) *Series {
	out := s.like()
	filler := reader{v: by}
	j := 0
	put := func(until int64) { // the values of s before until
		for j < len(s.Times) && s.Times[j] < until {
			out.put(s.Times[j], s.Values[j])
			j++
		}
	}
	for _, t := range grid {
		put(t)
		if j < len(s.Times) && s.Times[j] == t {
			put(t + 1)
			continue
		}
		switch word {
		case "REPEAT":
			if j > 0 {
				out.put(t, s.Values[j-1])
			}
		case "LINEAR":
			if j > 0 && j < len(s.Times) {
				part := float64(t-s.Times[j-1]) / float64(s.Times[j]-s.Times[j-1])
				out.put(t, s.Values[j-1]+part*(s.Values[j]-s.Values[j-1]))
			}
		default:
			if v, ok := filler.at(t); ok {
				out.put(t, v)
			}
		}
	}
	put(math.MaxInt64)
	return out
}
