package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/service/actions"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = int64(1_790_000_000_000)

var ctx = context.Background()

// target is a sink that tests control.
type target struct {
	mu   sync.Mutex
	got  []sink.Message
	fail func(m sink.Message) error // nil: takes everything
	gate chan struct{}              // when set: Send waits for it
	took func()                     // when set: called after a message was taken
}

func (s *target) Send(ctx context.Context, messages []sink.Message) error {
	if s.gate != nil {
		select {
		case <-s.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		if s.fail != nil {
			if err := s.fail(m); err != nil {
				return err
			}
		}
		s.got = append(s.got, m)
		if s.took != nil {
			s.took()
		}
	}
	return nil
}

func (s *target) Check(context.Context, sink.Message) error { return nil }
func (s *target) Close() error                              { return nil }

// subjects returns what was taken.
func (s *target) subjects() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, m := range s.got {
		out = append(out, m.Subject)
	}
	return strings.Join(out, " ")
}

type targets map[string]*target

func (t targets) Find(arn string) (sink.Sink, sink.Target, bool) {
	s, ok := t[arn]
	return s, sink.Target{ARN: arn}, ok
}

type world struct {
	*actions.Stepper
	t       *testing.T
	db      *catalog.DB
	path    string
	now     time.Time
	targets targets
	service *actions.Service
	history []string
	list    int
	drift   atomic.Bool // the clock goes on with each look at it
	looks   atomic.Int64
}

// clock returns the time.
func (w *world) clock() time.Time {
	if w.drift.Load() {
		return w.now.Add(time.Duration(w.looks.Add(1)) * 10 * time.Millisecond)
	}
	return w.now
}

func newWorld(t *testing.T, list int) *world {
	w := &world{t: t, now: time.UnixMilli(start), targets: targets{}, path: filepath.Join(t.TempDir(), "catalog.db"), list: list}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	clock := w.clock
	if w.db, err = catalog.Open(ctx, w.path, catalog.Options{Now: clock}); err != nil {
		w.t.Fatal(err)
	}
	var mu sync.Mutex
	o := actions.Options{Catalog: w.db, Targets: w.targets, Now: clock, History: func(r *actions.Request, failure error, nowMS int64) (catalog.Entry, error) {
		mu.Lock()
		defer mu.Unlock()
		w.history = append(w.history, fmt.Sprintf("%s %v", r.Subject, failure))
		return catalog.Entry{Kind: "alarm", Scope: r.Scope(), Name: r.Owner, AtMS: nowMS, Body: []byte("{}")}, nil
	}}
	actions.Tune(&o, w.list, 50, 16)
	if w.service, err = actions.New(o); err != nil {
		w.t.Fatal(err)
	}
	w.Stepper = actions.NewStepper(w.service)
}

func (w *world) close() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) add(arn string, subjects ...string) {
	w.t.Helper()
	var c catalog.Changes
	for _, s := range subjects {
		r := actions.Request{Account: "123456789012", Region: "eu-west-1", Owner: "a", OwnerType: "MetricAlarm", Target: arn, Name: "n-" + s, Subject: s, Text: "text", Body: `{"s":"` + s + `"}`}
		m, err := r.Message(w.now.UnixMilli())
		if err != nil {
			w.t.Fatal(err)
		}
		c.Outbox = append(c.Outbox, m)
	}
	if err := w.db.Apply(ctx, c); err != nil {
		w.t.Fatal(err)
	}
}

