package metrics

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/series"
)

// Statistic is what is computed of the values of a period.
type Statistic struct {
	text  string
	kind  statistic
	share float64 // of a percentile
	part  series.Range
}

type statistic int

const (
	statSampleCount statistic = iota
	statSum
	statAverage
	statMinimum
	statMaximum
	statPercentile
	statTrimmedMean
	statTrimmedCount
	statTrimmedSum
	statWinsorized
	statRank
)

var plainStatistics = map[string]statistic{
	"SampleCount": statSampleCount, "Sum": statSum, "Average": statAverage, "Minimum": statMinimum, "Maximum": statMaximum,
}

// rangeStatistics take a range in parentheses; those with a short form take it in
// lower case with one number.
var rangeStatistics = map[string]statistic{
	"TM": statTrimmedMean, "TC": statTrimmedCount, "TS": statTrimmedSum, "WM": statWinsorized, "PR": statRank,
}

// ParseStatistic reads the name of a statistic: SampleCount, Sum, Average, Minimum, Maximum,
// p95, tm99, TM(10%:90%), IQM and so on; ok is false when there is no such one.
func ParseStatistic(text string) (s Statistic, ok bool) {
	s.text = text
	if s.kind, ok = plainStatistics[text]; ok {
		return s, true
	}
	if text == "IQM" {
		s.kind = statTrimmedMean
		s.part = series.Range{Low: 0.25, High: 0.75, HasLow: true, HasHigh: true, Percent: true}
		return s, true
	}
	if rest, found := strings.CutPrefix(text, "p"); found {
		s.kind = statPercentile
		s.share, ok = parsePercent(rest)
		return s, ok
	}
	if len(text) < 3 {
		return s, false
	}
	if kind, found := rangeStatistics[strings.ToUpper(text[:2])]; found && text[:2] == strings.ToLower(text[:2]) {
		s.kind = kind
		s.part = series.Range{HasHigh: true, Percent: true}
		s.part.High, ok = parsePercent(text[2:])
		return s, ok && kind != statRank
	}
	kind, found := rangeStatistics[text[:2]]
	inner, open := strings.CutPrefix(text[2:], "(")
	inner, closed := strings.CutSuffix(inner, ")")
	low, high, two := strings.Cut(inner, ":")
	if !found || !open || !closed || !two || low == "" && high == "" {
		return s, false
	}
	s.kind = kind
	s.part.Percent = strings.HasSuffix(inner, "%") || strings.HasSuffix(low, "%")
	if s.part.Percent && kind == statRank {
		return s, false
	}
	bound := func(text string) (v float64, has, ok bool) {
		if text == "" {
			return 0, false, true
		}
		if s.part.Percent {
			number, found := strings.CutSuffix(text, "%")
			v, ok = parsePercent(number)
			return v, true, ok && found
		}
		v, ok = parseNumber(text)
		return v, true, ok
	}
	var lowOK, highOK bool
	s.part.Low, s.part.HasLow, lowOK = bound(low)
	s.part.High, s.part.HasHigh, highOK = bound(high)
	if !lowOK || !highOK || s.part.HasLow && s.part.HasHigh && s.part.Low >= s.part.High {
		return s, false
	}
	return s, true
}

// parsePercent reads a number from 0 to 100 with up to ten decimal places, as a share.
func parsePercent(text string) (share float64, ok bool) {
	v, ok := parseNumber(text)
	return v / 100, ok && v >= 0 && v <= 100
}

func parseNumber(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "0123456789.-") != "" {
		return 0, false
	}
	if _, decimals, _ := strings.Cut(text, "."); len(decimals) > 10 {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

// String returns the statistic as it was given.
func (s Statistic) String() string { return s.text }

// Plain reports that it is one of SampleCount, Sum, Average, Minimum and Maximum, which
// need no single values.
func (s Statistic) Plain() bool { return s.kind <= statMaximum }

// Of computes the statistic of a bucket; ok is false when there is none, because single values
// are not known or none is in the range.
func (s Statistic) Of(b *series.Bucket) (v float64, ok bool) {
	switch s.kind {
	case statSampleCount:
		return b.Count, true
	case statSum:
		return b.Sum, true
	case statAverage:
		return b.Average(), true
	case statMinimum:
		return b.Min, true
	case statMaximum:
		return b.Max, true
	case statPercentile:
		return b.Percentile(s.share)
	case statWinsorized:
		return b.Winsorized(s.part)
	}
	count, sum, ok := b.Trimmed(s.part)
	switch {
	case !ok:
		return 0, false
	case s.kind == statTrimmedCount:
		return count, true
	case s.kind == statRank:
		return 100 * count / b.Count, true
	case s.kind == statTrimmedSum:
		return sum, true
	case count == 0:
		return 0, false
	}
	return sum / count, true
}
