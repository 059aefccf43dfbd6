package skip

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"slices"
)

// bucketPairs is how many pairs are sorted at once, about; bucketLimit is more
// than that, where tokens are not spread evenly, or pairs are very many.
const (
	bucketPairs = 64 << 10
	bucketLimit = 1 << 20
	maxBuckets  = 1 << 12
	bucketBits  = 22 // a bucket of so many keys is sorted in two passes
)

// unitCursor walks through the keys of one unit.
type unitCursor struct {
	src  []byte
	left uint32 // keys in src
	unit uint32
	has  bool // key is the next one
	key  uint32
}

// movedCursor walks through another index.
type movedCursor struct {
	cursor cursor
	to     []int32 // final number of each of its units, -1: none
	memory *pageMemory
	units  []uint32 // of key
	has    bool
	key    uint32
	were   savedCursor
}

type savedCursor struct {
	cursor cursor
	units  []uint32
	has    bool
	key    uint32
}

// merger makes one payload of lists that are sorted by key: range of keys for
// range of keys, all lists are read as far as the range goes, and what was read is
// sorted.
type merger struct {
	units int
	pairs uint64 // expected, at most
	lists []unitCursor
	moved []movedCursor

	listsWere    []unitCursor
	bucket, temp []uint64 // key<<32 | unit
	group        []uint32
	page         pageWriter
	first        []byte // the table of pages
	size         ListSize
}

// run writes the payload.
func (m *merger) run(w io.Writer, name string, keyBits uint, head []byte) (ListSize, error) {
	m.size, m.first = ListSize{}, m.first[:0]
	m.page.reset(m.units)
	width := uint32(1) << min(keyBits, bucketBits) // keys of a bucket
	for n := m.pairs * uint64(width) >> keyBits; n > bucketPairs && width > 1<<keyBits/maxBuckets; n >>= 1 {
		width >>= 1
	}
	for base := uint32(0); base < 1<<keyBits; {
		here := min(width, 1<<keyBits-base)
		for {
			limit := bucketLimit
			if here == 1 {
				limit = math.MaxInt // as many as there are units
			}
			full, err := m.fill(base+here, limit)
			if err != nil {
				return ListSize{}, err
			}
			if !full {
				break
			}
			here >>= 1
		}
		m.sort(base, here)
		if err := m.emit(w); err != nil {
			return ListSize{}, err
		}
		base += here
	}
	if len(m.page.keys) > 0 {
		if err := m.flush(w); err != nil {
			return ListSize{}, err
		}
	}
	tail := append(slices.Clone(head), m.first...)
	tr := make([]byte, trailerSize)
	copy(tr, name+"1")
	tr[4], tr[5] = byte(keyBits), hashVersion
	binary.LittleEndian.PutUint32(tr[8:], uint32(m.units))
	binary.LittleEndian.PutUint32(tr[12:], uint32(m.size.Pages))
	binary.LittleEndian.PutUint64(tr[16:], m.size.Keys)
	binary.LittleEndian.PutUint64(tr[24:], m.size.Pairs)
	tail = append(tail, tr...)
	sum := crc32.Checksum(tail[:len(tail)-4], castagnoli)
	binary.LittleEndian.PutUint32(tail[len(tail)-4:], sum)
	if _, err := w.Write(tail); err != nil {
		return ListSize{}, err
	}
	m.size.Bytes += int64(len(tail))
	return m.size, nil
}

// fill reads the pairs below end into the bucket. When they are more than limit,
// it reports full and has read nothing.
func (m *merger) fill(end uint32, limit int) (full bool, err error) {
	m.bucket = m.bucket[:0]
	m.listsWere = append(m.listsWere[:0], m.lists...)
	for i := range m.moved {
		m.moved[i].save()
	}
	for i := range m.lists {
		if !m.lists[i].read(end, limit, &m.bucket) {
			full = true
			break
		}
	}
	for i := 0; i < len(m.moved) && !full; i++ {
		ok, err := m.moved[i].read(end, limit, &m.bucket)
		if err != nil {
			return false, err
		}
		full = !ok
	}
	if full {
		copy(m.lists, m.listsWere)
		for i := range m.moved {
			m.moved[i].restore()
		}
	}
	return full, nil
}

