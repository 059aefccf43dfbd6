package wal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	// minFileSize is the smallest file that is made, groups permitting.
	minFileSize = dataStart + pageSize
	// maxFree is how many released files are kept for use again.
	maxFree = 4
	// diskShare is the part of the free disk space (1/diskShare) that a file
	// or the reserve may take, so that a small disk is not eaten by them.
	diskShare = 8

	reserveName  = "reserve"
	tempName     = "new.tmp"
	salvagedName = "salvaged"
)

// walFile is a file with records that is not written any more.
type walFile struct {
	name    string
	last    uint64 // last LSN needed from it
	size    int64  // on disk
	used    int64  // bytes up to the end of the acknowledged groups
	damaged bool   // keep it for inspection
}

// files knows the files of the directory. Releasing is serialised by
// releaseMu and the reserve by reserveMu, which are held across I/O; mu is not,
// and is taken last.
type files struct {
	releaseMu  sync.Mutex
	reserveMu  sync.Mutex
	reserve    int64 // size on disk, under reserveMu
	reserveDue int64 // size it had when it was released; under reserveMu

	mu         sync.Mutex
	closed     []walFile // oldest first
	active     walFile   // no name when there is none
	free       []walFile
	reserveNow int64 // copy of reserve
	short      bool  // the reserve is released: keep no file for later
}

// acceptLosses notes the losses that a salvage accepted, so that the next start does
// not need another, and forgets them when the checkpoint has passed them.
func acceptLosses(o *Options, s scanned) error {
	path := filepath.Join(o.Dir, salvagedName)
	accepted := s.accepted
	for _, l := range s.Lost {
		if l.To != MaxLSN {
			accepted = max(accepted, l.To)
		} else {
			accepted = max(accepted, l.From)
		}
	}
	switch {
	case accepted > s.accepted:
		return vfs.WriteFile(o.FS, path, formatAccepted(accepted))
	case s.accepted > 0 && s.accepted <= o.Checkpoint:
		return o.FS.Remove(path)
	}
	return nil
}

// adopt takes over what recovery found.
func (f *files) adopt(o *Options, s scanned) error {
	if err := acceptLosses(o, s); err != nil {
		return err
	}
	for _, name := range s.temps {
		if err := o.FS.Remove(filepath.Join(o.Dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f.closed = s.files
	f.reserve, f.reserveNow = s.reserve, s.reserve
	for _, free := range s.free {
		if len(f.free) < maxFree && free.size == o.FileSize {
			f.free = append(f.free, free)
		} else if err := o.FS.Remove(filepath.Join(o.Dir, free.name)); err != nil {
			return err
		}
	}
	if len(f.closed) == 0 {
		return nil
	}
	// What was read back is about to be visible: make it durable. It may
	// have been written by a process that was killed before its sync.
	last := &f.closed[len(f.closed)-1]
	file, err := o.FS.OpenFile(filepath.Join(o.Dir, last.name))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return err
	}
	if s.unusedTail && last.used < last.size {
		// Failing to give the space back does no harm.
		if err := file.Truncate(last.used); err != nil {
			o.Logger.Warn("unused space of a log file stays allocated", "file", last.name, "error", err)
		} else {
			last.size = last.used
		}
	}
	return nil
}

// grown notes the end of the acknowledged groups of the active file.
func (f *files) grown(off int64) {
	f.mu.Lock()
	f.active.used = off
	f.mu.Unlock()
}

// close moves the active file to the closed ones.
func (f *files) close(last uint64) {
	f.mu.Lock()
	f.active.last = last
	f.closed = append(f.closed, f.active)
	f.active = walFile{}
	f.mu.Unlock()
}

func (f *files) describe(s *Stats) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Free = len(f.free)
	s.Reserve = f.reserveNow
	all := f.closed
	if f.active.name != "" {
		all = append(all[:len(all):len(all)], f.active)
	}
	for i, w := range all {
		if i == 0 {
			s.OldestAt, _ = parseFileName(w.name)
		}
		s.Files++
		s.Backlog += w.used
	}
}

func (l *Log) path(name string) string { return filepath.Join(l.o.Dir, name) }

// newFile makes the file that records from next on go to, with room for a
// group of that size. Its header is durable, and so is its name, before it is
// used: a file that recovery finds under its name has a good header, or is damaged.
func (l *Log) newFile(group int64) (*activeFile, error) {
	if err := l.restoreReserve(2); err != nil {
		return nil, err
	}
	h := fileHeader{first: l.committer.next, base: l.committer.acked}
	if _, err := rand.Read(h.salt[:]); err != nil {
		return nil, err
	}
	name := fileName(h.first)
	file, size, err := l.reuse(h, name, group)
	if file == nil && err == nil {
		file, size, err = l.create(h, name, group)
	}
	if err != nil {
		return nil, fmt.Errorf("new log file: %w", err)
	}
	l.files.mu.Lock()
	l.files.active = walFile{name: name, size: size, used: dataStart}
	l.files.mu.Unlock()
	return &activeFile{file: file, name: name, size: size, off: dataStart, seed: h.salt.seed()}, nil
}

// reuse turns a recycled file into the new one; none without an error when
// there is none that serves.
func (l *Log) reuse(h fileHeader, name string, group int64) (vfs.File, int64, error) {
	for {
		l.files.mu.Lock()
		n := len(l.files.free)
		if n == 0 {
			l.files.mu.Unlock()
			return nil, 0, nil
		}
		free := l.files.free[n-1]
		l.files.free = l.files.free[:n-1]
		l.files.mu.Unlock()
		if free.size < dataStart+group {
			if err := l.o.FS.Remove(l.path(free.name)); err != nil {
				return nil, 0, err
			}
			continue
		}
		file, err := l.o.FS.OpenFile(l.path(free.name))
		if err == nil {
			err = l.install(file, h, free.name, name)
		}
		if err == nil {
			return file, free.size, nil
		}
		// Make a fresh one instead.
		l.o.Logger.Warn("recycled log file cannot be used", "file", free.name, "error", err)
	}
}

// create makes the new file from nothing.
func (l *Log) create(h fileHeader, name string, group int64) (vfs.File, int64, error) {
	size := l.o.FileSize
	if free, err := l.o.FS.FreeSpace(l.o.Dir); err != nil {
		return nil, 0, err
	} else {
		size = min(size, free/diskShare/pageSize*pageSize)
	}
	size = max(size, minFileSize, dataStart+group)
	file, err := l.o.FS.Create(l.path(tempName))
	if err != nil {
		return nil, 0, err
	}
	if err = file.Preallocate(size); err != nil {
		file.Close()
	} else {
		err = l.install(file, h, tempName, name)
	}
	if err != nil {
		l.discard(tempName)
		return nil, 0, err
	}
	return file, size, nil
}

// install writes the header of a new file and gives it its name. It closes the
// file on an error.
func (l *Log) install(file vfs.File, h fileHeader, from, name string) error {
	_, err := file.WriteAt(h.appendTo(nil), 0)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = l.o.FS.Rename(l.path(from), l.path(name))
	}
	if err == nil {
		if err = l.o.FS.SyncDir(l.o.Dir); err != nil {
			l.discard(name)
		}
	}
	if err != nil {
		file.Close()
	}
	return err
}

