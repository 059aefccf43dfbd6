package explore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// several asks about groups.
func several(groups ...string) explore.Selection {
	return explore.Selection{Groups: groups, Start: at(0), End: at(599_000)}
}

func TestSeveralGroups(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		w.create(t, "h", nil)
		w.put(t, "h", "s", 0, 1000, messages()[:100]...)
		prefix := func(p string) func(*explore.Selection) { return func(s *explore.Selection) { s.Prefix = &p } }
		check := func(what string, sel explore.Selection, change func(*explore.Selection), want int64) {
			t.Helper()
			if change != nil {
				change(&sel)
			}
			c, err := w.Counts(ctx, scope, explore.CountsRequest{Selection: sel})
			if err != nil || c.Total != want {
				t.Errorf("%s: %d, %v; want %d", what, c.Total, err, want)
			}
		}
		check("both", several("g", "h"), nil, 700)
		check("one twice", several("h", "h"), nil, 100)
		check("a prefix of all", several("g", "h"), prefix(""), 700)
		check("a prefix of one in each", several("g", "h"), prefix("s"), 500)
		check("a prefix of none", several("g", "h"), prefix("none"), 0)
		check("a pattern", several("g", "h"), func(s *explore.Selection) { s.Pattern = `{ $.level = "error" }` }, 70)
		check("a stream of both", several("g", "h"), func(s *explore.Selection) { s.Streams = []string{"s"} }, 500)
		if err := w.groups.DeleteStream(ctx, scope, "h", "t"); err != nil {
			t.Fatal(err)
		}
		check("a stream of one", several("g", "h"), func(s *explore.Selection) { s.Streams = []string{"t"} }, 200)
		if err := w.groups.PutRetention(ctx, scope, "h", 1); err != nil {
			t.Fatal(err)
		}
		w.now = time.UnixMilli(start).Add(24*time.Hour + 50*time.Second)
		check("a part of one is expired", several("g", "h"), nil, 650)
		w.now = w.now.Add(time.Hour)
		check("one is expired", several("g", "h"), nil, 600)
	})
}

func TestSelectionRefuses(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	refuse := func(what string, sel explore.Selection, want error) {
		t.Helper()
		if _, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: sel}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if _, err := w.Facets(t.Context(), scope, explore.FacetsRequest{Selection: sel}); !errors.Is(err, want) {
			t.Errorf("facets of %s: %v, want %v", what, err, want)
		}
	}
	refuse("50 groups", several(slices.Repeat([]string{"g"}, 50)...), nil)
	refuse("51 groups", several(slices.Repeat([]string{"g"}, 51)...), explore.ErrGroups)
	refuse("no group", several(), explore.ErrGroups)
	both := several("g")
	both.Group = "g"
	refuse("both", both, explore.ErrGroups)
	refuse("a group that is not there", several("g", "none"), groups.ErrGroupNotFound)
	sel, s := several("g"), "s"
	sel.Streams = slices.Repeat([]string{"s"}, events.MaxStreamNames)
	refuse("100 streams", sel, nil)
	sel.Prefix = &s
	refuse("names and a prefix", sel, events.ErrNamesAndPrefix)
	sel.Prefix, sel.Streams = nil, slices.Repeat([]string{"s"}, events.MaxStreamNames+1)
	refuse("101 streams", sel, events.ErrTooManyStreams)
	sel.Streams = []string{"s", "none"}
	refuse("a stream that is not there", sel, groups.ErrStreamNotFound)
}

// The streams of a prefix are bounded.
func TestPrefixOfManyStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 10,000 streams")
	}
	w := newWorld(t)
	w.create(t, "g", nil)
	for i := range explore.MaxPrefixStreams {
		if err := w.groups.CreateStream(t.Context(), scope, "g", fmt.Sprintf("p%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	sel, p := several("g"), "p"
	sel.Prefix = &p
	if _, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: sel}); err != nil {
		t.Error(err)
	}
	if err := w.groups.CreateStream(t.Context(), scope, "g", "p"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: sel}); !errors.Is(err, explore.ErrPrefix) {
		t.Errorf("one more: %v, want ErrPrefix", err)
	}
}

// Without fields the ones of the events that match are found.
func TestFacetsFindFields(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		w.create(t, "h", nil)
		w.put(t, "h", "s", 0, 1, `{"only":"here","n":"x"}`)
		ask := func(pattern string, names ...string) (fields []string) {
			t.Helper()
			sel := several(names...)
			sel.Pattern = pattern
			got, err := w.Facets(t.Context(), scope, explore.FacetsRequest{Selection: sel})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range got.Facets {
				fields = append(fields, f.Field)
				if f.Present == 0 || f.Distinct == 0 || len(f.Top) == 0 {
					t.Errorf("%v: %+v", names, f)
				}
			}
			return fields
		}
		for _, c := range []struct {
			pattern string
			groups  []string
			want    []string
		}{
			{"", []string{"g"}, []string{"level", "n", "tags.0", "tags.1", "user.id"}},
			{"", []string{"h"}, []string{"n", "only"}},
			{"", []string{"g", "h"}, []string{"n", "level", "tags.0", "tags.1", "user.id", "only"}},
			{"plain", []string{"g"}, nil},
			{`{ $.only = "here" }`, []string{"g", "h"}, []string{"n", "only"}},
		} {
			if d := cmp.Diff(c.want, ask(c.pattern, c.groups...)); d != "" {
				t.Errorf("fields of %q in %v (-want +got)\n%s", c.pattern, c.groups, d)
			}
		}
	})
	w := newWorld(t)
	w.create(t, "g", nil)
	text := ""
	for i := range explore.MaxFacets + 5 {
		text += fmt.Sprintf(`,"f%02d":1`, i)
	}
	w.put(t, "g", "s", 0, 1, "{"+text[1:]+"}")
	got, err := w.Facets(t.Context(), scope, explore.FacetsRequest{Selection: several("g")})
	if err != nil || len(got.Facets) != explore.MaxFacets {
		t.Errorf("%d facets, %v", len(got.Facets), err)
	}
}
