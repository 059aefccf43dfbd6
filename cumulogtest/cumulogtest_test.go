package cumulogtest_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cumulog/cumulog/cumulogtest"
)

func TestServerAnswersTheSDK(t *testing.T) {
	t.Parallel()
	srv := cumulogtest.New(t)
	logs := cloudwatchlogs.NewFromConfig(srv.Config())
	ctx := t.Context()
	group, stream := aws.String("app"), aws.String("web")
	if _, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil {
		t.Fatal(err)
	}
	if _, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	_, err := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream,
		LogEvents: []types.InputLogEvent{{Message: aws.String("hello"), Timestamp: aws.Int64(time.Now().UnixMilli())}}})
	if err != nil {
		t.Fatal(err)
	}
	page, err := logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: stream})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 1 || aws.ToString(page.Events[0].Message) != "hello" {
		t.Errorf("events are %v, want the one that was put", page.Events)
	}
}

func TestServerAnswersS3AndSTS(t *testing.T) {
	t.Parallel()
	srv := cumulogtest.New(t)
	ctx := t.Context()
	who, err := sts.NewFromConfig(srv.Config()).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(who.Account) != cumulogtest.Account {
		t.Errorf("account %q, want %q", aws.ToString(who.Account), cumulogtest.Account)
	}
	client := s3.NewFromConfig(srv.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket, key := aws.String("my-bucket"), aws.String("a/b.txt")
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader([]byte("content"))}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if raw, err := io.ReadAll(got.Body); err != nil || string(raw) != "content" {
		t.Errorf("object is %q, %v", raw, err)
	}
}
