package column

// Kind says in which slice of a Vector the values are.
type Kind uint8

// Kinds. A field whose rows differ in kind is Text.
const (
	Null  Kind = iota // no row has the field
	Int               // Ints
	Fixed             // Ints, each to be divided by 10^Scale: decimals of a constant scale
	Text              // Texts
	Dict              // Dict and IDs: each distinct text once
)

// Trim says what follows the last digit that matters of a decimal number.
type Trim uint8

// The ways to write n/10^Scale.
const (
	TrimNone  Trim = iota // exactly Scale decimal places: 1.50, 2.00
	TrimAll               // as short as possible: 1.5, 2
	TrimPoint             // as short as possible with a decimal place: 1.5, 2.0
)

// Vector holds one field of all rows of a block, decoded. Rows that are not in
// Valid have no value; what the slices hold there is not specified (but never
// out of range). A Vector is read only.
type Vector struct {
	Kind  Kind
	Rows  int
	Valid Bitmap // nil: every row has a value

	Ints  []int64
	Scale uint8 // of Fixed
	Trim  Trim  // of Fixed: how the numbers were written

	Texts Texts // of Text, one for each row

	Dict Texts    // of Dict: the distinct texts, in no order
	IDs  []uint16 // of Dict: which text each row has

	// What the texts are. A text of a JSON string is the bytes between its
	// quotes; Escaped says that one of them may hold a backslash. Numbers, true,
	// false, null and arrays are as they were written. Quoted holds the rows
	// whose value was a JSON string; nil: all of them when AllQuoted, else none.
	Escaped   bool
	AllQuoted bool
	Quoted    Bitmap
}

// Has reports whether a row has a value.
func (v *Vector) Has(row int) bool { return v.Kind != Null && (v.Valid == nil || v.Valid.Has(row)) }
