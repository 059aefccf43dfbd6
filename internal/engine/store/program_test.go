package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// program is a random program over a store and its oracle.
type program struct {
	t        *testing.T
	rng      *rand.Rand
	fs       *vfs.Mem
	fault    *vfs.Fault
	manifest *memManifest
	clock    *clock
	tune     tuning
	s        *Store
	o        *oracle
	groups   [4]logs.GroupID // of four names; a new id each time one is created
	streams  int             // names in each group
	ids      map[[2]int64]logs.StreamID
	floor    map[logs.GroupID]int64
	dead     map[logs.StreamID]bool
	lastID   int64
	kind     int  // of messages
	scale    int  // makes messages longer
	lossy    bool // syncs may be lost, so a crash would lose events that were acknowledged
	ran      map[string]int
}

func newProgram(t *testing.T, seed uint64, tune tuning) *program {
	p := &program{
		t: t, rng: rand.New(rand.NewPCG(seed, 7)), fs: vfs.NewMem(), manifest: newMemManifest(),
		clock: &clock{ms: baseTime}, tune: tune, o: newOracle(), ids: make(map[[2]int64]logs.StreamID),
		floor: make(map[logs.GroupID]int64), dead: make(map[logs.StreamID]bool), ran: make(map[string]int),
	}
	p.streams = []int{1, 4, 60}[p.rng.IntN(3)]
	p.kind = p.rng.IntN(kinds + 1)
	p.lossy = p.rng.IntN(4) == 0
	for i := range p.groups {
		p.createGroup(i)
	}
	p.open()
	return p
}

func (p *program) open() {
	p.fault = vfs.NewFault(p.fs, nil)
	p.s = openStore(p.t, p.fault, p.manifest, p.clock.now, p.tune)
}

func (p *program) createGroup(name int) {
	p.lastID++
	p.groups[name] = logs.GroupID(p.lastID)
	p.manifest.retain(p.groups[name], 0)
}

// stream returns the present id of a stream by its name.
func (p *program) stream(g logs.GroupID, name int) logs.StreamID {
	k := [2]int64{int64(g), int64(name)}
	if p.ids[k] == 0 {
		p.lastID++
		p.ids[k] = logs.StreamID(p.lastID)
	}
	return p.ids[k]
}

// kinds of messages; the last mixes all others.
const kinds = 5

// message appends a message.
func (p *program) message(dst []byte) []byte {
	kind := p.kind
	if kind == kinds {
		kind = p.rng.IntN(kinds)
	}
	n := p.rng.IntN(120 * max(1, p.scale))
	switch p.rng.IntN(60) {
	case 0:
		n = p.rng.IntN(20 << 10)
	case 1:
		return dst
	}
	words := func(n int) []byte {
		m := make([]byte, n)
		for i := range m {
			m[i] = 'a' + byte(p.rng.IntN(40))
		}
		return m
	}
	switch kind {
	case 1: // objects of a few shapes
		return fmt.Appendf(dst, `{"level":%q,"n":%d,"at":{"host":"h%d","d":%d.%d},"ok":%v,"tags":["a",%d],"msg":%q}`,
			[]string{"info", "warn", "error"}[p.rng.IntN(3)], p.rng.IntN(1000), p.rng.IntN(5), p.rng.IntN(9), p.rng.IntN(100),
			p.rng.IntN(2) == 0, p.rng.IntN(3), strings.Repeat("request ", n/16))
	case 2: // lines of a service
		return fmt.Appendf(dst, "%d GET /orders/%d/items took %dms status=%d user=u%d %s",
			p.clock.ms, p.rng.IntN(10_000), p.rng.IntN(900), 200+100*p.rng.IntN(4), p.rng.IntN(40), strings.Repeat("ab ", n/8))
	case 3: // any bytes
		for range n {
			dst = append(dst, byte(p.rng.Uint32()))
		}
		return dst
	case 4: // what only looks like an object
		m := fmt.Appendf(nil, `prefix {"a":"%s","a":1e99,"k%d":[1,{"b":null}],"u":"\ud83d\u0000"}`, words(n/4), p.rng.IntN(1000))
		return append(dst, m[p.rng.IntN(3)*7%len(m):len(m)-p.rng.IntN(len(m)/4)]...)
	}
	return append(dst, words(n)...)
}

