package wire_test

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/cumulog/cumulog/test/process"
)

// createKey makes a key with the command that users have.
func createKey(t *testing.T, data, account string) credential {
	t.Helper()
	out, err := exec.Command(process.Binary(t), "keys", "create", "--data", data, "--account", account).Output()
	if err != nil {
		t.Fatalf("cumulog keys create: %v", err)
	}
	var c credential
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch name {
		case "export AWS_ACCESS_KEY_ID":
			c.id = value
		case "export AWS_SECRET_ACCESS_KEY":
			c.secret = value
		}
	}
	if c.id == "" || c.secret == "" {
		t.Fatalf("cumulog keys create printed %q", out)
	}
	return c
}

func TestRequiredAuthentication(t *testing.T) {
	data := t.TempDir()
	good := createKey(t, data, "123456789012")
	s := process.Run(t, process.Options{Data: data, Args: []string{"--auth", "required"}})
	ctx := t.Context()
	describe := func(c credential) error {
		_, err := logsClient(s.URL, c).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
		return err
	}

	if err := describe(good); err != nil {
		t.Errorf("a good key: %v", err)
	}
	who, err := sts.NewFromConfig(awsConfig(s.URL, good)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || aws.ToString(who.Account) != "123456789012" {
		t.Errorf("caller identity %+v, %v; want the account of the key", who, err)
	}
	if got := codeOf(describe(credential{good.id, good.secret + "x"})); got != "InvalidSignatureException" {
		t.Errorf("a wrong secret: %s", got)
	}
	if got := codeOf(describe(credential{"AKIAAAAAAAAAAAAAAAAA", "x"})); got != "UnrecognizedClientException" {
		t.Errorf("an unknown key: %s", got)
	}
	bucket := s3.NewFromConfig(awsConfig(s.URL, credential{good.id, "wrong"}), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := bucket.ListBuckets(ctx, &s3.ListBucketsInput{}); codeOf(err) != "SignatureDoesNotMatch" {
		t.Errorf("S3 with a wrong secret: %s", codeOf(err))
	}

	t.Run("key made and deleted while running", func(t *testing.T) {
		k := createKey(t, data, "210987654321")
		if err := describe(k); err != nil {
			t.Errorf("a new key: %v", err)
		}
		if out, err := exec.Command(process.Binary(t), "keys", "delete", k.id, "--data", data).CombinedOutput(); err != nil {
			t.Fatalf("cumulog keys delete: %v: %s", err, out)
		}
		if got := codeOf(describe(k)); got != "UnrecognizedClientException" {
			t.Errorf("a deleted key: %s", got)
		}
	})
	t.Run("accounts do not see each other", func(t *testing.T) {
		other := createKey(t, data, "999999999999")
		create(t, logsClient(s.URL, good), "mine", "s")
		out, err := logsClient(s.URL, other).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
		if err != nil || len(out.LogGroups) != 0 {
			t.Errorf("another account sees %v, %v", out, err)
		}
	})
	t.Run("skewed clock", func(t *testing.T) {
		for _, c := range []struct {
			name   string
			offset time.Duration
			want   int
		}{{"4 minutes late", -4 * time.Minute, 200}, {"6 minutes late", -6 * time.Minute, 400}, {"6 minutes early", 6 * time.Minute, 400}} {
			resp := signed(t, s.URL, good, "DescribeLogGroups", []byte("{}"), time.Now().Add(c.offset))
			if resp.StatusCode != c.want && !(c.want == 400 && resp.StatusCode == 403) {
				t.Errorf("%s: HTTP %d", c.name, resp.StatusCode)
			}
			if resp.Header.Get("Date") == "" {
				t.Errorf("%s: no Date, by which SDKs correct their clock", c.name)
			}
		}
	})
	t.Run("unsigned", func(t *testing.T) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "Logs_20140328.DescribeLogGroups")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		raw, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(raw), "MissingAuthenticationToken") {
			t.Errorf("answer %s, %v", raw, err)
		}
	})
}

// signed sends one call signed at a given time and returns the answer, its body closed.
func signed(t *testing.T, url string, c credential, operation string, body []byte, at time.Time) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	key := aws.Credentials{AccessKeyID: c.id, SecretAccessKey: c.secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), key, req, hashOf(body), "logs", "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

func TestNoKeysNoStart(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--auth", "required"}, "at least one access key"},
		{[]string{"--listen", "0.0.0.0:0"}, "--auth required and at least one key"},
	} {
		args := append([]string{"serve", "--data", t.TempDir()}, c.args...)
		out, err := exec.Command(process.Binary(t), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "hint:") {
			t.Errorf("serve %v: %v, printed %s; want %q and a hint", c.args, err, out, c.want)
		}
	}
}
