package metrics

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
	"github.com/cumulog/cumulog/internal/engine/series"
)

// Limits of SEARCH.
const (
	maxFound    = 500 // series of one search
	maxSearches = 100 // of a request
)

// checkSearch checks the arguments of SEARCH; period 0 is that of the expression.
func checkSearch(text, statistic string, period int64) (*metricmath.Search, Statistic, error) {
	search, err := metricmath.ParseSearch(text)
	if err != nil {
		return nil, Statistic{}, err
	}
	stat, ok := ParseStatistic(statistic)
	if !ok {
		return nil, Statistic{}, validation("The value %.64s for the statistic of SEARCH is not supported.", statistic)
	}
	if period != 0 && !validPeriod(int(period)) {
		return nil, Statistic{}, validation("The period of SEARCH must be 1, 5, 10, 20, 30 or a multiple of 60.")
	}
	return search, stat, nil
}

// search finds metrics that had data in the last two weeks and reads them; more says that there
// were more than maxFound.
func (p *plan) search(ctx context.Context, text, statistic string, period int64, w *window) (found []*metricmath.Series, more bool, err error) {
	search, _, err := checkSearch(text, statistic, period)
	if err != nil {
		return nil, false, err
	}
	q := series.ListQuery{Scope: p.scope, Namespace: search.Namespace(), Since: w.now.Add(-listAge).UnixMilli(), Limit: 10_000}
	var matches []Metric
	for {
		page, next := p.s.o.DB.List(q)
		for i := range page {
			m := &page[i]
			dims := make([]metricmath.Dimension, len(m.Dimensions))
			for j, d := range m.Dimensions {
				dims[j] = metricmath.Dimension(d)
			}
			if search.Match(m.Namespace, m.Name, dims) {
				matches = append(matches, Metric{Namespace: m.Namespace, Name: m.Name, Dimensions: m.Dimensions})
			}
		}
		if next == "" || len(matches) > maxFound {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		q.After = next
	}
	if more = len(matches) > maxFound; more {
		matches = matches[:maxFound]
	}
	oneName := true
	for i := range matches {
		oneName = oneName && matches[i].Name == matches[0].Name
	}
	for i := range matches {
		x, err := p.read(ctx, &identity{metric: matches[i], stat: statistic, period: int(period)}, "", w)
		if err != nil {
			return nil, false, err
		}
		x.Label = searchLabel(&matches[i], oneName)
		found = append(found, x)
	}
	return found, more, nil
}

// searchLabel tells the metrics of a search apart: by the values of their dimensions, and
// by name when there are several.
func searchLabel(m *Metric, oneName bool) string {
	var parts []string
	for _, d := range m.Dimensions {
		parts = append(parts, d.Value)
	}
	if !oneName || len(parts) == 0 {
		parts = append(parts, m.Name)
	}
	return strings.Join(parts, " ")
}
