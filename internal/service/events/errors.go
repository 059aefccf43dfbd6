package events

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/store"
)

// Errors of this package beside the not-found errors of groups.
var (
	// ErrBadToken is a paging token that this service did not issue, or issued
	// for another stream or another query.
	ErrBadToken = errors.New("The specified nextToken is invalid.")
	// ErrTimeRange is a start after the end.
	ErrTimeRange = errors.New("startTime must be less than or equal to endTime.")
	// ErrIngestedRange is a start of the ingestion time after its end.
	ErrIngestedRange = errors.New("ingestedFrom must be less than or equal to ingestedTo.")
	// ErrReverse is a search from the newest event back to before 2024, which newer
	// SDKs document as refused.
	ErrReverse = errors.New("startFromHead=false is supported only when startTime is on or after January 1, 2024.")
	// ErrAround is a request for too many events around one.
	ErrAround = errors.New("before and after must be between 0 and 1000.")
	// ErrLimit is a limit outside 1 to MaxPageEvents.
	ErrLimit = errors.New("limit is out of range")
	// ErrClass is a read of a group whose class has no such operation.
	ErrClass = errors.New("This operation is only supported on the Standard log class.")
	// ErrNamesAndPrefix is a filter by stream names and by prefix at once.
	ErrNamesAndPrefix = errors.New("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	// ErrTooManyStreams is a filter by more than MaxStreamNames names.
	ErrTooManyStreams = errors.New("too many log stream names")
	// ErrBadPointer is a record pointer that no event has.
	ErrBadPointer = errors.New("The specified log record pointer is invalid.")
	// ErrMemory is a search that would take more memory than queries have, or
	// than others leave of it for a while. Asking again later may help.
	ErrMemory = errors.New("The search needs more memory than is left for queries. Ask for a shorter time range or fewer log streams, or try again later.")
	// ErrRecordNotFound is a record that is not there any more.
	ErrRecordNotFound = errors.New("The specified log record does not exist.")
)

// scanError is the error of a scan as clients of this package know it.
func scanError(err error) error {
	if errors.Is(err, store.ErrMemory) {
		return fmt.Errorf("%w: %w", ErrMemory, err)
	}
	return err
}
