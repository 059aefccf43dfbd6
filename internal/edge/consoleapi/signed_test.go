package consoleapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/consoleapi"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

var errNoKey = errors.New("no such key")

type oneKey struct{}

func (oneKey) Lookup(_ context.Context, id string) (secret, owner string, err error) {
	if id != "AKID" {
		return "", "", errNoKey
	}
	return "secret", account, nil
}

// A call is signed for the service logs and for its path; the target is no header
// of it, or it is one that the client signed.
func TestSignedCalls(t *testing.T) {
	api := consoleapi.New(nil, nil, nil, nil, nil).Service()
	calls := awshttp.NewHandler(awshttp.Options{Auth: awshttp.Required(&sigv4.Verifier{Keys: oneKey{}, NotFound: errNoKey})}, api)
	srv := httptest.NewServer(awshttp.ByPath("/_/api/", api, calls, http.NotFoundHandler()))
	t.Cleanup(srv.Close)
	const body = `{"filterPattern":"a","messages":["a"]}`
	send := func(change string, secret, service string, before, after func(*http.Request), status int, want string) {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, srv.URL+"/_/api/ExplainPattern", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			before(r)
		}
		if secret != "" {
			sum := sha256.Sum256([]byte(body))
			key := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: secret}
			if err := v4.NewSigner().SignHTTP(t.Context(), key, r, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		if after != nil {
			after(r)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != status || !strings.Contains(string(got), want) {
			t.Errorf("%s: %s %s, want %d and %s", change, resp.Status, got, status, want)
		}
	}
	target := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Amz-Target", name) }
	}
	send("signed", "secret", "logs", nil, nil, 200, `"matched":true`)
	send("with a signed target", "secret", "logs", target("Cumulog.ExplainPattern"), nil, 200, `"matched":true`)
	send("the path counts", "secret", "logs", target("Cumulog.CountEvents"), nil, 200, `"matched":true`)
	send("with a target that is not signed", "secret", "logs", nil, target("Cumulog.ExplainPattern"), 400, "not signed")
	send("unsigned", "", "logs", nil, nil, 400, "MissingAuthenticationToken")
	send("with another secret", "other", "logs", nil, nil, 400, "InvalidSignatureException")
	send("for another service", "secret", "s3", nil, nil, 400, "InvalidSignatureException")
	send("for another path", "secret", "logs", nil, func(r *http.Request) { r.URL.Path = "/_/api/SearchEvents" }, 400, "InvalidSignatureException")
}
