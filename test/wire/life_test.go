package wire_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func TestRestartKeepsEverything(t *testing.T) {
	data := t.TempDir()
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprintf("event %d – ünïcode \x01 \"quoted\"", i))
	}
	first := process.Run(t, process.Options{Data: data})
	c := logsClient(first.URL, credential{})
	create(t, c, "g", "s")
	put(t, c, "g", "s", want...)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := process.Run(t, process.Options{Data: data})
	if got := messages(t.Context(), t, logsClient(second.URL, credential{}), "g", "s"); !slices.Equal(got, want) {
		t.Errorf("after a stop: %d events, want %d, or their text differs", len(got), len(want))
	}
	put(t, logsClient(second.URL, credential{}), "g", "s", "after")
	want = append(want, "after")
	second.Kill()
	third := process.Run(t, process.Options{Data: data})
	if got := messages(t.Context(), t, logsClient(third.URL, credential{}), "g", "s"); !slices.Equal(got, want) {
		t.Errorf("after a kill: %d events, want %d, or their text differs", len(got), len(want))
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	s := process.Run(t, process.Options{})
	_, err := process.Start(t.Context(), process.Options{Binary: process.Binary(t), Data: s.Data})
	var exit *process.ExitError
	if !errors.As(err, &exit) || exit.Code != 1 {
		t.Fatalf("second process: %v, want exit code 1", err)
	}
	for _, want := range []string{fmt.Sprintf("process %d", s.PID()), s.URL, "hint:"} {
		if !strings.Contains(exit.Output, want) {
			t.Errorf("it printed %q, which lacks %q", exit.Output, want)
		}
	}
}

func TestGzipBody(t *testing.T) {
	s := process.Run(t, process.Options{})
	c := logsClient(s.URL, credential{})
	create(t, c, "g", "s")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	fmt.Fprintf(w, `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"packed"}]}`, time.Now().UnixMilli())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/", &packed)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Content-Encoding", "gzip")
	req.Header.Set("X-Amz-Target", "Logs_20140328.PutLogEvents")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 {
		t.Fatalf("HTTP %d: %s, %v", resp.StatusCode, raw, err)
	}
	if got := messages(t.Context(), t, c, "g", "s"); !slices.Equal(got, []string{"packed"}) {
		t.Errorf("events are %q", got)
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := selfSigned(t, dir)
	data := t.TempDir()
	s := process.Run(t, process.Options{Data: data, Args: []string{"--tls-cert", cert, "--tls-key", key}})
	if !strings.HasPrefix(s.URL, "https://") {
		t.Fatalf("the URL is %s", s.URL)
	}
	pool := x509.NewCertPool()
	raw, err := os.ReadFile(cert)
	if err != nil || !pool.AppendCertsFromPEM(raw) {
		t.Fatalf("reading the certificate: %v", err)
	}
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: protocol == "HTTP/2.0"}
		client := &http.Client{Transport: transport}
		resp, err := client.Get(s.URL + "/_/health")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Proto != protocol || resp.StatusCode != 200 {
			t.Errorf("%s %d, want %s 200", resp.Proto, resp.StatusCode, protocol)
		}
		transport.CloseIdleConnections()
	}
	// Commands of this machine trust the certificate that the data directory names.
	if k := createKey(t, data, "000000000000"); k.id == "" {
		t.Error("no key over TLS")
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}
