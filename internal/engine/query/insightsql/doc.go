// Package insightsql is the Logs Insights query language: lexer, syntax tree,
// parser, printer, checker, and the translation of a query to steps of a plan.
//
// Parse finds everything that can be wrong with a query without its data: syntax,
// the order of commands, unknown functions, the number of arguments and aliases,
// names that do not exist. Its errors say where, in characters of the text.
// Compile asks its Env for what a query needs from outside: names of streams and
// groups, lookup tables, the rows of subqueries.
//
// It knows no store, no catalog and no API. A Query is never changed once it is
// made, and is safe for concurrent use.
package insightsql
