package shred

import (
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

const (
	maxBody = 2*MaxRaw + 1<<20 // bytes of all chunks of a block

	keepChunks = 256 // chunks whose memory is kept for the next block
)

// BodyReader returns n bytes from off of the body of a block. It may use dst,
// which has room for n bytes. What it returns must not change until the block
// is opened again.
type BodyReader func(off, n int, dst []byte) ([]byte, error)

// Block answers questions about a block that was taken apart: its messages, what
// is in them, and their fields. It reads and decodes columns when they are first
// needed and keeps them until it is opened again. The zero Block is ready for
// Open, FromShape or FromMessages. It is used by one goroutine at a time.
//
// Errors wrap ErrMalformed, or are those of the BodyReader.
type Block struct {
	fields    bool // the fields of all rows but whole ones are columns
	shared    bool // templates share the memory of a Shape
	raw       int
	templates []Template
	rows      []int // of each template
	of        []uint16
	columns   []blockColumn
	chunks    []blockChunk
	body      BodyReader
	dec       *chunk.Decoder

	head  []byte
	sizes []int
	seen  []int32 // scratch by column

	from    []source // scratch of rebuilding, by column
	needed  []bool   // by column
	passed  []int    // by template
	touched []uint16
	users   []columnUse // by column, once findUsers made it
	userOf  []uint16    // templates
	fetched uint64      // of no use; see Chunk.Prefetch

	find    finder
	matcher matcher
	cutter  cutter
	holds   []bool // scratch of straddles, by distinct text

	// Scratch of Field.
	isPath     []bool // by column
	win        []winner
	inColumn   []bool // by template
	at         []int  // by column
	places     []place
	lookup     Lookup
	looked     column.Texts
	arrays     column.Vector // scratch of Named
	lookedKind []PathKind    // by row
	rebuilt    bool          // arena and ends have all messages
	arena      []byte        // messages that are rebuilt to look into them
	ends       []uint32
}

// blockColumn is a column of a block: a range of the texts of a chunk.
type blockColumn struct {
	path             []byte
	pathFrom, pathTo uint32 // while the head is read
	kind             PathKind
	nth              uint16
	chunk            uint16
	first, texts     int // in the chunk
}

// blockChunk is a chunk and what was decoded of it.
type blockChunk struct {
	off, size, text int
	crc             uint32
	rows, columns   int
	sum             chunk.Summary

	buf      []byte // for reading
	chunk    chunk.Chunk
	parsed   bool
	decoded  bool // mode, texts and ids are set
	inMemory bool // there is no chunk: the texts of a shape
	mode     textMode
	texts    column.Texts // plain: all texts; dictionary: the distinct ones
	ids      []uint16
	own      column.Texts // memory of texts, unless it is the chunk's
}

type textMode uint8

const (
	plain      textMode = iota // texts of all rows
	dictionary                 // ids into texts
	constant                   // the only text
)

func (k *blockChunk) reset() {
	*k = blockChunk{buf: k.buf, chunk: k.chunk, own: k.own}
}

// kept returns the bytes that b holds beside what it shares.
func (b *Block) kept() (n int) {
	chunks, templates := b.chunks[:cap(b.chunks)], b.templates[:cap(b.templates)]
	for i := range chunks {
		k := &chunks[i]
		n += cap(k.buf) + k.chunk.Memory() + textsMemory(&k.own)
	}
	if !b.shared {
		for i := range templates {
			n += 4*cap(templates[i].Ends) + 2*cap(templates[i].Columns)
		}
	}
	n += 8*cap(b.find.maybe) + 2*cap(b.userOf) + 12*cap(b.users)
	for _, h := range b.find.hits {
		n += 8 * cap(h)
	}
	for i := range b.matcher.chunks {
		for _, r := range b.matcher.chunks[i].runs {
			n += 2 * cap(r.to)
		}
	}
	n += textsMemory(&b.matcher.texts) + 24*cap(b.cutter.pieces) + 8*cap(b.cutter.ranges) + 4*cap(b.cutter.left)
	v := &b.arrays
	n += 8*cap(v.Ints) + 2*cap(v.IDs) + textsMemory(&v.Texts) + textsMemory(&v.Dict)
	return n + cap(b.arena) + 4*cap(b.ends) + textsMemory(&b.looked) + textsMemory(&b.find.texts)
}

// Memory returns about how many bytes the block holds: its directory and what was
// read and decoded of its columns.
func (b *Block) Memory() int64 {
	n := b.kept() + 8*cap(b.rows) + 2*cap(b.of) + 72*cap(b.columns) + 400*cap(b.chunks) + 64*cap(b.templates) + cap(b.head) + 8*cap(b.sizes) + 64*cap(b.from)
	return int64(n)
}

// forget gives the memory back that is large in some blocks.
func (b *Block) forget() {
	b.chunks, b.templates, b.arena, b.ends, b.looked = nil, nil, nil, nil, column.Texts{}
	b.arrays = column.Vector{}
	b.find.hits, b.find.texts = nil, column.Texts{}
	b.matcher, b.cutter, b.userOf = matcher{}, cutter{}, nil
}

func (b *Block) reset() {
	if b.kept() > keepTimes*b.raw+keepBytes {
		b.forget()
	}
	b.fields, b.raw, b.body, b.rebuilt = false, 0, nil, false
	b.cutter.glob, b.users = nil, b.users[:0]
	if b.shared {
		b.shared, b.templates = false, nil
	}
	b.templates, b.rows, b.of = b.templates[:0], b.rows[:0], b.of[:0]
	b.columns, b.sizes = b.columns[:0], b.sizes[:0]
	if len(b.chunks) > keepChunks {
		b.chunks = nil
	}
	b.chunks = b.chunks[:0]
}

// Len returns the number of rows.
func (b *Block) Len() int { return len(b.of) }

// parse reads and opens chunk i.
func (b *Block) parse(i int) (*blockChunk, error) {
	k := &b.chunks[i]
	if k.parsed || k.inMemory {
		return k, nil
	}
	k.buf = slices.Grow(k.buf[:0], k.size)
	src, err := b.body(k.off, k.size, k.buf)
	if err != nil {
		return nil, fmt.Errorf("reading column chunk %d: %w", i, err)
	}
	if len(src) != k.size {
		return nil, fmt.Errorf("%w: chunk %d: %d bytes instead of %d", ErrMalformed, i, len(src), k.size)
	}
	if crc32.Checksum(src, castagnoli) != k.crc {
		return nil, fmt.Errorf("%w: chunk %d: wrong checksum", ErrMalformed, i)
	}
	if b.dec == nil {
		b.dec = chunk.NewDecoder()
	}
	if err := b.dec.Parse(&k.chunk, src, k.rows, k.text); err != nil {
		return nil, malformedChunk(i, err)
	}
	k.parsed = true
	return k, nil
}

func malformedChunk(i int, err error) error {
	return fmt.Errorf("%w: chunk %d: %w", ErrMalformed, i, err)
}

// decode makes the texts of chunk i accessible.
func (b *Block) decode(i int) (*blockChunk, error) {
	k, err := b.parse(i)
	if err != nil || k.decoded || k.inMemory {
		return k, err
	}
	sum := 0
	if values, ids, ok := k.chunk.Dict(); ok && k.rows > 0 {
		k.texts, k.ids = *values, ids
		if k.mode = dictionary; values.Len() == 1 {
			k.mode = constant
			sum = k.rows * len(values.Data)
		} else {
			for _, id := range ids {
				sum += len(values.At(int(id)))
			}
		}
	} else {
		k.mode = plain
		k.own.Reset()
		k.own.Data = slices.Grow(k.own.Data, k.text)
		k.own.Ends = slices.Grow(k.own.Ends, k.rows)
		if err := k.chunk.Texts(&k.own); err != nil {
			return nil, malformedChunk(i, err)
		}
		if k.own.Len() != k.rows {
			return nil, fmt.Errorf("%w: chunk %d: %d texts instead of %d", ErrMalformed, i, k.own.Len(), k.rows)
		}
		k.texts = k.own
		sum = len(k.texts.Data)
	}
	if sum != k.text {
		return nil, fmt.Errorf("%w: chunk %d: texts of %d bytes instead of %d", ErrMalformed, i, sum, k.text)
	}
	k.decoded = true
	return k, nil
}

// at returns text i of a decoded chunk.
func (k *blockChunk) at(i int) []byte {
	switch k.mode {
	case constant:
		return k.texts.Data
	case dictionary:
		return k.texts.At(int(k.ids[i]))
	}
	return k.texts.At(i)
}

// FromShape opens a shape that was made in memory, as if it had been encoded.
// s must not change while b is used.
func (b *Block) FromShape(s *Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	b.reset()
	b.fields, b.shared = s.fields, true
	b.templates = append(b.templates[:0], s.Templates...)
	b.of = append(b.of[:0], s.Of...)
	for i := range s.Columns {
		c := &s.Columns[i]
		b.addMemory(&c.Texts, blockColumn{path: []byte(c.Path), kind: c.Kind, nth: uint16(c.Nth)})
	}
	b.countMemory()
	return nil
}

// FromMessages opens messages that were not taken apart: message i is
// arena[ends[i-1]:ends[i]]. They are answered for like any block. arena and ends
// must not change while b is used. At most MaxRows messages of MaxRaw bytes are
// allowed; errors wrap ErrLimit.
func (b *Block) FromMessages(arena []byte, ends []uint32) error {
	if len(ends) > MaxRows || len(arena) > MaxRaw {
		return fmt.Errorf("%w: %d messages of %d bytes", ErrLimit, len(ends), len(arena))
	}
	messages := column.Texts{Data: arena, Ends: ends}
	if !inOrder(&messages) {
		return fmt.Errorf("%w: %d messages do not fill %d bytes in order", ErrLimit, len(ends), len(arena))
	}
	b.reset()
	b.shared = true
	b.templates = append(b.templates[:0], Template{Ends: []uint32{0}, Columns: []uint16{0}})
	b.of = fit(b.of, len(ends))
	clear(b.of)
	b.addMemory(&messages, blockColumn{kind: Whole})
	b.countMemory()
	return nil
}

func (b *Block) addMemory(t *column.Texts, col blockColumn) {
	col.chunk, col.texts = uint16(len(b.chunks)), t.Len()
	b.columns = append(b.columns, col)
	k := blockChunk{inMemory: true, decoded: true, texts: *t, rows: t.Len(), columns: 1, text: len(t.Data)}
	// What the texts hold is not known and costs as much to find out as a search.
	k.sum = chunk.Summary{Encoding: chunk.Str, Distinct: chunk.MaxDistinct + 1, MaxLen: len(t.Data)}
	for i := range k.sum.Classes {
		k.sum.Classes[i] = ^uint64(0)
	}
	if len(b.chunks) < cap(b.chunks) {
		old := &b.chunks[:len(b.chunks)+1][len(b.chunks)]
		k.buf, k.chunk, k.own = old.buf, old.chunk, old.own
	}
	b.chunks = append(b.chunks, k)
}

func (b *Block) countMemory() {
	b.rows = fit(b.rows, len(b.templates))
	clear(b.rows)
	for _, t := range b.of {
		b.rows[t]++
	}
	b.raw = 0
	for i := range b.templates {
		b.raw += b.rows[i] * len(b.templates[i].Literal)
	}
	for i := range b.chunks {
		b.raw += b.chunks[i].text
	}
}
