package consoleapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

func (a *API) searchEvents(ctx context.Context, in *consolewire.SearchEventsInput) (*consolewire.SearchEventsOutput, error) {
	page, err := a.events.Filter(ctx, scopeOf(ctx), events.FilterRequest{
		Group:        value(in.LogGroupIdentifier),
		Streams:      in.LogStreamNames,
		Prefix:       in.LogStreamNamePrefix,
		Start:        in.StartTime,
		End:          in.EndTime,
		IngestedFrom: in.IngestedFrom,
		IngestedTo:   in.IngestedTo,
		Pattern:      value(in.FilterPattern),
		Reverse:      value(in.NewestFirst),
		Limit:        int(value(in.Limit)),
		Token:        value(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	out := &consolewire.SearchEventsOutput{Events: make([]consolewire.Event, page.Len())}
	for i := range out.Events {
		out.Events[i] = eventOf(page.Event(i), page.StreamName(i), page.EventID(i))
	}
	if page.Token != "" {
		out.NextToken = &page.Token
	}
	return out, nil
}

func eventOf(e logs.Event, stream string, id logs.EventID) consolewire.Event {
	return consolewire.Event{
		LogStreamName: &stream, Timestamp: ptr(e.Timestamp), Message: ptr(string(e.Message)),
		IngestionTime: ptr(e.Ingestion), EventId: ptr(id.String()),
	}
}

// defaultContext is how many events stand on each side unless said otherwise.
const defaultContext = 10

func (a *API) getEventContext(ctx context.Context, in *consolewire.GetEventContextInput) (*consolewire.GetEventContextOutput, error) {
	size := func(n *int32) int {
		if n == nil {
			return defaultContext
		}
		return int(*n)
	}
	page, err := a.events.Around(ctx, scopeOf(ctx), events.AroundRequest{EventID: value(in.EventId), Before: size(in.Before), After: size(in.After)})
	if err != nil {
		return nil, err
	}
	out := &consolewire.GetEventContextOutput{LogStreamName: &page.Name, Position: ptr(int64(page.At)), Events: make([]consolewire.Event, page.Len())}
	for i := range out.Events {
		out.Events[i] = eventOf(page.Event(i), page.Name, page.EventID(i))
	}
	return out, nil
}
