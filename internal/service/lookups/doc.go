// Package lookups keeps lookup tables: CSV bodies that queries join with by the
// command lookup.
//
// A table is one file that describes itself (docs/formats/lookup.md), replaced as
// a whole: a crash leaves the old content or the new one, and nothing is lost with
// the catalog but the tags. Open reads the head of every file; bodies are read when they are asked
// for. A file that is damaged is left where it is and reported in the log; its
// table does not exist.
//
// # CSV
//
// As RFC 4180: records end with LF or CRLF, fields are divided by commas, and a field in
// quotes may hold commas, line ends and, doubled, quotes. A quote anywhere else is
// refused. The first record names the columns: names are not empty, at
// most 255 characters long, all different, and at most 1,000. Every other record has as
// many fields. Lines without anything are passed over, and so is a byte order
// mark at the start. The body is UTF-8. What the API returns is the body as
// it was given.
package lookups
