package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// caller sends signed calls. It is safe for concurrent use.
type caller struct {
	url    string
	key    aws.Credentials
	signer *v4.Signer
	http   *http.Client
}

func newCaller(url string, key aws.Credentials, connections int) *caller {
	return &caller{url: url, key: key, signer: v4.NewSigner(), http: &http.Client{Transport: &http.Transport{
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10, DisableCompression: true,
	}}}
}

// createKey makes an access key with the command that users have.
func createKey(ctx context.Context, binary, dir string) (aws.Credentials, error) {
	out, err := exec.CommandContext(ctx, binary, "keys", "create", "--data", dir).Output()
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("cumulog keys create: %w", err)
	}
	var c aws.Credentials
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		switch name {
		case "AWS_ACCESS_KEY_ID":
			c.AccessKeyID = value
		case "AWS_SECRET_ACCESS_KEY":
			c.SecretAccessKey = value
		}
	}
	if !c.HasKeys() {
		return c, fmt.Errorf("cumulog keys create printed no key: %q", out)
	}
	return c, nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// call sends one call and returns the answer and how long it took from the first byte sent to the last one received. dst is
// reused for the answer. An answer other than 200 is an error.
func (c *caller) call(ctx context.Context, operation string, body []byte, hash string, dst *bytes.Buffer) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	now := time.Now()
	if err := c.signer.SignHTTP(ctx, c.key, req, hash, "logs", "us-east-1", now); err != nil {
		return 0, fmt.Errorf("signing %s: %w", operation, err)
	}
	begin := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", operation, err)
	}
	defer resp.Body.Close()
	dst.Reset()
	if _, err := io.Copy(dst, resp.Body); err != nil {
		return 0, fmt.Errorf("reading the answer of %s: %w", operation, err)
	}
	took := time.Since(begin)
	if resp.StatusCode != http.StatusOK {
		return took, fmt.Errorf("%s: HTTP %d: %s", operation, resp.StatusCode, dst.String())
	}
	return took, nil
}

// do is call for control calls, without a prepared hash.
func (c *caller) do(ctx context.Context, operation, body string) ([]byte, time.Duration, error) {
	var out bytes.Buffer
	took, err := c.call(ctx, operation, []byte(body), hashOf([]byte(body)), &out)
	return out.Bytes(), took, err
}
