//go:build !linux

package vfs

import (
	"errors"
	"os"
)

// syncData uses the full sync of the platform (F_FULLFSYNC on Darwin).
func syncData(f *os.File) error { return f.Sync() }

func allocate(*os.File, int64) error { return errors.ErrUnsupported }
