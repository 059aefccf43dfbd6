package sink_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

// natsServer speaks as much of the protocol of NATS as a publisher needs, and answers as a JetStream stream.
type natsServer struct {
	net.Listener
	ack func(n int, body string) string // to the nth message; "": none

	logins chan struct{} // gets a value for each login when it is not nil
	refuse atomic.Int32  // so many of the next logins are refused

	mu       sync.Mutex
	messages []string // "subject headers body"
	conns    []net.Conn
	wg       sync.WaitGroup
}

func newNATSServer(t *testing.T, ack func(n int, body string) string) *natsServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &natsServer{Listener: l, ack: ack}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *natsServer) stop() {
	s.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *natsServer) serve(c net.Conn) {
	defer c.Close()
	fmt.Fprintf(c, "INFO {\"server_id\":\"x\",\"version\":\"2.11.0\",\"proto\":1,\"headers\":true,\"max_payload\":4096}\r\n")
	r := bufio.NewReader(c)
	sids := map[string]string{} // by subject
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		w := strings.Fields(line)
		switch {
		case len(w) > 0 && w[0] == "CONNECT":
			if s.refuse.Add(-1) >= 0 {
				io.WriteString(c, "-ERR 'Authorization Violation'\r\n")
				c.Close()
			}
			if s.logins != nil {
				s.logins <- struct{}{}
			}
		case len(w) == 0 || w[0] == "PONG" || w[0] == "UNSUB":
		case w[0] == "PING":
			io.WriteString(c, "PONG\r\n")
		case w[0] == "SUB":
			sids[w[1]] = w[len(w)-1]
		case w[0] == "HPUB":
			head, _ := strconv.Atoi(w[len(w)-2])
			total, _ := strconv.Atoi(w[len(w)-1])
			body := make([]byte, total+2)
			if _, err := io.ReadFull(r, body); err != nil {
				return
			}
			s.mu.Lock()
			n := len(s.messages)
			s.messages = append(s.messages, w[1]+" "+strings.Join(strings.Fields(string(body[:head])), " ")+" "+string(body[head:total]))
			s.mu.Unlock()
			if len(w) == 5 {
				s.reply(c, sids, w[2], s.ack(n, string(body[head:total])))
			}
		}
	}
}

func (s *natsServer) reply(c net.Conn, sids map[string]string, to, text string) {
	if text == "" {
		return
	}
	for subject, sid := range sids {
		if strings.HasPrefix(to, strings.TrimSuffix(subject, "*")) {
			fmt.Fprintf(c, "MSG %s %s %d\r\n%s\r\n", to, sid, len(text), text)
		}
	}
}

func TestNATS(t *testing.T) {
	acks := func(n int, _ string) string {
		switch n {
		case 3:
			return `{"error":{"code":503,"description":"no space"}}`
		case 4:
			return "garbage"
		}
		return `{"stream":"LOGS","seq":1}`
	}
	srv := newNATSServer(t, acks)
	s, target := sinkOf(t, sink.Options{}, `"type":"nats","url":"nats://%s","subject":"logs.app","timeout":"5s"`, srv.Addr())
	if target.Place != "nats://"+srv.Addr().String()+" subject logs.app" || target.MaxBody != 1<<20-4096 {
		t.Errorf("target %+v", target)
	}
	ctx := context.Background()
	err := s.Send(ctx, []sink.Message{
		{Body: []byte("a"), Name: "n1", ContentType: "application/json", Encoding: "gzip", Attributes: map[string]string{"Message-Type": "T"}},
		{Body: []byte("b"), Name: "n2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := srv.messages[1]; got != "logs.app NATS/1.0 Nats-Msg-Id: n2 b" {
		t.Errorf("message %q", got)
	}
	for _, part := range []string{"Nats-Msg-Id: n1", "Content-Type: application/json", "Content-Encoding: gzip", "X-Cumulog-Message-Type: T"} {
		if !strings.Contains(srv.messages[0], part) {
			t.Errorf("message %q lacks %q", srv.messages[0], part)
		}
	}
	err = s.Send(ctx, texts("c", "d", "e"))
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || e.Sent != 1 || !strings.Contains(e.Error(), "no space") {
		t.Errorf("refused: %v", err)
	}
	err = s.Check(ctx, texts("f")[0])
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || !strings.Contains(e.Error(), "garbage") {
		t.Errorf("garbage: %v", err)
	}
	err = s.Send(ctx, texts("g", strings.Repeat("x", 5000)))
	if e, ok := errors.AsType[*sink.Error](err); !ok || e.Retry || e.Sent != 1 {
		t.Errorf("too large: %#v", err)
	}
	srv.stop()
	err = s.Send(ctx, texts("h"))
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry {
		t.Errorf("gone: %v", err)
	}
}

func TestNATSWithoutJetStream(t *testing.T) {
	srv := newNATSServer(t, nil)
	s, _ := sinkOf(t, sink.Options{}, `"type":"nats","url":"nats://%s","subject":"s","mode":"core"`, srv.Addr())
	if err := s.Send(context.Background(), []sink.Message{{Body: []byte("a"), Name: "1"}, {Body: []byte("b"), Name: "2"}}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"s NATS/1.0 Nats-Msg-Id: 1 a", "s NATS/1.0 Nats-Msg-Id: 2 b"}, srv.messages); d != "" {
		t.Errorf("messages (-want +got)\n%s", d)
	}
}

// TestNATSLoginsRefused: the connection goes on trying, however often it is not let in, and one that was closed is replaced.
func TestNATSLoginsRefused(t *testing.T) {
	srv := newNATSServer(t, func(int, string) string { return `{"stream":"LOGS","seq":1}` })
	srv.logins = make(chan struct{}, 100)
	s, _ := sinkOf(t, sink.Options{}, `"type":"nats","url":"nats://%s","subject":"s","user":"u","password":"p"`, srv.Addr())
	sink.SetNATS(s, nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0))
	if err := s.Send(t.Context(), texts("a")); err != nil {
		t.Fatal(err)
	}
	srv.refuse.Store(3)
	srv.mu.Lock()
	srv.conns[0].Close()
	srv.mu.Unlock()
	for n := range 5 {
		select {
		case <-srv.logins:
		case <-time.After(30 * time.Second):
			t.Fatalf("only %d logins", n)
		}
	}
	sink.CloseNATS(s)
	if err := s.Send(t.Context(), texts("b")); err != nil {
		t.Errorf("after the connection was closed: %v", err)
	}
}

// TestNATSSilent: a server that says nothing holds nobody beyond their context, neither who connects nor who waits for that.
func TestNATSSilent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, _ := sinkOf(t, sink.Options{}, `"type":"nats","url":"nats://%s","subject":"s"`, l.Addr())
	first, cancelFirst := context.WithCancel(t.Context())
	defer cancelFirst()
	sent := make(chan error, 1)
	go func() { sent <- s.Send(first, texts("a")) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	second, cancelSecond := context.WithCancel(t.Context())
	cancelSecond()
	if err := s.Send(second, texts("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits: %v", err)
	}
	select {
	case err := <-sent:
		t.Errorf("who connects came back before: %v", err)
	default:
	}
	cancelFirst()
	if err := <-sent; !errors.Is(err, context.Canceled) {
		t.Errorf("who connects: %v", err)
	}
}
