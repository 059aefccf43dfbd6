package chunk

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Encoder makes chunks. It is used by one goroutine at a time and keeps its
// memory from call to call.
type Encoder struct {
	zstd    *zstd.Encoder
	packed  []byte // by zstd
	found   distinct
	have    bool // found holds all values of the last call
	order   orderer
	detect  detector
	conv    converter
	except  column.Texts // texts that are not of the kind
	rows    []int64      // where they are
	seq     seqEncoder
	numbers []int64
	fronts  []int64
	bytes   []byte
	direct  []byte // an alternative
}

// NewEncoder returns an encoder.
func NewEncoder() *Encoder { return &Encoder{zstd: newZstdEncoder()} }

// Distinct returns the distinct texts of the last Append, in no order; nil
// when there are more than MaxDistinct or they were not counted. They are
// valid until the next Append.
func (e *Encoder) Distinct() *column.Texts {
	if !e.have {
		return nil
	}
	return &e.found.values
}

// Append appends a chunk of the texts, at most MaxRows, and says what is in
// it. It does not keep t.
func (e *Encoder) Append(dst []byte, t *column.Texts) ([]byte, Summary) {
	rows := t.Len()
	if rows > MaxRows {
		panic(fmt.Sprintf("chunk: %d rows, at most %d are allowed", rows, MaxRows))
	}
	s := Summary{Distinct: MaxDistinct + 1}
	e.have = e.found.find(t, max(1, rows/2))
	if e.have {
		values := &e.found.values
		s.Distinct = values.Len()
		measureLengths(values, &s)
		if values.Len() <= 1 {
			s.Encoding = Const
			measureClasses(values, &s)
			if v, scale, ok := constNumber(values.Data); ok {
				s.Ints, s.Scale, s.MinInt, s.MaxInt = true, scale, v, v
			}
			dst = append(dst, byte(Const))
			dst = binary.AppendUvarint(dst, uint64(len(values.Data)))
			return append(dst, values.Data...), s
		}
		return e.appendFew(dst, t, s)
	}
	measureLengths(t, &s)
	if k, ok := e.detect.detect(t); ok {
		if dst, ok := e.appendTyped(dst, t, k, rows/exceptions, &s); ok {
			return dst, s
		}
	}
	s.Encoding = Str
	measureClasses(t, &s)
	return e.appendStr(append(dst, byte(Str)), t), s
}

// appendFew appends the texts whose distinct ones are in e.found: as a
// dictionary or, when that is smaller, in their kind.
func (e *Encoder) appendFew(dst []byte, t *column.Texts, s Summary) ([]byte, Summary) {
	values := &e.found.values
	k, typed := e.detect.detect(values)
	start := len(dst)
	direct := s
	e.direct = e.direct[:0]
	useDirect := false
	if typed && values.Len() > t.Len()/16 {
		e.direct, useDirect = e.appendTyped(e.direct, t, k, t.Len()/exceptions, &direct)
	}
	dst = append(dst, byte(Dict))
	dst = binary.AppendUvarint(dst, uint64(values.Len()))
	ids := e.found.ids
	if values.Len() > 256 {
		values, ids = e.order.byFrequency(&e.found, typed && k.isNumber())
	}
	s.Encoding = Dict
	inner := s
	ok := false
	if typed {
		dst, ok = e.appendTyped(dst, values, k, values.Len()/exceptions, &inner)
	}
	if ok {
		s = inner
		s.Encoding = Dict
	} else {
		dst = e.appendSorted(append(dst, byte(Str)), values)
		measureClasses(values, &s)
	}
	e.numbers = e.numbers[:0]
	for _, id := range ids {
		e.numbers = append(e.numbers, int64(id))
	}
	dst = e.seq.append(dst, e.numbers, false)
	// Dictionaries are quicker to search: their texts need to be looked at once.
	if useDirect && len(e.direct) < (len(dst)-start)*19/20 {
		return append(dst[:start], e.direct...), direct
	}
	return dst, s
}

// One text in so many may be an exception: even then, PATCH takes less than
// STR (measured with numbers and "-").
const exceptions = 10

