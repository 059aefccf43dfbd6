package events_test

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

	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

func (w *world) filter(r events.FilterRequest) events.FilterPage {
	w.t.Helper()
	p, err := w.events.Filter(context.Background(), scope, r)
	w.must(err)
	return p
}

func named(p *events.FilterPage) []string {
	out := []string{}
	for i := range p.Len() {
		out = append(out, p.StreamName(i)+":"+string(p.Event(i).Message))
	}
	return out
}

// drain pages to the end and checks that only the last page may be empty.
func (w *world) drain(r events.FilterRequest) []string {
	w.t.Helper()
	var all []string
	for {
		p := w.filter(r)
		all = append(all, named(&p)...)
		if p.Token == "" {
			return all
		}
		if p.Len() == 0 {
			w.t.Fatalf("an empty page before the end of %+v", r)
		}
		r.Token = p.Token
	}
}

func TestFilterSelects(t *testing.T) { eachStore(t, testFilterSelects) }

func testFilterSelects(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "web/1", "web/2", "db", "empty")
	w.put("g", "web/1", event{0, "ERROR one"}, event{2, "INFO two"}, event{4, "ERROR disk full"})
	w.put("g", "db", event{1, "WARN three"}, event{2, "ERROR four"})
	w.put("g", "web/2", event{3, "INFO five"})
	check := func(r events.FilterRequest, want ...string) {
		t.Helper()
		r.Group = "g"
		for _, limit := range []int{0, 1, 2} {
			r.Limit = limit
			if d := cmp.Diff(want, w.drain(r)); d != "" {
				t.Errorf("%+v (-want +got):\n%s", r, d)
			}
		}
	}
	prefix := func(s string) *string { return &s }
	all := []string{"web/1:ERROR one", "db:WARN three", "web/1:INFO two", "db:ERROR four", "web/2:INFO five", "web/1:ERROR disk full"}
	check(events.FilterRequest{}, all...)
	check(events.FilterRequest{Pattern: `" "`}, all...)
	check(events.FilterRequest{Pattern: "ERROR"}, all[0], all[3], all[5])
	check(events.FilterRequest{Pattern: `ERROR -"disk full"`}, all[0], all[3])
	check(events.FilterRequest{Pattern: "?WARN ?four"}, all[1], all[3])
	check(events.FilterRequest{Pattern: "nothing"})
	check(events.FilterRequest{Start: at(2), End: at(3)}, all[2], all[3], all[4]) // both ends inclusive
	check(events.FilterRequest{Start: at(2), End: at(2)}, all[2], all[3])
	check(events.FilterRequest{Streams: []string{"db", "web/2", "db"}}, all[1], all[3], all[4])
	check(events.FilterRequest{Streams: []string{"empty"}})
	check(events.FilterRequest{Prefix: prefix("web/")}, all[0], all[2], all[4], all[5])
	check(events.FilterRequest{Prefix: prefix("")}, all...)
	check(events.FilterRequest{Prefix: prefix("none")})
	check(events.FilterRequest{Prefix: prefix("web/"), Pattern: "INFO", Start: at(3)}, all[4])
	g, err := w.groups.Resolve(context.Background(), scope, "g")
	w.must(err)
	p := w.filter(events.FilterRequest{Group: scope.GroupARN("g")})
	if d := cmp.Diff(all, named(&p)); d != "" {
		t.Errorf("by ARN:\n%s", d)
	}
	for i := range p.Len() {
		id := p.EventID(i)
		if back, err := logs.ParseEventID(id.String()); err != nil || back != id || id.Group != g.ID || id.Key != p.Event(i).Key {
			t.Errorf("event %d has id %s", i, id)
		}
	}
}

func TestFilterOrderOfEqualTimestampsIsArrival(t *testing.T) {
	eachStore(t, testFilterOrderOfEqualTimestampsIsArrival)
}

