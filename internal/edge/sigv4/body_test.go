package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

func bufioReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }

// documented is the chunked upload of the S3 documentation ("Signature
// calculations for the authorization header: transferring payload in multiple
// chunks"): 66,560 bytes of 'a' in chunks of 64 KiB.
func documented(body string) (*http.Request, *sigv4.Verifier) {
	r := httptest.NewRequest("PUT", "/examplebucket/chunkObject.txt", strings.NewReader(body))
	r.Host = "s3.amazonaws.com"
	for name, value := range map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": "66560", "Content-Length": "66824",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + docKey + "/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	} {
		r.Header.Set(name, value)
	}
	r.ContentLength = int64(len(body))
	v := &sigv4.Verifier{Keys: docKeys{}, NotFound: errUnknown, Now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }}
	return r, v
}

const docBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n%s\r\n" +
	"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n%s\r\n" +
	"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"

func TestDocumentedChunks(t *testing.T) {
	good := fmt.Sprintf(docBody, strings.Repeat("a", 65536), strings.Repeat("a", 1024))
	read := func(body string) (string, error) {
		r, v := documented(body)
		a, err := v.VerifyRequest(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sigv4.NewBody(r, a, sigv4.BodyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(iotest.HalfReader(b))
		return string(data), err
	}
	data, err := read(good)
	if err != nil || data != strings.Repeat("a", 66560) {
		t.Fatalf("%d bytes, %v", len(data), err)
	}
	for name, body := range map[string]string{
		"first chunk":      strings.Replace(good, "aaaa", "aaba", 1),
		"second chunk":     strings.Replace(good, "a\r\n0;", "b\r\n0;", 1),
		"first signature":  strings.Replace(good, "ad80c", "ad80d", 1),
		"second signature": strings.Replace(good, "00556", "10556", 1),
		"last signature":   strings.Replace(good, "b6c6e", "b6c6f", 1),
	} {
		if _, err := read(body); kind(err) != sigv4.Mismatch {
			t.Errorf("%s changed: %v", name, err)
		}
	}
	for cut := len(good) - 1; cut > 0; cut -= 97 {
		if _, err := read(good[:cut]); kind(err) != sigv4.IncompleteBody && cut != len(good)-2 {
			t.Errorf("cut at %d of %d: %v", cut, len(good), err)
		}
	}
	for name, body := range map[string]string{"bytes behind": good + "x", "reordered": "400;" + good[5:], "no size": ";" + good, "sign": "+" + good, "long line": strings.Repeat("0", 300) + good} {
		if _, err := read(body); kind(err) != sigv4.IncompleteBody {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func mac(key []byte, lines ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(strings.Join(lines, "\n")))
	return h.Sum(nil)
}

// chunked signs chunks by hand, with a signed trailer.
func chunked(t *testing.T, chunks []string, trailer string) (*http.Request, string) {
	size := 0
	for _, c := range chunks {
		size += len(c)
	}
	r, _ := http.NewRequest("PUT", "http://host/b/k", strings.NewReader("replaced"))
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")
	r.Header.Set("X-Amz-Decoded-Content-Length", fmt.Sprint(size))
	r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32c")
	r.ContentLength = -1
	sign(t, r, nil, "s3", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", now)
	auth := r.Header.Get("Authorization")
	previous := auth[len(auth)-64:]
	stamp, scope := now.Format("20060102T150405Z"), now.Format("20060102")+"/us-east-1/s3/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+secret), now.Format("20060102")), "us-east-1"), "s3"), "aws4_request")
	var body strings.Builder
	for _, c := range append(chunks, "") {
		previous = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, previous, hash(nil), hash([]byte(c))))
		fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s", len(c), previous, c)
		if c != "" {
			body.WriteString("\r\n")
		}
	}
	sig := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256-TRAILER", stamp, scope, previous, hash([]byte(trailer+"\n"))))
	body.WriteString(trailer + "\r\nx-amz-trailer-signature:" + sig + "\r\n\r\n")
	return r, body.String()
}

func TestSignedTrailer(t *testing.T) {
	crc := sigv4.CRC32C.New()
	crc.Write([]byte("hello world"))
	sum := base64.StdEncoding.EncodeToString(crc.Sum(nil))
	trailer := "x-amz-checksum-crc32c:" + sum
	read := func(r *http.Request, body string) (*sigv4.Body, string, error) {
		in := r.Clone(t.Context())
		in.RequestURI, in.Body = "/b/k", io.NopCloser(strings.NewReader(body))
		a, err := verifier().VerifyRequest(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := sigv4.NewBody(in, a, sigv4.BodyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(b)
		return b, string(data), err
	}
	r, body := chunked(t, []string{"hello ", "world"}, trailer)
	b, data, err := read(r, body)
	alg, value := b.Checksum()
	if err != nil || data != "hello world" || alg != sigv4.CRC32C || value != sum || b.Size() != 11 {
		t.Fatalf("%q %s %s %v", data, alg, value, err)
	}
	if _, _, err := read(r, strings.Replace(body, "trailer-signature:", "trailer-signature:0", 1)); kind(err) != sigv4.Mismatch {
		t.Errorf("trailer signature: %v", err)
	}
	if _, _, err := read(r, strings.Replace(body, "x-amz-checksum-crc32c", "x-amz-checksum-other", 1)); kind(err) != sigv4.Mismatch {
		t.Errorf("trailer name: %v", err)
	}
	r, body = chunked(t, []string{"hello world"}, "x-amz-checksum-crc32c:AAAAAA==")
	if _, _, err := read(r, body); kind(err) != sigv4.BadDigest {
		t.Errorf("other checksum: %v", err)
	}
	r, body = chunked(t, []string{"hello world"}, "x-other:y")
	if _, _, err := read(r, body); kind(err) != sigv4.MalformedTrailer {
		t.Errorf("no checksum: %v", err)
	}
}

func TestPlainBodies(t *testing.T) {
	const body = "123456789"
	type headers map[string]string
	for _, tt := range []struct {
		name   string
		header headers
		body   string
		want   sigv4.Kind
	}{
		{"nothing", headers{}, body, 0},
		{"hash", headers{"X-Amz-Content-Sha256": hash([]byte(body))}, body, 0},
		{"other hash", headers{"X-Amz-Content-Sha256": hash([]byte("x"))}, body, sigv4.PayloadMismatch},
		{"no hash", headers{"X-Amz-Content-Sha256": "abc"}, body, sigv4.InvalidPayloadHash},
		{"unsigned", headers{"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}, body, 0},
		{"unknown streaming", headers{"X-Amz-Content-Sha256": "STREAMING-X"}, body, sigv4.InvalidPayloadHash},
		{"md5", headers{"Content-Md5": "JfnnlDI7RTiF9RgfG2JNCw=="}, body, 0},
		{"other md5", headers{"Content-Md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}, body, sigv4.BadDigest},
		{"bad md5", headers{"Content-Md5": "abc"}, body, sigv4.InvalidDigest},
		{"crc32", headers{"X-Amz-Checksum-Crc32": "y/Q5Jg=="}, body, 0},
		{"crc32c", headers{"X-Amz-Checksum-Crc32c": "4waSgw=="}, body, 0},
		{"crc64nvme", headers{"X-Amz-Checksum-Crc64nvme": "rosUhgp5mIg="}, body, 0},
		{"sha1", headers{"X-Amz-Checksum-Sha1": "98O8HYCOBHMqV7QmIqHyDtEBwQQ="}, body, sigv4.BadDigest},
		{"other crc32", headers{"X-Amz-Checksum-Crc32": "AAAAAA=="}, body, sigv4.BadDigest},
		{"short crc32", headers{"X-Amz-Checksum-Crc32": "AAAA"}, body, sigv4.UnsupportedChecksum},
		{"two", headers{"X-Amz-Checksum-Crc32": "y/Q5Jg==", "X-Amz-Checksum-Crc32c": "4waSgw=="}, body, sigv4.UnsupportedChecksum},
		{"unknown", headers{"X-Amz-Checksum-Xxhash": "AAAA"}, body, sigv4.UnsupportedChecksum},
		{"chunked without length", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "0\r\n\r\n", sigv4.MissingLength},
		{"chunked", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9"}, "9\r\n123456789\r\n0\r\n\r\n", 0},
		{"too few", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "10"}, "9\r\n123456789\r\n0\r\n\r\n", sigv4.IncompleteBody},
		{"too many", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "8"}, "9\r\n123456789\r\n0\r\n\r\n", sigv4.IncompleteBody},
		{"unknown trailer", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9", "X-Amz-Trailer": "x-y"}, "", sigv4.UnsupportedChecksum},
		{"trailer missing", headers{"X-Amz-Content-Sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "9", "X-Amz-Trailer": "x-amz-checksum-crc32"},
			"9\r\n123456789\r\n0\r\n\r\n", sigv4.MalformedTrailer},
		// Open mode: the signatures are not checked, the rest is.
		{"signed chunks", headers{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "9"},
			fmt.Sprintf("9;chunk-signature=%s\r\n123456789\r\n0;chunk-signature=%s\r\n\r\n", hash(nil), hash(nil)), 0},
		{"signed chunks without signature", headers{"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "9"},
			"9\r\n123456789\r\n0\r\n\r\n", sigv4.IncompleteBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "/b/k", strings.NewReader(tt.body))
			for n, v := range tt.header {
				r.Header.Set(n, v)
			}
			b, err := sigv4.NewBody(r, nil, sigv4.BodyOptions{})
			var data []byte
			if err == nil {
				data, err = io.ReadAll(b)
			}
			if kind(err) != tt.want || tt.want == 0 && (err != nil || string(data) != body) {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}

func TestBodyPassesErrorsOn(t *testing.T) {
	boom := errors.New("boom")
	r := httptest.NewRequest("PUT", "/b/k", nil)
	r.Body = io.NopCloser(iotest.ErrReader(boom))
	b, err := sigv4.NewBody(r, nil, sigv4.BodyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, boom) {
			t.Errorf("error %v", err)
		}
	}
}

func FuzzBody(f *testing.F) {
	f.Add([]byte("9\r\n123456789\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n"), "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-checksum-crc32", "9")
	f.Add([]byte(fmt.Sprintf(docBody, "a", "b")), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "66560")
	f.Add([]byte("0\r\n\r\n"), "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "", "0")
	f.Fuzz(func(t *testing.T, body []byte, payload, trailer, length string) {
		r := httptest.NewRequest("PUT", "/b/k", bytes.NewReader(body))
		r.Header.Set("X-Amz-Content-Sha256", payload)
		r.Header.Set("X-Amz-Trailer", trailer)
		r.Header.Set("X-Amz-Decoded-Content-Length", length)
		b, err := sigv4.NewBody(r, nil, sigv4.BodyOptions{})
		if err != nil {
			return
		}
		data, err := io.ReadAll(b)
		if len(data) > len(body) || err == nil && b.Size() >= 0 && int64(len(data)) != b.Size() {
			t.Fatalf("%d bytes of %d, size %d, error %v", len(data), len(body), b.Size(), err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	f.Add("/bucket/key?a=b", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260304/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("a", 64), "x")
	f.Add("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260304%2Fr%2Fs3%2Faws4_request&X-Amz-Date=20260304T050607Z&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature="+strings.Repeat("a", 64), "", "")
	f.Fuzz(func(t *testing.T, target, auth, header string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("PUT " + target + " HTTP/1.1\r\nHost: h\r\n\r\n")))
		if err != nil {
			return
		}
		if auth != "" {
			r.Header["Authorization"] = []string{auth}
		}
		r.Header["X-Amz-Date"] = []string{"20260304T050607Z"}
		r.Header["X-Amz-Content-Sha256"] = []string{header}
		for _, verify := range []func() (*sigv4.Auth, error){
			func() (*sigv4.Auth, error) { return verifier().VerifyRequest(t.Context(), r) },
			func() (*sigv4.Auth, error) { return verifier().Verify(t.Context(), r, []byte(header)) },
		} {
			if a, err := verify(); err == nil {
				t.Fatalf("a made-up signature is accepted: %+v", a)
			}
		}
	})
}

// The key of the documentation's examples.
const docKey = "AKIAIOSFODNN7EXAMPLE"

type docKeys struct{}

func (docKeys) Lookup(context.Context, string) (string, string, error) {
	return "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "123456789012", nil
}
