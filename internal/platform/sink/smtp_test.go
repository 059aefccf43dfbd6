package sink_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// mailServer speaks as much SMTP as there is need for.
type mailServer struct {
	net.Listener
	tls     *tls.Config
	first   bool              // TLS from the first byte
	replies map[string]string // by line or command; others get what is usual

	mu    sync.Mutex
	lines []string
	mails []string
	work  sync.WaitGroup
}

func newMailServer(t *testing.T, first bool, replies map[string]string) (*mailServer, *x509.CertPool) {
	t.Helper()
	certs := httptest.NewUnstartedServer(nil)
	certs.StartTLS()
	pool := x509.NewCertPool()
	pool.AddCert(certs.Certificate())
	config := certs.TLS
	certs.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{Listener: l, tls: config, first: first, replies: replies}
	s.work.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.work.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.work.Wait()
	})
	return s, pool
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close()
	if s.first {
		conn = tls.Server(conn, s.tls)
	}
	reply := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	greeting := "220 ready"
	if r, ok := s.replies["GREETING"]; ok {
		greeting = r
	}
	reply(greeting)
	r := bufio.NewReader(conn)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		command, _, _ := strings.Cut(strings.ToUpper(line), " ")
		text, ok := s.replies[line]
		if !ok {
			text, ok = s.replies[command]
		}
		if ok {
			reply(text)
			continue
		}
		switch command {
		case "EHLO":
			reply("250-me\r\n250-STARTTLS\r\n250 AUTH PLAIN")
		case "STARTTLS":
			reply("220 go")
			conn = tls.Server(conn, s.tls)
			r = bufio.NewReader(conn)
		case "AUTH":
			reply("235 in")
		case "DATA":
			reply("354 go")
			var b strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			s.mu.Lock()
			s.mails = append(s.mails, b.String())
			s.mu.Unlock()
			if text, ok := s.replies["END"]; ok {
				reply(text)
				continue
			}
			reply("250 taken")
		case "QUIT":
			reply("221 bye")
			return
		default:
			reply("250 ok")
		}
	}
}

func (s *mailServer) got() (lines, mails []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines, s.mails
}

func TestMail(t *testing.T) {
	for _, security := range []string{"starttls", "tls"} {
		server, pool := newMailServer(t, security == "tls", nil)
		s, target := sinkOf(t, sink.Options{Now: clock},
			`"type":"smtp","server":"%s","security":%q,"username":"u","password":"p","from":"Alarms <alarms@example.org>","to":"Öps <ops@example.org>, b@example.org"`,
			server.Addr(), security)
		sink.Trust(s, pool)
		if target.Place != "smtp://"+server.Addr().String() {
			t.Errorf("place %s", target.Place)
		}
		m := alarm
		m.Subject = "ALARM: \"ü\"\r\nBcc: x@example.org"
		m.Text = strings.Repeat("Zeile ü\n.\n", 30)
		if err := s.Check(t.Context(), m); err != nil {
			t.Fatal(security, err)
		}
		if err := s.Send(t.Context(), []sink.Message{m, alarm}); err != nil {
			t.Fatal(security, err)
		}
		lines, mails := server.got()
		if len(mails) != 2 {
			t.Fatalf("%d mails", len(mails))
		}
		all := strings.Join(lines, "\n")
		for _, want := range []string{"EHLO example.org", "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00u\x00p")), "MAIL FROM:<alarms@example.org>", "RCPT TO:<ops@example.org>", "RCPT TO:<b@example.org>"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %s in\n%s", security, want, all)
			}
		}
		p, err := mail.ReadMessage(strings.NewReader(mails[0]))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(p.Header.Get("Subject"))
		if err != nil || subject != `ALARM: "ü"  Bcc: x@example.org` || p.Header.Get("Bcc") != "" {
			t.Errorf("subject %q, %v", subject, err)
		}
		if id := p.Header.Get("Message-ID"); id != "<0b9c@example.org>" {
			t.Errorf("id %s", id)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p.Body))
		if err != nil || string(body) != m.Text {
			t.Errorf("body %q, %v", body, err)
		}
	}
}

