// Package sqlexpr has what the two OpenSearch languages, SQL and PPL, have in
// common: words, expressions, their text and their translation to expressions of
// package plan, and the aggregates and window functions that the executor has no
// operator for. Statements and commands belong to packages sql and ppl.
//
// Logic has three values. A condition of a filter becomes plan expressions that
// hold where the condition is true, and where it is false, so that indexes still
// see comparisons; a condition that is a value becomes functions with the results
// true, false and Null.
//
// Trees are values that nobody changes once they are parsed; a Parser and a
// Compiler belong to one goroutine.
package sqlexpr