func testFilterOrderOfEqualTimestampsIsArrival(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "a", "b")
	w.put("g", "b", event{0, "1"}, event{0, "2"})
	w.put("g", "a", event{0, "3"})
	w.put("g", "b", event{0, "4"})
	if d := cmp.Diff([]string{"b:1", "b:2", "a:3", "b:4"}, w.drain(events.FilterRequest{Group: "g", Limit: 1})); d != "" {
		t.Error(d)
	}
}

func TestFilterRefuses(t *testing.T) { eachStore(t, testFilterRefuses) }

func testFilterRefuses(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "t")
	w.create("h", "s")
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "ia", Class: groups.ClassInfrequentAccess}))
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "dl", Class: groups.ClassDelivery}))
	w.put("g", "s", numbered(1, 3)...)
	refuse := func(r events.FilterRequest, want error) {
		t.Helper()
		if _, err := w.events.Filter(context.Background(), scope, r); !errors.Is(err, want) {
			t.Errorf("%+v: got %v, want %v", r, err, want)
		}
	}
	empty := ""
	refuse(events.FilterRequest{Group: "none"}, groups.ErrGroupNotFound)
	refuse(events.FilterRequest{Group: "g", Streams: []string{"s", "none"}}, groups.ErrStreamNotFound)
	refuse(events.FilterRequest{Group: "ia"}, events.ErrClass)
	refuse(events.FilterRequest{Group: "dl"}, events.ErrClass)
	refuse(events.FilterRequest{Group: "g", Streams: []string{"s"}, Prefix: &empty}, events.ErrNamesAndPrefix)
	refuse(events.FilterRequest{Group: "g", Start: at(1), End: at(0)}, events.ErrTimeRange)
	refuse(events.FilterRequest{Group: "g", Limit: 10_001}, events.ErrLimit)
	refuse(events.FilterRequest{Group: "g", Streams: slices.Repeat([]string{"s"}, 101)}, events.ErrTooManyStreams)
	w.filter(events.FilterRequest{Group: "g", Streams: slices.Repeat([]string{"s"}, 100)})

	for _, text := range []string{`{ $.a = }`, `[a b]`, `%(x)%`, `a=b`, `"open`} {
		_, err := w.events.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Pattern: text})
		var pe *patterns.Error
		if !errors.As(err, &pe) || pe.Text == "" || pe.Reason == "" || pe.End < pe.Start {
			t.Errorf("pattern %s: got %#v", text, err)
		}
	}
}

func TestFilterTokenIsBoundToItsQuery(t *testing.T) { eachStore(t, testFilterTokenIsBoundToItsQuery) }

func testFilterTokenIsBoundToItsQuery(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s", "t")
	w.create("h", "s")
	w.put("g", "s", numbered(1, 5)...)
	w.put("h", "s", numbered(1, 5)...)
	base := events.FilterRequest{Group: "g", Pattern: "e", Start: at(0), End: at(day), Limit: 2}
	token := w.filter(base).Token
	if token == "" {
		t.Fatal("no token")
	}
	s := "s"
	for what, change := range map[string]func(*events.FilterRequest){
		"group":   func(r *events.FilterRequest) { r.Group = "h" },
		"pattern": func(r *events.FilterRequest) { r.Pattern = "" },
		"start":   func(r *events.FilterRequest) { r.Start = nil },
		"end":     func(r *events.FilterRequest) { r.End = at(day + 1) },
		"names":   func(r *events.FilterRequest) { r.Streams = []string{"s"} },
		"prefix":  func(r *events.FilterRequest) { r.Prefix = &s },
		"garbage": func(r *events.FilterRequest) { r.Token = "garbage" },
		"mangled": func(r *events.FilterRequest) { r.Token = "B" + r.Token[1:] },
		"cut":     func(r *events.FilterRequest) { r.Token = r.Token[:len(r.Token)-1] },
	} {
		r := base
		r.Token = token
		change(&r)
		if _, err := w.events.Filter(context.Background(), scope, r); !errors.Is(err, events.ErrBadToken) {
			t.Errorf("changed %s: got %v", what, err)
		}
	}
	r := base
	r.Token, r.Limit = token, 10
	p := w.filter(r)
	if d := cmp.Diff([]string{"s:e3", "s:e4", "s:e5"}, named(&p)); d != "" || p.Token != "" {
		t.Errorf("token %q:\n%s", p.Token, d)
	}
	w.now.Add(day + 1)
	if _, err := w.events.Filter(context.Background(), scope, r); !errors.Is(err, events.ErrBadToken) {
		t.Errorf("a token of yesterday: got %v", err)
	}
}

