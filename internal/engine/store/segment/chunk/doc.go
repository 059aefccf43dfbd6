// Package chunk encodes one column of one block: a list of texts, any bytes.
// It decides how they are stored, brings back exactly the bytes it was given,
// and gives access to what it stored without making texts of it: numbers,
// dictionaries, and search. What a column means (its path, whether it was
// quoted) and checksums are the business of package shred.
//
// A chunk is self-describing except for its number of rows, which the caller
// keeps. The format is described in docs/formats/chunk.md.
package chunk

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Encoding is how a chunk holds its texts: its first byte. The numbers are
// stored and never change.
type Encoding uint8

// The encodings. 4 is kept free for floating point numbers.
const (
	Const Encoding = 0  // one text that all rows have
	Dict  Encoding = 1  // each distinct text once, and which one each row has
	Int   Encoding = 2  // canonical decimal int64
	Dec   Encoding = 3  // decimals of a constant number of decimal places
	TS    Encoding = 5  // points in time in one layout
	Hex   Encoding = 6  // hexadecimal digits of one length and case
	UUID  Encoding = 7  // UUIDs of one case
	IPv4  Encoding = 8  // canonical dotted addresses
	Str   Encoding = 9  // anything
	Patch Encoding = 10 // a typed one, or AFFIX, for most rows, texts for the rest
	Affix Encoding = 11 // a typed one between a beginning and an end that all texts have
)

var encodingNames = [...]string{"CONST", "DICT", "INT", "DEC", "", "TS", "HEX", "UUID", "IPV4", "STR", "PATCH", "AFFIX"}

func (e Encoding) String() string {
	if int(e) < len(encodingNames) && encodingNames[e] != "" {
		return encodingNames[e]
	}
	return fmt.Sprintf("encoding(%d)", uint8(e))
}

// Limits.
const (
	MaxRows     = column.MaxRows // rows of a chunk
	MaxDistinct = 4096           // distinct texts that are counted, and that a dictionary holds
)

// ErrMalformed is wrapped by the errors about bytes that are not a chunk.
var ErrMalformed = errors.New("malformed chunk")

// Summary says what a chunk holds; it allows skipping a chunk without reading it.
type Summary struct {
	Encoding       Encoding
	Classes        [4]uint64 // byte values that the texts may have, and no others: bit b%64 of word b/64
	Distinct       int       // number of distinct texts; MaxDistinct+1: many, or not counted
	Ints           bool      // every text is a number that Chunk.Ints gives, of Scale
	Scale          uint8     // decimal places
	MinInt, MaxInt int64     // of the numbers, when Ints
	MinLen, MaxLen int       // of the texts, bytes
}

// MayContain reports whether all bytes of needle occur in the texts: whether
// one of them can contain it.
func (s *Summary) MayContain(needle []byte) bool {
	if len(needle) > s.MaxLen {
		return false
	}
	for _, b := range needle {
		if s.Classes[b>>6]&(1<<(b&63)) == 0 {
			return false
		}
	}
	return true
}
