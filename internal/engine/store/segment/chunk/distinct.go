package chunk

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/cumulog/cumulog/internal/engine/column"
)

const (
	tableBits = 13 // slots: twice MaxDistinct
	prime1    = 0x9e3779b97f4a7c15
	prime2    = 0xd6e8feb86659fd93
)

// distinct finds the distinct texts of a column.
type distinct struct {
	values column.Texts
	ids    []uint16 // of each row
	counts []uint32 // of each value
	hashes []uint64
	table  [1 << tableBits]uint16 // id + 1
}

// find fills d from the rows of t; false when there are more than most distinct texts.
func (d *distinct) find(t *column.Texts, most int) bool {
	d.values.Reset()
	d.ids, d.counts, d.hashes = d.ids[:0], d.counts[:0], d.hashes[:0]
	clear(d.table[:])
	most = min(most, MaxDistinct)
	var last []byte
	lastID := -1
	from := uint32(0)
	for _, end := range t.Ends {
		text := t.Data[from:end]
		from = end
		if lastID >= 0 && bytes.Equal(text, last) {
			d.counts[lastID]++
			d.ids = append(d.ids, uint16(lastID))
			continue
		}
		h := hash(text)
		slot := h >> (64 - tableBits)
		for {
			id := int(d.table[slot]) - 1
			if id < 0 {
				if len(d.counts) == most {
					return false
				}
				id = len(d.counts)
				d.table[slot] = uint16(id + 1)
				d.values.Append(text)
				d.counts = append(d.counts, 0)
				d.hashes = append(d.hashes, h)
			} else if d.hashes[id] != h || !bytes.Equal(d.values.At(id), text) {
				slot = (slot + 1) & (1<<tableBits - 1)
				continue
			}
			lastID = id
			break
		}
		last = text
		d.counts[lastID]++
		d.ids = append(d.ids, uint16(lastID))
	}
	return true
}

// hash is quick and good enough for a table that is thrown away.
func hash(b []byte) uint64 {
	h := uint64(len(b)) * prime1
	for ; len(b) >= 8; b = b[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(b))
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	return mix(h ^ tail)
}

func mix(v uint64) uint64 {
	high, low := bits.Mul64(v^prime2, prime1)
	return high ^ low
}
