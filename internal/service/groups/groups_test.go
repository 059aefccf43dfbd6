package groups_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The catalog is the manifest of the store, the store the head of the service.
var (
	_ store.Manifest   = (*catalog.DB)(nil)
	_ groups.HeadStats = (*store.Store)(nil)
)

var scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}

// heads stands in for the memtables of the store.
type heads struct {
	mu    sync.Mutex
	m     map[logs.GroupID]map[logs.StreamID]store.StreamStats
	bytes int64 // of every group
}

func (h *heads) HeadStats(g logs.GroupID) map[logs.StreamID]store.StreamStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := map[logs.StreamID]store.StreamStats{}
	for id, s := range h.m[g] {
		out[id] = s
	}
	return out
}

func (h *heads) HeadStreamStats(g logs.GroupID, streams []logs.StreamID) map[logs.StreamID]store.StreamStats {
	all := h.HeadStats(g)
	out := map[logs.StreamID]store.StreamStats{}
	for _, id := range streams {
		if s, ok := all[id]; ok {
			out[id] = s
		}
	}
	return out
}

func (h *heads) HeadBytes(g logs.GroupID) int64 { return h.bytes }

func (h *heads) set(g logs.GroupID, id logs.StreamID, s store.StreamStats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil {
		h.m = map[logs.GroupID]map[logs.StreamID]store.StreamStats{}
	}
	if h.m[g] == nil {
		h.m[g] = map[logs.StreamID]store.StreamStats{}
	}
	h.m[g][id] = s
}

type world struct {
	*groups.Service
	db   *catalog.DB
	head *heads
	ms   atomic.Int64
}

func newWorld(t testing.TB, change ...func(*groups.Options)) *world {
	t.Helper()
	w := &world{head: &heads{}}
	w.ms.Store(1_700_000_000_000)
	now := func() time.Time { return time.UnixMilli(w.ms.Load()) }
	db, err := catalog.Open(context.Background(), filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.db = db
	o := groups.Options{Catalog: db, Store: w.head, Now: now}
	for _, c := range change {
		c(&o)
	}
	if w.Service, err = groups.New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) group(t testing.TB, name string) groups.Group {
	t.Helper()
	ok(t, "create "+name, w.Create(context.Background(), scope, groups.CreateRequest{Name: name}))
	g, err := w.Resolve(context.Background(), scope, name)
	ok(t, "resolve "+name, err)
	return g
}

func (w *world) stream(t testing.TB, g groups.Group, name string) groups.Stream {
	t.Helper()
	ok(t, "create "+name, w.CreateStream(context.Background(), scope, g.Name, name))
	s, err := w.ResolveStream(context.Background(), g, name)
	ok(t, "resolve "+name, err)
	return s
}

func ok(t testing.TB, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := groups.New(groups.Options{}); err == nil {
		t.Error("a service without a catalog was made")
	}
}

func TestResolve(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	g := w.group(t, "/a/b")
	for _, id := range []string{"/a/b", scope.GroupARN("/a/b"), scope.GroupARN("/a/b") + ":*"} {
		got, err := w.Resolve(ctx, scope, id)
		ok(t, id, err)
		if got.ID != g.ID {
			t.Errorf("%s: group %d, want %d", id, got.ID, g.ID)
		}
		got, err = w.ResolveRef(ctx, scope, groups.Ref{Identifier: &id})
		ok(t, id, err)
		if got.ID != g.ID {
			t.Errorf("%s: group %d, want %d", id, got.ID, g.ID)
		}
	}
	elsewhere := logs.Scope{Account: "111111111111", Region: "us-east-1"}
	for _, id := range []string{"", "/a", elsewhere.GroupARN("/a/b"), scope.StreamARN("/a/b", "s"), "arn:aws:logs:us-east-1:000000000000:log-group:",
		"arn:aws-cn:logs:us-east-1:000000000000:log-group:/a/b", "a:b", ":::::"} {
		_, err := w.Resolve(ctx, scope, id)
		wantErr(t, id, err, groups.ErrGroupNotFound)
	}
	_, err := w.Resolve(ctx, elsewhere, "/a/b")
	wantErr(t, "from another account", err, groups.ErrGroupNotFound)
	_, err = w.ResolveRef(ctx, scope, groups.Ref{})
	wantErr(t, "neither", err, groups.ErrNoName)
	name := "/a/b"
	_, err = w.ResolveRef(ctx, scope, groups.Ref{Name: &name, Identifier: &name})
	wantErr(t, "both", err, groups.ErrNameAndIdentifier)

	byID, err := w.GroupByID(ctx, scope, g.ID)
	ok(t, "by id", err)
	if byID.Name != "/a/b" {
		t.Errorf("by id: %+v", byID)
	}
	_, err = w.GroupByID(ctx, elsewhere, g.ID)
	wantErr(t, "by id from another account", err, groups.ErrGroupNotFound)
}

func TestChangesAreSeenAtOnce(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.group(t, "g") // resolved, so cached
	ok(t, "retention", w.PutRetention(ctx, scope, "g", 7))
	if g, _ := w.Resolve(ctx, scope, "g"); g.RetentionDays != 7 {
		t.Errorf("retention %d, want 7", g.RetentionDays)
	}
	ok(t, "retention", w.DeleteRetention(ctx, scope, "g"))
	if g, _ := w.Resolve(ctx, scope, "g"); g.RetentionDays != 0 {
		t.Errorf("retention %d, want 0", g.RetentionDays)
	}
	ok(t, "protection", w.SetProtection(ctx, scope, scope.GroupARN("g"), true))
	if g, _ := w.Resolve(ctx, scope, "g"); !g.Protected {
		t.Error("not protected")
	}
}

func TestStreamNames(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	g := w.group(t, "g")
	a, b := w.stream(t, g, "a"), w.stream(t, g, "b")
	want := map[logs.StreamID]string{a.ID: "a", b.ID: "b"}
	for range 2 { // from the catalog, then from the cache
		got, err := w.StreamNames(ctx, g.ID, []logs.StreamID{a.ID, b.ID, 999})
		ok(t, "names", err)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("names (-want +got):\n%s", d)
		}
	}
	ok(t, "delete", w.DeleteStream(ctx, scope, "g", "a"))
	got, err := w.StreamNames(ctx, g.ID, []logs.StreamID{a.ID, b.ID})
	ok(t, "names", err)
	if d := cmp.Diff(map[logs.StreamID]string{b.ID: "b"}, got); d != "" {
		t.Errorf("after a deletion (-want +got):\n%s", d)
	}
	list, err := w.Streams(ctx, g.ID, "", "", 9)
	ok(t, "list", err)
	if len(list) != 1 || list[0] != b {
		t.Errorf("streams %+v", list)
	}
	list, err = w.Streams(ctx, g.ID, "", "b", 9)
	ok(t, "list", err)
	if len(list) != 0 {
		t.Errorf("streams after b: %+v", list)
	}
}

