package ingest

import (
	"errors"
	"fmt"
)

// Errors of Put beside those of the groups package. All of them leave nothing
// stored.
var (
	// ErrEmpty is a batch without events.
	ErrEmpty = errors.New("the batch holds no events")
	// ErrBadBatch is a batch whose slices contradict each other, or that
	// holds an empty message, a negative timestamp or more than
	// logs.MaxBatchEvents events. The edge refuses such requests before.
	ErrBadBatch = errors.New("malformed batch")
	// ErrOrder is a batch whose timestamps go backwards.
	ErrOrder = errors.New("Log events in a single PutLogEvents request must be in chronological order.")
	// ErrSpan is a batch whose events inside the acceptance window lie more
	// than 24 hours apart.
	ErrSpan = errors.New("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	// ErrUnavailable is returned while the store cannot write: the disk is
	// full or failing. Nothing was stored; the caller may retry.
	ErrUnavailable = errors.New("the store cannot take writes now")
)

// EventTooLargeError is an event over MaxEventBytes. Its text is the
// service's own.
type EventTooLargeError struct{ Bytes int }

// Error returns the service's sentence.
func (e *EventTooLargeError) Error() string {
	return fmt.Sprintf("Log event too large: %d bytes exceeds limit of %d", e.Bytes, MaxEventBytes)
}

// BatchTooLargeError is a batch over MaxBatchBytes. Its text is the service's
// own.
type BatchTooLargeError struct{ Bytes int }

// Error returns the service's sentence.
func (e *BatchTooLargeError) Error() string {
	return fmt.Sprintf("Upload too large: %d bytes exceeds limit of %d", e.Bytes, MaxBatchBytes)
}
