package insights_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func TestLookupTables(t *testing.T) {
	broken := false
	w := newWorld(t, func(o *insights.Options) {
		o.Lookup = func(_ context.Context, in logs.Scope, name string) (*insights.Table, error) {
			if broken {
				return nil, errors.New("the disk is gone")
			}
			if in != scope || name != "users" {
				return nil, insights.ErrNoTable
			}
			return &insights.Table{Fields: []string{"id", "mail"}, Rows: [][]string{{"u1", "a@b"}, {"u2", "c@d"}}, Key: "users@1"}, nil
		}
	})
	w.put("/a", "s", map[int64]string{-1: `{"id":"u2"}`})
	w.answers(hour("lookup users id OUTPUT mail | fields id, mail", "/a"), "mail=c@d id=u2\n")
	if _, err := w.Start(context.Background(), scope, hour("lookup none id OUTPUT mail", "/a")); !strings.Contains(err.Error(), "none") {
		t.Errorf("a table that is not: %v", err)
	}
	broken = true
	if _, err := w.Start(context.Background(), scope, hour("lookup users id OUTPUT mail", "/a")); err == nil || !strings.Contains(err.Error(), "the disk is gone") {
		t.Errorf("a table that cannot be read: %v", err)
	}
}

// A defect that a query meets outside of the executor ends that query only.
func TestADefectEndsOneQuery(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) {
		o.Lookup = func(context.Context, logs.Scope, string) (*insights.Table, error) { panic("a defect") }
	})
	w.put("/a", "s", map[int64]string{-1: `{"id":"u2"}`})
	if _, err := w.Start(context.Background(), scope, hour("lookup t id OUTPUT mail", "/a")); err == nil || !strings.Contains(err.Error(), "internal failure: a defect") {
		t.Errorf("at the start: %v", err)
	}
	p := w.ended(w.begin(hour("filter id in (SOURCE '/a' | fields id) | lookup t id OUTPUT mail", "/a")))
	equal(t, "while it runs", []string{p.Status, p.Reason}, []string{insights.Failed, "The query could not be completed: query: internal failure: a defect"})
	w.answers(hour("fields id", "/a"), "id=u2\n")
}

// filterIndex reads only groups that have the index.
func TestFilterIndex(t *testing.T) {
	w := newWorld(t, func(o *insights.Options) {
		o.Indexed = func(_ context.Context, g groups.Group) ([]string, error) {
			switch g.Name {
			case "/a":
				return []string{"id"}, nil
			case "/broken":
				return nil, errors.New("the disk is gone")
			}
			return nil, nil
		}
	})
	for _, g := range []string{"/a", "/b", "/broken"} {
		w.put(g, "s", map[int64]string{-2: `{"id":"1"}`, -1: `{"id":"2"}`})
	}
	p := w.ended(w.begin(hour("filterIndex id = '1' | fields @log, id", "/a", "/b")))
	equal(t, "rows", text(p.Rows), "@log=123456789012:/a id=1\n")
	equal(t, "groups", p.Stats.GroupsScanned, int64(1))
	p = w.ended(w.begin(hour("filterIndex id = '1' | fields @log, id", "/b")))
	equal(t, "without the index", []any{p.Status, len(p.Rows), p.Stats.GroupsScanned}, []any{insights.Complete, 0, int64(0)})
	p = w.ended(w.begin(hour("filterIndex id = '1'", "/broken")))
	if p.Status != insights.Failed || !strings.Contains(p.Reason, "the disk is gone") {
		t.Errorf("%s: %s", p.Status, p.Reason)
	}
}

func TestQueriesWithinQueries(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-3: `{"id":"1","v":"x"}`, -2: `{"id":"2","v":"y"}`, -1: `{"id":"3","v":"z"}`})
	w.put("/b", "s", map[int64]string{-2: `{"id":"1"}`, -1: `{"id":"3"}`})
	p := w.ended(w.begin(hour("filter id in (SOURCE '/b' | fields id) | fields id, v | sort id", "/a")))
	equal(t, "rows", text(p.Rows), "id=1 v=x\nid=3 v=z\n")
	equal(t, "statistics", []int64{p.Stats.RecordsScanned, p.Stats.GroupsScanned}, []int64{5, 1})
	p = w.ended(w.begin(hour("filter id in (SOURCE '/none' | fields id)", "/a")))
	equal(t, "a group that is not", []string{p.Status, p.Reason}, []string{insights.Failed, "The query could not be completed: run a subquery: log group does not exist"})
	equal(t, "deleted streams of it", func() string {
		w.must(w.groups.DeleteStream(context.Background(), scope, "/b", "s"))
		return text(w.ended(w.begin(hour("filter id in (SOURCE '/b' | fields id)", "/a"))).Rows)
	}(), "")
}

func TestEstimate(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{-3: "12345", -2: "12345"})
	w.answers(hour("filter a != 1 | estimate", "/a"), "estimatedBytesScanned=10 estimatedRecordsScanned=2\n")
}

func TestUnmaskNeedsTheStandardClass(t *testing.T) {
	w := newWorld(t)
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "/ia", Class: groups.ClassInfrequentAccess}))
	want := "The unmask command is only supported on the Standard log class, which /ia is not of."
	w.refuses(hour("fields unmask(@message)", "/ia"), want)
	w.must(w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: "/delivery", Class: groups.ClassDelivery}))
	w.refuses(hour(show, "/delivery"), insights.ErrClass.Error())
}