func (p *program) put() {
	now := p.clock.ms
	g := p.groups[p.rng.IntN(len(p.groups))]
	st := p.stream(g, p.rng.IntN(p.streams))
	ts := now - p.rng.Int64N(1000)
	switch p.rng.IntN(12) {
	case 0:
		ts = now - p.rng.Int64N(3*dayMillis) // late
	case 1:
		ts = now / 100_000 * 100_000 // equal to others
	}
	ts = max(ts, p.floor[g])
	b := Batch{Group: g, Stream: st, Ingestion: now}
	rows := 1 + p.rng.IntN(40)
	if p.rng.IntN(400) == 0 { // as large as a message may be
		rows = 0
		b.Timestamps = append(b.Timestamps, ts)
		b.Arena = bytes.Repeat([]byte("{\"mib\":1} "), maxMessage/10+1)[:maxMessage]
		b.Ends = append(b.Ends, maxMessage)
		p.ran["largest message"]++
	}
	for range rows {
		b.Timestamps = append(b.Timestamps, ts)
		b.Arena = p.message(b.Arena)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		if p.rng.IntN(3) > 0 {
			ts += p.rng.Int64N(50)
		}
	}
	if p.tune.manual && p.s.headBytes()+int64(len(b.Arena)) > p.s.headLimit()/2 {
		if err := p.s.Flush(p.t.Context()); err != nil {
			p.t.Fatalf("flush: %v", err)
		}
	}
	seq, err := p.s.Append(p.t.Context(), b)
	if err != nil {
		p.t.Fatalf("append: %v", err)
	}
	p.o.append(&b, seq)
}

func (p *program) restart() {
	if err := p.s.Close(); err != nil {
		p.t.Fatalf("close: %v", err)
	}
	p.open()
}

// crash goes on with what a power cut would leave now.
func (p *program) crash() {
	if p.lossy || !p.tune.manual {
		return
	}
	after, manifest := p.fs.CrashClone(p.rng), p.manifest.clone()
	if err := p.s.Close(); err != nil {
		p.t.Fatalf("close: %v", err)
	}
	p.fs, p.manifest = after, manifest
	p.open()
}

// fail runs a flush or a merge during which one operation on parts, or the
// publication, fails. Whatever it returns, nothing may be lost.
func (p *program) fail() {
	if !p.tune.manual {
		return
	}
	ops := []vfs.Op{vfs.OpCreate, vfs.OpWrite, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpSyncDir, vfs.OpRemove, vfs.OpOpen, vfs.OpRead, vfs.OpClose}
	op := ops[p.rng.IntN(len(ops))]
	f := vfs.Failure{Err: []error{syscall.EIO, syscall.ENOSPC}[p.rng.IntN(2)]}
	if op == vfs.OpRead || op == vfs.OpOpen {
		f.Err = &fs.PathError{Op: "read", Path: "/data/parts/some.part", Err: f.Err}
	}
	if op == vfs.OpWrite && p.rng.IntN(2) == 0 {
		f.Short = p.rng.IntN(4 << 10)
	}
	if op == vfs.OpSync {
		switch p.rng.IntN(3) {
		case 0:
			f.DropDirty = true
		case 1:
			if p.lossy {
				f = vfs.Failure{Lost: true}
			}
		}
	}
	var nth atomic.Int64
	nth.Store(p.rng.Int64N(6))
	var hit atomic.Bool
	p.fault.SetPlan(&vfs.Plan{Inject: func(c vfs.Call) vfs.Failure {
		if c.Op == op && strings.Contains(c.Name, "/parts") && nth.Add(-1) == -1 {
			hit.Store(true)
			return f
		}
		return vfs.Failure{}
	}})
	unknown := errors.New("connection lost")
	published := false
	if p.rng.IntN(4) == 0 {
		applied := p.rng.IntN(2) == 0
		p.manifest.fail = func() (bool, error) {
			if published {
				return true, nil
			}
			published = true
			return applied, unknown
		}
	}
	var err error
	switch p.rng.IntN(3) {
	case 0:
		err = p.s.Flush(p.t.Context())
	case 1:
		err = p.s.Merge(p.t.Context())
	case 2:
		err = p.s.mergeAll(p.t.Context(), false)
	}
	p.fault.SetPlan(nil)
	p.manifest.fail = nil
	if err != nil && !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, unknown) {
		p.t.Fatalf("failing %s: %v", op, err)
	}
	if hit.Load() || published {
		p.ran["failure"]++
	}
}

