package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/pflag"
)

const defaultEndpoint = "http://127.0.0.1:4566"

// remote is how commands that speak the wire API find the server.
type remote struct {
	endpoint, region string
}

func (r *remote) bind(flags *pflag.FlagSet) {
	flags.StringVar(&r.endpoint, "endpoint", "", "base URL of the server [$CUMULOG_ENDPOINT, $AWS_ENDPOINT_URL, else "+defaultEndpoint+"]")
	flags.StringVar(&r.region, "region", "", "region to sign for [$AWS_REGION, else us-east-1]")
}

// url is the endpoint without a trailing slash.
func (r *remote) url() string {
	for _, v := range []string{r.endpoint, os.Getenv("CUMULOG_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"), os.Getenv("AWS_ENDPOINT_URL"), defaultEndpoint} {
		if v != "" {
			return strings.TrimRight(v, "/")
		}
	}
	return defaultEndpoint
}

// isURL reports whether an endpoint is one that clients can use.
func isURL(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

// logs builds a client of the logs API.
func (r *remote) logs(ctx context.Context) (*cloudwatchlogs.Client, error) {
	cfg, err := r.config(ctx)
	if err != nil {
		return nil, err
	}
	return cloudwatchlogs.NewFromConfig(cfg), nil
}

// config is what clients of the server are built from. Without credentials in the environment or a profile they sign with a
// placeholder, which servers with --auth open accept.
func (r *remote) config(ctx context.Context) (aws.Config, error) {
	base := r.url()
	if !isURL(base) {
		return aws.Config{}, usageError("endpoint %q is not an http or https URL", base)
	}
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithEC2IMDSClientEnableState(1), // disabled: no metadata service stands behind this command
		awsconfig.WithBaseEndpoint(base),
		awsconfig.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 8, 5*time.Second })
		}),
	}
	if r.region != "" {
		options = append(options, awsconfig.WithRegion(r.region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Credentials == nil {
		cfg.Credentials = placeholder()
	} else if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		cfg.Credentials = placeholder()
	}
	return cfg, nil
}

func placeholder() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider("cumulog", "cumulog", "")
}

// get fetches a small document of the server's own pages.
func (r *remote) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url()+path, nil)
	if err != nil {
		return nil, usageError("endpoint %q is not a URL", r.url())
	}
	return http.DefaultClient.Do(req)
}
