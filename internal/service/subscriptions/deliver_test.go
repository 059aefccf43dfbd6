package subscriptions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

func TestPayload(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_000)
	s := newStack(t, func(o *Options) { o.Now = func() time.Time { return at } })
	s.run()
	s.group("g", "one", "two\"")
	x := s.targets[function]
	s.filter("g", "f", Spec{Pattern: "?ERROR ?\"é\""})
	wantCheck := `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[` +
		`{"id":"","timestamp":1800000000000,"message":"CWL CONTROL MESSAGE: Checking health of destination Lambda function."}]}`
	if len(x.checks) != 1 || unzip(t, x.checks[0].Body) != wantCheck {
		t.Fatalf("control message %s, want %s", unzip(t, x.checks[0].Body), wantCheck)
	}
	s.put("g", "one", "ERROR a\n\t\"\\\x01<&>", "nothing", "ERROR \xff é 😀")
	s.await(x, 2)
	s.put("g", "two\"", "ERROR b")
	s.await(x, 3)
	bodies := []string{}
	ids := []string{}
	for _, m := range x.got() {
		body := unzip(t, m.Body)
		for i, e := range parse(t, m).LogEvents {
			body = strings.Replace(body, e.ID, fmt.Sprint("ID", i), 1)
			ids = append(ids, e.ID)
		}
		bodies = append(bodies, body)
		if m.ContentType != "application/json" || m.Encoding != sink.EncodingGzip || m.Attributes["Message-Type"] != "DATA_MESSAGE" || m.Name == "" {
			t.Errorf("message %+v", m)
		}
	}
	want := []string{
		`{"messageType":"DATA_MESSAGE","owner":"000000000000","logGroup":"g","logStream":"one","subscriptionFilters":["f"],"logEvents":[` +
			`{"id":"ID0","timestamp":1800000000000,"message":"ERROR a\n\t\"\\\u0001<&>"},{"id":"ID1","timestamp":1800000000000,"message":"ERROR ` + "\uFFFD" + ` é 😀"}]}`,
		`{"messageType":"DATA_MESSAGE","owner":"000000000000","logGroup":"g","logStream":"two\"","subscriptionFilters":["f"],"logEvents":[` +
			`{"id":"ID0","timestamp":1800000000000,"message":"ERROR b"}]}`,
	}
	if d := cmp.Diff(want, bodies); d != "" {
		t.Errorf("payloads (-want +got)\n%s", d)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) || len(ids[0]) != 56 {
		t.Errorf("ids %q", ids)
	}
	if x.got()[0].Key != "one" || x.got()[1].Key != "two\"" {
		t.Errorf("keys %q, %q", x.got()[0].Key, x.got()[1].Key)
	}
}

func TestExtractedAndSystemFields(t *testing.T) {
	s := newStack(t)
	s.run()
	s.group("g", "s")
	s.filter("g", "f", Spec{Pattern: "[ip, user, status = 4*, ..., last]", SystemFields: []string{FieldRegion, FieldAccount}})
	s.put("g", "s", `1.2.3.4 "a b" 200 x`, `1.2.3.4 "a b" 404 p q r`)
	s.await(s.targets[function], 1)
	got := parse(t, s.targets[function].got()[0]).LogEvents
	want := map[string]string{"ip": "1.2.3.4", "user": "a b", "status": "404", "last": "r", FieldAccount: scope.Account, FieldRegion: scope.Region}
	for name, v := range want {
		if got[0].Fields[name] != v {
			t.Errorf("field %s is %q, want %q", name, got[0].Fields[name], v)
		}
	}
}

// Only what arrives after the filter was made is delivered, and nothing after it was deleted.
func TestFromMakingToDeletion(t *testing.T) {
	s := newStack(t)
	s.run()
	s.group("g", "s")
	s.put("g", "s", "before")
	s.filter("g", "f", Spec{})
	x := s.targets[function]
	s.put("g", "s", "a")
	s.await(x, 1)
	s.filter("g", "f", Spec{Pattern: "b"}) // replaced: goes on where it was
	s.put("g", "s", "a", "b")
	s.await(x, 2)
	if err := s.DeleteFilter(context.Background(), scope, "g", "f"); err != nil {
		t.Fatal(err)
	}
	s.put("g", "s", "b again")
	s.filter("g", "other", Spec{})
	s.put("g", "s", "last")
	if d := cmp.Diff([]string{"a", "b", "last"}, s.await(x, 3)); d != "" {
		t.Errorf("delivered (-want +got)\n%s", d)
	}
}

// A target that fails in every way gets every event, at least once, in order within a stream.
func TestEveryEventArrives(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { everyEventArrives(t, seed) })
	}
}

