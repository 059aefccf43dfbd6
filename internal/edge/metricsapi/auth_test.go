package metricsapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
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

// A signature covers the path and the compressed body of CBOR.
func TestSignatures(t *testing.T) {
	ctx := context.Background()
	s := newStack(t)
	o := awshttp.Options{Auth: awshttp.Required(&sigv4.Verifier{Keys: oneKey{}, NotFound: errNoKey})}
	srv := httptest.NewServer(awshttp.NewRouter(awshttp.RouterOptions{
		JSON: awshttp.NewHandler(o, s.service.RPC()), Query: awshttp.NewQueryHandler(o, s.service.Query()),
		Admin: http.NotFoundHandler(), S3: http.NotFoundHandler(),
	}))
	t.Cleanup(srv.Close)
	client := func(secret string) *cw.Client {
		return cw.New(cw.Options{
			Region: region, BaseEndpoint: &srv.URL, RetryMaxAttempts: 1, RequestMinCompressSizeBytes: 1,
			Credentials: credentials.NewStaticCredentialsProvider("AKID", secret, ""),
		})
	}
	in := &cw.PutMetricDataInput{Namespace: ptr("App"), MetricData: []types.MetricDatum{{MetricName: ptr("m"), Value: ptr(1.0)}}}
	_, err := client("secret").PutMetricData(ctx, in)
	ok(t, "put", err)
	_, err = client("wrong").PutMetricData(ctx, in)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("a wrong secret: got %v", err)
	}
	s.url = srv.URL
	s.query(t, "ListMetrics").contains(t, "unsigned query", 403, "<Code>MissingAuthenticationToken</Code>")
	s.json(t, "ListMetrics", "{}").contains(t, "unsigned JSON", 400, "MissingAuthenticationTokenException")
}
