// Package pattern is the filter-pattern language of CloudWatch Logs: it
// parses, prints and compiles the patterns of FilterLogEvents. It knows
// nothing of events, stores or requests; a compiled pattern is a function over
// message bytes.
//
// Unstructured patterns are complete: terms, quoted phrases, the prefixes "?"
// (optional) and "-" (excluded), and the empty pattern. JSON patterns
// ({ … }), space-delimited patterns ([ … ]) and stand-alone regular expressions
// (% … %) are recognised and refused with an UnsupportedError; they are never
// taken for something that matches everything.
//
// The rules follow the user guide's "Filter pattern syntax" page:
//
//   - Terms are separated by white space and joined by AND; the order in the
//     message does not matter. A term is found anywhere, also inside a word.
//     Case matters.
//   - A bare term holds letters, digits and underscores only; everything else
//     has to be quoted. The real service tolerates some unquoted punctuation,
//     which of it is not documented; we refuse all of it with the service's own
//     text, because quoting is always right.
//   - Inside quotes \" is a quote and \\ a backslash; a backslash before any
//     other character stands for itself.
//   - Optional items count only when every item is optional: then one of them
//     must occur. Beside any other item they are ignored.
//   - A pattern that is empty, or is one quoted phrase of nothing but white
//     space, matches every message. An empty phrase beside other items, or
//     with a prefix, has no documented meaning and is refused.
package pattern
