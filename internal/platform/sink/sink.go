package sink

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// EncodingGzip is the Encoding of bodies that are compressed.
const EncodingGzip = "gzip"

// Message is what a target gets in one piece.
type Message struct {
	Body        []byte
	ContentType string            // of the body when decoded, such as application/json
	Encoding    string            // "" or EncodingGzip
	Attributes  map[string]string // headers where the target has any; names are letters, digits and "-"
	Key         string            // messages of one key stay in order: partition, ordering key
	Subject     string            // for people, such as the subject of a mail
	Text        string            // the message for people; "" = Body
	ARN         string            // what the message is addressed to; "" = what the pattern of the target says

	// Name tells the message from every other one and is the same when it is sent again; it has no "/". Targets that
	// store messages name them so, and a repeated one replaces the first.
	Name string
	// Events are the log events of the message, for targets that take events (Target.Events); Body is empty then.
	Events []Event
}

// Event is a log event of a message.
type Event struct {
	ID        string
	Account   string
	Region    string
	Group     string
	Stream    string
	Timestamp int64 // ms since the Unix epoch
	Ingestion int64 // ms since the Unix epoch
	Message   []byte
	Fields    []Field // what the filter pattern extracted; nil for most
}

// Field is a named text of an event.
type Field struct{ Name, Value string }

// Sink hands messages over. Its methods are safe for concurrent use. Errors of Send and Check are *Error, or the error of
// the context.
type Sink interface {
	// Send hands messages over in their order and returns when the target has taken all of them, or with an *Error that
	// says how many it took. It keeps nothing of the messages. It tries once.
	Send(ctx context.Context, messages []Message) error
	// Check finds out whether the target would take messages, by means of m where the target takes messages, else without
	// leaving anything there.
	Check(ctx context.Context, m Message) error
	// Close ends connections. Nothing is called after it.
	Close() error
}

// Error is a delivery that did not succeed.
type Error struct {
	// Retry says that the same messages may be taken later: the target is away, too busy, or refuses whoever asks.
	// Otherwise it refuses the first message that it did not take, and will do so again.
	Retry bool
	// Throttled says that the target asked for fewer messages.
	Throttled bool
	// Sent is how many messages, from the first, were taken.
	Sent int
	// After is how long the target asked to wait; 0 when it did not.
	After time.Duration
	Err   error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Failure returns err as *Error: one that may be retried when it is none.
func Failure(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Retry: true, Err: err}
}

// later and refused make errors of the two kinds.
func later(format string, args ...any) *Error {
	return &Error{Retry: true, Err: fmt.Errorf(format, args...)}
}

func refused(format string, args ...any) *Error {
	return &Error{Err: fmt.Errorf(format, args...)}
}

// sentBefore notes how many messages were taken before err.
func sentBefore(n int, err error) error {
	if err == nil {
		return nil
	}
	e := *Failure(err)
	e.Sent += n
	return &e
}

// Target describes what a pattern of ARNs stands for.
type Target struct {
	ARN  string // the pattern
	Type string // the connector, such as "http"
	// Place is where messages go, for people: no secrets in it.
	Place string

	MaxBody     int           // bytes of a body; 0 = any
	MaxMessages int           // messages of one Send; 0 = any
	MaxBytes    int           // bytes of all bodies of one Send; 0 = any
	Events      bool          // takes Message.Events instead of bodies
	Linger      time.Duration // how long to wait for more before a message is sent; 0 = not at all
	Gather      int           // bytes of events that are enough to end the wait; 0 = any
}
