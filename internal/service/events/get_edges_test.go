package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/events"
)

// TestGetEqualTimestamps pages through events of one time in both directions, and
// meets each once, in the order of arrival.
func TestGetEqualTimestamps(t *testing.T) { eachStore(t, testGetEqualTimestamps) }

func testGetEqualTimestamps(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "noise")
	var want []string
	for i := range 5 {
		w.put("g", "s", event{7, fmt.Sprint(2 * i)}, event{7, fmt.Sprint(2*i + 1)})
		w.put("g", "noise", event{7, "noise"})
		want = append(want, fmt.Sprint(2*i), fmt.Sprint(2*i+1))
	}
	for _, limit := range []int{1, 2, 3, 9, 10, 11} {
		for _, head := range []bool{true, false} {
			r := events.GetRequest{Group: "g", Stream: "s", Limit: limit, FromHead: head}
			var got []string
			for {
				p := w.get(r)
				if p.Len() > limit {
					t.Fatalf("%d events in a page of %d", p.Len(), limit)
				}
				next := p.Forward
				if head {
					got = append(got, messages(&p.Page)...)
				} else {
					got, next = slices.Concat(messages(&p.Page), got), p.Backward
				}
				if next == r.Token {
					break
				}
				r.Token = next
			}
			if !slices.Equal(got, want) {
				t.Errorf("limit %d, from head %v: %v, want %v", limit, head, got, want)
			}
		}
	}
}

// TestGetTurns walks a stream forward and back again: a token stands between two
// events, whatever page it came from.
func TestGetTurns(t *testing.T) { eachStore(t, testGetTurns) }

func testGetTurns(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", numbered(1, 6)...)
	r := events.GetRequest{Group: "g", Stream: "s", Limit: 2, FromHead: true}
	step := func(token, want string) events.GetPage {
		t.Helper()
		r.Token = token
		p := w.get(r)
		if got := strings.Join(messages(&p.Page), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		return p
	}
	first := step("", "e1 e2")
	second := step(first.Forward, "e3 e4")
	back := step(second.Backward, "e1 e2") // startFromHead=true with a backward token
	if back.Forward != first.Forward || back.Backward != first.Backward {
		t.Error("the same page has other tokens on the way back")
	}
	r.FromHead = false
	step(back.Forward, "e3 e4") // startFromHead=false with a forward token
	head := step(back.Backward, "")
	if head.Backward != back.Backward {
		t.Error("the backward token of the head is not repeated")
	}
	step(head.Forward, "e2 e3") // after the event that its digits name, e1
	end := step("", "e5 e6")
	tail := step(end.Forward, "")
	if tail.Forward != end.Forward {
		t.Error("the forward token of the end is not repeated")
	}
	step(tail.Backward, "e4 e5") // before the event that its digits name, e6
}

// TestGetEmptyRanges: tokens of empty pages stand at the edge of their range.
func TestGetEmptyRanges(t *testing.T) { eachStore(t, testGetEmptyRanges) }

func testGetEmptyRanges(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", event{1000, "before"}, event{3000, "after"})
	for what, r := range map[string]events.GetRequest{
		"between events": {Start: at(1001), End: at(3000)},
		"start is end":   {Start: at(3000), End: at(3000)},
		"behind all":     {Start: at(3001)},
		"before all":     {End: at(1000)},
		"no time at all": {Start: new(int64), End: new(int64)},
	} {
		r.Group, r.Stream = "g", "s"
		for _, r.FromHead = range []bool{true, false} {
			p := w.get(r)
			if p.Len() > 0 || p.Forward == "" || p.Backward == "" {
				t.Errorf("%s: %v, %q, %q", what, messages(&p.Page), p.Forward, p.Backward)
			}
			for _, token := range []string{p.Forward, p.Backward} {
				again := r
				again.Token = token
				q := w.get(again)
				if q.Len() > 0 || q.Forward != token && q.Backward != token {
					t.Errorf("%s, with its token %s: %v, %s, %s", what, token, messages(&q.Page), q.Forward, q.Backward)
				}
			}
		}
	}
	// Within its range, a follower of an empty range sees what arrives.
	p := w.get(events.GetRequest{Group: "g", Stream: "s", Start: at(1500), End: at(2500)})
	w.put("g", "s", event{1499, "no"}, event{1500, "yes"}, event{2499, "too"}, event{2500, "not"})
	p = w.get(events.GetRequest{Group: "g", Stream: "s", Start: at(1500), End: at(2500), Token: p.Forward})
	if d := cmp.Diff([]string{"yes", "too"}, messages(&p.Page)); d != "" {
		t.Error(d)
	}
}

// TestGetPageBytesBothWays: a page takes what fits in 1 MiB to the byte, from its own
// side.
func TestGetPageBytesBothWays(t *testing.T) { eachStore(t, testGetPageBytesBothWays) }

func testGetPageBytesBothWays(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	half := strings.Repeat("x", events.MaxPageBytes/2-26)
	w.put("g", "s", event{0, half})
	w.put("g", "s", event{1, half})
	w.put("g", "s", event{2, half + "x"})
	w.put("g", "s", event{3, half})
	sizes := func(head bool) (list []int) {
		r := events.GetRequest{Group: "g", Stream: "s", FromHead: head}
		for {
			p := w.get(r)
			next := p.Forward
			if !head {
				next = p.Backward
			}
			if next == r.Token {
				return list
			}
			list, r.Token = append(list, p.Len()), next
		}
	}
	if d := cmp.Diff([]int{2, 1, 1}, sizes(true)); d != "" {
		t.Errorf("forward (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{1, 1, 2}, sizes(false)); d != "" {
		t.Errorf("backward (-want +got):\n%s", d)
	}
}

// TestGetForeignTokens: a token belongs to one stream, and dies with it.
func TestGetForeignTokens(t *testing.T) { eachStore(t, testGetForeignTokens) }

func testGetForeignTokens(t *testing.T, open opener) {
	ctx := context.Background()
	w := newWorld(t, open)
	w.create("g", "s", "other")
	w.create("h", "s")
	w.put("g", "s", numbered(1, 3)...)
	p := w.get(events.GetRequest{Group: "g", Stream: "s"})
	empty := w.get(events.GetRequest{Group: "g", Stream: "other"})
	refuse := func(what string, r events.GetRequest) {
		t.Helper()
		if _, err := w.events.Get(ctx, scope, r); !errors.Is(err, events.ErrBadToken) {
			t.Errorf("%s: %v, want ErrBadToken", what, err)
		}
	}
	for _, token := range []string{p.Forward, p.Backward} {
		refuse("another stream", events.GetRequest{Group: "g", Stream: "other", Token: token})
		refuse("another group", events.GetRequest{Group: "h", Stream: "s", Token: token})
	}
	refuse("of an empty page", events.GetRequest{Group: "g", Stream: "s", Token: empty.Forward})
	filter := w.filter(events.FilterRequest{Group: "g", Limit: 1})
	refuse("of a filter", events.GetRequest{Group: "g", Stream: "s", Token: filter.Token})
	w.must(w.groups.DeleteStream(ctx, scope, "g", "s"))
	w.create("g", "s")
	refuse("a stream of the same name", events.GetRequest{Group: "g", Stream: "s", Token: p.Forward})
	// Tokens of the stream that is there do not age.
	w.now.Add(100 * day)
	if again := w.get(events.GetRequest{Group: "g", Stream: "other", Token: empty.Forward}); again.Forward != empty.Forward {
		t.Errorf("an old token is answered with %s", again.Forward)
	}
}
