package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	memPageSize = 4096
	// memMaxSize bounds one file, so that a wild offset is an error and not
	// an allocation.
	memMaxSize = 1 << 40
)

type memPage = [memPageSize]byte

// Mem is a file system in memory that forgets, at CrashClone, what a real one
// may forget in a power cut. Pages of 4 KiB written since the last Sync of the
// file survive one by one or not at all; so do the names created, removed or
// renamed since the last SyncDir of their directory.
type Mem struct {
	mu    sync.RWMutex
	root  *memNode
	locks map[*memNode]bool
	limit int64 // bytes of file content, math.MaxInt64 when unlimited
	used  int64
	clock time.Time
}

// memNode is a file or a directory. A page slice entry is nil for a hole. A
// page that is not in dirty or stale is shared with crash clones and never
// written in place.
type memNode struct {
	dir      bool
	modified time.Time
	refs     int // names and handles; storage is given back at zero

	pages  []*memPage
	size   int64
	synced int64            // durable size
	dirty  map[int]*memPage // page → durable image, written since the last sync
	stale  map[int]*memPage // page → durable image, dropped by a failed sync

	names   map[string]*memNode // current names of a directory
	pending []memNameOp         // changes to names since the last SyncDir
	durable map[string]*memNode
}

// memNameOp is one change of a directory that survives whole or not at all: add
// of a name, removal of a name, or both for a rename.
type memNameOp struct {
	remove string
	add    string
	node   *memNode
}

// NewMem returns an empty Mem without a size limit. Its root is "/", which is
// also the meaning of "."; every path is taken from there.
func NewMem() *Mem {
	m := &Mem{locks: map[*memNode]bool{}, limit: math.MaxInt64, clock: time.Unix(1_700_000_000, 0)}
	m.root = newMemDir(m.clock)
	return m
}

func newMemDir(now time.Time) *memNode {
	return &memNode{dir: true, modified: now, refs: 1, names: map[string]*memNode{}, durable: map[string]*memNode{}}
}

// SetLimit sets the capacity in bytes of file content; writes beyond it fail
// with ENOSPC. It may be set below what is used.
func (m *Mem) SetLimit(limit int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = limit
}

// Used returns the bytes of file content that are held, holes included.
func (m *Mem) Used() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.used
}

// tick returns the next modification time; mu is held.
func (m *Mem) tick() time.Time {
	m.clock = m.clock.Add(time.Millisecond)
	return m.clock
}

func memClean(name string) string { return path.Clean("/" + filepath.ToSlash(name)) }

// lookup finds a node; mu is held.
func (m *Mem) lookup(op, name string) (*memNode, error) {
	n := m.root
	rest := memClean(name)[1:]
	for rest != "" {
		var part string
		part, rest = cutSlash(rest)
		if !n.dir {
			return nil, &fs.PathError{Op: op, Path: name, Err: errNotDir}
		}
		n = n.names[part]
		if n == nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
		}
	}
	return n, nil
}

func cutSlash(p string) (first, rest string) {
	for i := range len(p) {
		if p[i] == '/' {
			return p[:i], p[i+1:]
		}
	}
	return p, ""
}

// parent finds the directory of name, which must exist; mu is held.
func (m *Mem) parent(op, name string) (*memNode, string, error) {
	clean := memClean(name)
	if clean == "/" {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: syscall.EISDIR}
	}
	d, err := m.lookup(op, path.Dir(clean))
	if err != nil {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: err.(*fs.PathError).Err}
	}
	if !d.dir {
		return nil, "", &fs.PathError{Op: op, Path: name, Err: errNotDir}
	}
	return d, path.Base(clean), nil
}

func (d *memNode) apply(op memNameOp) {
	d.names = applyNames(d.names, op)
	d.pending = append(d.pending, op)
}

func applyNames(names map[string]*memNode, op memNameOp) map[string]*memNode {
	if op.remove != "" {
		delete(names, op.remove)
	}
	if op.add != "" {
		names[op.add] = op.node
	}
	return names
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) { return m.open(name, true, true) }

// OpenFile implements FS.
func (m *Mem) OpenFile(name string) (File, error) { return m.open(name, true, false) }

// Open implements FS.
func (m *Mem) Open(name string) (File, error) { return m.open(name, false, false) }

func (m *Mem) open(name string, write, truncate bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, err := m.parent("open", name)
	if err != nil {
		return nil, err
	}
	n := d.names[base]
	switch {
	case n == nil && !write:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	case n == nil:
		n = &memNode{modified: m.tick(), refs: 1, dirty: map[int]*memPage{}}
		d.apply(memNameOp{add: base, node: n})
	case n.dir:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case truncate:
		m.resize(n, 0)
	}
	n.refs++
	return &memFile{m: m, n: n, name: name, write: write}, nil
}

