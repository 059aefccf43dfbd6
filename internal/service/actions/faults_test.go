package actions_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/actions"
)

// TestFaultyReceiver sends 40 messages through a webhook to a receiver that is broken in turn in every way there is, over
// restarts of the server, and then counts: every message came, in order, and none without a valid signature.
func TestFaultyReceiver(t *testing.T) {
	const secret = "0123456789abcdef"
	var mu sync.Mutex
	var first []string // messages in the order in which they came for the first time
	repeated, requests := 0, 0
	hung := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		requests++
		n := requests
		mu.Unlock()
		take := func() {
			mu.Lock()
			defer mu.Unlock()
			if "v1="+sink.Signature(secret, r.Header.Get(sink.TimestampHeader), body) != r.Header.Get(sink.SignatureHeader) {
				t.Errorf("bad signature of %s", body)
			}
			if id := r.Header.Get("X-Cumulog-Message-Id"); slices.Contains(first, id) {
				repeated++
			} else {
				first = append(first, id)
			}
		}
		switch n % 8 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3, 4: // garbage, with and without having taken the message
			if n%16 == 3 {
				take()
			}
			conn, out, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_, _ = out.WriteString("\x16\x03 this is no HTTP\r\n\r\n")
			_ = out.Flush()
			_ = conn.Close()
		case 5:
			if n == 5 { // slow: longer than the target's timeout
				select {
				case <-hung:
				case <-r.Context().Done():
				}
				return
			}
			take()
		default:
			take()
		}
	}))
	defer receiver.Close()
	defer close(hung)
	registry, err := sink.Load(strings.NewReader(fmt.Sprintf(`{"targets":[{"arn":"arn:aws:sns:*:*:ops","type":"webhook","url":%q,"secret":%q,"timeout":"1s"}]}`, receiver.URL, secret)), sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer registry.Close()

	w := newWorld(t, 100)
	restart := func() {
		w.close()
		w.open()
		o := actions.Options{Catalog: w.db, Targets: registry, Now: func() time.Time { return w.now }, History: func(r *actions.Request, failure error, nowMS int64) (catalog.Entry, error) {
			if failure != nil {
				t.Errorf("%s was given up: %v", r.Subject, failure)
			}
			return catalog.Entry{Kind: "alarm", Scope: r.Scope(), Name: r.Owner, AtMS: nowMS, Body: []byte("{}")}, nil
		}}
		s, err := actions.New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.Stepper = actions.NewStepper(s)
	}
	restart()
	var want []string
	for i := range 40 {
		w.add("arn:aws:sns:eu-west-1:123456789012:ops", fmt.Sprint(i))
		want = append(want, fmt.Sprint("n-", i))
		w.step()
		w.now = w.now.Add(20 * time.Second)
		if i%10 == 9 {
			restart()
		}
	}
	for range 100 {
		if len(w.left()) == 0 {
			break
		}
		w.now = w.now.Add(time.Minute)
		w.step()
	}
	if !slices.Equal(first, want) || len(w.left()) != 0 {
		t.Errorf("got %v; %d left", first, len(w.left()))
	}
	if repeated == 0 {
		t.Error("no message came twice: the test does not test")
	}
	t.Logf("%d requests, %d repeated messages", requests, repeated)
}
