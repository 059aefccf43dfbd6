package groups

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Errors that callers tell apart. The edge gives each its code and text.
var (
	ErrGroupNotFound    = errors.New("log group does not exist")
	ErrStreamNotFound   = errors.New("log stream does not exist")
	ErrResourceNotFound = errors.New("resource does not exist") // of an ARN in a tag call
	ErrGroupExists      = errors.New("log group already exists")
	ErrStreamExists     = errors.New("log stream already exists")
	ErrGroupLimit       = errors.New("too many log groups")

	// ErrProtected: the group has deletion protection.
	ErrProtected = errors.New("log group is protected from deletion")
	// ErrStreamProtected: the group of the stream has deletion protection.
	ErrStreamProtected = errors.New("log stream is in a log group that is protected from deletion")
	// ErrFixedRetention: groups of class DELIVERY have a retention that cannot
	// be changed.
	ErrFixedRetention = errors.New("retention of this log group class is fixed")

	ErrNameAndIdentifier = errors.New("name and identifier of the log group are mutually exclusive")
	ErrNoName            = errors.New("neither name nor identifier of the log group")
	ErrPrefixAndPattern  = errors.New("name prefix and name pattern are mutually exclusive")
	ErrPrefixByTime      = errors.New("cannot order by last event time with a name prefix")

	// ErrBadToken: the paging token is malformed, of another query, or expired.
	ErrBadToken = errors.New("bad paging token")

	// ErrUnavailable: the disk is full or failed; the same call may succeed
	// later.
	ErrUnavailable = errors.New("storage unavailable")
)

// ParameterError says that a parameter has a value that is refused. Message is
// a complete sentence for the caller.
type ParameterError struct {
	Message string
}

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{Message: fmt.Sprintf(format, args...)}
}

// TooManyTagsError says that a resource would have more than MaxTags tags.
type TooManyTagsError struct {
	ARN string
}

func (e *TooManyTagsError) Error() string {
	return fmt.Sprintf("%s would have more than %d tags", e.ARN, MaxTags)
}

// translate gives errors of the catalog their meaning here. notFound and
// exists are what ErrNotFound and ErrExists stand for in the call.
func translate(err, notFound, exists error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrNotFound) && notFound != nil:
		return notFound
	case errors.Is(err, catalog.ErrExists) && exists != nil:
		return exists
	case errors.Is(err, catalog.ErrConflict):
		return ErrProtected
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
