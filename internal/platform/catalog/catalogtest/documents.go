package catalogtest

import (
	"context"
	"errors"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func document(kind string, s logs.Scope, group logs.GroupID, name, body string) catalog.Document {
	return catalog.Document{
		DocumentKey: catalog.DocumentKey{Kind: kind, Scope: s, Group: group, Name: name},
		CreatedMS:   1, UpdatedMS: 1, Body: []byte(body),
	}
}

// bodies lists documents as "name=body".
func bodies(t *testing.T, db *catalog.DB, q catalog.DocumentQuery) []string {
	t.Helper()
	var out []string
	for _, d := range get[[]catalog.Document](t)(db.Documents(context.Background(), q)) {
		out = append(out, d.Name+"="+string(d.Body))
	}
	return out
}

func testDocuments(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	g := newGroup(t, db, "g")
	put := func(d catalog.Document, limit int) (bool, error) {
		return db.PutDocument(ctx, d, limit, "arn:"+d.Name, map[string]string{"k": d.Name})
	}
	created := func(d catalog.Document, limit int, want bool) {
		t.Helper()
		got, err := put(d, limit)
		ok(t, "put", err)
		same(t, "created", got, want)
	}
	created(document("f", scope, g.ID, "b", "1"), 2, true)
	created(document("f", scope, g.ID, "a", "2"), 2, true)
	_, err := put(document("f", scope, g.ID, "c", "3"), 2)
	wantErr(t, "one too many", err, catalog.ErrTooMany)
	again := document("f", scope, g.ID, "b", "4")
	again.CreatedMS, again.UpdatedMS = 9, 9
	created(again, 2, false)
	again.CreatedMS = 1
	same(t, "replaced", get[catalog.Document](t)(db.Document(ctx, again.DocumentKey)), again)
	same(t, "tags", get[map[string]string](t)(db.Tags(ctx, "arn:b")), map[string]string{"k": "b"})
	created(document("f", other, 0, "a", "5"), 0, true)
	created(document("f", scope, 0, "ab%", "6"), 0, true)
	created(document("x", scope, 0, "a", "7"), 0, true)
	_, err = put(document("f", scope, g.ID+100, "a", "8"), 0)
	wantErr(t, "group that is not live", err, catalog.ErrNotFound)

	same(t, "all", bodies(t, db, catalog.DocumentQuery{Kind: "f"}), []string{"a=2", "a=5", "ab%=6", "b=4"})
	same(t, "scope", bodies(t, db, catalog.DocumentQuery{Kind: "f", Scope: &scope}), []string{"a=2", "ab%=6", "b=4"})
	same(t, "group", bodies(t, db, catalog.DocumentQuery{Kind: "f", Scope: &scope, Group: &g.ID}), []string{"a=2", "b=4"})
	same(t, "prefix", bodies(t, db, catalog.DocumentQuery{Kind: "f", Scope: &scope, Prefix: "ab%"}), []string{"ab%=6"})
	same(t, "no prefix of it", bodies(t, db, catalog.DocumentQuery{Kind: "f", Scope: &scope, Prefix: "ab_"}), []string(nil))
	page := get[[]catalog.Document](t)(db.Documents(ctx, catalog.DocumentQuery{Kind: "f", Limit: 2}))
	same(t, "after", bodies(t, db, catalog.DocumentQuery{Kind: "f", After: &page[1].DocumentKey}), []string{"ab%=6", "b=4"})
	same(t, "counts", get[map[logs.GroupID]int](t)(db.CountDocuments(ctx, "f", scope)), map[logs.GroupID]int{g.ID: 2, 0: 1})

	change := func(body []byte) ([]byte, error) { return append(body, '!'), nil }
	ok(t, "change", db.ChangeDocument(ctx, again.DocumentKey, 10, change))
	refused := errors.New("refused")
	err = db.ChangeDocument(ctx, again.DocumentKey, 11, func([]byte) ([]byte, error) { return nil, refused })
	wantErr(t, "refused change", err, refused)
	same(t, "changed", string(get[catalog.Document](t)(db.Document(ctx, again.DocumentKey)).Body), "4!")
	missing := catalog.DocumentKey{Kind: "f", Scope: scope, Name: "none"}
	wantErr(t, "change none", db.ChangeDocument(ctx, missing, 10, change), catalog.ErrNotFound)
	wantErr(t, "delete none", db.DeleteDocument(ctx, missing, ""), catalog.ErrNotFound)
	ok(t, "delete", db.DeleteDocument(ctx, again.DocumentKey, "arn:b"))
	same(t, "tags of the deleted", get[map[string]string](t)(db.Tags(ctx, "arn:b")), map[string]string{})
	ok(t, "close", db.Close())

	db = open(t, h)
	same(t, "kept", bodies(t, db, catalog.DocumentQuery{Kind: "f", Group: &g.ID}), []string{"a=2"})
	ok(t, "delete group", db.DeleteGroup(ctx, g.ID))
	same(t, "gone with the group", bodies(t, db, catalog.DocumentQuery{Kind: "f", Group: &g.ID}), []string(nil))
}

func testJournal(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	for i, name := range []string{"a", "b", "a", "a"} {
		ok(t, "add", db.Apply(ctx, catalog.Changes{Journal: []catalog.Entry{{Kind: "j", Scope: scope, Name: name, AtMS: int64(10 * i), Body: []byte{'0' + byte(i)}}}}))
	}
	list := func(q catalog.EntryQuery) (out string, last int64) {
		t.Helper()
		q.Kind, q.Scope, q.Limit = "j", scope, max(q.Limit, 10*(1-min(q.Limit, 1)))
		for _, e := range get[[]catalog.Entry](t)(db.Journal(ctx, q)) {
			out, last = out+string(e.Body), e.Seq
		}
		return out, last
	}
	all, _ := list(catalog.EntryQuery{})
	named, _ := list(catalog.EntryQuery{Name: "a", OldestFirst: true})
	within, _ := list(catalog.EntryQuery{FromMS: 10, ToMS: 30})
	page, last := list(catalog.EntryQuery{Limit: 2})
	rest, _ := list(catalog.EntryQuery{After: last})
	up, last := list(catalog.EntryQuery{OldestFirst: true, Limit: 1})
	above, _ := list(catalog.EntryQuery{OldestFirst: true, After: last})
	same(t, "lists", []string{all, named, within, page, rest, up, above}, []string{"3210", "023", "21", "32", "10", "0", "123"})
	same(t, "forget", get[bool](t)(db.ForgetJournal(ctx, "j", 20, 1)), true)
	same(t, "forget the rest", get[bool](t)(db.ForgetJournal(ctx, "j", 20, 5)), false)
	left, _ := list(catalog.EntryQuery{})
	same(t, "left", left, "32")

	// 3,000 with a bound, some at a time, beside one of another name.
	for range 30 {
		var c catalog.Changes
		for range 100 {
			c.Journal = append(c.Journal, catalog.Entry{Kind: "j", Scope: scope, Name: "many", AtMS: 50, Body: []byte("m"), Keep: 3})
		}
		ok(t, "add many", db.Apply(ctx, c))
	}
	many, _ := list(catalog.EntryQuery{Name: "many", Limit: 3000})
	if n := len(many); n < 3 || n > 1500 {
		t.Errorf("%d entries are kept, want 3 and a few that were not removed yet", n)
	}
	others, _ := list(catalog.EntryQuery{Name: "a"})
	same(t, "others", others, "32")
}

func testOutbox(t *testing.T, h Home) {
	ctx := context.Background()
	db := h.Open(t)
	list := func() (out []string, seqs []int64) {
		t.Helper()
		for _, m := range get[[]catalog.Message](t)(db.Outbox(ctx, "o", 10)) {
			out, seqs = append(out, string(m.Body)), append(seqs, m.Seq)
		}
		return out, seqs
	}
	ok(t, "add", db.Apply(ctx, catalog.Changes{
		Put:     []catalog.Document{document("d", scope, 0, "n", "1")},
		Outbox:  []catalog.Message{{Kind: "o", DueMS: 5, Body: []byte("late")}, {Kind: "o", DueMS: 3, Body: []byte("soon")}, {Kind: "x"}},
		Reached: map[string]int64{"c": 7},
	}))
	bodies, seqs := list()
	same(t, "by time", bodies, []string{"soon", "late"})
	same(t, "position", get[uint64](t)(db.Position(ctx, "c")), uint64(7))
	ok(t, "retry and sent", db.Apply(ctx, catalog.Changes{Sent: seqs[1:], Retry: []catalog.Message{{Seq: seqs[0], DueMS: 9, Attempts: 2}}}))
	ok(t, "close", db.Close())
	db = open(t, h)
	messages := get[[]catalog.Message](t)(db.Outbox(ctx, "o", 10))
	same(t, "left", messages, []catalog.Message{{Seq: seqs[0], Kind: "o", DueMS: 9, Attempts: 2, Body: []byte("soon")}})

	wantErr(t, "all or nothing", db.Apply(ctx, catalog.Changes{
		Put:    []catalog.Document{document("d", scope, 0, "other", "1"), document("d", scope, 99, "of no group", "1")},
		Outbox: []catalog.Message{{Kind: "o"}},
	}), catalog.ErrNotFound)
	_, err := db.Document(ctx, document("d", scope, 0, "other", "").DocumentKey)
	wantErr(t, "nothing", err, catalog.ErrNotFound)
	ok(t, "delete", db.Apply(ctx, catalog.Changes{Delete: []catalog.DocumentKey{document("d", scope, 0, "n", "").DocumentKey, {Kind: "d", Name: "none"}}}))
	ok(t, "reach", db.Reach(ctx, "c", 8))
	same(t, "reached", get[uint64](t)(db.Position(ctx, "c")), uint64(8))
	ok(t, "reach late", db.Reach(ctx, "c", 5))
	ok(t, "reach late", db.Apply(ctx, catalog.Changes{Reached: map[string]int64{"c": 6}}))
	same(t, "still there", get[uint64](t)(db.Position(ctx, "c")), uint64(8))
	ok(t, "forget", db.ForgetPosition(ctx, "c"))
	_, err = db.Position(ctx, "c")
	wantErr(t, "forgotten", err, catalog.ErrNotFound)
	ok(t, "anew", db.Reach(ctx, "c", 3))
	same(t, "anew", get[uint64](t)(db.Position(ctx, "c")), uint64(3))
}
