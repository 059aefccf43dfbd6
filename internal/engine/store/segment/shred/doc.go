// Package shred takes blocks of messages apart into templates and columns, and
// brings them back byte for byte. It owns shapes, the splitters that make them
// (JSON, Text), their encoded form (Encoder, Block; docs/formats/shape.md), and
// what can be asked of one without rebuilding messages: search, and fields by
// path. How one column is stored is the business of package chunk; where head
// and body lie in a file, and the hash of the messages, of package segment.
//
// A field of a message is found the same way wherever the message is, in a
// column or in a row that could not be taken apart; see Lookup.
package shred
