package alarms

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of an alarm.
const (
	MaxName        = 255 // characters
	MaxDescription = 1024
	MaxActions     = 5 // for one state
	MaxAction      = 1024
	MaxDimensions  = 30
	MaxStats       = 10 // metrics of a math alarm
	MaxQueries     = 20 // metrics and expressions of a math alarm (ours)
	MaxExpression  = 2048
	MaxRange       = 7 * 86_400 // s; periods together
	maxShortRange  = 86_400     // s; for periods below an hour
)

// A ParameterError says that a parameter has a value that is refused. Message is a
// complete sentence for the caller.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// comparisons are the operators with what a reason calls them.
var comparisons = map[string]struct {
	text   string
	breach func(value, threshold float64) bool
}{
	"GreaterThanOrEqualToThreshold": {"greater than or equal to", func(v, t float64) bool { return v >= t }},
	"GreaterThanThreshold":          {"greater than", func(v, t float64) bool { return v > t }},
	"LessThanThreshold":             {"less than", func(v, t float64) bool { return v < t }},
	"LessThanOrEqualToThreshold":    {"less than or equal to", func(v, t float64) bool { return v <= t }},
}

var statistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// checkName refuses names that no alarm can have.
func checkName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0 || n > MaxName:
		return parameterf("The name of an alarm has 1 to %d characters.", MaxName)
	case !utf8.ValidString(name):
		return parameterf("The name of an alarm must be UTF-8.")
	case strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return parameterf("The name of an alarm must not contain control characters.")
	}
	return nil
}

// check refuses what no alarm can be. Rules are parsed and resolved by the caller.
func (c *Config) check() error {
	if utf8.RuneCountInString(c.Description) > MaxDescription {
		return parameterf("AlarmDescription has more than %d characters.", MaxDescription)
	}
	for _, list := range []struct {
		name    string
		actions []string
	}{{"OKActions", c.OKActions}, {"AlarmActions", c.AlarmActions}, {"InsufficientDataActions", c.InsufficientActions}} {
		if len(list.actions) > MaxActions {
			return parameterf("%s has more than %d actions.", list.name, MaxActions)
		}
		for i, a := range list.actions {
			if n := utf8.RuneCountInString(a); n == 0 || n > MaxAction {
				return parameterf("An action in %s must have 1 to %d characters.", list.name, MaxAction)
			}
			if p := strings.SplitN(a, ":", 6); len(p) < 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
				return parameterf("Invalid arn syntax: %s", a)
			}
			if slices.Contains(list.actions[:i], a) {
				return parameterf("%s must not contain duplicate actions.", list.name)
			}
		}
	}
	switch {
	case (c.Metric == nil) == (c.Composite == nil):
		return parameterf("An alarm is either a metric alarm or a composite alarm.")
	case c.Metric != nil:
		return c.Metric.check()
	}
	return c.Composite.check()
}

func (s *CompositeSpec) check() error {
	if s.Suppressor == "" {
		if s.WaitPeriod != 0 || s.ExtensionPeriod != 0 {
			return parameterf("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod need an ActionsSuppressor.")
		}
		return nil
	}
	const longest = 7 * 86_400 // (ours)
	for _, p := range []struct {
		name string
		s    int64
	}{{"ActionsSuppressorWaitPeriod", s.WaitPeriod}, {"ActionsSuppressorExtensionPeriod", s.ExtensionPeriod}} {
		if p.s < 0 || p.s > longest {
			return parameterf("%s must be 0 to %d seconds.", p.name, longest)
		}
	}
	return nil
}

func (m *MetricSpec) check() error {
	if _, ok := comparisons[m.Comparison]; !ok {
		if m.Comparison == "LessThanLowerOrGreaterThanUpperThreshold" || m.Comparison == "LessThanLowerThreshold" || m.Comparison == "GreaterThanUpperThreshold" {
			return parameterf("ComparisonOperator %s is for anomaly detection bands, which this server does not have.", m.Comparison)
		}
		return parameterf("ComparisonOperator is missing or unknown: %s", m.Comparison)
	}
	if math.IsNaN(m.Threshold) || math.IsInf(m.Threshold, 0) {
		return parameterf("Threshold must be a finite number.")
	}
	if m.EvaluationPeriods < 1 {
		return parameterf("EvaluationPeriods must be at least 1.")
	}
	if m.DatapointsToAlarm < 0 || m.DatapointsToAlarm > m.EvaluationPeriods {
		return parameterf("DatapointsToAlarm must be 1 to EvaluationPeriods.")
	}
	if !slices.Contains([]string{"", Missing, Ignore, Breaching, NotBreaching}, m.TreatMissing) {
		return parameterf("Invalid TreatMissingData: %s; it is breaching, notBreaching, ignore or missing.", m.TreatMissing)
	}
	if !slices.Contains([]string{"", "evaluate", "ignore"}, m.LowSamples) {
		return parameterf("Invalid EvaluateLowSampleCountPercentile: %s; it is evaluate or ignore.", m.LowSamples)
	}
	var err error
	if len(m.Queries) > 0 {
		err = m.checkQueries()
	} else {
		err = m.checkMetric()
	}
	if err != nil {
		return err
	}
	return m.checkRange()
}

