package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var (
	errUnknown = errors.New("unknown")
	errBroken  = errors.New("catalog is broken")
	now        = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
)

type keys struct{}

func (keys) Lookup(_ context.Context, id string) (string, string, error) {
	switch id {
	case keyID:
		return secret, "123456789012", nil
	case "AKIDBROKEN":
		return "", "", errBroken
	}
	return "", "", errUnknown
}

func verifier() *sigv4.Verifier {
	return &sigv4.Verifier{Keys: keys{}, NotFound: errUnknown, Now: func() time.Time { return now }}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// received turns a client's request into what a server reads off the wire.
func received(t testing.TB, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	in, err := http.ReadRequest(bufioReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func sign(t testing.TB, r *http.Request, body []byte, service, payload string, at time.Time) {
	t.Helper()
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, payload, service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
}

func kind(err error) sigv4.Kind { return sigv4.KindOf(err) }

// randomRequest makes a request with odd paths, queries and headers.
func randomRequest(rng *rand.Rand, service string) (*http.Request, []byte) {
	letters := []rune("abcXYZ019-._~ !*'()$&+,;=:@%/ä日\"<>[]{}|^`\\#?")
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteRune(letters[rng.IntN(len(letters))])
		}
		return b.String()
	}
	body := make([]byte, rng.IntN(200))
	for i := range body {
		body[i] = byte(rng.Uint32())
	}
	r, _ := http.NewRequest([]string{"GET", "POST", "PUT", "DELETE"}[rng.IntN(4)], "http://host.example:8080/", bytes.NewReader(body))
	if service == "s3" || rng.IntN(2) == 0 {
		key := "/bucket/" + word(rng.IntN(12))
		r.URL.Path = key
		r.URL.RawPath = escapeAll(key)
	}
	q := url.Values{}
	for range rng.IntN(4) {
		q.Add(word(1+rng.IntN(4)), word(rng.IntN(6)))
	}
	r.URL.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	for i := range rng.IntN(3) {
		r.Header.Add(fmt.Sprintf("X-Amz-Meta-%c", 'a'+i), "  some   text "+strings.Repeat("x", rng.IntN(5)))
		r.Header.Add(fmt.Sprintf("X-Amz-Meta-%c", 'a'+i), "second")
	}
	r.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
	return r, body
}

func escapeAll(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// The signer of the Go SDK is the oracle: what it signs is accepted, and is
// refused once any part is changed.
func TestHeaderAgainstSDK(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := verifier()
	for i := range 600 {
		service := []string{"s3", "logs"}[i%2]
		r, body := randomRequest(rng, service)
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash(body))
		}
		sign(t, r, body, service, hash(body), now.Add(time.Duration(rng.IntN(240))*time.Second))
		verify := func(in *http.Request) (*sigv4.Auth, error) {
			if service == "s3" {
				return v.VerifyRequest(t.Context(), in)
			}
			return v.Verify(t.Context(), in, body)
		}
		in := received(t, r)
		a, err := verify(in)
		if err != nil {
			t.Fatalf("request %d %s %s: %v", i, r.Method, r.URL, err)
		}
		if a.Account != "123456789012" || a.Region != "us-east-1" || a.Service != service || a.AccessKey != keyID || !a.Verified() {
			t.Fatalf("auth %+v", a)
		}
		tampered := in.Clone(t.Context())
		switch i % 7 {
		case 0:
			tampered.Method = "PATCH"
		case 1:
			tampered.URL.RawQuery += "&extra=1"
		case 2:
			tampered.Header.Set("X-Amz-Target", "Logs_20140328.DeleteLogGroup")
		case 3:
			tampered.Host = "other.example"
		case 4:
			tampered.RequestURI = "/other?" + tampered.URL.RawQuery
		case 5:
			tampered.Header.Set("X-Amz-Date", now.Add(250*time.Second).Format("20060102T150405Z"))
		case 6:
			auth := tampered.Header.Get("Authorization")
			last := auth[len(auth)-1]
			tampered.Header.Set("Authorization", auth[:len(auth)-1]+string("0123456789abcdef"[(strings.IndexByte("0123456789abcdef", last)+1)%16]))
		}
		if _, err := verify(tampered); kind(err) != sigv4.Mismatch {
			t.Fatalf("request %d, change %d: %v", i, i%7, err)
		}
	}
}

func TestBodyIsSigned(t *testing.T) {
	v := verifier()
	for _, withHeader := range []bool{false, true} {
		body := []byte(`{"logGroupName":"g"}`)
		r, _ := http.NewRequest("POST", "http://host/", bytes.NewReader(body))
		if withHeader {
			r.Header.Set("X-Amz-Content-Sha256", hash(body))
		}
		sign(t, r, body, "logs", hash(body), now)
		in := received(t, r)
		if _, err := v.Verify(t.Context(), in, body); err != nil {
			t.Fatal(err)
		}
		want := sigv4.Mismatch
		if withHeader {
			want = sigv4.PayloadMismatch
		}
		if _, err := v.Verify(t.Context(), in, []byte(`{"logGroupName":"h"}`)); kind(err) != want {
			t.Errorf("changed body: %v", err)
		}
	}
}

