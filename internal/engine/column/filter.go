package column

// Fields are the columns of a block of rows, as a Filter sees them.
type Fields interface {
	// Len returns the number of rows.
	Len() int
	// Field returns the values at a JSON path: keys joined by '.', with '.' and
	// '\' inside of a key written '\.' and '\\'. A path that no row has is a vector
	// of kind Null.
	Field(path string) (*Vector, error)
	// Bounds says what the values at a path can be, without reading them; false
	// when that is not known.
	Bounds(path string) (Bounds, bool)
	// Whole adds to rows those whose message is nothing but one JSON object of
	// which Field knows every value: nothing stands before it and it was taken apart.
	// Of any other row Field may know values or not.
	Whole(rows Bitmap) error
}

// Filter leaves out rows of a block by what their columns hold, so that their
// messages need not be read. It is immutable; Keep is called from several
// goroutines at once.
type Filter interface {
	// Paths returns the JSON paths that it reads.
	Paths() []string
	// Keep removes from rows, ascending, those whose message cannot match, in
	// place, and returns what is left. sure says that all of those left match.
	Keep(f Fields, rows []uint32, x *FilterScratch) (left []uint32, sure bool, err error)
}

// FilterScratch is the memory of one goroutine that calls Keep. The zero value
// is ready.
type FilterScratch struct {
	Free []Bitmap // bitmaps to use again
	Buf  []byte
}

// Take returns an empty set for n rows; Give takes it back.
func (x *FilterScratch) Take(n int) Bitmap {
	if k := len(x.Free); k > 0 {
		b := x.Free[k-1]
		x.Free = x.Free[:k-1]
		return b.Fit(n)
	}
	return NewBitmap(n)
}

// Give keeps a set for a later Take.
func (x *FilterScratch) Give(b Bitmap) { x.Free = append(x.Free, b) }