func (p *program) step() {
	ctx := p.t.Context()
	count := func(what string) { p.ran[what]++ }
	switch n := p.rng.IntN(100); {
	case n < 75:
		p.put()
	case n < 80:
		count("flush")
		if err := p.s.Flush(ctx); err != nil {
			p.t.Fatalf("flush: %v", err)
		}
	case n < 83:
		count("merge")
		if err := p.s.Merge(ctx); err != nil {
			p.t.Fatalf("merge: %v", err)
		}
	case n < 85:
		count("background merge")
		if err := p.s.mergeAll(ctx, false); err != nil {
			p.t.Fatalf("background merge: %v", err)
		}
	case n < 87:
		count("restart")
		p.restart()
	case n < 89:
		count("crash")
		p.crash()
	case n < 93:
		p.fail()
	case n < 96:
		p.clock.advance(time.Duration(p.rng.Int64N(int64(6 * time.Hour))))
	case n < 97:
		count("delete stream")
		g := p.groups[p.rng.IntN(len(p.groups))]
		name := p.rng.IntN(p.streams)
		st := p.stream(g, name)
		p.manifest.delete(g, st, p.clock.ms)
		p.dead[st] = true
		p.o.drop(g, st)
		delete(p.ids, [2]int64{int64(g), int64(name)}) // the name gets a new id
	case n < 98 && p.rng.IntN(4) == 0:
		count("delete group")
		name := p.rng.IntN(len(p.groups))
		p.manifest.delete(p.groups[name], 0, p.clock.ms)
		p.o.drop(p.groups[name], 0)
		p.createGroup(name)
	default:
		count("retention")
		p.expire() // merges may have removed what the old retention let expire
		p.manifest.retain(p.groups[p.rng.IntN(len(p.groups))], p.rng.IntN(4))
		p.expire()
	}
}

// expire moves the floors up; data below a floor may or may not come back, so a
// floor never falls.
func (p *program) expire() {
	for g, l := range p.manifest.lives {
		if l.RetentionDays > 0 {
			p.floor[g] = max(p.floor[g], p.clock.ms-int64(l.RetentionDays)*dayMillis)
		}
	}
}

func (p *program) check() {
	p.expire()
	for _, g := range p.groups {
		checkAll(p.t, p.s, p.o, g, p.floor[g], p.dead, p.rng)
	}
}

func (p *program) run(steps int) {
	p.t.Helper()
	for i := range steps {
		p.step()
		if i%25 == 24 {
			p.check()
		}
	}
	p.check()
	if h := p.s.Health(); h.DamagedBlocks > 0 || h.DamagedParts > 0 {
		p.t.Errorf("damage: %+v", h)
	}
	for _, part := range p.s.cur.parts {
		if part.avoid {
			p.t.Errorf("a merge of %s was given up", part.path)
		}
	}
	if err := p.s.Close(); err != nil {
		p.t.Fatalf("close: %v", err)
	}
}

