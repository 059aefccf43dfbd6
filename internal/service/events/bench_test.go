package events_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// benchWorld is a group with ten streams of 20,000 short events each.
func benchWorld(b *testing.B, flush bool) *events.Service {
	b.Helper()
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := catalog.Open(ctx, filepath.Join(b.TempDir(), "catalog.db"), catalog.Options{})
	check(err)
	b.Cleanup(func() { db.Close() })
	now := func() time.Time { return time.UnixMilli(start) }
	s, err := store.Open(ctx, store.Options{FS: vfs.NewMem(), Dir: "data", Manifest: db, Now: now})
	check(err)
	b.Cleanup(func() { s.Close() })
	g, err := groups.New(groups.Options{Catalog: db, Store: s, Now: now})
	check(err)
	check(g.Create(ctx, scope, groups.CreateRequest{Name: "g"}))
	group, err := g.Resolve(ctx, scope, "g")
	check(err)
	for i := range 10 {
		name := fmt.Sprint("s", i)
		check(g.CreateStream(ctx, scope, "g", name))
		st, err := g.ResolveStream(ctx, group, name)
		check(err)
		for j := range 10 {
			batch := store.Batch{Group: group.ID, Stream: st.ID, Ingestion: start}
			for k := range 2000 {
				batch.Arena = fmt.Appendf(batch.Arena, `{"level":"info","n":%d,"msg":"request finished"}`, k)
				batch.Ends = append(batch.Ends, uint32(len(batch.Arena)))
				batch.Timestamps = append(batch.Timestamps, start+int64(j*2000+k))
			}
			_, err := s.Append(ctx, batch)
			check(err)
		}
	}
	if flush {
		check(s.Flush(ctx))
	}
	return events.New(events.Options{Directory: g, Store: s, Now: now})
}

func BenchmarkPage(b *testing.B) {
	for _, flushed := range []bool{false, true} {
		s := benchWorld(b, flushed)
		where := map[bool]string{false: "memory", true: "flushed"}[flushed]
		b.Run("get/"+where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := s.Get(context.Background(), scope, events.GetRequest{Group: "g", Stream: "s3", FromHead: true})
				if err != nil || p.Len() != events.MaxPageEvents {
					b.Fatal(p.Len(), err)
				}
			}
		})
		b.Run("newest100/"+where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := s.Get(context.Background(), scope, events.GetRequest{Group: "g", Stream: "s3", Limit: 100})
				if err != nil || p.Len() != 100 {
					b.Fatal(p.Len(), err)
				}
			}
		})
		b.Run("filter/"+where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := s.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Pattern: "finished"})
				if err != nil || p.Len() != events.MaxPageEvents {
					b.Fatal(p.Len(), err)
				}
			}
		})
		b.Run("filternone/"+where, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := s.Filter(context.Background(), scope, events.FilterRequest{Group: "g", Pattern: "absent"})
				if err != nil || p.Len() != 0 {
					b.Fatal(p.Len(), err)
				}
			}
		})
	}
}
