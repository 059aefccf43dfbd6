package store

import (
	"fmt"
	"math"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// numbersIn returns the sum of the field n of all events of some streams.
func numbersIn(t *testing.T, s *Store, streams ...logs.StreamID) (sum int) {
	t.Helper()
	_, err := s.ScanBlocks(t.Context(), BlockQuery{Groups: []logs.GroupID{1}, Streams: streams, End: math.MaxInt64}, 1, func(_ int, b *BlockView) error {
		v, err := b.Field("n")
		if err != nil {
			return err
		}
		for row := range b.Len() {
			switch {
			case !v.Has(row):
			case v.Ints != nil:
				sum += int(v.Ints[row])
			case v.Texts.Len() > 0:
				var n int
				if _, err := fmt.Sscan(string(v.Texts.At(row)), &n); err != nil {
					return err
				}
				sum += n
			default:
				return fmt.Errorf("kind %v", v.Kind)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestMemoryIsTakenApartOnce asks about events that are not flushed, again and again.
func TestMemoryIsTakenApartOnce(t *testing.T) {
	c, m, tune := &clock{ms: baseTime}, newMemManifest(), manualTuning()
	tune.memtableBytes, tune.cacheBytes = 64<<20, 16<<20
	s := openStore(t, vfs.NewMem(), m, c.now, tune)
	t.Cleanup(func() { _ = s.Close() })
	sum := map[logs.StreamID]int{}
	add := func(stream logs.StreamID, from int) {
		var events []logs.Event
		for i := from; i < from+500; i++ {
			sum[stream] += i
			events = append(events, event(baseTime+int64(i), fmt.Sprintf(`{"n":%d,"word":"w%d"}`, i, i%5)))
		}
		if _, err := s.Append(t.Context(), makeBatch(1, stream, 1, events...)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want int, streams ...logs.StreamID) {
		t.Helper()
		for range 4 {
			if got := numbersIn(t, s, streams...); got != want {
				t.Fatalf("streams %v: %d, want %d", streams, got, want)
			}
		}
	}
	add(1, 0)
	add(2, 1000)
	check(sum[1]+sum[2], 1, 2)
	check(sum[1], 1)
	kept := s.shapes.bytes()
	if kept < 1000 {
		t.Errorf("%d bytes are kept, want the columns of 1000 events", kept)
	}
	add(1, 500)
	check(sum[1]+sum[2], 1, 2)
	check(sum[2], 2)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(sum[1]+sum[2], 1, 2)
	if n := s.shapes.bytes(); n != 0 {
		t.Errorf("%d bytes are kept of events that were flushed", n)
	}
}

// TestMemShapesBound keeps what fits.
func TestMemShapesBound(t *testing.T) {
	var json shred.JSON
	shape := new(shred.Shape)
	if !json.Split([]byte(`{"a":1}{"a":2}`), []uint32{7, 14}, shape) {
		t.Fatal("JSON is not taken apart")
	}
	size := shape.Memory() + 8 + 256
	s := newMemShapes(3*size - 1)
	run := func(lsn uint64) []*chunk { return []*chunk{{lsn: lsn}} }
	for lsn := uint64(1); lsn <= 5; lsn++ {
		s.put(run(lsn), shape)
		if s.bytes() > s.limit || s.lru.Len() != len(s.byKey) {
			t.Fatalf("%d bytes in %d entries, at most %d", s.bytes(), s.lru.Len(), s.limit)
		}
	}
	if got, _, again := s.get(run(5)); got != shape || !again {
		t.Error("the latest is not kept")
	}
	if got, _, again := s.get(run(1)); got != nil || again {
		t.Error("the oldest is kept")
	}
	big := newMemShapes(size - 1)
	big.put(run(1), shape)
	if big.bytes() != 0 {
		t.Error("what is larger than the bound is kept")
	}
	// What has the same ends is not the same.
	two := []*chunk{{lsn: 1}, {lsn: 3}, {lsn: 9}}
	s.put(two, shape)
	if got, _, _ := s.get([]*chunk{{lsn: 1}, {lsn: 4}, {lsn: 9}}); got != nil {
		t.Error("the shape of other messages was returned")
	}
}
