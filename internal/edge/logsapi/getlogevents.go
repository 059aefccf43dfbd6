package logsapi

import (
	"context"
	"strconv"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func (a *API) getLogEvents(ctx context.Context, in *logswire.GetLogEventsInput) (*getLogEventsOutput, error) {
	group, err := groupOf(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	page, err := a.events.Get(ctx, awshttp.CallerFrom(ctx).Scope, events.GetRequest{
		Group:    group,
		Stream:   value(in.LogStreamName),
		Start:    in.StartTime,
		End:      in.EndTime,
		Limit:    int(value(in.Limit)),
		Token:    value(in.NextToken),
		FromHead: value(in.StartFromHead),
	})
	if err != nil {
		return nil, err
	}
	return &getLogEventsOutput{page}, nil
}

// groupOf returns the one of name and identifier that is given.
func groupOf(name, identifier *string) (string, error) {
	switch {
	case name != nil && identifier != nil:
		return "", groups.ErrNameAndIdentifier
	case name != nil:
		return *name, nil
	case identifier != nil:
		return *identifier, nil
	}
	return "", groups.ErrNoName
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// getLogEventsOutput writes a page without a structure per event.
type getLogEventsOutput struct{ page events.GetPage }

// AppendJSON appends the GetLogEvents answer.
func (o *getLogEventsOutput) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"events":[`...)
	for i := range o.page.Len() {
		e := o.page.Event(i)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"timestamp":`...)
		dst = strconv.AppendInt(dst, e.Timestamp, 10)
		dst = append(dst, `,"message":`...)
		dst = awsproto.AppendString(dst, e.Message)
		dst = append(dst, `,"ingestionTime":`...)
		dst = strconv.AppendInt(dst, e.Ingestion, 10)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"nextForwardToken":`...)
	dst = awsproto.AppendString(dst, o.page.Forward)
	dst = append(dst, `,"nextBackwardToken":`...)
	dst = awsproto.AppendString(dst, o.page.Backward)
	return append(dst, '}'), nil
}
