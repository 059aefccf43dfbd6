package clients_test

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

// TestLogsTail follows a group with `aws logs tail`, which only AWS CLI v2 has: it asks every five seconds from the newest timestamp
// it has seen and tells events apart by their ids, so that each is printed once.
func TestLogsTail(t *testing.T) {
	t.Parallel()
	aws, python := program(t, "aws2"), program(t, "python")
	s := process.Run(t, process.Options{})
	env := process.ClientEnvironment(s.URL)
	send := func(first, count string) {
		t.Helper()
		run(t, t.TempDir(), env, python, script(t, "boto3", "send.py"), "my-group", "web/1", first, count)
	}
	send("0", "5")
	tail := []string{"--endpoint-url", s.URL, "logs", "tail", "my-group", "--since", "1h"}
	if out := run(t, t.TempDir(), env, aws, append(tail, "--filter-pattern", `"message 3 "`, "--log-stream-names", "web/1", "--format", "short")...); strings.Count(string(out), `"text"`) != 1 {
		t.Errorf("tail with a pattern prints %q, want one event", out)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, aws, append(tail, "--follow")...)
	cmd.Env = append(env, "PYTHONUNBUFFERED=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := range 8 {
		if !lines.Scan() {
			t.Fatalf("tail --follow ended after %d events: %v", n, lines.Err())
		}
		if line := lines.Text(); !strings.Contains(line, `"n": `+string(rune('0'+n))+",") || !strings.Contains(line, " web/1 ") {
			t.Errorf("line %d is %q, want message %d of web/1", n, line, n)
		}
		if n == 4 {
			send("5", "3")
		}
	}
	cancel()
	_ = cmd.Wait() // killed
}
