package vfs

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"syscall"
)

// memFile is a handle of a file of Mem.
type memFile struct {
	m     *Mem
	n     *memNode
	name  string
	write bool

	mu     sync.Mutex // guards pos; taken before m.mu
	pos    int64
	closed bool // under m.mu
}

func (f *memFile) err(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *memFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.ReadAt(p, f.pos)
	f.pos += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	switch {
	case f.closed:
		return 0, f.err("read", fs.ErrClosed)
	case off < 0:
		return 0, f.err("read", syscall.EINVAL)
	case len(p) == 0:
		return 0, nil
	case off >= f.n.size:
		return 0, io.EOF
	}
	want := len(p)
	p = p[:min(int64(want), f.n.size-off)]
	for done := 0; done < len(p); {
		at := off + int64(done)
		in := int(at % memPageSize)
		chunk := p[done:min(len(p), done+memPageSize-in)]
		if page := f.n.pages[at/memPageSize]; page != nil {
			copy(chunk, page[in:])
		} else {
			clear(chunk)
		}
		done += len(chunk)
	}
	if len(p) < want {
		return len(p), io.EOF
	}
	return len(p), nil
}

func (f *memFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.WriteAt(p, f.pos)
	f.pos += int64(n)
	return n, err
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.writable("write"); err != nil {
		return 0, err
	}
	if off < 0 || off > memMaxSize-int64(len(p)) {
		return 0, f.err("write", syscall.EINVAL)
	}
	var full error
	if grow := off + int64(len(p)) - f.n.size; grow > 0 {
		if room := f.m.limit - f.m.used; grow > room {
			full = f.err("write", syscall.ENOSPC)
			p = p[:max(0, int64(len(p))-(grow-max(0, room)))]
		}
		if end := off + int64(len(p)); len(p) > 0 && end > f.n.size {
			f.m.resize(f.n, end)
		}
	}
	for done := 0; done < len(p); {
		at := off + int64(done)
		in := int(at % memPageSize)
		done += copy(f.n.own(int(at / memPageSize))[in:], p[done:])
	}
	f.n.modified = f.m.tick()
	return len(p), full
}

func (f *memFile) writable(op string) error {
	if f.closed {
		return f.err(op, fs.ErrClosed)
	}
	if !f.write {
		return f.err(op, syscall.EBADF)
	}
	return nil
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return f.err("close", fs.ErrClosed)
	}
	f.closed = true
	f.m.unref(f.n)
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if f.closed {
		return 0, f.err("stat", fs.ErrClosed)
	}
	return f.n.size, nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return f.err("sync", fs.ErrClosed)
	}
	clear(f.n.dirty)
	f.n.synced = f.n.size
	return nil
}

// DropDirty does to the file what Linux does when a sync fails: the pages that
// were to be written count as clean, so that no later Sync writes them, yet
// reads still see them.
func (f *memFile) DropDirty() {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.n.stale == nil {
		f.n.stale = map[int]*memPage{}
	}
	for i, durable := range f.n.dirty {
		if _, ok := f.n.stale[i]; !ok {
			f.n.stale[i] = durable
		}
	}
	clear(f.n.dirty)
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.setSize("truncate", size)
}

func (f *memFile) Preallocate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if size <= f.n.size {
		return f.writable("preallocate")
	}
	return f.setSize("preallocate", size)
}

func (f *memFile) setSize(op string, size int64) error {
	if err := f.writable(op); err != nil {
		return err
	}
	if size < 0 || size > memMaxSize {
		return f.err(op, syscall.EINVAL)
	}
	if size-f.n.size > f.m.limit-f.m.used && size > f.n.size {
		return f.err(op, syscall.ENOSPC)
	}
	f.m.resize(f.n, size)
	return nil
}

// resize sets the size of n; mu is held and the space was checked.
func (m *Mem) resize(n *memNode, size int64) {
	n.modified = m.tick()
	m.used += size - n.size
	pages := int((size + memPageSize - 1) / memPageSize)
	for i := pages; i < len(n.pages); i++ {
		n.note(i)
		n.pages[i] = nil
	}
	if pages <= len(n.pages) {
		clear(n.pages[pages:])
		n.pages = n.pages[:pages]
	} else {
		n.pages = append(n.pages, make([]*memPage, pages-len(n.pages))...)
	}
	if in := size % memPageSize; size < n.size && in > 0 && n.pages[pages-1] != nil {
		clear(n.own(pages - 1)[in:])
	}
	n.size = size
}

// note records the durable image of a page before its first change.
func (n *memNode) note(i int) {
	if _, ok := n.dirty[i]; ok {
		return
	}
	if durable, ok := n.stale[i]; ok {
		n.dirty[i] = durable
		delete(n.stale, i)
		return
	}
	n.dirty[i] = n.pages[i]
}

// own returns page i for writing: a private copy, recorded as dirty.
func (n *memNode) own(i int) *memPage {
	_, dirty := n.dirty[i]
	n.note(i)
	if dirty && n.pages[i] != nil {
		return n.pages[i]
	}
	p := new(memPage)
	if n.pages[i] != nil {
		*p = *n.pages[i]
	}
	n.pages[i] = p
	return p
}

// crashFile returns what survives of a file.
func (n *memNode) crashFile(survives func() bool) *memNode {
	c := &memNode{modified: n.modified, refs: 1, dirty: map[int]*memPage{}, size: n.synced}
	if n.size != n.synced && survives() {
		c.size = n.size
	}
	c.synced = c.size
	c.pages = make([]*memPage, (c.size+memPageSize-1)/memPageSize)
	copy(c.pages, n.pages)
	for _, unsynced := range []map[int]*memPage{n.dirty, n.stale} {
		for _, i := range slices.Sorted(maps.Keys(unsynced)) {
			// A page past the current size is seen only if the
			// truncation was lost, and then with its old content.
			kept := i < len(n.pages) && survives()
			switch {
			case i >= len(c.pages):
			case !kept:
				c.pages[i] = unsynced[i]
			case n.pages[i] != nil:
				p := *n.pages[i]
				c.pages[i] = &p
			}
		}
	}
	if in := c.size % memPageSize; in > 0 {
		if last := c.pages[len(c.pages)-1]; last != nil {
			p := *last
			clear(p[in:])
			c.pages[len(c.pages)-1] = &p
		}
	}
	return c
}
