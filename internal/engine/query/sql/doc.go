// Package sql is OpenSearch SQL, a dialect of Spark's: Parse makes a tree of a
// text, Query.Compile the steps of a plan.
//
// Names, literals and expressions are those of package sqlexpr. Where the
// documentation of the language is silent, the choice is marked (ours):
//
//   - Rows come newest first without ORDER BY, groups in the order of their keys.
//   - Texts are ordered by their bytes, before numbers and texts that are numbers.
//   - A name of a joined query without the alias of a table is the column of the left
//     side, or of the right side where the left one has none.
//   - Subqueries are not correlated. They run first, over the same time.
//   - percentile and median give a value that occurs, as approx_percentile does.
//   - first, last and any_value leave out nulls; over events they go by time.
//
// A parsed Query is never changed and safe for concurrent use.
package sql
