package lookups

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"unsafe"

	"github.com/cumulog/cumulog/internal/logs"
)

// Table is the parsed content of a lookup table. It is shared: nobody changes it.
type Table struct {
	Fields []string
	// Rows have as many values as there are fields. Values are text.
	Rows [][]string
	// Version tells contents apart: two tables of the same name and version
	// are the same.
	Version string
}

// Table returns the content of a table by name, for queries. It is parsed once and
// kept while there is room. ErrNotFound.
func (s *Service) Table(ctx context.Context, scope logs.Scope, name string) (*Table, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e, err := s.find(scope, name)
	if err != nil {
		return nil, err
	}
	e.load.Lock()
	defer e.load.Unlock()
	if t := s.parsed.get(e); t != nil {
		return t, nil
	}
	h, body, err := s.read(scope, name)
	if err != nil {
		return nil, err
	}
	fields, rows, err := parse(body, h.Records)
	if err != nil {
		return nil, fmt.Errorf("read lookup table %s: %w", name, err)
	}
	t := &Table{Fields: fields, Rows: rows, Version: fmt.Sprintf("%d.%d", h.CreatedMS, h.Revision)}
	if h.CreatedMS != e.CreatedMS || h.Revision != e.Revision {
		return t, nil // it is being replaced
	}
	cells := len(rows) * len(fields)
	s.parsed.put(e, t, int64(len(body))+int64(cells)*int64(unsafe.Sizeof(""))+int64(len(rows))*int64(unsafe.Sizeof([]string(nil))))
	if now, err := s.find(scope, name); err != nil || now != e {
		s.parsed.drop(e) // nobody asks for it any more
	}
	return t, nil
}

// cache keeps parsed tables, those used last.
type cache struct {
	limit int64

	mu    sync.Mutex
	bytes int64
	order list.List // of *kept, those used last in front
	at    map[*entry]*list.Element
}

type kept struct {
	e     *entry
	t     *Table
	bytes int64
}

func (c *cache) get(e *entry) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	el := c.at[e]
	if el == nil {
		return nil
	}
	c.order.MoveToFront(el)
	return el.Value.(*kept).t
}

func (c *cache) put(e *entry, t *Table, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes > c.limit {
		return
	}
	if c.at == nil {
		c.at = map[*entry]*list.Element{}
	}
	c.at[e] = c.order.PushFront(&kept{e, t, bytes})
	c.bytes += bytes
	for c.bytes > c.limit {
		c.remove(c.order.Back())
	}
}

// drop forgets the content of an entry; nil is allowed.
func (c *cache) drop(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.at[e]; el != nil {
		c.remove(el)
	}
}

func (c *cache) remove(el *list.Element) {
	k := c.order.Remove(el).(*kept)
	delete(c.at, k.e)
	c.bytes -= k.bytes
}
