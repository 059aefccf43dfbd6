package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

func down([]sink.Message) (int, error) {
	return 0, &sink.Error{Retry: true, Err: errors.New("connection refused")}
}

// inBubble is synctest.Test. Pools must not bring channels from one bubble to another.
func inBubble(t *testing.T, fn func(t *testing.T)) {
	runtime.GC() // to the victims
	runtime.GC() // and away
	synctest.Test(t, fn)
}

// bubble runs a test in a bubble of its own time, with the waits of a real server.
func bubble(t *testing.T, fn func(t *testing.T, s *stack)) {
	inBubble(t, func(t *testing.T) {
		s := newStack(t, func(o *Options) {
			gather := o.tune.gather
			o.tune = tuning{gather: gather}
		})
		fn(t, s)
		s.stop()
		s.stop = func() {}
	})
}

// A target that is away for an hour gets everything, soon after it is back; meanwhile it is asked less and less often, the lag
// shows, and nothing else waits.
func TestTargetDownForAnHour(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		x, y := s.targets[function], s.targets[stream]
		s.group("g", "s")
		s.filter("g", "f", Spec{})
		s.filter("g", "healthy", Spec{Destination: stream, Role: role})
		s.run()
		x.set(down)
		want := []string{}
		for i := range 60 {
			list := numbered("e", 10*i, 10*i+10)
			want = append(want, list...)
			s.put("g", "s", list...)
			if i%20 == 10 {
				if err := s.store.Flush(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Minute)
			if got := y.texts(t); len(got) != len(want) {
				t.Fatalf("after %d min the healthy target has %d events, want %d", i, len(got), len(want))
			}
		}
		st := s.Statuses()
		if st[0].Filter != "f" || st[0].Lag < 59*time.Minute || st[0].Lag > 61*time.Minute || st[0].Error != "connection refused" || st[0].FailingSinceMS == 0 {
			t.Errorf("status %+v", st[0])
		}
		if st[1].Lag != 0 || st[1].Delivered != 600 || st[1].FailingSinceMS != 0 {
			t.Errorf("status of the healthy one %+v", st[1])
		}
		if x.asked() > 30 {
			t.Errorf("the target was asked %d times in an hour", x.asked())
		}
		x.set(nil)
		time.Sleep(6 * time.Minute)
		if d := cmp.Diff(want, x.texts(t)); d != "" {
			t.Errorf("delivered (-want +got)\n%s", d)
		}
		if st := s.Statuses()[0]; st.Lag != 0 || st.Error != "" || st.FailingSinceMS != 0 || st.Delivered != 600 {
			t.Errorf("status %+v", st)
		}
	})
}

// A target that takes a minute for each answer does not hold up the others, and gets everything.
func TestSlowTarget(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		x, y := s.targets[function], s.targets[stream]
		for i := range 20 {
			g := fmt.Sprintf("g%02d", i)
			s.group(g, "s")
			s.filter(g, "slow", Spec{})
			s.filter(g, "fast", Spec{Destination: stream, Role: role})
		}
		s.run()
		x.set(func([]sink.Message) (int, error) {
			time.Sleep(time.Minute)
			return 0, nil
		})
		for i := range 20 {
			s.put(fmt.Sprintf("g%02d", i), "s", "a", "b")
		}
		time.Sleep(2 * time.Second)
		if got := y.texts(t); len(got) != 40 {
			t.Errorf("the fast target has %d events, want 40", len(got))
		}
		time.Sleep(time.Hour)
		if got := x.texts(t); len(got) != 40 {
			t.Errorf("the slow target has %d events, want 40", len(got))
		}
	})
}

// Events whose retention ended while the target was away are dead letters.
func TestRetentionEndsFirst(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		ctx := context.Background()
		x := s.targets[function]
		s.group("g", "s")
		if err := s.groups.PutRetention(ctx, scope, "g", 1); err != nil {
			t.Fatal(err)
		}
		s.filter("g", "f", Spec{})
		s.run()
		x.set(down)
		s.put("g", "s", "old")
		time.Sleep(23 * time.Hour)
		s.put("g", "s", "new")
		time.Sleep(2 * time.Hour)
		x.set(nil)
		time.Sleep(10 * time.Minute)
		if d := cmp.Diff([]string{"new"}, x.texts(t)); d != "" {
			t.Errorf("delivered (-want +got)\n%s", d)
		}
		page, err := s.DeadLetters(ctx, scope, "g", "f", nil, 10)
		if dead := page.Letters; err != nil || len(dead) != 1 || dead[0].Reason != "expired" || dead[0].Count != 1 {
			t.Errorf("dead letters %+v, %v", page, err)
		}
	})
}

