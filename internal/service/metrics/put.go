package metrics

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
)

// Limits of Put.
const (
	maxData       = 1000
	maxValues     = 150
	maxDimensions = 30
	maxPast       = 14 * 24 * time.Hour
	maxFuture     = 2 * time.Hour
)

// maxValue bounds values: 2^360.
var maxValue = math.Ldexp(1, 360)

// StatisticSet describes several values.
type StatisticSet struct{ SampleCount, Sum, Minimum, Maximum float64 }

// Datum is what is published of a metric: a value, a set, or values with counts.
type Datum struct {
	Name       string
	Dimensions []Dimension
	Timestamp  *int64 // ms since 1970; nil: now
	Value      *float64
	Statistics *StatisticSet
	Values     []float64
	Counts     []float64 // nil: 1 each
	Unit       string    // "": None
	Resolution int       // 1 or 60; 0 means 60
}

// Put publishes data of one namespace: all of it or, after an error, nothing.
func (s *Service) Put(ctx context.Context, scope logs.Scope, namespace string, data []Datum) error {
	if err := checkNamespace(namespace); err != nil {
		return err
	}
	if strings.HasPrefix(namespace, "AWS/") {
		return invalid("The value AWS/ for parameter Namespace is invalid.")
	}
	if len(data) == 0 {
		return missing("The parameter MetricData is required.")
	}
	if len(data) > maxData {
		return invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	now := s.o.Now()
	points := make([]series.Point, len(data))
	for i := range data {
		at := fmt.Sprintf("MetricData.member.%d", i+1)
		if err := data[i].point(&points[i], scope, namespace, at, now); err != nil {
			return err
		}
	}
	return engine("publish metrics", s.o.DB.Add(ctx, points, nil))
}

// checkNamespace checks what holds of namespaces in all calls.
func checkNamespace(namespace string) error {
	switch {
	case namespace == "":
		return missing("The parameter Namespace is required.")
	case len(namespace) > 255 || !printable(namespace) || namespace[0] == ':':
		return invalid("The value %.255s for parameter Namespace is invalid.", namespace)
	}
	return nil
}

// printable reports that s is ASCII without control characters, and not blank.
func printable(s string) bool {
	blank := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
		blank = blank && s[i] == ' '
	}
	return !blank
}

// usable reports that s can be a part of the name of a metric that is not
// published through the API.
func usable(s string) bool { return s != "" && len(s) <= 4096 && strings.IndexByte(s, 0) < 0 }

func (d *Datum) point(p *series.Point, scope logs.Scope, namespace, at string, now time.Time) error {
	if err := d.identify(p, scope, namespace, at); err != nil {
		return err
	}
	p.Timestamp = now.UnixMilli()
	if d.Timestamp != nil {
		p.Timestamp = *d.Timestamp
		switch {
		case p.Timestamp < now.Add(-maxPast).UnixMilli():
			return invalid("The parameter %s.Timestamp must specify a time within the past two weeks.", at)
		case p.Timestamp > now.Add(maxFuture).UnixMilli():
			return invalid("The parameter %s.Timestamp must specify a time no more than two hours in the future.", at)
		}
	}
	switch d.Resolution {
	case 0, 60:
	case 1:
		p.HighResolution = true
	default:
		return invalid("The parameter %s.StorageResolution must be 1 or 60.", at)
	}
	p.Unit = d.Unit
	if d.Unit == "" {
		p.Unit = noUnit
	} else if !knownUnit(d.Unit) {
		return invalid("The value %.64s for parameter %s.Unit is invalid.", d.Unit, at)
	}
	return d.measure(p, at)
}

