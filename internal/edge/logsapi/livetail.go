package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/livetail"
)

func (a *API) startLiveTail(ctx context.Context, in *logswire.StartLiveTailInput) (awshttp.Stream, error) {
	session, err := a.tails.Open(ctx, scopeOf(ctx), livetail.Request{
		Groups: in.LogGroupIdentifiers, Streams: in.LogStreamNames, Prefixes: in.LogStreamNamePrefixes, Pattern: value(in.LogEventFilterPattern),
	})
	if err != nil {
		return nil, err
	}
	request, pattern := awshttp.CallerFrom(ctx).RequestID, value(in.LogEventFilterPattern)
	return &tailStream{session: session, start: &logswire.LiveTailSessionStart{
		RequestId: &request, SessionId: &session.ID, LogGroupIdentifiers: in.LogGroupIdentifiers,
		LogStreamNames: orEmpty(in.LogStreamNames), LogStreamNamePrefixes: orEmpty(in.LogStreamNamePrefixes), LogEventFilterPattern: &pattern,
	}}, nil
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// tailStream is a live tail session as an event stream.
type tailStream struct {
	session *livetail.Session
	start   *logswire.LiveTailSessionStart // nil once it was sent
}

func (t *tailStream) Next(ctx context.Context) (name string, payload awsproto.Appender, err error) {
	if start := t.start; start != nil {
		t.start = nil
		return "sessionStart", start, nil
	}
	u, err := t.session.Next(ctx)
	if err != nil {
		return "", nil, err
	}
	out := &logswire.LiveTailSessionUpdate{
		SessionMetadata: &logswire.LiveTailSessionMetadata{Sampled: &u.Sampled},
		SessionResults:  make([]logswire.LiveTailSessionLogEvent, len(u.Events)),
	}
	for i := range u.Events {
		e := &u.Events[i]
		out.SessionResults[i] = logswire.LiveTailSessionLogEvent{
			LogStreamName: &e.Stream, LogGroupIdentifier: &e.Group, Message: &e.Message, Timestamp: &e.Timestamp, IngestionTime: &e.Ingestion,
		}
	}
	return "sessionUpdate", out, nil
}

func (t *tailStream) Close() { t.session.Close() }
