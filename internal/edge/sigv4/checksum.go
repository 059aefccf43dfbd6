package sigv4

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Checksum names an algorithm of x-amz-checksum-* headers, in lower case as in
// the header.
type Checksum string

// The checksum algorithms of S3.
const (
	CRC32     Checksum = "crc32"
	CRC32C    Checksum = "crc32c"
	CRC64NVME Checksum = "crc64nvme"
	SHA1      Checksum = "sha1"
	SHA256    Checksum = "sha256"
)

// crc64Table is built on first use: the polynomial of NVMe, reflected.
var crc64Table = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(0x9a6c9329ac4bc9b5) })

var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// New returns a hash of the algorithm, or nil when it is not known. Its Sum is
// big endian, as S3 writes it in base64.
func (c Checksum) New() hash.Hash {
	switch c {
	case CRC32:
		return crc32.NewIEEE()
	case CRC32C:
		return crc32.New(castagnoli())
	case CRC64NVME:
		return crc64.New(crc64Table())
	case SHA1:
		return sha1.New()
	case SHA256:
		return sha256.New()
	}
	return nil
}

// Upper returns the name as the API writes it: CRC32, CRC64NVME, …
func (c Checksum) Upper() string { return strings.ToUpper(string(c)) }

// Header returns the header that carries the value.
func (c Checksum) Header() string { return "x-amz-checksum-" + string(c) }

// ParseChecksum reads a name in any case.
func ParseChecksum(name string) (Checksum, bool) {
	c := Checksum(strings.ToLower(name))
	return c, c.New() != nil
}

// HeaderChecksum returns the one x-amz-checksum-<algorithm> header of h and
// its value. More than one, an unknown algorithm or a value of the wrong
// length is an *Error. Without such a header the algorithm is "".
func HeaderChecksum(h http.Header) (Checksum, string, error) {
	var found Checksum
	var value string
	for name, values := range h {
		rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-checksum-")
		if !ok || rest == "algorithm" || rest == "type" || rest == "mode" {
			continue
		}
		c := Checksum(rest)
		if c.New() == nil {
			return "", "", refuse(UnsupportedChecksum, "The checksum algorithm "+strconv.Quote(clip(rest))+" is not supported.")
		}
		if found != "" || len(values) != 1 {
			return "", "", refuse(UnsupportedChecksum, "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		found, value = c, values[0]
	}
	if found == "" {
		return "", "", nil
	}
	return found, value, checkForm(found, value)
}

func checkForm(c Checksum, value string) error {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) != c.New().Size() {
		return refuse(UnsupportedChecksum, "Value for x-amz-checksum-"+string(c)+" header is invalid.")
	}
	return nil
}
