package wal

import (
	"errors"
	"io"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// readWindow is what recovery reads at once.
const readWindow = 1 << 20

// reader gives access to ranges of a file that mostly ascend. Its memory is the
// window, or the largest range asked for.
type reader struct {
	file    vfs.File
	size    int64
	salvage bool // bytes that cannot be read are zero
	window  int
	buf     []byte
	off     int64 // of buf in the file
}

func newReader(file vfs.File, size int64, window int, salvage bool) *reader {
	return &reader{file: file, size: size, window: window, salvage: salvage}
}

// at returns n bytes, fewer at the end of the file, that are valid until the next
// call.
func (r *reader) at(off int64, n int) ([]byte, error) {
	if off >= r.size {
		return nil, nil
	}
	n = int(min(int64(n), r.size-off))
	if off < r.off || off+int64(n) > r.off+int64(len(r.buf)) {
		if err := r.fill(off, max(n, int(min(int64(r.window), r.size-off)))); err != nil {
			return nil, err
		}
	}
	from := int(off - r.off)
	return r.buf[from : from+n], nil
}

func (r *reader) fill(off int64, n int) error {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	r.buf, r.off = r.buf[:n], off
	got, err := r.file.ReadAt(r.buf, off)
	if err == nil || errors.Is(err, io.EOF) {
		clear(r.buf[got:])
		return nil
	}
	if !r.salvage {
		r.buf = r.buf[:0]
		return err
	}
	// Page by page, so that one bad sector costs one page.
	for at := 0; at < n; at += pageSize {
		page := r.buf[at:min(at+pageSize, n)]
		if got, err := r.file.ReadAt(page, off+int64(at)); err != nil {
			clear(page[got:])
		}
	}
	return nil
}
