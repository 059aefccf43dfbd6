package metricmath

import (
	"slices"
	"strings"
)

// form is what an argument may be.
type form struct {
	text  bool     // a text in quotes
	value bool     // an expression
	words []string // or one of these words
}

var (
	valueForm = form{value: true}
	textForm  = form{text: true}
)

func (f form) check(c *callNode, i int, x node) error {
	switch x := x.(type) {
	case *stringNode:
		if !f.text {
			return errorAt(x, "argument %d of %s is no text", i+1, c.name)
		}
	case *wordNode:
		if !slices.Contains(f.words, x.word) {
			return errorAt(x, "unknown word %s", x.word)
		}
	default:
		if !f.value {
			return errorAt(x, "argument %d of %s must be %s", i+1, c.name, f.wanted())
		}
	}
	return nil
}

func (f form) wanted() string {
	if f.text {
		return "a text in quotes"
	}
	return "one of " + strings.Join(f.words, ", ")
}

// function says how a function is called.
type function struct {
	least, most int    // arguments
	forms       []form // the last one holds for all that follow
}

func (f *function) form(i int) form { return f.forms[min(i, len(f.forms)-1)] }

var (
	one = &function{1, 1, []form{valueForm}}
)

// functions are all functions that can be called; evaluation.call computes them.
var functions = map[string]*function{
	"ABS": one, "CEIL": one, "FLOOR": one, "LOG": one, "LOG10": one,
	"SUM": one, "AVG": one, "MIN": one, "MAX": one, "STDDEV": one, "DATAPOINT_COUNT": one, "METRIC_COUNT": one,
	"RATE": one, "DIFF": one, "DIFF_TIME": one, "RUNNING_SUM": one, "REMOVE_EMPTY": one, "FIRST": one, "LAST": one,
	"PERIOD": one, "TIME_SERIES": one,
	"MINUTE": one, "HOUR": one, "DAY": one, "DATE": one, "MONTH": one, "YEAR": one, "EPOCH": one,
	"FILL":    {2, 2, []form{valueForm, {value: true, words: []string{"REPEAT", "LINEAR"}}}},
	"IF":      {2, 3, []form{valueForm}},
	"METRICS": {0, 1, []form{textForm}},
	"SEARCH":  {2, 3, []form{textForm, textForm, valueForm}},
	"SORT":    {3, 4, []form{valueForm, {words: []string{"AVG", "MIN", "MAX", "SUM"}}, {words: []string{"ASC", "DESC"}}, valueForm}},
	"SLICE":   {2, 3, []form{valueForm}},
}

// unsupported are functions of the original that are refused, with the reason.
var unsupported = map[string]string{
	"ANOMALY_DETECTION_BAND": "ANOMALY_DETECTION_BAND is not supported: there is no anomaly detection model for metrics",
	"INSIGHT_RULE_METRIC":    "INSIGHT_RULE_METRIC is not supported: there are no Contributor Insights rules",
	"SERVICE_QUOTA":          "SERVICE_QUOTA is not supported: there are no service quotas",
	"DB_PERF_INSIGHTS":       "DB_PERF_INSIGHTS is not supported",
	"LAMBDA":                 "LAMBDA is not supported: there are no metrics data sources",
}
