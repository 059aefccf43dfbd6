package wal

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// growStep is the least by which the reserve grows once it exists.
const growStep = 1 << 20

// ReleaseReserve gives the disk space of the reserve and of recycled files back,
// so that the store can flush on a full disk, and returns how many bytes that were
// at most. Until the reserve is back, appends that need another file fail with
// ErrFull. The log takes it back by itself once twice its size is free, so that it
// does not race with the flush; Release, after the flush, does with once.
func (l *Log) ReleaseReserve() (int64, error) {
	f := &l.files
	f.reserveMu.Lock()
	defer f.reserveMu.Unlock()
	f.mu.Lock()
	f.short = true
	f.mu.Unlock()
	freed := int64(0)
	if f.reserve > 0 {
		if err := l.remove(reserveName); err != nil {
			return 0, fmt.Errorf("release reserve: %w", err)
		}
		freed = f.reserve
		f.reserveDue = f.reserve
		f.reserve = 0
	}
	f.mu.Lock()
	f.reserveNow = f.reserve
	free := f.free
	f.free = nil
	f.mu.Unlock()
	for _, w := range free {
		if err := l.remove(w.name); err != nil {
			return freed, fmt.Errorf("release recycled log file: %w", err)
		}
		freed += w.size
	}
	return freed, nil
}

// RestoreReserve takes the reserve again after ReleaseReserve; ErrFull when there is
// no room. Release, and each append that needs a file, do so by themselves.
func (l *Log) RestoreReserve() error { return noSpace(l.restoreReserve(1)) }

// restoreReserve makes the reserve what it should be: after a release, as large as
// it was, if that fits so many times, or an error; otherwise as large as the
// disk allows.
func (l *Log) restoreReserve(times int64) error {
	f := &l.files
	f.reserveMu.Lock()
	defer f.reserveMu.Unlock()
	if l.o.Reserve < 0 {
		return nil
	}
	free, err := l.o.FS.FreeSpace(l.o.Dir)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if f.reserveDue > 0 && free < times*f.reserveDue {
		return fmt.Errorf("reserve: %w", ErrFull)
	}
	want := min(l.o.Reserve, (free+f.reserve)/diskShare/pageSize*pageSize)
	want = max(want, f.reserveDue)
	if want <= f.reserve || f.reserve > 0 && want-f.reserve < growStep {
		l.setReserve(f.reserve)
		return nil
	}
	err = l.allocateReserve(want)
	switch {
	case err == nil:
		l.setReserve(want)
		return nil
	case f.reserveDue == 0 && vfs.IsNoSpace(err):
		// Not released, so nothing depends on it yet, and the next new
		// file tries again.
		l.o.Logger.Warn("no room for the reserve of the log", "bytes", want)
		return nil
	}
	return fmt.Errorf("reserve: %w", err)
}

func (l *Log) allocateReserve(size int64) error {
	file, err := l.o.FS.OpenFile(l.path(reserveName))
	if err != nil {
		return err
	}
	err = file.Preallocate(size)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil && l.files.reserve == 0 {
		l.discard(reserveName) // whatever part of it was allocated
	}
	return err
}

// setReserve notes that the reserve is what it should be; reserveMu is held.
func (l *Log) setReserve(size int64) {
	f := &l.files
	f.reserve, f.reserveDue = size, 0
	f.mu.Lock()
	f.reserveNow, f.short = size, false
	f.mu.Unlock()
}

func (l *Log) remove(name string) error {
	if err := l.o.FS.Remove(l.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
