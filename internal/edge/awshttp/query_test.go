package awshttp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

func queryServer(t *testing.T, auth awshttp.Authenticator) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(awshttp.NewQueryHandler(awshttp.Options{Auth: auth}, awshttp.QueryService{
		SigningName: "sts", Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		MapError: func(err error) *awsproto.Error {
			if errors.Is(err, errDomain) {
				return &awsproto.Error{Code: "NoSuchEntity", Message: "gone", Status: 404}
			}
			return nil
		},
		Operations: map[string]awshttp.QueryOperation{
			"Echo": func(ctx context.Context, form *awsproto.Form, dst []byte) ([]byte, error) {
				dst = awsproto.AppendXMLElement(dst, "Account", awshttp.CallerFrom(ctx).Scope.Account)
				return awsproto.AppendXMLElement(dst, "Text", form.Get("Text")), nil
			},
			"Missing": func(context.Context, *awsproto.Form, []byte) ([]byte, error) { return nil, errDomain },
			"Broken":  func(context.Context, *awsproto.Form, []byte) ([]byte, error) { return nil, errors.New("secret cause") },
			"Panic":   func(context.Context, *awsproto.Form, []byte) ([]byte, error) { panic("secret cause") },
		},
	}))
	t.Cleanup(s.Close)
	return s
}

func fetch(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != "text/xml" {
		t.Errorf("content type %q", got)
	}
	if id := resp.Header.Get("x-amzn-RequestId"); id == "" || !strings.Contains(string(body), "<RequestId>"+id+"</RequestId>") {
		t.Errorf("request id %q is not in %s", id, body)
	}
	return resp.StatusCode, string(body)
}

func TestQuery(t *testing.T) {
	s := queryServer(t, awshttp.Open("000000000000", ""))
	check := func(method, query, body string, wantStatus int, want string) {
		t.Helper()
		req, err := http.NewRequest(method, s.URL+"/?"+query, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		status, text := fetch(t, req)
		if status != wantStatus || !strings.Contains(text, want) || strings.Contains(text, "secret cause") {
			t.Errorf("%s %s %.80s: got %d %s, want %d %s", method, query, body, status, text, wantStatus, want)
		}
	}
	const version = "&Version=2011-06-15"
	check("POST", "", "Action=Echo&Text=%3Ca%26"+version, 200,
		`<EchoResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><EchoResult><Account>000000000000</Account><Text>&lt;a&amp;</Text></EchoResult><ResponseMetadata><RequestId>`)
	check("GET", "Action=Echo&Text=x"+version, "", 200, "<Text>x</Text>")
	check("POST", "", "Action=Missing"+version, 404, "<Type>Sender</Type><Code>NoSuchEntity</Code>")
	check("POST", "", "Action=Broken"+version, 500, "<Type>Receiver</Type><Code>InternalFailure</Code>")
	check("POST", "", "Action=Panic"+version, 500, "<Code>InternalFailure</Code>")
	check("POST", "", "Action=Unknown"+version, 400, "<Code>InvalidAction</Code><Message>Operation Unknown is not supported by this server.</Message>")
	check("POST", "", "Action=Echo", 400, "<Code>InvalidAction</Code>") // unsigned, so nothing tells the service
	check("POST", "", "Action=%3Cscript%3E"+version, 400, "&lt;script&gt;")
	check("DELETE", "Action=Echo"+version, "", 400, "<Code>MalformedInput</Code>")
	check("POST", "", "Action=Echo&Text="+strings.Repeat("x", 1<<20)+version, 413, "<Code>RequestEntityTooLargeException</Code>")
}

func TestQueryRequiredAuth(t *testing.T) {
	s := queryServer(t, awshttp.Required(&sigv4.Verifier{Keys: keys{"AKID": "secret"}, NotFound: errNoKey}))
	check := func(secret, service, form string, wantStatus int, want string) {
		t.Helper()
		req, err := http.NewRequest("POST", s.URL+"/", bytes.NewReader([]byte(form)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if secret != "" {
			sum := sha256.Sum256([]byte(form))
			if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret},
				req, hex.EncodeToString(sum[:]), service, "us-east-1", time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if status, text := fetch(t, req); status != wantStatus || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want %d %s", form, status, text, wantStatus, want)
		}
	}
	check("secret", "sts", "Action=Echo&Version=2011-06-15", 200, "<Account>210987654321</Account>")
	check("secret", "sts", "Action=Echo", 200, "<Account>210987654321</Account>") // the scope tells the service
	check("wrong", "sts", "Action=Echo&Version=2011-06-15", 403, "<Code>SignatureDoesNotMatch</Code>")
	check("secret", "s3", "Action=Echo&Version=2011-06-15", 403, "<Code>SignatureDoesNotMatch</Code>")
	check("", "", "Action=Echo&Version=2011-06-15", 403, "<Code>MissingAuthenticationToken</Code>")

	// A presigned GetCallerIdentity-style URL.
	req, err := http.NewRequest("GET", s.URL+"/?Action=Echo&Text=signed&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"},
		req, hex.EncodeToString(empty[:]), "sts", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if req, err = http.NewRequest("GET", signed, nil); err != nil {
		t.Fatal(err)
	}
	if status, text := fetch(t, req); status != 200 || !strings.Contains(text, "<Text>signed</Text>") {
		t.Errorf("presigned: got %d %s", status, text)
	}
}

// A client that asks first is refused before it sends a body over the limit.
func TestExpectContinueOverLimit(t *testing.T) {
	f := openServer(t)
	sent := false
	body := readerFunc(func(p []byte) (int, error) {
		sent = true
		return len(p), nil
	})
	req, err := http.NewRequest("POST", f.URL+"/", io.LimitReader(body, 30<<20))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 30 << 20
	req.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
	req.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 413 || sent {
		t.Errorf("got %d, body sent: %v", resp.StatusCode, sent)
	}
}

// A body too long to be thrown away is refused before it arrives.
func TestHugeBodyIsRefusedAtOnce(t *testing.T) {
	f := openServer(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Logs_20140328.PutLogEvents\r\nContent-Length: %d\r\n\r\n", int64(1)<<40)
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 413 || !resp.Close {
		t.Errorf("got %d, connection closed: %v", resp.StatusCode, resp.Close)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
