package clients_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/cumulog/cumulog/test/process"
)

// receiver is what targets stand for: a Lambda- and Kinesis-compatible service that counts the events it took, and fails when
// told to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	counts map[string]map[string]int // by name of the function or stream, by message
	calls  int
	fail   func(call int, w http.ResponseWriter) (done bool)
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	rc := &receiver{counts: map[string]map[string]int{}}
	rc.Server = httptest.NewServer(http.HandlerFunc(rc.serve))
	t.Cleanup(rc.Close)
	return rc
}

// targets writes a targets file that leads everything to the receiver and returns the flags that name it.
func (rc *receiver) targets(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "targets.json")
	text := fmt.Sprintf(`{"targets": [
  {"arn": "arn:aws:lambda:*:*:function:ship", "type": "lambda", "endpoint": %q},
  {"arn": "arn:aws:kinesis:*:*:stream/*", "type": "kinesis", "endpoint": %q, "stream": "logs", "accessKeyId": "test", "secretAccessKey": "test"}
]}`, rc.URL, rc.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--targets", file}
}

func (rc *receiver) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	rc.mu.Lock()
	rc.calls++
	call, fail := rc.calls, rc.fail
	rc.mu.Unlock()
	if fail != nil && fail(call, w) {
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); ok {
		var in struct {
			AWSLogs struct{ Data string } `json:"awslogs"`
		}
		if err := json.Unmarshal(body, &in); err == nil {
			rc.take(strings.TrimSuffix(name, "/invocations"), in.AWSLogs.Data)
		}
		w.WriteHeader(http.StatusAccepted)
		return
	}
	var in struct {
		StreamName string
		Records    []struct{ Data string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var out struct{ Records []map[string]string }
	for _, record := range in.Records {
		rc.take(in.StreamName, record.Data)
		out.Records = append(out.Records, map[string]string{"SequenceNumber": "1", "ShardId": "shardId-000000000000"})
	}
	_ = json.NewEncoder(w).Encode(out) // the caller may be gone
}

// take counts the events of a payload.
func (rc *receiver) take(name, data string) {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		panic(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	var payload struct {
		MessageType string
		LogEvents   []struct{ Message string }
	}
	if err := json.NewDecoder(z).Decode(&payload); err != nil {
		panic(err)
	}
	if payload.MessageType != "DATA_MESSAGE" {
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	if rc.counts[name] == nil {
		rc.counts[name] = map[string]int{}
	}
	for _, e := range payload.LogEvents {
		rc.counts[name][e.Message]++
	}
}

// await waits until n different events came for a name, and returns how often each did.
func (rc *receiver) await(t *testing.T, name string, n int) map[string]int {
	t.Helper()
	limit := time.After(time.Minute)
	each := time.NewTicker(10 * time.Millisecond)
	defer each.Stop()
	for {
		rc.mu.Lock()
		counts := map[string]int{}
		for m, k := range rc.counts[name] {
			counts[m] = k
		}
		rc.mu.Unlock()
		if len(counts) >= n {
			return counts
		}
		select {
		case <-each.C:
		case <-limit:
			t.Fatalf("%s has %d different events, want %d", name, len(counts), n)
		}
	}
}

func TestSubscriptionsBoto3(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	rc := newReceiver(t)
	s := process.Run(t, process.Options{Args: rc.targets(t)})
	run(t, t.TempDir(), process.ClientEnvironment(s.URL), python, script(t, "boto3", "subscriptions.py"))
	for message, n := range rc.await(t, "ship", 10) {
		if !strings.HasPrefix(message, "ERROR ") || n != 1 {
			t.Errorf("the function has %q %d times", message, n)
		}
	}
	if got := rc.await(t, "logs", 100); len(got) != 100 {
		t.Errorf("the stream has %d events, want 100", len(got))
	}
}

// TestSubscriptionsCLI subscribes with both AWS CLIs.
func TestSubscriptionsCLI(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"aws", "aws2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := program(t, name)
			rc := newReceiver(t)
			s := process.Run(t, process.Options{Args: rc.targets(t)})
			call := func(args ...string) []byte {
				t.Helper()
				if name == "aws2" { // older than AWS_ENDPOINT_URL
					args = append([]string{"--endpoint-url", s.URL}, args...)
				}
				return run(t, t.TempDir(), process.ClientEnvironment(s.URL), cli, args...)
			}
			call("logs", "create-log-group", "--log-group-name", "app")
			call("logs", "create-log-stream", "--log-group-name", "app", "--log-stream-name", "s")
			call("logs", "put-subscription-filter", "--log-group-name", "app", "--filter-name", "f", "--filter-pattern", "[a, b]",
				"--destination-arn", "arn:aws:lambda:us-east-1:000000000000:function:ship")
			call("logs", "put-log-events", "--log-group-name", "app", "--log-stream-name", "s",
				"--log-events", fmt.Sprintf(`[{"timestamp": %d, "message": "two words"}, {"timestamp": %d, "message": "one"}]`, time.Now().UnixMilli(), time.Now().UnixMilli()))
			if got := rc.await(t, "ship", 1); got["two words"] != 1 || len(got) != 1 {
				t.Errorf("delivered %v", got)
			}
			var out struct {
				SubscriptionFilters []struct{ FilterName, Distribution string }
			}
			if err := json.Unmarshal(call("logs", "describe-subscription-filters", "--log-group-name", "app"), &out); err != nil {
				t.Fatal(err)
			}
			if len(out.SubscriptionFilters) != 1 || out.SubscriptionFilters[0].Distribution != "ByLogStream" {
				t.Errorf("filters %+v", out)
			}
			call("logs", "delete-subscription-filter", "--log-group-name", "app", "--filter-name", "f")
		})
	}
}

