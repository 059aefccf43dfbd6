package events_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func (w *world) get(r events.GetRequest) events.GetPage {
	w.t.Helper()
	p, err := w.events.Get(context.Background(), scope, r)
	w.must(err)
	return p
}

// TestGetPagingTable is the reference's walk through a stream of five events.
func TestGetPagingTable(t *testing.T) { eachStore(t, testGetPagingTable) }

func testGetPagingTable(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	keys := w.put("g", "s", numbered(1, 5)...)
	group, stream := w.ids("g", "s")
	token := func(kind string, i int) string {
		return kind + "/" + logs.EventID{Key: keys[i-1], Group: group, Stream: stream}.String() + "/s"
	}
	call := func(token string, head bool, want string, forward, backward string) {
		t.Helper()
		p := w.get(events.GetRequest{Group: "g", Stream: "s", Limit: 2, Token: token, FromHead: head})
		if got := strings.Join(messages(&p.Page), " "); got != want {
			t.Errorf("token %q: got %q, want %q", token, got, want)
		}
		if p.Forward != forward || p.Backward != backward {
			t.Errorf("token %q: got tokens\n%s\n%s\nwant\n%s\n%s", token, p.Forward, p.Backward, forward, backward)
		}
	}
	call("", true, "e1 e2", token("f", 2), token("b", 1))
	call(token("f", 2), true, "e3 e4", token("f", 4), token("b", 3))
	call(token("f", 4), true, "e5", token("f", 5), token("b", 5))
	call(token("f", 5), true, "", token("f", 5), token("b", 5))
	keys = append(keys, w.put("g", "s", numbered(6, 1)...)...)
	call(token("f", 5), true, "e6", token("f", 6), token("b", 6))
	call(token("f", 5), false, "e6", token("f", 6), token("b", 6)) // the letter decides
	w.create("g", "five")
	keys = w.put("g", "five", numbered(1, 5)...)
	_, stream = w.ids("g", "five")
	call = func(token string, head bool, want string, forward, backward string) {
		t.Helper()
		p := w.get(events.GetRequest{Group: "g", Stream: "five", Limit: 2, Token: token, FromHead: head})
		if got := strings.Join(messages(&p.Page), " "); got != want || p.Forward != forward || p.Backward != backward {
			t.Errorf("token %q: got %q\n%s\n%s\nwant %q\n%s\n%s", token, got, p.Forward, p.Backward, want, forward, backward)
		}
	}
	call("", false, "e4 e5", token("f", 5), token("b", 4))
	call(token("b", 4), false, "e2 e3", token("f", 3), token("b", 2))
	call(token("b", 2), false, "e1", token("f", 1), token("b", 1))
	call(token("b", 1), false, "", token("f", 1), token("b", 1))
	call(token("b", 4), true, "e2 e3", token("f", 3), token("b", 2))
}

func TestGetOldTokenSpellingComesBackAsSent(t *testing.T) {
	eachStore(t, testGetOldTokenSpellingComesBackAsSent)
}

func testGetOldTokenSpellingComesBackAsSent(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", numbered(1, 1)...)
	p := w.get(events.GetRequest{Group: "g", Stream: "s", FromHead: true})
	short := strings.TrimSuffix(p.Forward, "/s")
	if p = w.get(events.GetRequest{Group: "g", Stream: "s", Token: short}); p.Forward != short || p.Len() != 0 {
		t.Errorf("token in %s, out %s with %d events", short, p.Forward, p.Len())
	}
}

func TestGetEmptyStreamIsFollowed(t *testing.T) { eachStore(t, testGetEmptyStreamIsFollowed) }

func testGetEmptyStreamIsFollowed(t *testing.T, open opener) {
	for _, head := range []bool{true, false} {
		w := newWorld(t, open)
		w.create("g", "s")
		p := w.get(events.GetRequest{Group: "g", Stream: "s", FromHead: head, Start: at(0)})
		if p.Len() != 0 || !strings.HasPrefix(p.Forward, "f/") || !strings.HasPrefix(p.Backward, "b/") {
			t.Fatalf("page of an empty stream: %d events, %q, %q", p.Len(), p.Forward, p.Backward)
		}
		again := w.get(events.GetRequest{Group: "g", Stream: "s", Token: p.Forward, Start: at(0)})
		if again.Forward != p.Forward || again.Len() != 0 {
			t.Errorf("the forward token moved from %s to %s", p.Forward, again.Forward)
		}
		w.put("g", "s", event{-1, "before the range"}, event{0, "first"}, event{5, "second"})
		again = w.get(events.GetRequest{Group: "g", Stream: "s", Token: p.Forward})
		if d := cmp.Diff([]string{"first", "second"}, messages(&again.Page)); d != "" {
			t.Errorf("fromHead %v:\n%s", head, d)
		}
		again = w.get(events.GetRequest{Group: "g", Stream: "s", Token: p.Backward})
		if d := cmp.Diff([]string{"before the range"}, messages(&again.Page)); d != "" {
			t.Errorf("fromHead %v, backward:\n%s", head, d)
		}
	}
}

