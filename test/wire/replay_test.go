package wire_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

// connection is a plain socket to the server: what goes over it is what the test writes, byte for byte.
type connection struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, url string) *connection {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &connection{t, conn, bufio.NewReader(conn)}
}

func (c *connection) write(parts ...string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, strings.Join(parts, "")); err != nil {
		c.t.Fatal(err)
	}
}

func (c *connection) answer() (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp, string(body)
}

// rawRequest joins request lines with CRLF, adds Content-Length and appends the body.
func rawRequest(lines []string, body string) string {
	return strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// TestAgentRequests sends PutLogEvents as log agents write it that cannot be installed here. The requests are hand-written in the
// shape of each agent: what differs is the case and order of headers, white space and escapes of the JSON, and members such as entity.
func TestAgentRequests(t *testing.T) {
	s := process.Run(t, process.Options{})
	c := logsClient(s.URL, credential{})
	now := time.Now().UnixMilli()
	auth := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + time.Now().UTC().Format("20060102") +
		"/us-east-1/logs/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=" + strings.Repeat("0", 64)
	date := time.Now().UTC().Format("20060102T150405Z")

	for i, tt := range []struct {
		name    string
		request func(stream string) string
		want    []string
	}{
		{
			// Its plugin builds the JSON itself: no spaces, "/" escaped, control characters as \u00XX, the entity before the events.
			name: "fluent-bit",
			request: func(stream string) string {
				body := `{"logGroupName":"agents","logStreamName":"` + stream + `","entity":{"keyAttributes":{"Type":"Service","Name":"web","Environment":"eks:c\/n"},` +
					`"attributes":{"PlatformType":"K8s","EKS.Cluster":"c"}},"logEvents":[` +
					fmt.Sprintf(`{"timestamp":%d,"message":"{\"log\":\"GET \/index.html\\t200\",\"n\":1}"},{"timestamp":%d,"message":"caf\u00e9 \ud83d\ude00 \u001b[0m"}`, now, now+1) + `]}`
				return rawRequest([]string{
					"POST / HTTP/1.1", "Host: 127.0.0.1", "User-Agent: aws-fluent-bit-plugin", "Content-Type: application/x-amz-json-1.1",
					"X-Amz-Target: Logs_20140328.PutLogEvents", "x-amzn-logs-format: json/emf", "x-amz-date: " + date, "Authorization: " + auth,
				}, body)
			},
			want: []string{`{"log":"GET /index.html\t200","n":1}`, "café 😀 \x1b[0m"},
		},
		{
			// Its sink writes with Rust's SDK: header names in lower case, Host at the end.
			name: "vector",
			request: func(stream string) string {
				body := `{"logEvents":[` + fmt.Sprintf(`{"message":"a \"quoted\" line","timestamp":%d}`, now) + `],"logGroupName":"agents","logStreamName":"` + stream + `","sequenceToken":"49613356"}`
				return rawRequest([]string{
					"POST / HTTP/1.1", "content-type: application/x-amz-json-1.1", "x-amz-target: Logs_20140328.PutLogEvents", "x-amzn-logs-format: json/emf",
					"amz-sdk-request: attempt=1; max=1", "amz-sdk-invocation-id: 1d1a5f9c-6b7e-4b5e-9d7e-0d4c6c8f6a11", "authorization: " + auth, "x-amz-date: " + date, "host: 127.0.0.1",
				}, body)
			},
			want: []string{`a "quoted" line`},
		},
		{
			// Ruby's SDK sends an empty Accept-Encoding; a token that is not known goes out as null.
			name: "fluentd",
			request: func(stream string) string {
				body := `{"logGroupName":"agents","logStreamName":"` + stream + `","logEvents":[` + fmt.Sprintf(`{"timestamp":%d,"message":"{\"message\":\"<&>\"}"}`, now) + `],"sequenceToken":null}`
				return rawRequest([]string{
					"POST / HTTP/1.1", "Content-Type: application/x-amz-json-1.1", "Accept-Encoding: ", "User-Agent: aws-sdk-ruby3/3.191.0 fluent-plugin-cloudwatch-logs",
					"X-Amz-Target: Logs_20140328.PutLogEvents", "Host: 127.0.0.1", "X-Amz-Date: " + date, "Authorization: " + auth, "Accept: */*",
				}, body)
			},
			want: []string{`{"message":"<&>"}`},
		},
		{
			// Members in the order of the alphabet, an entity with attributes of EC2, two events of one millisecond.
			name: "amazon-cloudwatch-agent",
			request: func(stream string) string {
				body := `{"entity":{"attributes":{"EC2.InstanceId":"i-0123456789abcdef0","PlatformType":"AWS::EC2"},"keyAttributes":{"Environment":"ec2:default","Name":"app","Type":"Service"}},` +
					`"logEvents":[` + fmt.Sprintf(`{"message":"one","timestamp":%d},{"message":"two","timestamp":%d}`, now, now) + `],"logGroupName":"agents","logStreamName":"` + stream + `"}`
				return rawRequest([]string{
					"POST / HTTP/1.1", "Host: 127.0.0.1", "User-Agent: CWAgent/1.300 (go1.22; linux; amd64)", "Accept-Encoding: identity", "Amz-Sdk-Request: attempt=1; max=2",
					"Authorization: " + auth, "Content-Type: application/x-amz-json-1.1", "X-Amz-Date: " + date, "X-Amz-Target: Logs_20140328.PutLogEvents", "x-amzn-logs-format: json/emf",
				}, body)
			},
			want: []string{"one", "two"},
		},
		{
			// With awslogs-format, to the host name of AWS, with a token that was never issued.
			name: "docker awslogs",
			request: func(stream string) string {
				body := `{"logEvents":[` + fmt.Sprintf(`{"message":"line\r","timestamp":%d}`, now) + `],"logGroupName":"agents","logStreamName":"` + stream + `","sequenceToken":"none"}`
				return rawRequest([]string{
					"POST / HTTP/1.1", "Host: logs.us-east-1.amazonaws.com", "User-Agent: Docker/27.0 (linux; awslogs)", "Authorization: " + auth,
					"Content-Type: application/x-amz-json-1.1", "X-Amz-Date: " + date, "X-Amz-Target: Logs_20140328.PutLogEvents", "x-amzn-logs-format: json/emf",
				}, body)
			},
			want: []string{"line\r"},
		},
		{
			name: "unusual white space and escapes",
			request: func(stream string) string {
				body := " \r\n\t{ \"logStreamName\" :\"" + stream + "\" ,\n\"log\\u0047roupName\"\t: \"agents\", \"unknown\": {\"deep\":[1,2,{\"x\":null}]}, \"logEvents\" : [ { \"message\" : " +
					`"\u0041\/\b\f\n\r\t\\\""` + fmt.Sprintf(" , \"timestamp\" : %d , \"extra\":1.5e3 } ] } \n", now)
				return rawRequest([]string{"POST / HTTP/1.1", "HOST: x", "CONTENT-TYPE: application/x-amz-json-1.1; charset=utf-8", "X-AMZ-TARGET: Logs_20140328.PutLogEvents"}, body)
			},
			want: []string{"A/\b\f\n\r\t\\\""},
		},
		{
			name: "chunked",
			request: func(stream string) string {
				body := fmt.Sprintf(`{"logGroupName":"agents","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"in pieces"}]}`, stream, now)
				var out strings.Builder
				out.WriteString("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\n\r\n")
				for piece := range slices.Chunk([]byte(body), 7) {
					fmt.Fprintf(&out, "%X;ext=1\r\n%s\r\n", len(piece), piece)
				}
				return out.String() + "0\r\nX-Trailer: 1\r\n\r\n"
			},
			want: []string{"in pieces"},
		},
		{
			name: "chunked and gzip",
			request: func(stream string) string {
				var packed bytes.Buffer
				w := gzip.NewWriter(&packed)
				fmt.Fprintf(w, `{"logGroupName":"agents","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"packed"}]}`, stream, now)
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\ncontent-encoding: GZIP\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\n\r\n%x\r\n%s\r\n0\r\n\r\n",
					packed.Len(), packed.String())
			},
			want: []string{"packed"},
		},
		{
			name: "HTTP/1.0",
			request: func(stream string) string {
				body := fmt.Sprintf(`{"logGroupName":"agents","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"old"}]}`, stream, now)
				return rawRequest([]string{"POST / HTTP/1.0", "X-Amz-Target: Logs_20140328.PutLogEvents"}, body)
			},
			want: []string{"old"},
		},
		{
			name: "no content type, absolute target",
			request: func(stream string) string {
				body := fmt.Sprintf(`{"logGroupName":"agents","logStreamName":%q,"logEvents":[{"timestamp":%d,"message":"proxied"}]}`, stream, now)
				return rawRequest([]string{"POST http://logs.us-east-1.amazonaws.com/ HTTP/1.1", "Host: logs.us-east-1.amazonaws.com", "x-amz-target: Logs_20140328.PutLogEvents"}, body)
			},
			want: []string{"proxied"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stream := fmt.Sprintf("s%d", i)
			if i == 0 {
				create(t, c, "agents", stream)
			} else {
				createStream(t, c, "agents", stream)
			}
			conn := dial(t, s.URL)
			conn.write(tt.request(stream))
			resp, body := conn.answer()
			var got struct{ NextSequenceToken string }
			if err := json.Unmarshal([]byte(body), &got); resp.StatusCode != http.StatusOK || err != nil || got.NextSequenceToken == "" {
				t.Fatalf("HTTP %d: %s (%v), want 200 and a token", resp.StatusCode, body, err)
			}
			for _, name := range []string{"X-Amzn-Requestid", "Date", "Content-Type"} {
				if resp.Header.Get(name) == "" {
					t.Errorf("the answer has no %s", name)
				}
			}
			if got := messages(t.Context(), t, c, "agents", stream); !slices.Equal(got, tt.want) {
				t.Errorf("stored %q, want %q", got, tt.want)
			}
		})
	}
}

