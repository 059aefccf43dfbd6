// Package function has the scalar functions of the query languages: one value
// from the values of one row. A language finds them by name in Insights, SQL or
// PPL and puts them into plan.Call.
//
// Null is what a function gives for an argument that it cannot use, unless its
// comment says otherwise. No function panics, keeps its arguments or makes more
// than plan.MaxMade bytes; a text that would be longer is cut there, a list that
// would be longer is Null. A constant that can only be a mistake (a format, a
// regular expression, a subnet, a time zone) is an error of Bind.
//
// Functions of Logs Insights are in files func_*, those of Spark, which SQL and
// PPL have, in sql_*, and what PPL has besides in ppl_*.
package function
