// Package cumulogtest runs a Cumulog server inside a Go test:
//
//	srv := cumulogtest.New(t)
//	client := cloudwatchlogs.NewFromConfig(srv.Config())
//
// The server is the real one: it listens on a free loopback port, keeps its data durably in a directory of the test, and is
// stopped when the test ends. It accepts any credentials.
package cumulogtest

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cumulog/cumulog/internal/config"
	"github.com/cumulog/cumulog/internal/platform/telemetry"
	"github.com/cumulog/cumulog/internal/server"
)

// Account is the account id of the server's callers.
const Account = "000000000000"

// Region is the region that Config signs for.
const Region = "us-east-1"

// Server is a running server. It may be used by several goroutines.
type Server struct {
	// URL is the endpoint of every API, without a trailing slash.
	URL string
}

// New starts a server for t and stops it when t and its subtests have ended. A server that does not start, or does not stop
// cleanly, fails the test. Servers are independent of one another, so tests that run in parallel each take their own.
func New(t testing.TB) *Server {
	t.Helper()
	cfg := config.Default()
	cfg.Listen = "127.0.0.1:0"
	cfg.Data = t.TempDir()
	cfg.Account = Account
	cfg.Region = Region
	cfg.Memory = 256 << 20
	s, err := server.Open(t.Context(), server.Options{Config: cfg, Logger: telemetry.Discard(), Version: "test"})
	if err != nil {
		t.Fatalf("starting cumulog: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("stopping cumulog: %v", err)
		}
	})
	return &Server{URL: s.URL()}
}

// Config returns an SDK configuration that reaches the server and nothing else: endpoint, region and placeholder credentials. S3
// clients need path-style addressing besides: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).
func (s *Server) Config() aws.Config {
	return aws.Config{
		BaseEndpoint: aws.String(s.URL),
		Region:       Region,
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:   &http.Client{Transport: &http.Transport{Proxy: nil}},
	}
}