// TestFilterLastTokenFollows pins what awslogs --watch relies on.
func TestFilterLastTokenFollows(t *testing.T) { eachStore(t, testFilterLastTokenFollows) }

func testFilterLastTokenFollows(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", numbered(1, 3)...)
	r := events.FilterRequest{Group: "g", Limit: 2}
	r.Token = w.filter(r).Token
	p := w.filter(r)
	if d := cmp.Diff([]string{"s:e3"}, named(&p)); d != "" || p.Token != "" {
		t.Fatalf("token %q:\n%s", p.Token, d)
	}
	w.put("g", "s", numbered(4, 1)...)
	p = w.filter(r)
	if d := cmp.Diff([]string{"s:e3", "s:e4"}, named(&p)); d != "" {
		t.Error(d)
	}
}

func TestFilterPageBytes(t *testing.T) { eachStore(t, testFilterPageBytes) }

func testFilterPageBytes(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	half := strings.Repeat("x", events.MaxPageBytes/2-26)
	for i := range 5 {
		w.put("g", "s", event{int64(i), half})
	}
	r := events.FilterRequest{Group: "g"}
	var sizes []int
	for {
		p := w.filter(r)
		sizes = append(sizes, p.Len())
		if r.Token = p.Token; p.Token == "" {
			break
		}
	}
	if d := cmp.Diff([]int{2, 2, 1}, sizes); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestFilterHidesDeletedStreams(t *testing.T) { eachStore(t, testFilterHidesDeletedStreams) }

func testFilterHidesDeletedStreams(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "keep", "gone")
	for i := range 30 {
		w.put("g", []string{"keep", "gone", "gone"}[i%3], event{int64(i), fmt.Sprint(i)})
	}
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "gone"))
	var want []string
	for i := 0; i < 30; i += 3 {
		want = append(want, fmt.Sprintf("keep:%d", i))
	}
	for _, limit := range []int{1, 2, 3, 5, 10, 0} {
		if d := cmp.Diff(want, w.drain(events.FilterRequest{Group: "g", Limit: limit})); d != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, d)
		}
	}
	// A new stream of the same name shows nothing of the old one.
	w.create("g", "gone")
	if d := cmp.Diff(want, w.drain(events.FilterRequest{Group: "g"})); d != "" {
		t.Error(d)
	}
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "keep"))
	if got := w.drain(events.FilterRequest{Group: "g", Limit: 2}); len(got) > 0 {
		t.Errorf("events of deleted streams: %v", got)
	}
}

func TestFilterHidesDeletedStreamsOnPageBoundary(t *testing.T) {
	eachStore(t, testFilterHidesDeletedStreamsOnPageBoundary)
}

func testFilterHidesDeletedStreamsOnPageBoundary(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "keep", "gone")
	big := strings.Repeat("x", events.MaxPageBytes-100)
	w.put("g", "keep", event{0, "small"})
	w.put("g", "gone", event{1, "dropped"})
	w.put("g", "gone", event{2, big})
	w.put("g", "gone", event{3, big})
	w.put("g", "keep", event{4, "last"})
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "gone"))
	if d := cmp.Diff([]string{"keep:small", "keep:last"}, w.drain(events.FilterRequest{Group: "g"})); d != "" {
		t.Error(d)
	}
}

func TestFilterByPrefixOfManyStreams(t *testing.T) { eachStore(t, testFilterByPrefixOfManyStreams) }

