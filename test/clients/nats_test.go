package clients_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/nats-io/nats.go"

	"github.com/cumulog/cumulog/test/process"
)

// natsServer starts a real NATS server on a port and directory, and returns how to end it.
func natsServer(t *testing.T, binary, port, dir string) (stop func()) {
	t.Helper()
	cmd := exec.Command(binary, "-a", "127.0.0.1", "-p", port, "-js", "-sd", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed
	}()
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
	limit := time.After(time.Minute)
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
			return stop
		}
		select {
		case <-ended:
			t.Fatalf("the NATS server ended:\n%s", out.String())
		case <-limit:
			stop()
			t.Fatalf("the NATS server does not answer:\n%s", out.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestNATS delivers to a JetStream stream of a real NATS server, which is away for a while.
func TestNATS(t *testing.T) {
	t.Parallel()
	binary := program(t, "nats-server")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	dir := t.TempDir()
	stop := natsServer(t, binary, port, dir)
	defer func() { stop() }()
	url := "nats://127.0.0.1:" + port
	request := func(subject string, in, out any) {
		t.Helper()
		c, err := nats.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		body, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Request(subject, body, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(m.Data), `"error"`) {
			t.Fatalf("%s: %s", subject, m.Data)
		}
		if err := json.Unmarshal(m.Data, out); err != nil {
			t.Fatal(err)
		}
	}
	var ignored struct{}
	request("$JS.API.STREAM.CREATE.LOGS", map[string]any{"name": "LOGS", "subjects": []string{"logs.>"}, "storage": "file", "retention": "limits", "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "discard": "old"}, &ignored)

	file := filepath.Join(t.TempDir(), "targets.json")
	text := fmt.Sprintf(`{"targets": [{"arn": "arn:aws:kinesis:*:*:stream/*", "type": "nats", "url": %q, "subject": "logs.app", "timeout": "5s"}]}`, url)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := process.Run(t, process.Options{Args: []string{"--targets", file}})
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	must(err)
	_, err = logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	must(err)
	_, err = logs.PutSubscriptionFilter(ctx, &cloudwatchlogs.PutSubscriptionFilterInput{
		LogGroupName: aws.String("g"), FilterName: aws.String("f"), FilterPattern: aws.String(""),
		DestinationArn: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s"), RoleArn: aws.String("arn:aws:iam::000000000000:role/r"),
	})
	must(err)
	put := func(round int) {
		t.Helper()
		var events []types.InputLogEvent
		for i := range 1000 {
			events = append(events, types.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(fmt.Sprintf("%d-%d", round, i))})
		}
		_, err := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: events})
		must(err)
	}
	put(0)
	stop()
	put(1) // nobody there
	put(2)
	stop = natsServer(t, binary, port, dir)

	seen := map[string]int{}
	read := uint64(0)
	limit := time.Now().Add(time.Minute)
	for len(seen) < 3000 {
		if time.Now().After(limit) {
			t.Fatalf("the stream has %d different events, want 3000", len(seen))
		}
		var info struct {
			State struct {
				Last uint64 `json:"last_seq"`
			} `json:"state"`
		}
		request("$JS.API.STREAM.INFO.LOGS", struct{}{}, &info)
		for read < info.State.Last {
			read++
			var got struct {
				Message struct {
					Data []byte `json:"data"`
				} `json:"message"`
			}
			request("$JS.API.STREAM.MSG.GET.LOGS", map[string]any{"seq": read}, &got)
			z, err := gzip.NewReader(bytes.NewReader(got.Message.Data))
			must(err)
			var payload struct {
				MessageType string
				LogEvents   []struct{ Message string }
			}
			must(json.NewDecoder(z).Decode(&payload))
			if payload.MessageType == "CONTROL_MESSAGE" {
				continue
			}
			for _, e := range payload.LogEvents {
				seen[e.Message]++
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	for message, n := range seen {
		if n != 1 {
			t.Errorf("%q came %d times", message, n)
		}
	}
}
