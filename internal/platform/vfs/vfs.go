// Package vfs is the seam to the file system. Everything in Cumulog that
// touches a file goes through an FS, so that crashes, short writes, I/O errors,
// full disks and lost syncs can be produced at will in tests.
//
// There are three implementations, and vfstest holds the one conformance suite
// all of them pass:
//
//   - OS is the real file system.
//   - Mem keeps files in memory with strict crash semantics: what was not
//     synced may vanish, page by page and name by name (Mem.CrashClone).
//   - Fault wraps another FS and injects errors by a Plan.
//
// # Durability
//
// Bytes written to a File are durable after File.Sync. A name that was created,
// removed or renamed is durable after SyncDir of its directory; syncing the file
// itself does not make its name durable. MkdirAll is the exception: the
// directories it made are durable when it returns.
//
// # Names and errors
//
// Names are file system paths. Errors are *fs.PathError (or *os.LinkError for
// Rename) and wrap fs.ErrNotExist, fs.ErrExist and so on; IsNoSpace tells a full
// disk from other failures. Every method of FS and File is safe for concurrent
// use, except that Read and Write share the one position of a File.
package vfs

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"syscall"
	"time"
)

// ErrLocked is returned by FS.Lock when another holder has the lock.
var ErrLocked = errors.New("vfs: file is locked by another process")

// ErrTooLarge is returned by ReadFile for a file above its limit.
var ErrTooLarge = errors.New("vfs: file is larger than allowed")

// FS is a file system.
type FS interface {
	// Create makes an empty file for reading and writing; an existing file
	// is truncated. The directory must exist.
	Create(name string) (File, error)
	// Open opens a file for reading only.
	Open(name string) (File, error)
	// OpenFile opens a file for reading and writing and creates it, empty,
	// when it is missing.
	OpenFile(name string) (File, error)
	// Remove removes a file or an empty directory. A file that is open stays
	// readable through its handles.
	Remove(name string) error
	// RemoveAll removes name and everything below it; a missing name is not
	// an error.
	RemoveAll(name string) error
	// Rename gives a file a new name and atomically replaces a file that had
	// that name.
	Rename(oldName, newName string) error
	// MkdirAll makes a directory and its missing parents. What it made is
	// durable when it returns.
	MkdirAll(dir string) error
	// List returns the base names in a directory, sorted.
	List(dir string) ([]string, error)
	// Stat describes a file or directory; fs.ErrNotExist when there is none.
	Stat(name string) (Info, error)
	// SyncDir makes the names in a directory durable (not those in its
	// subdirectories, and not the content of the files).
	SyncDir(dir string) error
	// Lock takes an exclusive lock on a file, which it creates when missing;
	// ErrLocked when it is held, by this process or another. Close gives it
	// back; the end of the process does so too.
	Lock(name string) (io.Closer, error)
	// FreeSpace returns the bytes an unprivileged process may still write
	// below dir.
	FreeSpace(dir string) (int64, error)
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Closer
	// Size returns the current size in bytes.
	Size() (int64, error)
	// Sync makes the content and size durable (fdatasync). After an error
	// nothing is known about what was written since the last success, and
	// calling Sync again proves nothing: write to another file.
	Sync() error
	// Truncate sets the size; bytes that are added read as zero.
	Truncate(size int64) error
	// Preallocate reserves the blocks of the first size bytes and grows the
	// file to size when it is smaller; it never shrinks one. Writing below
	// size does not run out of space afterwards. On an error the file may
	// have grown in part.
	Preallocate(size int64) error
}

// Info describes a file or directory.
type Info struct {
	Name     string // base name
	Size     int64  // bytes; unspecified for directories
	Dir      bool
	Modified time.Time
}

// IsNoSpace reports whether err means that the disk, or the quota of the user,
// is full.
func IsNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || isQuota(err)
}

// ReadFile returns the content of a file of at most limit bytes; ErrTooLarge
// when it is longer.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("read %s of %d bytes (limit %d): %w", name, size, limit, ErrTooLarge)
	}
	data := make([]byte, size)
	n, err := f.ReadAt(data, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return data[:n], nil
}

// WriteFile replaces the content of name atomically and durably: after a crash
// the file holds the old content or the new, and after success the new. It
// writes name+".tmp" first; concurrent calls for one name are the caller's to
// prevent.
func WriteFile(fsys FS, name string, data []byte) error {
	tmp := name + ".tmp"
	f, err := fsys.Create(tmp)
	if err != nil {
		return err
	}
	err = fill(f, data)
	if err == nil {
		err = fsys.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, fsys.Remove(tmp))
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// CreateFile writes data to name, which it creates or truncates, and syncs the
// file, not the directory. After an error the content is undefined.
func CreateFile(fsys FS, name string, data []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	return fill(f, data)
}

// fill writes and syncs data and closes f.
func fill(f File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
