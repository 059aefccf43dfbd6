package events_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

func TestPagesAreASnapshot(t *testing.T) { eachStore(t, testPagesAreASnapshot) }

func testPagesAreASnapshot(t *testing.T, open opener) {
	for _, reverse := range []bool{false, true} {
		t.Run(fmt.Sprint("reverse ", reverse), func(t *testing.T) {
			w := newWorld(t, open)
			w.create("g", "s", "t")
			w.put("g", "s", numbered(10, 5)...)
			w.put("g", "t", numbered(10, 5)...)
			r := events.FilterRequest{Group: "g", Limit: 3, Reverse: reverse}
			session := func() (got []string, last string) {
				for {
					p := w.filter(r)
					if p.Len() == 0 {
						t.Error("an empty page")
					}
					got = append(got, messages(&p.Page)...)
					// Before and behind the page, in the range of the query.
					w.put("g", "s", event{1000, "early"}, event{60_000, "late"})
					if p.Token == "" {
						return got, r.Token
					}
					r.Token = p.Token
				}
			}
			got, last := session()
			if len(got) != 10 || slices.Contains(got, "early") || slices.Contains(got, "late") {
				t.Errorf("the session shows %v, want the ten events that were there when it began", got)
			}
			// The last token again is a client that follows.
			r.Token, r.Limit = last, 100
			p := w.filter(r)
			want := "late"
			if reverse {
				want = "early"
			}
			if !slices.Contains(messages(&p.Page), want) {
				t.Errorf("the last token again shows %v, want what has arrived, too", messages(&p.Page))
			}
		})
	}
}

func TestReverse(t *testing.T) { eachStore(t, testReverse) }

func testReverse(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "t")
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 30 {
		stream := []string{"s", "t"}[i%2]
		w.put("g", stream, event{int64(rng.IntN(10)) * 100, fmt.Sprintf("e%d", i)})
	}
	forward := w.drain(events.FilterRequest{Group: "g", Pattern: "e"})
	for _, limit := range []int{1, 4, 100} {
		back := w.drain(events.FilterRequest{Group: "g", Pattern: "e", Limit: limit, Reverse: true})
		slices.Reverse(back)
		if !slices.Equal(back, forward) {
			t.Errorf("limit %d: backward is\n%v\nwant the reverse of\n%v", limit, back, forward)
		}
	}
	// The direction of a token counts.
	p := w.filter(events.FilterRequest{Group: "g", Limit: 5, Reverse: true})
	a := w.filter(events.FilterRequest{Group: "g", Limit: 5, Reverse: true, Token: p.Token})
	b := w.filter(events.FilterRequest{Group: "g", Limit: 5, Token: p.Token})
	if !slices.Equal(messages(&a.Page), messages(&b.Page)) || a.Len() != 5 {
		t.Errorf("with the token of a backward page: %v, and without its direction %v", messages(&a.Page), messages(&b.Page))
	}
	old := int64(1_704_067_199_999)
	if _, err := w.events.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Start: &old, Reverse: true}); !errors.Is(err, events.ErrReverse) {
		t.Errorf("before 2024: %v", err)
	}
	old++
	w.filter(events.FilterRequest{Group: "g", Start: &old, Reverse: true})
}

func TestIngestionTime(t *testing.T) { eachStore(t, testIngestionTime) }

