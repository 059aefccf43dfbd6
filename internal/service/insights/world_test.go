package insights_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	start = int64(1_790_000_000_000) // ms
	day   = int64(24 * 60 * 60 * 1000)
)

var (
	scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}
	other = logs.Scope{Account: "111111111111", Region: "eu-west-1"}
)

// world is a service over real groups and a real store, with a clock.
type world struct {
	t      testing.TB
	fs     *vfs.Mem
	db     *catalog.DB
	groups *groups.Service
	store  *store.Store
	gate   *gate
	*insights.Service
	now atomic.Int64
}

// newWorld opens a world; change may change the options of the service.
func newWorld(t testing.TB, change ...func(*insights.Options)) *world {
	t.Helper()
	w := &world{t: t, fs: vfs.NewMem()}
	w.now.Store(start)
	var err error
	w.db, err = catalog.Open(context.Background(), filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{Now: w.clock})
	w.must(err)
	t.Cleanup(func() { w.must(w.db.Close()) })
	w.store, err = store.Open(context.Background(), store.Options{FS: w.fs, Dir: "data", Manifest: w.db, Memory: 16 << 20, Now: w.clock})
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.groups, err = groups.New(groups.Options{Catalog: w.db, Store: w.store, Now: w.clock})
	w.must(err)
	w.gate = &gate{Store: w.store}
	w.open(change...)
	t.Cleanup(func() { w.must(w.Service.Close()) })
	return w
}

// open opens the service, again after Close.
func (w *world) open(change ...func(*insights.Options)) {
	w.t.Helper()
	o := insights.Options{Catalog: w.db, Directory: w.groups, Store: w.gate, FS: w.fs, Dir: "queries", Now: w.clock}
	for _, c := range change {
		c(&o)
	}
	var err error
	w.Service, err = insights.New(context.Background(), o)
	w.must(err)
}

func (w *world) clock() time.Time { return time.UnixMilli(w.now.Load()) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// put stores events at times (ms after start) in a stream, which it makes with its group.
func (w *world) put(group, stream string, messages map[int64]string) {
	w.t.Helper()
	ctx := context.Background()
	g, err := w.groups.Resolve(ctx, scope, group)
	if errors.Is(err, groups.ErrGroupNotFound) {
		w.create(group)
		g, err = w.groups.Resolve(ctx, scope, group)
	}
	w.must(err)
	st, err := w.groups.ResolveStream(ctx, g, stream)
	if errors.Is(err, groups.ErrStreamNotFound) {
		w.must(w.groups.CreateStream(ctx, scope, group, stream))
		st, err = w.groups.ResolveStream(ctx, g, stream)
	}
	w.must(err)
	for at, m := range messages {
		b := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: w.now.Load(), Arena: []byte(m), Ends: []uint32{uint32(len(m))}, Timestamps: []int64{start + at}}
		_, err := w.store.Append(ctx, b)
		w.must(err)
	}
}

func (w *world) create(group string) {
	w.t.Helper()
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: group}))
}

// many stores n events of one stream, one ms apart, that end at start.
func (w *world) many(group, stream string, n int, message func(i int) string) {
	w.t.Helper()
	w.put(group, stream, nil)
	g, err := w.groups.Resolve(context.Background(), scope, group)
	w.must(err)
	st, err := w.groups.ResolveStream(context.Background(), g, stream)
	w.must(err)
	for from := 0; from < n; from += 10_000 {
		b := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: w.now.Load()}
		for i := from; i < min(from+10_000, n); i++ {
			b.Arena = append(b.Arena, message(i)...)
			b.Ends = append(b.Ends, uint32(len(b.Arena)))
			b.Timestamps = append(b.Timestamps, start-int64(n)+int64(i)+1)
		}
		_, err := w.store.Append(context.Background(), b)
		w.must(err)
	}
}

// hour is a request over the hour before start.
func hour(query string, names ...string) insights.StartRequest {
	return insights.StartRequest{Query: query, Groups: names, Start: start/1000 - 3600, End: start / 1000}
}

// begin starts a query.
func (w *world) begin(r insights.StartRequest) string {
	w.t.Helper()
	id, err := w.Start(context.Background(), scope, r)
	w.must(err)
	return id
}

// ended waits until a query has ended.
func (w *world) ended(id string) insights.Page {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		p, err := w.Results(context.Background(), scope, id, nil, 0)
		w.must(err)
		if p.Status != insights.Scheduled && p.Status != insights.Running {
			return p
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("query %s is %s", id, p.Status)
		}
	}
}

// status returns the status of a query now.
func (w *world) status(id string) string {
	w.t.Helper()
	p, err := w.Results(context.Background(), scope, id, nil, 0)
	w.must(err)
	return p.Status
}

// text writes rows as lines, without @ptr.
func text(rows [][]insights.Cell) string {
	var b strings.Builder
	for _, r := range rows {
		for i, c := range r {
			if c.Name == "@ptr" {
				continue
			}
			if i > 0 {
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "%s=%s", c.Name, c.Value)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// answers runs a query over the hour before start and compares its rows.
func (w *world) answers(r insights.StartRequest, want string) {
	w.t.Helper()
	p := w.ended(w.begin(r))
	if p.Status != insights.Complete {
		w.t.Fatalf("%s: %s: %s", r.Query, p.Status, p.Reason)
	}
	if d := cmp.Diff(want, text(p.Rows)); d != "" {
		w.t.Fatalf("%s (-want +got):\n%s", r.Query, d)
	}
}

// refuses starts a query that is refused with an error of that text.
func (w *world) refuses(r insights.StartRequest, want string) {
	w.t.Helper()
	id, err := w.Start(context.Background(), scope, r)
	if err == nil {
		w.t.Fatalf("%q started as %s, want %s", r.Query, id, want)
	}
	got := err.Error()
	if m, ok := errors.AsType[*insights.MalformedError](err); ok {
		got += fmt.Sprintf(" [%d,%d)", m.Start, m.End)
	}
	if got != want {
		w.t.Errorf("%q:\n got %s\nwant %s", r.Query, got, want)
	}
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// gate is a store whose scans can be held.
type gate struct {
	*store.Store
	held atomic.Pointer[chan struct{}] // scans wait until it is closed
	scan atomic.Int64                  // scans that were begun
	each atomic.Pointer[func()]        // called before each block
}

// hold makes scans wait until the function it returns is called.
func (g *gate) hold() (release func()) {
	c := make(chan struct{})
	g.held.Store(&c)
	return func() {
		if g.held.CompareAndSwap(&c, nil) {
			close(c)
		}
	}
}

// reached waits until a scan was begun.
func (g *gate) reached(t testing.TB) {
	t.Helper()
	for range 10_000 {
		if g.scan.Load() > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("no scan was begun")
}

func (g *gate) ScanBlocks(ctx context.Context, q store.BlockQuery, workers int, fn func(worker int, b *store.BlockView) error) (store.Stats, error) {
	g.scan.Add(1)
	if c := g.held.Load(); c != nil {
		select {
		case <-*c:
		case <-ctx.Done():
			return store.Stats{}, context.Cause(ctx)
		}
	}
	return g.Store.ScanBlocks(ctx, q, workers, func(worker int, b *store.BlockView) error {
		if each := g.each.Load(); each != nil {
			(*each)()
		}
		return fn(worker, b)
	})
}

func groupsNamed(i int) groups.CreateRequest {
	return groups.CreateRequest{Name: fmt.Sprintf("/many/%03d", i)}
}