// checkPeriod refuses what is no period of an alarm.
func checkPeriod(p int64) error {
	if p != 10 && p != 20 && p != 30 && (p <= 0 || p%60 != 0) {
		return parameterf("Period must be 10, 20, 30 or a multiple of 60.")
	}
	return nil
}

func (m *MetricSpec) checkRange() error {
	p := m.period()
	if p > MaxRange || int64(m.EvaluationPeriods) > MaxRange || p*int64(m.EvaluationPeriods) > MaxRange {
		return parameterf("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= %d).", MaxRange)
	}
	if p < 3600 && p*int64(m.EvaluationPeriods) > maxShortRange {
		return parameterf("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= %d) when Period is below an hour.", maxShortRange)
	}
	return nil
}

func (m *MetricSpec) checkMetric() error {
	if m.MetricName == "" || m.Namespace == "" {
		return parameterf("An alarm needs MetricName and Namespace, or Metrics.")
	}
	switch {
	case (m.Statistic == "") == (m.ExtendedStatistic == ""):
		return parameterf("An alarm on a metric needs exactly one of Statistic and ExtendedStatistic.")
	case m.Statistic != "" && !slices.Contains(statistics, m.Statistic):
		return parameterf("Unknown Statistic: %s", m.Statistic)
	}
	if err := checkPeriod(m.Period); err != nil {
		return err
	}
	return checkMetric(m.Namespace, m.MetricName, m.Dimensions)
}

// checkMetric refuses what names no metric.
func checkMetric(namespace, name string, dimensions []Dimension) error {
	if n := utf8.RuneCountInString(namespace); n == 0 || n > MaxName || namespace[0] == ':' {
		return parameterf("Namespace has 1 to %d characters and does not begin with a colon.", MaxName)
	}
	if n := utf8.RuneCountInString(name); n == 0 || n > MaxName {
		return parameterf("MetricName has 1 to %d characters.", MaxName)
	}
	if len(dimensions) > MaxDimensions {
		return parameterf("A metric has at most %d dimensions.", MaxDimensions)
	}
	seen := map[string]bool{}
	for _, d := range dimensions {
		if d.Name == "" || d.Value == "" {
			return parameterf("A dimension has a name and a value.")
		}
		if seen[d.Name] {
			return parameterf("The dimension %s is given twice.", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}

func (m *MetricSpec) checkQueries() error {
	if m.MetricName != "" || m.Namespace != "" || len(m.Dimensions) > 0 || m.Period != 0 || m.Unit != "" || m.Statistic != "" || m.ExtendedStatistic != "" {
		return parameterf("Metrics cannot be combined with MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.")
	}
	if len(m.Queries) > MaxQueries {
		return parameterf("Metrics has more than %d elements.", MaxQueries)
	}
	ids := map[string]bool{}
	returned, stats, period := 0, 0, int64(0)
	for i := range m.Queries {
		q := &m.Queries[i]
		if !validID(q.ID) {
			return parameterf("The Id %s of an element of Metrics must begin with a lowercase letter and consist of letters, digits and underscores.", strconv.Quote(q.ID))
		}
		if ids[q.ID] {
			return parameterf("The Id %s is used twice in Metrics.", q.ID)
		}
		ids[q.ID] = true
		if q.ReturnData {
			returned++
		}
		if (q.Stat == nil) == (q.Expression == "") {
			return parameterf("The element %s of Metrics needs exactly one of MetricStat and Expression.", q.ID)
		}
		p := q.Period
		if q.Stat != nil {
			stats++
			if err := checkMetric(q.Stat.Namespace, q.Stat.MetricName, q.Stat.Dimensions); err != nil {
				return err
			}
			if q.Stat.Stat == "" {
				return parameterf("The element %s of Metrics needs a Stat.", q.ID)
			}
			p = q.Stat.Period
		} else if len(q.Expression) > MaxExpression {
			return parameterf("The Expression of %s has more than %d characters.", q.ID, MaxExpression)
		}
		if p == 0 {
			continue
		}
		if err := checkPeriod(p); err != nil {
			return err
		}
		if period != 0 && p != period {
			return parameterf("All elements of Metrics must have the same Period.")
		}
		period = p
	}
	switch {
	case returned != 1:
		return parameterf("Exactly one element of the metrics list should return data.")
	case stats > MaxStats:
		return parameterf("Metrics has more than %d metrics.", MaxStats)
	case m.period() == 0:
		return parameterf("Period must be given for an expression without metrics.")
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > MaxName || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
