package sink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/platform/sink"
)

const keys = `"accessKeyId":"AKIA","secretAccessKey":"secret","sessionToken":"token"`

func TestKinesis(t *testing.T) {
	var failing map[int]string
	rc := newReceiver(t, nil)
	rc.answer = func(w http.ResponseWriter, r *http.Request, n int) {
		var in struct{ Records []json.RawMessage }
		if err := json.Unmarshal([]byte(rc.got()[n].Body), &in); err != nil {
			t.Error(err)
		}
		var out struct {
			FailedRecordCount int
			Records           []map[string]string
		}
		for i := range in.Records {
			if code := failing[i]; code != "" {
				out.Records = append(out.Records, map[string]string{"ErrorCode": code, "ErrorMessage": "no"})
			} else {
				out.Records = append(out.Records, map[string]string{"SequenceNumber": "1", "ShardId": "shardId-0"})
			}
		}
		if err := json.NewEncoder(w).Encode(out); err != nil {
			t.Error(err)
		}
	}
	s, target := sinkOf(t, sink.Options{}, `"type":"kinesis","endpoint":%q,"stream":"st",%s`, rc.URL, keys)
	if target.MaxMessages != 500 || target.MaxBody != 1<<20-256 || target.Place != rc.URL+" stream st" {
		t.Errorf("target %+v", target)
	}
	messages := []sink.Message{{Body: []byte("a"), Key: "k1"}, {Body: []byte("b"), Key: strings.Repeat("k", 257)}, {Body: []byte("c"), Key: "k3"}}
	if err := s.Send(context.Background(), messages); err != nil {
		t.Fatal(err)
	}
	r := rc.got()[0]
	want := `{"StreamName":"st","Records":[{"Data":"YQ==","PartitionKey":"k1"},{"Data":"Yg==","PartitionKey":"fcf53a79b8bb6a84fdcbf2a2aa07be22"},{"Data":"Yw==","PartitionKey":"k3"}]}`
	if r.Header.Get("X-Amz-Target") != "Kinesis_20131202.PutRecords" || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("headers %v", r.Header)
	}
	if len(r.Body) != len(want) || !strings.HasPrefix(r.Body, want[:90]) {
		t.Errorf("body %s, want %s", r.Body, want)
	}
	failing = map[int]string{1: "ProvisionedThroughputExceededException"}
	err := s.Send(context.Background(), messages)
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || !e.Throttled || e.Sent != 1 {
		t.Errorf("throttled record: %#v", err)
	}
	failing = map[int]string{0: "InternalFailure"}
	err = s.Send(context.Background(), messages)
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || e.Throttled || e.Sent != 0 {
		t.Errorf("failed record: %#v", err)
	}
}

func TestAWSErrors(t *testing.T) {
	check := func(status int, body string, retry, throttled bool) {
		t.Helper()
		rc := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		})
		s, _ := sinkOf(t, sink.Options{}, `"type":"firehose","endpoint":%q,"stream":"d"`, rc.URL)
		err := s.Send(context.Background(), texts("a"))
		if e, ok := errors.AsType[*sink.Error](err); !ok || e.Retry != retry || e.Throttled != throttled {
			t.Errorf("%d %s: %#v", status, body, err)
		}
		if h := rc.got()[0].Header; h.Get("Authorization") != "" || h.Get("X-Amz-Target") != "Firehose_20150804.PutRecordBatch" {
			t.Errorf("headers %v", h)
		}
	}
	check(400, `{"__type":"com.amazonaws.firehose#ResourceNotFoundException","message":"x"}`, true, false)
	check(400, `{"__type":"ThrottlingException"}`, true, true)
	check(400, `{"__type":"ValidationException"}`, false, false)
	check(400, `{"__type":"AccessDeniedException"}`, true, false)
	check(400, `oh`, false, false)
	check(403, `{"__type":"UnrecognizedClientException"}`, true, false)
	check(500, `{"__type":"ValidationException"}`, true, false)
	check(413, ``, false, false)
	check(200, `garbage`, true, false)
	check(200, `{}`, true, false)
}

