package logsapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	awstransport "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/smithy-go"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/anomalies"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/livetail"
	"github.com/cumulog/cumulog/internal/service/lookups"
	"github.com/cumulog/cumulog/internal/service/metricfilters"
	"github.com/cumulog/cumulog/internal/service/objects"
	"github.com/cumulog/cumulog/internal/service/schedules"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// stack is the whole server below the router, with a clock that tests move.
type stack struct {
	*cwl.Client // of account and region
	url         string
	ms          atomic.Int64 // the time
	store       *store.Store
	series      *series.DB
	objects     *objects.Service
	schedules   *schedules.Service     // its Run is not running
	anomalies   *anomalies.Service     // its Run is not running
	filters     *metricfilters.Service // its Run is not running

	subscriptions *subscriptions.Service  // its Run is not running
	targets       *sink.Registry          // of the subscriptions; nil: none
	insights      func(*insights.Options) // changes them
}

func newStack(t *testing.T, change ...func(*groups.Options)) *stack {
	t.Helper()
	return (&stack{}).open(t, change...)
}

// open starts the stack.
func (s *stack) open(t *testing.T, change ...func(*groups.Options)) *stack {
	t.Helper()
	ctx := context.Background()
	s.ms.Store(time.Now().UnixMilli())
	now := func() time.Time { return time.UnixMilli(s.ms.Load()) }
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s.store, err = store.Open(ctx, store.Options{FS: vfs.NewMem(), Dir: "data", Manifest: db, Memory: 16 << 20, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	o := groups.Options{Catalog: db, Store: s.store, Now: now}
	for _, c := range change {
		c(&o)
	}
	g, err := groups.New(o)
	if err != nil {
		t.Fatal(err)
	}
	lk, err := lookups.Open(lookups.Options{FS: vfs.NewMem(), Dir: "lookups", Catalog: db, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	qo := insights.Options{Catalog: db, Directory: g, Store: s.store, FS: vfs.NewMem(), Dir: "queries", Now: now}
	if s.insights != nil {
		s.insights(&qo)
	}
	queries, err := insights.New(ctx, qo)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queries.Close() })
	ex := explore.New(explore.Options{Directory: g, Store: s.store, Now: now})
	fi, err := fieldindex.New(fieldindex.Options{Catalog: db, Directory: g, Events: ex, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := objstore.OpenLocal(ctx, objstore.LocalOptions{FS: vfs.NewMem(), Dir: "objects"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	s.objects = objects.New(raw)
	if s.schedules, err = schedules.New(schedules.Options{Catalog: db, Queries: queries, Objects: s.objects, Now: now}); err != nil {
		t.Fatal(err)
	}
	if s.anomalies, err = anomalies.Open(anomalies.Options{Catalog: db, Directory: g, FS: vfs.NewMem(), Dir: "anomalies", Now: now}); err != nil {
		t.Fatal(err)
	}
	if s.series, err = series.Open(ctx, series.Options{FS: vfs.NewMem(), Dir: "metrics", Manual: true, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.series.Close() })
	if s.filters, err = metricfilters.New(ctx, metricfilters.Options{Catalog: db, Directory: g, Feed: s.store, Metrics: s.series, Strict: true, Now: now}); err != nil {
		t.Fatal(err)
	}
	so := subscriptions.Options{Catalog: db, Directory: g, Feed: s.store, Strict: true, Now: now}
	if s.targets != nil {
		so.Targets = s.targets
	}
	if s.subscriptions, err = subscriptions.New(so); err != nil {
		t.Fatal(err)
	}
	tails := livetail.New(livetail.Options{Store: s.store, Directory: g, Sessions: 3})
	tailing, stop := context.WithCancel(ctx)
	tailed := make(chan struct{})
	go func() {
		defer close(tailed)
		tails.Run(tailing)
	}()
	t.Cleanup(func() {
		stop()
		<-tailed
	})
	api := logsapi.New(logsapi.Services{
		Filters: s.filters,
		Tails:   tails,

		Subscriptions: s.subscriptions,
		Insights:      queries,
		Groups:        g,
		Lookups:       lk,
		Ingest:        ingest.New(ingest.Options{Directory: g, Store: s.store, Now: now}),
		Events:        events.New(events.Options{Directory: g, Store: s.store, Now: now}),
		Explore:       ex,
		Indexes:       fi,
		Schedules:     s.schedules,
		Anomalies:     s.anomalies,
	})
	srv := httptest.NewServer(awshttp.NewHandler(awshttp.Options{Auth: awshttp.Open(account, region)}, api.Service()))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.Client = s.client(account, region)
	return s
}

// patient sends requests whose body may be closed twice. The SDK closes the body as
// soon as an answer begins; when the transport then closes it, too, it gets an
// error and ends the connection, from which the answer is still being read.
type patient struct{ client *awstransport.BuildableClient }

func (p patient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = closable{r.Body}
	}
	return p.client.Do(r)
}

type closable struct{ io.ReadCloser }

func (c closable) Close() error {
	_ = c.ReadCloser.Close() // only that it was closed before
	return nil
}

// client returns a client of another account or region.
func (s *stack) client(account, region string) *cwl.Client {
	return cwl.New(cwl.Options{
		Region: region, BaseEndpoint: &s.url, RetryMaxAttempts: 1, HTTPClient: patient{awstransport.NewBuildableClient()},
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

func (s *stack) sleep(d time.Duration) { s.ms.Add(d.Milliseconds()) }

// group and stream create what a test needs.
func (s *stack) group(t *testing.T, name string) {
	t.Helper()
	_, err := s.CreateLogGroup(context.Background(), &cwl.CreateLogGroupInput{LogGroupName: &name})
	ok(t, "create group "+name, err)
}

func (s *stack) stream(t *testing.T, group, name string) {
	t.Helper()
	_, err := s.CreateLogStream(context.Background(), &cwl.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &name})
	ok(t, "create stream "+name, err)
}

func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// refused checks the code and the text of an error answer.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("%s: got %v, want %s", what, err, code)
		return
	}
	if e.ErrorCode() != code || e.ErrorMessage() != text {
		t.Errorf("%s:\n got %s: %s\nwant %s: %s", what, e.ErrorCode(), e.ErrorMessage(), code, text)
	}
}

func ptr[T any](v T) *T { return &v }