// TestDeliverySurvivesKills kills the server again and again while the target fails in every way, and then counts every event.
func TestDeliverySurvivesKills(t *testing.T) {
	t.Parallel()
	rc := newReceiver(t)
	rc.fail = func(call int, w http.ResponseWriter) bool {
		switch call % 6 {
		case 1:
			w.WriteHeader(http.StatusInternalServerError)
			return true
		case 2:
			io.WriteString(w, "garbage")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case 3:
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		case 4: // slow
			time.Sleep(200 * time.Millisecond)
		}
		return false
	}
	binary := process.Binary(t)
	o := process.Options{Binary: binary, Data: t.TempDir(), Args: rc.targets(t)}
	ctx := context.Background()
	var s *process.Server
	client := func() *cloudwatchlogs.Client {
		return cloudwatchlogs.New(cloudwatchlogs.Options{
			Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
	}
	start := func() {
		t.Helper()
		var err error
		if s, err = process.Start(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	start()
	defer func() { s.Stop() }()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	c := client()
	_, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	must(err)
	_, err = c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	must(err)
	for { // the target fails now and then
		_, err = c.PutSubscriptionFilter(ctx, &cloudwatchlogs.PutSubscriptionFilterInput{
			LogGroupName: aws.String("g"), FilterName: aws.String("f"), FilterPattern: aws.String(""),
			DestinationArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/logs"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
		})
		if err == nil {
			break
		}
	}
	const rounds, each = 4, 2000
	for round := range rounds {
		for part := range 10 {
			var events []types.InputLogEvent
			for i := range each / 10 {
				events = append(events, types.InputLogEvent{
					Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(fmt.Sprintf("%d-%d-%d", round, part, i)),
				})
			}
			_, err := c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: events})
			must(err)
		}
		s.Kill()
		start()
		c = client()
	}
	counts := rc.await(t, "logs", rounds*each)
	total := 0
	for _, n := range counts {
		total += n
	}
	t.Logf("%d events came %d times", len(counts), total)
	if len(counts) != rounds*each {
		t.Errorf("%d different events came, want %d", len(counts), rounds*each)
	}
}

// TestTerraformSubscriptions applies filters, a destination and policies, plans them without a change, changes and destroys them.
func TestTerraformSubscriptions(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	rc := newReceiver(t)
	s := process.Run(t, process.Options{Args: rc.targets(t)})
	tf := newTerraform(t, s.URL)
	config, err := os.ReadFile(filepath.Join("terraform", "subscriptions.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.run("init", "-no-color")
	tf.run("apply", "-auto-approve", "-no-color")
	tf.unchanged()
	changed := []string{"-var", "pattern=ERROR", "-var", "team=red"}
	tf.run(append([]string{"apply", "-auto-approve", "-no-color"}, changed...)...)
	tf.unchanged(changed...)
	tf.run("destroy", "-auto-approve", "-no-color")
}