func TestGetRanges(t *testing.T) { eachStore(t, testGetRanges) }

func testGetRanges(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "other")
	w.put("g", "s", numbered(1, 5)...)
	w.put("g", "other", numbered(1, 9)...)
	check := func(from, to *int64, want string) {
		t.Helper()
		for _, head := range []bool{true, false} {
			p := w.get(events.GetRequest{Group: "g", Stream: "s", Start: from, End: to, FromHead: head})
			if got := strings.Join(messages(&p.Page), " "); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	}
	check(nil, nil, "e1 e2 e3 e4 e5")
	check(at(2000), nil, "e2 e3 e4 e5")
	check(at(2001), nil, "e3 e4 e5")
	check(nil, at(4000), "e1 e2 e3") // the end is exclusive
	check(nil, at(4001), "e1 e2 e3 e4")
	check(at(2000), at(2000), "")
	check(at(9000), nil, "")
	far := int64(math.MaxInt64)
	check(&far, nil, "")
	check(nil, &far, "e1 e2 e3 e4 e5")
}

func TestGetPageBounds(t *testing.T) { eachStore(t, testGetPageBounds) }

func testGetPageBounds(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "many", "large")
	many := make([]event, 10_000)
	for i := range many {
		many[i] = event{int64(i), "x"}
	}
	w.put("g", "many", many...)
	w.put("g", "many", event{10_000, "last"})
	p := w.get(events.GetRequest{Group: "g", Stream: "many", FromHead: true})
	if p.Len() != 10_000 {
		t.Errorf("%d events in a page, want 10,000", p.Len())
	}
	p = w.get(events.GetRequest{Group: "g", Stream: "many", FromHead: true, Token: p.Forward})
	if d := cmp.Diff([]string{"last"}, messages(&p.Page)); d != "" {
		t.Error(d)
	}

	// Two events that fill a page to the byte, then one more.
	half := strings.Repeat("x", events.MaxPageBytes/2-26)
	w.put("g", "large", event{0, half})
	w.put("g", "large", event{1, half})
	w.put("g", "large", event{2, "y"})
	w.put("g", "large", event{3, strings.Repeat("z", events.MaxPageBytes-26)})
	var sizes []int
	for token := ""; ; {
		p := w.get(events.GetRequest{Group: "g", Stream: "large", FromHead: true, Token: token})
		if p.Forward == token {
			break
		}
		sizes, token = append(sizes, p.Len()), p.Forward
	}
	if d := cmp.Diff([]int{2, 1, 1}, sizes); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestGetRefuses(t *testing.T) { eachStore(t, testGetRefuses) }

func testGetRefuses(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "other")
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "ia", Class: groups.ClassInfrequentAccess}))
	w.put("g", "s", numbered(1, 1)...)
	p := w.get(events.GetRequest{Group: "g", Stream: "s"})
	refuse := func(r events.GetRequest, want error) {
		t.Helper()
		if _, err := w.events.Get(context.Background(), scope, r); !errors.Is(err, want) {
			t.Errorf("%+v: got %v, want %v", r, err, want)
		}
	}
	refuse(events.GetRequest{Group: "none", Stream: "none"}, groups.ErrGroupNotFound)
	refuse(events.GetRequest{Group: "g", Stream: "none"}, groups.ErrStreamNotFound)
	refuse(events.GetRequest{Group: "ia", Stream: "none"}, events.ErrClass)
	refuse(events.GetRequest{Group: "g", Stream: "s", Start: at(1), End: at(0)}, events.ErrTimeRange)
	refuse(events.GetRequest{Group: "g", Stream: "s", Limit: -1}, events.ErrLimit)
	refuse(events.GetRequest{Group: "g", Stream: "s", Limit: 10_001}, events.ErrLimit)
	refuse(events.GetRequest{Group: "g", Stream: "other", Token: p.Forward}, events.ErrBadToken)
	for _, bad := range []string{"x", "f/", "f/1", "f/" + strings.Repeat("9", 56), "F" + p.Forward[1:], p.Forward + "x", p.Forward + "/s", p.Forward[2:], "f/" + strings.Repeat("x", 56) + "/s"} {
		refuse(events.GetRequest{Group: "g", Stream: "s", Token: bad}, events.ErrBadToken)
	}
}

