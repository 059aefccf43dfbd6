package catalog

import (
	"errors"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	// reserveSize is enough for the log of SQLite to grow to its checkpoint.
	reserveSize = 8 << 20
	// reserveLeast is worth holding; less is as good as nothing.
	reserveLeast = 1 << 20
	// reserveShare is the part of the free disk space (1/reserveShare) that the
	// reserve may take, so that a small disk is not eaten by it.
	reserveShare = 16

	reserveSuffix = "-reserve"
)

// reserve is disk space that is given back when the disk is full, so that what
// frees space, a deletion above all, can still be written down: SQLite needs space
// to delete, too.
type reserve struct {
	fs   vfs.FS
	path string

	mu   sync.Mutex // held across I/O
	size int64      // held
}

// take makes the reserve as large as the disk allows.
func (r *reserve) take() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	free, err := r.fs.FreeSpace(filepath.Dir(r.path))
	if err != nil {
		return err
	}
	if info, err := r.fs.Stat(r.path); err == nil {
		r.size = info.Size // of an earlier process, at first
		free += info.Size
	}
	size := min(reserveSize, free/reserveShare)
	if size < reserveLeast || size <= r.size {
		return nil
	}
	f, err := r.fs.OpenFile(r.path)
	if err != nil {
		return err
	}
	err = f.Preallocate(size)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		r.size = 0
		return errors.Join(err, r.remove()) // whatever part of it was allocated
	}
	r.size = size
	return nil
}

// release gives the space back; false when there was none.
func (r *reserve) release() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.size == 0 || r.remove() != nil {
		return false
	}
	r.size = 0
	return true
}

func (r *reserve) remove() error {
	if err := r.fs.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// whole reports whether the reserve has its full size.
func (r *reserve) whole() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size >= reserveSize
}
