package clients_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

// TestStartLiveTailOfCLI follows a group with `aws logs start-live-tail`; only the CLI of version 1 that is installed has it.
func TestStartLiveTailOfCLI(t *testing.T) {
	t.Parallel()
	aws := program(t, "aws")
	s := process.Run(t, process.Options{})
	env := append(process.ClientEnvironment(s.URL), "AWS_DISABLE_HOST_PREFIX_INJECTION=true", "PYTHONUNBUFFERED=1")
	call := func(args ...string) {
		t.Helper()
		run(t, t.TempDir(), env, aws, append([]string{"logs"}, args...)...)
	}
	call("create-log-group", "--log-group-name", "g")
	call("create-log-stream", "--log-group-name", "g", "--log-stream-name", "s")

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tail := exec.CommandContext(ctx, aws, "logs", "start-live-tail", "--log-group-identifiers", "arn:aws:logs:us-east-1:000000000000:log-group:g",
		"--log-stream-names", "s", "--log-event-filter-pattern", "wanted")
	tail.Env = env
	out, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	for sessions(t, s.URL) == "0" {
		if ctx.Err() != nil {
			t.Fatal("no session begins")
		}
		time.Sleep(50 * time.Millisecond)
	}
	put := func(message string) {
		t.Helper()
		call("put-log-events", "--log-group-name", "g", "--log-stream-name", "s", "--log-events",
			fmt.Sprintf(`[{"timestamp": %d, "message": %q}]`, time.Now().UnixMilli(), message))
	}
	put("wanted: one ü")
	put("other")
	put("wanted: two")
	lines := bufio.NewScanner(out)
	for _, want := range []string{"wanted: one ü", "wanted: two"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it printed %q, want %q: %v", lines.Text(), want, lines.Err())
		}
	}
	if err := tail.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = tail.Wait() // it ends in its own way
	for sessions(t, s.URL) != "0" {
		if ctx.Err() != nil {
			t.Fatal("the session stays open")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sessions is what the server says of how many there are.
func sessions(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url + "/_/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^cumulog_live_tail_sessions (\d+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no number of sessions in\n%s", text)
	}
	return string(m[1])
}
