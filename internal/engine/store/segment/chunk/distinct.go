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

	// Columns of at least probeFrom rows are first looked at in probes places:
	// when nearly all differ, all texts would be too many for a dictionary.
	probeFrom    = 2048
	probes       = 256
	probesDiffer = probes - 4
)

// key identifies a text of up to 16 bytes; of longer ones, a is a hash.
type key struct {
	a, b uint64
	n    uint32
}

// distinct finds the distinct texts of a column.
type distinct struct {
	values column.Texts
	ids    []uint16 // of each row
	counts []uint32 // of each value
	keys   []key    // of each value
	spent  int      // steps that collisions may still take
	table  [1 << tableBits]uint16
}

func (d *distinct) reset(rows int) {
	d.values.Reset()
	d.ids, d.counts, d.keys = d.ids[:0], d.counts[:0], d.keys[:0]
	d.spent = 16*rows + 1<<tableBits
	clear(d.table[:])
}

// find fills d from the rows of t; false when there are, or seem to be, more
// than most distinct texts.
func (d *distinct) find(t *column.Texts, most int) bool {
	rows := t.Len()
	most = min(most, MaxDistinct)
	if rows >= probeFrom {
		d.reset(rows)
		for i := range probes {
			text := t.At(i * rows / probes)
			if d.id(keyOf(text), text, most) < 0 {
				return false
			}
		}
		if len(d.counts) >= probesDiffer {
			return false
		}
	}
	d.reset(rows)
	d.ids = fit(d.ids, rows)
	var last key
	id := -1
	from := uint32(0)
	for i, end := range t.Ends {
		text := t.Data[from:end:end]
		from = end
		k := keyOf(text)
		if id < 0 || k != last || k.n > 16 && !bytes.Equal(text, d.values.At(id)) {
			last = k
			if id = d.id(k, text, most); id < 0 {
				return false
			}
		}
		d.counts[id]++
		d.ids[i] = uint16(id)
	}
	return true
}

// id returns the number of a text, which is added when it is new; -1 when
// there is no room, or when texts collide so much that it is on purpose.
func (d *distinct) id(k key, text []byte, most int) int {
	slot := mix(k.a^k.b*prime2^uint64(k.n)) >> (64 - tableBits)
	for {
		id := int(d.table[slot]) - 1
		if id < 0 {
			if len(d.counts) == most {
				return -1
			}
			id = len(d.counts)
			d.table[slot] = uint16(id + 1)
			d.values.Append(text)
			d.counts = append(d.counts, 0)
			d.keys = append(d.keys, k)
			return id
		}
		if d.keys[id] == k && (k.n <= 16 || bytes.Equal(d.values.At(id), text)) {
			return id
		}
		if d.spent--; d.spent < 0 {
			return -1
		}
		slot = (slot + 1) & (1<<tableBits - 1)
	}
}

func keyOf(b []byte) key {
	n := len(b)
	k := key{n: uint32(n)}
	switch {
	case n > 16:
		h := uint64(n)
		for p := b; len(p) > 8; p = p[8:] {
			h = mix(h ^ binary.LittleEndian.Uint64(p))
		}
		k.a, k.b = h, binary.LittleEndian.Uint64(b[n-8:])
	case n >= 8:
		k.a, k.b = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		k.a = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		k.a = uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	return k
}

// mix is quick and good enough for a table that is thrown away.
func mix(v uint64) uint64 {
	high, low := bits.Mul64(v^prime2, prime1)
	return high ^ low
}
