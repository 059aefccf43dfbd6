package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// maxOpenParts bounds the part files that are open at once. A file that is
// needed again is opened again, which costs some microseconds.
const maxOpenParts = 512

// openFiles bounds how many part files are open.
type openFiles struct {
	fsys  vfs.FS
	limit int

	mu   sync.Mutex // guards what follows; no I/O happens under it
	open []*partFile
	hand int // where the search for a file to close goes on
}

// partFile is a part file that is open while it is used and may be closed
// between reads. It is a segment.Source, safe for concurrent use.
type partFile struct {
	all  *openFiles
	path string
	size int64
	used atomic.Bool // since the hand came by

	mu     sync.RWMutex // held by reads, so that the file stays open; taken before all.mu by nobody
	f      vfs.File     // nil: closed for now
	closed bool         // for good
}

var errPartClosed = errors.New("store: part file is closed")

// openFile opens a part file.
func (x *openFiles) openFile(path string) (*partFile, error) {
	p := &partFile{all: x, path: path}
	p.mu.Lock()
	err := p.reopen()
	if err == nil {
		p.size, err = p.f.Size()
	}
	p.mu.Unlock()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// reopen opens the file; the caller holds p.mu for writing.
func (p *partFile) reopen() error {
	switch {
	case p.closed:
		return errPartClosed
	case p.f != nil:
		return nil
	}
	f, err := p.all.fsys.Open(p.path)
	if err != nil {
		return err
	}
	p.f = f
	p.used.Store(true)
	return p.all.add(p)
}

// add lists a file that was opened and closes another one when there are too
// many.
func (x *openFiles) add(p *partFile) error {
	x.mu.Lock()
	x.open = append(x.open, p)
	var victim *partFile
	// Twice around: the first time files lose their mark. Files in use are passed,
	// as each is by somebody who reads; there may be a few more than the limit then.
	for n := 2 * len(x.open); len(x.open) > x.limit && n > 0; n-- {
		x.hand %= len(x.open)
		q := x.open[x.hand]
		if q == p || q.used.Swap(false) || !q.mu.TryLock() {
			x.hand++
			continue
		}
		x.remove(x.hand)
		victim = q
		break
	}
	x.mu.Unlock()
	if victim == nil {
		return nil
	}
	defer victim.mu.Unlock()
	f := victim.f
	victim.f = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("close %s: %w", victim.path, err)
	}
	return nil
}

// remove takes the file at i off the list; the caller holds mu.
func (x *openFiles) remove(i int) {
	n := len(x.open) - 1
	x.open[i], x.open[n] = x.open[n], nil
	x.open = x.open[:n]
}

func (x *openFiles) count() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.open)
}

// ReadAt reads from the file, which is opened again when it was closed meanwhile.
func (p *partFile) ReadAt(b []byte, off int64) (int, error) {
	for {
		p.mu.RLock()
		if f := p.f; f != nil {
			if !p.used.Load() {
				p.used.Store(true)
			}
			n, err := f.ReadAt(b, off)
			p.mu.RUnlock()
			return n, err
		}
		p.mu.RUnlock()
		p.mu.Lock()
		err := p.reopen()
		p.mu.Unlock()
		if err != nil {
			return 0, err
		}
	}
}

// Size returns the size the file had when it was opened: parts do not change.
func (p *partFile) Size() (int64, error) { return p.size, nil }

// Close closes the file for good.
func (p *partFile) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.f == nil {
		return nil
	}
	x := p.all
	x.mu.Lock()
	for i, q := range x.open {
		if q == p {
			x.remove(i)
			break
		}
	}
	x.mu.Unlock()
	f := p.f
	p.f = nil
	return f.Close()
}
