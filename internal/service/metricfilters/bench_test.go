package metricfilters

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/test/bench/corpus"
)

// BenchmarkConsume reads batches of a megabyte with a hundred filters on their group.
func BenchmarkConsume(b *testing.B) {
	for _, kind := range corpus.Kinds() {
		b.Run(string(kind), func(b *testing.B) { consumeBench(b, kind) })
	}
}

func consumeBench(b *testing.B, kind corpus.Kind) {
	ctx := context.Background()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	db, err := catalog.Open(ctx, filepath.Join(b.TempDir(), "catalog.db"), catalog.Options{})
	must(err)
	defer db.Close()
	st, err := store.Open(ctx, store.Options{FS: vfs.NewMem(), Dir: "data", Manifest: db})
	must(err)
	defer st.Close()
	metrics, err := series.Open(ctx, series.Options{FS: vfs.NewMem(), Dir: "series", Manual: true})
	must(err)
	defer metrics.Close()
	dir, err := groups.New(groups.Options{Catalog: db, Store: st})
	must(err)
	s, err := New(ctx, Options{Catalog: db, Directory: dir, Feed: st, Metrics: metrics})
	must(err)
	scope := logs.Scope{Account: "123456789012", Region: "eu-west-1"}
	must(dir.Create(ctx, scope, groups.CreateRequest{Name: "g"}))
	g, err := dir.Resolve(ctx, scope, "g")
	must(err)
	for i, f := range hundred() {
		f.Name, f.Transformation.Name, f.Transformation.Namespace = fmt.Sprint(i), fmt.Sprint(i), "Bench"
		must(s.Put(ctx, scope, "g", f))
	}
	gen, err := corpus.New(kind, 1)
	must(err)
	now, size := time.Now().UnixMilli(), int64(0)
	for range 8 {
		batch := store.Batch{Group: g.ID, Stream: 1, Ingestion: now}
		for len(batch.Arena) < 900_000 {
			batch.Arena = gen.Append(batch.Arena, now)
			batch.Ends = append(batch.Ends, uint32(len(batch.Arena)))
			batch.Timestamps = append(batch.Timestamps, now)
		}
		size += int64(len(batch.Arena))
		_, err := st.Append(ctx, batch)
		must(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	c := &s.consumer
	for b.Loop() {
		c.at = 0
		if _, err := c.read(ctx); err != nil {
			b.Fatal(err)
		}
		c.collect()
		c.forget()
		c.ready = false
	}
}

// hundred are filters of all families: some match often, most never.
func hundred() (list []Spec) {
	add := func(pattern, value string, dims ...string) {
		s := Spec{Pattern: pattern, Transformation: Transformation{Value: value}}
		for i := 0; i < len(dims); i += 2 {
			if s.Transformation.Dimensions == nil {
				s.Transformation.Dimensions = map[string]string{}
			}
			s.Transformation.Dimensions[dims[i]] = dims[i+1]
		}
		list = append(list, s)
	}
	for _, text := range []string{"", "ERROR", "error", "?ERROR ?WARN ?FATAL", `"connection refused"`, `"upstream timeout"`, "timeout -retry", "Exception", "OutOfMemoryError", "POST"} {
		add(text, "1")
	}
	add("{ $.latency_ms = * }", "$.latency_ms")
	add("{ $.latency_ms = * && $.service = * }", "$.latency_ms", "Service", "$.service")
	add("{ $.http.status >= 500 }", "1")
	add("{ $.latency_ms > 200 }", "1")
	add(`{ $.level = "error" }`, "1")
	add(`{ $.level = "warn" && $.service = "checkout" }`, "1")
	add("[ip, id, user, ts, req, status = 5*, size]", "1")
	add("[ip, id, user, ts, req, status = 4*, size]", "1", "Status", "$status")
	add(`[ip, id, user, ts, req = "GET *", status, size, ...]`, "$size")
	add("%orders/[0-9]+%", "1")
	for i := range 20 {
		add(fmt.Sprintf(`"task %d failed"`, i), "1")
		add(fmt.Sprintf(`{ $.eventName = "Update%dTrail" }`, i), "1")
		add(fmt.Sprintf(`{ $.user.id = %d && $.action = "login%d" }`, i, i), "1")
		add(fmt.Sprintf(`[time, level = FATAL%d, ..., unit]`, i), "1")
	}
	return list
}
