package objstore

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// meta is the metadata file of an object, and its journal entry in tmp.
type meta struct {
	Format   int       `json:"format"`
	Bucket   string    `json:"bucket"`
	Key      string    `json:"key"`
	Version  int64     `json:"version"` // grows with every write of the store
	Size     int64     `json:"size"`
	CRC32C   uint32    `json:"crc32c"` // of the content
	ETag     string    `json:"etag"`
	Modified time.Time `json:"modified"`
	Metadata
	Checksum *Checksum `json:"checksum,omitempty"`
}

func (m *meta) object() Object {
	o := Object{Key: m.Key, Size: m.Size, ETag: m.ETag, Modified: m.Modified, Metadata: m.Metadata}
	if m.Checksum != nil {
		o.Checksum = *m.Checksum
	}
	return o
}

func parseMeta(data []byte) (*meta, error) {
	m := new(meta)
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if m.Format != metaFormat || m.Size < 0 || m.ETag == "" || CheckKey(m.Key) != nil || CheckBucketName(m.Bucket) != nil {
		return nil, fmt.Errorf("%w: a field is missing or of an unknown format", ErrCorrupt)
	}
	return m, nil
}

// readMeta returns nil when there is no metadata.
func (l *Local) readMeta(name string) (*meta, error) {
	data, err := vfs.ReadFile(l.fs, name, maxRecord)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseMeta(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// describe makes the Object of a file; b.ns is held. A file without metadata,
// or of another size than its metadata says, was put there by other means than
// this store: it is an object too, with an ETag made of size and time, in the
// form of a multipart ETag so that no client takes it for an MD5.
func (l *Local) describe(b *bucketState, key string, info vfs.Info) (Object, error) {
	m := b.pending[key]
	if m == nil {
		var err error
		if m, err = l.readMeta(l.metaPath(b.bucket.Name, key)); err != nil {
			return Object{}, err
		}
	}
	if m != nil && m.Size == info.Size && m.Key == key {
		return m.object(), nil
	}
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(info.Size))
	binary.BigEndian.PutUint64(id[8:], uint64(info.Modified.UnixNano()))
	sum := md5.Sum(id[:])
	return Object{Key: key, Size: info.Size, ETag: hex.EncodeToString(sum[:]) + "-1", Modified: info.Modified.UTC()}, nil
}

// find returns the file and description of a key.
func (l *Local) find(b *bucketState, key string) (string, Object, error) {
	b.ns.RLock()
	defer b.ns.RUnlock()
	path, info, err := l.locate(b.bucket.Name, key)
	if err != nil {
		return "", Object{}, err
	}
	o, err := l.describe(b, key, info)
	return path, o, err
}

func isNotDir(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, errPathTooLong)
}

// errPathTooLong also means that nothing can be there.
var errPathTooLong = syscall.ENAMETOOLONG