// read appends the pairs below end; false if the bucket has more than limit.
func (c *unitCursor) read(end uint32, limit int, dst *[]uint64) bool {
	out, src, key, has, left := *dst, c.src, c.key, c.has, c.left
	for len(out) <= limit {
		if !has {
			if left == 0 {
				break
			}
			left--
			d := uint32(0)
			for shift := 0; ; shift += 7 {
				b := src[0]
				src = src[1:]
				d |= uint32(b&0x7f) << (shift & 31)
				if b < 0x80 {
					break
				}
			}
			key += d
		}
		if has = key >= end; has {
			break
		}
		out = append(out, uint64(key)<<32|uint64(c.unit))
	}
	c.src, c.key, c.has, c.left = src, key, has, left
	*dst = out
	return len(out) <= limit
}

// read appends the pairs below end whose units come along; false if the bucket
// has more than limit.
func (c *movedCursor) read(end uint32, limit int, dst *[]uint64) (ok bool, err error) {
	for len(*dst) <= limit {
		if !c.has {
			if c.key, c.units, c.has, err = c.cursor.next(c.memory, c.units[:0]); err != nil {
				return false, err
			}
			if !c.has { // the end
				break
			}
		}
		if c.key >= end {
			break
		}
		for _, u := range c.units {
			if n := c.to[u]; n >= 0 {
				*dst = append(*dst, uint64(c.key)<<32|uint64(uint32(n)))
			}
		}
		c.has = false
	}
	return len(*dst) <= limit, nil
}

// save remembers where the cursor is.
func (c *movedCursor) save() {
	c.were = savedCursor{c.cursor, append(c.were.units[:0], c.units...), c.has, c.key}
}

// restore goes back there.
func (c *movedCursor) restore() {
	c.cursor, c.units, c.has, c.key = c.were.cursor, append(c.units[:0], c.were.units...), c.were.has, c.were.key
}

// sort sorts the bucket by key; pairs of one key stay in the order in which they
// were read.
func (m *merger) sort(base, width uint32) {
	const most = bucketBits / 2
	keyBits := uint(bits.Len32(width - 1))
	digit := (keyBits + 1) / 2
	mask := uint32(1)<<digit - 1
	if cap(m.temp) < len(m.bucket) {
		m.temp = make([]uint64, len(m.bucket)+len(m.bucket)/4)
	}
	for shift := uint(0); shift < keyBits; shift += digit {
		var count [1 << most]uint32
		from, to := m.bucket, m.temp[:len(m.bucket)]
		for _, v := range from {
			count[(uint32(v>>32)-base)>>shift&mask&(1<<most-1)]++
		}
		sum := uint32(0)
		for i, n := range count[:mask+1] {
			count[i] = sum
			sum += n
		}
		for _, v := range from {
			d := (uint32(v>>32) - base) >> shift & mask & (1<<most - 1)
			to[count[d]] = v
			count[d]++
		}
		m.bucket, m.temp = to, from[:cap(from)]
	}
}

// emit writes the keys of the sorted bucket.
func (m *merger) emit(w io.Writer) error {
	for i := 0; i < len(m.bucket); {
		key := uint32(m.bucket[i] >> 32)
		end := i + 1
		for end < len(m.bucket) && uint32(m.bucket[end]>>32) == key {
			end++
		}
		if !m.page.takes(key) {
			if err := m.flush(w); err != nil {
				return err
			}
		}
		n := end - i
		if n == 1 {
			m.page.addOne(key, uint32(m.bucket[i]))
		} else {
			m.group = m.group[:0]
			ascending, last := true, int64(-1)
			for _, v := range m.bucket[i:end] {
				u := uint32(v)
				ascending, last = ascending && last < int64(u), int64(u)
				m.group = append(m.group, u)
			}
			if !ascending {
				slices.Sort(m.group)
			}
			m.page.add(key, m.group)
		}
		i = end
		m.size.Keys++
		m.size.Pairs += uint64(n)
		if m.page.full() {
			if err := m.flush(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the page.
func (m *merger) flush(w io.Writer) error {
	first := m.page.keys[0]
	b := m.page.finish()
	m.page.reset(m.units)
	if _, err := w.Write(b); err != nil {
		return err
	}
	m.first = binary.LittleEndian.AppendUint32(m.first, first)
	m.first = binary.LittleEndian.AppendUint32(m.first, uint32(len(b)))
	m.size.Bytes += int64(len(b))
	m.size.Pages++
	return nil
}
