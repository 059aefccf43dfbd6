package lookups

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	suffix        = ".lookup"
	formatVersion = 1
	// maxHead bounds the line before the body: the names of all columns, with
	// every character escaped, are less than half of it.
	maxHead = 8 << 20
)

// errDamaged is a file that is no lookup table, or that was changed.
var errDamaged = errors.New("damaged lookup table")

var sumTable = crc32.MakeTable(crc32.Castagnoli)

// head is the first line of a file: all but the body.
type head struct {
	Format      int      `json:"format"`
	Account     string   `json:"account"`
	Region      string   `json:"region"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	KMSKeyID    string   `json:"kmsKeyId,omitempty"`
	CreatedMS   int64    `json:"createdMs"`
	UpdatedMS   int64    `json:"updatedMs"`
	Revision    int64    `json:"revision"` // 1 and up, of the body
	Fields      []string `json:"fields"`
	Records     int64    `json:"records"`
	Size        int64    `json:"size"` // of the body
	Sum         uint32   `json:"sum"`  // CRC-32C of the body
}

func (h *head) scope() logs.Scope { return logs.Scope{Account: h.Account, Region: h.Region} }

// fileName returns the name of the file of a table. Names of tables differ by case
// and may be too long for a file.
func fileName(scope logs.Scope, name string) string {
	sum := sha256.Sum256([]byte(scope.Account + "/" + scope.Region + "/" + name))
	return hex.EncodeToString(sum[:16]) + suffix
}

// encode returns the content of a file.
func encode(h *head, body string) ([]byte, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode lookup table: %w", err)
	}
	out := make([]byte, 0, len(line)+1+len(body))
	return append(append(append(out, line...), '\n'), body...), nil
}

// decode takes the content of a whole file apart.
func decode(data []byte) (head, string, error) {
	line, body, found := bytes.Cut(data, []byte{'\n'})
	if !found {
		return head{}, "", fmt.Errorf("%w: no head", errDamaged)
	}
	h, err := decodeHead(line)
	switch {
	case err != nil:
		return head{}, "", err
	case int64(len(body)) != h.Size:
		return head{}, "", fmt.Errorf("%w: body of %d bytes, want %d", errDamaged, len(body), h.Size)
	case crc32.Checksum(body, sumTable) != h.Sum:
		return head{}, "", fmt.Errorf("%w: bad checksum", errDamaged)
	}
	return h, string(body), nil
}

func decodeHead(line []byte) (head, error) {
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return head{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	switch {
	case h.Format != formatVersion:
		return head{}, fmt.Errorf("%w: format %d, this program knows %d", errDamaged, h.Format, formatVersion)
	case h.Name == "" || h.Account == "" || h.Region == "" || len(h.Fields) == 0 || len(h.Fields) > MaxFields ||
		h.Size < 0 || h.Size > MaxBody || h.Records < 0 || h.Records > h.Size/int64(len(h.Fields)): // every field takes a byte
		return head{}, fmt.Errorf("%w: head makes no sense", errDamaged)
	}
	return h, nil
}

// readHead reads the first line of a file.
func readHead(fsys vfs.FS, name string) (head, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return head{}, err
	}
	defer f.Close()
	var line []byte
	for n := 4096; ; n *= 2 {
		line = append(line, make([]byte, n)...)
		m, err := f.ReadAt(line[len(line)-n:], int64(len(line)-n))
		line = line[:len(line)-n+m]
		if before, _, found := bytes.Cut(line, []byte{'\n'}); found {
			return decodeHead(before)
		}
		switch {
		case errors.Is(err, io.EOF):
			return head{}, fmt.Errorf("%w: no head", errDamaged)
		case err != nil:
			return head{}, err
		case len(line) > maxHead:
			return head{}, fmt.Errorf("%w: head of more than %d bytes", errDamaged, maxHead)
		}
	}
}