func TestMailWithoutText(t *testing.T) {
	server, _ := newMailServer(t, false, nil)
	s, _ := sinkOf(t, sink.Options{}, `"type":"smtp","server":"%s","security":"none","from":"a@example.org","to":"b@example.org"`, server.Addr())
	m := alarm
	m.Text, m.Name = "", "x/\r\ny"
	if err := s.Send(t.Context(), []sink.Message{m}); err != nil {
		t.Fatal(err)
	}
	_, mails := server.got()
	if !strings.Contains(mails[0], base64.StdEncoding.EncodeToString(m.Body)) || !strings.Contains(mails[0], "<xy@example.org>") {
		t.Errorf("mail %s", mails[0])
	}
	if retry, _ := judged(t, s.Send(t.Context(), []sink.Message{{Encoding: sink.EncodingGzip}})); retry {
		t.Error("a compressed message will never be a mail")
	}
}

func TestMailFailures(t *testing.T) {
	f := func(command, reply string, retry bool) {
		t.Helper()
		server, pool := newMailServer(t, false, map[string]string{command: reply})
		s, _ := sinkOf(t, sink.Options{}, `"type":"smtp","server":"%s","username":"u","password":"secret-p","from":"a@example.org","to":"b@example.org","timeout":"5s"`, server.Addr())
		sink.Trust(s, pool)
		got, text := judged(t, s.Send(t.Context(), []sink.Message{alarm}))
		if got != retry || strings.Contains(text, "secret-p") {
			t.Errorf("%s %s: retry %v: %s", command, reply, got, text)
		}
	}
	f("GREETING", "554 go away", true)
	f("GREETING", "\x00garbage", true)
	f("EHLO", "250 plain", true) // no STARTTLS
	f("STARTTLS", "454 not now", true)
	f("AUTH", "535 wrong", true)
	f("MAIL", "451 later", true)
	f("MAIL", "550 never", false)
	f("RCPT", "450 busy", true)
	f("RCPT", "550 nobody", false)
	f("DATA", "554 no", false)
	f("END", "452 full", true)
	f("END", "552 too big", false)

	// A certificate that is not trusted, a server that is not there, one that says nothing.
	server, _ := newMailServer(t, false, nil)
	s, _ := sinkOf(t, sink.Options{}, `"type":"smtp","server":"%s","from":"a@example.org","to":"b@example.org"`, server.Addr())
	if retry, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); !retry {
		t.Error(text)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s, _ = sinkOf(t, sink.Options{}, `"type":"smtp","server":"%s","from":"a@example.org","to":"b@example.org","timeout":"1s"`, silent.Addr())
	if retry, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); !retry || !strings.Contains(text, "did not answer in time") {
		t.Error(retry, text)
	}
	silent.Close()
	if retry, text := judged(t, s.Send(t.Context(), []sink.Message{alarm})); !retry {
		t.Error(fmt.Sprint(retry, text))
	}
}

func TestMailReceiversRefused(t *testing.T) {
	send := func(replies map[string]string) (mails []string, logged string, err error) {
		t.Helper()
		server, _ := newMailServer(t, false, replies)
		var log strings.Builder
		s, _ := sinkOf(t, sink.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
			`"type":"smtp","server":"%s","security":"none","from":"a@example.org","to":"b@example.org, c@example.org, d@example.org"`, server.Addr())
		err = s.Send(t.Context(), []sink.Message{alarm})
		_, mails = server.got()
		return mails, log.String(), err
	}
	const b, c, d = "RCPT TO:<b@example.org>", "RCPT TO:<c@example.org>", "RCPT TO:<d@example.org>"

	mails, logged, err := send(nil)
	if err != nil || len(mails) != 1 || logged != "" {
		t.Errorf("none refused: %d mails, %v, %s", len(mails), err, logged)
	}
	mails, logged, err = send(map[string]string{b: "550 gone", d: "553 moved"})
	if err != nil || len(mails) != 1 || !strings.Contains(logged, "[b@example.org d@example.org]") || !strings.Contains(logged, "gone") {
		t.Errorf("two refused: %d mails, %v, %s", len(mails), err, logged)
	}
	mails, _, err = send(map[string]string{"RCPT": "550 gone"})
	if retry, text := judged(t, err); retry || len(mails) != 0 || !strings.Contains(text, "b@example.org, c@example.org, d@example.org") {
		t.Errorf("all refused: %d mails, retry %v: %s", len(mails), retry, text)
	}
	mails, _, err = send(map[string]string{b: "550 gone", c: "450 busy"})
	if retry, text := judged(t, err); !retry || len(mails) != 0 || !strings.Contains(text, "c@example.org") {
		t.Errorf("one busy: %d mails, retry %v: %s", len(mails), retry, text)
	}
}
