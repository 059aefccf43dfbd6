package metricsapi

import (
	"errors"
	"net/http"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// domainErrors gives errors of the services their code and text. A text of "" stands for
// the message of the *metrics.Error that was returned.
var domainErrors = []struct {
	err  error
	code string
	text string
}{
	{alarms.ErrNotFound, metricswire.CodeResourceNotFound, "The named resource does not exist."},
	{alarms.ErrTooMany, metricswire.CodeLimitExceededFault, "The maximum limit for number of alarms has been reached."},
	{alarms.ErrBadToken, metricswire.CodeInvalidNextToken, "The specified next token is invalid."},
	{metrics.ErrInvalidValue, metricswire.CodeInvalidParameterValueException, ""},
	{metrics.ErrInvalidCombination, metricswire.CodeInvalidParameterCombinationException, ""},
	{metrics.ErrMissing, metricswire.CodeMissingRequiredParameterException, ""},
	{metrics.ErrValidation, awsproto.CodeValidationError, ""},
	{metrics.ErrInvalidToken, metricswire.CodeInvalidNextToken, ""},
	{metrics.ErrDashboardNotFound, metricswire.CodeDashboardNotFoundError, "The specified dashboard does not exist."},
	{metrics.ErrTooManyMetrics, metricswire.CodeLimitExceededFault, ""},
	{alarms.ErrReasonData, metricswire.CodeInvalidFormatFault, "StateReasonData must be valid JSON."},
}

// unavailable are the errors of a disk that is full or fails.
var unavailable = []error{alarms.ErrUnavailable, metrics.ErrUnavailable, groups.ErrUnavailable}

// mapError returns the wire form of an error of the services, nil when clients
// must not see it.
func mapError(err error) *awsproto.Error {
	for _, d := range domainErrors {
		if errors.Is(err, d.err) {
			text := d.text
			if e, ok := errors.AsType[*metrics.Error](err); ok && text == "" {
				text = e.Message
			}
			return &awsproto.Error{Code: d.code, Message: text}
		}
	}
	for _, u := range unavailable {
		if errors.Is(err, u) {
			return &awsproto.Error{
				Code: metricswire.CodeInternalServiceFault, Message: "The service cannot complete the request.",
				Status: http.StatusInternalServerError,
			}
		}
	}
	if e, ok := errors.AsType[*alarms.ParameterError](err); ok {
		return awsproto.Errorf(awsproto.CodeValidationError, "%s", e.Message)
	}
	return nil
}