func testFilterByPrefixOfManyStreams(t *testing.T, open opener) {
	w := newWorld(t, open)
	names := []string{"other"}
	for i := range 1100 {
		names = append(names, fmt.Sprintf("p/%04d", i))
	}
	w.create("g", names...)
	var want []string
	for i, n := range names {
		w.put("g", n, event{int64(i), "m"})
		if n != "other" && n != "p/0500" {
			want = append(want, n+":m")
		}
	}
	w.must(w.groups.DeleteStream(context.Background(), scope, "g", "p/0500"))
	prefix := "p/"
	for _, limit := range []int{0, 100} {
		if d := cmp.Diff(want, w.drain(events.FilterRequest{Group: "g", Prefix: &prefix, Limit: limit})); d != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, d)
		}
	}
}

func TestFilterRetention(t *testing.T) { eachStore(t, testFilterRetention) }

func testFilterRetention(t *testing.T, open opener) {
	w := newWorld(t, open)
	w.create("g", "s")
	w.put("g", "s", event{0, "old"}, event{1, "new"})
	w.must(w.groups.PutRetention(context.Background(), scope, "g", 1))
	w.now.Store(start + day + 1)
	if d := cmp.Diff([]string{"s:new"}, w.drain(events.FilterRequest{Group: "g"})); d != "" {
		t.Error(d)
	}
	w.now.Store(start + 3*day)
	if got := w.drain(events.FilterRequest{Group: "g", End: at(day)}); len(got) > 0 {
		t.Errorf("expired events are shown: %v", got)
	}
}

// TestFilterDeliversEachEventOnce pages with random limits while batches
// arrive behind the frontier or ahead of it.
func TestFilterDeliversEachEventOnce(t *testing.T) { eachStore(t, testFilterDeliversEachEventOnce) }

func testFilterDeliversEachEventOnce(t *testing.T, open opener) {
	for seed := range seeds(t) {
		rng := rand.New(rand.NewPCG(seed, 8))
		w := newWorld(t, open)
		streams := []string{"a", "b", "c"}
		w.create("g", streams...)
		clock, stored := int64(0), 0
		put := func() {
			name := streams[rng.IntN(3)]
			var list []event
			for range 1 + rng.IntN(5) {
				clock += rng.Int64N(2)
				list = append(list, event{clock, fmt.Sprintf("%s%d", []string{"e", "x"}[rng.IntN(2)], stored)})
				stored++
			}
			w.put("g", name, list...)
		}
		for range 10 {
			put()
		}
		r := events.FilterRequest{Group: "g", Pattern: []string{"", "e", "-e"}[seed%3]}
		want := w.drain(events.FilterRequest{Group: "g", Pattern: r.Pattern})
		var got []string
		for puts := 0; ; {
			r.Limit = 1 + rng.IntN(4)
			p := w.filter(r)
			got = append(got, named(&p)...)
			if r.Token = p.Token; p.Token == "" {
				break
			}
			if p.Len() == 0 {
				t.Fatalf("seed %d: an empty page before the end", seed)
			}
			if puts < 3 && rng.IntN(3) == 0 {
				puts++
				put() // ahead of every cursor: a later page has it
			}
		}
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Fatalf("seed %d: got %v, want %v and what came later", seed, got, want)
		}
		if all := w.drain(events.FilterRequest{Group: "g", Pattern: r.Pattern}); !slices.Equal(all[:len(got)], got) {
			t.Fatalf("seed %d: got %v of %v", seed, got, all)
		}
	}
}

// blind is a store that is not told what messages must contain.
type blind struct{ events.Scanner }

func (b blind) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	q.Need = hint.Need{}
	return b.Scanner.Scan(ctx, q, yield)
}

// TestFilterAnswersDoNotDependOnHints compares answers with those of a store
// that gets no hints.
func TestFilterAnswersDoNotDependOnHints(t *testing.T) {
	eachStore(t, testFilterAnswersDoNotDependOnHints)
}

