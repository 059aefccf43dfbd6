// Package exec runs the queries of package plan over the blocks of a
// plan.Source, block by block on several workers, and the steps after the first
// aggregation or sort over the rows that remain in memory.
//
// For each block the cheapest evidence comes first: bounds of columns, then the
// conditions in their order, each over the rows that the ones before left, then
// the columns that the head of the query needs, for those rows. A predicate of a
// column with a dictionary is computed once for each entry, one of integers on
// the integers. A regular expression on messages is an automaton that the block
// runs over what its messages are made of (column.Automaton). Messages are decoded
// for other conditions on messages and for rows that are returned. A Sort by time
// with a limit reads blocks in that order until the rest cannot be in the answer; one
// by a field leaves out rows and blocks whose values come after those it keeps.
//
// The head of a query (Stats, Sort, Limit, Dedup, Cluster) has a state for each
// worker; these merge, for the answer and for a look at a query while it runs. An
// Unnest makes rows of the elements of a block, some thousand at a time. A text that
// several expressions take apart in the same way is taken apart once. What is no
// JSON is asked for the fields that package discover knows.
//
// The answer does not depend on the number of workers, on the sizes of blocks or
// on how columns are encoded: sums are exact, sketches do not depend on order,
// and rows that are equal by the sort keys are ordered by time, group and stream.
// The one exception is a Limit on events without a Sort, which takes the rows it
// finds first.
//
// Memory is bounded by Options.Memory; a query that needs more ends with
// ErrMemory. The context is looked at after at most 64 KiB of text (or one longer
// text) and after each column of a block.
package exec
