package store

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// splitFrom is how many fields of a block that is not stored in columns make it
// worth taking apart. Fewer are looked up message by message.
const splitFrom = 3

// fields is how a BlockView answers for fields: from the columns of the block, or
// from columns made in memory.
type fields struct {
	shape  *shred.Block // nil: not there yet
	memory shred.Block  // of messages that are not stored in columns
	split  shred.Shape  // what it was made from, if anything
	json   shred.JSON
	tried  bool // taking apart was tried …
	apart  bool // … and memory is what came of it
	asked  int  // fields

	vectors map[string]*column.Vector // of this block
	free    []*column.Vector
}

// maxVectors bounds the vectors that a worker keeps for the next block.
const maxVectors = 64

func (f *fields) reset() {
	f.shape, f.tried, f.apart, f.asked = nil, false, false, 0
	for path, v := range f.vectors {
		if len(f.free) < maxVectors {
			f.free = append(f.free, v)
		}
		delete(f.vectors, path)
	}
}

// stored returns the columns of the block as they are stored, nil when it has
// none.
func (b *BlockView) stored() (*shred.Block, error) {
	if b.part == nil || b.data != nil || b.has.texts {
		return nil, nil
	}
	if b.fields.shape != nil {
		return b.fields.shape, nil
	}
	r, err := b.part.open()
	if err != nil {
		return nil, b.note(err)
	}
	if b.blk != nil {
		b.cols = b.blk
	} else if open, _ := r.Reuse(*b.info, b.buf); open != nil {
		b.cols = open
	} else if b.cols, err = r.Columns(b.ctx, *b.info, b.buf); err != nil {
		return nil, b.note(err)
	}
	if b.cols == nil {
		return nil, nil
	}
	shape, err := b.cols.Shape(b.ctx)
	if err != nil {
		return nil, b.note(err)
	}
	b.fields.shape = shape
	return shape, nil
}

// columns returns something that knows the fields of the block.
func (b *BlockView) columns() (*shred.Block, error) {
	f := &b.fields
	if f.shape == nil {
		if shape, err := b.stored(); shape != nil || err != nil {
			return shape, err
		}
	}
	f.asked++
	want := f.asked >= splitFrom || len(b.scan.q.Paths) >= splitFrom
	if f.shape != nil && (f.tried || !want || f.shape != &f.memory) {
		return f.shape, nil
	}
	if known, err := b.known(&want); known || err != nil {
		return f.shape, err
	}
	t, err := b.Messages()
	if err != nil {
		return nil, err
	}
	if want {
		f.tried = true
		split := &f.split
		if b.chunks != nil && !b.compacted {
			split = new(shred.Shape)
		}
		ok := f.json.Split(t.Data, t.Ends, split)
		if split != &f.split {
			if !ok {
				split = nil
			}
			b.scan.s.shapes.put(b.chunks, split)
		}
		if ok {
			err = f.memory.FromShape(split)
			b.decoded += b.bytes
			f.shape, f.apart = &f.memory, true
			return f.shape, err
		}
	}
	if f.shape == nil {
		if err := f.memory.FromMessages(t.Data, t.Ends); err != nil {
			return nil, err
		}
		f.shape = &f.memory
	}
	return f.shape, nil
}

// known takes the columns of messages in memory that an earlier query made. When
// there are none, but such a query was, it is worth making them.
func (b *BlockView) known(want *bool) (ok bool, err error) {
	f := &b.fields
	if b.chunks == nil || b.compacted || f.tried {
		return false, nil
	}
	shape, tried, again := b.scan.s.shapes.get(b.chunks)
	switch {
	case shape != nil:
		f.tried, f.apart, f.shape = true, true, &f.memory
		return true, f.memory.FromShape(shape)
	case tried:
		f.tried, *want = true, false
		return f.shape != nil, nil
	}
	*want = *want || again
	return false, nil
}

// inColumns reports whether the messages, which are in memory, are taken apart: by
// an earlier query, or now because there was one.
func (b *BlockView) inColumns() (ok bool, err error) {
	want := false
	if ok, err = b.known(&want); ok || !want || err != nil {
		return ok, err
	}
	_, err = b.columns() // which finds that there was one
	return b.fields.apart, err
}

// shapeError makes an error of a method of the columns one of the block.
func (b *BlockView) shapeError(err error) error {
	if err != nil && b.cols != nil && b.fields.shape != &b.fields.memory {
		err = b.cols.ShapeError(err)
	}
	return b.note(err)
}

// Field returns the values at a JSON path: keys joined by '.', with '.' and '\'
// inside of a key written '\.' and '\\'. A path that no row has is a vector of
// kind column.Null.
func (b *BlockView) Field(path string) (*column.Vector, error) {
	return b.vector(path, path, (*shred.Block).Field)
}

// Named returns the values of a field by the name that users write; see column.Find.
func (b *BlockView) Named(name string) (*column.Vector, error) {
	if path, ok := onlyPath(name); ok {
		return b.Field(path)
	}
	return b.vector("\x00"+name, name, (*shred.Block).Named)
}

