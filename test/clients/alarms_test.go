package clients_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/test/process"
)

const (
	topic  = "arn:aws:sns:us-east-1:000000000000:ops"
	secret = "the secret of the receiver"
)

// hook is a receiver of webhooks that refuses what is not signed, and all while it is told to fail.
type hook struct {
	*httptest.Server
	targets string // file

	mu    sync.Mutex
	fail  int // status; 0 = takes everything
	tries int
	got   map[string]string // message id → "NAME STATE"
	more  chan struct{}
}

func newHook(t *testing.T) *hook {
	h := &hook{got: map[string]string{}, more: make(chan struct{}, 100)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.tries++
		defer func() { h.more <- struct{}{} }()
		if h.fail != 0 {
			w.WriteHeader(h.fail)
			return
		}
		var m struct{ AlarmName, NewStateValue string }
		signature := "v1=" + sink.Signature(secret, r.Header.Get(sink.TimestampHeader), body)
		if err := json.Unmarshal(body, &m); err != nil || signature != r.Header.Get(sink.SignatureHeader) {
			t.Errorf("signature %s, want %s, of %s", r.Header.Get(sink.SignatureHeader), signature, body)
		}
		h.got[r.Header.Get("X-Cumulog-Message-Id")] = m.AlarmName + " " + m.NewStateValue
	}))
	t.Cleanup(h.Close)
	h.targets = filepath.Join(t.TempDir(), "targets.json")
	text := fmt.Sprintf(`{"targets": [{"arn": "arn:aws:sns:*:*:ops", "type": "webhook", "url": %q, "secret": "${HOOK_SECRET}"}]}`, h.URL)
	if err := os.WriteFile(h.targets, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

// options start a server that knows the receiver.
func (h *hook) options(data string) process.Options {
	return process.Options{Data: data, Args: []string{"--targets", h.targets}, Env: []string{"HOOK_SECRET=" + secret}}
}

func (h *hook) set(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fail = status
}

// await waits until the receiver has what is wanted.
func (h *hook) await(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	deadline := time.After(time.Minute)
	for {
		h.mu.Lock()
		var got []string
		for _, m := range h.got {
			got = append(got, m)
		}
		h.mu.Unlock()
		slices.Sort(got)
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-h.more:
		case <-deadline:
			t.Fatalf("the receiver got %q, want %q", got, want)
		}
	}
}

// TestAlarmsCall: log events → metric filter → metric → alarm → webhook, and metrics of high resolution, with boto3.
func TestAlarmsCall(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	h := newHook(t)
	s := process.Run(t, h.options(""))
	env := append(process.ClientEnvironment(s.URL), "TOPIC="+topic)
	run(t, t.TempDir(), env, python, script(t, "boto3", "alarms.py"), "all")
	h.await(t, "errors ALARM", "load ALARM", "both ALARM")
}

// TestAlarmsOverAKill: what an alarm asked for while its target was down arrives after the server was killed and started again.
func TestAlarmsOverAKill(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	h := newHook(t)
	h.set(http.StatusInternalServerError)
	data := t.TempDir()
	s := process.Run(t, h.options(data))
	env := append(process.ClientEnvironment(s.URL), "TOPIC="+topic)
	for _, args := range []string{"alarm a", "set a OK", "set a ALARM"} {
		run(t, t.TempDir(), env, python, append([]string{script(t, "boto3", "alarms.py")}, strings.Fields(args)...)...)
	}
	<-h.more // a try that failed
	s.Kill()
	h.set(0)
	process.Run(t, h.options(data))
	h.await(t, "a ALARM")
}
