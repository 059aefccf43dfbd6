package exports

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

const contentType = "application/x-gzip"

// gzipHeader says deflate, no name, no time, fastest, unknown system.
var gzipHeader = [...]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255}

// object gathers the next object of a stream.
type object struct {
	st     groups.Stream
	folder string
	at     mark // behind the last object that was written

	raw    []byte   // lines to be compressed
	out    [][]byte // a gzip file so far: header and whole deflate blocks
	packed int      // bytes of out
	crc    uint32   // of the lines in out
	lines  int64    // bytes of lines, raw too
	events int64
	last   logs.Key // of the last event

	flying  bool // the object before is being written
	unsaved bool // the object before is written, which the catalog does not know
}

// held is the memory that the object takes.
func (o *object) held() int { return cap(o.raw) + o.packed }

// clear forgets everything gathered.
func (o *object) clear() {
	o.raw, o.out, o.packed, o.crc, o.lines, o.events = nil, nil, 0, 0, 0, 0
}

// compressor is shared by all objects: each piece of lines is compressed from
// an empty window to whole deflate blocks, so that an object under way needs
// no memory beyond its bytes.
type compressor struct {
	z   *flate.Writer
	buf bytes.Buffer
}

func newCompressor() *compressor {
	z, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic("exports: " + err.Error()) // the level is a constant
	}
	return &compressor{z: z}
}

// compress moves the lines of o from raw to out; last completes the gzip file.
// Writing to memory does not fail.
func (c *compressor) compress(o *object, last bool) {
	c.buf.Reset()
	if len(o.out) == 0 {
		c.buf.Write(gzipHeader[:])
	}
	c.z.Reset(&c.buf)
	c.z.Write(o.raw)
	o.crc = crc32.Update(o.crc, crc32.IEEETable, o.raw)
	if last {
		c.z.Close()
		var trailer [8]byte
		binary.LittleEndian.PutUint32(trailer[:], o.crc)
		binary.LittleEndian.PutUint32(trailer[4:], uint32(o.lines))
		c.buf.Write(trailer[:])
	} else {
		c.z.Flush()
	}
	o.raw = o.raw[:0]
	o.out = append(o.out, bytes.Clone(c.buf.Bytes()))
	o.packed += c.buf.Len()
}

// body reads out.
func (o *object) body() io.Reader {
	if len(o.out) == 1 {
		return bytes.NewReader(o.out[0])
	}
	pieces := make([]io.Reader, len(o.out))
	for i, p := range o.out {
		pieces[i] = bytes.NewReader(p)
	}
	return io.MultiReader(pieces...)
}