// step does what is due and returns how long to wait.
func (w *world) step() time.Duration {
	w.t.Helper()
	for {
		wait, err := w.Look(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if w.Running() == 0 {
			return wait
		}
		w.Settle(w.Running())
	}
}

func (w *world) left() []catalog.Message {
	w.t.Helper()
	m, err := w.db.Outbox(ctx, actions.Kind, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func down(sink.Message) error { return &sink.Error{Retry: true, Err: errors.New("connection refused")} }

func TestDelivers(t *testing.T) {
	w := newWorld(t, 100)
	a, b := &target{}, &target{}
	w.targets["a"], w.targets["b"] = a, b
	w.add("a", "1", "2", "3")
	w.add("b", "4")
	if wait := w.step(); wait != 10*time.Second {
		t.Errorf("wait %v", wait)
	}
	if a.subjects() != "1 2 3" || b.subjects() != "4" || len(w.left()) != 0 {
		t.Errorf("got %s and %s, %d left", a.subjects(), b.subjects(), len(w.left()))
	}
	m := a.got[0]
	if string(m.Body) != `{"s":"1"}` || m.ContentType != "application/json" || m.Name != "n-1" || m.ARN != "a" || m.Text != "text" || m.Attributes["Message-Id"] != "n-1" {
		t.Errorf("message %+v", m)
	}
	slices.Sort(w.history)
	if got := strings.Join(w.history, "; "); got != "1 <nil>; 2 <nil>; 3 <nil>; 4 <nil>" {
		t.Errorf("history %s", got)
	}
	if s := w.service.Stats(); s != (actions.Stats{Done: 4}) {
		t.Errorf("%+v", s)
	}
}

// A target that is away for an hour gets everything afterwards, in order, and few tries meanwhile; others wait for nothing.
func TestTargetDownForAnHour(t *testing.T) {
	w := newWorld(t, 100)
	tries := 0
	a, b := &target{fail: func(m sink.Message) error { tries++; return down(m) }}, &target{}
	w.targets["a"], w.targets["b"] = a, b
	n := 0
	for at := time.Duration(0); at < time.Hour; at += 5 * time.Second {
		w.now = time.UnixMilli(start).Add(at)
		if at%time.Minute == 0 {
			n++
			w.add("a", fmt.Sprint(n))
			w.add("b", fmt.Sprint(n))
		}
		w.step()
		if at == 30*time.Minute { // a restart does not forget or reorder anything
			w.close()
			w.open()
		}
	}
	if a.subjects() != "" || len(w.left()) != 60 || len(strings.Fields(b.subjects())) != 60 {
		t.Fatalf("got %s; %d left", a.subjects(), len(w.left()))
	}
	if tries < 10 || tries > 30 {
		t.Errorf("%d tries", tries)
	}
	a.fail = nil
	w.now = w.now.Add(5 * time.Minute)
	for range 3 {
		w.step()
	}
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i+1))
	}
	if a.subjects() != strings.Join(want, " ") || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", a.subjects(), len(w.left()))
	}
}

func TestPauses(t *testing.T) {
	w := newWorld(t, 100)
	a := &target{fail: down}
	w.targets["a"] = a
	w.add("a", "1")
	var got []string
	for range 11 {
		wait := w.step()
		if wait > 10*time.Second { // no longer than a look
			t.Fatalf("wait %v", wait)
		}
		due := time.UnixMilli(w.left()[0].DueMS)
		got = append(got, due.Sub(w.now).String())
		w.now = due
	}
	if s := strings.Join(got, " "); s != "1s 2s 4s 8s 16s 32s 1m4s 2m8s 4m16s 5m0s 5m0s" {
		t.Errorf("pauses %s", s)
	}
	// The target may ask for more.
	a.fail = func(sink.Message) error { return &sink.Error{Retry: true, After: time.Minute, Err: errors.New("busy")} }
	w.add("b") // nothing
	w2 := newWorld(t, 100)
	w2.targets["a"] = a
	w2.add("a", "1")
	w2.step()
	if due := w2.left()[0].DueMS - start; due != 60_000 {
		t.Errorf("due after %d ms", due)
	}
}

func TestRefusedAndUnknown(t *testing.T) {
	w := newWorld(t, 100)
	a := &target{fail: func(m sink.Message) error {
		if m.Subject == "2" {
			return &sink.Error{Err: errors.New("422 bad")}
		}
		return nil
	}}
	w.targets["a"] = a
	w.add("a", "1", "2", "3")
	w.add("nobody", "4")
	w.step()
	if a.subjects() != "1 3" || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", a.subjects(), len(w.left()))
	}
	slices.Sort(w.history)
	if got := strings.Join(w.history, "; "); got != "1 <nil>; 2 422 bad; 3 <nil>; 4 no target is configured for the ARN" {
		t.Errorf("history %s", got)
	}
	// What is no *sink.Error is tried again.
	a.fail = func(sink.Message) error { return errors.New("garbage") }
	w.add("a", "5")
	w.step()
	if len(w.left()) != 1 {
		t.Error("an unknown error gave the action up")
	}
}

func TestDead(t *testing.T) {
	w := newWorld(t, 100)
	a := &target{fail: down}
	w.targets["a"] = a
	w.add("a", "1")
	for at := time.Duration(0); at < 23*time.Hour+50*time.Minute; at += 5 * time.Minute {
		w.now = time.UnixMilli(start).Add(at)
		w.step()
	}
	if len(w.left()) != 1 {
		t.Fatal("given up too early")
	}
	w.now = time.UnixMilli(start).Add(24 * time.Hour)
	w.step()
	w.now = w.now.Add(5 * time.Minute)
	w.step()
	if len(w.left()) != 0 || w.service.Stats().Dead != 1 || len(w.history) != 1 || !strings.Contains(w.history[0], "given up after 24h0m0s: connection refused") {
		t.Errorf("%d left, %+v, %v", len(w.left()), w.service.Stats(), w.history)
	}
}

func TestClockJumps(t *testing.T) {
	w := newWorld(t, 100)
	a := &target{fail: down}
	w.targets["a"] = a
	w.add("a", "1")
	w.step()
	// A day forwards: a few tries do not make it dead.
	w.now = w.now.Add(48 * time.Hour)
	w.step()
	if len(w.left()) != 1 {
		t.Fatal("a jump of the clock gave the action up")
	}
	// Back again: the message is due in two days, but is not waited for that long.
	w.now = time.UnixMilli(start)
	a.fail = nil
	w.step()
	if a.subjects() != "1" || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", a.subjects(), len(w.left()))
	}
}

