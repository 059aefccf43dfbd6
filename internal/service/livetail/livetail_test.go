package livetail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var scope = logs.Scope{Account: "123456789012", Region: "us-east-1"}

// memory is a feed of batches in memory.
type memory struct {
	mu      sync.Mutex
	commits []*store.Commit
	arrived chan struct{}
	closed  bool
	more    func() // called for each look; nil: nothing
}

func (m *memory) Applied() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.commits))
}

func (m *memory) append(b store.Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commits = append(m.commits, b.Commit(uint64(len(m.commits)+1)))
	close(m.arrived)
	m.arrived = make(chan struct{})
}

func (m *memory) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	close(m.arrived)
}

func (m *memory) AwaitCommit(ctx context.Context, after uint64) error {
	for {
		m.mu.Lock()
		n, arrived, closed := len(m.commits), m.arrived, m.closed
		m.mu.Unlock()
		switch {
		case closed:
			return store.ErrClosed
		case uint64(n) > after:
			return nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) Commits(_ context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (uint64, error) {
	m.mu.Lock()
	if m.more != nil {
		m.more()
	}
	commits := m.commits
	m.mu.Unlock()
	bytes := int64(0)
	for _, c := range commits[q.After:] {
		if !slices.Contains(q.Groups, c.Group) {
			continue
		}
		bytes += c.Bytes()
		if !yield(c) || bytes >= q.Bytes {
			return c.LSN, nil
		}
	}
	return uint64(len(commits)), nil
}

// world is a feed with two groups of streams, and a running service over it.
type world struct {
	t     testing.TB
	feed  *memory
	tails *livetail.Service
	stop  func()

	mu    sync.Mutex
	names map[logs.StreamID]string
	fail  error // of StreamName
}

var groupIDs = map[string]logs.GroupID{"/a": 1, "/b": 2, "/ia": 3}

func (w *world) Resolve(_ context.Context, scope logs.Scope, name string) (groups.Group, error) {
	_, name, _ = strings.Cut(":"+name, ":")
	if i := strings.LastIndex(name, ":"); i >= 0 {
		name = name[i+1:]
	}
	id, ok := groupIDs[name]
	if !ok {
		return groups.Group{}, groups.ErrGroupNotFound
	}
	g := groups.Group{ID: id, Scope: scope, Name: name, Class: groups.ClassStandard}
	if name == "/ia" {
		g.Class = groups.ClassInfrequentAccess
	}
	return g, nil
}

func (w *world) StreamName(_ context.Context, id logs.StreamID) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.names[id], w.fail
}

func newWorld(t testing.TB, o livetail.Options) *world {
	t.Helper()
	w := &world{t: t, feed: &memory{arrived: make(chan struct{})}, names: map[logs.StreamID]string{1: "web/1", 2: "web/2", 3: "db"}}
	o.Store, o.Directory = w.feed, w
	w.tails = livetail.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.tails.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-done
	}
	return w
}

func (w *world) put(group logs.GroupID, stream logs.StreamID, messages ...string) {
	w.t.Helper()
	b := store.Batch{Group: group, Stream: stream, Ingestion: time.Now().UnixMilli()}
	for i, m := range messages {
		b.Arena = append(b.Arena, m...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		b.Timestamps = append(b.Timestamps, 1000+int64(i))
	}
	w.feed.append(b)
}

func (w *world) open(r livetail.Request) *livetail.Session {
	w.t.Helper()
	sn, err := w.tails.Open(w.t.Context(), scope, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return sn
}

func next(t testing.TB, sn *livetail.Session) livetail.Update {
	t.Helper()
	u, err := sn.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func messages(u livetail.Update) string {
	var out []string
	for _, e := range u.Events {
		out = append(out, e.Message)
	}
	return strings.Join(out, " ")
}

func TestUpdatesEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		w.put(1, 1, "before")
		began := time.Now()
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		defer sn.Close()
		w.put(1, 1, "one", "two")
		w.put(2, 2, "of another group")
		w.put(1, 99, "of a stream that is gone")
		w.put(1, 3, "three")
		u := next(t, sn)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the first update took %v", took)
		}
		if got := messages(u); got != "one two three" || u.Sampled || u.Missed != 0 {
			t.Errorf("%q, %+v", got, u)
		}
		e := u.Events[1]
		if e.Group != "123456789012:/a" || e.Stream != "web/1" || e.Timestamp != 1001 || e.Ingestion != began.UnixMilli() || e.ID.Group != 1 || e.ID.Stream != 1 || e.ID.Timestamp != 1001 {
			t.Errorf("event %+v", e)
		}
		for i := range 3 {
			if u := next(t, sn); len(u.Events) != 0 || u.Sampled || time.Since(began) != time.Duration(i+2)*time.Second {
				t.Errorf("update %d after %v: %+v", i, time.Since(began), u)
			}
		}
		w.put(1, 1, "late")
		if u := next(t, sn); messages(u) != "late" || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %+v", time.Since(began), u)
		}
	})
}

func TestPatternsAndStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		var sessions []*livetail.Session
		open := func(r livetail.Request) { sessions = append(sessions, w.open(r)) }
		open(livetail.Request{Groups: []string{"/a"}, Pattern: "error"})
		open(livetail.Request{Groups: []string{"/a", "/b", "/a"}, Pattern: "error"})
		open(livetail.Request{Groups: []string{"arn:aws:logs:us-east-1:123456789012:log-group:/b"}, Pattern: `{ $.n > 1 }`})
		open(livetail.Request{Groups: []string{"/a"}, Streams: []string{"db", "not yet"}})
		open(livetail.Request{Groups: []string{"/a"}, Prefixes: []string{"x", "web/"}, Pattern: "-error"})
		if n := w.tails.Sessions(); n != 5 {
			t.Errorf("%d sessions", n)
		}
		w.put(1, 1, "error:1", "fine:1")
		w.put(2, 2, "error:2", `{"n":1}`, `{"n":2}`)
		w.put(1, 3, "error:3", "fine:3")
		w.mu.Lock()
		w.names[4] = "not yet"
		w.mu.Unlock()
		w.put(1, 4, "new")
		for i, want := range []string{"error:1 error:3", "error:1 error:2 error:3", `{"n":2}`, "error:3 fine:3 new", "fine:1"} {
			if got := messages(next(t, sessions[i])); got != want {
				t.Errorf("session %d: %q, want %q", i, got, want)
			}
			sessions[i].Close()
		}
		if n := w.tails.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{Sessions: 2})
		defer w.stop()
		many := make([]string, 101)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		for _, test := range []struct {
			r    livetail.Request
			want error
		}{
			{livetail.Request{}, livetail.ErrGroups},
			{livetail.Request{Groups: slices.Repeat([]string{"/a"}, 11)}, livetail.ErrGroups},
			{livetail.Request{Groups: []string{"/a"}, Streams: []string{"x"}, Prefixes: []string{"y"}}, livetail.ErrNamesAndPrefixes},
			{livetail.Request{Groups: []string{"/a", "/b"}, Prefixes: []string{"y"}}, livetail.ErrStreamsOfGroups},
			{livetail.Request{Groups: []string{"/a"}, Streams: many}, livetail.ErrTooManyStreams},
			{livetail.Request{Groups: []string{"/a"}, Prefixes: many}, livetail.ErrTooManyStreams},
			{livetail.Request{Groups: []string{"/none"}}, groups.ErrGroupNotFound},
			{livetail.Request{Groups: []string{"/ia"}}, livetail.ErrClass},
		} {
			if _, err := w.tails.Open(t.Context(), scope, test.r); !errors.Is(err, test.want) {
				t.Errorf("%+v: %v, want %v", test.r, err, test.want)
			}
		}
		_, err := w.tails.Open(t.Context(), scope, livetail.Request{Groups: []string{"/a"}, Pattern: `"`})
		if _, ok := errors.AsType[*patterns.Error](err); !ok {
			t.Errorf("a bad pattern: %v", err)
		}
		a := w.open(livetail.Request{Groups: slices.Repeat([]string{"/a"}, 10), Pattern: strings.Repeat("a", 1024)})
		b := w.open(livetail.Request{Groups: []string{"/a"}, Streams: many[:100]})
		if _, err := w.tails.Open(t.Context(), scope, livetail.Request{Groups: []string{"/a"}}); !errors.Is(err, livetail.ErrTooManySessions) {
			t.Errorf("a third of two: %v", err)
		}
		a.Close()
		w.open(livetail.Request{Groups: []string{"/a"}}).Close()
		b.Close()
	})
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func TestMoreThanAnUpdateHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		defer sn.Close()
		w.put(1, 1, numbers(0, 500)...)
		if u := next(t, sn); len(u.Events) != 500 || u.Sampled || u.Missed != 0 {
			t.Errorf("500 events: %d, sampled %v, missed %d", len(u.Events), u.Sampled, u.Missed)
		}
		// Of 20,000, each quarter is there about as often, in order.
		counts := [4]int{}
		for range 5 {
			for from := 0; from < 20_000; from += 1000 {
				w.put(1, 1, numbers(from, from+1000)...)
			}
			u := next(t, sn)
			if len(u.Events) != 500 || !u.Sampled || u.Missed != 19_500 {
				t.Fatalf("20,000 events: %d, sampled %v, missed %d", len(u.Events), u.Sampled, u.Missed)
			}
			last := -1
			for _, e := range u.Events {
				var n int
				if _, err := fmt.Sscan(e.Message, &n); err != nil || n <= last {
					t.Fatalf("%q behind %d: %v", e.Message, last, err)
				}
				last = n
				counts[n/5000]++
			}
		}
		for i, n := range counts { // 625 expected, standard deviation 22
			if n < 625-130 || n > 625+130 {
				t.Errorf("quarter %d: %d of 2,500 events", i, n)
			}
		}
		if u := next(t, sn); len(u.Events) != 0 || u.Sampled {
			t.Errorf("afterwards: %+v", u)
		}
	})
}

func TestLargeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{Memory: 8 << 20})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		large := strings.Repeat("x", 1<<20)
		for range 10 {
			w.put(1, 1, large)
		}
		if u := next(t, sn); len(u.Events) != 2 || !u.Sampled || u.Missed != 8 {
			t.Errorf("%d events, sampled %v, missed %d; want 2 within 3 MiB", len(u.Events), u.Sampled, u.Missed)
		}
		// Others hold all memory: the update says that something is missing, and there is room again afterwards.
		others := []*livetail.Session{}
		for range 3 {
			others = append(others, w.open(livetail.Request{Groups: []string{"/b"}}))
		}
		for range 4 {
			w.put(2, 2, large)
		}
		w.put(1, 1, large, "small")
		synctest.Wait()
		w.put(1, 1, large, large)
		if u := next(t, sn); !u.Sampled || int(u.Missed)+len(u.Events) != 4 {
			t.Errorf("%d events, sampled %v, missed %d", len(u.Events), u.Sampled, u.Missed)
		}
		for _, o := range others {
			o.Close()
		}
		w.put(1, 1, large)
		if u := next(t, sn); len(u.Events) != 1 || u.Sampled {
			t.Errorf("afterwards: %d events, sampled %v", len(u.Events), u.Sampled)
		}
		sn.Close()
		if n := w.tails.Held(); n != 0 {
			t.Errorf("%d bytes are held", n)
		}
	})
}

