package catalogtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func testStreamLife(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g, g2 := newGroup(t, db, "g"), newGroup(t, db, "g2")
	s := newStream(t, db, g, "s")
	same(t, "created", s, catalog.Stream{ID: s.ID, Group: g.ID, Name: "s", CreatedMS: 7, FirstMS: -1, LastMS: -1, IngestionMS: -1})
	_, err := db.CreateStream(ctx, g.ID, "s", 1)
	wantErr(t, "create again", err, catalog.ErrExists)
	newStream(t, db, g2, "s")
	_, err = db.CreateStream(ctx, 999, "s", 1)
	wantErr(t, "create in a missing group", err, catalog.ErrNotFound)
	same(t, "get", get[catalog.Stream](t)(db.StreamByName(ctx, g.ID, "s")), s)
	_, err = db.StreamByName(ctx, g.ID, "S")
	wantErr(t, "other case", err, catalog.ErrNotFound)
	wantErr(t, "delete through another group", db.DeleteStream(ctx, g2.ID, s.ID), catalog.ErrNotFound)
	ok(t, "delete", db.DeleteStream(ctx, g.ID, s.ID))
	wantErr(t, "delete again", db.DeleteStream(ctx, g.ID, s.ID), catalog.ErrNotFound)
	if again := newStream(t, db, g, "s"); again.ID <= s.ID {
		t.Fatalf("recreated with id %d after %d", again.ID, s.ID)
	}
}

// walk reads all pages and returns the names in the order they came.
func walk(t *testing.T, db *catalog.DB, g catalog.Group, f catalog.StreamFilter, between func(page int)) []string {
	t.Helper()
	out := []string{}
	for page := 0; ; page++ {
		list := get[[]catalog.Stream](t)(db.Streams(context.Background(), g.ID, f))
		out = append(out, streamNames(list)...)
		if len(list) < f.Limit {
			return out
		}
		f.After = &list[len(list)-1]
		if between != nil {
			between(page)
		}
	}
}

func testStreamPaging(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "g")
	rng := rand.New(rand.NewPCG(3, 4))
	var all []string
	seen := map[string]bool{}
	for range 200 {
		n := ""
		for range 1 + rng.IntN(3) {
			n += string([]rune("aAbz0/_é世\U0010ffff")[rng.IntN(10)])
		}
		if !seen[n] {
			seen[n] = true
			all = append(all, n)
			newStream(t, db, g, n)
		}
	}
	newStream(t, db, newGroup(t, db, "g2"), "foreign")
	slices.Sort(all)
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	under := func(list []string, prefix string) []string {
		out := []string{}
		for _, n := range list {
			if strings.HasPrefix(n, prefix) {
				out = append(out, n)
			}
		}
		return out
	}
	for _, prefix := range []string{"", "a", "A", "é", "世", "\U0010ffff", "\U0010ffff\U0010ffff", "zz", "none"} {
		for _, limit := range []int{1, 7, 1000} {
			f := catalog.StreamFilter{Prefix: prefix, Limit: limit}
			what := fmt.Sprintf("prefix %q, limit %d", prefix, limit)
			same(t, what, walk(t, db, g, f, nil), under(all, prefix))
			f.Descending = true
			same(t, what+", descending", walk(t, db, g, f, nil), under(reversed, prefix))
		}
	}

	// Streams that come and go between pages neither break nor repeat paging.
	g3 := newGroup(t, db, "g3")
	var ids []catalog.Stream
	for i := range 20 {
		ids = append(ids, newStream(t, db, g3, fmt.Sprintf("s%02d", i)))
	}
	got := walk(t, db, g3, catalog.StreamFilter{Limit: 5}, func(page int) {
		switch page {
		case 0: // the stream the position names, and one before it
			ok(t, "delete", db.DeleteStream(ctx, g3.ID, ids[4].ID))
			ok(t, "delete", db.DeleteStream(ctx, g3.ID, ids[1].ID))
			newStream(t, db, g3, "s000")
		case 1:
			newStream(t, db, g3, "s095")
		}
	})
	want := []string{"s00", "s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08", "s09", "s095", "s10", "s11", "s12", "s13", "s14", "s15", "s16", "s17", "s18", "s19"}
	same(t, "pages while streams change", got, want)
}

