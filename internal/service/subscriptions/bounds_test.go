package subscriptions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

// What events take beside their messages counts, and so do their fields.
func TestBatchesOfSmallMessages(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = "x"
	}
	for _, c := range []struct {
		name string
		size int // of a batch
		spec Spec
		want []int // events of each batch
	}{
		{"two puts", 100*(1+perEvent) + 1, Spec{}, []int{200, 200}},
		{"one put", 100 * (1 + perEvent), Spec{}, []int{100, 100, 100, 100}},
		{"fields", 100*(1+perEvent) + 1, Spec{Pattern: "[a]", SystemFields: []string{FieldRegion}}, []int{100, 100, 100, 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStack(t, func(o *Options) { o.tune.batch = c.size })
			x := s.targets[function]
			x.info.Events = true
			s.group("g", "s")
			s.filter("g", "f", c.spec)
			for range 4 {
				s.put("g", "s", many...)
			}
			s.run()
			s.await(x, 400)
			s.stop()
			got := []int{}
			for _, m := range x.got() {
				got = append(got, len(m.Events))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("events of batches (-want +got)\n%s", d)
			}
		})
	}
}

// Many small messages end the wait of a target that gathers, as they fill a batch.
func TestGatheringSmallMessages(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		x := s.targets[function]
		x.info.Linger, x.info.Gather, x.info.Events = time.Hour, 300*(1+perEvent), true
		s.group("g", "s")
		s.filter("g", "f", Spec{})
		s.run()
		for i := range 3 {
			if x.asked() != 0 {
				t.Fatalf("%d calls after %d puts", x.asked(), i)
			}
			s.put("g", "s", numbered("", 0, 10)...)
			s.put("g", "s", strings.Split(strings.Repeat("x", 90), "")...)
			time.Sleep(time.Second)
		}
		if got := x.texts(t); x.asked() != 1 || len(got) != 300 {
			t.Errorf("%d calls and %d events, want 1 and 300", x.asked(), len(got))
		}
	})
}

// Targets that take a minute for each answer use up the memory; another one goes on.
func TestSlowTargetsWithAllTheMemory(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		slow := []string{function, function + "2", function + "3"}
		for _, arn := range slow {
			if s.targets[arn] == nil {
				s.targets[arn] = newTarget()
			}
		}
		y := s.targets[stream]
		for i := range 10 {
			g := fmt.Sprint("g", i)
			s.group(g, "s")
			for j, arn := range slow {
				s.filter(g, fmt.Sprint("slow", j), Spec{Destination: arn})
			}
			s.filter(g, "fast", Spec{Destination: stream, Role: role})
		}
		s.run()
		for _, arn := range slow {
			s.targets[arn].set(func([]sink.Message) (int, error) {
				time.Sleep(time.Minute)
				return 0, nil
			})
		}
		for _, m := range []string{"a", "b"} {
			for i := range 10 {
				s.put(fmt.Sprint("g", i), "s", m)
			}
			time.Sleep(10 * time.Second)
		}
		if got := y.texts(t); len(got) != 20 {
			t.Errorf("the fast target has %d events, want 20", len(got))
		}
		time.Sleep(time.Hour)
		for _, arn := range slow {
			if got := s.targets[arn].texts(t); len(got) != 20 {
				t.Errorf("%s has %d events, want 20", arn, len(got))
			}
		}
		if e := &s.engine; !e.memory.TryAcquire(e.share * 2) {
			t.Error("memory is not given back")
		}
	})
}