func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		defer sn.Close()
		second := func(events ...string) {
			w.put(1, 1, events...)
			synctest.Wait()
			time.Sleep(time.Second)
		}
		for i := range 14 {
			second(fmt.Sprint("update-", i))
		}
		// The last one is still open when its successor would begin, and is closed by the look.
		for i := 4; i < 14; i++ {
			u := next(t, sn)
			if messages(u) != fmt.Sprint("update-", i) || u.Sampled != (i == 4) || u.Missed != int64(4*b2i(i == 4)) {
				t.Errorf("update %d: %q, sampled %v, missed %d", i, messages(u), u.Sampled, u.Missed)
			}
		}
		before := time.Now()
		if u := next(t, sn); len(u.Events) != 0 || time.Since(before) > time.Second {
			t.Errorf("then, after %v: %+v", time.Since(before), u)
		}
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}, AtOnce: true})
		defer sn.Close()
		began := time.Now()
		w.put(1, 1, "one")
		if u := next(t, sn); messages(u) != "one" || time.Since(began) > 10*time.Millisecond {
			t.Errorf("%q after %v", messages(u), time.Since(began))
		}
		w.put(1, 1, "two")
		w.put(1, 1, "three")
		synctest.Wait()
		if u := next(t, sn); messages(u) != "two three" && messages(u) != "two" || time.Since(began) > 100*time.Millisecond {
			t.Errorf("%q after %v", messages(u), time.Since(began))
		}
		time.Sleep(time.Second)
		began = time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			w.put(1, 1, "four")
		}()
		u := next(t, sn)
		for len(u.Events) == 0 || messages(u) == "three" {
			u = next(t, sn)
		}
		if messages(u) != "four" || time.Since(began) > 3*time.Second+20*time.Millisecond {
			t.Errorf("%q after %v", messages(u), time.Since(began))
		}
		began = time.Now()
		if u := next(t, sn); len(u.Events) != 0 || time.Since(began) != 5*time.Second {
			t.Errorf("%+v after %v, want an empty update after 5s", u, time.Since(began))
		}
		// A reader that is away gets the newest and how many are missing.
		for i := range 30 {
			w.put(1, 1, fmt.Sprint(i))
			time.Sleep(100 * time.Millisecond)
		}
		missed, got := int64(0), []string{}
		for range 10 {
			u := next(t, sn)
			missed += u.Missed
			got = append(got, messages(u))
		}
		if missed != 20 || got[0] != "20" || got[9] != "29" {
			t.Errorf("%q, missed %d", got, missed)
		}
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		n := 0
		began := time.Now()
		for {
			_, err := sn.Next(t.Context())
			if err != nil {
				if !errors.Is(err, livetail.ErrTimeout) || time.Since(began) != 3*time.Hour {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
				break
			}
			n++
		}
		if n != 3*3600-1 {
			t.Errorf("%d updates", n)
		}
		sn.Close()
		sn = w.open(livetail.Request{Groups: []string{"/a"}})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := sn.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: %v", err)
		}
		done := make(chan error)
		go func() {
			var err error
			for err == nil {
				_, err = sn.Next(t.Context())
			}
			done <- err
		}()
		synctest.Wait()
		w.stop()
		if err := <-done; !errors.Is(err, livetail.ErrClosed) {
			t.Errorf("stopped: %v", err)
		}
		if _, err := w.tails.Open(t.Context(), scope, livetail.Request{Groups: []string{"/a"}}); !errors.Is(err, livetail.ErrClosed) {
			t.Errorf("open of a stopped service: %v", err)
		}
		sn.Close()
	})
}

func TestMissingNamesAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		defer sn.Close()
		w.mu.Lock()
		w.fail = errors.New("no catalog")
		w.mu.Unlock()
		w.put(1, 1, "lost")
		if u := next(t, sn); len(u.Events) != 0 || !u.Sampled {
			t.Errorf("%+v", u)
		}
		w.mu.Lock()
		w.fail = nil
		w.mu.Unlock()
		w.put(1, 1, "found")
		if u := next(t, sn); messages(u) != "found" || u.Sampled {
			t.Errorf("%+v", u)
		}
	})
}

