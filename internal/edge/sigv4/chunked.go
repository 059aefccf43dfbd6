package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Bounds on the framing. AWS asks for chunks of at least 8 KiB; smaller ones
// are accepted.
const (
	maxChunkLine   = 256
	maxTrailerLine = 4096
	maxTrailers    = 16
)

// chunkReader undoes aws-chunked:
//
//	hex-size[;chunk-signature=<64 hex>] CRLF data CRLF … 0[;chunk-signature=…] CRLF
//	[name:value CRLF …] [x-amz-trailer-signature:<64 hex> CRLF] CRLF
//
// With a key every chunk's signature is checked as its last byte is read, so
// bytes are handed out before they are proved; the reader of Body commits
// only at io.EOF.
type chunkReader struct {
	signed  bool // chunk signatures are present
	trailer bool

	key                    []byte // nil: signatures are not checked
	stamp, scope, previous string

	r         *bufio.Reader
	left      int64 // of the current chunk
	allowed   int64 // decoded bytes that may still come
	inChunk   bool
	signature string
	sha       hash.Hash
	trailers  map[string]string
	done      bool
}

func (c *chunkReader) init(r io.Reader, size int64) {
	c.r = bufio.NewReaderSize(r, 32<<10)
	c.allowed = size
	if c.key != nil {
		c.sha = sha256.New()
	}
}

func broken(what string) error {
	return refuse(IncompleteBody, "The request body terminated unexpectedly or its chunks are malformed: "+what)
}

// Read implements io.Reader.
func (c *chunkReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.done {
		return 0, io.EOF
	}
	if !c.inChunk {
		if err := c.begin(); err != nil {
			return 0, err
		}
		if c.done {
			return 0, io.EOF
		}
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.r.Read(p)
	c.left -= int64(n)
	if c.sha != nil {
		c.sha.Write(p[:n])
	}
	if c.left == 0 {
		return n, c.end()
	}
	if err != nil {
		return n, cut(err)
	}
	return n, nil
}

// cut turns the end of the stream inside the framing into a broken body.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return broken("early end")
	}
	return err
}

// begin reads a chunk header; the last chunk also takes the trailer.
func (c *chunkReader) begin() error {
	line, err := c.line(maxChunkLine)
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	length, err := strconv.ParseUint(size, 16, 63)
	if err != nil {
		return broken("chunk size")
	}
	c.left = int64(length)
	if c.signed {
		value, ok := strings.CutPrefix(strings.TrimSpace(extension), "chunk-signature=")
		if !ok || len(value) != 64 || !hexDigits(value) {
			return broken("chunk signature")
		}
		c.signature = value
	}
	if c.left > c.allowed {
		return broken("more bytes than x-amz-decoded-content-length")
	}
	c.allowed -= c.left
	if c.left > 0 {
		c.inChunk = true
		return nil
	}
	if err := c.check(); err != nil {
		return err
	}
	if err := c.tail(); err != nil {
		return err
	}
	c.done = true
	return nil
}

// end closes a chunk: its CRLF and its signature.
func (c *chunkReader) end() error {
	c.inChunk = false
	var crlf [2]byte
	if _, err := io.ReadFull(c.r, crlf[:]); err != nil {
		return cut(err)
	}
	if crlf != [2]byte{'\r', '\n'} {
		return broken("chunk end")
	}
	return c.check()
}

func (c *chunkReader) check() error {
	if c.key == nil {
		return nil
	}
	want := hmacHex(c.key, "AWS4-HMAC-SHA256-PAYLOAD", c.stamp, c.scope, c.previous, emptyHash, hex.EncodeToString(c.sha.Sum(nil)))
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.signature)) != 1 {
		return refuse(Mismatch, textMismatch)
	}
	c.previous = want
	c.sha.Reset()
	return nil
}

// tail reads the trailer headers and demands that nothing follows. Clients
// end the trailer with an empty line; the end of the body in its place is
// accepted, as some leave it out.
func (c *chunkReader) tail() error {
	var signed bytes.Buffer
	for n := 0; ; n++ {
		if _, err := c.r.Peek(1); errors.Is(err, io.EOF) && (n > 0 || !c.trailer) {
			break
		}
		line, err := c.line(maxTrailerLine)
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if !c.trailer || n >= maxTrailers {
			return refuse(MalformedTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if _, twice := c.trailers[name]; !ok || name == "" || twice {
			return refuse(MalformedTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
		if c.trailers == nil {
			c.trailers = make(map[string]string)
		}
		c.trailers[name] = value
		if name != "x-amz-trailer-signature" {
			signed.WriteString(name + ":" + value + "\n")
		}
	}
	if _, err := c.r.ReadByte(); !errors.Is(err, io.EOF) {
		if err != nil {
			return cut(err)
		}
		return broken("bytes after the last chunk")
	}
	if c.key == nil || !c.trailer {
		return nil
	}
	sum := sha256.Sum256(signed.Bytes())
	want := hmacHex(c.key, "AWS4-HMAC-SHA256-TRAILER", c.stamp, c.scope, c.previous, hex.EncodeToString(sum[:]))
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.trailers["x-amz-trailer-signature"])) != 1 {
		return refuse(Mismatch, textMismatch)
	}
	return nil
}

// line reads up to CRLF or LF; longer lines are refused.
func (c *chunkReader) line(limit int) (string, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		return "", cut(err)
	}
	if len(line) > limit || err != nil {
		return "", broken("line too long")
	}
	line = bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
	return string(line), nil
}
