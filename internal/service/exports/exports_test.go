package exports_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/exports"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/objects"
)

var scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}

const (
	bucket = "my-bucket"
	base   = int64(1_700_000_000_000)
)

// world is everything below the service, real but in memory or a temporary
// directory, and what was put into it.
type world struct {
	t       testing.TB
	db      *catalog.DB
	store   *store.Store
	objects *objects.Service
	raw     objstore.Store
	groups  *groups.Service
	clock   *atomic.Int64       // ms; also read by background work
	lines   map[string][]string // stream to the lines an export of everything must hold
}

func (w *world) now() time.Time { return time.UnixMilli(w.clock.Load()) }

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, vfs.NewMem(), "")
}

func newWorldOn(t testing.TB, fs vfs.FS, dir string) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, clock: new(atomic.Int64), lines: map[string][]string{}}
	w.clock.Store(base)
	now := w.now
	var err error
	if w.db, err = catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.db.Close() })
	if w.store, err = store.Open(ctx, store.Options{FS: fs, Dir: filepath.Join(dir, "data"), Manifest: w.db, Memory: 16 << 20, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	if w.raw, err = objstore.OpenLocal(ctx, objstore.LocalOptions{FS: fs, Dir: filepath.Join(dir, "objects")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.raw.Close() })
	w.objects = objects.New(w.raw)
	if w.groups, err = groups.New(groups.Options{Catalog: w.db, Store: w.store, Now: now}); err != nil {
		t.Fatal(err)
	}
	if err := w.objects.CreateBucket(ctx, scope, bucket, ""); err != nil {
		t.Fatal(err)
	}
	w.group("app")
	return w
}

func (w *world) group(name string) logs.GroupID {
	w.t.Helper()
	if err := w.groups.Create(context.Background(), scope, groups.CreateRequest{Name: name}); err != nil {
		w.t.Fatal(err)
	}
	g, err := w.groups.Resolve(context.Background(), scope, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return g.ID
}

// put appends messages to a stream, made when missing, at base+offset, one ms
// apart, and expects them in an export.
func (w *world) put(stream string, offset int64, messages ...string) {
	w.t.Helper()
	w.lines[stream] = append(w.lines[stream], w.putHidden(stream, offset, messages...)...)
}

// putHidden appends without expecting the events.
func (w *world) putHidden(stream string, offset int64, messages ...string) (lines []string) {
	w.t.Helper()
	ctx := context.Background()
	g, err := w.groups.Resolve(ctx, scope, "app")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.groups.CreateStream(ctx, scope, "app", stream); err != nil && !errors.Is(err, groups.ErrStreamExists) {
		w.t.Fatal(err)
	}
	st, err := w.groups.ResolveStream(ctx, g, stream)
	if err != nil {
		w.t.Fatal(err)
	}
	b := store.Batch{Group: g.ID, Stream: st.ID, Ingestion: w.clock.Load()}
	for i, m := range messages {
		ts := base + offset + int64(i)
		b.Timestamps = append(b.Timestamps, ts)
		b.Arena = append(b.Arena, m...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		lines = append(lines, time.UnixMilli(ts).UTC().Format("2006-01-02T15:04:05.000Z")+" "+m)
	}
	if _, err := w.store.Append(ctx, b); err != nil {
		w.t.Fatal(err)
	}
	return lines
}

// service returns a service over the world.
func (w *world) service(change ...func(*exports.Options)) *exports.Service {
	w.t.Helper()
	o := exports.Options{Catalog: w.db, Directory: w.groups, Store: w.store, Objects: w.objects, Now: w.now}
	o.Tune(64<<20, 16<<20, 1000)
	for _, c := range change {
		c(&o)
	}
	s, err := exports.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) request() exports.CreateRequest {
	return exports.CreateRequest{Group: "app", From: base, To: base + 1_000_000_000, Bucket: bucket, Prefix: "exp", Name: "task"}
}

func (w *world) create(s *exports.Service, r exports.CreateRequest) string {
	w.t.Helper()
	id, err := s.Create(context.Background(), scope, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) task(s *exports.Service, id string) exports.Task {
	w.t.Helper()
	p, err := s.Describe(context.Background(), scope, exports.DescribeRequest{ID: &id})
	if err != nil || len(p.Tasks) != 1 {
		w.t.Fatalf("describe %s: %+v, %v", id, p, err)
	}
	return p.Tasks[0]
}

// finish runs the service until the task has ended.
func (w *world) finish(s *exports.Service, id string) exports.Task {
	w.t.Helper()
	stop := start(s)
	defer stop()
	deadline := time.Now().Add(60 * time.Second)
	for {
		t := w.task(s, id)
		if t.FinishedMS != 0 {
			return t
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("task does not end: %+v", t)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// start runs the service; the result stops it and waits.
func start(s *exports.Service) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

// keys lists the bucket.
func (w *world) keys(prefix string) (keys []string) {
	w.t.Helper()
	after := ""
	for {
		p, err := w.raw.List(context.Background(), bucket, objstore.ListOptions{Prefix: prefix, After: after})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, o := range p.Objects {
			keys = append(keys, o.Key)
		}
		if after = p.Next; after == "" {
			return keys
		}
	}
}

func (w *world) read(key string) string {
	w.t.Helper()
	r, err := w.raw.Get(context.Background(), bucket, key, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	var in io.Reader = r
	if strings.HasSuffix(key, ".gz") {
		z, err := gzip.NewReader(r)
		if err != nil {
			w.t.Fatalf("%s: %v", key, err)
		}
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	return string(b)
}

// exported returns the lines of each folder, objects in order of number.
func (w *world) exported(prefix string) map[string][]string {
	w.t.Helper()
	out := map[string][]string{}
	next := map[string]int{}
	for _, k := range w.keys(prefix) {
		rest := strings.TrimPrefix(k, prefix)
		folder, name, ok := strings.Cut(rest, "/")
		if !ok || name != fmt.Sprintf("%06d.gz", next[folder]) {
			w.t.Fatalf("key %s, want number %d of folder %s", k, next[folder], folder)
		}
		next[folder]++
		body := w.read(k)
		if !strings.HasSuffix(body, "\n") {
			w.t.Fatalf("%s does not end with a line", k)
		}
		out[folder] = append(out[folder], strings.Split(strings.TrimSuffix(body, "\n"), "\n")...)
	}
	return out
}

// wanted returns the lines by folder: the streams of a folder in order of name.
func (w *world) wanted() map[string][]string {
	out := map[string][]string{}
	names := []string{}
	for s := range w.lines {
		names = append(names, s)
	}
	slices.Sort(names)
	for _, s := range names {
		f := strings.ReplaceAll(s, "/", "-")
		out[f] = append(out[f], w.lines[s]...)
	}
	return out
}

func (w *world) check(prefix string) {
	w.t.Helper()
	if d := cmp.Diff(w.wanted(), w.exported(prefix)); d != "" {
		w.t.Fatalf("exported lines differ (-want +got):\n%s", d[:min(len(d), 4000)])
	}
}

func (w *world) completed(t exports.Task) {
	w.t.Helper()
	if t.State != exports.Completed || t.Message != "Completed successfully" || t.FinishedMS == 0 {
		w.t.Fatalf("task %+v", t)
	}
}

func TestLayout(t *testing.T) {
	w := newWorld(t)
	w.put("web/1", 0, "first", "", "a\tb", "\xff\x00")
	w.put("db", 5, "only")
	if err := w.groups.CreateStream(context.Background(), scope, "app", "empty"); err != nil {
		t.Fatal(err)
	}
	s := w.service()
	layout := func(prefix, wantBase string) {
		t.Helper()
		r := w.request()
		r.Prefix = prefix
		id := w.create(s, r)
		task := w.finish(s, id)
		w.completed(task)
		root := wantBase + id + "/"
		want := []string{root + "db/000000.gz", root + "web-1/000000.gz"}
		if d := cmp.Diff(want, w.keys(root)); d != "" {
			t.Errorf("keys (-want +got):\n%s", d)
		}
		if got := w.read(wantBase + "aws-logs-write-test"); got != "Permission Check Successful" {
			t.Errorf("write test %q", got)
		}
		if got, want := w.read(root+"web-1/000000.gz"), "2023-11-14T22:13:20.000Z first\n2023-11-14T22:13:20.001Z \n2023-11-14T22:13:20.002Z a\tb\n2023-11-14T22:13:20.003Z \xff\x00\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		w.check(root)
		if prefix == "" {
			prefix = "exportedlogs"
		}
		want2 := exports.Task{ID: id, Name: "task", Group: "app", From: base, To: base + 1_000_000_000, Bucket: bucket, Prefix: prefix,
			State: exports.Completed, Message: "Completed successfully", CreatedMS: base, FinishedMS: base}
		if d := cmp.Diff(want2, task); d != "" {
			t.Errorf("task (-want +got):\n%s", d)
		}
	}
	layout("exp", "exp/")
	layout("logs/my-log-file/", "logs/my-log-file/")
	layout("two//", "two/")
	layout("", "exportedlogs/")
	layout("/", "")
}

func TestRangeAndPrefix(t *testing.T) {
	w := newWorld(t)
	w.put("a1", 1000, "at from")
	w.put("a1", 2000, "at to")
	w.putHidden("a1", 999, "before")
	w.putHidden("a1", 2001, "behind")
	w.putHidden("b", 1500, "other stream")
	w.pass(time.Second)
	s := w.service()
	r := w.request()
	r.From, r.To, r.StreamPrefix = base+1000, base+2000, "a"
	id := w.create(s, r)
	w.pass(time.Second)
	w.putHidden("a1", 1600, "ingested after the task was made")
	w.putHidden("a2", 1600, "stream made later")
	w.completed(w.finish(s, id))
	w.check("exp/" + id + "/")
}

func TestRetentionHidesOldEvents(t *testing.T) {
	w := newWorld(t)
	w.putHidden("a", 0, "expired")
	w.pass(25 * time.Hour)
	w.put("a", 24*3600_000, "kept")
	if err := w.groups.PutRetention(context.Background(), scope, "app", 1); err != nil {
		t.Fatal(err)
	}
	s := w.service()
	id := w.create(s, w.request())
	w.completed(w.finish(s, id))
	w.check("exp/" + id + "/")
}

// fill puts streams of all sizes, some of which share folders.
func (w *world) fill(seed uint64) {
	w.t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	names := []string{"a/b", "a-b", "a-b/c", "a/b-c", "a/b/c", "zz/", "zz-", "x"}
	for i := range 40 {
		names = append(names, fmt.Sprintf("s%02d", i))
	}
	for round := range 3 {
		for _, n := range names {
			count := rng.IntN(6)
			if n == "x" || n == "a/b" || n == "s07" {
				count = 300
			}
			var ms []string
			for i := range count {
				ms = append(ms, fmt.Sprintf("%s round %d message %d %x", n, round, i, rng.Uint64()))
			}
			if len(ms) > 0 {
				w.put(n, int64(round)*10_000, ms...)
			}
		}
		if round == 1 {
			if err := w.store.Flush(context.Background()); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func small(o *exports.Options) { o.Tune(4000, 3000, 10) }

func TestEveryEventOnce(t *testing.T) {
	for seed := range uint64(3) {
		w := newWorld(t)
		w.fill(seed)
		s := w.service(small)
		id := w.create(s, w.request())
		w.completed(w.finish(s, id))
		w.check("exp/" + id + "/")
	}
}

// faulty wraps an object store: it stops or fails at the n-th object.
type faulty struct {
	exports.Objects
	mu    sync.Mutex
	left  int
	after bool // the object is written before the fault
	fault func() error
}

func (f *faulty) PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error {
	f.mu.Lock()
	f.left--
	hit := f.left == 0
	f.mu.Unlock()
	if hit && !f.after {
		io.CopyN(io.Discard, r, 10)
		return f.fault()
	}
	err := f.Objects.PutObject(ctx, scope, bucket, key, r, size, contentType)
	if hit && err == nil {
		return f.fault()
	}
	return err
}

func TestRestartsAnywhere(t *testing.T) {
	w := newWorld(t)
	w.fill(9)
	rng := rand.New(rand.NewPCG(3, 3))
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for range rounds {
		w.restarting(rng, 12, small)
	}
}

// restarting exports everything, with a restart after up to every objects, and
// checks the outcome.
func (w *world) restarting(rng *rand.Rand, every int, tune func(*exports.Options)) {
	w.t.Helper()
	id := w.create(w.service(tune), w.request())
	restarts := 0
	for {
		ctx, cancel := context.WithCancel(context.Background())
		f := &faulty{Objects: w.objects, left: 1 + rng.IntN(every), after: rng.IntN(2) == 0}
		f.fault = func() error { cancel(); return context.Canceled }
		s := w.service(tune, func(o *exports.Options) { o.Objects = f })
		done := make(chan struct{})
		go func() { s.Run(ctx); close(done) }()
		ended := false
		for !ended {
			select {
			case <-done:
				ended = true
			case <-time.After(time.Millisecond):
				if w.task(s, id).FinishedMS != 0 {
					cancel()
					<-done
					ended = true
				}
			}
		}
		cancel()
		task := w.task(s, id)
		if task.FinishedMS != 0 {
			w.completed(task)
			break
		}
		if task.State != exports.Running {
			w.t.Fatalf("after a restart: %+v", task)
		}
		if restarts++; restarts > 1000 {
			w.t.Fatal("no progress")
		}
	}
	w.check("exp/" + id + "/")
	if restarts == 0 {
		w.t.Error("no restart")
	}
}

func TestRetriesWhatMayPass(t *testing.T) {
	w := newWorld(t)
	w.fill(4)
	for _, after := range []bool{false, true} {
		for n := 2; n < 20; n += 5 {
			f := &faulty{Objects: w.objects, left: n, after: after, fault: func() error { return objstore.ErrNoSpace }}
			s := w.service(small, func(o *exports.Options) { o.Objects = f })
			id := w.create(s, w.request())
			w.completed(w.finish(s, id))
			w.check("exp/" + id + "/")
		}
	}
}

func TestFails(t *testing.T) {
	fails := func(name, want string, prepare func(w *world, o *exports.Options), between func(w *world)) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(4)
			s := w.service(small, func(o *exports.Options) {
				if prepare != nil {
					prepare(w, o)
				}
			})
			id := w.create(s, w.request())
			if between != nil {
				between(w)
			}
			task := w.finish(s, id)
			if task.State != exports.Failed || task.Message != want {
				t.Errorf("got %s, %q; want %q", task.State, task.Message, want)
			}
		})
	}
	fails("group deleted", "The log group was deleted before the export was complete.", nil, func(w *world) {
		if err := w.groups.Delete(context.Background(), scope, "app"); err != nil {
			t.Fatal(err)
		}
	})
	fails("bucket deleted", "The bucket was deleted before the export was complete.", nil, func(w *world) {
		for _, k := range w.keys("") {
			if err := w.raw.Delete(context.Background(), bucket, k, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.objects.DeleteBucket(context.Background(), scope, bucket); err != nil {
			t.Fatal(err)
		}
	})
	always := func(err error) func(w *world, o *exports.Options) {
		return func(w *world, o *exports.Options) { o.Objects = &failing{Objects: w.objects, err: err} }
	}
	fails("no space", "There is no space left for objects.", always(objstore.ErrNoSpace), nil)
	fails("denied", "The bucket denies access.", always(objects.ErrAccessDenied), nil)
	fails("damage", "Some of the log data is damaged and cannot be read; the export is not complete.", func(w *world, o *exports.Options) {
		o.Store = damagedStore{o.Store}
	}, nil)
}

// failing writes the test object only.
type failing struct {
	exports.Objects
	err error
}

func (f *failing) PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error {
	if strings.HasSuffix(key, "aws-logs-write-test") {
		return f.Objects.PutObject(ctx, scope, bucket, key, r, size, contentType)
	}
	return f.err
}

type damagedStore struct{ exports.Events }

func (d damagedStore) Scan(ctx context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	st, err := d.Events.Scan(ctx, q, yield)
	st.DamagedBlocks++
	return st, err
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	ctx := context.Background()
	s := w.service(small)
	waiting := w.create(s, w.request())
	if err := s.Cancel(ctx, scope, waiting); err != nil {
		t.Fatal(err)
	}
	cancelled := func(id string) {
		t.Helper()
		if task := w.task(s, id); task.State != exports.Cancelled || task.Message != "Cancelled by user" || task.FinishedMS == 0 {
			t.Errorf("%+v", task)
		}
	}
	cancelled(waiting)
	if err := s.Cancel(ctx, scope, waiting); !errors.Is(err, exports.ErrFinished) {
		t.Errorf("again: %v", err)
	}
	if err := s.Cancel(ctx, scope, "nope"); !errors.Is(err, exports.ErrTaskNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if err := s.Cancel(ctx, logs.Scope{Account: "1", Region: "r"}, waiting); !errors.Is(err, exports.ErrTaskNotFound) {
		t.Errorf("other account: %v", err)
	}

	// While it runs: the object under way is not written.
	hold := make(chan struct{})
	entered := make(chan struct{}, 100)
	s = w.service(small, func(o *exports.Options) { o.Objects = &held{Objects: w.objects, entered: entered, hold: hold} })
	id := w.create(s, w.request())
	next := w.create(s, w.request())
	stop := start(s)
	defer stop()
	<-entered
	if task := w.task(s, id); task.State != exports.Running || !strings.HasPrefix(task.Message, "Started Successfully") {
		t.Errorf("%+v", task)
	}
	if err := s.Cancel(ctx, scope, id); err != nil {
		t.Fatal(err)
	}
	if err := s.Cancel(ctx, scope, id); !errors.Is(err, exports.ErrFinished) {
		t.Errorf("twice: %v", err)
	}
	close(hold)
	for w.task(s, next).FinishedMS == 0 {
		time.Sleep(time.Millisecond)
	}
	cancelled(id)
	w.completed(w.task(s, next))
	w.check("exp/" + next + "/")
}

// held stops at each object until it may go on.
type held struct {
	exports.Objects
	entered chan struct{}
	hold    chan struct{}
}

func (h *held) PutObject(ctx context.Context, scope logs.Scope, bucket, key string, r io.Reader, size int64, contentType string) error {
	if !strings.HasSuffix(key, "aws-logs-write-test") {
		select {
		case h.entered <- struct{}{}:
		default:
		}
		<-h.hold
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return h.Objects.PutObject(ctx, scope, bucket, key, r, size, contentType)
}

func TestCancelSurvivesARestart(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	id := w.create(s, w.request())
	// As a crash between the two leaves it.
	if err := w.db.UpdateTask(context.Background(), id, []string{exports.Pending}, exports.PendingCancel, nil); err != nil {
		t.Fatal(err)
	}
	if task := w.finish(s, id); task.State != exports.Cancelled {
		t.Errorf("%+v", task)
	}
}

func TestCreateRefuses(t *testing.T) {
	w := newWorld(t)
	w.pass(time.Hour)
	w.group("young")
	s := w.service()
	refuse := func(name string, want error, change func(r *exports.CreateRequest)) {
		t.Helper()
		r := w.request()
		change(&r)
		if _, err := s.Create(context.Background(), scope, r); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	refuse("group", groups.ErrGroupNotFound, func(r *exports.CreateRequest) { r.Group = "nope" })
	refuse("from = to", exports.ErrTimeRange, func(r *exports.CreateRequest) { r.To = r.From })
	refuse("from > to", exports.ErrTimeRange, func(r *exports.CreateRequest) { r.To = r.From - 1 })
	refuse("to before the group", exports.ErrBeforeGroup, func(r *exports.CreateRequest) {
		r.Group, r.To = "young", base+3600_000-1
	})
	refuse("to at the creation", nil, func(r *exports.CreateRequest) { r.Group, r.To = "young", base+3600_000 })
	refuse("bucket", exports.ErrNoBucket, func(r *exports.CreateRequest) { r.Bucket = "no-such-bucket" })
	refuse("bucket name", exports.ErrNoBucket, func(r *exports.CreateRequest) { r.Bucket = "X" })
	refuse("prefix", exports.ErrPrefix, func(r *exports.CreateRequest) { r.Prefix = strings.Repeat("p", 1000) })
	other := logs.Scope{Account: "111111111111", Region: "us-east-1"}
	if err := w.objects.CreateBucket(context.Background(), other, "others-bucket", ""); err != nil {
		t.Fatal(err)
	}
	refuse("bucket of another account", exports.ErrBucketAccess, func(r *exports.CreateRequest) { r.Bucket = "others-bucket" })
	s = w.service(func(o *exports.Options) {
		o.Objects = &failing{Objects: w.objects, err: nil}
		o.Objects = denyAll{w.objects}
	})
	refuse("put denied", exports.ErrBucketPermission, func(r *exports.CreateRequest) {})
}

type denyAll struct{ exports.Objects }

func (denyAll) PutObject(context.Context, logs.Scope, string, string, io.Reader, int64, string) error {
	return objstore.ErrDenied
}

func TestStrictAllowsOne(t *testing.T) {
	w := newWorld(t)
	s := w.service(func(o *exports.Options) { o.Strict = true })
	id := w.create(s, w.request())
	if _, err := s.Create(context.Background(), scope, w.request()); !errors.Is(err, exports.ErrTooMany) {
		t.Errorf("second: %v", err)
	}
	w.completed(w.finish(s, id))
	w.create(s, w.request())
}

func TestTasksUnderWayAreBounded(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	var first string
	for i := range 1000 {
		id := w.create(s, w.request())
		if i == 0 {
			first = id
		}
	}
	if _, err := s.Create(context.Background(), scope, w.request()); !errors.Is(err, exports.ErrTooMany) {
		t.Errorf("number 1001: %v", err)
	}
	if err := s.Cancel(context.Background(), scope, first); err != nil {
		t.Fatal(err)
	}
	w.create(s, w.request())
}

func TestLongKeys(t *testing.T) {
	w := newWorld(t)
	w.put("x", 0, "m")
	s := w.service()
	r := w.request()
	r.Prefix = strings.Repeat("p", 1024-len("/00000000-0000-0000-0000-000000000000/x/000000.gz"))
	id := w.create(s, r)
	w.completed(w.finish(s, id))
	w.check(r.Prefix + "/" + id + "/")

	w.put("xy", 0, "m")
	task := w.finish(s, w.create(s, r))
	if task.State != exports.Failed || task.Message != "The prefix and a log stream name give a key of more than 1,024 bytes." {
		t.Errorf("%+v", task)
	}
	r.Prefix += "p"
	if _, err := s.Create(context.Background(), scope, r); !errors.Is(err, exports.ErrPrefix) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestDescribePages(t *testing.T) {
	w := newWorld(t)
	s := w.service()
	ctx := context.Background()
	var ids []string
	for range 55 {
		ids = append(ids, w.create(s, w.request()))
	}
	slices.Reverse(ids)
	if err := s.Cancel(ctx, scope, ids[3]); err != nil {
		t.Fatal(err)
	}
	list := func(r exports.DescribeRequest) (got []string) {
		t.Helper()
		for {
			p, err := s.Describe(ctx, scope, r)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range p.Tasks {
				got = append(got, task.ID)
			}
			if p.Next == "" {
				return got
			}
			r.Token = &p.Next
		}
	}
	for _, limit := range []int{0, 1, 7, 50} {
		if d := cmp.Diff(ids, list(exports.DescribeRequest{Limit: limit})); d != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, d)
		}
	}
	if got := list(exports.DescribeRequest{State: exports.Cancelled}); !slices.Equal(got, ids[3:4]) {
		t.Errorf("by state: %v", got)
	}
	unknown := "unknown"
	if got := list(exports.DescribeRequest{ID: &unknown}); got != nil {
		t.Errorf("unknown id: %v", got)
	}
	if p, err := s.Describe(ctx, logs.Scope{Account: "1", Region: "us-east-1"}, exports.DescribeRequest{ID: &ids[0]}); err != nil || len(p.Tasks) != 0 {
		t.Errorf("other account: %+v, %v", p, err)
	}
	p, err := s.Describe(ctx, scope, exports.DescribeRequest{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []exports.DescribeRequest{{Token: &unknown}, {Token: &p.Next, State: exports.Pending}} {
		if _, err := s.Describe(ctx, scope, r); !errors.Is(err, exports.ErrBadToken) {
			t.Errorf("token %s: %v", *r.Token, err)
		}
	}
}

func TestLineTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	times := []int64{0, 999, 1000, 86_399_999, 86_400_000, 951_782_400_000, 4_102_444_799_999, 253402300799999, 253402300800000, -1}
	for range 1000 {
		times = append(times, rng.Int64N(4_102_444_800_000))
	}
	for _, ms := range times {
		want := time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") + " m\n"
		if got := exports.AppendLine(nil, ms, []byte("m")); !bytes.Equal(got, []byte(want)) {
			t.Errorf("%d: got %q, want %q", ms, got, want)
		}
	}
}
