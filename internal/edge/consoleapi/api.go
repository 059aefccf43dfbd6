// Package consoleapi answers what people ask of logs and AWS's operations cannot
// say: search by time of arrival and newest first, the neighbours of an event,
// counts over time, values of fields, explanations of patterns, events while they arrive. It is a JSON 1.1
// service of its own, described in docs/console-api.md: POST /_/api/<Operation>,
// signed like calls of CloudWatch Logs.
package consoleapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/patterns"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// API answers the operations of the console API.
type API struct {
	events   *events.Service
	explore  *explore.Service
	insights *insights.Service
	tails    *livetail.Service

	subscriptions *subscriptions.Service
}

// New returns the API over services.
func New(e *events.Service, x *explore.Service, i *insights.Service, t *livetail.Service, s *subscriptions.Service) *API {
	return &API{e, x, i, t, s}
}

// Service returns what awshttp needs to serve the API.
func (a *API) Service() awshttp.Service {
	return awshttp.Service{
		TargetPrefix: consolewire.TargetPrefix,
		SigningName:  consolewire.SigningName,
		Operations: map[string]awshttp.Operation{
			"CountEvents":     awshttp.JSON(a.countEvents),
			"ExplainPattern":  awshttp.JSON(a.explainPattern),
			"ExplainQuery":    awshttp.JSON(a.explainQuery),
			"GetEventContext": awshttp.JSON(a.getEventContext),
			"GetFacets":       awshttp.JSON(a.getFacets),
			"ListDeadLetters": awshttp.JSON(a.listDeadLetters),
			"ListDeliveries":  awshttp.JSON(a.listDeliveries),
			"SearchEvents":    awshttp.JSON(a.searchEvents),
			"Tail":            awshttp.Lines(a.tail),
		},
		Known:    consolewire.Lookup,
		MapError: mapError,
	}
}

func scopeOf(ctx context.Context) logs.Scope { return awshttp.CallerFrom(ctx).Scope }

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func ptr[T any](v T) *T { return &v }

const codeNotFound = "ResourceNotFoundException"

// domainErrors gives errors of the services their codes. A text of "" stands for
// that of the error.
var domainErrors = []struct {
	err  error
	code string
	text string
}{
	{groups.ErrGroupNotFound, codeNotFound, "The specified log group does not exist."},
	{groups.ErrStreamNotFound, codeNotFound, "The specified log stream does not exist."},
	{events.ErrRecordNotFound, codeNotFound, "The specified event does not exist."},
	{events.ErrBadPointer, awsproto.CodeInvalidParameter, "The specified eventId is invalid."},
	{events.ErrBadToken, awsproto.CodeInvalidParameter, ""},
	{events.ErrTimeRange, awsproto.CodeInvalidParameter, ""},
	{events.ErrIngestedRange, awsproto.CodeInvalidParameter, ""},
	{events.ErrReverse, awsproto.CodeInvalidParameter, ""},
	{events.ErrLimit, awsproto.CodeInvalidParameter, ""},
	{events.ErrClass, awsproto.CodeInvalidParameter, ""},
	{events.ErrNamesAndPrefix, awsproto.CodeInvalidParameter, ""},
	{events.ErrTooManyStreams, awsproto.CodeInvalidParameter, ""},
	{events.ErrAround, awsproto.CodeInvalidParameter, ""},
	{explore.ErrTimeRange, awsproto.CodeInvalidParameter, ""},
	{explore.ErrBuckets, awsproto.CodeInvalidParameter, ""},
	{explore.ErrFields, awsproto.CodeInvalidParameter, ""},
	{explore.ErrSystemField, awsproto.CodeInvalidParameter, ""},
	{explore.ErrGroups, awsproto.CodeInvalidParameter, ""},
	{explore.ErrPrefix, awsproto.CodeInvalidParameter, ""},
	{explore.ErrTop, awsproto.CodeInvalidParameter, ""},
	{insights.ErrGroups, awsproto.CodeInvalidParameter, ""},
	{insights.ErrSourceAndGroups, awsproto.CodeInvalidParameter, ""},
	{insights.ErrTooManyGroups, awsproto.CodeInvalidParameter, ""},
	{insights.ErrTooManySelected, awsproto.CodeInvalidParameter, ""},
	{insights.ErrTimeRange, awsproto.CodeInvalidParameter, ""},
	{insights.ErrClass, awsproto.CodeInvalidParameter, ""},
	{insights.ErrExplainNeedsRun, awsproto.CodeInvalidParameter, ""},
	{subscriptions.ErrBadToken, awsproto.CodeInvalidParameter, "The specified nextToken is invalid."},
	{livetail.ErrGroups, awsproto.CodeInvalidParameter, ""},
	{livetail.ErrNamesAndPrefixes, awsproto.CodeInvalidParameter, ""},
	{livetail.ErrStreamsOfGroups, awsproto.CodeInvalidParameter, ""},
	{livetail.ErrTooManyStreams, awsproto.CodeInvalidParameter, ""},
	{livetail.ErrClass, awsproto.CodeInvalidParameter, ""},
	{livetail.ErrTooManySessions, "LimitExceededException", ""},
	{livetail.ErrTimeout, "SessionTimeoutException", ""},
	{livetail.ErrClosed, "SessionStreamingException", ""},
}

// mapError returns the wire form of an error of the services, nil when clients
// must not see it. A pattern that is wrong also tells the place, the reason and a
// hint.
func mapError(err error) *awsproto.Error {
	for _, d := range domainErrors {
		if errors.Is(err, d.err) {
			text := d.text
			if text == "" {
				text = d.err.Error()
			}
			return &awsproto.Error{Code: d.code, Message: text}
		}
	}
	if errors.Is(err, events.ErrMemory) || errors.Is(err, groups.ErrUnavailable) {
		text := "The service cannot complete the request."
		if errors.Is(err, events.ErrMemory) {
			text = events.ErrMemory.Error()
		}
		return &awsproto.Error{Code: awsproto.CodeServiceUnavailable, Message: text, Status: http.StatusInternalServerError}
	}
	if e, ok := errors.AsType[*patterns.Error](err); ok {
		members := map[string]any{"reason": e.Reason, "position": map[string]any{"start": e.Start, "end": e.End}}
		if e.Hint != "" {
			members["hint"] = e.Hint
		}
		return &awsproto.Error{Code: awsproto.CodeInvalidParameter, Message: e.Text, Members: members}
	}
	if e, ok := errors.AsType[*insights.MalformedError](err); ok {
		members := map[string]any{"position": map[string]any{"start": e.Start, "end": e.End}}
		return &awsproto.Error{Code: awsproto.CodeInvalidParameter, Message: e.Message, Members: members}
	}
	if e, ok := errors.AsType[*insights.ParameterError](err); ok {
		return &awsproto.Error{Code: awsproto.CodeInvalidParameter, Message: e.Message}
	}
	if e, ok := errors.AsType[*groups.ParameterError](err); ok {
		return &awsproto.Error{Code: awsproto.CodeInvalidParameter, Message: e.Message}
	}
	return nil
}
