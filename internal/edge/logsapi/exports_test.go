package logsapi_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/exports"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
	"github.com/cumulog/cumulog/internal/service/objects"
)

// exporter is the stack with a bucket.
type exporter struct {
	*cwl.Client
	objects *objects.Service
	exports *exports.Service
	scope   logs.Scope
}

// run does the tasks until stop is called.
func (x *exporter) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { x.exports.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func newExporter(t *testing.T, strict bool) *exporter {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, err := catalog.Open(ctx, filepath.Join(t.TempDir(), "catalog.db"), catalog.Options{})
	must(err)
	t.Cleanup(func() { db.Close() })
	fs := vfs.NewMem()
	st, err := store.Open(ctx, store.Options{FS: fs, Dir: "data", Manifest: db, Memory: 16 << 20})
	must(err)
	t.Cleanup(func() { st.Close() })
	g, err := groups.New(groups.Options{Catalog: db, Store: st})
	must(err)
	raw, err := objstore.OpenLocal(ctx, objstore.LocalOptions{FS: fs, Dir: "objects"})
	must(err)
	t.Cleanup(func() { raw.Close() })
	x := &exporter{objects: objects.New(raw), scope: logs.Scope{Account: "000000000000", Region: "us-east-1"}}
	must(x.objects.CreateBucket(ctx, x.scope, "my-bucket-name", ""))
	x.exports, err = exports.New(exports.Options{Catalog: db, Directory: g, Store: st, Objects: x.objects, Strict: strict})
	must(err)
	api := logsapi.New(logsapi.Services{
		Groups: g, Exports: x.exports,
		Ingest: ingest.New(ingest.Options{Directory: g, Store: st}),
		Events: events.New(events.Options{Directory: g, Store: st}),
	})
	srv := httptest.NewServer(awshttp.NewHandler(awshttp.Options{Auth: awshttp.Open(x.scope.Account, x.scope.Region)}, api.Service()))
	t.Cleanup(srv.Close)
	x.Client = cwl.New(cwl.Options{
		Region: x.scope.Region, BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(x.scope.Account, "secret", ""),
	})
	for _, s := range []string{"web/1", "db"} {
		if s == "web/1" {
			_, err = x.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: ptr("my-log-group")})
			must(err)
		}
		_, err = x.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: ptr("my-log-group"), LogStreamName: ptr(s)})
		must(err)
		_, err = x.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: ptr("my-log-group"), LogStreamName: ptr(s), LogEvents: []types.InputLogEvent{
			{Timestamp: ptr(time.Now().UnixMilli()), Message: ptr("hello from " + s)},
		}})
		must(err)
	}
	return x
}

func (x *exporter) input(change ...func(*cwl.CreateExportTaskInput)) *cwl.CreateExportTaskInput {
	now := time.Now().UnixMilli()
	in := &cwl.CreateExportTaskInput{
		TaskName: ptr("export-task"), LogGroupName: ptr("my-log-group"), From: ptr(now - 86_400_000), To: ptr(now + 1000),
		Destination: ptr("my-bucket-name"), DestinationPrefix: ptr("logs/my-log-file/"),
	}
	for _, c := range change {
		c(in)
	}
	return in
}

