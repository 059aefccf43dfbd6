package sink

import (
	"context"
	"log/slog"
	"strings"
)

// maxLogged is how much of a body a line of the log shows, in bytes.
const maxLogged = 8 << 10

// logSink writes a line of the server's log for each message.
type logSink struct {
	logger *slog.Logger
	level  slog.Level
}

// openLog: level (info, warn or error).
func openLog(f *Fields, o *Options, t *Target) Sink {
	s := &logSink{logger: o.Logger}
	switch f.OneOf("level", "info", "warn", "error") {
	case "warn":
		s.level = slog.LevelWarn
	case "error":
		s.level = slog.LevelError
	}
	t.Place = "log of the server"
	return s
}

// Send implements Sink.
func (s *logSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		s.write(ctx, &messages[i])
	}
	return nil
}

// Check implements Sink: nothing is written.
func (s *logSink) Check(context.Context, Message) error { return nil }

// Close implements Sink.
func (s *logSink) Close() error { return nil }

func (s *logSink) write(ctx context.Context, m *Message) {
	attrs := []slog.Attr{slog.String("target", m.ARN), slog.String("id", m.Name), slog.String("subject", m.Subject)}
	switch {
	case m.Encoding != "":
		attrs = append(attrs, slog.String("encoding", m.Encoding), slog.Int("bytes", len(m.Body)))
	case len(m.Body) > maxLogged:
		attrs = append(attrs, slog.String("body", strings.ToValidUTF8(string(m.Body[:maxLogged]), "")+"…"))
	default:
		attrs = append(attrs, slog.String("body", string(m.Body)))
	}
	s.logger.LogAttrs(ctx, s.level, "message for a target", attrs...)
}
