package anomalies_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/anomalies"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "123456789012", Region: "eu-west-1"}
)

const groupARN = "arn:aws:logs:eu-west-1:123456789012:log-group:app"

// world is a store with one group, and detectors over a file system that crashes.
type world struct {
	*anomalies.Service
	t      testing.TB
	db     *catalog.DB
	groups *groups.Service
	store  *store.Store
	fs     *vfs.Mem
	fault  *vfs.Fault
	mu     sync.Mutex // guards writes of now, and reads by others than the test
	now    time.Time
	rng    *rand.Rand
	group  logs.GroupID
	stream logs.StreamID
	found  map[string]int // by priority
	fails  error          // what Count returns for HIGH; nil: nothing

	// Called before events are read: by Train, and for each batch by Analyze. nil: not.
	scan   func() error
	commit func()
}

// reader is the store of a world as detectors see it.
type reader struct {
	*store.Store
	w *world
}

func (r reader) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	if r.w.scan != nil {
		if err := r.w.scan(); err != nil {
			return store.Stats{}, err
		}
	}
	return r.Store.Scan(ctx, q, yield)
}

func (r reader) Commits(ctx context.Context, q store.CommitQuery, yield func(*store.Commit) bool) (uint64, error) {
	return r.Store.Commits(ctx, q, func(c *store.Commit) bool {
		if r.w.commit != nil {
			r.w.commit()
		}
		return yield(c)
	})
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, now: time.UnixMilli(1_790_035_200_000), fs: vfs.NewMem(), rng: rand.New(rand.NewPCG(1, 2)), found: map[string]int{}}
	clock := w.clock
	var err error
	w.db, err = catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{Now: clock})
	w.must(err)
	t.Cleanup(func() { w.db.Close() })
	w.store, err = store.Open(ctx, store.Options{FS: vfs.NewMem(), Dir: "data", Manifest: w.db, Now: clock, Memory: 16 << 20})
	w.must(err)
	t.Cleanup(func() { w.store.Close() })
	w.groups, err = groups.New(groups.Options{Catalog: w.db, Store: w.store, Now: clock})
	w.must(err)
	w.must(w.groups.Create(ctx, scope, groups.CreateRequest{Name: "app"}))
	w.must(w.groups.CreateStream(ctx, scope, "app", "s"))
	g, err := w.groups.Resolve(ctx, scope, "app")
	w.must(err)
	s, err := w.groups.ResolveStream(ctx, g, "s")
	w.must(err)
	w.group, w.stream = g.ID, s.ID
	w.open()
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) sleep(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) open() {
	w.t.Helper()
	w.fault = vfs.NewFault(w.fs, nil)
	var err error
	w.Service, err = anomalies.Open(anomalies.Options{
		Catalog: w.db, Directory: w.groups, Store: reader{w.store, w}, FS: w.fault, Dir: "anomalies", Now: w.clock,
		Count: func(_ context.Context, f anomalies.Found) error {
			if w.fails != nil && f.Priority == anomaly.High {
				return w.fails
			}
			w.found[f.Priority] += f.Count
			return nil
		},
	})
	w.must(err)
}

