package schedules_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/objects"
	"github.com/cumulog/cumulog/internal/service/schedules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ctx   = context.Background()
	scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}
)

// query is a query that was started.
type query struct {
	scope   logs.Scope
	request insights.StartRequest
	at      time.Time
	done    chan struct{}
	page    insights.Page // its result; Rows in pages of two
}

// queries stand for the service of queries: they end when the test says so, with what it
// says.
type queries struct {
	mu      sync.Mutex
	all     []*query
	refuse  func(insights.StartRequest) error
	wait    time.Duration // how long each runs; < 0: until finished
	outcome insights.Page
}

func (q *queries) Check(_ context.Context, _ logs.Scope, r insights.StartRequest) error {
	if strings.Contains(r.Query, "bad") {
		return &insights.MalformedError{Start: 1, End: 4, Message: "unexpected symbol found bad at line 1 and position 1"}
	}
	return nil
}

func (q *queries) Start(_ context.Context, s logs.Scope, r insights.StartRequest) (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.refuse != nil {
		if err := q.refuse(r); err != nil {
			return "", err
		}
	}
	x := &query{scope: s, request: r, at: time.Now(), done: make(chan struct{}), page: q.outcome}
	if x.page.Status == "" {
		x.page.Status = insights.Complete
	}
	q.all = append(q.all, x)
	if q.wait == 0 {
		close(x.done)
	} else if q.wait > 0 {
		time.AfterFunc(q.wait, func() { close(x.done) })
	}
	return fmt.Sprintf("query-%d", len(q.all)), nil
}

func (q *queries) find(id string) *query {
	q.mu.Lock()
	defer q.mu.Unlock()
	var n int
	if _, err := fmt.Sscanf(id, "query-%d", &n); err != nil || n > len(q.all) {
		return nil
	}
	return q.all[n-1]
}

func (q *queries) Wait(ctx context.Context, _ logs.Scope, id string) error {
	x := q.find(id)
	if x == nil {
		return nil
	}
	select {
	case <-x.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *queries) Results(_ context.Context, _ logs.Scope, id string, token *string, _ int) (insights.Page, error) {
	x := q.find(id)
	if x == nil {
		return insights.Page{}, insights.ErrNotFound
	}
	p := x.page
	from := 0
	if token != nil {
		fmt.Sscan(*token, &from)
	}
	to := min(from+2, len(p.Rows))
	if to < len(p.Rows) {
		p.Next = fmt.Sprint(to)
	}
	p.Rows = p.Rows[from:to]
	return p, nil
}

// started lists "range at": minutes of [start, end] and of the call, from the year 2000 on.
func (q *queries) started() (out []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, x := range q.all {
		out = append(out, fmt.Sprintf("[%s, %s] at %s", clock(x.request.Start), clock(x.request.End), x.at.UTC().Format("02 15:04:05")))
	}
	return out
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("02 15:04") }

// buckets stand for the service of objects.
type buckets struct {
	mu      sync.Mutex
	objects map[string]string
	fail    func(bucket, key string) error
}

func (b *buckets) PutObject(_ context.Context, _ logs.Scope, bucket, key string, r io.Reader, _ int64, contentType string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(bucket, key); err != nil {
			return err
		}
	}
	if bucket != "results" {
		return objects.ErrNoSuchBucket
	}
	body, err := io.ReadAll(r)
	if err == nil && contentType == "application/json" {
		b.objects[key] = string(body)
	}
	return err
}

// world is what stays when a service starts again.
type world struct {
	t       *testing.T
	db      *catalog.DB
	path    string
	queries *queries
	buckets *buckets
	*schedules.Service
	stop func()
}

// newWorld is called within a bubble of synctest, which begins at midnight UTC of 2000-01-01, a
// Saturday.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "catalog.db"), queries: &queries{}, buckets: &buckets{objects: map[string]string{}}}
	w.open()
	return w
}

// open starts the service on what there is.
func (w *world) open(change ...func(*schedules.Options)) {
	w.t.Helper()
	var err error
	if w.db, err = catalog.Open(ctx, w.path, catalog.Options{}); err != nil {
		w.t.Fatal(err)
	}
	o := schedules.Options{Catalog: w.db, Queries: w.queries, Objects: w.buckets}
	for _, c := range change {
		c(&o)
	}
	if w.Service, err = schedules.New(o); err != nil {
		w.t.Fatal(err)
	}
	running, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() { w.Run(running) })
	w.stop = func() {
		cancel()
		work.Wait()
		if err := w.db.Close(); err != nil {
			w.t.Error(err)
		}
	}
}

func spec(expression string, change ...func(*schedules.Spec)) schedules.Spec {
	p := schedules.Spec{Language: "CWLI", Query: "fields @message", Groups: []string{"app"}, Expression: expression, Role: "arn:aws:iam::000000000000:role/r"}
	for _, c := range change {
		c(&p)
	}
	return p
}

func lookBack(s int64) func(*schedules.Spec) { return func(p *schedules.Spec) { p.LookBack = &s } }

func lookUntil(s int64) func(*schedules.Spec) { return func(p *schedules.Spec) { p.LookUntil = &s } }

func to(uri string) func(*schedules.Spec) {
	return func(p *schedules.Spec) {
		p.Destination = &schedules.Destination{URI: uri, RoleARN: "arn:aws:iam::000000000000:role/d"}
	}
}

func (w *world) create(name string, p schedules.Spec) schedules.Query {
	w.t.Helper()
	q, err := w.Create(ctx, scope, name, p, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func (w *world) get(name string) schedules.Query {
	w.t.Helper()
	q, err := w.Get(ctx, scope, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func (w *world) runs(name string) []schedules.RunInfo {
	w.t.Helper()
	p, err := w.History(ctx, scope, schedules.HistoryRequest{Identifier: name, End: 1 << 40, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Runs
}

// history lists "time status query", newest first.
func (w *world) history(name string) (out []string) {
	w.t.Helper()
	for _, r := range w.runs(name) {
		out = append(out, strings.TrimSpace(clock(r.AtMS)+" "+r.Status+" "+r.QueryID))
	}
	return out
}

// times is history without the queries.
func (w *world) times(name string) (out []string) {
	w.t.Helper()
	for _, r := range w.runs(name) {
		out = append(out, clock(r.AtMS)+" "+r.Status)
	}
	return out
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}
