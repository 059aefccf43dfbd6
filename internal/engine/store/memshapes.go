package store

import (
	"container/list"
	"slices"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
)

// memShapes keeps what messages in memory were taken apart into, so that one
// question after another about events that just arrived does not read their JSON
// again. Of messages that were asked about once it notes only that.
type memShapes struct {
	mu    sync.Mutex
	limit int64
	used  int64
	byKey map[memKey]*list.Element
	lru   *list.List // of *memShape, the latest at the front
}

// memKey names a run of chunks, all but surely.
type memKey struct {
	first, last uint64 // log sequence numbers
	chunks      int
}

type memShape struct {
	key   memKey
	lsns  []uint64 // of all chunks
	shape *shred.Shape
	tried bool // shape is nil when the messages cannot be taken apart
	size  int64
}

func newMemShapes(limit int64) *memShapes {
	return &memShapes{limit: limit, byKey: make(map[memKey]*list.Element), lru: list.New()}
}

func keyOf(chunks []*chunk) memKey {
	return memKey{chunks[0].lsn, chunks[len(chunks)-1].lsn, len(chunks)}
}

// newMemShape notes that chunks were asked about.
func newMemShape(chunks []*chunk) *memShape {
	m := &memShape{key: keyOf(chunks), size: int64(8*len(chunks)) + 256}
	for _, c := range chunks {
		m.lsns = append(m.lsns, c.lsn)
	}
	return m
}

func (m *memShape) is(chunks []*chunk) bool {
	for i, c := range chunks {
		if m.lsns[i] != c.lsn {
			return false
		}
	}
	return true
}

// get returns the shape of the messages of chunks; tried says that nothing is to
// be found out about them, again that they were asked about before.
func (s *memShapes) get(chunks []*chunk) (shape *shred.Shape, tried, again bool) {
	k := keyOf(chunks)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byKey[k]; e != nil && e.Value.(*memShape).is(chunks) {
		s.lru.MoveToFront(e)
		m := e.Value.(*memShape)
		return m.shape, m.tried, true
	}
	s.insert(newMemShape(chunks))
	return nil, false, false
}

// put keeps what get did not find; a nil shape says that there is none. The shape
// must not change any more.
func (s *memShapes) put(chunks []*chunk, shape *shred.Shape) {
	m := newMemShape(chunks)
	m.tried = true
	if shape != nil {
		m.shape = shape
		m.size += shape.Memory()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert(m)
}

// insert replaces the entry of a key; the caller holds mu.
func (s *memShapes) insert(m *memShape) {
	if e := s.byKey[m.key]; e != nil {
		s.drop(e)
	}
	if m.size > s.limit {
		return
	}
	for s.used+m.size > s.limit {
		s.drop(s.lru.Back())
	}
	s.byKey[m.key] = s.lru.PushFront(m)
	s.used += m.size
}

func (s *memShapes) drop(e *list.Element) {
	m := s.lru.Remove(e).(*memShape)
	delete(s.byKey, m.key)
	s.used -= m.size
}

// forget drops what ends at or before a log sequence number: it was flushed.
func (s *memShapes) forget(lsn uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.lru.Front(); e != nil; {
		next := e.Next()
		if m := e.Value.(*memShape); slices.Max(m.lsns) <= lsn {
			s.drop(e)
		}
		e = next
	}
}

func (s *memShapes) bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}