func testIngestionTime(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	for i := range 6 {
		w.now.Store(start + int64(i)*1000)
		w.put("g", "s", event{int64(-i), fmt.Sprintf("e%d", i)})
	}
	for _, c := range []struct {
		from, to *int64
		want     []string
	}{
		{nil, nil, []string{"e5", "e4", "e3", "e2", "e1", "e0"}},
		{at(2000), nil, []string{"e5", "e4", "e3", "e2"}},
		{nil, at(2000), []string{"e1", "e0"}},
		{at(2000), at(4000), []string{"e3", "e2"}},
		{at(2000), at(2000), nil},
	} {
		got := []string{}
		r := events.FilterRequest{Group: "g", IngestedFrom: c.from, IngestedTo: c.to, Limit: 1}
		for {
			p := w.filter(r)
			got = append(got, messages(&p.Page)...)
			if r.Token = p.Token; r.Token == "" {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("ingested %v to %v: %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if _, err := w.events.Filter(context.Background(), scope, events.FilterRequest{Group: "g", IngestedFrom: at(2), IngestedTo: at(1)}); !errors.Is(err, events.ErrIngestedRange) {
		t.Errorf("a range that ends before it begins: %v", err)
	}
}

func TestAround(t *testing.T) { eachStore(t, testAround) }

func testAround(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "t")
	var keys []logs.Key
	for i := range 4 { // equal timestamps across batches
		keys = append(keys, w.put("g", "s", event{0, fmt.Sprintf("s%d", 3*i)}, event{0, fmt.Sprintf("s%d", 3*i+1)}, event{0, fmt.Sprintf("s%d", 3*i+2)})...)
		w.put("g", "t", event{0, "other"})
	}
	group, stream := w.ids("g", "s")
	id := func(k logs.Key) string { return logs.EventID{Key: k, Group: group, Stream: stream}.String() }
	for i, k := range keys {
		for _, n := range [][2]int{{0, 0}, {1, 2}, {5, 5}, {1000, 1000}} {
			p, err := w.events.Around(context.Background(), scope, events.AroundRequest{EventID: id(k), Before: n[0], After: n[1]})
			w.must(err)
			var want []string
			for j := max(0, i-n[0]); j <= min(len(keys)-1, i+n[1]); j++ {
				want = append(want, fmt.Sprint("s", j))
			}
			if got := messages(&p.Page); !slices.Equal(got, want) || p.At != min(i, n[0]) || p.Name != "s" {
				t.Fatalf("around %d: %v at %d of %s, want %v", i, got, p.At, p.Name, want)
			}
			if p.EventID(p.At).String() != id(k) {
				t.Fatalf("around %d: the event has the id %s", i, p.EventID(p.At))
			}
		}
	}
	refuse := func(r events.AroundRequest, sc logs.Scope, want error) {
		t.Helper()
		if _, err := w.events.Around(context.Background(), sc, r); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", r, err, want)
		}
	}
	known := id(keys[0])
	refuse(events.AroundRequest{EventID: "x"}, scope, events.ErrBadPointer)
	refuse(events.AroundRequest{EventID: known, Before: -1}, scope, events.ErrAround)
	refuse(events.AroundRequest{EventID: known, After: 1001}, scope, events.ErrAround)
	refuse(events.AroundRequest{EventID: id(logs.Key{Timestamp: start, Seq: keys[11].Seq + 77})}, scope, events.ErrRecordNotFound)
	refuse(events.AroundRequest{EventID: known}, logs.Scope{Account: "999999999999", Region: scope.Region}, events.ErrRecordNotFound)
	w.must(w.groups.Delete(context.Background(), scope, "g"))
	refuse(events.AroundRequest{EventID: known}, scope, events.ErrRecordNotFound)
}

// counting counts the scans of a store.
type counting struct {
	events.Scanner
	scans int
}

func (c *counting) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	c.scans++
	return c.Scanner.Scan(ctx, q, yield)
}

// TestDeletedStreamsCostLittle: the events of a deleted stream that lie before a page are passed in one go.
func TestDeletedStreamsCostLittle(t *testing.T) {
	w := newWorld(t, openStore(0, 0))
	w.create("g", "dead", "live")
	for i := range 20 {
		w.put("g", "dead", numbered(100*i, 100)...)
	}
	w.put("g", "live", event{10_000_000, "alive"})
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "dead"))
	c := &counting{Scanner: w.store}
	s := events.New(events.Options{Directory: w.groups, Store: c, Now: func() time.Time { return time.UnixMilli(w.now.Load()) }})
	for _, limit := range []int{1, 5, 10_000} {
		c.scans = 0
		p, err := s.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Limit: limit})
		w.must(err)
		if got := messages(&p.Page); !slices.Equal(got, []string{"alive"}) || p.Token != "" {
			t.Errorf("limit %d: %v, token %q", limit, got, p.Token)
		}
		if c.scans > 3 {
			t.Errorf("limit %d: %d scans", limit, c.scans)
		}
	}
	if p, err := s.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Streams: []string{}}); err != nil || p.Len() > 0 {
		t.Errorf("no streams: %d events, %v", p.Len(), err)
	}
}
