package wire_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cumulog/cumulog/test/process"
)

// TestBucketsElsewhere: with --s3-endpoint an export arrives in the buckets of another S3 service, here a second server that
// demands signatures.
func TestBucketsElsewhere(t *testing.T) {
	ctx := t.Context()
	data := t.TempDir()
	key := createKey(t, data, "123456789012")
	far := process.Run(t, process.Options{Data: data, Args: []string{"--auth", "required"}})
	near := process.Run(t, process.Options{
		Args: []string{"--s3-endpoint", far.URL, "--s3-access-key-id", key.id},
		Env:  []string{"CUMULOG_S3_SECRET_ACCESS_KEY=" + key.secret},
	})
	there := s3.NewFromConfig(awsConfig(far.URL, key), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := there.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("exports")}); err != nil {
		t.Fatal(err)
	}
	logs := logsClient(near.URL, credential{})
	create(t, logs, "g", "a/b")
	put(t, logs, "g", "a/b", "one", "two", "three")

	task, err := logs.CreateExportTask(ctx, &cloudwatchlogs.CreateExportTaskInput{
		LogGroupName: aws.String("g"), Destination: aws.String("exports"),
		From: aws.Int64(time.Now().Add(-time.Hour).UnixMilli()), To: aws.Int64(time.Now().Add(time.Hour).UnixMilli()),
	})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := logs.DescribeExportTasks(ctx, &cloudwatchlogs.DescribeExportTasksInput{TaskId: task.TaskId})
		if err != nil || len(out.ExportTasks) != 1 {
			t.Fatalf("tasks are %+v, %v", out, err)
		}
		status := out.ExportTasks[0].Status
		if status.Code == types.ExportTaskStatusCodeCompleted {
			break
		}
		if status.Code == types.ExportTaskStatusCodeFailed || time.Now().After(end) {
			t.Fatalf("the task is %s: %s", status.Code, aws.ToString(status.Message))
		}
	}
	object, err := there.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("exports"), Key: aws.String(fmt.Sprintf("exportedlogs/%s/a-b/000000.gz", *task.TaskId))})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	unpacked, err := gzip.NewReader(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for line := range strings.Lines(string(raw)) {
		_, message, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		messages = append(messages, message)
	}
	if got := strings.Join(messages, " "); got != "one two three" {
		t.Errorf("the export holds %q", got)
	}
}
