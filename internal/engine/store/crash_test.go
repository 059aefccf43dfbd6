package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// crashPoint is what a power cut at one moment could leave.
type crashPoint struct {
	what     string
	fs       *vfs.Mem
	manifest *memManifest
	acked    int // batches that were acknowledged by then
	sent     int // batches that were begun by then
	deleted  bool
}

// TestCrashAfterEverySync runs a fixed workload of appends, flushes, merges,
// deletion and restarts, takes a crash clone after every operation that makes
// something durable, and opens every clone: each acknowledged event is there
// exactly once, each batch whole or absent, in order, with equal bytes.
func TestCrashAfterEverySync(t *testing.T) {
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	small := manualTuning()
	small.mergeFanIn, small.memtableBytes = 3, 4<<20
	// Blocks with frames of their own, which several goroutines encode and merges move.
	large := small
	large.blockBytes, large.fileBytes, large.encoders = 70<<10, 1<<20, 3
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { crashRun(t, seed, small, 400) })
		if testing.Short() {
			break
		}
		t.Run(fmt.Sprintf("own frames/seed=%d", seed), func(t *testing.T) { crashRun(t, seed, large, 8<<10) })
	}
}

// crashRun uses messages of up to that many bytes.
func crashRun(t *testing.T, seed uint64, tune tuning, size int) {
	rng := rand.New(rand.NewPCG(seed, 11))
	mem, manifest, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
	var (
		mu      sync.Mutex
		points  []crashPoint
		batches []Batch
		acked   int
		deleted bool
	)
	take := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		points = append(points, crashPoint{
			what: what, fs: mem.CrashClone(rng), manifest: manifest.clone(), acked: acked, sent: len(batches), deleted: deleted,
		})
	}
	fault := vfs.NewFault(mem, &vfs.Plan{After: func(call vfs.Call, err error) {
		if err == nil && (call.Op.Syncs() || call.Op == vfs.OpRename || call.Op == vfs.OpRemove) {
			take(fmt.Sprintf("%s %s", call.Op, call.Name))
		}
	}})
	s := openStore(t, fault, manifest, c.now, tune)
	for i := range 60 {
		b := Batch{Group: logs.GroupID(1 + i%2), Stream: logs.StreamID(1 + i%2*10 + i%3), Ingestion: c.ms}
		ts := c.ms - rng.Int64N(2*dayMillis)
		for j := range 1 + rng.IntN(20) {
			b.Timestamps = append(b.Timestamps, ts+int64(j/2))
			b.Arena = append(b.Arena, fmt.Sprintf("batch %d event %d %s", i, j, strings.Repeat("z", rng.IntN(size)))...)
			b.Ends = append(b.Ends, uint32(len(b.Arena)))
		}
		mu.Lock()
		batches = append(batches, b)
		mu.Unlock()
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		acked++
		mu.Unlock()
		switch {
		case i == 40:
			mu.Lock()
			deleted = true
			mu.Unlock()
			manifest.delete(1, 1, c.ms)
		case i%9 == 8:
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			take("after flush")
			if err := s.mergeAll(t.Context(), i > 50); err != nil {
				t.Fatal(err)
			}
			take("after merge")
		case i%13 == 12:
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, fault, manifest, c.now, tune)
		}
		c.advance(time.Minute)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(points) < 100 {
		t.Fatalf("only %d crash points", len(points))
	}
	for i, p := range points {
		checkCrash(t, p, batches, c, tune, i%4 == 0)
	}
}

func checkCrash(t *testing.T, p crashPoint, batches []Batch, c *clock, tune tuning, further bool) {
	t.Helper()
	s := openStore(t, p.fs, p.manifest, c.now, tune)
	for round, what := range []string{"recovered", "flushed and merged"} {
		if round == 1 && !further {
			break
		}
		if round == 1 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatalf("crash at %q: flush: %v", p.what, err)
			}
			if err := s.Merge(t.Context()); err != nil {
				t.Fatalf("crash at %q: merge: %v", p.what, err)
			}
		}
		seen := make(map[uint64][]logs.Event) // by batch
		for g := logs.GroupID(1); g <= 2; g++ {
			last := logs.Key{Timestamp: -1}
			for _, e := range collect(t, s, Query{Group: g, End: math.MaxInt64}, math.MaxInt, nil) {
				if !last.Less(e.Key) {
					t.Fatalf("crash at %q, %s: %v after %v", p.what, what, e.Key, last)
				}
				last = e.Key
				var batch, i int
				if _, err := fmt.Sscanf(string(e.Message), "batch %d event %d", &batch, &i); err != nil {
					t.Fatalf("crash at %q: message %.40q", p.what, e.Message)
				}
				if e.Seq&(1<<logs.SeqIndexBits-1) != logs.Seq(i) {
					t.Fatalf("crash at %q: event %d has seq %d", p.what, i, e.Seq)
				}
				seen[uint64(batch)] = append(seen[uint64(batch)], e)
			}
		}
		for i, b := range batches {
			events := seen[uint64(i)]
			gone := b.Group == 1 && b.Stream == 1 && p.deleted
			switch {
			case len(events) == 0 && (i >= p.acked || gone):
				continue
			case len(events) == 0:
				t.Fatalf("crash at %q, %s: acknowledged batch %d of %d is lost", p.what, what, i, p.acked)
			case i >= p.sent:
				t.Fatalf("crash at %q, %s: batch %d was not sent yet", p.what, what, i)
			case len(events) != len(b.Ends):
				t.Fatalf("crash at %q, %s: batch %d has %d events of %d", p.what, what, i, len(events), len(b.Ends))
			}
			from := uint32(0)
			for j, end := range b.Ends {
				e := events[j]
				if e.Timestamp != b.Timestamps[j] || string(e.Message) != string(b.Arena[from:end]) || e.Ingestion != b.Ingestion || e.Stream != b.Stream {
					t.Fatalf("crash at %q, %s: event %d of batch %d differs", p.what, what, j, i)
				}
				from = end
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatalf("crash at %q: close: %v", p.what, err)
	}
}

