package sink

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	shown     atomic.Value // the last error in the log, a string; repeated ones are not shown

	turn chan struct{} // holds a value while someone uses conn or connects; unlike a mutex, waiting for it can end early
	conn *nats.Conn
}

// openNATS: url (nats:// or tls://, several with commas), subject, mode (jetstream or core), user, password, token,
// credentialsFile, timeout, maxBytes.
func openNATS(f *Fields, o *Options, t *Target) Sink {
	s := &natsSink{url: f.Required("url"), subject: f.Required("subject"), timeout: timeoutOf(f), turn: make(chan struct{}, 1)}
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
		nats.Name("cumulog"), nats.Timeout(s.patience()), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.IgnoreAuthErrorAbort(), // a user who is refused may be let in later
		nats.SkipHostLookup(),       // the dialer looks names up, which its context bounds
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if text := err.Error(); s.shown.Swap(text) != text {
				o.Logger.Warn("NATS", "place", t.Place, "error", text)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.shown.Store("") }),
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

// patience is how long connecting to one server may take.
func (s *natsSink) patience() time.Duration { return min(s.timeout, 10*time.Second) }

// connection returns the connection, which is made at the first message. One that broke comes back by itself; one that was
// closed for good is replaced.
func (s *natsSink) connection(ctx context.Context) (*nats.Conn, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if s.conn != nil && !s.conn.IsClosed() {
		return s.conn, nil
	}
	d := &natsDialer{dialer: net.Dialer{Timeout: s.patience()}, ctx: ctx}
	c, err := nats.Connect(s.url, append(slices.Clip(s.options), nats.SetCustomDialer(d))...)
	d.connected()
	if ctx.Err() != nil {
		if c != nil {
			c.Close()
		}
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, later("connecting to NATS: %w", err)
	}
	s.conn = c
	return c, nil
}

// natsDialer lets a context bound nats.Connect, which takes none: until connected is called, the end of the context ends
// dialing and closes what was dialed. From then on it just dials, for the connection that comes back by itself.
type natsDialer struct {
	dialer net.Dialer

	mu    sync.Mutex
	ctx   context.Context // nil once connected
	stops []func() bool   // of the functions that close connections
}

// Dial implements nats.CustomDialer.
func (d *natsDialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	ctx := d.ctx
	d.mu.Unlock()
	if ctx == nil {
		return d.dialer.Dial(network, address)
	}
	conn, err := d.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx == nil {
		stop()
	} else {
		d.stops = append(d.stops, stop)
	}
	return conn, nil
}

func (d *natsDialer) connected() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ctx = nil
	for _, stop := range d.stops {
		stop()
	}
	d.stops = nil
}

// Send implements Sink.
func (s *natsSink) Send(ctx context.Context, messages []Message) error {
	c, err := s.connection(ctx)
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
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if s.conn != nil {
		s.conn.Close()
	}
	return nil
}
