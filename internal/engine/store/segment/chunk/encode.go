package chunk

import (
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Encoder makes chunks. It is used by one goroutine at a time and keeps its
// memory from call to call.
type Encoder struct {
	zstd    *zstd.Encoder
	packed  []byte
	found   distinct
	have    bool // found holds all values of the last call
	seq     seqEncoder
	numbers []int64
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
	e.have = e.found.find(t, max(1, rows/2))
	s := Summary{Distinct: MaxDistinct + 1}
	measure(t, &s)
	if e.have {
		s.Distinct = e.found.values.Len()
		if s.Distinct <= 1 {
			s.Encoding = Const
			value := e.found.values.Data
			dst = append(dst, byte(Const))
			dst = binary.AppendUvarint(dst, uint64(len(value)))
			return append(dst, value...), s
		}
		s.Encoding = Dict
		return e.appendDict(append(dst, byte(Dict))), s
	}
	s.Encoding = Str
	return e.appendStr(append(dst, byte(Str)), t), s
}

// measure fills in the classes and lengths.
func measure(t *column.Texts, s *Summary) {
	from := uint32(0)
	for i, end := range t.Ends {
		n := int(end - from)
		from = end
		if i == 0 {
			s.MinLen, s.MaxLen = n, n
		}
		s.MinLen, s.MaxLen = min(s.MinLen, n), max(s.MaxLen, n)
	}
	var seen [256]bool
	for _, b := range t.Data[:from] {
		seen[b] = true
	}
	for b, yes := range seen {
		if yes {
			s.Classes[b>>6] |= 1 << (b & 63)
		}
	}
}

// appendDict appends what e.found holds: uv values | values as in STR | ids.
func (e *Encoder) appendDict(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.found.values.Len()))
	dst = e.appendStr(dst, &e.found.values)
	e.numbers = e.numbers[:0]
	for _, id := range e.found.ids {
		e.numbers = append(e.numbers, int64(id))
	}
	return e.seq.append(dst, e.numbers)
}

// appendStr appends lengths as a sequence and the bytes as a blob.
func (e *Encoder) appendStr(dst []byte, t *column.Texts) []byte {
	e.numbers = e.numbers[:0]
	from := uint32(0)
	for _, end := range t.Ends {
		e.numbers = append(e.numbers, int64(end-from))
		from = end
	}
	dst = e.seq.append(dst, e.numbers)
	return e.appendBlob(dst, t.Data[:from])
}