// A batch that is sent again is as large as before: its messages have the same names.
func TestRoomOfRetries(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ctx := context.Background()
		var e engine
		e.init(32 << 20)
		take := func(target string, n, least int64) (int64, func()) {
			t.Helper()
			held, done, err := e.room(ctx, target, n, least)
			if err != nil {
				t.Fatal(err)
			}
			return held, done
		}
		_, first := take("a", 1<<30, 0)
		_, second := take("b", 1<<30, 0)
		spare, third := take("c", 4<<20, 0)
		if spare != 1<<20 {
			t.Errorf("spare %d bytes, want 1 MiB", spare)
		}
		third()
		if n, done := take("c", spare, spare); n != spare {
			t.Errorf("again %d, want %d", n, spare)
		} else {
			done()
		}
		for _, least := range []int64{4 << 20, 0} {
			got := make(chan int64, 2)
			if least == 0 {
				_, third = take("c", 4<<20, 0) // the next one finds the spare in use
			}
			go func() {
				n, done := take("c", 4<<20, least)
				got <- n
				done()
			}()
			synctest.Wait()
			if len(got) != 0 {
				t.Errorf("least %d: %d bytes at once", least, <-got)
			}
			if least == 0 {
				third()
				if n := <-got; n != spare {
					t.Errorf("%d bytes of the spare, want %d", n, spare)
				}
				continue
			}
			second()
			if n := <-got; n != 4<<20 {
				t.Errorf("%d bytes of the memory, want 4 MiB", n)
			}
			_, second = take("b", 1<<30, 0)
		}
		ended, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, third = take("c", 4<<20, 0)
		if _, _, err := e.room(ended, "c", 4<<20, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("room without memory: %v", err)
		}
		for _, done := range []func(){first, second, third} {
			done()
		}
		if !e.memory.TryAcquire(2*e.share) || len(e.lanes["c"].spare) != 0 {
			t.Error("memory is not given back")
		}
	})
}

// The clock is set back while a target gathers: it waits once more at most.
func TestClockSetBackWhileGathering(t *testing.T) {
	var offset atomic.Int64
	inBubble(t, func(t *testing.T) {
		s := newStack(t, func(o *Options) {
			o.tune = tuning{}
			o.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
		})
		x := s.targets[function]
		x.info.Linger, x.info.Gather = time.Minute, 1<<20
		s.group("g", "s")
		s.filter("g", "f", Spec{})
		s.run()
		s.put("g", "s", "a")
		time.Sleep(time.Second)
		offset.Store(-int64(3 * time.Hour))
		time.Sleep(2*time.Minute + time.Second)
		if d := cmp.Diff([]string{"a"}, x.texts(t)); d != "" {
			t.Errorf("delivered (-want +got)\n%s", d)
		}
	})
}

// A target that refuses every event for a reason of its own does not fill the catalog.
func TestDeadLettersAreBounded(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	x := sending{}
	h := &head{group: "g", stream: "s"}
	for i := range 200 {
		x.bury(fmt.Sprint("status ", i/2), h, &event{id: logs.EventID{Group: 1, Stream: 1}})
	}
	x.bury("status 3", h, &event{id: logs.EventID{Group: 1, Stream: 1}})
	last := x.dead[len(x.dead)-1]
	if len(x.dead) != maxReasons+1 || x.dead[3].Count != 3 || last.Reason != otherReasons || last.Count != 200-2*maxReasons || len(last.IDs) != maxDeadIDs {
		t.Errorf("%d letters, the last of %d events for %q", len(x.dead), last.Count, last.Reason)
	}
	d := &delivery{key: catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: 1, Name: "f"}, consumer: "c"}
	e, err := last.entry(d, 1)
	if err != nil || e.Keep != keepLetters {
		t.Errorf("entry %+v, %v", e, err)
	}
	for range 3 {
		var c catalog.Changes
		for range 900 {
			c.Journal = append(c.Journal, e)
		}
		if err := s.db.Apply(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.tidy(ctx); err != nil {
		t.Fatal(err)
	}
	left, err := s.db.Journal(ctx, catalog.EntryQuery{Kind: kindDead, Scope: scope, Limit: 5000})
	if err != nil || len(left) != 0 {
		t.Errorf("%d old dead letters are left, %v", len(left), err)
	}
}

// A batch whose position could not be written is made again as it was, so that nothing of it is sent twice.
func TestPositionIsNotWritten(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	s.group("g", "s")
	s.filter("g", "f", Spec{})
	docs, err := s.documents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.newDelivery(ctx, &docs[0])
	if err != nil {
		t.Fatal(err)
	}
	s.put("g", "s", "a")
	if s.o.Catalog, err = catalog.Open(ctx, filepath.Join(t.TempDir(), "closed.db"), catalog.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.o.Catalog.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.step(ctx, d); !errors.Is(err, catalog.ErrClosed) {
		t.Fatalf("writing the position: %v", err)
	}
	s.o.Catalog = s.db
	s.put("g", "s", "b")
	for range 2 {
		if _, err := s.step(ctx, d); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"a", "b"}, s.targets[function].texts(t)); d != "" {
		t.Errorf("delivered (-want +got)\n%s", d)
	}
}

// A filter begins where it is made, whatever is left of one of the same name.
func TestPositionOfAnEarlierFilter(t *testing.T) {
	s := newStack(t)
	ctx := context.Background()
	s.group("g", "s")
	s.filter("g", "f", Spec{})
	docs, err := s.documents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	consumer := consumerOf(docs[0].DocumentKey)
	for _, left := range []uint64{0, 1000} {
		if err := s.DeleteFilter(ctx, scope, "g", "f"); err != nil {
			t.Fatal(err)
		}
		if at, err := s.db.Position(ctx, consumer); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("position after the deletion %d, %v", at, err)
		}
		if err := s.db.Reach(ctx, consumer, left); err != nil {
			t.Fatal(err)
		}
		s.put("g", "s", "a")
		s.filter("g", "f", Spec{})
		if at, err := s.db.Position(ctx, consumer); err != nil || at != s.store.Applied() {
			t.Errorf("position %d, %v; want %d", at, err, s.store.Applied())
		}
	}
}

