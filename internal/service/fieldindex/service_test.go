package fieldindex_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const start = int64(1_790_000_000_000)

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}
)

type world struct {
	*fieldindex.Service
	t      testing.TB
	groups *groups.Service
	store  *store.Store
	path   string
	db     *catalog.DB
	now    time.Time
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.UnixMilli(start), path: filepath.Join(t.TempDir(), "catalog.db")}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	clock := func() time.Time { return w.now }
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	var err error
	w.db, err = catalog.Open(ctx, w.path, catalog.Options{Now: clock})
	must(err)
	dir := filepath.Join(filepath.Dir(w.path), "data")
	must(vfs.OS().MkdirAll(dir))
	w.store, err = store.Open(ctx, store.Options{FS: vfs.OS(), Dir: dir, Manifest: w.db, Now: clock, Memory: 16 << 20})
	must(err)
	w.groups, err = groups.New(groups.Options{Catalog: w.db, Store: w.store, Now: clock})
	must(err)
	w.Service, err = fieldindex.New(fieldindex.Options{
		Catalog: w.db, Directory: w.groups, Now: clock,
		Events: explore.New(explore.Options{Directory: w.groups, Store: w.store, Now: clock}),
	})
	must(err)
}

func (w *world) close() {
	w.t.Helper()
	if err := errors.Join(w.store.Close(), w.db.Close()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) create(group string, r groups.CreateRequest) {
	w.t.Helper()
	r.Name = group
	if err := w.groups.Create(ctx, scope, r); err != nil {
		w.t.Fatal(err)
	}
	if err := w.groups.CreateStream(ctx, scope, group, "s"); err != nil {
		w.t.Fatal(err)
	}
}

// event stores a message at start + offset.
func (w *world) event(group string, offset time.Duration, message string) {
	w.t.Helper()
	g, err := w.groups.Resolve(ctx, scope, group)
	if err != nil {
		w.t.Fatal(err)
	}
	st, err := w.groups.ResolveStream(ctx, g, "s")
	if err != nil {
		w.t.Fatal(err)
	}
	b := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: start, Timestamps: []int64{start + offset.Milliseconds()}, Arena: []byte(message), Ends: []uint32{uint32(len(message))}}
	if _, err := w.store.Append(ctx, b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(group, document string) {
	w.t.Helper()
	if _, err := w.Put(ctx, scope, group, document); err != nil {
		w.t.Fatal(err)
	}
}

// own returns the indexed fields without the default ones.
func (w *world) own(group string) []string {
	w.t.Helper()
	g, err := w.groups.Resolve(ctx, scope, group)
	if err != nil {
		w.t.Fatal(err)
	}
	names, err := w.Indexed(ctx, g)
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(n string) bool {
		return strings.HasPrefix(n, "@") || n == "traceId" || n == "severityText" || n == "attributes.session.id"
	})
}

// indexes lists "name type first last" with times in seconds after start, of fields that are
// not those of every event.
func (w *world) indexes(group string) []string {
	w.t.Helper()
	page, err := w.DescribeIndexes(ctx, scope, []string{group}, nil)
	if err != nil || page.Next != "" {
		w.t.Fatal(page.Next, err)
	}
	var out []string
	for _, x := range page.Indexes {
		if x.GroupARN != scope.GroupARN(group) || x.ScannedMS != w.now.UnixMilli() {
			w.t.Errorf("index %+v", x)
		}
		if strings.HasPrefix(x.Name, "@") && x.Name != "@logStream" && x.Name != "@@own" {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %d %d", x.Name, x.Type, (x.First-start)/1000, (x.Last-start)/1000))
	}
	return out
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestPolicies(t *testing.T) {
	w := newWorld(t)
	w.create("g", groups.CreateRequest{})
	policies := func() []fieldindex.Policy {
		t.Helper()
		p, err := w.Policies(ctx, scope, "g")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	same(t, "none", len(policies()), 0)
	if err := w.Delete(ctx, scope, "g"); !errors.Is(err, fieldindex.ErrNoPolicy) {
		t.Errorf("delete none: %v", err)
	}
	w.put("g", `{"Fields":["a"]}`)
	w.now = w.now.Add(time.Hour)
	w.put(scope.GroupARN("g"), ` {"Fields":["b", "c"]}`)
	want := []fieldindex.Policy{{GroupARN: scope.GroupARN("g"), Document: ` {"Fields":["b", "c"]}`, UpdatedMS: start + 3600_000}}
	same(t, "policy", policies(), want)
	w.close()
	w.open()
	same(t, "after a restart", policies(), want)
	same(t, "indexed", w.own("g"), []string{"a", "b", "c"})

	w.now = w.now.Add(29 * 24 * time.Hour)
	if err := w.Delete(ctx, scope, "g"); err != nil {
		t.Fatal(err)
	}
	same(t, "deleted", len(policies()), 0)
	same(t, "a month is not over", w.own("g"), []string{"a", "b", "c"})
	w.now = w.now.Add(25 * time.Hour)
	same(t, "that of a is", w.own("g"), []string{"b", "c"})
	w.put("g", `{"FieldsV2":{"c":{"type":"FACET"}}}`)
	w.now = w.now.Add(29 * 24 * time.Hour)
	same(t, "c is back", w.own("g"), []string{"c"})

	if err := w.groups.Delete(ctx, scope, "g"); err != nil {
		t.Fatal(err)
	}
	w.create("g", groups.CreateRequest{})
	same(t, "of a new group", len(policies()), 0)
	same(t, "of a new group", len(w.own("g")), 0)
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.create("ia", groups.CreateRequest{Class: groups.ClassInfrequentAccess})
	if _, err := w.Put(ctx, scope, "ia", `{"Fields":["a"]}`); !errors.Is(err, fieldindex.ErrClass) {
		t.Errorf("put: %v", err)
	}
	same(t, "fields of another class", len(w.own("ia")), 0)
	same(t, "indexes of another class", len(w.indexes("ia")), 0)
	if _, err := w.Put(ctx, scope, "none", `{"Fields":["a"]}`); !errors.Is(err, groups.ErrGroupNotFound) {
		t.Errorf("put on none: %v", err)
	}
	if _, err := w.Policies(ctx, scope, "none"); !errors.Is(err, groups.ErrGroupNotFound) {
		t.Errorf("policies of none: %v", err)
	}
	if err := w.Delete(ctx, scope, "none"); !errors.Is(err, groups.ErrGroupNotFound) {
		t.Errorf("delete of none: %v", err)
	}
	if _, err := w.DescribeIndexes(ctx, scope, []string{"ia", "none"}, nil); !errors.Is(err, groups.ErrGroupNotFound) {
		t.Errorf("indexes of none: %v", err)
	}
}

func TestIndexes(t *testing.T) {
	w := newWorld(t)
	w.create("g", groups.CreateRequest{})
	w.put("g", `{"Fields":["path","@@own","missing"],"FieldsV2":{"user.id":{"type":"FACET"}}}`)
	same(t, "no events", len(w.indexes("g")), 0)
	w.event("g", -31*24*time.Hour, `{"path":"too old","severityText":"x"}`)
	w.event("g", 10*time.Second, `{"user":{"id":7},"path":"/a"}`)
	w.event("g", 20*time.Second, `{"path":"/b","traceId":"t"}`)
	w.event("g", 25*time.Second, `{"@own":1}`)
	w.event("g", 30*time.Second, `no JSON`)
	w.now = w.now.Add(time.Minute)
	want := []string{"@@own FIELD_INDEX 25 25", "@logStream FIELD_INDEX 10 30", "path FIELD_INDEX 10 20", "traceId FIELD_INDEX 20 20", "user.id FACET 10 10"}
	same(t, "indexes", w.indexes("g"), want)
	if err := w.store.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, "from parts", w.indexes("g"), want)
}

func TestDataSources(t *testing.T) {
	w := newWorld(t)
	w.create("flow", groups.CreateRequest{Tags: map[string]string{"cw:datasource:name": "amazon_vpc", "cw:datasource:type": "flow"}})
	same(t, "flow logs", w.own("flow"), []string{"action", "flowDirection", "logStatus", "region", "type"})
	w.create("other", groups.CreateRequest{Tags: map[string]string{"cw:datasource:name": "amazon_vpc"}})
	same(t, "without a type", len(w.own("other")), 0)
}

func TestIndexPages(t *testing.T) {
	w := newWorld(t)
	var names, want, got []string
	for i := range 25 {
		name := fmt.Sprint("g", i)
		w.create(name, groups.CreateRequest{})
		w.event(name, 0, `{"traceId":"x"}`)
		names = append(names, name)
		want = append(want, scope.GroupARN(name))
	}
	var token *string
	pages := 0
	for {
		page, err := w.DescribeIndexes(ctx, scope, names, token)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Indexes {
			if x.Name == "traceId" {
				got = append(got, x.GroupARN)
			}
		}
		pages++
		if page.Next == "" {
			break
		}
		token = &page.Next
	}
	same(t, "pages", pages, 3)
	same(t, "groups", got, want)
	for _, other := range [][]string{names[:20], slices.Concat(names[1:], names[:1])} {
		if _, err := w.DescribeIndexes(ctx, scope, other, token); !errors.Is(err, fieldindex.ErrBadToken) {
			t.Errorf("token of other groups: %v", err)
		}
	}
	w.now = w.now.Add(25 * time.Hour)
	if _, err := w.DescribeIndexes(ctx, scope, names, token); !errors.Is(err, fieldindex.ErrBadToken) {
		t.Errorf("old token: %v", err)
	}
}
