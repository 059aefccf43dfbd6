// Package metricmath is the language of expressions over time series: it parses and
// evaluates them.
//
// It is a pure library. Where series come from, which statistic they are and what an
// id means is told by its caller in an Env. Values are numbers, series (at most one value for each
// time), and arrays of series.
//
// A missing value counts as 0 for operators, as long as another operand has one
// at that time; a result that is no number (after a division by 0, say) is left out.
// A number that is not there, such as the average of a series without values, makes
// every result that needs it missing.
package metricmath
