package vfs

import (
	"io"
	"sync"
	"sync/atomic"
)

// Op names an operation of FS or File in a Call.
type Op string

// The operations a Plan sees. OpWrite stands for Write and WriteAt, OpRead for
// Read and ReadAt, OpOpen for Open and OpenFile.
const (
	OpCreate      Op = "create"
	OpOpen        Op = "open"
	OpRemove      Op = "remove"
	OpRemoveAll   Op = "removeall"
	OpRename      Op = "rename"
	OpMkdirAll    Op = "mkdirall"
	OpList        Op = "list"
	OpStat        Op = "stat"
	OpSyncDir     Op = "syncdir"
	OpLock        Op = "lock"
	OpFreeSpace   Op = "freespace"
	OpRead        Op = "read"
	OpWrite       Op = "write"
	OpClose       Op = "close"
	OpSize        Op = "size"
	OpSync        Op = "sync"
	OpTruncate    Op = "truncate"
	OpPreallocate Op = "preallocate"
)

// Mutates reports whether the operation changes what is, or will be, on disk.
func (o Op) Mutates() bool {
	switch o {
	case OpCreate, OpRemove, OpRemoveAll, OpRename, OpMkdirAll, OpSyncDir, OpWrite, OpSync, OpTruncate, OpPreallocate:
		return true
	}
	return false
}

// Syncs reports whether the operation makes something durable.
func (o Op) Syncs() bool { return o == OpSync || o == OpSyncDir || o == OpMkdirAll }

// Call is one operation on a Fault.
type Call struct {
	Op   Op
	Name string // of the file or directory; the old name of a rename
	Nth  int    // this is the Nth call of Op through the Fault, from 1
	Size int    // bytes asked for by a read or write
}

// Failure is what a Plan makes of a call. The zero value lets it through.
type Failure struct {
	// Err is returned instead of doing the operation.
	Err error
	// Short, with Err on a write, is how many bytes are written before Err.
	Short int
	// DropDirty, with Err on a sync, makes the pages that were to be synced
	// count as clean, as Linux does: a later sync does not write them.
	DropDirty bool
	// Lost, on a sync without Err, reports success and does nothing.
	Lost bool
}

// Plan decides about every call on a Fault. Its functions are called on the
// goroutines that use the file system, at the same time.
type Plan struct {
	// Inject is asked before each call; nil lets all through.
	Inject func(Call) Failure
	// After is called after each call that was let through (a lost sync
	// counts), with its error; nil does nothing. It is the place to take
	// crash clones.
	After func(Call, error)
}

// FailOn returns an Inject function that fails every call of op that match
// accepts (nil accepts all) with err.
func FailOn(op Op, match func(Call) bool, err error) func(Call) Failure {
	return func(c Call) Failure {
		if c.Op == op && (match == nil || match(c)) {
			return Failure{Err: err}
		}
		return Failure{}
	}
}

// Fault is an FS that does what a Plan says before it passes calls on.
type Fault struct {
	inner  FS
	plan   atomic.Pointer[Plan]
	mu     sync.Mutex
	counts map[Op]int
}

// NewFault wraps inner. A nil plan lets everything through.
func NewFault(inner FS, plan *Plan) *Fault {
	f := &Fault{inner: inner, counts: map[Op]int{}}
	f.plan.Store(plan)
	return f
}

// SetPlan replaces the plan, also for files that are open; the counts of Nth go
// on.
func (f *Fault) SetPlan(plan *Plan) { f.plan.Store(plan) }

// Count returns how many calls of op were made.
func (f *Fault) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

func (f *Fault) begin(op Op, name string, size int) (Call, Failure, *Plan) {
	f.mu.Lock()
	f.counts[op]++
	c := Call{Op: op, Name: name, Nth: f.counts[op], Size: size}
	f.mu.Unlock()
	p := f.plan.Load()
	if p == nil || p.Inject == nil {
		return c, Failure{}, p
	}
	return c, p.Inject(c), p
}

func (p *Plan) after(c Call, err error) {
	if p != nil && p.After != nil {
		p.After(c, err)
	}
}

// do runs an operation that a Plan may replace by an error or, when it syncs,
// by nothing.
func (f *Fault) do(op Op, name string, fn func() error) error {
	c, fail, p := f.begin(op, name, 0)
	if fail.Err != nil {
		return fail.Err
	}
	var err error
	if !fail.Lost || !op.Syncs() {
		err = fn()
	}
	p.after(c, err)
	return err
}

