// Package wire_test drives whole server processes with the AWS SDK and with raw HTTP: what no single package can show.
// Per-operation behaviour is tested beside internal/edge/logsapi and internal/edge/s3api.
package wire_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

// credential is an access key; the zero value stands for placeholder credentials.
type credential struct{ id, secret string }

func awsConfig(url string, c credential) aws.Config {
	if c.id == "" {
		c = credential{"test", "test"}
	}
	return aws.Config{
		BaseEndpoint:     &url,
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(c.id, c.secret, ""),
		RetryMaxAttempts: 1,
		HTTPClient:       &http.Client{Timeout: 30 * time.Second},
	}
}

func logsClient(url string, c credential) *cloudwatchlogs.Client {
	return cloudwatchlogs.NewFromConfig(awsConfig(url, c))
}

// codeOf is the AWS error code of err, or what else it is.
func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err == nil {
		return "none"
	}
	return err.Error()
}

func create(t *testing.T, c *cloudwatchlogs.Client, group, stream string) {
	t.Helper()
	ctx := t.Context()
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		t.Fatal(err)
	}
	createStream(t, c, group, stream)
}

func createStream(t *testing.T, c *cloudwatchlogs.Client, group, stream string) {
	t.Helper()
	if _, err := c.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream}); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, c *cloudwatchlogs.Client, group, stream string, messages ...string) {
	t.Helper()
	var events []types.InputLogEvent
	now := time.Now().UnixMilli() - int64(len(messages)) + 1 // so that a later call has later events
	for i, m := range messages {
		events = append(events, types.InputLogEvent{Message: aws.String(m), Timestamp: aws.Int64(now + int64(i))})
	}
	out, err := c.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream, LogEvents: events})
	if err != nil {
		t.Fatal(err)
	}
	if out.RejectedLogEventsInfo != nil {
		t.Fatalf("events were rejected: %+v", out.RejectedLogEventsInfo)
	}
}

// messages reads a whole stream from its head.
func messages(ctx context.Context, t *testing.T, c *cloudwatchlogs.Client, group, stream string) []string {
	t.Helper()
	var out []string
	in := &cloudwatchlogs.GetLogEventsInput{LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true)}
	for pages := cloudwatchlogs.NewGetLogEventsPaginator(c, in, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true }); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			out = append(out, aws.ToString(e.Message))
		}
	}
	return out
}