func TestGetRetention(t *testing.T) { eachStore(t, testGetRetention) }

func testGetRetention(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", event{0, "old"}, event{1, "new"})
	w.must(w.groups.PutRetention(context.Background(), scope, "g", 1))
	seen := func(want ...string) {
		t.Helper()
		p := w.get(events.GetRequest{Group: "g", Stream: "s", FromHead: true})
		if d := cmp.Diff(want, messages(&p.Page)); d != "" {
			t.Error(d)
		}
	}
	w.now.Store(start + day)
	seen("old", "new")
	w.now.Add(1)
	seen("new")
	w.now.Add(1)
	seen([]string{}...)
	// Back again when the retention goes, as nothing was merged meanwhile.
	w.must(w.groups.DeleteRetention(context.Background(), scope, "g"))
	seen("old", "new")
}

// TestGetDeliversEachEventOnce pages with random limits in both directions
// while batches arrive, and compares with what was stored.
func TestGetDeliversEachEventOnce(t *testing.T) { eachStore(t, testGetDeliversEachEventOnce) }

func testGetDeliversEachEventOnce(t *testing.T, open opener) {
	for seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, open)
		w.create("g", "s", "noise")
		clock, stored := int64(0), 0
		put := func() {
			var list []event
			for range 1 + rng.IntN(6) {
				clock += rng.Int64N(3) // equal timestamps are common
				list = append(list, event{clock, fmt.Sprintf("e%d", stored)})
				stored++
			}
			w.put("g", "s", list...)
			w.put("g", "noise", list...)
		}
		for range rng.IntN(5) {
			put()
		}
		// Start in the middle, then drain both directions; new events only
		// appear ahead.
		var got []string
		p := w.get(events.GetRequest{Group: "g", Stream: "s", FromHead: rng.IntN(2) == 0, Limit: 1 + rng.IntN(5)})
		got = messages(&p.Page)
		forward, backward := p.Forward, p.Backward
		forwardDone, backwardDone := false, false
		for puts := 0; !forwardDone || !backwardDone || puts < 5; {
			switch rng.IntN(3) {
			case 0:
				if puts < 5 {
					puts++
					put()
				}
			case 1:
				p := w.get(events.GetRequest{Group: "g", Stream: "s", Token: forward, Limit: 1 + rng.IntN(5), FromHead: true})
				got = append(got, messages(&p.Page)...)
				forwardDone, forward = p.Forward == forward, p.Forward
			case 2:
				p := w.get(events.GetRequest{Group: "g", Stream: "s", Token: backward, Limit: 1 + rng.IntN(5)})
				got = slices.Concat(messages(&p.Page), got)
				backwardDone, backward = p.Backward == backward, p.Backward
			}
		}
		for token := forward; ; {
			p := w.get(events.GetRequest{Group: "g", Stream: "s", Token: token})
			got = append(got, messages(&p.Page)...)
			if p.Forward == token {
				break
			}
			token = p.Forward
		}
		want := []string{}
		for i := range stored {
			want = append(want, fmt.Sprintf("e%d", i))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, d)
		}
	}
}

func FuzzGetToken(f *testing.F) {
	f.Add("f/31132629274945519779805322857203735586714454643391594505/s")
	f.Add("b/00000000000000000000000000000000000000000000000000000000")
	f.Add("f/")
	s := events.New(events.Options{Directory: noGroups{}})
	f.Fuzz(func(t *testing.T, token string) {
		if token == "" {
			return
		}
		_, err := s.Get(context.Background(), scope, events.GetRequest{Group: "g", Stream: "s", Token: token})
		if !errors.Is(err, events.ErrBadToken) && !errors.Is(err, groups.ErrGroupNotFound) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

// noGroups knows no group.
type noGroups struct{ events.Directory }

func (noGroups) Resolve(context.Context, logs.Scope, string) (groups.Group, error) {
	return groups.Group{}, groups.ErrGroupNotFound
}
