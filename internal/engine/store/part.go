package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// part is a live part file. Views share it by counting; its file is opened when
// first needed.
type part struct {
	seg   catalog.Segment
	files *openFiles
	path  string
	log   *slog.Logger

	views atomic.Int64 // that list it; the last one to go disposes of it

	looked   int64                      // purge has looked at the part with tombstones up to this one; guarded by Store.mergeMu
	avoid    bool                       // a merge of it cannot succeed; likewise
	avoidTo  int64                      // its file, or what a merge made of it, could not be read; no merge touches it before this time, in ms; likewise
	weighed  int64                      // tombstones up to this one are in deadRuns; likewise
	deadRuns map[logs.GroupID][]deadRun // what the part holds of deleted streams; likewise

	useCache     sync.Once   // gives the skip index its cache
	indexDamaged atomic.Bool // and that was logged

	mu      sync.Mutex // guards what follows; held during the one open
	file    *partFile
	reader  *segment.Reader
	damage  error             // the whole part is unreadable
	damaged map[blockID]error // unreadable blocks
}

// open returns the reader of the part. Damage of the index is remembered, other
// errors are tried again next time.
func (p *part) open() (*segment.Reader, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader != nil {
		return p.reader, nil
	}
	if p.damage != nil {
		return nil, p.damage
	}
	f, err := p.files.openFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		p.log.Error("a part is missing; its events are left out of every answer", "part", p.path, "events", p.seg.Rows)
		p.damage = &segment.CorruptionError{File: p.path, Section: "file", Detail: "the file is missing",
			Hint: "its events are lost unless a copy of the file exists"}
		return nil, p.damage
	}
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	r, err := segment.Open(f, p.path)
	if err != nil {
		if isDamage(err) {
			p.log.Error("the index of a part is damaged; its events are left out of every answer",
				"part", p.path, "events", p.seg.Rows, "error", err)
			p.damage = err
		}
		return nil, errors.Join(err, f.Close())
	}
	p.file, p.reader = f, r
	return r, nil
}

// isDamage reports whether err says that bytes are not what was written.
func isDamage(err error) bool {
	var c *segment.CorruptionError
	return errors.As(err, &c)
}

// blockID names a block within its part.
type blockID struct {
	group logs.GroupID
	first logs.Key
}

func idOf(b *segment.BlockInfo) blockID { return blockID{group: b.Group, first: b.Min} }

// quarantined returns why a block is not read any more, or nil.
func (p *part) quarantined(id blockID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.damaged[id]
}

// quarantine remembers that a block is damaged; false when it was known.
func (p *part) quarantine(id blockID, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.damaged[id] != nil {
		return false
	}
	if p.damaged == nil {
		p.damaged = make(map[blockID]error)
	}
	p.damaged[id] = err
	return true
}

// hurt returns the number of damaged blocks, and whether the part as a whole is
// unreadable.
func (p *part) hurt() (blocks int, whole bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.damaged), p.damage != nil
}

// close closes the file. No view lists the part any more, or the store closes.
func (p *part) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.file
	p.file, p.reader = nil, nil
	if f == nil {
		return nil
	}
	return f.Close()
}

// view is a consistent state of the store: which memtables and parts hold the
// events. It never changes; flushes and merges replace it. Who uses one holds a
// reference, which keeps its files.
type view struct {
	mems  []*memtable // oldest first; the last takes new batches
	parts []*part
	refs  int64 // guarded by Store.mu
}

// applied returns the highest Seq up to which every event is in the view.
func (v *view) applied() logs.Seq {
	last := uint64(0)
	for _, m := range v.mems {
		m.mu.RLock()
		last = max(last, m.lastLSN)
		m.mu.RUnlock()
	}
	for _, p := range v.parts {
		last = max(last, p.seg.MaxLSN)
	}
	if last == 0 {
		return 0
	}
	return logs.MakeSeq(last+1, 0) - 1
}