// unref gives a name or a handle back; mu is held.
func (m *Mem) unref(n *memNode) {
	n.refs--
	if n.refs == 0 && !n.dir {
		m.used -= n.size
	}
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, err := m.parent("remove", name)
	if err != nil {
		return err
	}
	n := d.names[base]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOENT}
	}
	if n.dir && len(n.names) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	d.apply(memNameOp{remove: base})
	m.unref(n)
	return nil
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.lookup("removeall", name); err != nil {
		return nil
	}
	d, base, err := m.parent("removeall", name)
	if err != nil {
		return err
	}
	m.removeTree(d, base)
	return nil
}

func (m *Mem) removeTree(d *memNode, base string) {
	n := d.names[base]
	for child := range n.names {
		m.removeTree(n, child)
	}
	d.apply(memNameOp{remove: base})
	m.unref(n)
}

// Rename implements FS.
func (m *Mem) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	from, oldBase, err := m.parent("rename", oldName)
	if err != nil {
		return err
	}
	to, newBase, err := m.parent("rename", newName)
	if err != nil {
		return err
	}
	n := from.names[oldBase]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: oldName, Err: syscall.ENOENT}
	}
	old := to.names[newBase]
	switch {
	case old == n:
		return nil
	case old == nil:
	case old.dir != n.dir || old.dir && len(old.names) > 0:
		return &fs.PathError{Op: "rename", Path: newName, Err: syscall.EEXIST}
	default:
		m.unref(old)
	}
	if from == to {
		from.apply(memNameOp{remove: oldBase, add: newBase, node: n})
		return nil
	}
	to.apply(memNameOp{add: newBase, node: n})
	from.apply(memNameOp{remove: oldBase})
	return nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	rest := memClean(dir)[1:]
	for rest != "" {
		var part string
		part, rest = cutSlash(rest)
		next := n.names[part]
		if next == nil {
			next = newMemDir(m.tick())
			n.apply(memNameOp{add: part, node: next})
			n.syncNames()
		}
		if !next.dir {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errNotDir}
		}
		n = next
	}
	return nil
}

// List implements FS.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup("list", dir)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: errNotDir}
	}
	names := make([]string, 0, len(n.names))
	for name := range n.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	n, err := m.lookup("stat", name)
	if err != nil {
		return Info{}, err
	}
	return Info{Name: path.Base(memClean(name)), Size: n.size, Dir: n.dir, Modified: n.modified}, nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, err := m.lookup("syncdir", dir)
	if err != nil {
		return err
	}
	if !n.dir {
		return &fs.PathError{Op: "syncdir", Path: dir, Err: errNotDir}
	}
	n.syncNames()
	return nil
}

func (d *memNode) syncNames() {
	for _, op := range d.pending {
		d.durable = applyNames(d.durable, op)
	}
	d.pending = nil
}

// Lock implements FS. A crash clone holds no locks.
func (m *Mem) Lock(name string) (io.Closer, error) {
	f, err := m.OpenFile(name)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	n := f.(*memFile).n
	held := m.locks[n]
	m.locks[n] = true
	m.mu.Unlock()
	if held {
		return nil, fmt.Errorf("lock %s: %w", name, joinClose(ErrLocked, f))
	}
	return &memLock{m: m, f: f, n: n}, nil
}

func joinClose(err error, c io.Closer) error {
	c.Close()
	return err
}

type memLock struct {
	m    *Mem
	f    File
	n    *memNode
	once sync.Once
}

func (l *memLock) Close() error {
	err := fs.ErrClosed
	l.once.Do(func() {
		l.m.mu.Lock()
		delete(l.m.locks, l.n)
		l.m.mu.Unlock()
		err = l.f.Close()
	})
	return err
}

// FreeSpace implements FS.
func (m *Mem) FreeSpace(string) (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return max(0, m.limit-m.used), nil
}

// CrashClone returns what a power cut at this moment could leave: a new Mem
// in which every change that was not synced survived or vanished as rng
// decided. One clone in four keeps no unsynced change and one in four keeps them
// all, so that both extremes are met often. The receiver is not changed and
// may be in use.
func (m *Mem) CrashClone(rng *rand.Rand) *Mem {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var survives func() bool
	switch rng.IntN(4) {
	case 0:
		survives = func() bool { return false }
	case 1:
		survives = func() bool { return true }
	default:
		survives = func() bool { return rng.IntN(2) == 0 }
	}
	c := NewMem()
	c.limit, c.clock = m.limit, m.clock
	c.root = c.crash(m.root, survives, map[*memNode]*memNode{})
	return c
}

// crash copies what survives of n; the same node under two names stays one.
func (m *Mem) crash(n *memNode, survives func() bool, seen map[*memNode]*memNode) *memNode {
	if c := seen[n]; c != nil {
		c.refs++
		return c
	}
	if !n.dir {
		c := n.crashFile(survives)
		seen[n] = c
		m.used += c.size
		return c
	}
	c := newMemDir(n.modified)
	seen[n] = c
	names := map[string]*memNode{}
	for name, child := range n.durable {
		names[name] = child
	}
	for _, op := range n.pending {
		if survives() {
			names = applyNames(names, op)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.names[name] = m.crash(names[name], survives, seen)
		c.durable[name] = c.names[name]
	}
	return c
}