// TestConnections checks what agents expect of one connection.
func TestConnections(t *testing.T) {
	s := process.Run(t, process.Options{})
	create(t, logsClient(s.URL, credential{}), "g", "s")
	target := func(operation string) string { return "X-Amz-Target: Logs_20140328." + operation }
	put := fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"m"}]}`, time.Now().UnixMilli())

	t.Run("kept alive through errors", func(t *testing.T) {
		conn := dial(t, s.URL)
		for _, step := range []struct {
			operation, body string
			status          int
			code            string
		}{
			{"PutLogEvents", put, 200, ""},
			{"CreateLogGroup", `{"logGroupName":"g"}`, 400, "ResourceAlreadyExistsException"},
			{"PutLogEvents", put[:40], 400, "SerializationException"},
			{"PutLogEvents", strings.Replace(put, `"s"`, `"t"`, 1), 400, "ResourceNotFoundException"},
			{"PutDataProtectionPolicy", `{}`, 400, "UnknownOperationException"},
			{"NoSuchOperation", `{}`, 400, "UnknownOperationException"},
			{"PutLogEvents", put, 200, ""},
		} {
			conn.write(rawRequest([]string{"POST / HTTP/1.1", "Host: x", target(step.operation)}, step.body))
			resp, body := conn.answer()
			var got struct {
				Type string `json:"__type"`
			}
			if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != step.status || got.Type != step.code || resp.Close {
				t.Fatalf("%s: HTTP %d %s (%v), closing %t; want %d %q on a connection that stays", step.operation, resp.StatusCode, body, err, resp.Close, step.status, step.code)
			}
		}
	})
	t.Run("pipelined", func(t *testing.T) {
		conn := dial(t, s.URL)
		one := rawRequest([]string{"POST / HTTP/1.1", "Host: x", target("PutLogEvents")}, put)
		conn.write(one, one, one)
		for range 3 {
			if resp, body := conn.answer(); resp.StatusCode != 200 {
				t.Fatalf("HTTP %d: %s", resp.StatusCode, body)
			}
		}
	})
	t.Run("expect 100-continue", func(t *testing.T) {
		conn := dial(t, s.URL)
		conn.write("POST / HTTP/1.1\r\nHost: x\r\n", target("PutLogEvents"), "\r\nExpect: 100-continue\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n", len(put)))
		resp, err := http.ReadResponse(conn.in, nil)
		if err != nil || resp.StatusCode != http.StatusContinue {
			t.Fatalf("%v, %v, want 100 Continue", resp, err)
		}
		resp.Body.Close()
		conn.write(put)
		if resp, body := conn.answer(); resp.StatusCode != 200 {
			t.Fatalf("HTTP %d: %s", resp.StatusCode, body)
		}
	})
	t.Run("HTTP/1.0 closes", func(t *testing.T) {
		conn := dial(t, s.URL)
		conn.write(rawRequest([]string{"POST / HTTP/1.0", target("DescribeLogGroups")}, "{}"))
		if resp, body := conn.answer(); resp.StatusCode != 200 {
			t.Fatalf("HTTP %d: %s", resp.StatusCode, body)
		}
		if _, err := conn.in.ReadByte(); err != io.EOF { //nolint:errorlint // a closed connection reads as the bare value
			t.Errorf("after the answer: %v, want the end of the connection", err)
		}
	})
	t.Run("an empty body is an empty request", func(t *testing.T) {
		conn := dial(t, s.URL)
		conn.write(rawRequest([]string{"POST / HTTP/1.1", "Host: x", target("DescribeLogGroups")}, ""))
		if resp, body := conn.answer(); resp.StatusCode != 200 || !strings.Contains(body, `"logGroupName":"g"`) {
			t.Errorf("HTTP %d: %s", resp.StatusCode, body)
		}
	})
	t.Run("no target", func(t *testing.T) {
		conn := dial(t, s.URL)
		conn.write(rawRequest([]string{"POST / HTTP/1.1", "Host: x", "Content-Type: application/x-amz-json-1.1"}, put))
		if resp, body := conn.answer(); resp.StatusCode != 400 || !strings.Contains(body, "UnknownOperationException") {
			t.Errorf("HTTP %d: %s", resp.StatusCode, body)
		}
	})
}
