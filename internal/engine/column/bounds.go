package column

// Bounds say what the values of one field of a block can be. They are known
// without decoding the field, and hold for every row of the block.
type Bounds struct {
	Rows int // at most so many rows have a value; 0: none has

	// Numeric says that every value is written as a decimal number (a JSON
	// number, or a string of nothing but one), between Min/10^Scale and
	// Max/10^Scale, both included.
	Numeric  bool
	Min, Max int64
	Scale    uint8

	// Exact says that exactly Rows rows have a value, that they are numeric, and that
	// Min and Max are among them.
	Exact bool
}
