package logsapi

import (
	"context"
	"strconv"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

func (a *API) filterLogEvents(ctx context.Context, in *logswire.FilterLogEventsInput) (*filterLogEventsOutput, error) {
	group, err := groupOf(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	scope, r := scopeOf(ctx), events.FilterRequest{
		Group:   group,
		Streams: in.LogStreamNames,
		Prefix:  in.LogStreamNamePrefix,
		Start:   in.StartTime,
		End:     in.EndTime,
		Pattern: value(in.FilterPattern),
		Limit:   int(value(in.Limit)),
		Token:   value(in.NextToken),
		Reverse: in.StartFromHead != nil && !*in.StartFromHead,
	}
	page, err := a.filterPage(ctx, scope, r)
	if err != nil {
		return nil, err
	}
	return &filterLogEventsOutput{page}, nil
}

// filterPage is a page of the search, or an empty one on purpose.
func (a *API) filterPage(ctx context.Context, scope logs.Scope, r events.FilterRequest) (events.FilterPage, error) {
	if a.faults.Empty("FilterLogEvents") {
		if page, ok, err := a.events.EmptyPage(ctx, scope, r); ok || err != nil {
			return page, err
		}
	}
	return a.events.Filter(ctx, scope, r)
}

// filterLogEventsOutput writes a page without a structure per event.
type filterLogEventsOutput struct{ page events.FilterPage }

// AppendJSON appends the FilterLogEvents answer. searchedLogStreams has been
// empty on the real service since May 2020.
func (o *filterLogEventsOutput) AppendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `{"events":[`...)
	for i := range o.page.Len() {
		e := o.page.Event(i)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"logStreamName":`...)
		dst = awsproto.AppendString(dst, o.page.StreamName(i))
		dst = append(dst, `,"timestamp":`...)
		dst = strconv.AppendInt(dst, e.Timestamp, 10)
		dst = append(dst, `,"message":`...)
		dst = awsproto.AppendString(dst, e.Message)
		dst = append(dst, `,"ingestionTime":`...)
		dst = strconv.AppendInt(dst, e.Ingestion, 10)
		dst = append(dst, `,"eventId":"`...)
		dst = o.page.EventID(i).Append(dst)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, `],"searchedLogStreams":[]`...)
	if o.page.Token != "" {
		dst = append(dst, `,"nextToken":`...)
		dst = awsproto.AppendString(dst, o.page.Token)
	}
	return append(dst, '}'), nil
}