func TestPresignedAgainstSDK(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range 300 {
		r, _ := randomRequest(rng, "s3")
		expires := 1 + rng.IntN(7*24*3600)
		r.URL.RawQuery = strings.TrimPrefix(r.URL.RawQuery+fmt.Sprintf("&X-Amz-Expires=%d", expires), "&")
		r.Header.Del("X-Amz-Target")
		r.Body, r.ContentLength = nil, 0
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		signed, header, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		at := func(edit func(*http.Request), when time.Time) error {
			out, err := http.NewRequest(r.Method, signed, nil)
			if err != nil {
				t.Fatal(err)
			}
			for n, v := range header {
				out.Header[n] = v
			}
			in := received(t, out)
			edit(in)
			v := verifier()
			v.Now = func() time.Time { return when }
			a, err := v.VerifyRequest(t.Context(), in)
			if err == nil && (!a.Presigned || a.Expires != time.Duration(expires)*time.Second) {
				t.Fatalf("auth %+v", a)
			}
			return err
		}
		same := func(*http.Request) {}
		life := time.Duration(expires) * time.Second
		if err := at(same, now.Add(life)); err != nil {
			t.Fatalf("request %d %s: %v", i, signed, err)
		}
		if err := at(same, now.Add(life+time.Second)); kind(err) != sigv4.Expired {
			t.Fatalf("expired: %v", err)
		}
		if err := at(same, now.Add(-16*time.Minute)); kind(err) != sigv4.NotYetValid {
			t.Fatalf("future: %v", err)
		}
		if err := at(func(in *http.Request) { in.Method = "PATCH" }, now); kind(err) != sigv4.Mismatch {
			t.Fatalf("method: %v", err)
		}
		if err := at(func(in *http.Request) {
			in.URL.RawQuery = strings.Replace(in.URL.RawQuery, fmt.Sprint("X-Amz-Expires=", expires), "X-Amz-Expires=604800", 1)
		}, now); expires != 604800 && kind(err) != sigv4.Mismatch {
			t.Fatalf("longer life: %v", err)
		}
		if err := at(func(in *http.Request) { in.Header.Set("X-Amz-Acl", "private") }, now); kind(err) != sigv4.HeadersNotSigned {
			t.Fatalf("unsigned header: %v", err)
		}
	}
}