// appendTyped appends texts of a kind with at most most exceptions; not ok,
// and dst as it was, when there are more. It fills in s.
func (e *Encoder) appendTyped(dst []byte, t *column.Texts, k kind, most int, s *Summary) ([]byte, bool) {
	c := &e.conv
	c.reset(k)
	e.except.Reset()
	e.rows = e.rows[:0]
	from := uint32(0)
	for i, end := range t.Ends {
		text := t.Data[from:end:end]
		from = end
		if !c.add(text) {
			if len(e.rows) == most {
				return dst, false
			}
			e.except.Append(text)
			e.rows = append(e.rows, int64(i))
		}
	}
	s.Encoding = k.enc
	if k.hasAffix() {
		s.Encoding = Affix
	}
	negative := false
	if k.packedSize() == 0 && len(c.numbers) > 0 {
		low, high := c.numbers[0], c.numbers[0]
		for _, v := range c.numbers {
			low, high = min(low, v), max(high, v)
		}
		negative = low < 0
		if k.isNumber() && len(e.rows) == 0 {
			s.Ints, s.Scale, s.MinInt, s.MaxInt = true, uint8(k.scale), low, high
		}
	}
	s.Classes = [4]uint64{}
	k.classes(&s.Classes, negative)
	if len(e.rows) > 0 {
		s.Encoding = Patch
		measureClasses(&e.except, s)
		dst = append(dst, byte(Patch))
		dst = binary.AppendUvarint(dst, uint64(len(e.rows)))
		dst = e.seq.append(dst, e.rows, true)
		dst = e.appendStr(dst, &e.except)
	}
	dst = k.appendHead(dst)
	if k.packedSize() > 0 {
		return e.appendBlob(dst, c.packed, !looksRandom(c.packed)), true
	}
	return e.seq.append(dst, c.numbers, true), true
}

// looksRandom reports whether compressing b is hopeless, from its beginning.
func looksRandom(b []byte) bool {
	b = b[:min(len(b), 2048)]
	if len(b) < 64 {
		return true
	}
	var counts [256]uint16
	most := 0
	for _, c := range b {
		counts[c]++
		most = max(most, int(counts[c]))
	}
	return most <= len(b)/64+6
}

func measureLengths(t *column.Texts, s *Summary) {
	from := uint32(0)
	for i, end := range t.Ends {
		n := int(end - from)
		from = end
		if i == 0 {
			s.MinLen, s.MaxLen = n, n
		}
		s.MinLen, s.MaxLen = min(s.MinLen, n), max(s.MaxLen, n)
	}
}

// measureClasses adds the bytes of the texts to the classes.
func measureClasses(t *column.Texts, s *Summary) {
	n := t.Len()
	if n == 0 {
		return
	}
	var seen [256]bool
	for _, b := range t.Data[:t.Ends[n-1]] {
		seen[b] = true
	}
	for b, yes := range seen {
		if yes {
			s.Classes[b>>6] |= 1 << (b & 63)
		}
	}
}

// Forms of STR.
const (
	strPlain = 0 // sequence of lengths, blob of the bytes
	strFront = 1 // sequence of what each text shares with the one before, sequence of the other lengths, blob of the other bytes
)

// appendStr appends u8 form | sequences | blob.
func (e *Encoder) appendStr(dst []byte, t *column.Texts) []byte {
	e.numbers = e.numbers[:0]
	from := uint32(0)
	for _, end := range t.Ends {
		e.numbers = append(e.numbers, int64(end-from))
		from = end
	}
	dst = append(dst, strPlain)
	dst = e.seq.append(dst, e.numbers, false)
	return e.appendBlob(dst, t.Data[:from], true)
}

// appendSorted is appendStr for texts of which neighbours may begin alike.
func (e *Encoder) appendSorted(dst []byte, t *column.Texts) []byte {
	e.numbers, e.fronts, e.bytes = e.numbers[:0], e.fronts[:0], e.bytes[:0]
	var last []byte
	for i := range t.Ends {
		text := t.At(i)
		front := sharedPrefix(last, text)
		e.fronts = append(e.fronts, int64(front))
		e.numbers = append(e.numbers, int64(len(text)-front))
		e.bytes = append(e.bytes, text[front:]...)
		last = text
	}
	if len(e.bytes) > len(t.Data)-len(t.Data)/8 {
		return e.appendStr(dst, t)
	}
	dst = append(dst, strFront)
	dst = e.seq.append(dst, e.fronts, false)
	dst = e.seq.append(dst, e.numbers, false)
	return e.appendBlob(dst, e.bytes, true)
}

// sharedPrefix returns how many bytes a and b have in common at their beginning.
func sharedPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
