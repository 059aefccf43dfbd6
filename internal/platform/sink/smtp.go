package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"
)

// maxReceivers bounds the receivers of a target.
const maxReceivers = 50

// smtpSink sends each message as a mail.
type smtpSink struct {
	address  string // host:port
	host     string
	security string
	auth     smtp.Auth // nil: none
	from     *mail.Address
	to       []*mail.Address
	timeout  time.Duration
	now      func() time.Time
	logger   *slog.Logger
	roots    *x509.CertPool // nil: those of the system
}

// openSMTP: server (host:port), security (starttls, tls or none), username, password, from, to (separated by commas), timeout.
func openSMTP(f *Fields, o *Options, t *Target) Sink {
	s := &smtpSink{address: f.Required("server"), now: o.Now, logger: o.Logger}
	var err error
	if s.address != "" {
		var port string
		if s.host, port, err = net.SplitHostPort(s.address); err != nil || s.host == "" || port == "" {
			f.Fail("server", "%q is not of the form host:port", s.address)
		}
	}
	s.security = f.OneOf("security", "starttls", "tls", "none")
	username, password := f.Text("username", ""), f.Text("password", "")
	switch {
	case (username == "") != (password == ""):
		f.Fail("username", "and password are given together or not at all")
	case username != "" && s.security == "none":
		f.Fail("username", "needs security starttls or tls")
	case username != "":
		s.auth = smtp.PlainAuth("", username, password, s.host)
	}
	if text := f.Required("from"); text != "" {
		if s.from, err = mail.ParseAddress(text); err != nil {
			f.Fail("from", "%q is not an address of a mail", text)
		}
	}
	if text := f.Required("to"); text != "" {
		if s.to, err = mail.ParseAddressList(text); err != nil {
			f.Fail("to", "%q is not a list of addresses of mails", text)
		} else if len(s.to) > maxReceivers {
			f.Fail("to", "has more than %d addresses", maxReceivers)
		}
	}
	s.timeout = timeoutOf(f)
	t.Place = "smtp://" + s.address
	t.MaxBody = 1 << 20
	return s
}

// Send implements Sink.
func (s *smtpSink) Send(ctx context.Context, messages []Message) error {
	for i := range messages {
		if err := s.session(ctx, &messages[i]); err != nil {
			return sentBefore(i, err)
		}
	}
	return nil
}

// Check implements Sink: the server is asked whether it would take mails; none is sent.
func (s *smtpSink) Check(ctx context.Context, _ Message) error { return s.session(ctx, nil) }

// Close implements Sink.
func (s *smtpSink) Close() error { return nil }

// session makes a connection for one mail, or for none when m is nil.
func (s *smtpSink) session(ctx context.Context, m *Message) error {
	if m != nil && (m.Encoding != "" || len(m.Events) > 0) {
		return refused("a mail is made of texts only")
	}
	within, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	conn, err := s.dial(within)
	if err != nil {
		return mailError(ctx, "connecting", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(within, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends what waits
	defer stop()
	return s.talk(ctx, conn, m)
}

func (s *smtpSink) dial(ctx context.Context) (net.Conn, error) {
	if s.security == "tls" {
		d := tls.Dialer{Config: s.tls()}
		return d.DialContext(ctx, "tcp", s.address)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", s.address)
}

func (s *smtpSink) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, RootCAs: s.roots}
}

func (s *smtpSink) talk(ctx context.Context, conn net.Conn, m *Message) error {
	c, err := s.begin(conn)
	if err != nil {
		err = mailError(ctx, "the session", err)
		if failure, ok := err.(*Error); ok {
			failure.Retry = true // it is not about the mail: certificates, passwords and block lists change
		}
		return err
	}
	if m == nil {
		return mailError(ctx, "ending", c.Quit())
	}
	if err := c.Mail(s.from.Address); err != nil {
		return mailError(ctx, "the sender", err)
	}
	if err := s.receivers(ctx, c); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return mailError(ctx, "the mail", err)
	}
	if _, err := w.Write(s.compose(m)); err != nil {
		return mailError(ctx, "the mail", err)
	}
	if err := w.Close(); err != nil {
		return mailError(ctx, "the mail", err)
	}
	_ = c.Quit() // the server has the mail
	return nil
}

// receivers names the receivers. The mail goes to those that the server takes; it is refused when the server refuses all of them.
func (s *smtpSink) receivers(ctx context.Context, c *smtp.Client) error {
	var first error
	var refusals []string
	for _, to := range s.to {
		err := c.Rcpt(to.Address)
		if err == nil {
			continue
		}
		judged := mailError(ctx, "the receiver "+to.Address, err)
		if failure, ok := judged.(*Error); !ok || failure.Retry {
			return judged
		}
		if first == nil {
			first = err
		}
		refusals = append(refusals, to.Address)
	}
	if len(refusals) == len(s.to) {
		return mailError(ctx, "the receivers "+strings.Join(refusals, ", "), first)
	}
	if len(refusals) > 0 {
		s.logger.Warn("the mail server refuses some of the receivers", "place", "smtp://"+s.address, "receivers", refusals, "error", first)
	}
	return nil
}

// begin greets the server, encrypts the connection and logs in.
func (s *smtpSink) begin(conn net.Conn) (*smtp.Client, error) {
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return nil, fmt.Errorf("greeting: %w", err)
	}
	_, domain, _ := strings.Cut(s.from.Address, "@")
	if err := c.Hello(domain); err != nil {
		return nil, fmt.Errorf("EHLO: %w", err)
	}
	if s.security == "starttls" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, errors.New("the server does not offer STARTTLS")
		}
		if err := c.StartTLS(s.tls()); err != nil {
			return nil, fmt.Errorf("STARTTLS: %w", err)
		}
	}
	if s.auth != nil {
		if err := c.Auth(s.auth); err != nil {
			return nil, fmt.Errorf("logging in: %w", err)
		}
	}
	return c, nil
}

// compose writes a mail.
func (s *smtpSink) compose(m *Message) []byte {
	var b bytes.Buffer
	to := make([]string, len(s.to))
	for i, a := range s.to {
		to[i] = a.String()
	}
	subject := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, m.Subject)
	_, domain, _ := strings.Cut(s.from.Address, "@")
	for _, h := range [][2]string{
		{"From", s.from.String()}, {"To", strings.Join(to, ",\r\n ")}, {"Subject", mime.QEncoding.Encode("utf-8", subject)},
		{"Date", s.now().Format("Mon, 02 Jan 2006 15:04:05 -0700")}, {"Message-ID", "<" + safeID(m.Name) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "base64"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	text := m.Text
	if text == "" {
		text = string(m.Body)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\r\n")
	return b.Bytes()
}

// safeID returns the name of a message as the id of a mail.
func safeID(name string) string {
	id := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return r
		}
		return -1
	}, name)
	if id == "" {
		return "message"
	}
	return id
}

// mailError judges an error by the reply of the server: what it will never take is refused, all else may be taken later. It
// returns the context's own error when that ended.
func mailError(ctx context.Context, doing string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok && reply.Code >= 500 {
		return refused("the mail server refuses %s: %w", doing, err)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return later("the mail server did not answer in time")
	}
	return later("mail: %s: %w", doing, err)
}