// A tiny cache evicts all the time and must answer the same.
func TestTinyCache(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, func(o *groups.Options) { o.CacheBytes = 2000 })
	g := w.group(t, "g")
	ids := map[string]logs.StreamID{}
	for i := range 50 {
		s := w.stream(t, g, fmt.Sprint("s", i))
		ids[s.Name] = s.ID
	}
	for range 3 {
		for name, id := range ids {
			s, err := w.ResolveStream(ctx, g, name)
			ok(t, name, err)
			if s.ID != id {
				t.Errorf("%s: id %d, want %d", name, s.ID, id)
			}
		}
	}
}

// After a deletion returned nobody resolves the name, and after a creation
// returned everybody does, while others resolve it all the time.
func TestResolvingWhileNamesComeAndGo(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	parent := w.group(t, "parent")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := w.Resolve(ctx, scope, "g"); err != nil && !errors.Is(err, groups.ErrGroupNotFound) {
					t.Error(err)
				}
				if _, err := w.ResolveStream(ctx, parent, "s"); err != nil && !errors.Is(err, groups.ErrStreamNotFound) {
					t.Error(err)
				}
			}
		})
	}
	var last logs.GroupID
	for range 60 {
		ok(t, "create", w.Create(ctx, scope, groups.CreateRequest{Name: "g"}))
		g, err := w.Resolve(ctx, scope, "g")
		ok(t, "resolve after creation", err)
		if g.ID <= last {
			t.Fatalf("resolved id %d, which was deleted", g.ID)
		}
		last = g.ID
		ok(t, "delete", w.Delete(ctx, scope, "g"))
		_, err = w.Resolve(ctx, scope, "g")
		wantErr(t, "resolve after deletion", err, groups.ErrGroupNotFound)

		ok(t, "create stream", w.CreateStream(ctx, scope, "parent", "s"))
		_, err = w.ResolveStream(ctx, parent, "s")
		ok(t, "resolve stream after creation", err)
		ok(t, "delete stream", w.DeleteStream(ctx, scope, "parent", "s"))
		_, err = w.ResolveStream(ctx, parent, "s")
		wantErr(t, "resolve stream after deletion", err, groups.ErrStreamNotFound)
	}
	close(stop)
	readers.Wait()
}

