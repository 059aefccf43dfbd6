package sink

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// natsSink publishes messages to a subject. A JetStream stream says that it has a message; without JetStream the server does
// no more than pass it on to whoever listens.
type natsSink struct {
	url       string
	subject   string
	options   []nats.Option
	jetStream bool
	timeout   time.Duration

	mu   sync.Mutex
	conn *nats.Conn
}

// openNATS: url (nats:// or tls://, several with commas), subject, mode (jetstream or core), user, password, token,
// credentialsFile, timeout, maxBytes.
func openNATS(f *Fields, _ *Options, t *Target) Sink {
	s := &natsSink{url: f.Required("url"), subject: f.Required("subject"), timeout: timeoutOf(f)}
	s.jetStream = f.OneOf("mode", "jetstream", "core") == "jetstream"
	if strings.ContainsAny(s.subject, " \t\r\n*>") || strings.HasPrefix(s.subject, ".") || strings.HasSuffix(s.subject, ".") || strings.Contains(s.subject, "..") {
		f.Fail("subject", "%q is not a subject to publish to", s.subject)
	}
	var shown []string
	for u := range strings.SplitSeq(s.url, ",") {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(u), "://")
		if !ok || scheme != "nats" && scheme != "tls" || rest == "" || strings.Contains(rest, "@") {
			f.Fail("url", "is not a list of URLs such as nats://host:4222 without a user")
			continue
		}
		shown = append(shown, scheme+"://"+rest)
	}
	t.Place = strings.Join(shown, ",") + " subject " + s.subject
	t.MaxBody = f.Number("maxBytes", 1<<20-4096, 1<<10, 64<<20)
	s.options = []nats.Option{
		nats.Name("cumulog"), nats.Timeout(min(s.timeout, 10*time.Second)), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
	}
	user, password, token, file := f.Text("user", ""), f.Text("password", ""), f.Text("token", ""), f.Text("credentialsFile", "")
	if (user == "") != (password == "") {
		f.Fail("user", "and password are given together or not at all")
	}
	switch {
	case user != "":
		s.options = append(s.options, nats.UserInfo(user, password))
	case token != "":
		s.options = append(s.options, nats.Token(token))
	case file != "":
		s.options = append(s.options, nats.UserCredentials(file))
	}
	return s
}

// connection returns the connection, which is made at the first message. One that broke comes back by itself.
func (s *natsSink) connection() (*nats.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return s.conn, nil
	}
	c, err := nats.Connect(s.url, s.options...)
	if err != nil {
		return nil, later("connecting to NATS: %w", err)
	}
	s.conn = c
	return c, nil
}

// Send implements Sink.
func (s *natsSink) Send(ctx context.Context, messages []Message) error {
	c, err := s.connection()
	if err != nil {
		return err
	}
	if s.jetStream {
		for i := range messages {
			if err := s.publish(ctx, c, &messages[i]); err != nil {
				return sentBefore(i, err)
			}
		}
		return nil
	}
	for i := range messages {
		if err := c.PublishMsg(s.message(&messages[i])); err != nil {
			return natsError(ctx, err)
		}
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := c.FlushWithContext(within); err != nil {
		return natsError(ctx, err)
	}
	return nil
}

func (s *natsSink) message(m *Message) *nats.Msg {
	out := &nats.Msg{Subject: s.subject, Data: m.Body, Header: nats.Header{}}
	for name, v := range m.Attributes {
		out.Header.Set(attributePrefix+name, v)
	}
	if m.ContentType != "" {
		out.Header.Set("Content-Type", m.ContentType)
	}
	if m.Encoding != "" {
		out.Header.Set("Content-Encoding", m.Encoding)
	}
	if m.Name != "" {
		out.Header.Set(nats.MsgIdHdr, m.Name) // within its window JetStream drops what it has already
	}
	return out
}

// publish waits until a stream has the message.
func (s *natsSink) publish(ctx context.Context, c *nats.Conn, m *Message) error {
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	resp, err := c.RequestMsgWithContext(within, s.message(m))
	if err != nil {
		return natsError(ctx, err)
	}
	var ack struct {
		Stream string `json:"stream"`
		Error  *struct {
			Code        int    `json:"code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(resp.Data, &ack); err != nil || ack.Error == nil && ack.Stream == "" {
		return later("NATS answered no acknowledgement: %s", printable(resp.Data))
	}
	if ack.Error != nil {
		return later("NATS refused a message: %d %s", ack.Error.Code, ack.Error.Description)
	}
	return nil
}

func natsError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, nats.ErrMaxPayload):
		return refused("publishing to NATS: %w", err)
	case errors.Is(err, nats.ErrNoResponders):
		return later("no JetStream stream takes the subject")
	}
	return later("publishing to NATS: %w", err)
}

// Check implements Sink: the subject gets the message.
func (s *natsSink) Check(ctx context.Context, m Message) error { return s.Send(ctx, []Message{m}) }

// Close implements Sink.
func (s *natsSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
	}
	return nil
}
