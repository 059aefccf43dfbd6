package server

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Names inside the data directory; docs/architecture.md describes them.
const (
	lockFileName  = "LOCK"
	catalogName   = "catalog.db"
	objectsName   = "objects"
	lookupsName   = "lookups"
	queriesName   = "queries"
	metricsName   = "metrics"
	anomaliesName = "anomalies"
	walName       = "wal"
	partsName     = "parts"
)

// acquire makes the data directory and takes its lock. The error wraps ErrBusy when another process has it.
func acquire(fsys vfs.FS, dir string) (io.Closer, error) {
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	lock, err := fsys.Lock(filepath.Join(dir, lockFileName))
	if errors.Is(err, vfs.ErrLocked) {
		return nil, busyError(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	return lock, nil
}
