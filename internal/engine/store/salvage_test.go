package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// threeGroups appends to groups of which one is large, so that blocks have own
// frames and shared ones.
func threeGroups(t *testing.T, s *Store, o *oracle, from int64) {
	t.Helper()
	for i := range int64(60) {
		for g := logs.GroupID(1); g <= 3; g++ {
			size := 20
			if g == 2 {
				size = 20_000
			}
			msg := fmt.Sprintf("%d %d %s", g, from+i, strings.Repeat("x", size))
			b := makeBatch(g, logs.StreamID(10*int64(g)+i%2), 7, event(baseTime+from+i, msg))
			seq, err := s.Append(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			o.append(&b, seq)
		}
	}
}

// TestSalvageAPartWithoutIndex: a part that lost its end is replaced by one with
// every event of it.
func TestSalvageAPartWithoutIndex(t *testing.T) {
	mem, m, o := vfs.NewMem(), newMemManifest(), newOracle()
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes = 8<<20, 200<<10
	s := openStore(t, mem, m, time.Now, tune)
	threeGroups(t, s, o, 0)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := s.cur.parts[0].seg
	path := s.cur.parts[0].path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := mem.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(old.FileBytes - 40); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := RebuildManifest(t.Context(), mem, "/data", 0)
	if err != nil || !slices.Equal(r.Unreadable, []string{old.ID}) {
		t.Fatalf("unreadable are %v, %v; want %s", r.Unreadable, err, old.ID)
	}

	got, err := SalvagePart(t.Context(), mem, "/data", old.ID, &old, 99)
	if err != nil || got.Segment.Rows != old.Rows || got.Report.OK() {
		t.Fatalf("salvaged %+v, %v; want %d events and a problem", got, err, old.Rows)
	}
	want := old
	want.ID, want.Created, want.FileBytes = got.Segment.ID, 99, got.Segment.FileBytes
	if got.Segment != want {
		t.Errorf("segment %+v, want %+v", got.Segment, want)
	}
	if err := m.Publish(t.Context(), catalog.Publication{Add: []catalog.Segment{got.Segment}, Remove: []string{old.ID}}); err != nil {
		t.Fatal(err)
	}
	aside, err := SetAside(mem, "/data", old.ID)
	if err != nil {
		t.Fatal(err)
	}
	s = openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	for g := logs.GroupID(1); g <= 3; g++ {
		q := Query{Group: g, End: math.MaxInt64}
		sameEvents(t, "salvaged", collect(t, s, q, math.MaxInt, nil), o.scan(q))
	}
	if _, err := mem.Stat(aside); err != nil {
		t.Errorf("the damaged part was not kept: %v", err)
	}
}

// TestSalvageNothing: a file that is no part gives no part.
func TestSalvageNothing(t *testing.T) {
	mem := vfs.NewMem()
	if err := mem.MkdirAll("/data/parts"); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(mem, "/data/parts/ff.part", []byte("no part")); err != nil {
		t.Fatal(err)
	}
	got, err := SalvagePart(t.Context(), mem, "/data", "ff", nil, 99)
	if err != nil || got.Segment.ID != "" {
		t.Errorf("salvaged %+v, %v; want nothing", got, err)
	}
	if n := partFiles(t, mem); n != 1 {
		t.Errorf("%d files, want the one that was there", n)
	}
}

// TestRebuildWithALog: what is in the log only is among the streams, and a log that
// begins above the newest part is no damage.
func TestRebuildWithALog(t *testing.T) {
	mem, m, o := vfs.NewMem(), newMemManifest(), newOracle()
	tune := manualTuning()
	tune.memtableBytes, tune.walFile = 8<<20, 64<<10
	s := openStore(t, mem, m, time.Now, tune)
	threeGroups(t, s, o, 0)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	threeGroups(t, s, o, 1000)
	for g := logs.GroupID(1); g <= 3; g++ {
		m.delete(g, 0, baseTime)
		o.groups[g] = nil
	}
	if err := s.Flush(t.Context()); err != nil { // makes no part
		t.Fatal(err)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := makeBatch(4, 40, 7, event(baseTime, "in the log only"))
	seq, err := s.Append(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	o.append(&b, seq)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := RebuildManifest(t.Context(), mem, "/data", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Publication.Add) != 0 || r.Released == 0 || r.Released != r.Publication.Checkpoint || r.Released > m.checkpoint {
		t.Errorf("rebuilt %+v; want no part and a checkpoint of at most %d", r, m.checkpoint)
	}
	want := catalog.StreamStats{Group: 4, Stream: 40, First: baseTime, Last: baseTime, LastIngestion: 7}
	if !slices.Contains(r.Logged, want) {
		t.Errorf("streams %+v lack %+v", r.Logged, want)
	}
	fresh := newMemManifest()
	if err := fresh.Publish(t.Context(), r.Publication); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, mem, fresh, time.Now, tune)
	defer s.Close()
	q := Query{Group: 4, End: math.MaxInt64}
	sameEvents(t, "rebuilt", collect(t, s, q, math.MaxInt, nil), o.scan(q))
}

// TestRebuildWithADamagedLog: the loss of a log file is not taken for a release.
func TestRebuildWithADamagedLog(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.memtableBytes, tune.walFile = 8<<20, 64<<10
	s := openStore(t, mem, m, time.Now, tune)
	threeGroups(t, s, newOracle(), 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := mem.List("/data/wal")
	if err != nil || len(names) < 3 {
		t.Fatalf("log files %v, %v", names, err)
	}
	damage(t, mem, "/data/wal/"+names[0], 10) // its header
	r, err := RebuildManifest(t.Context(), mem, "/data", 0)
	if err != nil || r.Released != 0 || r.Publication.Checkpoint != 0 {
		t.Errorf("rebuilt %+v, %v; want no checkpoint, so that the start reports the damage", r, err)
	}
}
