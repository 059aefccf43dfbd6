package metricfilters_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
)

// point is what a power cut at one moment could leave.
type point struct {
	what  string
	fs    *vfs.Mem
	dir   string // of the catalog
	acked int    // events
	now   time.Time
}

// TestCrashAtEveryPoint counts events while it takes a crash clone after every operation that
// makes something durable, and counts on in every clone: each event that is there is
// counted once, by whatever version of the filter, and none that was acknowledged is missing.
func TestCrashAtEveryPoint(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	mem := vfs.NewMem()
	var points []point
	acked, taking := 0, false
	w := newWorld(t, func(w *world) {
		w.fs = vfs.NewFault(mem, &vfs.Plan{After: func(call vfs.Call, err error) {
			if err != nil || !taking || !call.Op.Syncs() && call.Op != vfs.OpRename {
				return
			}
			p := point{what: fmt.Sprintf("%s %s", call.Op, call.Name), fs: mem.CrashClone(rng), dir: t.TempDir(), acked: acked, now: w.now}
			w.must(w.db.Copy(ctx, filepath.Join(p.dir, "catalog.db")))
			points = append(points, p)
		}})
	})
	w.group("g")
	zero := 0.0
	filter := func(pattern string) metricfilters.Spec {
		s := spec("n", pattern, "1")
		s.Transformation.Default = &zero
		return s
	}
	w.put("g", filter("event"))
	w.put("g", spec("size", "[..., size]", "$size"))
	taking = true
	rounds := 25
	if testing.Short() {
		rounds = 6
	}
	for i := range rounds {
		n := 1 + rng.IntN(5)
		var messages []string
		for k := range n {
			messages = append(messages, fmt.Sprintf("event %d 2", k))
		}
		w.say("g", messages...)
		acked += n
		switch i % 5 {
		case 1, 4:
			w.consume()
		case 2:
			w.put("g", filter([]string{"event", "[word = event, ...]"}[i/5%2]))
		case 3:
			w.now = w.now.Add(time.Minute)
			w.must(w.series.Flush(ctx))
		}
		if i%9 == 8 {
			taking = false // closing flushes in the background
			w.close()
			w.open()
			taking = true
		}
	}
	taking = false
	w.consume()
	for _, p := range points {
		t.Run(p.what, func(t *testing.T) { p.check(t) })
	}
	t.Logf("%d points", len(points))
	if len(points) < 2*rounds {
		t.Errorf("only %d points: the test shows little", len(points))
	}
}

func (p *point) check(t *testing.T) {
	w := newWorld(t, func(w *world) { w.fs, w.dir, w.now = p.fs, p.dir, p.now })
	events := 0
	_, err := w.store.Commits(ctx, store.CommitQuery{}, func(c *store.Commit) bool {
		events += c.Len()
		return true
	})
	w.must(err)
	if events < p.acked {
		t.Fatalf("%d events are left of %d that were acknowledged", events, p.acked)
	}
	w.consume()
	w.now = w.now.Add(2 * time.Minute) // default values add nothing to the sum, and one to the count of a minute without matches
	w.consume()
	sum := func(namespace, name string, dims ...series.Dimension) (sum float64) {
		buckets, err := w.series.ReadSums(ctx, series.Metric{Scope: scope, Namespace: namespace, Name: name, Dimensions: dims}, "", time.Minute, 0, w.now.UnixMilli()+1)
		w.must(err)
		for _, b := range buckets {
			sum += b.Sum
		}
		return sum
	}
	if n := sum("App", "n"); n != float64(events) {
		t.Errorf("the filter counted %v of %d events", n, events)
	}
	if n := sum("App", "size"); n != 2*float64(events) {
		t.Errorf("the values add up to %v, want %d", n, 2*events)
	}
	if n := sum("AWS/Logs", "IncomingLogEvents"); n != float64(events) {
		t.Errorf("the service counted %v of %d events", n, events)
	}
	stats := w.Stats()
	if stats.Behind != 0 || stats.Dropped != 0 {
		t.Errorf("stats %+v", stats)
	}
}

// Clock jumps: values stay in the minute of their timestamp, default values come once.
func TestClockJumps(t *testing.T) {
	w := newWorld(t)
	w.group("g")
	zero := 0.0
	s := spec("n", "a", "1")
	s.Transformation.Default = &zero
	w.put("g", s)
	begin := w.now
	w.say("g", "a")
	w.now = begin.Add(10 * time.Minute)
	w.say("g", "b")
	w.consume()
	w.now = begin.Add(-3 * time.Hour) // back beyond what was written
	w.say("g", "b")
	w.consume()
	w.consume()
	w.now = begin.Add(time.Minute)
	w.consume()
	w.close()
	w.open()
	w.consume()
	w.now = begin.Add(20 * time.Minute)
	w.consume()
	w.now = begin.Add(30 * time.Minute)
	w.consume()
	w.want("n", w.data("App", "n"), "210: 1 0 [0, 0]; 30: 1 1 [1, 1]; 20: 1 0 [0, 0]")
	w.want("events", w.data("AWS/Logs", "IncomingLogEvents"), "210: 1 1 [1, 1]; 30: 1 1 [1, 1]; 20: 1 1 [1, 1]")
}

// A position beyond the end of the log, as after the loss of its end, does not swallow what comes
// next.
func TestLogThatLostItsEnd(t *testing.T) {
	mem := vfs.NewMem()
	w := newWorld(t, func(w *world) { w.fs = mem })
	w.group("g")
	w.put("g", spec("n", "", "1"))
	w.say("g", "a")
	w.say("g", "a")
	w.say("g", "a")
	w.consume()
	w.put("g", spec("later", "", "1"))
	w.close()
	w.must(mem.RemoveAll("data"))
	w.open()
	w.say("g", "a")
	w.consume()
	w.want("n", w.data("App", "n"), "0: 4 4 [1, 1]")
	w.want("later", w.data("App", "later"), "0: 1 1 [1, 1]")
}
