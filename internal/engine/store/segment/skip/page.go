package skip

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// Limits of the format.
const (
	MaxUnits   = 1 << 20 // units of a part
	pageTarget = 16 << 10
	pageKeys   = 1 << 16 // keys of one page
	pageHeader = 16
	// maxPage bounds a page: one list more than fits its target.
	maxPage   = pageTarget + MaxUnits/8 + pageSlack
	pageSlack = 4 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Forms of a list of several units, in unary: whichever is shortest.
const (
	formList   = iota // the units
	formRest          // the units that are not in it
	formBitmap        // a bit for each unit
	formAll           // every unit
)

// idBits returns the bits of a unit number.
func idBits(units int) uint {
	if units <= 1 {
		return 0
	}
	return uint(bits.Len(uint(units - 1)))
}

// gapBits is the Rice parameter for the gaps of count out of units.
func gapBits(units, count int) uint {
	g := units / (count + 1)
	if g <= 1 {
		return 0
	}
	return uint(bits.Len(uint(g))) - 1
}

// pageWriter collects the keys of one page.
type pageWriter struct {
	units   int
	idBits  uint
	keys    []uint32
	flags   bitWriter // 1: several units
	singles bitWriter
	several bitWriter
	keyBits bitWriter
	rest    []uint32
	out     []byte
}

func (p *pageWriter) reset(units int) {
	p.units, p.idBits = units, idBits(units)
	p.keys = p.keys[:0]
	p.flags.reset()
	p.singles.reset()
	p.several.reset()
	p.keyBits.reset()
}

// full reports whether the page has reached its target.
func (p *pageWriter) full() bool {
	n := len(p.keys)
	return n == pageKeys || n > 0 && p.bits(n, p.keys[n-1]) >= 8*(pageTarget-pageHeader)
}

// takes reports whether a key may follow. One that is far from the others makes
// all of them longer: readers refuse pages that are much over the target.
func (p *pageWriter) takes(key uint32) bool {
	n := len(p.keys)
	return n == 0 || p.bits(n+1, key) < 8*(pageTarget+pageSlack/2)
}

// bits returns about how many bits n keys up to last take, with the lists so far.
func (p *pageWriter) bits(n int, last uint32) int {
	// The quotients of Rice code add up to at most two bits for each key.
	perKey := max(bits.Len32(last-p.keys[0])-bits.Len(uint(n)), 0) + 3
	return n*(perKey+1) + p.singles.len() + p.several.len()
}

// addOne appends a key, greater than the one before, of one unit.
func (p *pageWriter) addOne(key, unit uint32) {
	p.keys = append(p.keys, key)
	p.flags.put(0, 1)
	p.singles.put(uint64(unit), p.idBits)
}

// add appends a key, greater than the one before, and its ascending units, two or
// more.
func (p *pageWriter) add(key uint32, list []uint32) {
	p.keys = append(p.keys, key)
	p.flags.put(1, 1)
	if len(list) == p.units {
		p.several.unary(formAll)
		return
	}
	// A list of count gaps takes about count*(gapBits+2) bits.
	n, m := len(list), p.units-len(list)
	switch asList, asRest := n*(int(gapBits(p.units, n))+2), m*(int(gapBits(p.units, m))+2); {
	case min(asList, asRest) >= p.units:
		p.several.unary(formBitmap)
		p.bitmap(list)
	case asList <= asRest:
		p.several.unary(formList)
		p.gaps(list)
	default:
		p.rest = complement(p.rest[:0], list, p.units)
		p.several.unary(formRest)
		p.gaps(p.rest)
	}
}

func complement(dst, list []uint32, units int) []uint32 {
	next := uint32(0)
	for _, u := range list {
		for ; next < u; next++ {
			dst = append(dst, next)
		}
		next = u + 1
	}
	for ; next < uint32(units); next++ {
		dst = append(dst, next)
	}
	return dst
}

func (p *pageWriter) gaps(list []uint32) {
	p.several.gamma(uint64(len(list)))
	k := gapBits(p.units, len(list))
	next := uint32(0)
	for _, u := range list {
		p.several.rice(uint64(u-next), k)
		next = u + 1
	}
}

func (p *pageWriter) bitmap(list []uint32) {
	for base := 0; base < p.units; base += 32 {
		n := min(32, p.units-base)
		var w uint64
		for len(list) > 0 && int(list[0]) < base+n {
			w |= 1 << (int(list[0]) - base)
			list = list[1:]
		}
		p.several.put(w, uint(n))
	}
}

// finish returns the bytes of the page; valid until the next call.
func (p *pageWriter) finish() []byte {
	n := len(p.keys)
	k := uint(0)
	if span := uint64(p.keys[n-1] - p.keys[0]); span/uint64(n) > 1 {
		k = uint(bits.Len64(span/uint64(n))) - 1
	}
	for i := 1; i < n; i++ {
		p.keyBits.rice(uint64(p.keys[i]-p.keys[i-1]-1), k)
	}
	keys := p.keyBits.bytes()
	out := append(p.out[:0], make([]byte, pageHeader)...)
	binary.LittleEndian.PutUint16(out[4:], uint16(n-1))
	out[6] = byte(k)
	binary.LittleEndian.PutUint32(out[8:], uint32(len(keys)))
	binary.LittleEndian.PutUint32(out[12:], p.keys[0])
	out = append(out, keys...)
	out = append(out, p.flags.bytes()...)
	out = append(out, p.singles.bytes()...)
	out = append(out, p.several.bytes()...)
	binary.LittleEndian.PutUint32(out, crc32.Checksum(out[4:], castagnoli))
	p.out = out
	return out
}

// page reads what a pageWriter wrote. Its methods report damage as a reason.
type page struct {
	units   int
	n       int
	k       uint
	first   uint32
	keys    []byte
	flags   []byte
	lists   []byte // singles, then several
	several int    // where they begin in lists
}

// parse checks what can be checked without reading the keys.
func (p *page) parse(b []byte, units int) string {
	if len(b) < pageHeader {
		return "shorter than its header"
	}
	p.units = units
	p.n = int(binary.LittleEndian.Uint16(b[4:])) + 1
	p.k = uint(b[6])
	p.first = binary.LittleEndian.Uint32(b[12:])
	keys := binary.LittleEndian.Uint32(b[8:])
	b = b[pageHeader:]
	flags := (p.n + 7) / 8
	if p.k > FingerprintBits || uint64(keys)+uint64(flags) > uint64(len(b)) {
		return "lengths out of range"
	}
	p.keys = b[:keys:keys]
	p.flags = b[keys : int(keys)+flags : int(keys)+flags]
	p.lists = b[int(keys)+flags:]
	single := 0
	for i, f := range p.flags {
		if tail := p.n - 8*i; tail < 8 {
			if f>>tail != 0 {
				return "flags behind the last key"
			}
			single += tail
		} else {
			single += 8
		}
		single -= bits.OnesCount8(f)
	}
	p.several = (single*int(idBits(units)) + 7) / 8
	if p.several > len(p.lists) {
		return "unit numbers are cut off"
	}
	return ""
}

func (p *page) isSeveral(i int) bool { return p.flags[i>>3]>>(i&7)&1 != 0 }

// read reads one list of several units into set, which has units bits; nil
// skips it.
func (p *page) read(r *bitReader, set []uint64) string {
	form := r.unary()
	switch form {
	case formAll:
		if set != nil {
			fill(set, p.units)
		}
	case formBitmap:
		if set == nil {
			r.at += uint(p.units)
			break
		}
		for base := 0; base < p.units; base += 32 {
			n := min(32, p.units-base)
			set[base>>6] |= r.take(uint(n)) << (base & 63)
		}
	case formList, formRest:
		count := r.gamma()
		if count > uint64(p.units) {
			return "more units than there are"
		}
		if r.at+uint(count) > 8*uint(len(r.buf)) { // a unit takes at least a bit
			return "lists are cut off"
		}
		if set != nil && form == formRest {
			fill(set, p.units)
		}
		k, next := gapBits(p.units, int(count)), uint64(0)
		for range count {
			next += r.rice(k)
			if next >= uint64(p.units) {
				return "unit number out of range"
			}
			if set != nil {
				if form == formList {
					set[next>>6] |= 1 << (next & 63)
				} else {
					set[next>>6] &^= 1 << (next & 63)
				}
			}
			next++
		}
	default:
		return "unknown form of a list"
	}
	if r.bad || r.at > 8*uint(len(r.buf)) {
		return "lists are cut off"
	}
	return ""
}

// appendUnits reads one list of several units and appends them to dst. set is
// empty before and after. It takes time for the units and the bits of the list,
// not for all units there are.
func (p *page) appendUnits(r *bitReader, set []uint64, dst []uint32) ([]uint32, string) {
	short := *r
	if short.unary() != formList {
		reason := p.read(r, set)
		for i, w := range set {
			for ; w != 0; w &= w - 1 {
				dst = append(dst, uint32(i<<6+bits.TrailingZeros64(w)))
			}
		}
		clear(set)
		return dst, reason
	}
	*r = short
	count := r.gamma()
	if count > uint64(p.units) {
		return dst, "more units than there are"
	}
	if r.at+uint(count) > 8*uint(len(r.buf)) { // a unit takes at least a bit
		return dst, "lists are cut off"
	}
	k, next := gapBits(p.units, int(count)), uint64(0)
	for range count {
		if next += r.rice(k); next >= uint64(p.units) {
			return dst, "unit number out of range"
		}
		dst = append(dst, uint32(next))
		next++
	}
	if r.bad || r.at > 8*uint(len(r.buf)) {
		return dst, "lists are cut off"
	}
	return dst, ""
}

// fill sets the lowest n bits.
func fill(set []uint64, n int) {
	for i := range n / 64 {
		set[i] = ^uint64(0)
	}
	if n&63 != 0 {
		set[n/64] |= 1<<(n&63) - 1
	}
}
