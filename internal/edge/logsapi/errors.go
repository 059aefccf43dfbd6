package logsapi

import (
	"errors"
	"net/http"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/anomalies"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/exports"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/lookups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
	"github.com/cumulog/cumulog/internal/service/patterns"
	"github.com/cumulog/cumulog/internal/service/schedules"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// Codes of the service's own errors.
const (
	codeAlreadyExists    = "ResourceAlreadyExistsException"
	codeNotFound         = "ResourceNotFoundException"
	codeLimitExceeded    = "LimitExceededException"
	codeInvalidParameter = awsproto.CodeInvalidParameter
	codeValidation       = awsproto.CodeValidation
	codeTooManyTags      = "TooManyTagsException"
	codeInvalidOperation = "InvalidOperationException"
	codeConflict         = "ConflictException"
	codeQuotaExceeded    = "ServiceQuotaExceededException"
	codeInternalServer   = "InternalServerException"
	codeMalformedQuery   = "MalformedQueryException"
	codeSessionTimeout   = "SessionTimeoutException"   // within a stream
	codeSessionStreaming = "SessionStreamingException" // likewise
	codeAccessDenied     = "AccessDeniedException"
)

// domainErrors gives errors of the services their code and text. A text of ""
// stands for the text of the error itself. Full stops are as the real service
// sends them.
var domainErrors = []struct {
	err  error
	code string
	text string
}{
	{groups.ErrGroupNotFound, codeNotFound, "The specified log group does not exist."},
	{groups.ErrStreamNotFound, codeNotFound, "The specified log stream does not exist."},
	{groups.ErrResourceNotFound, codeNotFound, "The specified resource does not exist."},
	{groups.ErrGroupExists, codeAlreadyExists, "The specified log group already exists"},
	{groups.ErrStreamExists, codeAlreadyExists, "The specified log stream already exists"},
	{groups.ErrGroupLimit, codeLimitExceeded, "Resource limit exceeded."},
	{groups.ErrProtected, codeValidation, "Cannot delete log group with deletion protection enabled. Disable deletion protection first."},
	{groups.ErrStreamProtected, codeValidation, "Cannot delete log stream in a log group with deletion protection enabled. Disable deletion protection first."},
	{groups.ErrFixedRetention, codeValidation, "The retention of log groups in the Delivery log class cannot be changed."},
	{groups.ErrNameAndIdentifier, codeValidation, "LogGroup name and LogGroup ARN are mutually exclusive parameters."},
	{groups.ErrNoName, codeInvalidParameter, "Either logGroupName or logGroupIdentifier must be specified."},
	{groups.ErrPrefixAndPattern, codeInvalidParameter, "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."},
	{groups.ErrPrefixByTime, codeInvalidParameter, "Cannot order by LastEventTime with a logStreamNamePrefix."},
	{groups.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},

	{ingest.ErrEmpty, codeInvalidParameter, ""},
	{ingest.ErrOrder, codeInvalidParameter, ""},
	{ingest.ErrSpan, codeInvalidParameter, ""},

	{events.ErrBadToken, codeInvalidParameter, ""},
	{events.ErrTimeRange, codeInvalidParameter, ""},
	{events.ErrLimit, codeInvalidParameter, ""},
	{events.ErrClass, codeValidation, ""},
	{events.ErrReverse, codeInvalidParameter, ""},
	{events.ErrIngestedRange, codeInvalidParameter, ""},
	{events.ErrAround, codeInvalidParameter, ""},
	{events.ErrNamesAndPrefix, codeInvalidParameter, ""},
	{events.ErrTooManyStreams, codeInvalidParameter, ""},
	{events.ErrBadPointer, codeInvalidParameter, ""},
	{events.ErrRecordNotFound, codeNotFound, ""},

	{explore.ErrTimeRange, codeInvalidParameter, "The specified time is invalid."},
	{explore.ErrDataSource, codeNotFound, ""},

	{insights.ErrNotFound, codeNotFound, "The specified query does not exist."},
	{insights.ErrEnded, codeInvalidParameter, "Query is not running. Queries that have ended cannot be stopped."},
	{insights.ErrGroups, codeInvalidParameter, ""},
	{insights.ErrSourceAndGroups, codeInvalidParameter, ""},
	{insights.ErrTooManyGroups, codeInvalidParameter, ""},
	{insights.ErrTooManySelected, codeInvalidParameter, ""},
	{insights.ErrTimeRange, codeInvalidParameter, ""},
	{insights.ErrClass, codeValidation, ""},
	{insights.ErrBadToken, codeInvalidParameter, ""},
	{insights.ErrDefinitionNotFound, codeNotFound, "The specified query definition does not exist."},
	{insights.ErrDefinitionLimit, codeLimitExceeded, "Resource limit exceeded."},

	{exports.ErrTaskNotFound, codeNotFound, "The specified export task does not exist."},
	{exports.ErrFinished, codeInvalidOperation, "The specified export task has already finished"},
	{exports.ErrTooMany, codeLimitExceeded, "Resource limit exceeded."},
	{exports.ErrTimeRange, codeInvalidParameter, "The specified time range is invalid. from must be less than to."},
	{exports.ErrBeforeGroup, codeInvalidParameter, "The specified time range is invalid. to must not be before the creation time of the log group."},
	{exports.ErrPrefix, codeInvalidParameter, "The specified destinationPrefix is invalid. An S3 object key can have at most 1024 bytes."},
	{exports.ErrNoBucket, codeInvalidParameter, "The given bucket does not exist. Please make sure the bucket is valid."},
	{exports.ErrBucketAccess, codeInvalidParameter, "GetBucketAcl call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation."},
	{exports.ErrBucketPermission, codeInvalidParameter, "Please ensure that the CreateExportTask caller has been granted s3:PutObject access to the bucket."},
	{exports.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},

	{livetail.ErrGroups, codeInvalidParameter, "A live tail session has 1 to 10 log groups."},
	{livetail.ErrNamesAndPrefixes, codeInvalidParameter, ""},
	{livetail.ErrStreamsOfGroups, codeInvalidParameter, ""},
	{livetail.ErrTooManyStreams, codeInvalidParameter, "A live tail session has at most 100 log streams or prefixes."},
	{livetail.ErrClass, codeInvalidOperation, ""},
	{livetail.ErrTooManySessions, codeLimitExceeded, ""},
	{livetail.ErrTimeout, codeSessionTimeout, ""},
	{livetail.ErrClosed, codeSessionStreaming, ""},

	{lookups.ErrNotFound, codeNotFound, "The specified lookup table does not exist."},
	{lookups.ErrExists, codeAlreadyExists, "The specified lookup table already exists"},
	{lookups.ErrTooMany, codeLimitExceeded, "Resource limit exceeded."},
	{lookups.ErrARN, codeInvalidParameter, "The specified lookupTableArn is invalid."},
	{lookups.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},

	{fieldindex.ErrClass, codeInvalidParameter, "Field indexes are only supported for log groups in the Standard log class."},
	{fieldindex.ErrNoPolicy, codeNotFound, "The specified index policy does not exist."},
	{fieldindex.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},

	{metricfilters.ErrNotFound, codeNotFound, "The specified metric filter does not exist."},
	{metricfilters.ErrClass, codeValidation, "This operation is only supported on the Standard log class."},
	{metricfilters.ErrTooMany, codeLimitExceeded, "Resource limit exceeded."},
	{metricfilters.ErrTransformer, codeInvalidOperation, "applyOnTransformedLogs can only be used with a log group that has a transformer."},
	{metricfilters.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},
	{errMetricParts, codeInvalidParameter, "metricName and metricNamespace can only be used together."},

	{subscriptions.ErrFilterNotFound, codeNotFound, "The specified subscription filter does not exist."},
	{subscriptions.ErrDestinationNotFound, codeNotFound, "The specified destination does not exist."},
	{subscriptions.ErrPolicyNotFound, codeNotFound, "The specified account policy does not exist."},
	{subscriptions.ErrLimit, codeLimitExceeded, "Resource limit exceeded."},
	{subscriptions.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},
	{subscriptions.ErrClass, codeValidation, "This operation is only supported on the Standard log class."},
	{subscriptions.ErrTransformer, codeInvalidOperation, "applyOnTransformedLogs can only be used with a log group that has a transformer."},

	{schedules.ErrNotFound, codeNotFound, "The specified scheduled query does not exist."},
	{schedules.ErrExists, codeConflict, "A scheduled query of this name already exists."},
	{schedules.ErrTooMany, codeQuotaExceeded, "The account has the largest number of scheduled queries that is allowed."},
	{schedules.ErrBadToken, codeValidation, "The specified nextToken is invalid."},

	{anomalies.ErrNotFound, codeNotFound, "The specified anomaly detector does not exist."},
	{anomalies.ErrAnomalyNotFound, codeNotFound, "The specified anomaly does not exist."},
	{anomalies.ErrTooMany, codeLimitExceeded, "Resource limit exceeded."},
	{anomalies.ErrClass, codeInvalidParameter, "Anomaly detection is only supported for log groups in the Standard log class."},
	{anomalies.ErrBadToken, codeInvalidParameter, "The specified nextToken is invalid."},
}

// unavailable are the errors of a disk that is full or fails.
var unavailable = []error{groups.ErrUnavailable, ingest.ErrUnavailable, insights.ErrClosed}

// mapError returns the wire form of an error of the services, nil when clients
// must not see it.
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
	if errors.Is(err, schedules.ErrUnavailable) { // before what it wraps: its family has a code of its own
		return &awsproto.Error{
			Code: codeInternalServer, Message: "The service cannot complete the request.", Status: http.StatusInternalServerError,
		}
	}
	for _, u := range unavailable {
		if errors.Is(err, u) {
			return &awsproto.Error{
				Code: awsproto.CodeServiceUnavailable, Message: "The service cannot complete the request.",
				Status: http.StatusInternalServerError,
			}
		}
	}
	if errors.Is(err, events.ErrMemory) {
		return &awsproto.Error{
			Code: awsproto.CodeServiceUnavailable, Message: events.ErrMemory.Error(), Status: http.StatusInternalServerError,
		}
	}
	if e, ok := errors.AsType[*groups.TooManyTagsError](err); ok {
		return &awsproto.Error{
			Code: codeTooManyTags, Message: "The resource can have at most 50 tags.",
			Members: map[string]any{"resourceName": e.ARN},
		}
	}
	if e, ok := errors.AsType[*lookups.TableError](err); ok {
		return &awsproto.Error{Code: codeValidation, Message: e.Error()}
	}
	if e, ok := errors.AsType[*insights.MalformedError](err); ok {
		return &awsproto.Error{
			Code: codeMalformedQuery, Message: e.Message,
			Members: map[string]any{"queryCompileError": compileError(e)},
		}
	}
	if e, ok := errors.AsType[*insights.ConcurrencyError](err); ok {
		return &awsproto.Error{Code: codeLimitExceeded, Message: e.Error()}
	}
	if e, ok := errors.AsType[*subscriptions.AccessError](err); ok {
		return &awsproto.Error{Code: codeAccessDenied, Message: e.Error()}
	}
	if e, ok := errors.AsType[*schedules.ParameterError](err); ok {
		return &awsproto.Error{Code: codeValidation, Message: e.Message}
	}
	if text, ok := parameterText(err); ok {
		return &awsproto.Error{Code: codeInvalidParameter, Message: text}
	}
	return nil
}

func compileError(e *insights.MalformedError) *logswire.QueryCompileError {
	from, to := int32(e.Start), int32(e.End)
	return &logswire.QueryCompileError{
		Location: &logswire.QueryCompileErrorLocation{StartCharOffset: &from, EndCharOffset: &to}, Message: &e.Message,
	}
}

// parameterText returns the sentence of the errors that carry one.
func parameterText(err error) (string, bool) {
	if e, ok := errors.AsType[*groups.ParameterError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*ingest.EventTooLargeError](err); ok {
		return e.Error(), true
	}
	if e, ok := errors.AsType[*ingest.BatchTooLargeError](err); ok {
		return e.Error(), true
	}
	if e, ok := errors.AsType[*insights.ParameterError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*fieldindex.PolicyError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*anomalies.ParameterError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*metricfilters.ParameterError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*subscriptions.ParameterError](err); ok {
		return e.Message, true
	}
	if e, ok := errors.AsType[*patterns.Error](err); ok {
		return e.Text, true
	}
	return "", false
}
