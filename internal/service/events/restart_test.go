package events_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// TestTokensOutliveRestartsFlushesAndMerges takes one page per life of the
// process, in both directions and through a filter.
func TestTokensOutliveRestartsFlushesAndMerges(t *testing.T) {
	ctx := context.Background()
	path, fs := filepath.Join(t.TempDir(), "catalog.db"), vfs.NewMem()
	live := func(do func(w *world, s *store.Store)) {
		t.Helper()
		w := &world{t: t}
		w.now.Store(start)
		clock := func() time.Time { return time.UnixMilli(w.now.Load()) }
		db, err := catalog.Open(ctx, path, catalog.Options{})
		w.must(err)
		s, err := store.Open(ctx, store.Options{FS: fs, Dir: "data", Manifest: db, Now: clock})
		w.must(err)
		w.store = s
		w.groups, err = groups.New(groups.Options{Catalog: db, Store: s, Now: clock})
		w.must(err)
		w.events = events.New(events.Options{Directory: w.groups, Store: s, Now: clock})
		do(w, s)
		w.must(s.Close())
		w.must(db.Close())
	}
	var want []string
	live(func(w *world, _ *store.Store) {
		w.create("g", "s", "other")
		for i := range 10 {
			w.put("g", "s", numbered(2*i, 2)...)
			w.put("g", "other", numbered(2*i, 2)...)
			want = append(want, fmt.Sprintf("e%d", 2*i), fmt.Sprintf("e%d", 2*i+1))
		}
	})
	head := events.GetRequest{Group: "g", Stream: "s", FromHead: true, Limit: 3}
	tail := events.GetRequest{Group: "g", Stream: "s", Limit: 3}
	filter := events.FilterRequest{Group: "g", Streams: []string{"s"}, Limit: 3}
	var forward, backward, filtered []string
	for life := range 8 {
		live(func(w *world, s *store.Store) {
			p := w.get(head)
			forward, head.Token = append(forward, messages(&p.Page)...), p.Forward
			p = w.get(tail)
			backward, tail.Token = slices.Concat(messages(&p.Page), backward), p.Backward
			if life == 0 || filter.Token != "" {
				f := w.filter(filter)
				filtered, filter.Token = append(filtered, messages(&f.Page)...), f.Token
			}
			switch life {
			case 1, 3:
				w.must(s.Flush(ctx))
			case 4:
				w.must(s.Merge(ctx))
			}
		})
	}
	for what, got := range map[string][]string{"forward": forward, "backward": backward, "filter": filtered} {
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
}
