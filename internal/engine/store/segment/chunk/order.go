package chunk

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// orderer puts the values of a dictionary into the order that makes both the
// ids and the values small.
type orderer struct {
	values column.Texts
	ids    []uint16
	moved  []uint16 // new id of each old one
	keys   []orderKey
}

type orderKey struct {
	key uint64
	id  uint16
}

// byFrequency orders values by how often they occur, in steps of half an
// octave: frequent ones have small ids. Those of one step are sorted by their
// bytes; numbers, by their value.
func (o *orderer) byFrequency(d *distinct, numbers bool) (*column.Texts, []uint16) {
	n := d.values.Len()
	o.moved, o.keys = fit(o.moved, n), fit(o.keys, n)
	first := d.values.At(0)
	shared := len(first)
	if numbers {
		shared = 0
	}
	for i := 1; i < n && shared > 0; i++ {
		shared = sharedPrefix(first[:shared], d.values.At(i))
	}
	for i, c := range d.counts {
		l := bits.Len32(c)
		step := 2 * l
		if l > 1 && c>>(l-2)&1 != 0 {
			step++
		}
		text := d.values.At(i)
		key, room := uint64(255-step), 7
		if numbers { // canonical ones: the longer is the larger
			key, room = key<<8|uint64(min(len(text), 255)), 6
		}
		for _, b := range text[shared:min(len(text), shared+room)] {
			key = key<<8 | uint64(b)
			room--
		}
		o.keys[i] = orderKey{key << (8 * room), uint16(i)}
	}
	slices.SortFunc(o.keys, func(a, b orderKey) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return bytes.Compare(d.values.At(int(a.id)), d.values.At(int(b.id)))
	})
	o.values.Reset()
	for i, k := range o.keys {
		o.moved[k.id] = uint16(i)
		o.values.Append(d.values.At(int(k.id)))
	}
	o.ids = fit(o.ids, len(d.ids))
	for i, id := range d.ids {
		o.ids[i] = o.moved[id]
	}
	return &o.values, o.ids
}
