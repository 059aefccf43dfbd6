package metricfilters

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside *ParameterError, groups.ErrGroupNotFound and
// groups.ErrUnavailable.
var (
	ErrClass       = errors.New("log group class has no metric filters")
	ErrNotFound    = errors.New("metric filter does not exist")
	ErrTooMany     = errors.New("too many metric filters of a log group")
	ErrTransformer = errors.New("log group has no transformer")
	ErrBadToken    = errors.New("bad paging token")
)

// ParameterError says what is wrong with a filter: a complete sentence, of the
// real service where it is known.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// Sentences of the real service.
const (
	textPattern      = "Invalid metric filter pattern"
	textNamespace    = "Metric namespaces starting with AWS/ are reserved for AWS."
	textBothDefault  = "Invalid metric transformation: dimensions and default value are mutually exclusive properties"
	textSelector     = "Invalid metric transformation: dimension value must be valid selector"
	textNoDimensions = "The specified filter pattern does not support dimensions"
	textCriteria     = "The provided field selection criteria is invalid"
)

func unavailable(err error) error {
	if errors.Is(err, catalog.ErrFull) {
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}