func (f *Fault) open(op Op, name string, fn func(string) (File, error)) (File, error) {
	var file File
	err := f.do(op, name, func() (err error) {
		file, err = fn(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &faultFile{fault: f, inner: file, name: name}, nil
}

// Create implements FS.
func (f *Fault) Create(name string) (File, error) { return f.open(OpCreate, name, f.inner.Create) }

// Open implements FS.
func (f *Fault) Open(name string) (File, error) { return f.open(OpOpen, name, f.inner.Open) }

// OpenFile implements FS.
func (f *Fault) OpenFile(name string) (File, error) { return f.open(OpOpen, name, f.inner.OpenFile) }

// Remove implements FS.
func (f *Fault) Remove(name string) error {
	return f.do(OpRemove, name, func() error { return f.inner.Remove(name) })
}

// RemoveAll implements FS.
func (f *Fault) RemoveAll(name string) error {
	return f.do(OpRemoveAll, name, func() error { return f.inner.RemoveAll(name) })
}

// Rename implements FS.
func (f *Fault) Rename(oldName, newName string) error {
	return f.do(OpRename, oldName, func() error { return f.inner.Rename(oldName, newName) })
}

// MkdirAll implements FS. It is never lost, only failed.
func (f *Fault) MkdirAll(dir string) error {
	c, fail, p := f.begin(OpMkdirAll, dir, 0)
	if fail.Err != nil {
		return fail.Err
	}
	err := f.inner.MkdirAll(dir)
	p.after(c, err)
	return err
}

// List implements FS.
func (f *Fault) List(dir string) (names []string, err error) {
	err = f.do(OpList, dir, func() (err error) {
		names, err = f.inner.List(dir)
		return err
	})
	return names, err
}

// Stat implements FS.
func (f *Fault) Stat(name string) (info Info, err error) {
	err = f.do(OpStat, name, func() (err error) {
		info, err = f.inner.Stat(name)
		return err
	})
	return info, err
}

// SyncDir implements FS.
func (f *Fault) SyncDir(dir string) error {
	return f.do(OpSyncDir, dir, func() error { return f.inner.SyncDir(dir) })
}

// Lock implements FS.
func (f *Fault) Lock(name string) (c io.Closer, err error) {
	err = f.do(OpLock, name, func() (err error) {
		c, err = f.inner.Lock(name)
		return err
	})
	return c, err
}

// FreeSpace implements FS.
func (f *Fault) FreeSpace(dir string) (n int64, err error) {
	err = f.do(OpFreeSpace, dir, func() (err error) {
		n, err = f.inner.FreeSpace(dir)
		return err
	})
	return n, err
}

type faultFile struct {
	fault *Fault
	inner File
	name  string
}

// transfer runs a read or write, which a Plan may cut short.
func (f *faultFile) transfer(op Op, p []byte, fn func([]byte) (int, error)) (int, error) {
	c, fail, plan := f.fault.begin(op, f.name, len(p))
	if fail.Err != nil {
		n := 0
		if op == OpWrite && fail.Short > 0 {
			n, _ = fn(p[:min(fail.Short, len(p))])
		}
		return n, fail.Err
	}
	n, err := fn(p)
	plan.after(c, err)
	return n, err
}

func (f *faultFile) Read(p []byte) (int, error) { return f.transfer(OpRead, p, f.inner.Read) }

func (f *faultFile) Write(p []byte) (int, error) { return f.transfer(OpWrite, p, f.inner.Write) }

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	return f.transfer(OpRead, p, func(p []byte) (int, error) { return f.inner.ReadAt(p, off) })
}

func (f *faultFile) WriteAt(p []byte, off int64) (int, error) {
	return f.transfer(OpWrite, p, func(p []byte) (int, error) { return f.inner.WriteAt(p, off) })
}

// Close closes the file below even when it reports an injected error.
func (f *faultFile) Close() error {
	c, fail, p := f.fault.begin(OpClose, f.name, 0)
	err := f.inner.Close()
	if fail.Err != nil {
		return fail.Err
	}
	p.after(c, err)
	return err
}

func (f *faultFile) Size() (n int64, err error) {
	err = f.fault.do(OpSize, f.name, func() (err error) {
		n, err = f.inner.Size()
		return err
	})
	return n, err
}

func (f *faultFile) Sync() error {
	c, fail, p := f.fault.begin(OpSync, f.name, 0)
	if fail.Err != nil {
		if d, ok := f.inner.(interface{ DropDirty() }); ok && fail.DropDirty {
			d.DropDirty()
		}
		return fail.Err
	}
	var err error
	if !fail.Lost {
		err = f.inner.Sync()
	}
	p.after(c, err)
	return err
}

func (f *faultFile) Truncate(size int64) error {
	return f.fault.do(OpTruncate, f.name, func() error { return f.inner.Truncate(size) })
}

func (f *faultFile) Preallocate(size int64) error {
	return f.fault.do(OpPreallocate, f.name, func() error { return f.inner.Preallocate(size) })
}
