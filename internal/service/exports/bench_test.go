package exports_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/exports"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// jsonMessages returns n messages of about 220 bytes.
func jsonMessages(rng *rand.Rand, n int) []string {
	ms := make([]string, n)
	for i := range ms {
		ms[i] = fmt.Sprintf(`{"time":"2026-01-02T03:04:05.%03dZ","level":"info","service":"checkout","trace":"%016x%016x","path":"/api/v1/items/%d","status":%d,"duration_ms":%.3f,"msg":"request finished"}`,
			rng.IntN(1000), rng.Uint64(), rng.Uint64(), rng.IntN(5000), 200+rng.IntN(3)*100, rng.Float64()*900)
	}
	return ms
}

func benchmark(b *testing.B, w *world, total int64) {
	if err := w.store.Flush(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(total)
	b.ReportAllocs()
	for b.Loop() {
		s := w.service(func(o *exports.Options) {
			*o = exports.Options{Catalog: o.Catalog, Directory: o.Directory, Store: o.Store, Objects: o.Objects, Now: o.Now}
		})
		w.completed(w.finish(s, w.create(s, w.request())))
	}
}

func BenchmarkLargeStream(b *testing.B) {
	w := newWorldOn(b, vfs.OS(), b.TempDir())
	rng := rand.New(rand.NewPCG(1, 1))
	total := int64(0)
	for i := range 40 {
		ms := jsonMessages(rng, 10_000)
		for _, m := range ms {
			total += int64(len(m))
		}
		w.putHidden("s", int64(i)*10_000, ms...)
	}
	benchmark(b, w, total)
}

func BenchmarkTinyStreams(b *testing.B) {
	w := newWorldOn(b, vfs.OS(), b.TempDir())
	rng := rand.New(rand.NewPCG(1, 1))
	total := int64(0)
	for i := range 20_000 {
		ms := jsonMessages(rng, 1)
		total += int64(len(ms[0]))
		w.putHidden(fmt.Sprintf("stream-%05d", i), int64(i), ms...)
	}
	benchmark(b, w, total)
}

// BenchmarkInterleavedStreams has 100 streams of 2.5 MB whose rows lie in every
// block: too much to be held in memory at once.
func BenchmarkInterleavedStreams(b *testing.B) {
	w := newWorldOn(b, vfs.OS(), b.TempDir())
	rng := rand.New(rand.NewPCG(1, 1))
	total := int64(0)
	for i := range 120 {
		for s := range 100 {
			ms := jsonMessages(rng, 100)
			for _, m := range ms {
				total += int64(len(m))
			}
			w.putHidden(fmt.Sprintf("stream-%05d", s), int64(i)*10_000, ms...)
		}
	}
	benchmark(b, w, total)
}