func testStreamPagingByTime(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "g")
	var stats []catalog.StreamStats
	var want []string
	for i := range 30 {
		name := fmt.Sprintf("s%02d", i)
		s := newStream(t, db, g, name)
		if i < 6 {
			want = append(want, name) // no events: oldest, by name
		} else {
			stats = append(stats, catalog.StreamStats{Group: g.ID, Stream: s.ID, First: 1, Last: int64(i / 3), LastIngestion: 1})
			want = append(want, name)
		}
	}
	ok(t, "merge", db.MergeStreamStats(ctx, stats))
	for _, limit := range []int{1, 4, 100} {
		f := catalog.StreamFilter{ByLast: true, Limit: limit}
		same(t, "ascending", walk(t, db, g, f, nil), want)
		f.Descending = true
		reversed := slices.Clone(want)
		slices.Reverse(reversed)
		same(t, "descending", walk(t, db, g, f, nil), reversed)
	}
}

func testStreamStats(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "g")
	s := newStream(t, db, g, "s")
	times := func(first, last, ingestion int64) {
		t.Helper()
		got := get[catalog.Stream](t)(db.StreamByName(ctx, g.ID, "s"))
		same(t, "times", []int64{got.FirstMS, got.LastMS, got.IngestionMS}, []int64{first, last, ingestion})
	}
	merge := func(first, last, ingestion int64) {
		t.Helper()
		u := catalog.StreamStats{Group: g.ID, Stream: s.ID, First: first, Last: last, LastIngestion: ingestion}
		unknown := catalog.StreamStats{Group: g.ID, Stream: 9999, First: 1, Last: 1, LastIngestion: 1}
		ok(t, "merge", db.MergeStreamStats(ctx, []catalog.StreamStats{u, unknown, u}))
	}
	times(-1, -1, -1)
	merge(50, 60, 100)
	times(50, 60, 100)
	merge(55, 57, 90)
	times(50, 60, 100)
	merge(40, 45, 120)
	times(40, 60, 120)
	merge(0, 70, 1)
	times(0, 70, 120)
}

func testStreamsByID(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g, g2 := newGroup(t, db, "g"), newGroup(t, db, "g2")
	want := map[logs.StreamID]string{}
	ids := []logs.StreamID{newStream(t, db, g2, "foreign").ID, 9999}
	for i := range 300 {
		s := newStream(t, db, g, fmt.Sprint(i))
		ids, want[s.ID] = append(ids, s.ID), s.Name
	}
	for _, n := range []int{0, 1, 3, 130, 131, len(ids)} {
		got := map[logs.StreamID]string{}
		for _, s := range get[[]catalog.Stream](t)(db.StreamsByID(ctx, g.ID, ids[:n])) {
			got[s.ID] = s.Name
		}
		wantN := map[logs.StreamID]string{}
		for _, id := range ids[:n] {
			if name, known := want[id]; known {
				wantN[id] = name
			}
		}
		same(t, fmt.Sprintf("%d ids", n), got, wantN)
	}
}

func testOddNames(t *testing.T, h Home) {
	ctx := context.Background()
	db := open(t, h)
	g := newGroup(t, db, "g")
	for _, n := range []string{"2026/11/23/[$LATEST]0a", "a\x00b", "a\x00c", "'; DROP TABLE log_streams; --", "%", "_", strings.Repeat("世", 512), " ", "\n"} {
		s := newStream(t, db, g, n)
		same(t, "get", get[catalog.Stream](t)(db.StreamByName(ctx, g.ID, n)), s)
		same(t, "by prefix", streamNames(get[[]catalog.Stream](t)(db.Streams(ctx, g.ID, catalog.StreamFilter{Prefix: n, Limit: 9}))), []string{n})
	}
}