// crash begins anew with what is durable.
func (w *world) crash() {
	w.fs = w.fs.CrashClone(w.rng)
	w.open()
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// write stores messages of the time at.
func (w *world) write(at time.Time, messages ...string) {
	w.t.Helper()
	b := store.Batch{Group: w.group, Stream: w.stream, Ingestion: w.now.UnixMilli()}
	for _, m := range messages {
		b.Timestamps = append(b.Timestamps, at.UnixMilli())
		b.Arena = append(b.Arena, m...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
	}
	_, err := w.store.Append(ctx, b)
	w.must(err)
}

// usual are the messages of a minute of an ordinary program.
func (w *world) usual(at time.Time) (out []string) {
	for range 20 + w.rng.IntN(5) {
		out = append(out, fmt.Sprintf("%s INFO request %d served in %d ms", at.UTC().Format(time.RFC3339), w.rng.IntN(1e6), w.rng.IntN(300)))
	}
	for range 4 {
		out = append(out, fmt.Sprintf("%s INFO [%s] cache refreshed", at.UTC().Format(time.RFC3339), []string{"red", "green"}[w.rng.IntN(2)]))
	}
	return out
}

// history writes days of messages, hour by hour, as they were shipped at once.
func (w *world) history(days int) {
	w.t.Helper()
	from := w.now.Add(-time.Duration(days) * 24 * time.Hour)
	for at := from; at.Before(w.now); at = at.Add(5 * time.Minute) {
		w.write(at, w.usual(at)...)
	}
}

func (w *world) create() string {
	w.t.Helper()
	arn, err := w.Create(ctx, scope, anomalies.CreateRequest{Groups: []string{groupARN}, Name: "d", Frequency: "FIVE_MIN"})
	w.must(err)
	return arn
}

func (w *world) status(arn string) string {
	w.t.Helper()
	d, err := w.Get(ctx, scope, arn)
	w.must(err)
	return d.Status
}

func (w *world) list(r anomalies.AnomalyRequest) []anomalies.Anomaly {
	w.t.Helper()
	page, err := w.Anomalies(ctx, scope, r)
	w.must(err)
	return page.Anomalies
}

// live lets time go on for five minutes with usual messages and others.
func (w *world) live(others ...string) {
	w.t.Helper()
	for i := range 5 {
		if i == 0 {
			w.write(w.now, w.usual(w.now)...)
		}
		if i == 2 && len(others) > 0 {
			w.write(w.now, others...)
		}
		for range 2 {
			w.sleep(30 * time.Second)
			w.must(w.Analyze(ctx))
		}
	}
}

func lost(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("2026-09-22T00:00:00Z ERROR lost connection to 10.0.0.%d", i))
	}
	return out
}

func TestLife(t *testing.T) {
	w := newWorld(t)
	w.history(3)
	arn := w.create()
	states := []string{w.status(arn)}
	w.must(w.Analyze(ctx))
	states = append(states, w.status(arn))
	w.must(w.Train(ctx))
	states = append(states, w.status(arn))
	w.must(w.Analyze(ctx))
	for range 3 {
		w.live()
	}
	if got := w.list(anomalies.AnomalyRequest{}); len(got) != 0 {
		t.Errorf("false alarms: %+v", got)
	}
	w.live(lost(7)...)
	w.live(lost(2)...)
	w.live()
	w.live()
	got := w.list(anomalies.AnomalyRequest{Detector: arn})
	if len(got) != 1 {
		t.Fatalf("%d anomalies: %+v", len(got), got)
	}
	a := got[0]
	var counts []int64
	for _, b := range a.Bars {
		counts = append(counts, b.Count)
	}
	if a.PatternText() != "<*> ERROR lost connection to <*>" || a.Priority != "HIGH" || a.State != "Active" || a.Active || a.Description != "New pattern" || !cmp.Equal(counts, []int64{7, 2}) || len(a.Samples) != 2 {
		t.Errorf("the anomaly is %+v", a)
	}
	if w.found["HIGH"] != 1 {
		t.Errorf("counted %v", w.found)
	}

	// A suppressed one is not updated, and comes back.
	update := func(r anomalies.UpdateAnomalyRequest) {
		t.Helper()
		r.Detector = arn
		w.must(w.UpdateAnomaly(ctx, scope, r))
	}
	update(anomalies.UpdateAnomalyRequest{AnomalyID: a.ID, Type: anomalies.Limited, Value: 20, Unit: "MINUTES"})
	w.crash()
	states = append(states, w.list(anomalies.AnomalyRequest{State: anomalies.SelectSuppressed})[0].State)
	w.live(lost(3)...)
	if n := len(w.list(anomalies.AnomalyRequest{State: anomalies.SelectUnsuppressed})); n != 0 {
		t.Errorf("%d are not suppressed", n)
	}
	for range 4 {
		w.live()
	}
	w.live(lost(4)...)
	w.live()
	a = w.list(anomalies.AnomalyRequest{State: anomalies.SelectUnsuppressed})[0]
	if n := len(a.Bars); n != 3 || a.Bars[2].Count != 4 {
		t.Errorf("after the suppression: %+v", a.Bars)
	}
	update(anomalies.UpdateAnomalyRequest{PatternID: a.PatternID, Type: anomalies.Infinite})
	got = w.list(anomalies.AnomalyRequest{})
	states = append(states, fmt.Sprint(got[0].State, " ", got[0].PatternLevel, got[0].Suppression.Until))
	update(anomalies.UpdateAnomalyRequest{PatternID: a.PatternID})
	states = append(states, w.list(anomalies.AnomalyRequest{})[0].State)
	yes := true
	update(anomalies.UpdateAnomalyRequest{AnomalyID: a.ID, Baseline: &yes})
	states = append(states, w.list(anomalies.AnomalyRequest{})[0].State)
	err := w.UpdateAnomaly(ctx, scope, anomalies.UpdateAnomalyRequest{Detector: arn, AnomalyID: "none"})
	if !errors.Is(err, anomalies.ErrAnomalyNotFound) {
		t.Errorf("update of none: %v", err)
	}

	// Disabled it sees nothing.
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn}))
	states = append(states, w.status(arn))
	w.live("2026-09-22T00:00:00Z ERROR disk is on fire")
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn, Enabled: true}))
	w.live()
	w.live()
	if n := len(w.list(anomalies.AnomalyRequest{})); n != 1 {
		t.Errorf("%d anomalies after the pause", n)
	}
	// Another frequency: it learns anew and keeps what it found.
	hourly := "ONE_HOUR"
	w.must(w.Update(ctx, scope, anomalies.UpdateRequest{ARN: arn, Enabled: true, Frequency: &hourly}))
	w.must(w.Train(ctx))
	if n := len(w.list(anomalies.AnomalyRequest{})); n != 1 {
		t.Errorf("%d anomalies after the training", n)
	}
	w.sleep(22 * 24 * time.Hour)
	if n := len(w.list(anomalies.AnomalyRequest{})); n != 0 {
		t.Errorf("%d anomalies after the visibility time", n)
	}
	w.must(w.Delete(ctx, scope, arn))
	w.must(w.Analyze(ctx))
	if names, err := w.fs.List("anomalies"); err != nil || len(names) != 0 {
		t.Errorf("left are %v, %v", names, err)
	}
	want := []string{"INITIALIZING", "INITIALIZING", "ANALYZING", "Suppressed", "Suppressed true 0", "Active", "Baseline", "PAUSED"}
	if d := cmp.Diff(want, states); d != "" {
		t.Errorf("states: %s", d)
	}
}

