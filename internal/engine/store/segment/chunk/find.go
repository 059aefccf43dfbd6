package chunk

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Find adds the rows whose text contains needle to hits, which has room for
// all rows.
func (c *Chunk) Find(needle []byte, hits column.Bitmap) error {
	switch c.enc {
	case Const:
		if bytes.Contains(c.values.Data, needle) {
			hits.Fill(c.rows)
		}
		return nil
	case Dict:
		c.found = fit(c.found, c.values.Len())
		for i := range c.found {
			c.found[i] = bytes.Contains(c.values.At(i), needle)
		}
		for i, id := range c.ids {
			if c.found[id] {
				hits.Set(i)
			}
		}
		return nil
	}
	c.values.Reset()
	if err := c.part.appendTo(&c.values, c.maxText); err != nil {
		return err
	}
	for i := range c.rows {
		if bytes.Contains(c.values.At(i), needle) {
			hits.Set(i)
		}
	}
	return nil
}
