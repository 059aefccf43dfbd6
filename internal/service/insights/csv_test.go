package insights_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestCSV(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.put("/a", "s", map[int64]string{-3: `{"a":"x,y","b":"line\nbreak"}`, -2: `{"a":"say \"hi\"","b":""}`, -1: `{"a":"plain"}`})
	id := w.begin(hour("fields a, b | sort a", "/a"))
	one := w.begin(hour("fields b as `the, b` | sort a", "/a"))
	none := w.begin(hour("filter a = 'none'", "/a"))
	check := func(when string) {
		t.Helper()
		for _, c := range []struct{ id, want string }{
			{id, "a,b\nplain,\n\"say \"\"hi\"\"\",\"\"\n\"x,y\",\"line\nbreak\"\n"},
			{one, "\"the, b\"\n\"\"\n\"\"\n\"line\nbreak\"\n"},
		} {
			w.ended(c.id)
			got, err := w.CSV(ctx, scope, c.id, 1000)
			w.must(err)
			equal(t, "table "+when, got, c.want)
			_, err = w.CSV(ctx, scope, c.id, len(c.want))
			w.must(err)
			w.wrong(c.id, len(c.want)-1, fmt.Sprintf("The rows of the query are more than %d bytes of CSV.", len(c.want)-1))
		}
		w.ended(none)
		w.wrong(none, 1000, "The query has no rows.")
	}
	check("in memory")
	w.must(w.Close())
	w.open()
	check("from files")
	for what, err := range map[string]error{
		"of another account": func() error { _, err := w.CSV(ctx, other, id, 1000); return err }(),
		"that never was":     func() error { _, err := w.CSV(ctx, scope, "none", 1000); return err }(),
	} {
		if !errors.Is(err, insights.ErrNotFound) {
			t.Errorf("a query %s: %v", what, err)
		}
	}
	release := w.gate.hold()
	id = w.begin(hour("fields a", "/a"))
	w.wrong(id, 1000, "The query has not ended.")
	w.must(w.Stop(ctx, scope, id))
	release()
	w.wrong(id, 1000, "The query has no rows.")
	id = w.begin(hour("filter a in (SOURCE '/gone' | fields a)", "/a"))
	w.ended(id)
	w.wrong(id, 1000, "The query has no result, its status is Failed.")
	if !strings.HasPrefix(w.ended(id).Reason, "The query could not be completed") {
		t.Error(w.ended(id).Reason)
	}
}

// wrong asks for the table of a query that makes none.
func (w *world) wrong(id string, most int, want string) {
	w.t.Helper()
	_, err := w.CSV(context.Background(), scope, id, most)
	if _, ok := errors.AsType[*insights.ParameterError](err); !ok || err.Error() != want {
		w.t.Errorf("%v, want %s", err, want)
	}
}
