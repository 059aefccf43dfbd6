package events

import (
	"slices"

	"github.com/cumulog/cumulog/internal/logs"
)

const (
	// MaxPageEvents and MaxPageBytes bound a page; the bytes count
	// eventOverhead beside each message.
	MaxPageEvents = 10_000
	MaxPageBytes  = 1 << 20

	eventOverhead = 26
)

// Page holds the events of one answer, ascending, in one block of memory. It
// is immutable once returned.
type Page struct {
	arena []byte
	rows  []row
	bytes int // as counted against MaxPageBytes
}

type row struct {
	key       logs.Key
	ingestion int64
	stream    logs.StreamID
	from, end uint32
}

// Len returns the number of events.
func (p *Page) Len() int { return len(p.rows) }

// Event returns event i. Its Message must not be changed; it lives as long as
// the page.
func (p *Page) Event(i int) logs.Event {
	r := &p.rows[i]
	return logs.Event{Key: r.key, Stream: r.stream, Ingestion: r.ingestion, Message: p.arena[r.from:r.end:r.end]}
}

// fits reports whether a page that may hold limit events takes one more with
// a message of n bytes. The first event always fits.
func (p *Page) fits(n, limit int) bool {
	return len(p.rows) == 0 || len(p.rows) < limit && p.bytes+n+eventOverhead <= MaxPageBytes
}

// add copies e into the page.
func (p *Page) add(e *logs.Event) {
	from := len(p.arena)
	if p.arena == nil {
		p.arena = make([]byte, 0, min(MaxPageBytes, 64*len(e.Message)+4096))
		p.rows = make([]row, 0, 64)
	}
	p.arena = append(p.arena, e.Message...)
	p.rows = append(p.rows, row{key: e.Key, ingestion: e.Ingestion, stream: e.Stream, from: uint32(from), end: uint32(len(p.arena))})
	p.bytes += len(e.Message) + eventOverhead
}

func (p *Page) first() logs.Key { return p.rows[0].key }
func (p *Page) last() logs.Key  { return p.rows[len(p.rows)-1].key }

// reverse turns a page that was collected descending.
func (p *Page) reverse() { slices.Reverse(p.rows) }

// keep drops the rows for which ok is false, with their bytes.
func (p *Page) keep(ok func(*row) bool) {
	kept, arena := p.rows[:0], p.arena[:0]
	for i := range p.rows {
		r := p.rows[i]
		if !ok(&r) {
			p.bytes -= int(r.end-r.from) + eventOverhead
			continue
		}
		from := uint32(len(arena))
		arena = append(arena, p.arena[r.from:r.end]...) // rows follow each other, so nothing is written before it was read
		r.from, r.end = from, uint32(len(arena))
		kept = append(kept, r)
	}
	p.rows, p.arena = kept, arena
}
