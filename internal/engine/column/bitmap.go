package column

import "math/bits"

// Bitmap is a set of rows: row i is bit i%64 of word i/64.
type Bitmap []uint64

// NewBitmap returns the empty set for n rows.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)/64) }

// Fit returns an empty set for n rows in the memory of b when it is large enough.
func (b Bitmap) Fit(n int) Bitmap {
	words := (n + 63) / 64
	if cap(b) < words {
		return make(Bitmap, words)
	}
	b = b[:words]
	clear(b)
	return b
}

// Set adds row i.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (i & 63) }

// Clear removes row i.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (i & 63) }

// Has reports whether row i is in the set.
func (b Bitmap) Has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// Fill adds the rows 0 to n-1.
func (b Bitmap) Fill(n int) {
	for i := range n / 64 {
		b[i] = ^uint64(0)
	}
	if n&63 != 0 {
		b[n/64] |= 1<<(n&63) - 1
	}
}

// And keeps the rows that are in o too.
func (b Bitmap) And(o Bitmap) {
	for i := range b {
		b[i] &= o[i]
	}
}

// AndNot removes the rows of o.
func (b Bitmap) AndNot(o Bitmap) {
	for i := range b {
		b[i] &^= o[i]
	}
}

// Or adds the rows of o.
func (b Bitmap) Or(o Bitmap) {
	for i := range b {
		b[i] |= o[i]
	}
}

// Count returns the number of rows in the set.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// None reports whether the set is empty.
func (b Bitmap) None() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// AppendTo appends the rows in ascending order.
func (b Bitmap) AppendTo(rows []uint32) []uint32 {
	for i, w := range b {
		for w != 0 {
			rows = append(rows, uint32(i<<6+bits.TrailingZeros64(w)))
			w &= w - 1
		}
	}
	return rows
}
