package metrics

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
)

var zonePattern = regexp.MustCompile(`^[+-][0-9]{4}$`)

// parseZone reads an offset from UTC such as +0130.
func parseZone(text string) (*time.Location, error) {
	if text == "" {
		return time.UTC, nil
	}
	if !zonePattern.MatchString(text) {
		return nil, validation("The value %.16s for parameter LabelOptions.Timezone is invalid.", text)
	}
	hours, _ := strconv.Atoi(text[1:3])
	minutes, _ := strconv.Atoi(text[3:])
	if hours > 23 || minutes > 59 {
		return nil, validation("The value %s for parameter LabelOptions.Timezone is invalid.", text)
	}
	offset := hours*3600 + minutes*60
	if text[0] == '-' {
		offset = -offset
	}
	return time.FixedZone(text, offset), nil
}

// result makes the answer of a line, by time.
func (l *line) result(zone *time.Location, now time.Time) Result {
	return Result{ID: l.query.ID, Label: l.label(zone, now), Timestamps: l.series.Times, Values: l.series.Values, Status: Complete}
}

// label returns the label of a line: that of its query, with what is dynamic in it, or one that tells what it
// is.
func (l *line) label(zone *time.Location, now time.Time) string {
	own := l.series.Label
	if l.query.Stat == nil && !l.many {
		own = l.query.ID
	}
	if l.query.Label == nil {
		return own
	}
	text := *l.query.Label
	d := &labels{own: own, series: l.series, zone: zone, now: now}
	out := dynamic.ReplaceAllStringFunc(text, d.replace)
	if l.many && !strings.Contains(text, "${LABEL}") {
		out = strings.TrimSpace(out + " " + own)
	}
	return out
}

var dynamic = regexp.MustCompile(`\$\{[A-Z_]+(\('[^']*'\))?\}`)

// labels computes what is dynamic in a label.
type labels struct {
	own    string
	series *metricmath.Series
	zone   *time.Location
	now    time.Time
}

// replace returns what stands for ${NAME}; what is not known stays.
func (d *labels) replace(variable string) string {
	name := variable[2 : len(variable)-1]
	if property, ok := strings.CutPrefix(name, "PROP('"); ok {
		return d.property(strings.TrimSuffix(property, "')"), variable)
	}
	if name == "LABEL" {
		return d.own
	}
	n := len(d.series.Values)
	if name == "DATAPOINT_COUNT" {
		return strconv.Itoa(n)
	}
	low, high, sum := 0, 0, 0.0
	for i, v := range d.series.Values {
		sum += v
		if v < d.series.Values[low] {
			low = i
		}
		if v > d.series.Values[high] {
			high = i
		}
	}
	at := map[string]int{"FIRST": 0, "LAST": n - 1, "MIN": low, "MAX": high}
	base := name
	for _, suffix := range []string{"_TIME_RELATIVE", "_TIME"} {
		base = strings.TrimSuffix(base, suffix)
	}
	i, isPoint := at[base]
	known := isPoint || name == "AVG" || name == "SUM" || name == "FIRST_LAST_RANGE" || name == "MIN_MAX_RANGE" ||
		name == "FIRST_LAST_TIME_RANGE" || name == "MIN_MAX_TIME_RANGE"
	switch {
	case !known:
		return variable
	case n == 0:
		return "--"
	case name == "SUM":
		return number(sum)
	case name == "AVG":
		return number(sum / float64(n))
	case name == "FIRST_LAST_RANGE":
		return number(math.Abs(d.series.Values[n-1] - d.series.Values[0]))
	case name == "MIN_MAX_RANGE":
		return number(d.series.Values[high] - d.series.Values[low])
	case name == "FIRST_LAST_TIME_RANGE":
		return d.span(0, n-1)
	case name == "MIN_MAX_TIME_RANGE":
		return d.span(low, high)
	case strings.HasSuffix(name, "_TIME"):
		return time.UnixMilli(d.series.Times[i]).In(d.zone).Format("2006-01-02 15:04:05 UTC-07:00")
	case strings.HasSuffix(name, "_TIME_RELATIVE"):
		return d.now.Sub(time.UnixMilli(d.series.Times[i])).Abs().Round(time.Second).String()
	}
	return number(d.series.Values[i])
}

// span is the time between two values.
func (d *labels) span(i, j int) string {
	return (time.Duration(d.series.Times[j]-d.series.Times[i]) * time.Millisecond).Abs().String()
}

// property returns what a metric is identified by.
func (d *labels) property(name, variable string) string {
	of, ok := d.series.Metric.(*identity)
	if !ok {
		return variable
	}
	switch name {
	case "AccountId":
		return of.owner
	case "MetricName":
		return of.metric.Name
	case "Namespace":
		return of.metric.Namespace
	case "Period":
		return strconv.Itoa(of.period)
	case "Region":
		return of.region
	case "Stat":
		return of.stat
	}
	if wanted, ok := strings.CutPrefix(name, "Dim."); ok {
		for _, dim := range of.metric.Dimensions {
			if dim.Name == wanted {
				return dim.Value
			}
		}
	}
	return variable
}

// number formats a value of a label, with up to three decimal places.
func number(v float64) string {
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}