// A filter that is deleted while it delivers ends at once, and so does one whose group is deleted.
func TestDeletedWhileItDelivers(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		ctx := context.Background()
		x := s.targets[function]
		s.group("g", "s")
		s.group("h", "s")
		s.filter("g", "f", Spec{})
		s.filter("h", "f", Spec{})
		s.run()
		x.set(func([]sink.Message) (int, error) { return 0, nil })
		s.put("g", "s", "a")
		s.put("h", "s", "a")
		time.Sleep(time.Second)
		x.set(down)
		s.put("g", "s", "b")
		s.put("h", "s", "b")
		time.Sleep(time.Second)
		if err := s.DeleteFilter(ctx, scope, "g", "f"); err != nil {
			t.Fatal(err)
		}
		if err := s.groups.Delete(ctx, scope, "h"); err != nil {
			t.Fatal(err)
		}
		x.set(nil)
		time.Sleep(time.Hour)
		if d := cmp.Diff([]string{"a", "a"}, x.texts(t)); d != "" {
			t.Errorf("delivered (-want +got)\n%s", d)
		}
		if st := s.Statuses(); len(st) != 0 {
			t.Errorf("still delivering: %+v", st)
		}
		for _, g := range []string{"g"} {
			if page, err := s.Filters(ctx, scope, g, "", nil, 0); err != nil || len(page.Filters) != 0 {
				t.Errorf("filters of %s: %+v, %v", g, page, err)
			}
		}
	})
}

// The clock jumps back and forth: waits are of the monotonic clock, and nothing is lost.
func TestClockJumps(t *testing.T) {
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
		synctest.Wait()
		s.stop()
		offset.Store(int64(3 * time.Hour))
		s.run()
		s.put("g", "s", "b")
		time.Sleep(2 * time.Minute)
		s.stop()
		offset.Store(-int64(3 * time.Hour))
		s.run()
		s.put("g", "s", "c")
		time.Sleep(5 * time.Minute)
		if d := cmp.Diff([]string{"a", "b", "c"}, x.texts(t)); d != "" {
			t.Errorf("delivered (-want +got)\n%s", d)
		}
		if st := s.Statuses()[0]; st.Lag < 0 {
			t.Errorf("lag %s", st.Lag)
		}
	})
}

// A target that gathers gets few large batches.
func TestGathering(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		x := s.targets[function]
		x.info.Linger, x.info.Gather, x.info.Events = time.Minute, 59*(100+perEvent)+1, true
		s.group("g", "s")
		s.filter("g", "f", Spec{})
		s.run()
		for range 59 {
			s.put("g", "s", strings.Repeat("x", 100))
			time.Sleep(time.Second)
		}
		if x.asked() != 0 {
			t.Fatalf("%d calls before the time", x.asked())
		}
		time.Sleep(2 * time.Second)
		if got := x.texts(t); x.asked() != 1 || len(got) != 59 {
			t.Fatalf("%d calls and %d events, want 1 and 59", x.asked(), len(got))
		}
		s.put("g", "s", strings.Repeat("y", 59*(100+perEvent))) // enough at once
		time.Sleep(time.Second)
		if got := x.texts(t); x.asked() != 2 || len(got) != 60 {
			t.Fatalf("%d calls and %d events, want 2 and 60", x.asked(), len(got))
		}
		m := x.got()[1]
		if e := m.Events[0]; m.Body != nil || e.Group != "g" || e.Stream != "s" || e.Account != scope.Account || len(e.ID) != 56 {
			t.Errorf("message %+v", m)
		}
	})
}

// A restart in the middle of a batch repeats at most that batch.
func TestRestartInMidBatch(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		x := s.targets[function]
		x.info.MaxMessages = 1
		s.group("g", "0", "1", "2")
		s.filter("g", "f", Spec{})
		s.run()
		sent := 0
		x.set(func([]sink.Message) (int, error) {
			if sent++; sent == 2 { // the server ends before this one is answered
				return 0, &sink.Error{Retry: true, Err: errors.New("connection reset")}
			}
			return 0, nil
		})
		for i := range 3 {
			s.put("g", fmt.Sprint(i), "a", "b")
		}
		time.Sleep(200 * time.Millisecond)
		s.close()
		s.open()
		s.run()
		time.Sleep(time.Minute)
		s.put("g", "0", "c")
		time.Sleep(time.Minute)
		count := map[string]int{}
		for _, m := range x.texts(t) {
			count[m]++
		}
		if count["a"] < 3 || count["a"] > 4 || count["b"] != count["a"] || count["c"] != 1 {
			t.Errorf("delivered %v", count)
		}
	})
}