func TestLambda(t *testing.T) {
	rc := newReceiver(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 2 {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			fmt.Fprint(w, `{"errorMessage":"boom"}`)
			return
		}
		w.WriteHeader(202)
	})
	r := load(t, fmt.Sprintf(`{"targets":[{"arn":%q,"type":"lambda","endpoint":"%s/base","invocation":"RequestResponse"}]}`, arn, rc.URL), sink.Options{})
	s, target, _ := r.Find(arn)
	if want := (6<<20 - 23) / 4 * 3; target.MaxBody != want || target.Place != rc.URL+"/… function f" {
		t.Errorf("target %+v, want a body of %d", target, want)
	}
	ctx := context.Background()
	if err := s.Send(ctx, []sink.Message{{Body: []byte("zip"), Encoding: sink.EncodingGzip}, {Body: []byte(`{"alarm":1}`)}}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{`{"awslogs":{"data":"emlw"}}`, `{"alarm":1}`}, bodies(rc.got())); d != "" {
		t.Errorf("payloads (-want +got)\n%s", d)
	}
	if g := rc.got()[0]; g.Path != "/base/2015-03-31/functions/f/invocations" || g.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
		t.Errorf("request %+v", g)
	}
	err := s.Send(ctx, texts("x"))
	if e, ok := errors.AsType[*sink.Error](err); !ok || !e.Retry || !strings.Contains(e.Error(), "boom") {
		t.Errorf("function that fails: %v", err)
	}
}

// Signatures are those that the AWS SDK makes.
func TestSignatureAgainstSDK(t *testing.T) {
	at := time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)
	for _, path := range []string{"", "/a b/ü", "/x/"} {
		rc := newReceiver(t, func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, `{"StatusCode":202}`) })
		s, _ := sinkOf(t, sink.Options{Now: func() time.Time { return at }}, `"type":"lambda","endpoint":%q,"function":"f:live","region":"eu-west-1",%s`, rc.URL+path, keys)
		if err := s.Send(context.Background(), texts("body")); err != nil {
			t.Fatal(err)
		}
		got := rc.got()[0]
		r, err := http.NewRequest(got.Method, rc.URL+got.Path, bytes.NewReader([]byte(got.Body)))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Content-Type", "X-Amz-Invocation-Type"} {
			r.Header.Set(name, got.Header.Get(name))
		}
		r.ContentLength = 0 // not signed here
		sum := "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5"
		err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret", SessionToken: "token"}, r, sum, "lambda", "eu-west-1", at)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.Header.Get("Authorization"); got.Header.Get("Authorization") != want {
			t.Errorf("%q\n got %s\nwant %s", path, got.Header.Get("Authorization"), want)
		}
	}
}

func TestAWSSettings(t *testing.T) {
	check := func(entry, want string) {
		t.Helper()
		_, err := sink.Load(strings.NewReader(`{"targets":[`+entry+`]}`), sink.Options{})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", entry, err, want)
		}
	}
	check(`{"arn":"arn:aws:kinesis:*:*:stream/*","type":"kinesis","endpoint":"http://a"}`, "line 1: stream: is missing, and the ARN does not name one")
	check(`{"arn":"arn:aws:kinesis:*:*:stream/s","type":"kinesis","endpoint":"http://a","accessKeyId":"x"}`, "line 1: accessKeyId: and secretAccessKey are given together or not at all")
	check(`{"arn":"arn:aws:kinesis:*:*:stream/s","type":"kinesis","endpoint":"a","region":"Ä"}`, "line 1: endpoint: is not a URL that begins with https:// or http://\nline 1: region: \"Ä\" is not a name of a region")
	check(`{"arn":"arn:aws:s3:::bbb","type":"s3","compression":"gzip","format":"parquet"}`, "line 1: compression: is of ndjson only: Parquet files compress their columns\nline 1: endpoint: is missing")
	check(`{"arn":"arn:aws:x:::b","type":"nats","url":"http://a","subject":"a.*"}`, "line 1: subject: \"a.*\" is not a subject to publish to\nline 1: url: is not a list of URLs such as nats://host:4222 without a user")
	check(`{"arn":"arn:aws:x:::b","type":"kafka","brokers":"a","topic":"t","sasl":"plain"}`, "line 1: brokers: \"a\" is not host:port\nline 1: sasl: goes with user and password")
}
