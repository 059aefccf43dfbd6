// Package transform makes the steps of a query that compute with all rows
// together (plan.Transform): totals, running sums, filled gaps, outliers,
// sessions, comparisons of patterns, window functions, set operations. The
// languages call its constructors; it knows no language.
//
// A transform never changes the rows that it gets; columns that it does not
// touch it shares with them. It asks Rows.Grow for the memory that it is about to
// use, and looks at the context every few thousand rows.
package transform
