package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// blocksOf returns the blocks of group 1 by hash, and how many lie over one
// moment at most.
func blocksOf(t *testing.T, s *Store) (byHash map[uint64]segment.BlockInfo, overlap int) {
	t.Helper()
	byHash = make(map[uint64]segment.BlockInfo)
	for _, p := range s.cur.parts {
		r, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range r.Blocks(1, nil) {
			byHash[b.Hash] = b
		}
	}
	for _, a := range byHash {
		n := 0
		for _, b := range byHash {
			if !a.Min.Less(b.Min) && !b.Max.Less(a.Min) {
				n++
			}
		}
		overlap = max(overlap, n)
	}
	return byHash, overlap
}

// noise appends events of n random bytes each millisecond from ts on, so that
// blocks do not share frames.
func noise(t *testing.T, s *Store, rng *rand.Rand, stream logs.StreamID, ts int64, events, n int) {
	t.Helper()
	b := Batch{Group: 1, Stream: stream, Ingestion: baseTime}
	for i := range events {
		for range n {
			b.Arena = append(b.Arena, byte(rng.Uint32()))
		}
		b.Timestamps = append(b.Timestamps, ts+int64(i))
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
	}
	if _, err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func TestMergeMovesFullBlocksThatOverlapLittle(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.fileBytes = 16<<20, 100<<10, 64<<20
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range 4 {
		// Each flush overlaps the next by a tenth.
		noise(t, s, rng, logs.StreamID(1+i), baseTime+int64(i)*900, 1000, 1000)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	before, _ := blocksOf(t, s)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, overlap := blocksOf(t, s)
	moved := 0
	for h := range before {
		if _, ok := after[h]; ok {
			moved++
		}
	}
	if len(s.cur.parts) != 1 || moved < len(before)-4 || overlap > 3 {
		t.Errorf("%d parts, %d of %d blocks moved, %d overlap", len(s.cur.parts), moved, len(before), overlap)
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 4000 {
		t.Errorf("%d events, want 4000", got)
	}
}

func TestMergeOrdersBlocksThatOverlapMuch(t *testing.T) {
	tune := manualTuning()
	tune.memtableBytes, tune.blockBytes, tune.fileBytes = 16<<20, 100<<10, 64<<20
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, tune)
	defer s.Close()
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range maxOverlap + 2 {
		noise(t, s, rng, logs.StreamID(1+i), baseTime, 500, 1000)
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, overlap := blocksOf(t, s); overlap < maxOverlap+1 {
		t.Fatalf("only %d blocks overlap", overlap)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Blocks that follow one another may meet in a millisecond.
	if _, overlap := blocksOf(t, s); overlap > 2 {
		t.Errorf("%d blocks overlap after the merge", overlap)
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 500*(maxOverlap+2) {
		t.Errorf("%d events, want %d", got, 500*(maxOverlap+2))
	}
}

func TestMergeSeparatesDaysAndClasses(t *testing.T) {
	m, c := newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, vfs.NewMem(), m, c.now, manualTuning())
	defer s.Close()
	m.retain(1, 7)
	m.retain(2, 0)
	m.retain(3, 7)
	for i := range 60 {
		b := makeBatch(logs.GroupID(1+i%3), logs.StreamID(1+i%3), c.ms, event(baseTime-int64(i%4)*dayMillis, fmt.Sprint("event ", i)))
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(m.segs) != 8 {
		t.Errorf("%d parts, want one for each of 4 days and 2 classes", len(m.segs))
	}
	for _, g := range m.segs {
		if dayOf(g.MinTime) != g.Day || dayOf(g.MaxTime) != g.Day || g.Level == 0 {
			t.Errorf("part %+v holds other days", g)
		}
		if g.Class == 7 && g.Groups != 2 || g.Class == 0 && (g.Groups != 1 || g.GroupLow != 2) {
			t.Errorf("part %+v holds other groups", g)
		}
	}
}

func TestVerifyInspectRebuild(t *testing.T) {
	mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	s := openStore(t, mem, m, c.now, manualTuning())
	o := newOracle()
	for i := range 120 {
		b := makeBatch(logs.GroupID(1+i%2), logs.StreamID(1+i%6), c.ms+int64(i), event(baseTime+int64(i%7), fmt.Sprint("event ", i)))
		seq, err := s.Append(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		o.append(&b, seq)
		if i%20 == 19 && i < 119 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i == 70 {
			if err := s.Merge(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	info, err := s.Inspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Parts) != 3 || len(info.Groups) != 2 || info.Head.Rows != 20 {
		t.Errorf("inspect: %+v", info)
	}
	if g := info.Groups[0]; g.Rows+g.HeadRows != 60 || g.HeadRows != 10 || g.Parts != 3 {
		t.Errorf("inspect group 1: %+v", g)
	}
	verify := func() (ok, bad, orphans int) {
		t.Helper()
		err := Verify(t.Context(), mem, "/data", m, func(r PartReport) error {
			switch {
			case r.Orphan:
				orphans++
			case r.OK():
				ok++
			default:
				bad++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ok, bad, orphans
	}
	if ok, bad, orphans := verify(); ok != 3 || bad != 0 || orphans != 0 {
		t.Errorf("verify: %d fine, %d bad, %d orphans", ok, bad, orphans)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// The catalog is lost. What the log holds beyond the parts is replayed.
	rebuilt, err := RebuildManifest(t.Context(), mem, "/data", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(rebuilt.Superseded) != 0 || len(rebuilt.Unreadable) != 0 {
		t.Errorf("rebuilt: %+v", rebuilt)
	}
	fresh := newMemManifest()
	if err := fresh.Publish(t.Context(), rebuilt.Publication); err != nil {
		t.Fatal(err)
	}
	for id, g := range m.segs {
		if fresh.segs[id] != g {
			t.Errorf("segment rebuilt as %+v, was %+v", fresh.segs[id], g)
		}
	}
	for id, want := range m.streams {
		if fresh.streams[id] != want {
			t.Errorf("stream rebuilt as %+v, was %+v", fresh.streams[id], want)
		}
	}
	if fresh.checkpoint != m.checkpoint || fresh.bytes[1] != m.bytes[1] {
		t.Errorf("checkpoint %d and %d bytes, want %d and %d", fresh.checkpoint, fresh.bytes[1], m.checkpoint, m.bytes[1])
	}
	s = openStore(t, mem, fresh, c.now, manualTuning())
	for g := logs.GroupID(1); g <= 2; g++ {
		sameEvents(t, "rebuilt", collect(t, s, Query{Group: g, End: math.MaxInt64}, math.MaxInt, nil), o.scan(Query{Group: g, End: math.MaxInt64}))
	}
	name := s.cur.parts[0].path
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	damage(t, mem, name, 60)
	if ok, bad, _ := verify(); ok != 2 || bad != 1 {
		t.Errorf("verify with damage: %d fine, %d bad", ok, bad)
	}
	if err := mem.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(mem, "/data/parts/ff.part", []byte("no part")); err != nil {
		t.Fatal(err)
	}
	if ok, bad, orphans := verify(); ok != 2 || bad != 1 || orphans != 1 {
		t.Errorf("verify with a missing part and an orphan: %d fine, %d bad, %d orphans", ok, bad, orphans)
	}
}

func TestRebuildAfterInterruptedMerge(t *testing.T) {
	m := newMemManifest()
	names := func(fs *vfs.Mem) int {
		list, err := fs.List("/data/parts")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	// Keep the files of the inputs beside the output of a merge, as a crash
	// before their removal does.
	mem := vfs.NewMem()
	keep := vfs.NewFault(mem, nil)
	s := openStore(t, keep, m, time.Now, manualTuning())
	for range 3 {
		if _, err := appendUntil(t, s, 10, 50); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	keep.SetPlan(&vfs.Plan{Inject: vfs.FailOn(vfs.OpRemove, nil, fmt.Errorf("kept"))})
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	keep.SetPlan(nil)
	inputs := s.cur.parts[0]
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := names(mem); n != 4 {
		t.Fatalf("%d files, want three inputs and an output", n)
	}
	rebuild := func(what string, parts, rows int) {
		t.Helper()
		r, err := RebuildManifest(t.Context(), mem, "/data", 0)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for _, g := range r.Publication.Add {
			n += g.Rows
		}
		if len(r.Publication.Add) != parts || n != int64(rows) {
			t.Errorf("%s: %d parts with %d events, want %d with %d", what, len(r.Publication.Add), n, parts, rows)
		}
	}
	rebuild("all inputs remain", 3, 30)
	list, err := mem.List("/data/parts")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		if "/data/parts/"+name != inputs.path {
			if err := mem.Remove("/data/parts/" + name); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	rebuild("one input is gone", 1, 30)
}

// TestMergeThatChangesRowsIsNotPublished: a row that a merge loses, doubles or
// changes in any way keeps it from being published, and leaves no file.
func TestMergeThatChangesRowsIsNotPublished(t *testing.T) {
	for name, spoil := range map[string]func(*segment.Row) bool{
		"lost":      func(*segment.Row) bool { return false },
		"message":   func(r *segment.Row) bool { r.Message = append([]byte("x"), r.Message...); return true },
		"bit":       func(r *segment.Row) bool { r.Message[0] ^= 1; return true },
		"stream":    func(r *segment.Row) bool { r.Stream++; return true },
		"seq":       func(r *segment.Row) bool { r.Key.Seq++; return true },
		"ingestion": func(r *segment.Row) bool { r.Ingestion = 77; return true },
	} {
		mem, m := vfs.NewMem(), newMemManifest()
		tune := manualTuning()
		n := 0
		tune.spoil = func(r *segment.Row) bool { n++; return n != 7 || spoil(r) }
		s := openStore(t, mem, m, time.Now, tune)
		flushed(t, s, 1, 12, 100)
		before, _ := blocksOf(t, s)
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, _ := blocksOf(t, s)
		avoided := 0
		for _, p := range s.cur.parts {
			if p.avoid {
				avoided++
			}
		}
		names, err := mem.List("/data/parts")
		if err != nil || len(s.cur.parts) != 12 || avoided != 12 || len(after) != len(before) || len(names) != 12 || len(m.segs) != 12 {
			t.Errorf("%s: %d parts, %d left alone, %d of %d blocks, %d files, %v", name, len(s.cur.parts), avoided, len(after), len(before), len(names), err)
		}
		if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 12 {
			t.Errorf("%s: %d events, want 12", name, got)
		}
		// After the defect is gone, a restart merges them.
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		tune.spoil = nil
		s = openStore(t, mem, m, time.Now, tune)
		if err := s.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(s.cur.parts) != 1 {
			t.Errorf("%s: %d parts after a restart", name, len(s.cur.parts))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMergeProvesItsFiles: what lies in the finished files is compared with what
// was written.
func TestMergeProvesItsFiles(t *testing.T) {
	s := openStore(t, vfs.NewMem(), newMemManifest(), time.Now, manualTuning())
	defer s.Close()
	flushed(t, s, 1, 1, 100)
	p := s.cur.parts[0]
	r, err := p.open()
	if err != nil {
		t.Fatal(err)
	}
	sum := uint64(0)
	for b := range r.All() {
		sum += blockHash(&b)
	}
	m := &merge{s: s, rows: 1, sent: sum, added: []*part{p}}
	if err := m.prove(); err != nil {
		t.Errorf("a sound merge: %v", err)
	}
	m.rows = 2
	if err := m.prove(); !errors.Is(err, errRowCount) {
		t.Errorf("a lost row: %v", err)
	}
	m.rows, m.dropped = 2, 1
	m.sent++
	if err := m.prove(); !errors.Is(err, errRowHash) {
		t.Errorf("another block: %v", err)
	}
	m.sent--
	m.in++
	if err := m.prove(); !errors.Is(err, errRowHash) {
		t.Errorf("another row: %v", err)
	}
}
