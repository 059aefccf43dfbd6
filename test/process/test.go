package process

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// built is the binary of this test process, made once.
var built = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("CUMULOG_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(string(bytes.TrimSpace(out)))
	path := filepath.Join(root, "bin", "cumulog-test")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/cumulog")
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", &ExitError{Code: 1, Output: string(text)}
	}
	return path, nil
})

// Binary builds the server from the present tree, once per test process, and returns its path. $CUMULOG_BINARY names one to use
// instead.
func Binary(tb testing.TB) string {
	tb.Helper()
	path, err := built()
	if err != nil {
		tb.Fatalf("building the server: %v", err)
	}
	return path
}

// Run starts a server for a test, in a directory of its own unless o.Data names one, and stops it when the test ends. A server
// that ends badly fails the test.
func Run(tb testing.TB, o Options) *Server {
	tb.Helper()
	o.Binary = Binary(tb)
	if o.Data == "" {
		o.Data = tb.TempDir()
	}
	s, err := Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		select {
		case <-s.ended:
			return // stopped or killed by the test
		default:
		}
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("the server printed:\n%s", s.Log())
		}
	})
	return s
}
