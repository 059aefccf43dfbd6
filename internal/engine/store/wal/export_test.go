package wal

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// SetVersionForTest rewrites both copies of the file header with another version.
func SetVersionForTest(t *testing.T, fsys vfs.FS, name string, version uint32) {
	t.Helper()
	f, err := fsys.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := int64(0); at < dataStart; at += pageSize {
		p := make([]byte, fileHeaderSize)
		if _, err := f.ReadAt(p, at); err != nil {
			t.Fatal(err)
		}
		binary.LittleEndian.PutUint32(p[8:], version)
		binary.LittleEndian.PutUint32(p, crc32.Checksum(p[4:], castagnoli))
		if _, err := f.WriteAt(p, at); err != nil {
			t.Fatal(err)
		}
	}
}