// appendUntil appends small batches until one fails or n were stored.
func appendUntil(t *testing.T, s *Store, n int, size int) (stored int, err error) {
	t.Helper()
	for range n {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, err = s.Append(ctx, makeBatch(1, 1, 5, event(int64(1000+stored), strings.Repeat("f", size))))
		cancel()
		if err != nil {
			return stored, err
		}
		stored++
	}
	return stored, nil
}

func TestFullDisk(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.manual = false
	tune.memtableBytes = 512 << 10
	s := openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	mem.SetLimit(6 << 20)
	// Random bytes do not compress, so the disk fills.
	rng := rand.New(rand.NewPCG(1, 1))
	stored := 0
	var full error
	for range 1000 {
		msg := make([]byte, 20<<10)
		for i := range msg {
			msg[i] = byte(rng.Uint32())
		}
		b := Batch{Group: 1, Stream: 1, Ingestion: 5, Timestamps: []int64{int64(1000 + stored)}, Arena: msg, Ends: []uint32{uint32(len(msg))}}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		_, full = s.Append(ctx, b)
		cancel()
		if full != nil {
			break
		}
		stored++
	}
	if !errors.Is(full, ErrUnavailable) || !vfs.IsNoSpace(full) && !strings.Contains(full.Error(), "full") {
		t.Fatalf("after %d batches: %v, want ErrUnavailable", stored, full)
	}
	q := Query{Group: 1, End: math.MaxInt64}
	if got := len(collect(t, s, q, math.MaxInt, nil)); got != stored {
		t.Errorf("%d events on a full disk, want %d", got, stored)
	}
	mem.SetLimit(math.MaxInt64)
	deadline := time.Now().Add(20 * time.Second)
	for {
		n, err := appendUntil(t, s, 1, 10)
		stored += n
		if err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) || time.Now().After(deadline) {
			t.Fatalf("after space came back: %v", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Errorf("flush after space came back: %v", err)
	}
	if err := s.Merge(t.Context()); err != nil {
		t.Errorf("merge after space came back: %v", err)
	}
	if got := len(collect(t, s, q, math.MaxInt, nil)); got != stored {
		t.Errorf("%d events after space came back, want %d", got, stored)
	}
	if h := s.Health(); h.FlushError != nil || h.MergeError != nil {
		t.Errorf("health %+v", h)
	}
}

func TestFailingDiskKeepsEventsAndRecovers(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	fault := vfs.NewFault(mem, nil)
	s := openStore(t, fault, m, time.Now, manualTuning())
	defer s.Close()
	stored, err := appendUntil(t, s, 50, 200)
	if err != nil {
		t.Fatal(err)
	}
	inParts := func(c vfs.Call) bool { return strings.Contains(c.Name, "parts") }
	for _, op := range []vfs.Op{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpSyncDir} {
		fault.SetPlan(&vfs.Plan{Inject: vfs.FailOn(op, inParts, syscall.EIO)})
		if err := s.Flush(t.Context()); !errors.Is(err, syscall.EIO) {
			t.Errorf("flush with failing %s: %v", op, err)
		}
		if s.Health().FlushError == nil {
			t.Errorf("a failed flush does not show in the health")
		}
		if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != stored {
			t.Errorf("%d events after failing %s, want %d", got, op, stored)
		}
	}
	fault.SetPlan(nil)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, op := range []vfs.Op{vfs.OpOpen, vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpSyncDir} {
		fault.SetPlan(&vfs.Plan{Inject: vfs.FailOn(op, inParts, syscall.EIO)})
		if err := s.Merge(t.Context()); !errors.Is(err, syscall.EIO) {
			t.Errorf("merge with failing %s: %v", op, err)
		}
		if op == vfs.OpOpen {
			_, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool { return true })
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("scan of a part that cannot be opened: %v", err)
			}
		}
	}
	fault.SetPlan(nil)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != stored {
		t.Errorf("%d events in the end, want %d", got, stored)
	}
	if names, err := mem.List("/data/parts"); err != nil || len(names) != 1 {
		t.Errorf("files %v, %v; want one", names, err)
	}
}