// TestCrash lets crashes happen at any time and counts what was seen of a pattern.
func TestCrash(t *testing.T) {
	for seed := range uint64(4) {
		w := newWorld(t)
		w.rng = rand.New(rand.NewPCG(seed, 3))
		w.history(1)
		arn := w.create()
		w.must(w.Train(ctx))
		w.must(w.Analyze(ctx))
		sent := int64(0)
		for range 150 {
			w.write(w.now, w.usual(w.now)[:5]...)
			n := w.rng.IntN(4)
			if n > 0 {
				w.write(w.now, lost(n)...)
			}
			sent += int64(n)
			w.sleep(time.Duration(w.rng.IntN(40)) * time.Second)
			if w.rng.IntN(3) > 0 {
				w.must(w.Analyze(ctx))
			}
			if w.rng.IntN(12) == 0 {
				w.must(w.store.Flush(ctx))
			}
			switch w.rng.IntN(10) {
			case 0:
				w.crash()
			case 1: // the disk fails for a while
				w.fault.SetPlan(&vfs.Plan{Inject: vfs.FailOn(vfs.OpSync, func(vfs.Call) bool { return true }, errors.New("disk"))})
				_ = w.Analyze(ctx) // fails, or had nothing to write
				w.fault.SetPlan(nil)
			}
		}
		w.sleep(6 * time.Minute)
		w.must(w.Analyze(ctx))
		w.sleep(6 * time.Minute)
		w.must(w.Analyze(ctx))
		seen := int64(0)
		n := 0
		for _, a := range w.list(anomalies.AnomalyRequest{Detector: arn}) {
			if a.Kind != anomaly.NewPattern {
				continue // there are more usual messages than before
			}
			n++
			for _, b := range a.Bars {
				seen += b.Count
			}
		}
		if seen != sent || n != 1 {
			t.Errorf("seed %d: %d anomalies with %d of %d messages", seed, n, seen, sent)
		}
	}
}