func testFilterAnswersDoNotDependOnHints(t *testing.T, open opener) {
	rng := rand.New(rand.NewPCG(11, 12))
	w := newWorld(t, open)
	w.create("g", "a", "b")
	words := []string{"ERROR", "ERR", "OR", "request_17", "request", "17", "disk full", " ", "é", "{\"id\":17}", "\\"}
	text := func() string {
		m := ""
		for range 1 + rng.IntN(4) {
			m += words[rng.IntN(len(words))] + []string{"", " ", ":"}[rng.IntN(3)]
		}
		return m
	}
	clock := int64(0)
	for range 24 {
		var list []event
		for range 1 + rng.IntN(12) {
			clock++
			list = append(list, event{clock, text()})
		}
		w.put("g", []string{"a", "b"}[rng.IntN(2)], list...)
	}
	with := w.events
	without := events.New(events.Options{
		Directory: w.groups, Store: blind{w.store}, Now: func() time.Time { return time.UnixMilli(w.now.Load()) },
	})
	hits := 0
	for range 120 {
		p := pattern.Pattern{}
		for range 1 + rng.IntN(3) {
			p.Items = append(p.Items, pattern.Item{Op: pattern.Op(rng.IntN(3)), Text: words[rng.IntN(len(words))]})
		}
		r := events.FilterRequest{Group: "g", Pattern: p.String(), Limit: 1 + rng.IntN(50)}
		w.events = without
		want := w.drain(r)
		w.events = with
		hits += len(want)
		if d := cmp.Diff(want, w.drain(r)); d != "" {
			t.Errorf("%s (-without hints +with them):\n%s", r.Pattern, d)
		}
	}
	if hits == 0 {
		t.Error("no pattern matched anything")
	}
}

func FuzzFilterToken(f *testing.F) {
	f.Add("AQQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "e")
	s := events.New(events.Options{Directory: oneGroup{}})
	f.Fuzz(func(t *testing.T, token, text string) {
		if token == "" {
			return
		}
		_, err := s.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Token: token, Pattern: text})
		var pe *patterns.Error
		if !errors.Is(err, events.ErrBadToken) && !errors.As(err, &pe) {
			t.Fatalf("%q %q: %v", token, text, err)
		}
	})
}

type oneGroup struct{ events.Directory }

func (oneGroup) Resolve(context.Context, logs.Scope, string) (groups.Group, error) {
	return groups.Group{ID: 1, Name: "g", Class: groups.ClassStandard}, nil
}

// hasty is a store whose scans end after a byte of messages, as if that had
// taken long.
type hasty struct{ events.Scanner }

func (h hasty) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	q.Budget.Bytes = 1
	return h.Scanner.Scan(ctx, q, yield)
}

// TestFilterEndsPagesEarly: pages of searches that take long are short and carry a
// token; all of them together are the answer. None is empty before the end.
func TestFilterEndsPagesEarly(t *testing.T) {
	w := newWorld(t, openStore(1, 0)) // a part for each append
	w.create("g", "s")
	for i := range 40 {
		w.put("g", "s", event{int64(i), fmt.Sprintf("e%d kind%d", i, i%10)})
	}
	slow := events.New(events.Options{Directory: w.groups, Store: hasty{w.store}, Now: func() time.Time { return time.UnixMilli(start) }})
	for pattern, hits := range map[string]int{"": 40, "kind3": 4, "absent": 0} {
		r := events.FilterRequest{Group: "g", Pattern: pattern}
		want := w.drain(r)
		if len(want) != hits {
			t.Fatalf("%q: %d hits, want %d", pattern, len(want), hits)
		}
		var got []string
		pages, empty := 0, 0
		for {
			p, err := slow.Filter(context.Background(), scope, r)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			if p.Len() == 0 {
				empty++
			}
			got = append(got, named(&p)...)
			if r.Token = p.Token; p.Token == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", pattern, got, want)
		}
		if hits > 0 && pages < 2 || empty > 1 {
			t.Errorf("%q: %d pages, %d of them empty", pattern, pages, empty)
		}
	}
}
