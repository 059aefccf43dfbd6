package skip

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"sort"
)

const trailerSize = 40

// Section is one payload as it lies in a file.
type Section interface {
	io.ReaderAt
	Size() int64
}

// PageCache keeps pages of one Index between lookups. Pages are whole and
// checked, and nobody changes them. It must be safe for concurrent use.
type PageCache interface {
	Get(tri bool, page int) []byte // nil: not there
	Put(tri bool, page int, b []byte)
}

// list is one of the two payloads, opened.
type list struct {
	name  string
	src   Section
	units int
	keys  uint64
	pairs uint64
	first []uint32 // first key of each page
	ends  []int64  // end of each page
}

// Index finds the units of one part. It keeps what is known of each unit's tokens and the
// table of pages in memory and reads pages when they are needed. It is safe for
// concurrent use.
type Index struct {
	units  int
	hides  []hiding
	blind  []uint64 // the units without evidence
	tix    list
	tri    list
	hasTri bool
	cache  PageCache
}

// Open reads the tables of the payloads. tri may be nil: then trigrams exclude
// nothing. units is how many units the part has; payloads of another part are
// refused. What is wrong with the bytes is a *DamageError.
func Open(tix, tri Section, units int) (*Index, error) {
	x := &Index{units: units}
	if units < 0 || units > MaxUnits {
		return nil, fmt.Errorf("open skip index of %d units: %w", units, ErrTooLarge)
	}
	var err error
	if x.tix, x.hides, err = openList(tix, "TIX", FingerprintBits, units); err != nil {
		return nil, err
	}
	if tri != nil {
		if x.tri, _, err = openList(tri, "TRI", trigramBits, units); err != nil {
			return nil, err
		}
		x.hasTri = true
	}
	x.blind = make([]uint64, (units+63)/64)
	for u, h := range x.hides {
		if h == withoutEvidence {
			x.blind[u>>6] |= 1 << (u & 63)
		}
	}
	return x, nil
}

// SetCache makes lookups use a cache. It must be called before the first lookup.
func (x *Index) SetCache(c PageCache) { x.cache = c }

// Size is what an Index says about itself.
type Size struct {
	Units  int
	Blind  int // units without evidence
	Tokens ListSize
	Tri    ListSize
	Memory int64 // bytes that the open Index holds
}

// ListSize is the size of one payload.
type ListSize struct {
	Bytes int64  // of the payload
	Keys  uint64 // different fingerprints or trigrams
	Pairs uint64 // (key, unit)
	Pages int
}

// Size returns sizes, for reports.
func (x *Index) Size() Size {
	s := Size{Units: x.units, Tokens: x.tix.size(), Tri: x.tri.size()}
	for _, w := range x.blind {
		s.Blind += bits.OnesCount64(w)
	}
	s.Memory = int64(16*len(x.hides) + 8*len(x.blind) + 12*(len(x.tix.first)+len(x.tri.first)))
	return s
}

// CheckBytes reports whether the index can be one of so many bytes of messages: a
// *DamageError if not. Each pair comes from a byte of its own, where its token or
// trigram begins; what claims more would make AddMoved and Verify take far longer
// than reading the messages does.
func (x *Index) CheckBytes(messages int64) error {
	for _, l := range []*list{&x.tix, &x.tri} {
		if messages < 0 || l.pairs > uint64(messages) {
			return &DamageError{Section: l.name, Page: -1, Reason: fmt.Sprintf("%d pairs of %d bytes of messages", l.pairs, messages)}
		}
	}
	return nil
}

func (l *list) size() ListSize {
	s := ListSize{Keys: l.keys, Pairs: l.pairs, Pages: len(l.first)}
	if l.src != nil {
		s.Bytes = l.src.Size()
	}
	return s
}