// TestSessionsComeAndGo: every event whose append begins after Open is seen once
// by each session, whatever other sessions do.
func TestSessionsComeAndGo(t *testing.T) {
	w := newWorld(t, livetail.Options{})
	defer w.stop()
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for round := range 15 {
				group := []string{"/a", "/b"}[(n+round)%2]
				sn, err := w.tails.Open(context.Background(), scope, livetail.Request{Groups: []string{group}, Pattern: fmt.Sprintf("from%d", n), AtOnce: true})
				if err != nil {
					t.Error(err)
					return
				}
				want := fmt.Sprintf("from%d round%d", n, round)
				w.put(groupIDs[group], logs.StreamID(groupIDs[group]), "noise", want)
				for got := ""; got == ""; {
					u, err := sn.Next(context.Background())
					if err != nil {
						t.Error(err)
						break
					}
					if got = messages(u); got != "" && got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
				sn.Close()
			}
		})
	}
	wg.Wait()
	if n := w.tails.Held(); n != 0 {
		t.Errorf("%d bytes are held", n)
	}
}

// TestFeedThatIsTooFast: a feed that never ends for passes costs events, and the session says so.
func TestFeedThatIsTooFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		sn := w.open(livetail.Request{Groups: []string{"/a"}, Pattern: "needle"})
		defer sn.Close()
		large := strings.Repeat("x", 1<<20)
		var fed int
		w.feed.mu.Lock()
		w.feed.more = func() { // called with mu for each look at the feed
			if fed++; fed < 500 {
				time.Sleep(5 * time.Millisecond) // what the look takes
				for range 3 {
					b := store.Batch{Group: 1, Stream: 1, Ingestion: 1, Timestamps: []int64{1}, Arena: []byte(large), Ends: []uint32{1 << 20}}
					w.feed.commits = append(w.feed.commits, b.Commit(uint64(len(w.feed.commits)+1)))
				}
			}
		}
		w.feed.mu.Unlock()
		w.put(1, 1, "start")
		sampled := false
		for range 60 {
			sampled = sampled || next(t, sn).Sampled
		}
		if !sampled {
			t.Error("no update says that events are missing")
		}
		w.put(1, 1, "needle")
		u := next(t, sn)
		for len(u.Events) == 0 {
			u = next(t, sn)
		}
		if messages(u) != "needle" {
			t.Errorf("%q", messages(u))
		}
	})
}

// TestTakenUpdatesCount: the memory of an update counts while its reader sends it.
func TestTakenUpdatesCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		defer w.stop()
		for _, atOnce := range []bool{false, true} {
			sn := w.open(livetail.Request{Groups: []string{"/a"}, AtOnce: atOnce})
			w.put(1, 1, "one")
			if u := next(t, sn); messages(u) != "one" {
				t.Fatalf("%q", messages(u))
			}
			if w.tails.Held() == 0 {
				t.Error("what the reader has does not count")
			}
			if u := next(t, sn); len(u.Events) != 0 || w.tails.Held() != 0 {
				t.Errorf("then %q, %d bytes are held", messages(u), w.tails.Held())
			}
			w.put(1, 1, "two")
			next(t, sn)
			sn.Close()
			if n := w.tails.Held(); n != 0 {
				t.Errorf("at the end %d bytes are held", n)
			}
		}
	})
}

func TestFeedCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, livetail.Options{})
		sn := w.open(livetail.Request{Groups: []string{"/a"}})
		w.feed.close()
		synctest.Wait()
		if _, err := sn.Next(t.Context()); !errors.Is(err, livetail.ErrClosed) {
			t.Errorf("next: %v", err)
		}
		sn.Close()
		w.stop()
	})
}
