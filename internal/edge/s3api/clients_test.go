package s3api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestExpectContinue pins that every request with Expect is told to continue, an empty body's too: botocore keeps the connection and
// then misreads the next answer otherwise, which `aws s3 sync` shows as a minute's pause.
func TestExpectContinue(t *testing.T) {
	srv := start(t, false)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for _, c := range []struct {
		path, body string
		status     int // of the answer behind 100
	}{
		{"/bucket-x", "", 200},
		{"/bucket-x/empty", "", 200},
		{"/bucket-x/full", "content", 200},
		{"/no-such-bucket/empty", "", 404},
	} {
		if _, err := io.WriteString(conn, fmt.Sprintf("PUT %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-Continue\r\nContent-Length: %d\r\n\r\n", c.path, len(c.body))); err != nil {
			t.Fatal(err)
		}
		line, err := in.ReadString('\n')
		if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("PUT %s: %q, %v, want 100 Continue", c.path, line, err)
		}
		if line, err = in.ReadString('\n'); err != nil || line != "\r\n" {
			t.Fatalf("PUT %s: %q, %v after 100 Continue, want an empty line", c.path, line, err)
		}
		if _, err := io.WriteString(conn, c.body); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("PUT %s: HTTP %d, want %d", c.path, resp.StatusCode, c.status)
		}
	}
}

// TestPresignedChecksumIsIgnored uploads as with a URL of the SDK for JavaScript, which signs the checksum of an empty body.
func TestPresignedChecksumIsIgnored(t *testing.T) {
	srv := start(t, false)
	b, k := "bucket-x", "k"
	if _, err := srv.client("us-east-1").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b}); err != nil {
		t.Fatal(err)
	}
	signed, err := s3.NewPresignClient(srv.client("us-east-1")).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &b, Key: &k})
	if err != nil {
		t.Fatal(err)
	}
	url := signed.URL + "&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("HTTP %d: %s, %v", resp.StatusCode, raw, err)
	}
}
