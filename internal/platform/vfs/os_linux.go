package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

func syncData(f *os.File) error { return control(f, unix.Fdatasync) }

func allocate(f *os.File, size int64) error {
	if size <= 0 {
		return nil
	}
	return control(f, func(fd int) error { return unix.Fallocate(fd, 0, 0, size) })
}
