package events_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// opener opens the engine of a world.
type opener func(t *testing.T, db *catalog.DB, clock func() time.Time) engine

// eachStore runs a test over the naive oracle and over the real store in the states that
// its events pass through. The answers must agree.
func eachStore(t *testing.T, test func(*testing.T, opener)) {
	t.Helper()
	t.Run("oracle", func(t *testing.T) {
		test(t, func(*testing.T, *catalog.DB, func() time.Time) engine {
			return &oracle{events: map[logs.GroupID][]logs.Event{}}
		})
	})
	t.Run("memory", func(t *testing.T) { test(t, openStore(0, 0)) })
	t.Run("flushed", func(t *testing.T) { test(t, openStore(1, 0)) })
	t.Run("mixed", func(t *testing.T) { test(t, openStore(5, 13)) })
}

// openStore opens a store that flushes and merges after every so many appends;
// 0 means never.
func openStore(flushEvery, mergeEvery int) opener {
	return func(t *testing.T, db *catalog.DB, clock func() time.Time) engine {
		t.Helper()
		fs := vfs.NewMem()
		if err := fs.MkdirAll("data"); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(context.Background(), store.Options{FS: fs, Dir: "data", Manifest: db, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return &restless{Store: s, flushEvery: flushEvery, mergeEvery: mergeEvery}
	}
}

// restless is a store that is flushed and merged all the time.
type restless struct {
	*store.Store
	flushEvery, mergeEvery, appends int
}

// maxFlushes keeps tests with many appends short.
const maxFlushes = 60

func (r *restless) Append(ctx context.Context, b store.Batch) (logs.Seq, error) {
	seq, err := r.Store.Append(ctx, b)
	r.appends++
	if due(r.appends, r.flushEvery) && err == nil {
		err = r.Flush(ctx)
	}
	if due(r.appends, r.mergeEvery) && err == nil {
		err = r.Merge(ctx)
	}
	return seq, err
}

func due(appends, every int) bool {
	return every > 0 && appends%every == 0 && appends < maxFlushes*every
}

// seeds is how many random runs a test makes: most of them over the oracle,
// which costs little.
func seeds(t *testing.T) uint64 {
	if strings.HasSuffix(t.Name(), "/oracle") {
		return 20
	}
	return 4
}
