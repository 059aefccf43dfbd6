package store

import (
	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// shapeFields shows the columns of a block to a filter. It keeps its memory from
// block to block.
type shapeFields struct {
	shape   *shred.Block
	rows    int
	scratch column.FilterScratch
	vectors map[string]*column.Vector // of this block
	free    []*column.Vector
}

func (f *shapeFields) reset(shape *shred.Block, rows int) {
	f.shape, f.rows = shape, rows
	for path, v := range f.vectors {
		if len(f.free) < maxVectors {
			f.free = append(f.free, v)
		}
		delete(f.vectors, path)
	}
}

// Len returns the number of rows.
func (f *shapeFields) Len() int { return f.rows }

// Field returns the values at a JSON path.
func (f *shapeFields) Field(path string) (*column.Vector, error) {
	if v := f.vectors[path]; v != nil {
		return v, nil
	}
	var v *column.Vector
	if n := len(f.free); n > 0 {
		v, f.free = f.free[n-1], f.free[:n-1]
	} else {
		v = new(column.Vector)
	}
	if err := f.shape.Field(path, v); err != nil {
		return nil, err
	}
	if f.vectors == nil {
		f.vectors = make(map[string]*column.Vector)
	}
	f.vectors[path] = v
	return v, nil
}

// Bounds says what the values at a path can be.
func (f *shapeFields) Bounds(path string) (column.Bounds, bool) {
	return boundsOf(f.shape, path, f.rows, false)
}

// Whole adds the rows of which Field knows every value.
func (f *shapeFields) Whole(rows column.Bitmap) error {
	f.shape.Whole(rows)
	return nil
}

// boundsOf says what the values at a path of a block can be, without reading them.
// A path may be a name that users write.
func boundsOf(shape *shred.Block, path string, rows int, named bool) (column.Bounds, bool) {
	of, exact := shape.Bounds, 0
	if named {
		of = shape.NamedBounds
	}
	sum, ok := of(path)
	if !ok {
		return column.Bounds{}, false
	}
	if sum.Ints {
		exact = shape.Exact(path, named)
	}
	out := column.Bounds{Rows: rows, Numeric: sum.Ints, Min: sum.MinInt, Max: sum.MaxInt, Scale: sum.Scale}
	if sum.Distinct == 0 {
		out.Rows = 0
	} else if exact > 0 {
		out.Rows, out.Exact = exact, true
	}
	return out, true
}
