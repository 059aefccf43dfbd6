package s3api_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cumulog/cumulog/internal/edge/s3api"
	"github.com/cumulog/cumulog/internal/edge/sigv4"
	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/objstore/objstoretest"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/objects"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var errUnknown = errors.New("unknown key")

type keys map[string]string

func (k keys) Lookup(_ context.Context, id string) (string, string, error) {
	if s, ok := k[id]; ok {
		account := "000000000000"
		if id != keyID {
			account = "111111111111"
		}
		return s, account, nil
	}
	return "", "", errUnknown
}

type server struct {
	*httptest.Server
	store objstore.Store
}

// start serves S3 over files in memory; required turns signatures on.
func start(t *testing.T, required bool) *server { return startOn(t, required, vfs.NewMem(), "objects") }

func startOn(t *testing.T, required bool, fsys vfs.FS, dir string) *server {
	t.Helper()
	store, err := objstore.OpenLocal(t.Context(), objstore.LocalOptions{FS: fsys, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	o := s3api.Options{Objects: objects.New(store), Account: "000000000000", Domains: []string{"s3.test"}, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if required {
		o.Verifier = &sigv4.Verifier{Keys: keys{keyID: secret, "AKIDOTHER": "other"}, NotFound: errUnknown}
	}
	srv := httptest.NewServer(s3api.New(o))
	t.Cleanup(srv.Close)
	return &server{srv, store}
}

func (s *server) client(region string, edit ...func(*s3.Options)) *s3.Client {
	o := s3.Options{
		Region: region, BaseEndpoint: aws.String(s.URL), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""), HTTPClient: s.Server.Client(),
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	for _, e := range edit {
		e(&o)
	}
	return s3.New(o)
}

// code is the S3 error code in err, or the status of an answer without body.
func code(err error) string {
	if err == nil {
		return ""
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
		return api.ErrorCode()
	}
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) {
		return http.StatusText(resp.HTTPStatusCode())
	}
	return err.Error()
}

func wantCode(t *testing.T, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Errorf("error %q (%v), want %q", got, err, want)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readAll(t *testing.T, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	data, err := io.ReadAll(r)
	ok(t, err)
	return string(data)
}

// The remote store, pointed at our own S3, passes the suite of all stores: this
// closes the loop over client, signatures, XML and files.
func TestRemoteStore(t *testing.T) {
	objstoretest.Run(t, func(t *testing.T) objstore.Store {
		srv := start(t, true)
		r, err := objstore.NewRemote(objstore.RemoteOptions{
			Endpoint: srv.URL, Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""), PathStyle: true,
		})
		ok(t, err)
		return r
	})
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
