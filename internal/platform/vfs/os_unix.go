//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const errNotDir = syscall.ENOTDIR

func isQuota(err error) bool { return errors.Is(err, syscall.EDQUOT) }

func lockFile(f *os.File) error {
	return control(f, func(fd int) error {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return ErrLocked
		}
		return err
	})
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, &fs.PathError{Op: "statfs", Path: dir, Err: err}
		}
	}
}

// control runs fn on the descriptor of f, again when a signal interrupts it.
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(fd uintptr) {
		for {
			result = fn(int(fd))
			if !errors.Is(result, unix.EINTR) {
				return
			}
		}
	})
	if err != nil { // the file is closed: Control has no other error
		return fs.ErrClosed
	}
	return result
}
