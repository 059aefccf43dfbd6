package insights

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// A result file holds the rows of a query, in pages:
//
//	"cumulogr" | page … | directory | u64 offset of the directory | u32 its length | u32 its CRC-32C | "cumulogr"
//
// A page is one zstd frame of rows; a row is its cells, one for each column; a cell is 0 for
// Null, else the length of its text plus one (uvarint), then the text. The directory is
// JSON. Integers are little endian.
const (
	fileMagic   = "cumulogr"
	fileTrailer = 8 + 4 + 4 + 8

	pageRows  = 1000
	pageBytes = 256 << 10 // a page ends with the row that reaches it

	maxDirectory = 64 << 20
	maxPage      = 1 << 30 // of one row: that is what the memory of a query allows
)

// errDamaged is wrapped by errors about result files that cannot be read.
var errDamaged = errors.New("insights: damaged result file")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// directory says where the rows are.
type directory struct {
	Columns []string `json:"columns"`
	Rows    int      `json:"rows"`
	Pages   []page   `json:"pages"`
}

type page struct {
	Offset int64  `json:"offset"`
	Length int    `json:"length"` // stored
	Raw    int    `json:"raw"`
	Sum    uint32 `json:"sum"` // CRC-32C of what is stored
	Rows   int    `json:"rows"`
}

// codec compresses pages. It is safe for concurrent use.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(512<<10), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return codec{}, fmt.Errorf("insights: zstd: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxPage), zstd.WithDecoderLowmem(true))
	if err != nil {
		return codec{}, fmt.Errorf("insights: zstd: %w", err)
	}
	return codec{enc, dec}, nil
}

func (c *codec) close() {
	_ = c.enc.Close()
	c.dec.Close()
}

// rowWriter writes a result file.
type rowWriter struct {
	codec *codec
	to    io.Writer
	at    int64
	dir   directory
	raw   []byte
	rows  int
	out   []byte
}

func newRowWriter(c *codec, to io.Writer, columns []string) (*rowWriter, error) {
	w := &rowWriter{codec: c, to: to, dir: directory{Columns: columns, Pages: []page{}}}
	return w, w.put([]byte(fileMagic))
}

func (w *rowWriter) put(b []byte) error {
	n, err := w.to.Write(b)
	w.at += int64(n)
	return err
}

// cell appends one cell of the present row.
func (w *rowWriter) cell(text []byte, null bool) {
	if null {
		w.raw = append(w.raw, 0)
		return
	}
	w.raw = binary.AppendUvarint(w.raw, uint64(len(text))+1)
	w.raw = append(w.raw, text...)
}

// endRow ends the present row.
func (w *rowWriter) endRow() error {
	w.rows++
	if w.rows < pageRows && len(w.raw) < pageBytes {
		return nil
	}
	return w.flush()
}

func (w *rowWriter) flush() error {
	if w.rows == 0 {
		return nil
	}
	w.out = w.codec.enc.EncodeAll(w.raw, w.out[:0])
	w.dir.Pages = append(w.dir.Pages, page{w.at, len(w.out), len(w.raw), crc32.Checksum(w.out, castagnoli), w.rows})
	w.dir.Rows += w.rows
	w.raw, w.rows = w.raw[:0], 0
	return w.put(w.out)
}

// finish writes the rest and returns the length of the file.
func (w *rowWriter) finish() (int64, error) {
	if err := w.flush(); err != nil {
		return 0, err
	}
	dir, err := json.Marshal(w.dir)
	if err != nil {
		return 0, err
	}
	at := w.at
	b := binary.LittleEndian.AppendUint64(dir, uint64(at))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(dir)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[:len(dir)], castagnoli))
	b = append(b, fileMagic...)
	err = w.put(b)
	return w.at, err
}

// readDirectory reads and checks the directory of a result file.
func readDirectory(f vfs.File) (*directory, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size < int64(len(fileMagic)+fileTrailer) {
		return nil, fmt.Errorf("%w: it has %d bytes", errDamaged, size)
	}
	var tail [fileTrailer]byte
	if _, err := f.ReadAt(tail[:], size-fileTrailer); err != nil {
		return nil, err
	}
	at := binary.LittleEndian.Uint64(tail[:])
	n := int64(binary.LittleEndian.Uint32(tail[8:]))
	if string(tail[16:]) != fileMagic || n > maxDirectory || at > uint64(size) || int64(at)+n+fileTrailer != size {
		return nil, fmt.Errorf("%w: its end does not fit", errDamaged)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, int64(at)); err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(tail[12:]) {
		return nil, fmt.Errorf("%w: its directory has another checksum", errDamaged)
	}
	d := &directory{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	rows := 0
	for _, p := range d.Pages {
		if p.Offset < 0 || p.Offset > int64(at) || p.Length < 0 || int64(p.Length) > int64(at)-p.Offset || p.Raw < 0 || p.Raw > maxPage || p.Rows <= 0 || p.Rows > pageRows {
			return nil, fmt.Errorf("%w: a page does not fit", errDamaged)
		}
		rows += p.Rows
	}
	if rows != d.Rows {
		return nil, fmt.Errorf("%w: its pages have %d rows, not %d", errDamaged, rows, d.Rows)
	}
	return d, nil
}

// readRows calls yield for each cell of the rows [from, to), row by row. text is valid during the
// call only.
func (c *codec) readRows(f vfs.File, d *directory, from, to int, yield func(row, column int, text []byte, null bool)) error {
	at := 0
	var stored, raw []byte
	for _, p := range d.Pages {
		if at+p.Rows <= from {
			at += p.Rows
			continue
		}
		if at >= to {
			return nil
		}
		stored = slices.Grow(stored[:0], p.Length)[:p.Length]
		if _, err := f.ReadAt(stored, p.Offset); err != nil {
			return err
		}
		if crc32.Checksum(stored, castagnoli) != p.Sum {
			return fmt.Errorf("%w: a page has another checksum", errDamaged)
		}
		var err error
		if raw, err = c.dec.DecodeAll(stored, raw[:0]); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		if len(raw) != p.Raw {
			return fmt.Errorf("%w: a page has another length", errDamaged)
		}
		if err := cells(raw, at, p.Rows, len(d.Columns), from, to, yield); err != nil {
			return err
		}
		at += p.Rows
	}
	return nil
}

// cells takes a page apart.
func cells(raw []byte, first, rows, columns, from, to int, yield func(row, column int, text []byte, null bool)) error {
	for row := first; row < first+rows; row++ {
		for col := range columns {
			n, w := binary.Uvarint(raw)
			if w <= 0 || n > uint64(len(raw)-w)+1 {
				return fmt.Errorf("%w: a row does not fit", errDamaged)
			}
			raw = raw[w:]
			text := raw[:max(n, 1)-1]
			raw = raw[len(text):]
			if row >= from && row < to {
				yield(row, col, text, n == 0)
			}
		}
	}
	if len(raw) > 0 {
		return fmt.Errorf("%w: a page has more than its rows", errDamaged)
	}
	return nil
}
