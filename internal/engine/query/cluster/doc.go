// Package cluster finds the patterns of log messages, as the pattern command of
// Logs Insights shows them: the texts that remain when what varies from message to
// message is replaced by tokens such as <Number-1>. It knows nothing of queries.
//
// # Tokens
//
// A message is cut at blanks, quotes, brackets and other punctuation. Runs of
// blanks count as one. Only the first 1,500 bytes and 160 tokens are looked at. By
// how it is written a token is
//
//   - <Number-N>: a decimal number; the unit of a size (12MB) stays behind it;
//   - <Duration-N>: 5ms, 1h2m3.5s;
//   - <Time-N>: dates and times of the usual forms, together with their zone;
//   - <IPAddress-N>: version 4 or 6, without the port;
//   - <UUID-N>, <Email-N>, <URL-N>;
//   - <Path-N>: what begins with a slash, with its query string;
//   - <StackTrace-N>: the indented lines of a stack trace of Java, JavaScript or Python;
//   - <ID-N>: everything else with more than two digits, longer than 24 bytes with
//     one, or longer than 64 bytes, and words whose last eight letters are a to f;
//   - a value: a word that stands alone behind an equals sign, in quotes or in
//     brackets, a name as programs have them (a_b, a.b, aB, a1), and in JSON a string
//     of one word, true, false or null;
//   - a word.
//
// N counts the tokens of a pattern from 1. Severities (INFO, warn, …), JSON keys
// and words before an equals sign are always words. So is a JSON string whose key
// says that it tells what happened (message, event, error, type, …), and the name
// of an exception. The third and later elements of a list are left out.
//
// # Patterns
//
// Messages have the same shape when they have the same separators and kinds of
// tokens, and the same severities and keys. In a shape, words tell messages apart
// and values do not: a value stays in the pattern when all messages of it have the
// same, else it becomes <Token-N>, or <ID-N> when all of them have digits.
//
// Rows of words are made patterns like this: if at least half of the words are the
// same in all rows, positions with at most 4 different words are cut into a pattern
// for each of them, and the others are <Token-N>. If fewer words are the same, the
// rows are first cut at the position with the fewest different words; if even that
// has more than 64, what varies is <Token-N>. Afterwards patterns that differ in
// one word with more than 4 forms become one. Patterns that differ only in the
// kinds of tokens become one too: of numbers, durations, UUIDs and identifiers an
// <ID-N>, of others a <Token-N>.
//
// # Bounds
//
// Counts are always exact. Memory is bounded by telling less apart:
//
//   - Of the words at one position of a shape 512 are told apart. A position with
//     more of them is <Token-N> for the whole shape. For a shape with more than about
//     1,000 skeletons (different rows of words) the limit is 128, from 4,000 on 32,
//     16,000: 16, 65,000: 8, 262,000: 4, 1,000,000: 2, 4,000,000: 1.
//   - Of one shape 2,048 rows are made patterns. When there are more the limit is
//     halved for that, until there are not.
//   - When there are more than Options.Shapes shapes, all are cut after 24 tokens;
//     when there are still too many after 6, then 1, then 0. Separators of more than
//     200, 48 or 16 bytes cut a shape as well. The rest of a message is <Token-N>.
//
// What words of several positions make together is not bounded but by these
// limits: random words from a small vocabulary can take some ten MB for each shape.
// Bytes says what is held, and the caller stops when that is too much.
//
// All of these depend on the set of messages only, never on their order: adding
// messages in any order, to any number of Clusterers that are merged in any order,
// gives the same patterns. (Skeletons are told apart by 64-bit hashes, which are
// taken to be unique.)
//
// # Speed
//
// Adding a message whose skeleton is known, which nearly all are, is one pass over
// its bytes and one look into a table. What stands between its numbers, names and times is compared
// with what stood there in earlier messages, not cut into words again. It allocates
// nothing.
//
// # Values and windows
//
// With Options.Values the values of tokens are counted as well, as long as a token
// has few; a Tracker also counts by windows of time, and keeps the numbers of
// patterns while what is known of them changes.
package cluster
