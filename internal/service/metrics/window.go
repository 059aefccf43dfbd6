package metrics

import (
	"context"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
	"github.com/cumulog/cumulog/internal/engine/series"
)

// line is the data of a query.
type line struct {
	query  *Query
	series *metricmath.Series
	many   bool // one of an array
}

// window is the range of a request, and the part of it that is read now.
type window struct {
	start, end int64 // of the request, ms
	from, to   int64 // the part: periods that begin in [from, to)
	now        time.Time
	read       int // datapoints so far
	buf        []series.Bucket
}

// maxRead bounds the datapoints that a request reads at once: those of a page, or all that its
// expressions need.
const maxRead = 5_000_000

// gridStart returns where the periods of a query begin.
func (p *plan) gridStart(w *window, period int) int64 {
	if p.exact {
		return w.start
	}
	return max(roundStart(w.start, period, w.now), 0)
}

// env is what expressions are evaluated in; values are those of the queries so far, or nil for types only.
func (p *plan) env(values []metricmath.Value, w *window) *metricmath.Env {
	if values == nil {
		values = p.types
	}
	return &metricmath.Env{
		Start: func(period int64) int64 { return p.gridStart(w, int(period)) },
		End:   w.end,
		Lookup: func(id string) (metricmath.Value, bool, bool) {
			i, ok := p.byID[id]
			if !ok {
				return metricmath.Value{}, false, false
			}
			return values[i], p.expressions[i] == nil, true
		},
		Metrics: func(contains string) []*metricmath.Series {
			var all []*metricmath.Series
			for i := range p.queries {
				if p.expressions[i] == nil && strings.Contains(p.queries[i].ID, contains) {
					v := values[i]
					if len(v.Series) == 0 { // not read yet: only types are asked for
						v.Series = []*metricmath.Series{{Period: int64(p.queries[i].Stat.Period)}}
					}
					all = append(all, v.Series...)
				}
			}
			return all
		},
	}
}

// run reads the metrics and computes the expressions.
func (p *plan) run(ctx context.Context, w *window) (lines []line, messages []Message, err error) {
	values := make([]metricmath.Value, len(p.queries))
	for i := range p.queries {
		if p.expressions[i] != nil {
			continue
		}
		q := &p.queries[i]
		found, err := p.read(ctx, &identity{metric: q.Stat.Metric, stat: q.Stat.Stat, period: q.Stat.Period}, q.Stat.Unit, w)
		if err != nil {
			return nil, nil, err
		}
		values[i] = metricmath.Value{Type: metricmath.TimeSeries, Series: []*metricmath.Series{found}}
	}
	env := p.env(values, w)
	truncated := false
	env.Search = func(ctx context.Context, text, statistic string, period int64) ([]*metricmath.Series, error) {
		if period == 0 {
			period = env.Period
		}
		found, more, err := p.search(ctx, text, statistic, period, w)
		truncated = truncated || more
		return found, err
	}
	for _, i := range p.order {
		if p.expressions[i] == nil {
			continue
		}
		env.Period = p.periodOf(i)
		if values[i], err = p.expressions[i].Eval(ctx, env); err != nil {
			return nil, nil, p.failed(i, err)
		}
	}
	for i := range p.queries {
		if p.queries[i].Hidden {
			continue
		}
		for _, x := range values[i].Series {
			lines = append(lines, line{query: &p.queries[i], series: x, many: values[i].Type == metricmath.Array})
		}
	}
	if truncated {
		messages = append(messages, Message{Code: "MaxMetricsExceeded", Value: "Maximum number of allowed metrics exceeded"})
	}
	return lines, messages, nil
}

