package awshttp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

// signed sends a CreateLogGroup call that is signed by the official signer.
func (f *fixture) signed(t *testing.T, key, secret, service, region string, change func(*http.Request)) (int, string) {
	t.Helper()
	body := []byte(`{"logGroupName":"g"}`)
	req, err := http.NewRequest("POST", f.URL+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Logs_20140328.CreateLogGroup")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret},
		req, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	headers := []string{}
	for name, values := range req.Header {
		headers = append(headers, name, values[0])
	}
	status, text, _ := f.send(t, "POST", "Logs_20140328.CreateLogGroup", bytes.NewReader(body), headers...)
	return status, text
}

func TestOpenAuth(t *testing.T) {
	f := openServer(t)
	check := func(key, region, want string) {
		t.Helper()
		status, text := f.signed(t, key, "any", "logs", region, nil)
		if got := f.takeCalls(); status != 200 || got != want {
			t.Errorf("%s in %s: got %d %s, ran %q, want %q", key, region, status, text, got, want)
		}
	}
	check("AKID", "eu-central-1", "CreateLogGroup g as 000000000000/eu-central-1/AKID")
	check("111122223333", "us-gov-west-1", "CreateLogGroup g as 111122223333/us-gov-west-1/111122223333")
	check("11112222333x", "us-east-1", "CreateLogGroup g as 000000000000/us-east-1/11112222333x")

	status, text := f.signed(t, "AKID", "any", "s3", "us-east-1", nil)
	if status != 400 || !strings.Contains(text, "InvalidSignatureException") || !strings.Contains(text, "scoped to correct service: 'logs'") {
		t.Errorf("other service: got %d %s", status, text)
	}
	status, text = f.signed(t, "AKID", "any", "logs", "Bad_Region", nil)
	if status != 400 || !strings.Contains(text, "IncompleteSignatureException") {
		t.Errorf("bad region: got %d %s", status, text)
	}
	status, text = f.signed(t, "AKID", "any", "logs", "us-east-1", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense") })
	if status != 400 || !strings.Contains(text, "IncompleteSignatureException") {
		t.Errorf("broken header: got %d %s", status, text)
	}
}

var errNoKey = errors.New("no such key")

type keys map[string]string

func (k keys) Lookup(_ context.Context, id string) (secret, account string, err error) {
	if id == "BROKEN" {
		return "", "", errors.New("the catalog is gone")
	}
	if k[id] == "" {
		return "", "", errNoKey
	}
	return k[id], "210987654321", nil
}

func TestRequiredAuth(t *testing.T) {
	f := start(t, awshttp.Required(&sigv4.Verifier{Keys: keys{"AKID": "secret"}, NotFound: errNoKey}))
	status, text := f.signed(t, "AKID", "secret", "logs", "us-west-2", nil)
	if got, want := f.takeCalls(), "CreateLogGroup g as 210987654321/us-west-2/AKID"; status != 200 || got != want {
		t.Errorf("got %d %s, ran %q", status, text, got)
	}
	check := func(key, secret, service string, wantStatus int, want string, change func(*http.Request)) {
		t.Helper()
		status, text := f.signed(t, key, secret, service, "us-west-2", change)
		if status != wantStatus || !strings.Contains(text, `"__type":"`+want+`"`) {
			t.Errorf("%s: got %d %s, want %d %s", key, status, text, wantStatus, want)
		}
		if calls := f.takeCalls(); calls != "" {
			t.Errorf("the refused request ran: %s", calls)
		}
	}
	check("AKID", "wrong", "logs", 400, "InvalidSignatureException", nil)
	check("OTHER", "secret", "logs", 400, "UnrecognizedClientException", nil)
	check("AKID", "secret", "s3", 400, "InvalidSignatureException", nil)
	check("BROKEN", "secret", "logs", 500, "InternalFailure", nil)
	if !strings.Contains(f.log.String(), "the catalog is gone") {
		t.Error("the cause is not in the log")
	}
	f.refuses(t, "POST", "Logs_20140328.CreateLogGroup", strings.NewReader("{}"), 400, "MissingAuthenticationTokenException", "")
	// Nobody learns without credentials which operations exist.
	f.refuses(t, "POST", "Logs_20140328.Nonsense", strings.NewReader("{}"), 400, "MissingAuthenticationTokenException", "")
	f.refuses(t, "POST", "", strings.NewReader("{}"), 400, "MissingAuthenticationTokenException", "")
}
