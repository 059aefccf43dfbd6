package sink_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

func buckets(t *testing.T, names ...string) objstore.Store {
	t.Helper()
	ctx := context.Background()
	s, err := objstore.OpenLocal(ctx, objstore.LocalOptions{FS: vfs.NewMem(), Dir: "objects"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, n := range names {
		if err := s.CreateBucket(ctx, objstore.Bucket{Name: n, Account: "000000000000", Region: "us-east-1"}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// objects returns the content of all objects of a bucket by key.
func objects(t *testing.T, s objstore.Store, bucket string) map[string]string {
	t.Helper()
	ctx := context.Background()
	page, err := s.List(ctx, bucket, objstore.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, o := range page.Objects {
		r, err := s.Get(ctx, bucket, o.Key, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out[o.Key] = string(raw)
	}
	return out
}

func eventAt(at string, message string) sink.Event {
	ts, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return sink.Event{
		ID: "1", Account: "000000000000", Region: "us-east-1", Group: "g", Stream: "s", Timestamp: ts.UnixMilli(),
		Ingestion: ts.UnixMilli() + 1500, Message: []byte(message),
	}
}

func TestS3NDJSON(t *testing.T) {
	ctx := context.Background()
	store := buckets(t, "logs")
	s, target := sinkOf(t, sink.Options{Buckets: store}, `"type":"s3","bucket":"logs","prefix":"app/","linger":"5s","gather":1024`)
	if !target.Events || target.Linger != 5*time.Second || target.Gather != 1024 || target.Place != "bucket logs" {
		t.Errorf("target %+v", target)
	}
	withFields := eventAt("2026-11-25T14:59:59Z", "b <\xff>")
	withFields.Fields = []sink.Field{{Name: "a", Value: "1"}}
	m := sink.Message{Name: "n", Events: []sink.Event{
		eventAt("2026-11-25T15:00:00Z", "c"), eventAt("2026-11-25T14:00:00Z", "a"), withFields, eventAt("2026-11-26T00:00:00Z", "d"),
	}}
	for range 2 { // the second time replaces the first
		if err := s.Send(ctx, []sink.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	for key, body := range objects(t, store, "logs") {
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		got[key] = string(raw)
	}
	line := func(at, message, ingested, more string) string {
		return `{"timestamp":"` + at + `.000Z","logGroup":"g","logStream":"s","message":"` + message + `","ingestionTime":"` + ingested +
			`.500Z","id":"1","account":"000000000000","region":"us-east-1"` + more + "}\n"
	}
	want := map[string]string{
		"app/dt=2026-11-25/hour=14/n.ndjson.gz": line("2026-11-25T14:00:00", "a", "2026-11-25T14:00:01", "") +
			line("2026-11-25T14:59:59", "b <\uFFFD>", "2026-11-25T15:00:00", `,"extractedFields":{"a":"1"}`),
		"app/dt=2026-11-25/hour=15/n.ndjson.gz": line("2026-11-25T15:00:00", "c", "2026-11-25T15:00:01", ""),
		"app/dt=2026-11-26/hour=00/n.ndjson.gz": line("2026-11-26T00:00:00", "d", "2026-11-26T00:00:01", ""),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("objects (-want +got)\n%s", d)
	}
	if err := s.Check(ctx, sink.Message{Name: "c", Body: []byte("x")}); err != nil {
		t.Errorf("check: %v", err)
	}
	if n := len(objects(t, store, "logs")); n != 3 {
		t.Errorf("%d objects after a check, want 3", n)
	}
}

func TestS3Parquet(t *testing.T) {
	store := buckets(t, "logs")
	s, _ := sinkOf(t, sink.Options{Buckets: store}, `"type":"s3","bucket":"logs","format":"parquet"`)
	var events []sink.Event
	for i := range 1000 {
		e := eventAt("2026-11-25T14:00:00Z", strings.Repeat("é", i%7)+"x")
		e.Timestamp += int64(i)
		if i%3 == 0 {
			e.Fields = []sink.Field{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}
		}
		events = append(events, e)
	}
	if err := s.Send(context.Background(), []sink.Message{{Name: "n", Events: events}}); err != nil {
		t.Fatal(err)
	}
	body := objects(t, store, "logs")["dt=2026-11-25/hour=14/n.parquet"]
	type row struct {
		Timestamp time.Time         `parquet:"timestamp,timestamp(millisecond)"`
		Group     string            `parquet:"log_group"`
		Stream    string            `parquet:"log_stream"`
		Message   string            `parquet:"message"`
		Ingestion time.Time         `parquet:"ingestion_time,timestamp(millisecond)"`
		ID        string            `parquet:"id"`
		Account   string            `parquet:"account"`
		Region    string            `parquet:"region"`
		Fields    map[string]string `parquet:"extracted_fields,optional"`
	}
	rows, err := parquet.Read[row](bytes.NewReader([]byte(body)), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(events) {
		t.Fatalf("%d rows, want %d", len(rows), len(events))
	}
	for i, r := range rows {
		e := events[i]
		if r.Timestamp.UnixMilli() != e.Timestamp || r.Ingestion.UnixMilli() != e.Ingestion || r.Message != string(e.Message) || r.Group != "g" ||
			r.Stream != "s" || r.ID != "1" || r.Account != "000000000000" || r.Region != "us-east-1" || len(r.Fields) != len(e.Fields) {
			t.Fatalf("row %d: %+v, want %+v", i, r, e)
		}
	}
	if rows[3].Fields["b"] != "2" {
		t.Errorf("fields %v", rows[3].Fields)
	}
}

func TestS3Errors(t *testing.T) {
	ctx := context.Background()
	store := buckets(t, "logs")
	s, _ := sinkOf(t, sink.Options{Buckets: store}, `"type":"s3","bucket":"none"`)
	m := sink.Message{Name: "n", Events: []sink.Event{eventAt("2026-11-25T14:00:00Z", "a")}}
	for what, err := range map[string]error{"send": s.Send(ctx, []sink.Message{m}), "check": s.Check(ctx, m)} {
		if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || !errors.Is(err, objstore.ErrNoSuchBucket) {
			t.Errorf("%s to a bucket that is not there: %v", what, err)
		}
	}
	opened := func(e sink.Endpoint) (objstore.Store, error) {
		if e.URL != "https://nas:9000" || e.Region != "eu-west-1" || !e.PathStyle || e.Credentials.AccessKeyID != "k" || e.Credentials.SecretKey != "s" || e.HTTP == nil {
			t.Errorf("endpoint %+v", e)
		}
		return store, nil
	}
	_, target := sinkOf(t, sink.Options{OpenBuckets: opened},
		`"type":"s3","bucket":"logs","endpoint":"https://nas:9000","region":"eu-west-1","accessKeyId":"k","secretAccessKey":"s"`)
	if target.Place != "bucket logs at https://nas:9000" {
		t.Errorf("place %q", target.Place)
	}
	// A message without events, such as that of an alarm, is an object of its own.
	at := time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)
	s, _ = sinkOf(t, sink.Options{Buckets: store, Now: func() time.Time { return at }}, `"type":"s3","bucket":"logs"`)
	if err := s.Send(ctx, []sink.Message{{Name: "alarm", Body: []byte("{}"), ContentType: "application/json"}}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"dt=2026-11-25/hour=14/alarm.json": "{}"}, objects(t, store, "logs")); d != "" {
		t.Errorf("objects (-want +got)\n%s", d)
	}
}

// remote opens an S3 elsewhere as the server does.
func remote(e sink.Endpoint) (objstore.Store, error) {
	return objstore.NewRemote(objstore.RemoteOptions{
		Endpoint: e.URL, Region: e.Region, PathStyle: e.PathStyle, HTTPClient: e.HTTP,
		Credentials: credentials.NewStaticCredentialsProvider(e.Credentials.AccessKeyID, e.Credentials.SecretKey, ""),
	})
}

func TestS3Redirection(t *testing.T) {
	elsewhere := newReceiver(t, nil)
	rc := newReceiver(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	s, _ := sinkOf(t, sink.Options{OpenBuckets: remote}, `"type":"s3","bucket":"logs","endpoint":%q,"accessKeyId":"k","secretAccessKey":"s"`, rc.URL)
	m := sink.Message{Name: "n", Body: []byte("x")}
	for what, err := range map[string]error{"send": s.Send(t.Context(), []sink.Message{m}), "check": s.Check(t.Context(), m)} {
		if retry, text := judged(t, err); !retry {
			t.Errorf("%s: refused for good: %s", what, text)
		}
	}
	if n := len(elsewhere.got()); n != 0 {
		t.Errorf("%d requests followed a redirection", n)
	}
}

// silentStore answers nothing until the context ends.
type silentStore struct{ objstore.Store }

func (silentStore) Put(ctx context.Context, _, _ string, _ io.Reader, _ int64, _ objstore.PutOptions) (objstore.Object, error) {
	<-ctx.Done()
	return objstore.Object{}, ctx.Err()
}

func (silentStore) Bucket(ctx context.Context, _ string) (objstore.Bucket, error) {
	<-ctx.Done()
	return objstore.Bucket{}, ctx.Err()
}

func TestS3Timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := sinkOf(t, sink.Options{Buckets: silentStore{}}, `"type":"s3","bucket":"logs","timeout":"10m"`)
		m := sink.Message{Name: "n", Body: []byte("x")}
		begin := time.Now()
		if retry, text := judged(t, s.Send(t.Context(), []sink.Message{m})); !retry || text != "writing an object: the store did not answer in time" {
			t.Errorf("send: retry %v: %s", retry, text)
		}
		if retry, text := judged(t, s.Check(t.Context(), m)); !retry || text != "looking for the bucket: the store did not answer in time" {
			t.Errorf("check: retry %v: %s", retry, text)
		}
		if d := time.Since(begin); d != 20*time.Minute {
			t.Errorf("took %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Send(ctx, []sink.Message{m}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the context's end: %v", err)
		}
	})
	// What the client makes of the end of a request is known as a timeout.
	release := make(chan struct{})
	rc := newReceiver(t, func(http.ResponseWriter, *http.Request, int) { <-release })
	defer close(release)
	s, _ := sinkOf(t, sink.Options{OpenBuckets: remote}, `"type":"s3","bucket":"logs","endpoint":%q,"accessKeyId":"k","secretAccessKey":"s","timeout":"1s"`, rc.URL)
	if retry, text := judged(t, s.Send(t.Context(), []sink.Message{{Name: "n", Body: []byte("x")}})); !retry || !strings.HasSuffix(text, "did not answer in time") {
		t.Errorf("send: retry %v: %s", retry, text)
	}
}
