// Package skip knows which units of a part can hold a message that a query
// needs. A unit is a piece of a part that is read as a whole: a block with
// frames of its own, or a frame that blocks share.
//
// While a part is written, the [Evidence] of each unit goes into a [Builder]:
// fingerprints of its tokens, the lengths of its tokens, and the trigrams of its
// bytes folded into 64 classes. The builder turns them into two payloads, TIX
// and TRI64, both sorted lists (key, units). An [Index] reads them, one page for
// each lookup, and clears the units that cannot meet a [hint.Need]. It never
// clears one that can: what is decided here is only where not to look.
//
// The payloads are described byte by byte in docs/formats/skip.md.
//
// # Tokens
//
// A token is a maximal run of the bytes A-Z, a-z, 0-9, _ and 0x80 to 0xff within
// one message. Its fingerprint is [FingerprintBits] bits of a hash of its first
// 64 bytes. A needle meets a unit only if
//
//   - every token that lies strictly inside the needle (a delimiter on both
//     sides) is in the unit;
//   - a token of n bytes at the edge of the needle is in the unit, or the unit has
//     a token of more than n bytes in which it can hide (for hexadecimal digits: a
//     long enough run of them);
//   - a token of 64 bytes or more behind a delimiter is in the unit (its first 64
//     bytes are known, whatever follows);
//   - every trigram of the needle is in the unit.
//
// So a needle excludes most when its tokens have delimiters on both sides: who
// knows that a value stands in quotes, asks for it with the quotes.
//
// # Bounds
//
// A part has at most [MaxUnits] units. An open Index holds 16 bytes for each unit
// and 12 for each page; a lookup reads pages of about 16 KiB. A Builder holds the
// keys of the units that were added, about two bytes for each; units of other
// indexes are read page by page while it encodes.
package skip