// page reads at least the datapoints of a page, if there are so many. Without expressions it reads part by part,
// from where the page before ended.
func (p *plan) page(ctx context.Context, r *DataRequest, page *pager) ([]line, []Message, error) {
	w := &window{start: r.Start, end: r.End, now: p.s.o.Now()}
	first, shortest, longest := r.End, maxPeriod, 1
	for i := range p.queries {
		if p.expressions[i] != nil {
			w.from, w.to = min(p.gridStart(w, 3600), r.Start), r.End
			return p.run(ctx, w)
		}
		period := p.queries[i].Stat.Period
		first = min(first, p.gridStart(w, period))
		shortest, longest = min(shortest, period), max(longest, period)
	}
	first = max(first, w.now.Add(-oldest).UnixMilli()-int64(longest)*1000)
	last := min(r.End, w.now.Add(latest).UnixMilli())
	if page.after != nil && r.Ascending {
		first = max(first, page.after.Time)
	} else if page.after != nil {
		last = min(last, page.after.Time+1)
	}
	// A part that seems small must not be more than can be read.
	most := int64(maxRead/2/len(p.queries)) * int64(shortest) * 1000
	step := min(int64(max(page.max/len(p.queries), 1))*int64(longest)*1000, most)
	var parts [][]line
	// One datapoint of each may have been on the page before.
	for got := 0; first < last && got <= page.max+len(p.queries); {
		w.from, w.to = first, min(first+step, last)
		if !r.Ascending {
			w.from, w.to = max(last-step, first), last
		}
		w.read = 0
		lines, _, err := p.run(ctx, w)
		if err != nil {
			return nil, nil, err
		}
		for i := range lines {
			if !lines[i].query.Hidden {
				got += len(lines[i].series.Times)
			}
		}
		if r.Ascending {
			first = w.to
			parts = append(parts, lines)
		} else {
			last = w.from
			parts = append([][]line{lines}, parts...)
		}
		step = min(2*step, most) // there may be long times without data
	}
	return joined(p.queries, parts), nil, nil
}

// joined puts the lines of parts together, which are by time.
func joined(queries []Query, parts [][]line) []line {
	var out []line
	if len(parts) == 0 {
		for i := range queries {
			if q := &queries[i]; !q.Hidden {
				out = append(out, line{query: q, series: &metricmath.Series{Label: q.Stat.Metric.Name}})
			}
		}
		return out
	}
	out = parts[0]
	for _, more := range parts[1:] {
		for i := range more {
			s := out[i].series
			s.Times = append(s.Times, more[i].series.Times...)
			s.Values = append(s.Values, more[i].series.Values...)
		}
	}
	return out
}

// identity is what a series was read from.
type identity struct {
	metric Metric
	stat   string
	period int
	region string
	owner  string
}

// read reads buckets, with what percentiles need or into buf.
func (s *Service) read(ctx context.Context, m series.Metric, unit string, values bool, period int, start, end int64, buf []series.Bucket) ([]series.Bucket, error) {
	d := time.Duration(period) * time.Second
	if values {
		return s.o.DB.Read(ctx, m, unit, d, start, end)
	}
	return s.o.DB.ReadSumsInto(ctx, m, unit, d, start, end, buf)
}

// read reads a statistic of a metric in the part of the window.
func (p *plan) read(ctx context.Context, of *identity, unit string, w *window) (*metricmath.Series, error) {
	m, err := of.metric.in(p.scope, "Dimensions")
	if err != nil {
		return nil, err
	}
	of.region, of.owner = p.scope.Region, p.scope.Account
	stat, _ := ParseStatistic(of.stat)
	out := &metricmath.Series{Label: of.metric.Name, Period: int64(of.period), Metric: of}
	// Periods that begin in the part, whole but for the last one of the request.
	grid, step := p.gridStart(w, of.period), int64(of.period)*1000
	align := func(t int64) int64 { return grid + max((t-grid+step-1)/step, 0)*step }
	start, end := align(w.from), min(align(w.to), w.end)
	if start >= end {
		return out, nil
	}
	buckets, err := p.s.read(ctx, m, unit, !stat.Plain(), of.period, start, end, w.buf)
	if err != nil {
		return nil, engine("read data of metrics", err)
	}
	w.buf = buckets
	if w.read += len(buckets); w.read > maxRead {
		return nil, validation("The request needs more than %s datapoints: ask for fewer metrics, a shorter time or a longer period.", thousands(maxRead))
	}
	out.Times, out.Values = make([]int64, 0, len(buckets)), make([]float64, 0, len(buckets))
	for i := range buckets {
		if v, ok := stat.Of(&buckets[i]); ok {
			out.Times = append(out.Times, buckets[i].Start)
			out.Values = append(out.Values, v)
		}
	}
	return out, nil
}
