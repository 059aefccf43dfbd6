package awshttp

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

// Stream is the answer of an operation that goes on: events, one after another. It
// is used by one goroutine.
type Stream interface {
	// Next waits for the next event. name is what it is called on the wire. io.EOF
	// ends the stream; another error ends it, too, and is told to the client
	// within it, as MapError says. The payload is valid until the next call.
	Next(ctx context.Context) (name string, payload awsproto.Appender, err error)
	// Close is called once when the stream has ended, for whatever reason.
	Close()
}

// EventStream returns the operation that answers with an event stream
// (application/vnd.amazon.eventstream), of which the first frame is the
// initial-response that SDKs insist on. An error of fn is an ordinary answer.
func EventStream[I any, PI interface {
	*I
	awsproto.Input
}](fn func(ctx context.Context, in PI) (Stream, error)) Operation {
	return Operation{open: opener(fn), framing: eventFrames{}}
}

// Lines returns the operation that answers with JSON lines
// (application/x-ndjson): each event is a line. An error of the stream is the
// last one, shaped like the body of an error. An error of fn is an ordinary answer.
func Lines[I any, PI interface {
	*I
	awsproto.Input
}](fn func(ctx context.Context, in PI) (Stream, error)) Operation {
	return Operation{open: opener(fn), framing: lineFrames{}}
}

func opener[I any, PI interface {
	*I
	awsproto.Input
}](fn func(ctx context.Context, in PI) (Stream, error)) func(context.Context, *awsproto.OperationInfo, []byte) (Stream, error) {
	return func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (Stream, error) {
		in := PI(new(I))
		if err := awsproto.Read(body, in, info.ConstraintCode); err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}
}

// framing puts events on the wire.
type framing interface {
	contentType() string
	// begin appends what comes before the first event.
	begin(dst []byte) []byte
	// event appends an event.
	event(dst []byte, name string, payload awsproto.Appender) ([]byte, error)
	// failure appends the error that ends the stream.
	failure(dst []byte, e *awsproto.Error) []byte
}

// streamPatience is how long a client may take to accept one event.
const streamPatience = time.Minute

// maxStreamBuffer bounds the buffer that a stream keeps between events.
const maxStreamBuffer = 256 << 10

// roomHolder is a body whose room in memory is given back before the answer ends.
type roomHolder interface{ ReleaseRoom() }

// stream sends a stream. What goes wrong from now on is told within it.
func (h *Handler) stream(w http.ResponseWriter, r *http.Request, c *call, out *buffer) {
	defer c.stream.Close()
	if body, ok := r.Body.(roomHolder); ok {
		body.ReleaseRoom()
	}
	f := c.operation.framing
	header := w.Header()
	header.Set("Content-Type", f.contentType())
	header["x-amzn-RequestId"] = []string{c.id} // spelled as AWS does
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies would keep events back
	w.WriteHeader(http.StatusOK)
	c.took = time.Since(c.start)

	control := http.NewResponseController(w)
	// A writer without deadlines (a recorder in a test) has no connection to protect.
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	sent, status, code := 0, http.StatusOK, ""
	send := func() bool {
		_ = control.SetWriteDeadline(time.Now().Add(streamPatience))
		n, err := w.Write(out.b)
		if sent += n; err == nil {
			err = control.Flush()
		}
		if err != nil {
			c.cause, status = err, statusGone
		}
		if cap(out.b) > maxStreamBuffer {
			out.b = nil
		}
		return err == nil
	}
	ctx := WithCaller(r.Context(), c.caller(c.info.Name))
	out.b = f.begin(out.b[:0])
	for send() {
		failure := h.nextEvent(ctx, c, out)
		if failure == nil {
			continue
		}
		if failure.HTTPStatus() == statusGone {
			status = statusGone
			break
		}
		if c.eof {
			break
		}
		code = failure.Code
		out.b = f.failure(out.b[:0], failure)
		send()
		break
	}
	finish(h.options, h.log, r, c, status, code, sent)
}

// nextEvent puts the next event into out. An end without an error sets c.eof.
func (h *Handler) nextEvent(ctx context.Context, c *call, out *buffer) (failure *awsproto.Error) {
	defer recovered(h.log, c, &failure)
	name, payload, err := c.stream.Next(ctx)
	if err == nil {
		if out.b, err = c.operation.framing.event(out.b[:0], name, payload); err != nil {
			return internal(c, fmt.Errorf("encode event: %w", err))
		}
		return nil
	}
	if errors.Is(err, io.EOF) {
		c.eof = true
	}
	return c.failure(ctx, err)
}

// lineFrames are JSON lines.
type lineFrames struct{}

func (lineFrames) contentType() string     { return "application/x-ndjson" }
func (lineFrames) begin(dst []byte) []byte { return dst }

func (lineFrames) event(dst []byte, _ string, payload awsproto.Appender) ([]byte, error) {
	dst, err := payload.AppendJSON(dst)
	return append(dst, '\n'), err
}

func (lineFrames) failure(dst []byte, e *awsproto.Error) []byte {
	out, err := e.AppendJSON(dst)
	if err != nil { // its members cannot be encoded
		bare := awsproto.Error{Code: e.Code, Message: e.Message}
		out, _ = bare.AppendJSON(dst)
	}
	return append(out, '\n')
}

// eventFrames are the frames of event streams: the length of all (u32) and of the headers (u32), the CRC32 of these
// eight bytes, the headers, the payload, and the CRC32 of everything before; big endian.
type eventFrames struct{}

const (
	preludeSize      = 12
	headerTypeString = 7
)

func (eventFrames) contentType() string { return "application/vnd.amazon.eventstream" }

func (f eventFrames) begin(dst []byte) []byte {
	dst, _ = f.frame(dst, rawJSON("{}"), ":message-type", "event", ":event-type", "initial-response", ":content-type", "application/json")
	return dst
}

func (f eventFrames) event(dst []byte, name string, payload awsproto.Appender) ([]byte, error) {
	return f.frame(dst, payload, ":message-type", "event", ":event-type", name, ":content-type", "application/json")
}

// failure makes an exception of an error; clients know those of the model by their
// names. Without a status of the client's fault it is still one: a stream has no status.
func (f eventFrames) failure(dst []byte, e *awsproto.Error) []byte {
	payload := append(awsproto.AppendString([]byte(`{"message":`), e.Message), '}')
	dst, _ = f.frame(dst, rawJSON(payload), ":message-type", "exception", ":exception-type", e.Code, ":content-type", "application/json")
	return dst
}

// rawJSON is JSON that is made already.
type rawJSON string

func (r rawJSON) AppendJSON(dst []byte) ([]byte, error) { return append(dst, r...), nil }

// frame appends a frame with headers, which are names and values in turn, each shorter than 256 bytes.
func (eventFrames) frame(dst []byte, payload awsproto.Appender, headers ...string) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, preludeSize)...)
	for i := 0; i < len(headers); i += 2 {
		dst = append(dst, byte(len(headers[i])))
		dst = append(dst, headers[i]...)
		dst = append(dst, headerTypeString)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(headers[i+1])))
		dst = append(dst, headers[i+1]...)
	}
	size := len(dst) - start - preludeSize
	dst, err := payload.AppendJSON(dst)
	if err != nil {
		return dst, err
	}
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)+4))
	binary.BigEndian.PutUint32(frame[4:], uint32(size))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(frame)), nil
}
