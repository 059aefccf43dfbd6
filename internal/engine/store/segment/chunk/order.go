package chunk

import (
	"bytes"
	"math/bits"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// orderer puts the values of a dictionary into the order that makes both the
// ids and the values small.
type orderer struct {
	values column.Texts
	ids    []uint16
	perm   []uint16 // old ids in new order
	moved  []uint16 // new id of each old one
	class  []uint8
}

// byFrequency orders values by how often they occur, roughly: frequent ones
// have small ids, and those of like frequency are sorted by their bytes.
func (o *orderer) byFrequency(d *distinct) (*column.Texts, []uint16) {
	n := d.values.Len()
	o.perm, o.moved, o.class = fit(o.perm, n), fit(o.moved, n), fit(o.class, n)
	for i, c := range d.counts {
		o.perm[i] = uint16(i)
		l := bits.Len32(c)
		o.class[i] = uint8(2 * l)
		if l > 1 && c>>(l-2)&1 != 0 {
			o.class[i]++
		}
	}
	slices.SortFunc(o.perm, func(a, b uint16) int {
		if o.class[a] != o.class[b] {
			return int(o.class[b]) - int(o.class[a])
		}
		return bytes.Compare(d.values.At(int(a)), d.values.At(int(b)))
	})
	o.values.Reset()
	for i, old := range o.perm {
		o.moved[old] = uint16(i)
		o.values.Append(d.values.At(int(old)))
	}
	o.ids = fit(o.ids, len(d.ids))
	for i, id := range d.ids {
		o.ids[i] = o.moved[id]
	}
	return &o.values, o.ids
}
