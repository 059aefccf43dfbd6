package anomalies

import (
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside *ParameterError, *patterns.Error,
// groups.ErrGroupNotFound, *groups.ParameterError, *groups.TooManyTagsError and
// groups.ErrUnavailable.
var (
	ErrNotFound        = errors.New("anomaly detector does not exist")
	ErrAnomalyNotFound = errors.New("anomaly does not exist")
	ErrTooMany         = errors.New("too many anomaly detectors")
	ErrClass           = errors.New("log group class has no anomaly detection")
	ErrBadToken        = errors.New("bad paging token")
)

// ParameterError says what is wrong with a request: a complete sentence.
type ParameterError struct{ Message string }

func (e *ParameterError) Error() string { return e.Message }

func parameterf(format string, args ...any) error {
	return &ParameterError{fmt.Sprintf(format, args...)}
}

// translate gives errors of the catalog their meaning.
func translate(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, catalog.ErrFull):
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}