// A crash after the target took a message, before that is recorded, sends it again under the same name.
func TestRestart(t *testing.T) {
	w := newWorld(t, 100)
	run, stop := context.WithCancel(ctx)
	a := &target{}
	a.took = func() {
		if len(a.got) == 2 {
			stop()
			w.close()
		}
	}
	w.targets["a"] = a
	w.add("a", "1", "2", "3")
	if _, err := w.Look(run); err != nil {
		t.Fatal(err)
	}
	w.Settle(1)
	w.open()
	if a.subjects() != "1 2" || len(w.left()) != 2 {
		t.Fatalf("got %s; %d left", a.subjects(), len(w.left()))
	}
	w.step()
	if a.subjects() != "1 2 2 3" || a.got[1].Name != a.got[2].Name || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", a.subjects(), len(w.left()))
	}
}

// A slow target, even with more messages than are looked at together, holds up no other.
func TestSlowTarget(t *testing.T) {
	w := newWorld(t, 20)
	w.drift.Store(true)
	slow, quick := &target{gate: make(chan struct{})}, &target{}
	w.targets["slow"], w.targets["quick"] = slow, quick
	var many, want []string
	for i := range 60 {
		many = append(many, fmt.Sprint("s", i))
	}
	w.add("slow", many...)
	for i := range 30 {
		want = append(want, fmt.Sprint(i))
	}
	w.add("quick", want...)
	for range 20 {
		before := w.Running()
		if _, err := w.Look(ctx); err != nil {
			t.Fatal(err)
		}
		if n := w.Running(); n > 1 {
			w.Settle(1)
		} else if before == n && quick.subjects() == strings.Join(want, " ") {
			break
		}
	}
	if quick.subjects() != strings.Join(want, " ") {
		t.Errorf("got %s", quick.subjects())
	}
	close(slow.gate)
	w.Settle(w.Running())
	w.step() // at once, though its messages were moved out of the way
	if slow.subjects() != strings.Join(many, " ") || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", slow.subjects(), len(w.left()))
	}
}

// No more targets than allowed are sent to at a time.
func TestParallel(t *testing.T) {
	w := newWorld(t, 1000)
	gate := make(chan struct{})
	for i := range 40 {
		arn := fmt.Sprint("t", i)
		w.targets[arn] = &target{gate: gate}
		w.add(arn, "m")
	}
	if _, err := w.Look(ctx); err != nil || w.Running() != 16 {
		t.Fatalf("%d at a time, %v", w.Running(), err)
	}
	close(gate)
	w.Settle(w.Running())
	w.step()
	if len(w.left()) != 0 {
		t.Errorf("%d left", len(w.left()))
	}
}

func TestBrokenMessage(t *testing.T) {
	w := newWorld(t, 100)
	a := &target{}
	w.targets["a"] = a
	broken, err := json.Marshal(map[string]any{"target": "a", "color": "red"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Apply(ctx, catalog.Changes{Outbox: []catalog.Message{{Kind: actions.Kind, DueMS: start, CreatedMS: start, Body: broken}}}); err != nil {
		t.Fatal(err)
	}
	w.add("a", "1")
	w.step()
	if a.subjects() != "1" || len(w.left()) != 0 {
		t.Errorf("got %s; %d left", a.subjects(), len(w.left()))
	}
}

// Run does what is there, what comes, and stops in the middle.
func TestRun(t *testing.T) {
	w := newWorld(t, 100)
	took := make(chan struct{}, 10)
	a, hung := &target{took: func() { took <- struct{}{} }}, &target{gate: make(chan struct{})}
	w.targets["a"], w.targets["hung"] = a, hung
	w.add("a", "1")
	w.add("hung", "h")
	run, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { w.service.Run(run) })
	<-took
	w.add("a", "2")
	w.service.Rouse()
	<-took
	stop()
	done.Wait()
	if a.subjects() != "1 2" || hung.subjects() != "" {
		t.Errorf("got %s and %s", a.subjects(), hung.subjects())
	}
	if n := len(w.left()); n != 1 && n != 2 { // the second may not have been recorded
		t.Errorf("%d left", n)
	}
}

func FuzzDecode(f *testing.F) {
	r := actions.Request{Account: "123456789012", Region: "eu-west-1", Owner: "a", OwnerType: "MetricAlarm", Target: "arn:aws:sns:eu-west-1:123456789012:ops", Body: "{}"}
	m, err := r.Message(start)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(m.Body), `{"target":1}`, `{"color":""}`, `[`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := actions.Decode(body)
		if err != nil {
			return
		}
		m, err := r.Message(start)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := actions.Decode(m.Body); err != nil || *again != *r {
			t.Fatalf("%s: %v %v", body, again, err)
		}
	})
}
