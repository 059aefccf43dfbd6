package explore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/patterns"
)

const start = int64(1_790_000_000_000)

var scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}

// world is a service over a real store.
type world struct {
	*explore.Service
	groups *groups.Service
	store  *store.Store
	now    time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fs := vfs.NewMem()
	if err := fs.MkdirAll("data"); err != nil {
		t.Fatal(err)
	}
	w := &world{now: time.UnixMilli(start + 10*60_000)}
	clock := func() time.Time { return w.now }
	if w.store, err = store.Open(ctx, store.Options{FS: fs, Dir: "data", Manifest: db, Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.store.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	})
	if w.groups, err = groups.New(groups.Options{Catalog: db, Store: w.store, Now: clock}); err != nil {
		t.Fatal(err)
	}
	w.Service = explore.New(explore.Options{Directory: w.groups, Store: w.store, Now: clock})
	return w
}

// create makes a group with the streams s and t.
func (w *world) create(t *testing.T, group string, tags map[string]string) {
	t.Helper()
	ctx := context.Background()
	if err := w.groups.Create(ctx, scope, groups.CreateRequest{Name: group, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"s", "t"} {
		if err := w.groups.CreateStream(ctx, scope, group, s); err != nil {
			t.Fatal(err)
		}
	}
}

// put stores messages, the i-th at start + i*step ms.
func (w *world) put(t *testing.T, group, stream string, from, step int64, messages ...string) {
	t.Helper()
	ctx := context.Background()
	g, err := w.groups.Resolve(ctx, scope, group)
	if err != nil {
		t.Fatal(err)
	}
	st, err := w.groups.ResolveStream(ctx, g, stream)
	if err != nil {
		t.Fatal(err)
	}
	b := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: start}
	for i, m := range messages {
		b.Timestamps = append(b.Timestamps, start+from+int64(i)*step)
		b.Arena = append(b.Arena, m...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
	}
	if _, err := w.store.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
}

func at(ms int64) *int64 {
	ms += start
	return &ms
}

// messages are 600 service logs, of which every tenth is an error.
func messages() []string {
	out := make([]string, 600)
	for i := range out {
		level := "info"
		if i%10 == 0 {
			level = "error"
		}
		out[i] = fmt.Sprintf(`{"level":%q,"n":%d,"user":{"id":"u%d"},"tags":["a",%d]}`, level, i, i%7, i%2)
		if i%50 == 49 {
			out[i] = "plain text"
		}
	}
	return out
}

// eachState runs a test on events in memory, flushed, and on both.
func eachState(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, state := range []string{"memory", "flushed", "both"} {
		t.Run(state, func(t *testing.T) {
			w := newWorld(t)
			w.create(t, "g", nil)
			all := messages()
			w.put(t, "g", "s", 0, 1000, all[:400]...)
			if state != "memory" {
				if err := w.store.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			w.put(t, "g", "t", 400_000, 1000, all[400:]...)
			if state == "flushed" {
				if err := w.store.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			test(t, w)
		})
	}
}

func TestCounts(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			pattern  string
			from, to int64
			period   int64
			by       string
		}{
			{"", 0, 599_000, 60_000, ""},
			{`{ $.level = "error" }`, 0, 599_000, 60_000, ""},
			{"error", 100_500, 300_000, 7_000, ""},
			{"", 0, 599_000, 60_000, "level"},
			{"", 10_000, 19_000, 1_000, "user.id"},
			{"plain", 0, 599_000, 600_000, "level"},
		} {
			r := explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: at(c.from), End: at(c.to), Pattern: c.pattern}, Period: c.period, By: c.by, Top: 3}
			got, err := w.Counts(t.Context(), scope, r)
			if err != nil {
				t.Fatal(err)
			}
			p, err := patterns.Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			m := p.Compile()
			first := (start + c.from) - (start+c.from)%c.period
			want, total := make([]int64, (start+c.to-first)/c.period+1), int64(0)
			values := map[string]int64{}
			for i, text := range messages() {
				ms := int64(i) * 1000
				if ms < c.from || ms > c.to || !m.Match([]byte(text)) {
					continue
				}
				want[(start+ms-first)/c.period]++
				total++
				values[events.Discover([]byte(text))[c.by]]++
			}
			if got.Start != first || got.Period != c.period || got.Total != total || !slices.Equal(got.Buckets, want) {
				t.Errorf("%+v: %d events in %v from %d, want %d in %v from %d", c, got.Total, got.Buckets, got.Start, total, want, first)
			}
			if c.by == "" {
				continue
			}
			sum, told := int64(0), 0
			for _, v := range got.Values {
				bySum := int64(0)
				for _, n := range v.Buckets {
					bySum += n
				}
				if bySum != v.Total {
					t.Errorf("%+v: value %q has %d events, its buckets %d", c, v.Value, v.Total, bySum)
				}
				sum += v.Total
				if v.Other {
					continue
				}
				told++
				if v.Missing != (v.Value == "") || values[v.Value] != v.Total {
					t.Errorf("%+v: value %q: %d, want %d", c, v.Value, v.Total, values[v.Value])
				}
			}
			if sum != total || told != min(3, len(values)) {
				t.Errorf("%+v: the values have %d events in %d, want %d", c, sum, told, total)
			}
		}
	})
}