// With OwnAccount, who may use a target of another account is for that account's destinations to say.
func TestOwnAccount(t *testing.T) {
	ctx := context.Background()
	const other = "111111111111"
	theirs := strings.Replace(stream, scope.Account, other, 1)
	none := strings.Replace(function, scope.Account, "", 1)
	owner := logs.Scope{Account: other, Region: scope.Region}
	s := newStack(t)
	s.targets[theirs], s.targets[none] = newTarget(), newTarget()
	s.group("g", "s")
	denied := func(what string, err error, account, arn string) {
		t.Helper()
		if e, ok := errors.AsType[*AccessError](err); !ok || e.Account != account || e.ARN != arn {
			t.Errorf("%s: %v", what, err)
		}
	}
	put := func(name, arn string) error {
		spec := Spec{Destination: arn}
		if !strings.Contains(arn, ":lambda:") {
			spec.Role = role
		}
		return s.PutFilter(ctx, scope, "g", name, spec)
	}
	// An open server takes them all, and what was made then is not delivered later.
	if err := errors.Join(put("old", theirs), s.DeleteFilter(ctx, scope, "g", "old"), put("old", theirs)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutDestination(ctx, scope, "old", theirs, role, nil); err != nil {
		t.Fatal(err)
	}
	s.close()
	s.options.OwnAccount = true
	s.open()
	arn := owner.DestinationARN("d")
	denied("their stream", put("f", theirs), scope.Account, theirs)
	document, err := json.Marshal(map[string]string{"DestinationArn": theirs, "RoleArn": role, "FilterPattern": ""})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.PutPolicy(ctx, scope, PolicySubscription, "p", string(document), "")
	denied("policy", err, scope.Account, theirs)
	_, err = s.PutDestination(ctx, scope, "d", theirs, role, nil)
	denied("destination of ours for it", err, scope.Account, theirs)
	denied("old destination", put("f", scope.DestinationARN("old")), scope.Account, theirs)
	_, _, err = s.routeOf(ctx, scope, theirs)
	denied("old filter", err, scope.Account, theirs)
	_, _, err = s.routeOf(ctx, scope, scope.DestinationARN("old"))
	denied("old destination", err, scope.Account, theirs)
	if err := errors.Join(put("own", stream), put("of no account", none)); err != nil {
		t.Error(err)
	}
	if _, err := s.PutDestination(ctx, owner, "d", theirs, role, nil); err != nil {
		t.Fatal(err)
	}
	denied("their destination", put("f", arn), scope.Account, arn)
	err = s.PutDestinationPolicy(ctx, owner, "d", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"`+scope.Account+`"},"Action":"logs:PutSubscriptionFilter","Resource":"`+arn+`"}]}`)
	if err := errors.Join(err, put("f", arn)); err != nil {
		t.Error(err)
	}
	if _, _, err := s.routeOf(ctx, scope, arn); err != nil {
		t.Error(err)
	}
}
