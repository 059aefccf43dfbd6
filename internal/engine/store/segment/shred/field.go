package shred

import (
	"bytes"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// winner says where the rows of a template have the value of a field.
type winner struct {
	column int16 // -1: nowhere
	look   bool  // in the message
}

// Field fills v with the values of a path (see JoinPath) in all rows, as Lookup
// defines them. v keeps its own memory and does not share any with b. Where one
// column has all values, v is typed as that is stored; else it is Text.
func (b *Block) Field(path string, v *column.Vector) error {
	resetVector(v, len(b.of))
	single, look := b.winners(path)
	if look {
		found, err := b.lookAll(path)
		if err != nil {
			return err
		}
		if found {
			return b.unite(v)
		}
	}
	switch single {
	case -1:
		return nil
	case -2:
		return b.unite(v)
	}
	return b.typed(v, single)
}

func resetVector(v *column.Vector, rows int) {
	*v = column.Vector{Rows: rows, Ints: v.Ints[:0], IDs: v.IDs[:0], Texts: v.Texts, Dict: v.Dict}
	v.Texts.Reset()
	v.Dict.Reset()
}

// winners fills b.win and says which column has all values of the path that
// are in columns: -1: none, -2: there are several. look: some rows have to be
// looked at.
func (b *Block) winners(path string) (single int, look bool) {
	b.isPath = fit(b.isPath, len(b.columns))
	some := false
	for i := range b.columns {
		c := &b.columns[i]
		b.isPath[i] = c.kind <= Array && string(c.path) == path
		some = some || b.isPath[i]
	}
	b.win = fit(b.win, len(b.templates))
	single = -1
	for i := range b.templates {
		t := &b.templates[i]
		w := winner{column: -1}
		switch {
		case b.rows[i] == 0:
		case !b.fields:
			w.look = b.mayHoldObject(t)
		case b.isWhole(t):
			w.look = true
		case some:
			for _, c := range slices.Backward(t.Columns) {
				if b.isPath[c] {
					w.column = int16(c)
					break
				}
			}
		}
		b.win[i] = w
		look = look || w.look
		if w.column >= 0 && single != int(w.column) {
			if single == -1 {
				single = int(w.column)
			} else {
				single = -2
			}
		}
	}
	return single, look
}

// isWhole reports whether the rows of t are not taken apart.
func (b *Block) isWhole(t *Template) bool {
	return len(t.Columns) == 1 && len(t.Literal) == 0 && b.columns[t.Columns[0]].kind == Whole
}

// mayHoldObject reports whether the rows of t may contain braces.
func (b *Block) mayHoldObject(t *Template) bool {
	for _, brace := range []byte("{}") {
		if bytes.IndexByte(t.Literal, brace) >= 0 {
			continue
		}
		some := false
		for _, c := range t.Columns {
			if b.chunks[b.columns[c].chunk].sum.MayContain([]byte{brace}) {
				some = true
				break
			}
		}
		if !some {
			return false
		}
	}
	return true
}

// lookAll looks for the field in the messages of the rows that need it and
// reports whether one has it; b.looked has the values, b.lookedKind their kinds.
func (b *Block) lookAll(path string) (found bool, err error) {
	b.looked.Reset()
	b.lookedKind = fit(b.lookedKind, len(b.of))
	messages := column.Texts{}
	whole := -1 // the column that all of them are in
	for i := range b.templates {
		if !b.win[i].look {
			continue
		}
		t := &b.templates[i]
		if !b.isWhole(t) || whole >= 0 && whole != int(t.Columns[0]) {
			whole = -1
			break
		}
		whole = int(t.Columns[0])
	}
	if whole < 0 {
		if !b.rebuilt {
			if b.arena, b.ends, err = b.Messages(b.arena[:0], b.ends[:0]); err != nil {
				return false, err
			}
			b.rebuilt = true
		}
		messages = column.Texts{Data: b.arena, Ends: b.ends}
	}
	var k *blockChunk
	next := 0
	if whole >= 0 {
		if k, err = b.decode(int(b.columns[whole].chunk)); err != nil {
			return false, err
		}
		next = b.columns[whole].first
	}
	for row, of := range b.of {
		b.lookedKind[row] = noValue
		if b.win[of].look {
			var m []byte
			if whole >= 0 {
				m = k.at(next)
				next++
			} else {
				m = messages.At(row)
			}
			if text, kind, ok := b.lookup.Value(m, path); ok {
				found = true
				b.lookedKind[row] = kind
				b.looked.Append(text)
			}
		}
	}
	return found, nil
}

const noValue = PathKind(255)

// unite makes v from all columns of the path and the values that lookAll found.
func (b *Block) unite(v *column.Vector) error {
	v.Kind = column.Text
	v.Valid = column.NewBitmap(len(b.of))
	v.Quoted = column.NewBitmap(len(b.of))
	b.at = fit(b.at, len(b.columns))
	for i := range b.columns {
		if !b.isPath[i] {
			continue
		}
		c := &b.columns[i]
		b.at[i] = c.first
		if c.texts == 0 {
			continue
		}
		k, err := b.decode(int(c.chunk))
		if err != nil {
			return err
		}
		v.Escaped = v.Escaped || c.kind == String && k.sum.MayContain([]byte{'\\'})
	}
	looked := 0
	quoted, values := 0, 0
	for row, of := range b.of {
		w := b.win[of]
		kind := noValue
		switch {
		case w.column >= 0:
			c := &b.columns[w.column]
			kind = c.kind
			v.Texts.Append(b.chunks[c.chunk].at(b.at[w.column]))
		case w.look && b.lookedKind[row] != noValue:
			kind = b.lookedKind[row]
			text := b.looked.At(looked)
			looked++
			v.Texts.Append(text)
			v.Escaped = v.Escaped || kind == String && bytes.IndexByte(text, '\\') >= 0
		default:
			v.Texts.Append(nil)
		}
		// Columns that lost against a later one go on too.
		for _, c := range b.templates[of].Columns {
			if b.isPath[c] {
				b.at[c]++
			}
		}
		if kind != noValue {
			v.Valid.Set(row)
			values++
		}
		if kind == String {
			v.Quoted.Set(row)
			quoted++
		}
	}
	finishVector(v, values, quoted)
	return nil
}

// finishVector drops the bitmaps that say nothing.
func finishVector(v *column.Vector, values, quoted int) {
	if values == v.Rows {
		v.Valid = nil
	}
	if quoted == values || quoted == 0 {
		v.AllQuoted, v.Quoted = quoted > 0, nil
	}
}

// typed makes v from the only column of the path.
func (b *Block) typed(v *column.Vector, n int) error {
	c := &b.columns[n]
	k, err := b.parse(int(c.chunk))
	if err != nil {
		return err
	}
	v.AllQuoted = c.kind == String
	v.Escaped = v.AllQuoted && k.sum.MayContain([]byte{'\\'})
	rows := b.rowsOf(n, v)
	if !k.inMemory {
		values, ids, isDict := k.chunk.Dict()
		if c.kind == Number || !isDict {
			if trim, ok := k.chunk.Canonical(); ok {
				if ints, scale, ok := k.chunk.Ints(); ok && len(ints) == k.rows {
					v.Kind = column.Int
					if scale > 0 {
						v.Kind, v.Scale, v.Trim = column.Fixed, scale, trim
					}
					v.Ints = spread(v.Ints, ints[c.first:c.first+c.texts], rows, v.Rows)
					return nil
				}
			}
		}
		if isDict && values.Len() > 0 {
			v.Kind = column.Dict
			v.Dict.Data = append(v.Dict.Data, values.Data...)
			v.Dict.Ends = append(v.Dict.Ends, values.Ends...)
			v.IDs = spread(v.IDs, ids[c.first:c.first+c.texts], rows, v.Rows)
			return nil
		}
	}
	if k, err = b.decode(int(c.chunk)); err != nil {
		return err
	}
	v.Kind = column.Text
	if rows == nil && k.mode == plain && c.texts == k.rows {
		v.Texts.Data = append(v.Texts.Data, k.texts.Data...)
		v.Texts.Ends = append(v.Texts.Ends, k.texts.Ends...)
		return nil
	}
	i := c.first
	at := 0
	for row := range v.Rows {
		if rows != nil && (at == len(rows) || rows[at].row != uint32(row)) {
			v.Texts.Append(nil)
			continue
		}
		if rows != nil {
			i = c.first + int(rows[at].text)
		}
		v.Texts.Append(k.at(i))
		i++
		at++
	}
	return nil
}

// place is a row and which of the texts of a column it has.
type place struct{ row, text uint32 }

// rowsOf returns the rows whose value is in column n, and sets v.Valid; nil:
// all rows, in order.
func (b *Block) rowsOf(n int, v *column.Vector) []place {
	b.inColumn = fit(b.inColumn, len(b.templates))
	all := true
	for i := range b.templates {
		b.inColumn[i] = slices.Contains(b.templates[i].Columns, uint16(n))
		all = all && (b.rows[i] == 0 || b.win[i].column == int16(n))
	}
	if all {
		return nil
	}
	v.Valid = column.NewBitmap(len(b.of))
	b.places = b.places[:0]
	text := uint32(0)
	for row, of := range b.of {
		if b.win[of].column == int16(n) {
			v.Valid.Set(row)
			b.places = append(b.places, place{uint32(row), text})
		}
		if b.inColumn[of] {
			text++
		}
	}
	return b.places
}

// spread puts the values of a column in dst at their rows.
func spread[T any](dst, values []T, rows []place, n int) []T {
	if rows == nil {
		return append(dst[:0], values...)
	}
	dst = fit(dst, n)
	clear(dst)
	for _, p := range rows {
		dst[p.row] = values[p.text]
	}
	return dst
}

// Paths yields the fields that columns hold, each kind of a path once, with the
// number of its rows. Rows that are not taken apart may have others.
func (b *Block) Paths(yield func(path string, kind PathKind, rows int)) {
	for i := range b.columns {
		c := &b.columns[i]
		if c.kind > Array || c.nth > 0 || c.texts == 0 {
			continue
		}
		// The repetitions of a key are in rows that the first column has too.
		yield(string(c.path), c.kind, c.texts)
	}
}

// Bounds says what the values of a path in this block can be, without reading
// columns; ok is false when that is not known. The classes, lengths and numbers
// hold for all values; Distinct is exact when all values are in one column and
// chunk.MaxDistinct+1 otherwise. Without any value the summary is zero. A row
// without the field is not a value.
func (b *Block) Bounds(path string) (sum chunk.Summary, ok bool) {
	single, look := b.winners(path)
	if look || single == -1 {
		return sum, !look
	}
	first := true
	for i := range b.columns {
		if !b.isPath[i] || b.columns[i].texts == 0 {
			continue
		}
		k := &b.chunks[b.columns[i].chunk]
		if k.inMemory {
			return chunk.Summary{}, false
		}
		s := k.sum
		if k.columns > 1 {
			s.Distinct = chunk.MaxDistinct + 1
		}
		if first {
			sum, first = s, false
			continue
		}
		for w := range sum.Classes {
			sum.Classes[w] |= s.Classes[w]
		}
		sum.Distinct = chunk.MaxDistinct + 1
		sum.Ints = sum.Ints && s.Ints && sum.Scale == s.Scale
		sum.MinInt, sum.MaxInt = min(sum.MinInt, s.MinInt), max(sum.MaxInt, s.MaxInt)
		sum.MinLen, sum.MaxLen = min(sum.MinLen, s.MinLen), max(sum.MaxLen, s.MaxLen)
	}
	return sum, true
}