func everyEventArrives(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newStack(t, func(o *Options) { o.tune.batch, o.tune.record = 4<<10, 1<<10 })
	x := s.targets[function]
	x.info.MaxMessages = 3
	s.group("g", "0", "1", "2")
	s.filter("g", "f", Spec{})
	s.run()
	var failures int
	x.set(func(m []sink.Message) (int, error) {
		failures++
		switch n := failures % 5; n {
		case 0, 1:
			return 0, nil
		case 2:
			return 0, &sink.Error{Retry: true, Throttled: true, Err: errors.New("throttled")}
		case 3: // took a part
			return min(1, len(m)-1), &sink.Error{Retry: true, Err: errors.New("half")}
		default: // took all, and the answer was lost
			return len(m), &sink.Error{Retry: true, Sent: 0, Err: errors.New("garbage")}
		}
	})
	want := map[string]int{}
	var order [3][]string
	total := 0
	for round := range 30 {
		st := rng.IntN(3)
		list := numbered(fmt.Sprintf("%d-", st), total, total+1+rng.IntN(40))
		total += len(list)
		s.put("g", fmt.Sprint(st), list...)
		order[st] = append(order[st], list...)
		for _, m := range list {
			want[m]++
		}
		switch {
		case round%7 == 3:
			if err := s.store.Flush(context.Background()); err != nil {
				t.Fatal(err)
			}
		case round%10 == 5: // a restart in the middle of everything
			s.close()
			s.open()
			s.run()
		}
	}
	s.await(x, total)
	// The last batch may still be on its way.
	limit := time.After(20 * time.Second)
	for {
		got := map[string]int{}
		for _, m := range x.texts(t) {
			got[m]++
		}
		missing := 0
		for m := range want {
			if got[m] == 0 {
				missing++
			}
		}
		if missing == 0 {
			break
		}
		select {
		case <-x.arrived:
		case <-limit:
			t.Fatalf("%d of %d events are missing", missing, total)
		}
	}
	s.stop()
	for st, list := range order {
		var first []string // the first arrivals of each event, in order
		seen := map[string]bool{}
		for _, m := range x.texts(t) {
			if strings.HasPrefix(m, fmt.Sprintf("%d-", st)) && !seen[m] {
				seen[m] = true
				first = append(first, m)
			}
		}
		if d := cmp.Diff(list, first); d != "" {
			t.Errorf("stream %d (-want +got)\n%s", st, d)
		}
	}
	for _, m := range x.texts(t) {
		if want[m] == 0 {
			t.Fatalf("%q was never put", m)
		}
	}
}

// Events that a target refuses for good do not hold up the others; they are listed.
func TestDeadLetters(t *testing.T) {
	s := newStack(t)
	x := s.targets[function]
	x.info.MaxBody = 10 << 10
	s.run()
	s.group("g", "s")
	s.filter("g", "f", Spec{})
	refuse := func(m []sink.Message) (int, error) {
		for i := range m {
			if strings.Contains(unzip(t, m[i].Body), "poison") {
				return i, &sink.Error{Err: errors.New("status 400")}
			}
		}
		return 0, nil
	}
	x.set(refuse)
	big := make([]byte, 20<<10)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range big {
		big[i] = 'a' + byte(rng.IntN(26))
	}
	s.put("g", "s", "a", "b", "poison 1", "c", string(big), "d", "poison 2", "poison 3", "e")
	if d := cmp.Diff([]string{"a", "b", "c", "d", "e"}, s.await(x, 5)); d != "" {
		t.Fatalf("delivered (-want +got)\n%s", d)
	}
	s.put("g", "s", "f")
	s.await(x, 6)
	dead, first := []DeadLetter{}, true
	for token := (*string)(nil); first || token != nil; first = false {
		page, err := s.DeadLetters(context.Background(), scope, "g", "f", token, 1)
		if err != nil {
			t.Fatal(err)
		}
		dead, token = append(dead, page.Letters...), nil
		if page.Next != "" {
			token = &page.Next
		}
	}
	total := 0
	for _, d := range dead {
		total += d.Count
		if d.Group != "g" || d.Stream != "s" || len(d.IDs) != d.Count {
			t.Errorf("dead letter %+v", d)
		}
	}
	if total != 4 || len(dead) != 2 {
		t.Errorf("dead letters %+v, want 4 events for 2 reasons", dead)
	}

	// A target that refuses everything is broken: nothing is dead.
	x.mu.Lock()
	x.check = func() error { return errors.New("status 400") }
	x.mu.Unlock()
	s.put("g", "s", "poison 4", "g")
	s.waitFor(func() bool { return s.Statuses()[0].FailingSinceMS != 0 })
	x.mu.Lock()
	x.check = nil
	x.mu.Unlock()
	s.await(x, 7)
	s.waitFor(func() bool { return s.Statuses()[0].Dead == 5 })
}

// waitFor waits until something is so.
func (s *stack) waitFor(so func() bool) {
	s.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	each := time.NewTicker(time.Millisecond)
	defer each.Stop()
	for !so() {
		select {
		case <-each.C:
		case <-limit.C:
			s.t.Fatal("it does not come true")
		}
	}
}
