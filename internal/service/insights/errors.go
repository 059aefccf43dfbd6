package insights

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside groups.ErrGroupNotFound and
// groups.ErrUnavailable. Where the text is a sentence it is what clients read.
var (
	// ErrNotFound: there is no query of that id (any more).
	ErrNotFound = errors.New("query does not exist")
	// ErrEnded: the query that is to be stopped has ended.
	ErrEnded = errors.New("query has ended")
	// ErrGroups: none or several of the ways to name groups were used.
	ErrGroups = errors.New("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be specified.")
	// ErrSourceAndGroups: the query names its groups itself, and the request names some too.
	ErrSourceAndGroups = errors.New("Log groups must be specified either in the query or as parameters of the request, not both.")
	// ErrTooManyGroups: the request names more than MaxNamed groups.
	ErrTooManyGroups = errors.New("Too many log groups specified")
	// ErrTooManySelected: SOURCE selects more than MaxGroups groups.
	ErrTooManySelected = errors.New("The query selects more than 10000 log groups. Narrow the selection of its SOURCE command.")
	// ErrTimeRange: the range is negative or ends before it begins.
	ErrTimeRange = errors.New("startTime and endTime must not be negative, and startTime must not be after endTime.")
	// ErrClass: a group is of a class that cannot be queried.
	ErrClass = errors.New("Log groups of this log class cannot be queried.")
	// ErrBadToken: the paging token is malformed, of another listing, or expired.
	ErrBadToken = errors.New("The specified nextToken is invalid.")
	// ErrDefinitionNotFound: there is no saved query of that id.
	ErrDefinitionNotFound = errors.New("query definition does not exist")
	// ErrDefinitionLimit: the account has MaxDefinitions saved queries.
	ErrDefinitionLimit = errors.New("too many query definitions")
	// ErrClosed: the service was closed.
	ErrClosed = errors.New("the query service is closed")
)

// Reasons of queries that ended without an answer.
var (
	errStopped  = errors.New("The query was stopped.")
	errTimeout  = errors.New("The query ran longer than is allowed.")
	errShutdown = errors.New("The server was stopped while the query ran.")
)

const crashReason = "The server ended before the result of the query was written."

// ParameterError says that a parameter has a value that is refused. Message is
// a complete sentence for the caller.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// MalformedError says what is wrong with the text of a query, and where: Start
// and End are characters of the text, from 0.
type MalformedError struct {
	Start, End int
	Message    string
}

func (e *MalformedError) Error() string { return e.Message }

// malformed gives errors of the languages their form here; others stay.
func malformed(err error) error {
	if e, ok := errors.AsType[*insightsql.Error](err); ok {
		return &MalformedError{e.Start, e.End, e.Message}
	}
	return err
}

// ConcurrencyError says that too many queries are under way.
type ConcurrencyError struct{ Limit int }

func (e *ConcurrencyError) Error() string {
	return fmt.Sprintf("Account maximum query concurrency limit of [%d] reached.", e.Limit)
}

// translate gives errors of the catalog their meaning here.
func translate(err, notFound error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, catalog.ErrNotFound) && notFound != nil:
		return notFound
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}
