// Package function has the scalar functions of the query languages: one value
// from the values of one row. A language finds them by name in Insights and puts
// them into plan.Call.
//
// Null is what a function gives for an argument that it cannot use, unless its
// comment says otherwise. No function panics, keeps its arguments or makes more
// than plan.MaxMade bytes; a text that would be longer is cut there.
package function
