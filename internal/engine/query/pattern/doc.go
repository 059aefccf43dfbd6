// Package pattern is the filter-pattern language of CloudWatch Logs: it
// parses, prints and compiles patterns. It knows nothing of events, stores or
// requests; a compiled pattern is asked about message bytes.
//
// There are four kinds: terms, one %regular expression%, { JSON } and
// [ space-delimited ] patterns. The rules follow the user guide's "Filter pattern
// syntax" page; what that leaves open is listed in docs/compatibility.md and pinned
// by the scripts in ../querytest/testdata/pattern. The main decisions:
//
//   - A bare term holds letters, digits and underscores only; everything else has to
//     be quoted. Inside quotes \" is a quote and \\ a backslash; a backslash before
//     any other character stands for itself.
//   - Optional terms count only when every item is optional. An empty phrase stands
//     alone, and so does a regular expression.
//   - A JSON pattern is about a message that is one JSON object and white space. Its
//     strings may hold any bytes; their escapes are undone when they are compared.
//   - A selector is keys and, from its first index or wildcard on, a rest. The last
//     value of the path of keys counts, where an object is no value; the rest is
//     followed inside of that value. A wildcard holds when one of the values does.
//   - Null, arrays, objects and missing values are neither equal nor unequal. Text is
//     compared with strings and with numbers, true and false as they are written;
//     numbers with numbers, and with = and != also with strings that are one.
//   - Blanks, tabs and line breaks separate the tokens of a line. A bracket or quote
//     that is not closed takes the rest of the line.
package pattern