func TestStreamTimesOfCatalogAndHead(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	g := w.group(t, "g")
	a, b := w.stream(t, g, "a"), w.stream(t, g, "b")
	name := "g"
	describe := func(byTime bool) map[string][]int64 {
		t.Helper()
		page, err := w.DescribeStreams(ctx, scope, groups.DescribeStreamsRequest{Group: groups.Ref{Name: &name}, ByTime: byTime})
		ok(t, "describe", err)
		out := map[string][]int64{}
		for i, s := range page.Streams {
			out[s.Name] = []int64{int64(i), s.FirstMS, s.LastMS, s.IngestionMS}
		}
		return out
	}
	want := func(byTime bool, want map[string][]int64) {
		t.Helper()
		if d := cmp.Diff(want, describe(byTime)); d != "" {
			t.Errorf("by time %v (-want +got):\n%s", byTime, d)
		}
	}
	want(false, map[string][]int64{"a": {0, -1, -1, -1}, "b": {1, -1, -1, -1}})
	w.head.set(g.ID, a.ID, store.StreamStats{First: 10, Last: 90, LastIngestion: 100})
	want(false, map[string][]int64{"a": {0, 10, 90, 100}, "b": {1, -1, -1, -1}})
	want(true, map[string][]int64{"b": {0, -1, -1, -1}, "a": {1, 10, 90, 100}})
	w.head.set(g.ID, b.ID, store.StreamStats{First: 20, Last: 30, LastIngestion: 100})
	want(true, map[string][]int64{"b": {0, 20, 30, 100}, "a": {1, 10, 90, 100}})
	w.head.set(g.ID, b.ID, store.StreamStats{First: 20, Last: 95, LastIngestion: 101})
	want(true, map[string][]int64{"a": {0, 10, 90, 100}, "b": {1, 20, 95, 101}})

	// After a flush the head starts anew; the catalog knows the rest.
	w.head.m = nil
	want(true, map[string][]int64{"a": {0, 10, 90, 100}, "b": {1, 20, 95, 101}})
	w.head.set(g.ID, a.ID, store.StreamStats{First: 5, Last: 50, LastIngestion: 200})
	want(true, map[string][]int64{"a": {0, 5, 90, 200}, "b": {1, 20, 95, 101}})
}

func TestStoredBytesOfCatalogAndHead(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	g := w.group(t, "g")
	w.head.bytes = 7
	ok(t, "publish", w.db.Publish(ctx, catalog.Publication{GroupBytes: []catalog.GroupBytes{{Group: g.ID, Delta: 100}}}))
	page, err := w.Describe(ctx, scope, groups.DescribeRequest{})
	ok(t, "describe", err)
	if len(page.Groups) != 1 || page.Groups[0].StoredBytes != 107 {
		t.Errorf("groups %+v, want 107 bytes", page.Groups)
	}
}

func TestSequenceTokenLooksLikeOne(t *testing.T) {
	a := groups.SequenceToken(7, logs.Key{Timestamp: 1_700_000_000_000, Seq: 5})
	b := groups.SequenceToken(7, logs.Key{Timestamp: 1_700_000_000_000, Seq: 6})
	if len(a) != 56 || strings.Trim(a, "0123456789") != "" || a >= b {
		t.Errorf("tokens %s, %s", a, b)
	}
}

func TestListPatternBounds(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.group(t, strings.Repeat("a", 30))
	list := func(pattern string) error {
		_, err := w.List(ctx, scope, groups.ListRequest{Pattern: pattern})
		return err
	}
	accepted := func(pattern string) {
		t.Helper()
		ok(t, pattern, list(pattern))
	}
	refused := func(pattern string) {
		t.Helper()
		if e := (*groups.ParameterError)(nil); !errors.As(list(pattern), &e) {
			t.Errorf("%q was accepted", pattern)
		}
	}
	accepted("aaa")
	accepted("^aaa|bbb|^ccc|ddd|^eee")
	accepted(strings.Repeat("a", 24))
	refused("aa")
	refused("^aa")
	refused(strings.Repeat("a", 25))
	refused("aaa|bbb|ccc|ddd|eee|fff")
	refused("aaa|")
	refused("aaa^bbb")
}

func BenchmarkResolve(b *testing.B) {
	ctx := context.Background()
	w := newWorld(b)
	g := w.group(b, "/aws/lambda/function")
	w.stream(b, g, "2026/11/23/[$LATEST]0123456789abcdef")
	arn := scope.GroupARN(g.Name)
	b.Run("name", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Resolve(ctx, scope, "/aws/lambda/function"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("arn", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.Resolve(ctx, scope, arn); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stream", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := w.ResolveStream(ctx, g, "2026/11/23/[$LATEST]0123456789abcdef"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
