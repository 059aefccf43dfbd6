// Package ppl is OpenSearch PPL, the piped query language: Parse makes a tree of
// a text, Query.Compile the steps of a plan.
//
// Names, literals and expressions are those of package sqlexpr. Where the
// documentation of the language is silent, the choice is marked (ours):
//
//   - Rows come newest first until a command orders them; head and dedup count in
//     that order.
//   - A name of more than letters, digits and underscores can go without back-ticks
//     when it has nothing but dots, @ and $ besides.
//   - parse and grok leave a column Null when the text does not match.
//   - Subqueries are not correlated and hold no further subqueries or joins.
//   - top and rare count present values only and show no counts.
//
// A parsed Query is never changed and safe for concurrent use.
package ppl
