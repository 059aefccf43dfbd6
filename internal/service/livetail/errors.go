package livetail

import "errors"

// Errors that callers tell apart. Their texts are what clients see.
var (
	// ErrGroups: no group, or too many.
	ErrGroups = errors.New("a live tail session has 1 to 10 log groups")
	// ErrNamesAndPrefixes: both were given.
	ErrNamesAndPrefixes = errors.New("Only one of logStreamNames or logStreamNamePrefixes can be provided.")
	// ErrStreamsOfGroups: names or prefixes were given with more than one group.
	ErrStreamsOfGroups = errors.New("logStreamNames and logStreamNamePrefixes can only be used with a single log group.")
	// ErrTooManyStreams: more names or prefixes than MaxStreams.
	ErrTooManyStreams = errors.New("a live tail session has at most 100 log streams or prefixes")
	// ErrClass: the class of the group has no live tail.
	ErrClass = errors.New("This operation is only supported on the Standard log class.")
	// ErrTooManySessions: the limit of sessions is reached.
	ErrTooManySessions = errors.New("Live Tail session limit exceeded.")

	// ErrTimeout ends a session that has lasted its time.
	ErrTimeout = errors.New("Live Tail session has timed out.")
	// ErrClosed ends sessions when the service stops.
	ErrClosed = errors.New("Live Tail session was ended by the server.")
)