func TestRefusals(t *testing.T) {
	scope := "/20260304/us-east-1/logs/aws4_request"
	sig := strings.Repeat("a", 64)
	header := func(auth string) *http.Request {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Date", "20260304T050607Z")
		return r
	}
	full := func(id, scope, signed, sig string) *http.Request {
		return header("AWS4-HMAC-SHA256 Credential=" + id + scope + ", SignedHeaders=" + signed + ", Signature=" + sig)
	}
	presigned := func(edit string) *http.Request {
		q := url.Values{"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {keyID + scope}, "X-Amz-Date": {"20260304T050607Z"},
			"X-Amz-Expires": {"60"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {sig}}
		name, value, _ := strings.Cut(edit, "=")
		if value == "" {
			q.Del(name)
		} else {
			q.Set(name, value)
		}
		return httptest.NewRequest("GET", "/?"+q.Encode(), nil)
	}
	with := func(r *http.Request, name, value string) *http.Request {
		r.Header.Set(name, value)
		return r
	}
	const signed = "host;x-amz-date"
	for name, tt := range map[string]struct {
		r    *http.Request
		want sigv4.Kind
		code string
	}{
		"nothing":             {httptest.NewRequest("POST", "/", nil), sigv4.Missing, "MissingAuthenticationTokenException"},
		"other scheme":        {header("Basic abc"), sigv4.Incomplete, "IncompleteSignatureException"},
		"version 2":           {header("AWS AKID:sig"), sigv4.Unsupported, "IncompleteSignatureException"},
		"presigned version 2": {httptest.NewRequest("GET", "/b/k?AWSAccessKeyId=AKID&Signature=x%3D&Expires=1795565461", nil), sigv4.Unsupported, "IncompleteSignatureException"},
		"version 4a":          {header("AWS4-ECDSA-P256-SHA256 Credential=x"), sigv4.Unsupported, "IncompleteSignatureException"},
		"only the algorithm":  {header("AWS4-HMAC-SHA256"), sigv4.Incomplete, "IncompleteSignatureException"},
		"no signature":        {header("AWS4-HMAC-SHA256 Credential=" + keyID + scope + ", SignedHeaders=host"), sigv4.Incomplete, "IncompleteSignatureException"},
		"twice":               {header("AWS4-HMAC-SHA256 Signature=a, Signature=b"), sigv4.Incomplete, "IncompleteSignatureException"},
		"too long":            {header("AWS4-HMAC-SHA256 " + strings.Repeat("x", 9000)), sigv4.Incomplete, "IncompleteSignatureException"},
		"short scope":         {full(keyID, "/20260304/us-east-1/aws4_request", signed, sig), sigv4.Incomplete, "IncompleteSignatureException"},
		"bad terminal":        {full(keyID, "/20260304/us-east-1/logs/aws5", signed, sig), sigv4.Incomplete, "IncompleteSignatureException"},
		"other day":           {full(keyID, "/20260305/us-east-1/logs/aws4_request", signed, sig), sigv4.Incomplete, "IncompleteSignatureException"},
		"short signature":     {full(keyID, scope, signed, "abc"), sigv4.Incomplete, "IncompleteSignatureException"},
		"bad date":            {with(full(keyID, scope, signed, sig), "X-Amz-Date", "yesterday"), sigv4.Incomplete, "IncompleteSignatureException"},
		"host not signed":     {full(keyID, scope, "x-amz-date", sig), sigv4.HeadersNotSigned, "InvalidSignatureException"},
		"target not signed":   {with(full(keyID, scope, signed, sig), "X-Amz-Target", "x"), sigv4.HeadersNotSigned, "InvalidSignatureException"},
		"unknown key":         {full("AKIDNOBODY", scope, signed, sig), sigv4.UnknownKey, "UnrecognizedClientException"},
		"token":               {with(full(keyID, scope, signed+";x-amz-security-token", sig), "X-Amz-Security-Token", "t"), sigv4.InvalidToken, "UnrecognizedClientException"},
		"too old":             {with(full(keyID, scope, signed, sig), "X-Amz-Date", "20260304T050106Z"), sigv4.Skewed, "InvalidSignatureException"},
		"just old enough":     {with(full(keyID, scope, signed, sig), "X-Amz-Date", "20260304T050107Z"), sigv4.Mismatch, "InvalidSignatureException"},
		"too new":             {with(full(keyID, scope, signed, sig), "X-Amz-Date", "20260304T051108Z"), sigv4.Skewed, "InvalidSignatureException"},
		"just new enough":     {with(full(keyID, scope, signed, sig), "X-Amz-Date", "20260304T051107Z"), sigv4.Mismatch, "InvalidSignatureException"},
		"both forms":          {with(presigned("x=y"), "Authorization", "AWS4-HMAC-SHA256 x"), sigv4.Incomplete, "IncompleteSignatureException"},
		"presigned":           {presigned("x=y"), sigv4.Mismatch, "InvalidSignatureException"},
		"no expiry":           {presigned("X-Amz-Expires="), sigv4.IncompleteQuery, "IncompleteSignatureException"},
		"expiry not a number": {presigned("X-Amz-Expires=soon"), sigv4.IncompleteQuery, "IncompleteSignatureException"},
		"a week":              {presigned("X-Amz-Expires=604800"), sigv4.Mismatch, "InvalidSignatureException"},
		"more than a week":    {presigned("X-Amz-Expires=604801"), sigv4.IncompleteQuery, "IncompleteSignatureException"},
		"negative":            {presigned("X-Amz-Expires=-1"), sigv4.IncompleteQuery, "IncompleteSignatureException"},
		"other algorithm":     {presigned("X-Amz-Algorithm=AWS4-X"), sigv4.Unsupported, "IncompleteSignatureException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verifier().Verify(t.Context(), tt.r, nil)
			e, ok := errors.AsType[*sigv4.Error](err)
			if !ok || e.Kind != tt.want {
				t.Fatalf("error %v, want kind %d", err, tt.want)
			}
			if code, status := e.JSON(); code != tt.code || status != 400 {
				t.Errorf("JSON error %s %d, want %s", code, status, tt.code)
			}
		})
	}
	if _, err := verifier().Verify(t.Context(), full("AKIDBROKEN", scope, signed, sig), nil); !errors.Is(err, errBroken) || kind(err) != 0 {
		t.Errorf("a failing lookup gives %v", err)
	}
}

// Every kind has a rendering in each protocol.
func TestRenderings(t *testing.T) {
	for k := sigv4.Missing; k <= sigv4.UnsupportedChecksum; k++ {
		e := &sigv4.Error{Kind: k, Message: "m"}
		for _, render := range []func() (string, int){e.S3, e.JSON, e.Query} {
			if code, status := render(); code == "" || status < 400 || status > 499 {
				t.Errorf("kind %d: %q %d", k, code, status)
			}
		}
	}
	for k, want := range map[sigv4.Kind]string{
		sigv4.Missing: "AccessDenied", sigv4.Mismatch: "SignatureDoesNotMatch", sigv4.UnknownKey: "InvalidAccessKeyId",
		sigv4.Skewed: "RequestTimeTooSkewed", sigv4.Expired: "AccessDenied", sigv4.BadDigest: "BadDigest",
	} {
		if code, _ := (&sigv4.Error{Kind: k}).S3(); code != want {
			t.Errorf("kind %d is %s in S3, want %s", k, code, want)
		}
	}
}

func BenchmarkVerify1MiB(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	r, _ := http.NewRequest("POST", "http://host/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
	sign(b, r, body, "logs", hash(body), now)
	in := received(b, r)
	_, _ = io.Copy(io.Discard, in.Body)
	v := verifier()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), in, body); err != nil {
			b.Fatal(err)
		}
	}
}
