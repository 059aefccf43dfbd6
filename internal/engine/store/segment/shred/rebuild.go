package shred

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// source gives the texts of one column in order.
type source struct {
	data []byte
	ends []uint32
	ids  []uint16
	mode textMode
	next int // text

	single *chunk.Chunk // not nil: texts are made one by one

	from uint32 // plain: where the next text begins
}

// fewRows is the share of a block's rows, one in so many, up to which their texts
// are made one by one.
const fewRows = 32

// sources decodes columns and begins them at their first text: those that
// the rows need or, for nil, all that have texts. For few rows columns are read
// but their texts not made.
func (b *Block) sources(rows []uint32, few bool) ([]source, error) {
	b.from = fit(b.from, len(b.columns))
	b.needed = fit(b.needed, len(b.columns))
	clear(b.needed)
	for _, row := range rows {
		for _, c := range b.templates[b.of[row]].Columns {
			b.needed[c] = true
		}
	}
	for i := range b.columns {
		col := &b.columns[i]
		if col.texts == 0 || rows != nil && !b.needed[i] {
			b.from[i] = source{mode: constant}
			continue
		}
		if few {
			k, err := b.parse(int(col.chunk))
			if err != nil {
				return nil, err
			}
			if !k.decoded && !k.inMemory {
				b.from[i] = source{single: &k.chunk, next: col.first}
				continue
			}
		}
		k, err := b.decode(int(col.chunk))
		if err != nil {
			return nil, err
		}
		s := source{data: k.texts.Data, ends: k.texts.Ends, ids: k.ids, mode: k.mode, next: col.first}
		if k.mode == plain && col.first > 0 {
			s.from = k.texts.Ends[col.first-1]
		}
		b.from[i] = s
	}
	return b.from, nil
}

// Messages appends all messages to dst and the end of each one in dst to ends.
func (b *Block) Messages(dst []byte, ends []uint32) ([]byte, []uint32, error) {
	src, err := b.sources(nil, false)
	if err != nil {
		return dst, ends, err
	}
	base := len(dst)
	if uint64(base)+uint64(b.raw) > 1<<32-1 {
		return dst, ends, fmt.Errorf("%w: messages of %d bytes after %d others", ErrLimit, b.raw, base)
	}
	dst = slices.Grow(dst, b.raw)[:base+b.raw]
	ends = slices.Grow(ends, len(b.of))
	// All sizes were checked together: the messages fill dst exactly.
	o := base
	for _, of := range b.of {
		t := &b.templates[of]
		o = fill(dst, o, t, src)
		ends = append(ends, uint32(o))
	}
	return dst, ends, nil
}

// short pieces are moved as this many bytes at once: what is moved too much is
// overwritten by the pieces that follow.
const short = 32

// moveShort copies in registers, which a copy of arrays would call a function for.
func moveShort(dst, src *[short]byte) {
	le := binary.LittleEndian
	a, b, c, d := le.Uint64(src[:8]), le.Uint64(src[8:16]), le.Uint64(src[16:24]), le.Uint64(src[24:])
	le.PutUint64(dst[:8], a)
	le.PutUint64(dst[8:16], b)
	le.PutUint64(dst[16:24], c)
	le.PutUint64(dst[24:], d)
}

// fill writes the next row of template t to dst[o:], where nothing is yet, and
// returns its end.
func fill(dst []byte, o int, t *Template, src []source) int {
	lits := t.Literal
	from := 0
	for h, c := range t.Columns {
		end := int(t.Ends[h])
		if n := end - from; n <= short && from+short <= len(lits) && o+short <= len(dst) {
			moveShort((*[short]byte)(dst[o:]), (*[short]byte)(lits[from:]))
			o += n
		} else {
			o += copy(dst[o:], lits[from:end])
		}
		from = end

		s := &src[c]
		low, high := 0, len(s.data)
		switch s.mode {
		case plain:
			low, high = int(s.from), int(s.ends[s.next])
			s.from = uint32(high)
		case dictionary:
			id := s.ids[s.next]
			high = int(s.ends[id])
			if id > 0 {
				low = int(s.ends[id-1])
			}
		}
		s.next++
		if n := high - low; n <= short && low+short <= len(s.data) && o+short <= len(dst) {
			moveShort((*[short]byte)(dst[o:]), (*[short]byte)(s.data[low:]))
			o += n
		} else {
			o += copy(dst[o:], s.data[low:high])
		}
	}
	return o + copy(dst[o:], lits[from:])
}

// skip passes n rows of template t.
func skip(t *Template, n int, src []source) {
	for _, c := range t.Columns {
		s := &src[c]
		s.next += n
		if s.single == nil && s.mode == plain && s.next > 0 {
			s.from = s.ends[s.next-1]
		}
	}
}