// identify sets the metric of the point.
func (d *Datum) identify(p *series.Point, scope logs.Scope, namespace, at string) error {
	if d.Name == "" {
		return missing("The parameter %s.MetricName is required.", at)
	}
	if len(d.Name) > 255 || !printable(d.Name) {
		return invalid("The value %.255s for parameter %s.MetricName is invalid.", d.Name, at)
	}
	if len(d.Dimensions) > maxDimensions {
		return invalid("The collection %s.Dimensions must not have a size greater than %d.", at, maxDimensions)
	}
	for i, v := range d.Dimensions {
		switch {
		case v.Name == "":
			return missing("The parameter %s.Dimensions.member.%d.Name is required.", at, i+1)
		case v.Value == "":
			return missing("The parameter %s.Dimensions.member.%d.Value is required.", at, i+1)
		case len(v.Name) > 255 || !printable(v.Name) || v.Name[0] == ':':
			return invalid("The value %.255s for parameter %s.Dimensions.member.%d.Name is invalid.", v.Name, at, i+1)
		case len(v.Value) > 1024 || !printable(v.Value):
			return invalid("The value %.255s for parameter %s.Dimensions.member.%d.Value is invalid.", v.Value, at, i+1)
		}
	}
	m := Metric{Namespace: namespace, Name: d.Name, Dimensions: d.Dimensions}
	var err error
	p.Metric, err = m.in(scope, at+".Dimensions")
	return err
}

// measure sets what was measured.
func (d *Datum) measure(p *series.Point, at string) error {
	given := 0
	for _, set := range [...]bool{d.Value != nil, d.Statistics != nil, d.Values != nil} {
		if set {
			given++
		}
	}
	switch {
	case given == 0:
		return missing("One of the parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues is required.", at)
	case d.Value != nil && d.Statistics != nil:
		return combination("The parameters %[1]s.Value and %[1]s.StatisticValues are mutually exclusive and you have specified both.", at)
	case given > 1:
		return combination("The parameter %[1]s.Values is mutually exclusive with %[1]s.Value and %[1]s.StatisticValues.", at)
	case d.Counts != nil && d.Values == nil:
		return combination("The parameter %[1]s.Counts needs %[1]s.Values.", at)
	}
	check := func(v float64, name string) error {
		if !(math.Abs(v) <= maxValue) {
			return invalid("The value %v for parameter %s.%s is invalid.", v, at, name)
		}
		return nil
	}
	if d.Value != nil {
		p.Count, p.Sum, p.Min, p.Max = 1, *d.Value, *d.Value, *d.Value
		return check(*d.Value, "Value")
	}
	if set := d.Statistics; set != nil {
		for _, c := range [...]struct {
			v    float64
			name string
		}{{set.SampleCount, "SampleCount"}, {set.Sum, "Sum"}, {set.Minimum, "Minimum"}, {set.Maximum, "Maximum"}} {
			if err := check(c.v, "StatisticValues."+c.name); err != nil {
				return err
			}
		}
		switch {
		case !(set.SampleCount > 0):
			return invalid("The parameter %s.StatisticValues.SampleCount must be greater than 0.", at)
		case set.Minimum > set.Maximum:
			return invalid("The parameter %[1]s.StatisticValues.Minimum must not be greater than %[1]s.StatisticValues.Maximum.", at)
		}
		p.Count, p.Sum, p.Min, p.Max = set.SampleCount, set.Sum, set.Minimum, set.Maximum
		return nil
	}
	return d.measureValues(p, at, check)
}

func (d *Datum) measureValues(p *series.Point, at string, check func(float64, string) error) error {
	switch {
	case len(d.Values) == 0:
		return missing("The parameter %s.Values must not be empty.", at)
	case len(d.Values) > maxValues:
		return invalid("The collection %s.Values must not have a size greater than %d.", at, maxValues)
	case d.Counts != nil && len(d.Counts) != len(d.Values):
		return combination("The parameters %[1]s.Values and %[1]s.Counts must have the same size.", at)
	}
	p.Values, p.Counts = d.Values, d.Counts
	p.Min, p.Max = math.Inf(1), math.Inf(-1)
	for i, v := range d.Values {
		if err := check(v, fmt.Sprintf("Values.member.%d", i+1)); err != nil {
			return err
		}
		n := 1.0
		if d.Counts != nil {
			n = d.Counts[i]
			if err := check(n, fmt.Sprintf("Counts.member.%d", i+1)); err != nil {
				return err
			}
			if !(n > 0) {
				return invalid("The parameter %s.Counts.member.%d must be greater than 0.", at, i+1)
			}
		}
		p.Count += n
		p.Sum += n * v
		p.Min, p.Max = min(p.Min, v), max(p.Max, v)
	}
	return nil
}
