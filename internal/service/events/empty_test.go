package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func TestEmptyPagesLoseNothing(t *testing.T) { eachStore(t, testEmptyPagesLoseNothing) }

func testEmptyPagesLoseNothing(t *testing.T, open opener) {
	ctx := context.Background()
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprint("reverse ", reverse), func(t *testing.T) {
			w := newWorld(t, open)
			w.create("g", "s", "t")
			w.put("g", "s", numbered(1, 5)...)
			w.put("g", "t", numbered(1, 5)...)
			r := events.FilterRequest{Group: "g", Limit: 3, Reverse: reverse}
			want := w.drain(r)
			seen := map[string]bool{}
			goOn := func(token string) {
				if seen[token] {
					t.Errorf("token %s comes again", token)
				}
				seen[token], r.Token = true, token
			}
			var got []string
			last := ""
			for {
				empty := 0
				for ; ; empty++ {
					p, ok, err := w.events.EmptyPage(ctx, scope, r)
					w.must(err)
					if !ok {
						break
					}
					if p.Len() > 0 || p.Token == "" {
						t.Fatalf("a page of %d events and token %q", p.Len(), p.Token)
					}
					goOn(p.Token)
				}
				if empty != 3 {
					t.Errorf("%d empty pages in a row, want 3", empty)
				}
				p := w.filter(r)
				got = append(got, named(&p)...)
				if p.Token == "" {
					last = r.Token
					break
				}
				goOn(p.Token)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
			// A client that follows the group with its last token may meet empty pages, too.
			w.put("g", "s", event{0, "early"}, event{100_000, "late"})
			r.Token, r.Limit = last, 100
			p := w.filter(r)
			late := "s:late"
			if reverse {
				late = "s:early"
			}
			if !slices.Contains(named(&p), late) {
				t.Errorf("the last token again: %v", named(&p))
			}
		})
	}
}

// TestEmptyPageOfAFollower: the empty page of a client that follows does not take it
// back to the snapshot of its session.
func TestEmptyPageOfAFollower(t *testing.T) {
	w := newWorld(t, openStore(0, 0))
	w.create("g", "s")
	w.put("g", "s", numbered(1, 3)...)
	r := events.FilterRequest{Group: "g", Limit: 2}
	r.Token = w.filter(r).Token
	w.filter(r) // the end
	w.put("g", "s", numbered(4, 1)...)
	p, ok, err := w.events.EmptyPage(context.Background(), scope, r)
	w.must(err)
	if !ok {
		t.Fatal("no empty page")
	}
	r.Token = p.Token
	if p = w.filter(r); !slices.Equal(messages(&p.Page), []string{"e3", "e4"}) {
		t.Errorf("behind an empty page: %v", messages(&p.Page))
	}
}

func TestEmptyPageChecksTheRequest(t *testing.T) {
	w := newWorld(t, openStore(0, 0))
	w.create("g", "s")
	for what, c := range map[string]struct {
		r    events.FilterRequest
		want error
	}{
		"group":  {events.FilterRequest{Group: "none"}, groups.ErrGroupNotFound},
		"stream": {events.FilterRequest{Group: "g", Streams: []string{"none"}}, groups.ErrStreamNotFound},
		"token":  {events.FilterRequest{Group: "g", Token: "x"}, events.ErrBadToken},
		"limit":  {events.FilterRequest{Group: "g", Limit: -1}, events.ErrLimit},
		"range":  {events.FilterRequest{Group: "g", Start: at(1), End: at(0)}, events.ErrTimeRange},
	} {
		if _, ok, err := w.events.EmptyPage(context.Background(), scope, c.r); ok || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v, want %v", what, ok, err, c.want)
		}
	}
}