func TestCountsRefuses(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	ok := explore.Selection{Group: "g", Start: at(0), End: at(1999)}
	refuse := func(r explore.CountsRequest, want error) {
		t.Helper()
		if _, err := w.Counts(t.Context(), scope, r); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", r, err, want)
		}
	}
	refuse(explore.CountsRequest{Selection: explore.Selection{Group: "none", Start: at(0), End: at(1)}}, groups.ErrGroupNotFound)
	refuse(explore.CountsRequest{Selection: explore.Selection{Group: "g", End: at(1)}}, explore.ErrTimeRange)
	refuse(explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: at(2), End: at(1)}}, explore.ErrTimeRange)
	refuse(explore.CountsRequest{Selection: ok, Period: 1}, nil) // 2,000 buckets
	wide := ok
	wide.End = at(2000)
	refuse(explore.CountsRequest{Selection: wide, Period: 1}, explore.ErrBuckets)
	refuse(explore.CountsRequest{Selection: ok, Buckets: 2001}, explore.ErrBuckets)
	refuse(explore.CountsRequest{Selection: ok, Top: 101}, explore.ErrTop)
	refuse(explore.CountsRequest{Selection: ok, By: strings.Repeat("x", 256)}, explore.ErrFields)
	_, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: at(0), End: at(1), Pattern: "{ $.a = }"}})
	if pe, is := errors.AsType[*patterns.Error](err); !is || pe.Start != 8 {
		t.Errorf("a bad pattern: %#v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Counts(ctx, scope, explore.CountsRequest{Selection: ok}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestFacets(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		r := explore.FacetsRequest{Selection: explore.Selection{Group: "g", Start: at(0), End: at(599_000), Pattern: `{ $.n >= 0 }`}, Fields: []string{"level", "user.id", "n", "none"}, Top: 2}
		got, err := w.Facets(t.Context(), scope, r)
		if err != nil {
			t.Fatal(err)
		}
		counts, total := map[string]map[string]int64{}, int64(0)
		for _, m := range messages() {
			found := events.Discover([]byte(m))
			if len(found) > 0 {
				total++
			}
			for _, f := range r.Fields {
				if v, ok := found[f]; ok {
					if counts[f] == nil {
						counts[f] = map[string]int64{}
					}
					counts[f][v]++
				}
			}
		}
		if got.Total != total || got.Stats.Matched != total || len(got.Facets) != 4 {
			t.Fatalf("%d events, %d facets, want %d and 4: %+v", got.Total, len(got.Facets), total, got.Stats)
		}
		for _, f := range got.Facets {
			present := int64(0)
			for _, n := range counts[f.Field] {
				present += n
			}
			if f.Present != present || f.Distinct != int64(len(counts[f.Field])) || len(f.Top) != min(2, len(counts[f.Field])) {
				t.Errorf("%s: %+v, want %d events of %d values", f.Field, f, present, len(counts[f.Field]))
			}
			for i, v := range f.Top {
				if counts[f.Field][v.Value] != v.Count || i > 0 && f.Top[i-1].Count < v.Count {
					t.Errorf("%s: value %d is %q with %d events, want %d", f.Field, i, v.Value, v.Count, counts[f.Field][v.Value])
				}
			}
		}
	})
	w := newWorld(t)
	w.create(t, "g", nil)
	for _, fields := range [][]string{{""}, slices.Repeat([]string{"f"}, 21), {strings.Repeat("x", 256)}} {
		if _, err := w.Facets(t.Context(), scope, explore.FacetsRequest{Selection: explore.Selection{Group: "g", Start: at(0), End: at(1)}, Fields: fields}); !errors.Is(err, explore.ErrFields) {
			t.Errorf("%d fields: %v", len(fields), err)
		}
	}
}