// onlyPath returns the path of a name that no other path has.
func onlyPath(name string) (path string, ok bool) {
	switch {
	case strings.IndexByte(name, '.') >= 0:
		return "", false
	case strings.IndexByte(name, '\\') >= 0:
		return shred.JoinPath(name), true
	}
	return name, true
}

// vector returns what fill makes of a field; key is what it is kept by.
func (b *BlockView) vector(key, field string, fill func(*shred.Block, string, *column.Vector) error) (*column.Vector, error) {
	f := &b.fields
	if v := f.vectors[key]; v != nil {
		return v, nil
	}
	shape, err := b.columns()
	if err != nil {
		return nil, err
	}
	var v *column.Vector
	if n := len(f.free); n > 0 {
		v, f.free = f.free[n-1], f.free[:n-1]
	} else {
		v = new(column.Vector)
	}
	if err := fill(shape, field, v); err != nil {
		return nil, b.shapeError(err)
	}
	b.decoded += vectorBytes(v)
	if f.vectors == nil {
		f.vectors = make(map[string]*column.Vector)
	}
	f.vectors[key] = v
	return v, nil
}

// vectorBytes returns how much a vector holds.
func vectorBytes(v *column.Vector) int64 {
	return int64(8*len(v.Ints) + len(v.Texts.Data) + 4*len(v.Texts.Ends) + len(v.Dict.Data) + 4*len(v.Dict.Ends) + 2*len(v.IDs))
}

// Bounds says what the values at a path can be, without reading columns; false
// when that is not known.
func (b *BlockView) Bounds(path string) (column.Bounds, bool) {
	shape, err := b.stored()
	if shape == nil || err != nil {
		return column.Bounds{}, false // the next method meets the error again
	}
	return boundsOf(shape, path, b.rows, false)
}

// NamedBounds is Bounds for a field by the name that users write.
func (b *BlockView) NamedBounds(name string) (column.Bounds, bool) {
	if path, ok := onlyPath(name); ok {
		return b.Bounds(path)
	}
	shape, err := b.stored()
	if shape == nil || err != nil {
		return column.Bounds{}, false
	}
	return boundsOf(shape, name, b.rows, true)
}

// Find adds to hits, which has room for Len rows, the rows whose message
// contains needle.
func (b *BlockView) Find(needle []byte, hits column.Bitmap) error {
	if len(needle) == 0 {
		hits.Fill(b.rows)
		return nil
	}
	shape, err := b.stored()
	if err != nil {
		return err
	}
	if shape != nil {
		return b.shapeError(shape.Find(needle, hits))
	}
	t, err := b.Messages()
	if err != nil {
		return err
	}
	return b.search.find(needle, t.Data, 0, t.Ends, hits)
}

// Match adds to hits, which has room for Len rows, those of rows (ascending) whose
// message a matches.
func (b *BlockView) Match(a column.Automaton, rows []uint32, hits column.Bitmap) error {
	shape, err := b.stored()
	if err != nil {
		return err
	}
	if shape != nil {
		return b.shapeError(shape.Match(a, rows, hits))
	}
	t, err := b.Messages()
	if err != nil {
		return err
	}
	work := 0
	for _, row := range rows {
		m := t.At(int(row))
		if work += len(m) + 64; work >= searchStep {
			work = 0
			if err := b.ctx.Err(); err != nil {
				return err
			}
		}
		if a.Match(m) {
			hits.Set(int(row))
		}
	}
	return nil
}

// Cut writes the parts of the messages of rows (ascending) that out asks for to
// out.Found, which has room for Len rows. The rows it returns have to be cut by
// their messages; they are valid until the next call.
func (b *BlockView) Cut(g *column.Glob, rows []uint32, out *column.Cuts) (left []uint32, err error) {
	shape, err := b.stored()
	if err != nil {
		return nil, err
	}
	if shape == nil {
		return rows, nil
	}
	before := len(out.Texts)
	left, err = shape.Cut(g, rows, out)
	b.decoded += int64(len(out.Texts) - before)
	return left, b.shapeError(err)
}

// Rows appends the messages of rows, ascending, to dst.
func (b *BlockView) Rows(rows []uint32, dst *column.Texts) error {
	if 8*len(rows) < b.rows {
		shape, err := b.stored()
		if err != nil {
			return err
		}
		if shape != nil {
			before := len(dst.Data)
			err := b.shapeError(shape.Rows(rows, dst))
			b.decoded += int64(len(dst.Data) - before)
			return err
		}
	}
	t, err := b.Messages()
	if err != nil {
		return err
	}
	for i, row := range rows {
		if i%256 == 0 {
			if err := b.ctx.Err(); err != nil {
				return err
			}
		}
		dst.Append(t.At(int(row)))
	}
	return nil
}

// Whole adds to rows those whose message is nothing but one JSON object of which
// Field knows every value; see column.Fields.
func (b *BlockView) Whole(rows column.Bitmap) error {
	shape, err := b.stored()
	if shape == nil && b.fields.apart {
		shape = b.fields.shape
	}
	if err != nil || shape == nil {
		return err
	}
	shape.Whole(rows)
	return nil
}