func TestFailingLogMakesWritesUnavailable(t *testing.T) {
	fault := vfs.NewFault(vfs.NewMem(), nil)
	s := openStore(t, fault, newMemManifest(), time.Now, manualTuning())
	defer s.Close()
	if _, err := appendUntil(t, s, 3, 10); err != nil {
		t.Fatal(err)
	}
	fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op.Mutates() {
			return vfs.Failure{Err: syscall.EIO}
		}
		return vfs.Failure{}
	}})
	if _, err := appendUntil(t, s, 1, 10); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append to a failing log: %v", err)
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 3 {
		t.Errorf("%d events, want 3", got)
	}
	fault.SetPlan(nil)
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err := appendUntil(t, s, 1, 10); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the log does not come back: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestPublicationOfUnknownOutcome(t *testing.T) {
	for _, applied := range []bool{false, true} {
		m := newMemManifest()
		s := openStore(t, vfs.NewMem(), m, time.Now, manualTuning())
		if _, err := appendUntil(t, s, 20, 100); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("connection lost")
		m.fail = func() (bool, error) { return applied, broken }
		err := s.Flush(t.Context())
		if applied && err != nil || !applied && !errors.Is(err, broken) {
			t.Errorf("applied %v: flush returned %v", applied, err)
		}
		m.fail = nil
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != 20 || len(m.segs) != 1 {
			t.Errorf("applied %v: %d events in %d parts, want 20 in one", applied, got, len(m.segs))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackpressureWaitsAndHonoursContext(t *testing.T) {
	var slow atomic.Bool
	release := make(chan struct{})
	fault := vfs.NewFault(vfs.NewMem(), &vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == vfs.OpCreate && strings.Contains(c.Name, "parts") && slow.Load() {
			<-release
		}
		return vfs.Failure{}
	}})
	tune := manualTuning()
	tune.manual = false
	tune.memtableBytes = 64 << 10
	s := openStore(t, fault, newMemManifest(), time.Now, tune)
	defer s.Close()
	slow.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	stored := 0
	var err error
	for err == nil && stored < 1000 {
		_, err = s.Append(ctx, makeBatch(1, 1, 5, event(int64(stored), strings.Repeat("p", 4<<10))))
		if err == nil {
			stored++
		}
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("after %d batches: %v, want a deadline", stored, err)
	}
	if head := s.headBytes(); head > s.headLimit() {
		t.Errorf("%d bytes in memory, more than %d", head, s.headLimit())
	}
	slow.Store(false)
	close(release)
	if n, err := appendUntil(t, s, 50, 4<<10); err != nil {
		t.Fatalf("after %d more: %v", n, err)
	}
}

// damage flips one byte of a part.
func damage(t *testing.T, fs vfs.FS, name string, off int64) {
	t.Helper()
	f, err := fs.OpenFile(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	b[0] ^= 0x40
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedBlockIsLeftOutAndReported(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.blockBytes = 128 << 10 // own frames
	tune.memtableBytes = 4 << 20
	s := openStore(t, mem, m, time.Now, tune)
	rng := rand.New(rand.NewPCG(2, 2))
	for i := range 40 {
		msg := make([]byte, 10<<10)
		for j := range msg {
			msg[j] = byte(rng.Uint32())
		}
		b := Batch{Group: 1, Stream: 1, Ingestion: 5, Timestamps: []int64{int64(1000 + i)}, Arena: msg, Ends: []uint32{uint32(len(msg))}}
		if _, err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := s.cur.parts[0].path
	damage(t, mem, name, 40<<10)

	for range 2 { // the second time it is known
		n := 0
		st, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool { n++; return true })
		if err != nil || st.DamagedBlocks != 1 || n == 0 || n == 40 {
			t.Errorf("%d events, %+v, %v; want some and one damaged block", n, st, err)
		}
	}
	if h := s.Health(); h.DamagedBlocks != 1 || h.DamagedParts != 0 {
		t.Errorf("health %+v", h)
	}
	// A merge must not make the loss final.
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.cur.parts) != 1 || s.cur.parts[0].path != name {
		t.Errorf("the damaged part was merged away")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// A merge that meets the damage itself leaves the part alone, too.
	s = openStore(t, mem, m, time.Now, tune)
	if err := s.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(s.cur.parts) != 1 || s.cur.parts[0].path != name {
		t.Errorf("the damaged part was merged away after a restart")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	// Without its index the whole part counts as damaged, and the store opens.
	size, err := mem.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	damage(t, mem, name, size.Size-40)
	s = openStore(t, mem, m, time.Now, tune)
	st, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool { return true })
	if err != nil || st.DamagedBlocks != 1 {
		t.Errorf("%+v, %v; want damage", st, err)
	}
	if h := s.Health(); h.DamagedParts != 1 {
		t.Errorf("health %+v", h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mem.Remove(name); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	st, err = s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool { return true })
	if err != nil || st.DamagedBlocks != 1 {
		t.Errorf("missing file: %+v, %v; want damage", st, err)
	}
}

func TestOpenRemovesOrphans(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	s := openStore(t, mem, m, time.Now, manualTuning())
	if _, err := appendUntil(t, s, 5, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/data/parts/x.tmp", "/data/parts/0123.part", "/data/parts/notes.txt"} {
		if err := vfs.WriteFile(mem, name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(t.Context(), Options{FS: mem, Dir: "/data", Manifest: m, Logger: slog.New(slog.DiscardHandler), tune: manualTuning()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names, err := mem.List("/data/parts")
	if err != nil || len(names) != 2 {
		t.Errorf("files %v, %v; want the part and the notes", names, err)
	}
}

func TestReplayWithLessMemoryFlushes(t *testing.T) {
	mem, m := vfs.NewMem(), newMemManifest()
	tune := manualTuning()
	tune.memtableBytes = 8 << 20
	s := openStore(t, mem, m, time.Now, tune)
	stored, err := appendUntil(t, s, 200, 10<<10)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tune.memtableBytes = 128 << 10
	s = openStore(t, mem, m, time.Now, tune)
	defer s.Close()
	if s.headBytes() > s.headLimit() || len(m.segs) == 0 {
		t.Errorf("%d bytes in memory, %d parts", s.headBytes(), len(m.segs))
	}
	if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != stored {
		t.Errorf("%d events, want %d", got, stored)
	}
}

// TestLostSyncsAreNoticed: a disk that lies about a sync of a part and then loses
// power takes events away that nothing can bring back. What is left is right,
// what is gone is reported, and the store opens.
func TestLostSyncsAreNoticed(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		mem, m, c := vfs.NewMem(), newMemManifest(), &clock{ms: baseTime}
		fault := vfs.NewFault(mem, nil)
		tune := manualTuning()
		tune.memtableBytes, tune.blockBytes, tune.fileBytes, tune.mergeFanIn = 8<<20, 70<<10, 1<<20, 3
		s := openStore(t, fault, m, c.now, tune)
		o := newOracle()
		for i := range 6 {
			for range 20 {
				b := makeBatch(1, logs.StreamID(1+rng.IntN(3)), c.ms, event(baseTime+rng.Int64N(1000), strings.Repeat(fmt.Sprintf("%d ", rng.Uint64()), 1+rng.IntN(800))))
				seq, err := s.Append(t.Context(), b)
				if err != nil {
					t.Fatal(err)
				}
				o.append(&b, seq)
			}
			if i == 3 {
				fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
					return vfs.Failure{Lost: c.Op == vfs.OpSync && strings.Contains(c.Name, "/parts/")}
				}})
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.mergeAll(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}
		want := o.scan(Query{Group: 1, End: math.MaxInt64})
		sameEvents(t, "before the crash", collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil), want)
		after, manifest := mem.CrashClone(rng), m.clone()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openStore(t, after, manifest, c.now, tune)
		known := make(map[logs.Key]string)
		for _, e := range want {
			known[e.Key] = string(e.Message)
		}
		last, n := logs.Key{Timestamp: -1}, 0
		st, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(e logs.Event) bool {
			if known[e.Key] != string(e.Message) || !last.Less(e.Key) {
				t.Errorf("seed %d: event %v with %d bytes was never stored so", seed, e.Key, len(e.Message))
			}
			last = e.Key
			n++
			return true
		})
		if err != nil {
			t.Fatal(err)
		}
		if h := s.Health(); n < len(want) && (st.DamagedBlocks == 0 || h.DamagedBlocks+h.DamagedParts == 0) {
			t.Errorf("seed %d: %d of %d events, and nobody says so: %+v, %+v", seed, n, len(want), st, h)
		}
		if err := s.Merge(t.Context()); err != nil {
			t.Errorf("seed %d: merge: %v", seed, err)
		}
		if got := len(collect(t, s, Query{Group: 1, End: math.MaxInt64}, math.MaxInt, nil)); got != n {
			t.Errorf("seed %d: %d events after a merge, want %d", seed, got, n)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