func TestFields(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		got, err := w.Fields(t.Context(), scope, "g", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []explore.FieldShare{{"@ingestionTime", 100}, {"@log", 100}, {"@logStream", 100}, {"@message", 100}, {"@timestamp", 100},
			{"level", 98}, {"n", 98}, {"tags.0", 98}, {"tags.1", 98}, {"user.id", 98}}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("fields (-want +got)\n%s", d)
		}
		before := start/1000 - 3600
		if got, err := w.Fields(t.Context(), scope, "g", &before); err != nil || len(got) != 0 {
			t.Errorf("an hour before: %v, %v", got, err)
		}
		edge := start/1000 - 480 // eight minutes before the first event
		if got, err := w.Fields(t.Context(), scope, "g", &edge); err != nil || len(got) != 10 {
			t.Errorf("eight minutes before: %v, %v", got, err)
		}
		if _, err := w.Fields(t.Context(), scope, "none", nil); !errors.Is(err, groups.ErrGroupNotFound) {
			t.Errorf("no group: %v", err)
		}
	})
}

func TestSourceFields(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", map[string]string{"cw:datasource:name": "shop", "cw:datasource:type": "orders"})
	w.create(t, "h", map[string]string{"cw:datasource:name": "shop", "cw:datasource:type": "other"})
	w.put(t, "g", "s", 0, 1, `{"a":1,"b":{"c":[{"d":true}],"e":null},"f":"x"}`, `{"a":2.5,"f":3,"b":{"c":[]}}`, `no JSON`)
	w.put(t, "h", "s", 0, 1, `{"hidden":1}`)
	got, err := w.SourceFields(t.Context(), scope, "shop", "orders")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got[3:])
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"Name":"a","Type":{"Type":"number","Element":null,"Fields":null}},` +
		`{"Name":"b","Type":{"Type":"struct","Element":null,"Fields":[` +
		`{"Name":"c","Type":{"Type":"array","Element":{"Type":"struct","Element":null,"Fields":[{"Name":"d","Type":{"Type":"boolean","Element":null,"Fields":null}}]},"Fields":null}},` +
		`{"Name":"e","Type":{"Type":"string","Element":null,"Fields":null}}]}},` +
		`{"Name":"f","Type":{"Type":"string","Element":null,"Fields":null}}]`
	if string(text) != want {
		t.Errorf("fields\n%s\nwant\n%s", text, want)
	}
	for _, s := range [][2]string{{"shop", "none"}, {"none", "orders"}, {"*", "*"}} {
		if _, err := w.SourceFields(t.Context(), scope, s[0], s[1]); !errors.Is(err, explore.ErrDataSource) {
			t.Errorf("source %v: %v", s, err)
		}
	}
}