// An account policy delivers events of all groups but some, and only of its account.
func TestAccountPolicy(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		ctx := context.Background()
		x := s.targets[function]
		s.group("before", "s")
		s.group("/aws/lambda/f", "s") // what the function itself logs
		s.group("left-out", "s")
		s.run()
		_, err := s.PutPolicy(ctx, scope, PolicySubscription, "p", `{"DestinationArn":"`+function+`","FilterPattern":"x"}`, `LogGroupName NOT IN ["left-out"]`)
		if err != nil {
			t.Fatal(err)
		}
		s.group("after", "s")
		for _, g := range []string{"before", "/aws/lambda/f", "left-out", "after"} {
			s.put(g, "s", "x "+g, "y")
		}
		time.Sleep(time.Minute)
		if d := cmp.Diff([]string{"x before", "x after"}, x.texts(t)); d != "" {
			t.Fatalf("delivered (-want +got)\n%s", d)
		}
		if p := parse(t, x.got()[0]); p.PolicyLevel != policyLevel || p.SubscriptionFilters[0] != "p" || p.LogGroup != "before" {
			t.Errorf("payload %+v", p)
		}
		if !strings.HasSuffix(unzip(t, x.got()[0].Body), `}],"policyLevel":"ACCOUNT_LEVEL_POLICY"}`) {
			t.Errorf("payload %s", unzip(t, x.got()[0].Body))
		}
		if err := s.DeletePolicy(ctx, scope, PolicySubscription, "p"); err != nil {
			t.Fatal(err)
		}
		s.put("after", "s", "x")
		time.Sleep(time.Minute)
		if got := x.texts(t); len(got) != 2 {
			t.Errorf("delivered %q after the policy was deleted", got)
		}
	})
}

// What was forwarded is counted each minute and at the end.
func TestCounts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var counts []Forwarded
		s := newStack(t, func(o *Options) {
			o.tune = tuning{}
			o.Count = func(_ context.Context, c []Forwarded) { counts = append(counts, c...) }
		})
		x := s.targets[function]
		x.info.Type = "http"
		s.group("g", "s")
		s.filter("g", "f", Spec{})
		s.run()
		failed := 0
		x.set(func([]sink.Message) (int, error) {
			failed++
			switch failed {
			case 1:
				return 0, &sink.Error{Retry: true, Throttled: true, Err: errors.New("slow down")}
			case 2:
				return down(nil)
			}
			return 0, nil
		})
		s.put("g", "s", "a", "b")
		time.Sleep(2 * time.Minute)
		s.put("g", "s", "c")
		time.Sleep(time.Second)
		s.stop()
		s.stop = func() {}
		if len(counts) != 2 || counts[0].Bytes == 0 {
			t.Fatalf("counts %+v", counts)
		}
		counts[0].Bytes, counts[1].Bytes = 0, 0
		want := []Forwarded{
			{Scope: scope, Group: "g", Filter: "f", Type: "http", Vendor: "lambda", Events: 2, Errors: 1, Throttled: 1},
			{Scope: scope, Group: "g", Filter: "f", Type: "http", Vendor: "lambda", Events: 1},
		}
		if d := cmp.Diff(want, counts); d != "" {
			t.Errorf("counts (-want +got)\n%s", d)
		}
	})
}

// The position of a filter with nothing to deliver moves on, so that a restart does not read everything again.
func TestPositionsOfQuietFilters(t *testing.T) {
	bubble(t, func(t *testing.T, s *stack) {
		ctx := context.Background()
		s.group("g", "s")
		s.group("quiet", "s")
		s.filter("quiet", "f", Spec{})
		s.filter("g", "none", Spec{Pattern: "nothing"})
		s.run()
		for range 10 {
			s.put("g", "s", "a")
		}
		time.Sleep(time.Minute)
		for _, d := range s.deliveries() {
			at, err := s.db.Position(ctx, d.consumer)
			if err != nil || at != s.store.Applied() {
				t.Errorf("position of %s is %d, %v; want %d", d.consumer, at, err, s.store.Applied())
			}
		}
	})
}
