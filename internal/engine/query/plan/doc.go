// Package plan is the logical plan of a query: which events are read (Scan) and
// the steps their rows go through (Filter, Extend, Project, Stats, Sort, Limit, Unnest,
// Dedup, Cluster, and Transforms of all rows).
// Query languages compile to it; Optimize rewrites it by small rules; package
// exec runs it. It also declares what exec needs of a store (Source, Block) and
// owns the semantics of single values (Value, Holds, Arith, Order), so that
// constants are folded and rows are computed by the same code.
//
// It knows no language, no API and no store. Plans and expressions are values
// that nobody changes once they are made; all of it is safe for concurrent use.
//
// # Values
//
// A field of a message is a value in its JSON, by the keys and indexes that lead to
// it, joined by '.', or what a line of a known format holds. The rules are those of
// Logs Insights; where its documentation is silent the choice is marked (ours):
//
//   - Keys can hold dots, so that several values can have one name: the first in the
//     message that is not null wins (ours); of a path that is repeated the last (ours).
//   - An array is a field, and so are the scalars and arrays in it; an object is none (ours).
//   - @@x is the key @x. A field that begins with one @ is never one of JSON.
//   - An absent field and JSON null are Null.
//   - A JSON number is a double; it keeps the text it was written with, which is
//     what results, group keys and count_distinct see: 1 and 1.0 are two groups (ours).
//   - A JSON true or false counts as 1 or 0 and keeps its text (ours).
//   - A JSON array is a list: present, but neither equal to nor ordered with
//     anything, and no number.
//   - Text that consists of nothing but a decimal number is a number in arithmetic,
//     numeric aggregates, sorting, and in comparison with a number. Two texts are
//     equal only byte by byte, but are ordered as numbers when both are one (ours).
//   - A number and a text that is no number are unequal and not ordered.
//   - Text is ordered by bytes, which for UTF-8 is the order of code points.
//   - Null makes every comparison false but !=, which it makes true. Logic has two
//     values: not (f = 1) holds where f is absent. A language with three values
//     (SQL) adds Present to its comparisons.
//   - Arithmetic with Null or no number is Null, and so is a division by zero or a
//     result that is not finite (ours). % has the sign of the dividend (ours).
//   - In a filter a value holds when it is a number other than 0, or the text true.
//   - Group keys and distinct values are told apart by their text, numbers that
//     were computed by their shortest text (ours). Null is a group of its own.
package plan