// discard removes a file that holds nothing, best effort: the next start finds
// it otherwise.
func (l *Log) discard(name string) {
	if err := l.o.FS.Remove(l.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.o.Logger.Warn("unused log file remains", "file", name, "error", err)
	}
}

// Release says that records up to and including upTo are not needed any more,
// which the caller has made durable. Files that hold no others are kept for use
// again, at most 4, or removed; never the one that is being written. It also
// takes the reserve back, if that was released and there is room now.
func (l *Log) Release(upTo uint64) error {
	f := &l.files
	f.releaseMu.Lock()
	defer f.releaseMu.Unlock()
	if err := l.releaseFiles(upTo); err != nil {
		return err
	}
	f.mu.Lock()
	short := f.short
	f.mu.Unlock()
	if !short {
		return nil
	}
	if err := l.RestoreReserve(); err != nil && !errors.Is(err, ErrFull) {
		return err
	}
	return nil
}

// releaseFiles removes or recycles files; releaseMu is held.
func (l *Log) releaseFiles(upTo uint64) error {
	f := &l.files
	for {
		f.mu.Lock()
		if len(f.closed) == 0 || f.closed[0].last > upTo {
			f.mu.Unlock()
			return nil
		}
		w := f.closed[0]
		recycle := len(f.free) < maxFree && w.size == l.o.FileSize && !f.short
		f.mu.Unlock()

		freed := w.name[:len(w.name)-len(fileSuffix)] + freeSuffix
		var err error
		switch {
		case w.damaged:
			err = l.o.FS.Rename(l.path(w.name), l.path(w.name+damagedSuffix))
		case recycle:
			err = l.o.FS.Rename(l.path(w.name), l.path(freed))
		default:
			err = l.o.FS.Remove(l.path(w.name))
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			// One file after the other: a file may void records of the
			// one before it, so none may outlive its successor.
			err = l.o.FS.SyncDir(l.o.Dir)
		}
		if err != nil {
			return fmt.Errorf("release log file: %w", err)
		}
		f.mu.Lock()
		f.closed = f.closed[1:]
		if recycle && !w.damaged {
			f.free = append(f.free, walFile{name: freed, size: w.size})
		}
		f.mu.Unlock()
	}
}
