package consoleapi

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/service/livetail"
)

func (a *API) tail(ctx context.Context, in *consolewire.TailInput) (awshttp.Stream, error) {
	session, err := a.tails.Open(ctx, scopeOf(ctx), livetail.Request{
		Groups: in.LogGroupIdentifiers, Streams: in.LogStreamNames, Prefixes: in.LogStreamNamePrefixes,
		Pattern: value(in.FilterPattern), AtOnce: true,
	})
	if err != nil {
		return nil, err
	}
	return &tailStream{session: session}, nil
}

// tailStream is a live tail session as JSON lines.
type tailStream struct {
	session *livetail.Session
	begun   bool
}

func (t *tailStream) Next(ctx context.Context) (string, awsproto.Appender, error) {
	if !t.begun {
		t.begun = true
		return "", &consolewire.TailOutput{SessionId: &t.session.ID}, nil
	}
	u, err := t.session.Next(ctx)
	if err != nil {
		return "", nil, err
	}
	out := &consolewire.TailOutput{Events: make([]consolewire.TailEvent, len(u.Events))}
	for i := range u.Events {
		e := &u.Events[i]
		_, group, _ := strings.Cut(e.Group, ":")
		out.Events[i] = consolewire.TailEvent{
			LogGroupName: &group, LogStreamName: &e.Stream, Timestamp: &e.Timestamp, Message: &e.Message,
			IngestionTime: &e.Ingestion, EventId: ptr(e.ID.String()),
		}
	}
	if u.Sampled {
		out.Sampled, out.Missed = &u.Sampled, &u.Missed
	}
	return "", out, nil
}

func (t *tailStream) Close() { t.session.Close() }
