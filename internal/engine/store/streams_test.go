package store

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestManyStreamsCostLittleDisk: the events of very many streams of a group take
// at most twice the disk of the same events in one stream, in parts as they are flushed and as they
// are merged.
func TestManyStreamsCostLittleDisk(t *testing.T) {
	streams, events := 50_000, 20
	if testing.Short() {
		streams = 1_000
	}
	// size stores the events and returns the bytes of parts, flushed and merged.
	size := func(t *testing.T, oneStream, interleaved bool) (flushed, merged int64) {
		s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tuning{manual: true, walFile: 1 << 20, walReserve: -1})
		defer s.Close()
		rng := rand.New(rand.NewPCG(50, 50))
		m, lsn := newMemtable(), uint64(0)
		flush := func() {
			if err := s.flush(t.Context(), m, func() int { return s.o.tune.encoders }); err != nil {
				t.Fatal(err)
			}
			m = newMemtable()
		}
		put := func(stream, n int, ts int64) {
			lsn++
			b := Batch{Group: 1, Stream: 1, Ingestion: ts + 50}
			if !oneStream {
				b.Stream = logs.StreamID(1 + stream)
			}
			for i := range n {
				b.Arena = benchLine(b.Arena, rng)
				b.Timestamps = append(b.Timestamps, ts+int64(i)*7)
				b.Ends = append(b.Ends, uint32(len(b.Arena)))
			}
			c, err := b.check()
			if err != nil {
				t.Fatal(err)
			}
			c.lsn = lsn
			if m.add(c, time.Now()); m.memory > maxMemtable {
				flush()
			}
		}
		for i := range streams * events {
			switch {
			case interleaved: // every stream a little all the time
				put(i%streams, 1, baseTime+int64(i)/100)
			case i%events == 0: // one stream after another, as functions make them
				put(i/events, events, baseTime+int64(i)/100)
			}
		}
		flush()
		total := func() (n int64) {
			byMode := map[segment.Mode]int64{}
			blocks, raw := 0, int64(0)
			for _, p := range s.cur.parts {
				n += p.seg.FileBytes
				r, err := p.open()
				if err != nil {
					t.Fatal(err)
				}
				for b := range r.All() {
					byMode[b.Mode] += b.StoredBytes
					blocks++
					raw += b.RawBytes
				}
			}
			t.Logf("one stream %v, interleaved %v: %d parts, %d blocks, %d bytes of %d, %v", oneStream, interleaved, len(s.cur.parts), blocks, n, raw, byMode)
			return n
		}
		flushed = total()
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		return flushed, total()
	}
	for _, interleaved := range []bool{false, true} {
		f1, m1 := size(t, true, interleaved)
		fn, mn := size(t, false, interleaved)
		if fn > 2*f1 || mn > 2*m1 {
			t.Errorf("interleaved %v: %d bytes flushed and %d merged; one stream takes %d and %d", interleaved, fn, mn, f1, m1)
		}
	}
}
