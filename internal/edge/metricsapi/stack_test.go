package metricsapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/metricsapi"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/edge/stsapi"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

const (
	account = "000000000000"
	region  = "us-east-1"
)

// stack is the service behind the router, with a clock that tests move.
type stack struct {
	*cw.Client // speaks CBOR
	url        string
	ms         atomic.Int64 // the time
	alarms     *alarms.Service
	series     *series.DB
	service    awshttp.ShapeService
}

func newStack(t testing.TB) *stack {
	t.Helper()
	ctx := context.Background()
	s := &stack{}
	s.ms.Store(time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC).UnixMilli())
	now := func() time.Time { return time.UnixMilli(s.ms.Load()) }
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	data, err := series.Open(ctx, series.Options{FS: vfs.NewMem(), Dir: "series", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	s.series = data
	ms, err := metrics.New(metrics.Options{DB: data, Catalog: db, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if s.alarms, err = alarms.New(ctx, alarms.Options{Catalog: db, Metrics: noMetrics{}, Now: now}); err != nil {
		t.Fatal(err)
	}
	service := metricsapi.New(metricsapi.Services{Metrics: ms, Alarms: s.alarms}).Service()
	s.service = service
	o := awshttp.Options{Auth: awshttp.Open(account, region)}
	srv := httptest.NewServer(awshttp.NewRouter(awshttp.RouterOptions{
		JSON:  awshttp.NewHandler(o, service.RPC()),
		Query: awshttp.NewQueryHandler(o, append(stsapi.Services(now()), service.Query())...),
		Admin: http.NotFoundHandler(),
		S3:    http.NotFoundHandler(),
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.Client = s.client(account, region)
	return s
}

// noMetrics is what alarms see here: nothing evaluates them.
type noMetrics struct{}

func (noMetrics) Check(context.Context, logs.Scope, []alarms.Query) error { return nil }

func (noMetrics) Datapoints(context.Context, logs.Scope, []alarms.Query, int64, int64, int64) ([]alarms.Datapoint, error) {
	return nil, nil
}

// client returns a client of another account or region.
func (s *stack) client(account, region string) *cw.Client {
	return cw.New(cw.Options{
		Region: region, BaseEndpoint: &s.url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(account, "secret", ""),
	})
}

// reply is an answer as it was sent.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *stack) post(t testing.TB, path, body string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// query sends a request in the Query protocol; the parameters come in pairs.
func (s *stack) query(t testing.TB, action string, pairs ...string) reply {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {metricswire.Version}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return s.post(t, "/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
}

// json sends a request in the JSON protocol.
func (s *stack) json(t testing.TB, operation, body string) reply {
	t.Helper()
	return s.post(t, "/", body, "Content-Type", "application/x-amz-json-1.0", "X-Amz-Target", metricswire.TargetPrefix+"."+operation)
}

// cbor sends a request in the CBOR protocol.
func (s *stack) cbor(t testing.TB, operation, body string) reply {
	t.Helper()
	return s.post(t, "/service/"+metricswire.TargetPrefix+"/operation/"+operation, body, "Content-Type", "application/cbor", "Smithy-Protocol", "rpc-v2-cbor")
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

// contains checks a part of an answer.
func (r reply) contains(t *testing.T, what string, status int, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if r.status != status || !strings.Contains(r.body, part) {
			t.Errorf("%s: got %d %s, want %d %s", what, r.status, r.body, status, part)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func arn(alarm string) string {
	return fmt.Sprintf("arn:aws:cloudwatch:%s:%s:alarm:%s", region, account, alarm)
}
