package objstore

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"strconv"
	"sync"
)

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

var nvme = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })

// NewHash returns the hash of an algorithm as Checksum names it, or nil when it
// is not known.
func NewHash(algorithm string) hash.Hash {
	switch algorithm {
	case "CRC32":
		return crc32.NewIEEE()
	case "CRC32C":
		return crc32.New(castagnoli())
	case "CRC64NVME":
		return crc64.New(nvme())
	case "SHA1":
		return sha1.New()
	case "SHA256":
		return sha256.New()
	}
	return nil
}

// composite is the checksum of the parts' checksums.
func composite(algorithm string, parts []Part) (Checksum, error) {
	h := NewHash(algorithm)
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.Checksum.Value)
		if err != nil || p.Checksum.Algorithm != algorithm {
			return Checksum{}, fmt.Errorf("part %d has no %s checksum: %w", p.Number, algorithm, ErrInvalidPart)
		}
		h.Write(raw)
	}
	value := base64.StdEncoding.EncodeToString(h.Sum(nil)) + "-" + strconv.Itoa(len(parts))
	return Checksum{Algorithm: algorithm, Value: value, Composite: true}, nil
}

// copyBody copies src to dst until io.EOF, at most limit bytes, and checks the
// length against size when that is ≥ 0. Errors of src are returned as they
// are.
func copyBody(dst io.Writer, src io.Reader, size, limit int64, buf []byte) (int64, error) {
	if size > limit {
		return 0, ErrEntityTooLarge
	}
	if size >= 0 {
		limit = size
	}
	var n int64
	for {
		m, err := src.Read(buf)
		if m > 0 {
			if n += int64(m); n > limit {
				if size >= 0 {
					return n, ErrSizeMismatch
				}
				return n, ErrEntityTooLarge
			}
			if _, werr := dst.Write(buf[:m]); werr != nil {
				return n, werr
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return n, err
		}
	}
	if size >= 0 && n != size {
		return n, ErrSizeMismatch
	}
	return n, nil
}