func openList(src Section, name string, keyBits, units int) (l list, hides []hiding, err error) {
	damaged := func(reason string) (list, []hiding, error) {
		return list{}, nil, &DamageError{Section: name, Page: -1, Reason: reason}
	}
	size := src.Size()
	if size < trailerSize {
		return damaged("shorter than its trailer")
	}
	var tr [trailerSize]byte
	if _, err := src.ReadAt(tr[:], size-trailerSize); err != nil && err != io.EOF {
		return list{}, nil, fmt.Errorf("read the trailer of %s: %w", name, err)
	}
	if string(tr[:4]) != name+"1" {
		return damaged("not a trailer")
	}
	if int(tr[4]) != keyBits || tr[5] != hashVersion {
		return damaged(fmt.Sprintf("keys of %d bits by hash %d are unknown", tr[4], tr[5]))
	}
	if got := binary.LittleEndian.Uint32(tr[8:]); int64(got) != int64(units) {
		return damaged(fmt.Sprintf("has %d units, the part has %d", got, units))
	}
	pages := int64(binary.LittleEndian.Uint32(tr[12:]))
	perUnit := int64(0)
	if name == "TIX" {
		perUnit = hidingSize
	}
	tail := perUnit*int64(units) + 8*pages
	if tail > size-trailerSize {
		return damaged("tables are cut off")
	}
	buf := make([]byte, tail)
	if _, err := src.ReadAt(buf, size-trailerSize-tail); err != nil && err != io.EOF {
		return list{}, nil, fmt.Errorf("read the tables of %s: %w", name, err)
	}
	sum := crc32.Update(crc32.Checksum(buf, castagnoli), castagnoli, tr[:36])
	if sum != binary.LittleEndian.Uint32(tr[36:]) {
		return damaged("checksum of the tables")
	}
	l = list{name: name, src: src, units: units,
		keys: binary.LittleEndian.Uint64(tr[16:]), pairs: binary.LittleEndian.Uint64(tr[24:]),
		first: make([]uint32, pages), ends: make([]int64, pages)}
	if perUnit > 0 {
		hides = make([]hiding, units)
		for i := range hides {
			hides[i] = parseHiding(buf[hidingSize*i:])
		}
		buf = buf[hidingSize*units:]
	}
	if l.keys > 1<<keyBits || l.pairs < l.keys || l.pairs > l.keys*uint64(units) {
		return damaged(fmt.Sprintf("%d pairs of %d keys", l.pairs, l.keys))
	}
	at := int64(0)
	for i := range l.first {
		l.first[i] = binary.LittleEndian.Uint32(buf[8*i:])
		n := int64(binary.LittleEndian.Uint32(buf[8*i+4:]))
		if n < pageHeader || n > maxPage {
			return damaged(fmt.Sprintf("page %d has %d bytes", i, n))
		}
		if l.first[i]>>keyBits != 0 || i > 0 && l.first[i] <= l.first[i-1] {
			return damaged(fmt.Sprintf("page %d is out of order", i))
		}
		at += n
		l.ends[i] = at
	}
	if at != size-trailerSize-tail {
		return damaged("pages do not fill the payload")
	}
	return l, hides, nil
}

// find returns the page in which key is if anywhere, -1 if in none.
func (l *list) find(key uint32) int {
	return sort.Search(len(l.first), func(i int) bool { return l.first[i] > key }) - 1
}

// largest returns the size of the largest page.
func (l *list) largest() (n int64) {
	from := int64(0)
	for _, end := range l.ends {
		n, from = max(n, end-from), end
	}
	return n
}

// load returns the bytes of a page, checked. They lie in buf when that is large
// enough.
func (l *list) load(i int, buf []byte) ([]byte, error) {
	from := int64(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	n := int(l.ends[i] - from)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := l.src.ReadAt(buf, from); err != nil && err != io.EOF {
		return nil, fmt.Errorf("read page %d of %s: %w", i, l.name, err)
	}
	if crc32.Checksum(buf[4:], castagnoli) != binary.LittleEndian.Uint32(buf) {
		return nil, l.damaged(i, "checksum")
	}
	return buf, nil
}

func (l *list) damaged(page int, reason string) error {
	return &DamageError{Section: l.name, Page: page, Reason: reason}
}
