package awshttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

const (
	// maxPooled bounds the buffers that are kept for the next request.
	maxPooled = 4 << 20
	// firstRead bounds what is reserved on a client's word for the length.
	firstRead = 1<<20 + 128<<10
	// maxDrain bounds what is read and thrown away of a body over the limit,
	// so that a client that sends all before it listens sees the answer and
	// no broken connection.
	maxDrain = 64 << 20
)

// errGone tells that the client went away, or sent a body that ended early.
var errGone = errors.New("request body ended early")

// buffer is a byte slice that is reused.
type buffer struct{ b []byte }

// bufferPool keeps buffers of one use, since requests and answers differ in
// size by orders of magnitude.
type bufferPool struct{ pool sync.Pool }

var bodies, answers bufferPool

func (p *bufferPool) get() *buffer {
	if b, ok := p.pool.Get().(*buffer); ok {
		return b
	}
	return new(buffer)
}

func (p *bufferPool) put(b *buffer) {
	if cap(b.b) <= maxPooled {
		b.b = b.b[:0]
		p.pool.Put(b)
	}
}

// readBody reads the body of r into buf, at most limit bytes.
func readBody(r *http.Request, buf *buffer, limit int64) error {
	if r.ContentLength > limit {
		drain(r)
		return awsproto.TooLarge(limit)
	}
	if err := buf.fill(r.Body, limit, r.ContentLength); err != nil {
		if errors.Is(err, errOver) {
			drain(r)
			return awsproto.TooLarge(limit)
		}
		return errors.Join(errGone, err)
	}
	return nil
}

// drain reads what remains of a body that is refused.
func drain(r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return // the client waits for our word before it sends; reading would ask for the body
	}
	if r.ContentLength > maxDrain {
		return // it would not end within the bound anyway
	}
	// The answer is the refusal, whether or not the rest arrives.
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
}

var errOver = errors.New("over the limit")

// fill replaces the content of b by what in holds; expect is its length, or
// -1.
func (b *buffer) fill(in io.Reader, limit, expect int64) error {
	b.b = b.b[:0]
	if want := min(expect, firstRead) + 1; want > int64(cap(b.b)) {
		b.b = make([]byte, 0, want)
	}
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := in.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		switch {
		case int64(len(b.b)) > limit:
			return errOver
		case err == io.EOF: //nolint:errorlint // readers return the bare value
			return nil
		case err != nil:
			return err
		}
	}
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// decompress undoes the Content-Encoding of a body in place, by way of a
// second buffer.
func decompress(encoding string, body *buffer, limit int64) error {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
	default:
		return awsproto.Serialization("Content-Encoding %q is not supported.", clip(encoding))
	}
	zr := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(zr)
	plain := bodies.get()
	defer bodies.put(plain)
	err := zr.Reset(bytes.NewReader(body.b))
	if err == nil {
		err = plain.fill(zr, limit, -1)
	}
	switch {
	case err == nil:
		plain.b, body.b = body.b, plain.b
		return nil
	case errors.Is(err, errOver):
		return awsproto.TooLarge(limit)
	}
	return awsproto.Serialization("The gzip body cannot be decompressed: %s.", strings.TrimPrefix(err.Error(), "gzip: "))
}
