package metrics

import (
	"regexp"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

// MetricStat asks for a statistic of a metric.
type MetricStat struct {
	Metric Metric
	Period int    // s
	Stat   string // see ParseStatistic
	Unit   string // "": all units together
}

// Query is one line of data: a statistic of a metric, or an expression of others.
type Query struct {
	ID         string
	Stat       *MetricStat // exactly one of Stat and Expression
	Expression string
	Label      *string // nil: made from the metric or expression
	Hidden     bool    // is there for expressions only and not returned
	Period     int     // s, of an expression; 0: that of its operands
	AccountID  string  // "": the account of the caller
}

// Result is a line of data.
type Result struct {
	ID, Label  string
	Timestamps []int64 // ms since 1970
	Values     []float64
	Status     Status
	Messages   []Message
}

// Status says whether a Result is all there is.
type Status string

// The statuses of a Result.
const (
	Complete      Status = "Complete"
	PartialData   Status = "PartialData" // more is on the next page
	InternalError Status = "InternalError"
	Forbidden     Status = "Forbidden"
)

// Message is a remark about a result.
type Message struct{ Code, Value string }

var idPattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// maxQueries bounds the queries of a request.
const maxQueries = 500

// thousands formats n with commas, as messages do.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// checkStat checks a query of a metric.
func (q *Query) checkStat(scope logs.Scope) error {
	m := q.Stat
	if err := checkNamespace(m.Metric.Namespace); err != nil {
		return err
	}
	switch {
	case m.Metric.Name == "":
		return missing("The parameter MetricStat.Metric.MetricName of query %s is required.", q.ID)
	case !usable(m.Metric.Name) || len(m.Metric.Dimensions) > maxDimensions:
		return validation("The metric of query %s is invalid.", q.ID)
	case !validPeriod(m.Period):
		return validation("The period of query %s must be 1, 5, 10, 20, 30 or a multiple of 60.", q.ID)
	case m.Unit != "" && !knownUnit(m.Unit):
		return validation("The value %.64s for parameter Unit is invalid.", m.Unit)
	}
	for _, d := range m.Metric.Dimensions {
		if !usable(d.Name) || !usable(d.Value) {
			return validation("The dimensions of query %s are invalid.", q.ID)
		}
	}
	if _, ok := ParseStatistic(m.Stat); !ok {
		return validation("The value %.64s for parameter Stat is not supported.", m.Stat)
	}
	_, err := m.Metric.in(scope, "MetricStat.Metric.Dimensions")
	return err
}
