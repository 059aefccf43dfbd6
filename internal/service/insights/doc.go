// Package insights owns queries from their start to the end of their results:
// which groups a query reads, admission, the run, progress, statistics, results
// that are kept on disk, and saved queries. The languages are libraries of the
// engine (query/insightsql and its siblings); this package gives them what they
// ask of their Env.
//
// # Life of a query
//
// Start parses and compiles the text, so that every mistake in it is refused at
// once, resolves the groups, and gives the query to the queue. At most
// Options.Concurrency queries run at a time; the others wait in the order of their
// start (status Scheduled). The record of the query is written to the catalog
// while it runs already: Start returns when the record is durable, by which time a
// small query has often ended.
//
// A query ends Complete, Failed, Cancelled (Stop), or Timeout. Its answer can be read
// from memory at once; behind that its rows are written to a file and then the end to
// the record. Only then does the query give its place to the next one, so what waits
// to be written is bounded.
//
// After a crash, queries without a written end are Failed, with the reason.
//
// # Results
//
// A result file holds the texts of the rows in compressed pages (see file.go). Records
// and files are kept for Options.Keep, and the oldest are dropped earlier when there are more
// than Options.MaxQueries or when they take more than Options.MaxBytes.
//
// While a query runs, Results shows what the executor found so far, and statistics of now. A snapshot of
// the rows is taken at most five times a second and never takes more than a twentieth of the time.
package insights
