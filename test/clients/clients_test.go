// Package clients_test runs the real AWS clients against a real server process: boto3 as programs use it, both AWS CLIs, and the
// quick start of the README. The scripts are the files beside this one.
package clients_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program finds a client that `make clients` installed. Without it a test is skipped, but never where all tests must run.
func program(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("CUMULOG_CLIENTS")
	if dir == "" {
		dir = filepath.Join("..", "..", ".cache", "clients", "bin")
	}
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the client %s is missing: run make clients", path)
		}
		t.Skipf("the client %s is missing: run make clients", path)
	}
	return path
}

// run executes a client and returns what it printed on standard output; the test fails when the client does.
func run(t *testing.T, dir string, env []string, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\nstandard output:\n%s\nstandard error:\n%s", filepath.Base(name), args, err, out.String(), errs.String())
	}
	return out.Bytes()
}

func script(t *testing.T, parts ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