// CUMULOG_SEEDS=from:count runs other programs than the usual ones.
func TestRandomProgramsAgreeWithOracle(t *testing.T) {
	first, programs, steps := uint64(0), 30, 250
	if testing.Short() { // the race detector makes them twenty times slower
		programs, steps = 4, 120
	}
	if v := os.Getenv("CUMULOG_SEEDS"); v != "" {
		if _, err := fmt.Sscanf(v, "%d:%d", &first, &programs); err != nil {
			t.Fatalf("CUMULOG_SEEDS=%s: %v", v, err)
		}
	}
	ran := make(map[string]int)
	for seed := first; seed < first+uint64(programs); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			p := newProgram(t, seed, manualTuning())
			p.run(steps)
			for what, n := range p.ran {
				ran[what] += n
			}
		})
	}
	t.Log(ran)
	for _, what := range []string{"flush", "merge", "background merge", "restart", "crash", "failure", "delete stream", "delete group", "retention", "largest message"} {
		if ran[what] == 0 && !testing.Short() {
			t.Errorf("no program had a step %q", what)
		}
	}
}

// TestAnswersDoNotDependOnTuning runs the same programs with blocks of other
// sizes, in every mode, with and without indexes, with other numbers of
// goroutines: each agrees with the same oracle, page by page.
func TestAnswersDoNotDependOnTuning(t *testing.T) {
	tunes := map[string]tuning{}
	add := func(name string, change func(*tuning)) {
		tune := manualTuning()
		change(&tune)
		tunes[name] = tune
	}
	// Blocks above 64 KiB have frames of their own and may move in merges.
	own := func(t *tuning) {
		t.memtableBytes, t.blockBytes, t.fileBytes, t.mergeFanIn = 8<<20, 80<<10, 1<<20, 3
	}
	add("small", func(t *tuning) { t.memtableBytes, t.blockBytes, t.cacheBytes = 32<<10, 20<<10, 1 })
	add("large", func(t *tuning) { *t = tuning{manual: true, walFile: 1 << 20, walReserve: -1} })
	add("single", func(t *tuning) { t.workers, t.encoders = 1, 1 })
	add("many workers", func(t *tuning) { own(t); t.workers, t.encoders = 8, 8 })
	add("own frames", own)
	add("raw", func(t *tuning) { own(t); t.modes = segment.Modes(segment.ModeRaw) })
	add("raw without index", func(t *tuning) { own(t); t.modes, t.noIndex = segment.Modes(segment.ModeRaw), true })
	add("json", func(t *tuning) { t.modes = segment.Modes(segment.ModeJSON) })
	add("templates", func(t *tuning) { t.modes = segment.Modes(segment.ModeTemplate) })
	add("taken apart without index", func(t *tuning) {
		own(t)
		t.modes, t.noIndex = segment.Modes(segment.ModeJSON, segment.ModeTemplate), true
	})
	seeds := uint64(5)
	if testing.Short() { // what is new to the race detector: the numbers of goroutines
		seeds = 1
		maps.DeleteFunc(tunes, func(name string, _ tuning) bool { return name != "many workers" && name != "single" })
	}
	for _, name := range slices.Sorted(maps.Keys(tunes)) {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds {
				p := newProgram(t, 1000+seed, tunes[name])
				p.kind = int(seed+1) % (kinds + 1)
				if tunes[name].blockBytes == 80<<10 {
					p.scale = 12
				}
				p.run(120)
			}
		})
	}
}

func TestBackgroundWorkUnderPrograms(t *testing.T) {
	tune := manualTuning()
	tune.manual = false
	tune.memtableBytes, tune.memtableAge, tune.mergeFanIn = 24<<10, 20*time.Millisecond, 3
	seeds := uint64(4)
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		newProgram(t, 2000+seed, tune).run(200)
	}
}
