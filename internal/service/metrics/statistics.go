package metrics

import (
	"cmp"
	"context"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
)

// Limits of Statistics.
const (
	maxDatapoints         = 1440
	maxStatistics         = 5
	maxExtendedStatistics = 10
)

// StatisticsRequest asks for statistics of one metric.
type StatisticsRequest struct {
	Metric
	Start, End int64 // ms since 1970; Start is rounded down, End is exclusive
	Period     int   // s
	Statistics []string
	Extended   []string
	Unit       string // "": all units, each by itself
}

// Datapoint holds the statistics of a period.
type Datapoint struct {
	Start                                       int64 // ms since 1970
	Unit                                        string
	SampleCount, Sum, Average, Minimum, Maximum float64
	Extended                                    map[string]float64 // by statistic: those that are known
}

// Statistics returns the datapoints of a metric by time, and its label. Periods without
// data are left out, and with Extended those whose percentiles are not known.
func (s *Service) Statistics(ctx context.Context, scope logs.Scope, r StatisticsRequest) (label string, points []Datapoint, err error) {
	extended, err := r.check()
	if err != nil {
		return "", nil, err
	}
	start := roundStart(max(r.Start, 0), r.Period, s.o.Now())
	if n := steps(start, r.End, r.Period); n > maxDatapoints {
		return "", nil, combination("You have requested up to %s datapoints, which exceeds the limit of %s. You may reduce the datapoints requested by increasing Period, or decreasing the time range.",
			thousands(n), thousands(maxDatapoints))
	}
	m, err := r.in(scope, "Dimensions")
	if err != nil {
		return "", nil, err
	}
	in := []string{r.Unit}
	if r.Unit == "" {
		if in, err = s.o.DB.Units(m); err != nil {
			return "", nil, invalid("The metric is invalid.")
		}
	}
	for _, unit := range in {
		buckets, err := s.read(ctx, m, unit, len(extended) > 0, r.Period, start, min(r.End, maxTime), nil)
		if err != nil {
			return "", nil, engine("read statistics", err)
		}
		points = append(points, datapoints(buckets, unit, extended)...)
	}
	slices.SortStableFunc(points, func(a, b Datapoint) int { return cmp.Compare(a.Start, b.Start) })
	return r.Name, points, nil
}

func datapoints(buckets []series.Bucket, unit string, extended []Statistic) []Datapoint {
	var out []Datapoint
	for i := range buckets {
		b := &buckets[i]
		d := Datapoint{
			Start: b.Start, Unit: unit,
			SampleCount: b.Count, Sum: b.Sum, Average: b.Average(), Minimum: b.Min, Maximum: b.Max,
		}
		for _, e := range extended {
			if v, ok := e.Of(b); ok {
				if d.Extended == nil {
					d.Extended = map[string]float64{}
				}
				d.Extended[e.String()] = v
			}
		}
		if len(extended) == 0 || d.Extended != nil {
			out = append(out, d)
		}
	}
	return out
}

func (r *StatisticsRequest) check() (extended []Statistic, err error) {
	if err := checkNamespace(r.Namespace); err != nil {
		return nil, err
	}
	switch {
	case r.Name == "":
		return nil, missing("The parameter MetricName is required.")
	case !usable(r.Name):
		return nil, invalid("The value for parameter MetricName is invalid.")
	case r.Start >= r.End:
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	case !validPeriod(r.Period):
		return nil, invalid("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	case len(r.Statistics) == 0 && len(r.Extended) == 0:
		return nil, missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case len(r.Statistics) > 0 && len(r.Extended) > 0:
		return nil, combination("The parameters Statistics and ExtendedStatistics are mutually exclusive.")
	case len(r.Statistics) > maxStatistics:
		return nil, invalid("The collection Statistics must not have a size greater than %d.", maxStatistics)
	case len(r.Extended) > maxExtendedStatistics:
		return nil, invalid("The collection ExtendedStatistics must not have a size greater than %d.", maxExtendedStatistics)
	case r.Unit != "" && !knownUnit(r.Unit):
		return nil, invalid("The value %.64s for parameter Unit is invalid.", r.Unit)
	}
	for _, text := range r.Statistics {
		if s, ok := ParseStatistic(text); !ok || !s.Plain() {
			return nil, invalid("The value %.64s for parameter Statistics is not supported.", text)
		}
	}
	for _, text := range r.Extended {
		s, ok := ParseStatistic(text)
		if !ok || s.Plain() {
			return nil, invalid("The value %.64s for parameter ExtendedStatistics is not supported.", text)
		}
		extended = append(extended, s)
	}
	return extended, nil
}
