package clients_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cumulog/cumulog/test/process"
)

// TestBucketTarget delivers to buckets of the server itself and, through its S3 API, of another S3.
func TestBucketTarget(t *testing.T) {
	t.Parallel()
	other := process.Run(t, process.Options{})
	file := filepath.Join(t.TempDir(), "targets.json")
	text := fmt.Sprintf(`{"targets": [
  {"arn": "arn:aws:firehose:*:*:deliverystream/here", "type": "s3", "bucket": "logs", "prefix": "app/", "compression": "none", "linger": "100ms"},
  {"arn": "arn:aws:firehose:*:*:deliverystream/there", "type": "s3", "bucket": "logs", "compression": "none", "linger": "100ms",
   "endpoint": %q, "accessKeyId": "test", "secretAccessKey": "test"}
]}`, other.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := process.Run(t, process.Options{Args: []string{"--targets", file}})
	keys := credentials.NewStaticCredentialsProvider("test", "test", "")
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: keys})
	buckets := func(url string) *s3.Client {
		return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: keys, UsePathStyle: true})
	}
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	must(err)
	_, err = logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	must(err)
	subscribe := func(name string) error {
		_, err := logs.PutSubscriptionFilter(ctx, &cloudwatchlogs.PutSubscriptionFilterInput{
			LogGroupName: aws.String("g"), FilterName: &name, FilterPattern: aws.String("x"),
			DestinationArn: aws.String("arn:aws:firehose:us-east-1:000000000000:deliverystream/" + name), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
		})
		return err
	}
	if err := subscribe("here"); err == nil || !strings.Contains(err.Error(), "Could not deliver test message to specified Firehose stream.") {
		t.Errorf("without the bucket: %v", err)
	}
	for _, c := range []*s3.Client{buckets(s.URL), buckets(other.URL)} {
		_, err = c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("logs")})
		must(err)
	}
	must(subscribe("here"))
	must(subscribe("there"))
	at := time.Now().UTC()
	_, err = logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: []types.InputLogEvent{
		{Timestamp: aws.Int64(at.UnixMilli()), Message: aws.String("x <1>")}, {Timestamp: aws.Int64(at.UnixMilli()), Message: aws.String("y")},
	}})
	must(err)
	check := func(c *s3.Client, prefix string) {
		t.Helper()
		limit := time.Now().Add(time.Minute)
		for {
			page, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("logs")})
			must(err)
			if len(page.Contents) > 0 {
				key := *page.Contents[0].Key
				if want := prefix + at.Format("dt=2006-01-02/hour=15/"); !strings.HasPrefix(key, want) || !strings.HasSuffix(key, ".ndjson") {
					t.Errorf("key %s, want one that begins with %s", key, want)
				}
				o, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("logs"), Key: &key})
				must(err)
				body, err := io.ReadAll(o.Body)
				o.Body.Close()
				must(err)
				want := `{"timestamp":"` + at.Format("2006-01-02T15:04:05.000Z") + `","logGroup":"g","logStream":"s","message":"x <1>","ingestionTime":"`
				if !strings.HasPrefix(string(body), want) || strings.Count(string(body), "\n") != 1 {
					t.Errorf("object %s, want %s…", body, want)
				}
				return
			}
			if time.Now().After(limit) {
				t.Fatal("there is no object")
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	check(buckets(s.URL), "app/")
	check(buckets(other.URL), "")
}