func TestExportTask(t *testing.T) {
	ctx := context.Background()
	x := newExporter(t, false)
	created, err := x.CreateExportTask(ctx, x.input())
	if err != nil {
		t.Fatal(err)
	}
	describe := func() types.ExportTask {
		t.Helper()
		out, err := x.DescribeExportTasks(ctx, &cwl.DescribeExportTasksInput{TaskId: created.TaskId})
		if err != nil || len(out.ExportTasks) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return out.ExportTasks[0]
	}
	if task := describe(); task.Status.Code != types.ExportTaskStatusCodePending || task.ExecutionInfo.CompletionTime != nil {
		t.Errorf("waiting: %+v", task)
	}
	stop := x.run()
	defer stop()
	task := describe()
	for deadline := time.Now().Add(30 * time.Second); task.ExecutionInfo.CompletionTime == nil; task = describe() {
		if time.Now().After(deadline) {
			t.Fatalf("still %s", task.Status.Code)
		}
		time.Sleep(time.Millisecond)
	}
	if task.Status.Code != types.ExportTaskStatusCodeCompleted || *task.Status.Message != "Completed successfully" ||
		*task.TaskName != "export-task" || *task.LogGroupName != "my-log-group" || *task.Destination != "my-bucket-name" ||
		*task.DestinationPrefix != "logs/my-log-file/" || *task.To-*task.From != 86_401_000 || *task.ExecutionInfo.CreationTime == 0 {
		t.Errorf("done: %+v, %+v", task, task.Status)
	}
	page, err := x.objects.List(ctx, x.scope, "my-bucket-name", objects.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	root := "logs/my-log-file/" + *created.TaskId
	var keys []string
	for _, o := range page.Objects {
		keys = append(keys, o.Key)
	}
	want := []string{root + "/db/000000.gz", root + "/web-1/000000.gz", "logs/my-log-file/aws-logs-write-test"}
	if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(keys, sorted) { // the task id may come before or behind "aws-"
		t.Errorf("keys %q, want %q", keys, sorted)
	}
	r, err := x.objects.Get(ctx, x.scope, "my-bucket-name", want[1], nil, objects.Conditions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil || !strings.HasSuffix(string(body), "Z hello from web/1\n") || len(body) != len("2006-01-02T15:04:05.000Z hello from web/1\n") {
		t.Errorf("%q, %v", body, err)
	}
	_, err = x.CancelExportTask(ctx, &cwl.CancelExportTaskInput{TaskId: created.TaskId})
	refused(t, "cancel when done", err, "InvalidOperationException", "The specified export task has already finished")
	_, err = x.CancelExportTask(ctx, &cwl.CancelExportTaskInput{TaskId: ptr("no-such-task")})
	refused(t, "cancel unknown", err, "ResourceNotFoundException", "The specified export task does not exist.")
}

func TestExportTaskPages(t *testing.T) {
	ctx := context.Background()
	x := newExporter(t, false)
	var ids []string
	for range 5 {
		out, err := x.CreateExportTask(ctx, x.input())
		if err != nil {
			t.Fatal(err)
		}
		ids = append([]string{*out.TaskId}, ids...)
	}
	if _, err := x.CancelExportTask(ctx, &cwl.CancelExportTaskInput{TaskId: &ids[1]}); err != nil {
		t.Fatal(err)
	}
	list := func(in *cwl.DescribeExportTasksInput) (got []string) {
		t.Helper()
		for {
			out, err := x.DescribeExportTasks(ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range out.ExportTasks {
				got = append(got, *task.TaskId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return got
			}
		}
	}
	if got := list(&cwl.DescribeExportTasksInput{Limit: ptr(int32(2))}); strings.Join(got, " ") != strings.Join(ids, " ") {
		t.Errorf("pages %q, want %q", got, ids)
	}
	if got := list(&cwl.DescribeExportTasksInput{StatusCode: types.ExportTaskStatusCodeCancelled}); len(got) != 1 || got[0] != ids[1] {
		t.Errorf("cancelled: %q", got)
	}
	if got := list(&cwl.DescribeExportTasksInput{TaskId: ptr("unknown")}); got != nil {
		t.Errorf("unknown: %q", got)
	}
	_, err := x.DescribeExportTasks(ctx, &cwl.DescribeExportTasksInput{NextToken: ptr("bad")})
	refused(t, "token", err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestExportTaskErrors(t *testing.T) {
	ctx := context.Background()
	x := newExporter(t, true)
	if err := x.objects.CreateBucket(ctx, logs.Scope{Account: "111111111111", Region: "us-east-1"}, "others-bucket", ""); err != nil {
		t.Fatal(err)
	}
	refuse := func(what, code, text string, change func(*cwl.CreateExportTaskInput)) {
		t.Helper()
		_, err := x.CreateExportTask(ctx, x.input(change))
		refused(t, what, err, code, text)
	}
	const invalid = "InvalidParameterException"
	refuse("group", "ResourceNotFoundException", "The specified log group does not exist.", func(in *cwl.CreateExportTaskInput) { in.LogGroupName = ptr("nope") })
	refuse("range", invalid, "The specified time range is invalid. from must be less than to.", func(in *cwl.CreateExportTaskInput) { in.To = in.From })
	refuse("old range", invalid, "The specified time range is invalid. to must not be before the creation time of the log group.", func(in *cwl.CreateExportTaskInput) {
		in.From, in.To = ptr(int64(1)), ptr(int64(2))
	})
	refuse("bucket", invalid, "The given bucket does not exist. Please make sure the bucket is valid.", func(in *cwl.CreateExportTaskInput) { in.Destination = ptr("nope-bucket") })
	refuse("other's bucket", invalid, "GetBucketAcl call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation.",
		func(in *cwl.CreateExportTaskInput) { in.Destination = ptr("others-bucket") })
	refuse("prefix", invalid, "The specified destinationPrefix is invalid. An S3 object key can have at most 1024 bytes.",
		func(in *cwl.CreateExportTaskInput) { in.DestinationPrefix = ptr(strings.Repeat("p", 1001)) })
	if _, err := x.CreateExportTask(ctx, x.input()); err != nil {
		t.Fatal(err)
	}
	refuse("second task", "LimitExceededException", "Resource limit exceeded.", func(*cwl.CreateExportTaskInput) {})
}
