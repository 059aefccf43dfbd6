package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cumulog/cumulog/cumulogtest"
)

// screen collects what a command prints.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Fields(s.b.String())
}

// await waits until so many lines are there.
func (s *screen) await(t *testing.T, n int) []string {
	t.Helper()
	for range 3000 {
		if got := s.lines(); len(got) >= n {
			return got
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("only %q was printed, not %d lines", s.lines(), n)
	return nil
}

// following runs `cumulog tail -f --plain` with arguments until the test ends.
func following(t *testing.T, endpoint string, args ...string) *screen {
	t.Helper()
	var out screen
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	cmd := newTail()
	cmd.SetArgs(append(args, "-f", "--plain", "--endpoint", endpoint))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	go func() { done <- cmd.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("tail: %v", err)
		}
	})
	return &out
}

// passage is a proxy that counts calls and can refuse some, or cut streams off.
type passage struct {
	*httptest.Server
	tails, polls atomic.Int64
	noTail       atomic.Bool
	refusal      atomic.Value // string: what tails are answered for now, with the status 400
	mu           sync.Mutex
	cut          []context.CancelFunc // of tails
}

func newPassage(t *testing.T, to string) *passage {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p := &passage{}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.FlushInterval = -1
	forward.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/_/api/Tail":
			p.tails.Add(1)
			if p.noTail.Load() {
				http.NotFound(w, r)
				return
			}
			if body, _ := p.refusal.Load().(string); body != "" {
				http.Error(w, body, http.StatusBadRequest)
				return
			}
			ctx, cancel := context.WithCancel(r.Context())
			p.mu.Lock()
			p.cut = append(p.cut, cancel)
			p.mu.Unlock()
			r = r.WithContext(ctx)
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".FilterLogEvents"):
			p.polls.Add(1)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		p.cutTails()
		p.CloseClientConnections()
		p.Close()
	})
	return p
}

func (p *passage) cutTails() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cut := range p.cut {
		cut()
	}
	p.cut = nil
}

// TestTailFollowsLive: events come by the server's tail, once each, over several
// groups, with a filter, and after the connection was cut.
func TestTailFollowsLive(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Second)
	loadEvents(t, srv, base, "app/a", "s", 0, "hello-a0", "other")
	loadEvents(t, srv, base, "app/b", "s", 1, "hello-b1")
	p := newPassage(t, srv.URL)
	out := following(t, p.URL, "app/a", "app/b", "--filter", "hello")
	out.await(t, 2)
	for p.tails.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	loadEvents(t, srv, base, "app/a", "s", 3, "other", "hello-a4")
	loadEvents(t, srv, base.Add(-time.Hour), "app/b", "s", 3, "hello-late")
	out.await(t, 4)
	p.cutTails()
	loadEvents(t, srv, base, "app/a", "s", 6, "hello-a6")
	out.await(t, 5)
	for p.tails.Load() < 2 { // it is open again
		time.Sleep(time.Millisecond)
	}
	for i := range 20 {
		loadEvents(t, srv, base, "app/b", "s", 7, fmt.Sprint("hello-", i))
	}
	got := out.await(t, 25)
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 25 || slices.Contains(got, "other") {
		t.Errorf("%d different lines: %q", len(got), got)
	}
}

// TestTailFollowsByPolling: other servers have no tail.
func TestTailFollowsByPolling(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Second)
	loadEvents(t, srv, base, "g", "s", 0, "one")
	p := newPassage(t, srv.URL)
	p.noTail.Store(true)
	out := following(t, p.URL, "g")
	out.await(t, 1)
	loadEvents(t, srv, base, "g", "s", 1, "two")
	if got := out.await(t, 2); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("printed %q", got)
	}
	loadEvents(t, srv, base, "g", "s", 2, "three")
	out.await(t, 3)
	if n := p.tails.Load(); n != 1 {
		t.Errorf("it asked %d times for a tail", n)
	}
}

// TestTailFollowsLiveLater: a server that has no room for a tail has some later; one that refuses the request does not.
func TestTailFollowsLiveLater(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Second)
	loadEvents(t, srv, base, "g", "s", 0, "one")
	check := func(refusal string, again bool) {
		t.Helper()
		p := newPassage(t, srv.URL)
		p.refusal.Store(refusal)
		out := following(t, p.URL, "g")
		out.await(t, 1)
		polls := p.polls.Load()
		for p.tails.Load() < 2 && p.polls.Load() < polls+4 {
			time.Sleep(time.Millisecond)
		}
		if n := p.tails.Load(); again != (n > 1) {
			t.Errorf("%s: it asked %d times for a tail", refusal, n)
		}
	}
	check(`{"__type":"LimitExceededException","message":"Live Tail session limit exceeded."}`, true)
	check(`{"__type":"com.amazonaws.logs#ThrottlingException","message":"Rate exceeded"}`, true)
	check(`{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}`, false)
	check(`no operation of that name`, false)
}

// TestTailFollowsNewGroupsLive: a prefix means groups that come later, too; streams keep to theirs.
func TestTailFollowsNewGroupsLive(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	base := time.Now().Add(-10 * time.Second)
	loadEvents(t, srv, base, "app/a", "web-1", 0, "a0")
	loadEvents(t, srv, base, "app/a", "db", 0, "no")
	p := newPassage(t, srv.URL)
	out := following(t, p.URL, "app/*", "--stream-prefix", "web")
	out.await(t, 1)
	loadEvents(t, srv, time.Now(), "app/b", "web-2", 0, "b0")
	out.await(t, 2)
	loadEvents(t, srv, time.Now(), "app/b", "db", 0, "no")
	loadEvents(t, srv, time.Now(), "app/b", "web-2", 0, "b1")
	loadEvents(t, srv, time.Now(), "app/a", "web-3", 0, "a1")
	got := out.await(t, 4)
	slices.Sort(got)
	if want := []string{"a0", "a1", "b0", "b1"}; !slices.Equal(got, want) {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestKnownOfLiveEvents(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	k := known{now: func() time.Time { return now }, ids: map[string]int64{}, newest: 1_000_000}
	for i, test := range []struct {
		id   string
		at   int64
		want bool
	}{{"a", 1_000_000, true}, {"a", 1_000_000, false}, {"b", 10, true}, {"c", 1_000_001, true}, {"c", 1_000_001, false}} {
		if got := k.addLive(event{ID: test.id, Timestamp: test.at}); got != test.want {
			t.Errorf("%d: %s is new: %v, want %v", i, test.id, got, test.want)
		}
	}
}
