package metricmath

// Series is a time series: at most one value for each time.
type Series struct {
	Label  string
	Period int64 // s
	// Times are in ms since 1970, ascending; Values are finite and as many.
	Times  []int64
	Values []float64
	// Metric is set for what was read from a metric, and not for what was computed from
	// several.
	Metric any
}

// Type is the type of a Value.
type Type int

// The types of a Value.
const (
	Scalar Type = iota
	TimeSeries
	Array
)

// String names the type.
func (t Type) String() string {
	return [...]string{"a number", "a time series", "an array of time series"}[t]
}

// Value is a number, a series or an array of series. Series are not changed once they are
// part of a Value.
type Value struct {
	Type   Type
	Number float64   // of a Scalar; NaN: missing
	Series []*Series // one of a TimeSeries, any number of an Array
}

func scalar(f float64) Value    { return Value{Type: Scalar, Number: f} }
func single(s *Series) Value    { return Value{Type: TimeSeries, Series: []*Series{s}} }
func array(all []*Series) Value { return Value{Type: Array, Series: all} }

// like returns an empty series with the identity of s.
func (s *Series) like() *Series {
	return &Series{Label: s.Label, Period: s.Period, Metric: s.Metric, Times: make([]int64, 0, len(s.Times)), Values: make([]float64, 0, len(s.Times))}
}

// put appends a value, unless it is no finite number.
func (s *Series) put(t int64, v float64) {
	if v-v != 0 { // NaN or infinite
		return
	}
	s.Times = append(s.Times, t)
	s.Values = append(s.Values, v)
}