// Rows appends the messages of some rows, which are in ascending order.
func (b *Block) Rows(rows []uint32, dst *column.Texts) error {
	for i, row := range rows {
		if int(row) >= len(b.of) || i > 0 && row <= rows[i-1] {
			return fmt.Errorf("%w: row %d of %d, or not in order", ErrLimit, row, len(b.of))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	few := len(rows) <= len(b.of)/fewRows
	src, err := b.sources(rows, few)
	if err != nil {
		return err
	}
	if few {
		return b.appendFew(rows, src, dst)
	}
	// Templates whose rows were passed since the last row that was asked for.
	b.passed = fit(b.passed, len(b.templates))
	clear(b.passed)
	b.touched = b.touched[:0]
	at := uint32(0)
	for _, row := range rows {
		for _, of := range b.of[at:row] {
			if b.passed[of] == 0 {
				b.touched = append(b.touched, of)
			}
			b.passed[of]++
		}
		for _, of := range b.touched {
			skip(&b.templates[of], b.passed[of], src)
			b.passed[of] = 0
		}
		b.touched = b.touched[:0]
		t := &b.templates[b.of[row]]
		size := rowSize(t, src)
		base := len(dst.Data)
		if uint64(base)+uint64(size) > 1<<32-1 {
			return fmt.Errorf("%w: messages of more than 4 GiB", ErrLimit)
		}
		dst.Data = slices.Grow(dst.Data, size)[:base+size]
		fill(dst.Data, base, t, src)
		dst.Ends = append(dst.Ends, uint32(base+size))
		at = row + 1
	}
	return nil
}

// appendFew appends rows, making of columns that are not decoded only the texts
// of these rows. Which text of a column is a row's follows from how many rows of
// each template came before it.
func (b *Block) appendFew(rows []uint32, src []source, dst *column.Texts) error {
	b.findUsers()
	for c := range src {
		if s := &src[c]; s.single != nil && b.users[c].each && s.next == 0 && s.single.Rows() == len(b.of) {
			b.fetched += s.single.Prefetch(rows)
		}
	}
	b.passed = fit(b.passed, len(b.templates))
	clear(b.passed)
	at := uint32(0)
	for _, row := range rows {
		for _, of := range b.of[at:row] {
			b.passed[of]++
		}
		at = row
		t := &b.templates[b.of[row]]
		from := uint32(0)
		for h, c := range t.Columns {
			dst.Data = append(dst.Data, t.Literal[from:t.Ends[h]]...)
			from = t.Ends[h]
			s, u := &src[c], b.users[c]
			n := s.next
			switch {
			case u.each:
				n += int(row)
			default:
				for _, of := range b.userOf[u.from:u.to] {
					n += b.passed[of]
				}
				if u.again {
					n += countOf(t.Columns[:h], c)
				}
			}
			if err := b.appendText(dst, s, c, n); err != nil {
				return err
			}
		}
		dst.Data = append(dst.Data, t.Literal[from:]...)
		if uint64(len(dst.Data)) > 1<<32-1 {
			return fmt.Errorf("%w: messages of more than 4 GiB", ErrLimit)
		}
		dst.Ends = append(dst.Ends, uint32(len(dst.Data)))
	}
	return nil
}

// appendText appends text n of a column to the row that is being made.
func (b *Block) appendText(dst *column.Texts, s *source, c uint16, n int) error {
	switch {
	case s.single != nil:
		if n >= s.single.Rows() {
			return fmt.Errorf("%w: text %d of %d", ErrMalformed, n, s.single.Rows())
		}
		if err := s.single.Text(dst, n); err != nil {
			return malformedChunk(int(b.columns[c].chunk), err)
		}
		dst.Ends = dst.Ends[:len(dst.Ends)-1]
	case s.mode == constant:
		dst.Data = append(dst.Data, s.data...)
	default:
		if s.mode == dictionary {
			n = int(s.ids[n])
		}
		low := uint32(0)
		if n > 0 {
			low = s.ends[n-1]
		}
		dst.Data = append(dst.Data, s.data[low:s.ends[n]]...)
	}
	return nil
}

// columnUse says where a column is used: in each row once, or in some templates.
type columnUse struct {
	each     bool
	again    bool   // some template uses it more than once
	from, to uint32 // range of userOf
}

// findUsers makes users and userOf of the block, once.
func (b *Block) findUsers() {
	if len(b.users) == len(b.columns) && len(b.columns) > 0 {
		return
	}
	b.users = fit(b.users, len(b.columns))
	clear(b.users)
	n := uint32(0)
	for _, t := range b.templates {
		for h, c := range t.Columns {
			b.users[c].to++
			b.users[c].again = b.users[c].again || slices.Contains(t.Columns[:h], c)
		}
		n += uint32(len(t.Columns))
	}
	b.userOf = fit(b.userOf, int(n))
	n = 0
	for i := range b.users {
		u := &b.users[i]
		u.from, u.to, n = n, n, n+u.to
	}
	for of, t := range b.templates {
		for _, c := range t.Columns {
			u := &b.users[c]
			b.userOf[u.to] = uint16(of)
			u.to++
		}
	}
	for i := range b.users {
		u := &b.users[i]
		if b.columns[i].texts != len(b.of) || u.again {
			continue
		}
		used := 0
		for _, of := range b.userOf[u.from:u.to] {
			used += b.rows[of]
		}
		u.each = used == len(b.of)
	}
}

func countOf(columns []uint16, c uint16) (n int) {
	for _, x := range columns {
		if x == c {
			n++
		}
	}
	return n
}

// rowSize returns the bytes of the next row of template t.
func rowSize(t *Template, src []source) int {
	size := len(t.Literal)
	for _, c := range t.Columns {
		s := &src[c]
		n := s.next
		s.next++ // a column may fill several holes of the row
		switch s.mode {
		case constant:
			size += len(s.data)
			continue
		case dictionary:
			n = int(s.ids[n])
		}
		size += int(s.ends[n])
		if n > 0 {
			size -= int(s.ends[n-1])
		}
	}
	for _, c := range t.Columns {
		src[c].next--
	}
	return size
}
