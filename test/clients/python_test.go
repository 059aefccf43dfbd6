package clients_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// TestPython runs programs that check for themselves: each against a server of its own.
func TestPython(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	for _, name := range []string{"errors.py", "pages.py", "handler.py", "patterns.py", "lookups.py", "schedules.py", "insights.py", "livetail.py", "metrics.py"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.Run(t, process.Options{})
			run(t, t.TempDir(), process.ClientEnvironment(s.URL), python, script(t, "boto3", name))
		})
	}
}

// TestAwslogs reads a group with awslogs, all of it and a part.
func TestAwslogs(t *testing.T) {
	t.Parallel()
	python, awslogs := program(t, "python"), program(t, "awslogs")
	s := process.Run(t, process.Options{})
	env := process.ClientEnvironment(s.URL)
	for i, stream := range []string{"web/1", "db"} {
		run(t, t.TempDir(), env, python, script(t, "boto3", "send.py"), "my-group", stream, fmt.Sprint(i*10), "10")
	}
	get := func(streams string, args ...string) int {
		t.Helper()
		out := run(t, t.TempDir(), env, awslogs, append([]string{"get", "my-group", streams, "--start=1h", "--aws-endpoint-url", s.URL, "--color=never"}, args...)...)
		return strings.Count(string(out), `"text": "message `)
	}
	if n := get("ALL"); n != 20 {
		t.Errorf("awslogs get ALL shows %d events, want 20", n)
	}
	if n := get("web.*"); n != 10 {
		t.Errorf("awslogs get of one stream shows %d events, want 10", n)
	}
	if n := get("ALL", "--filter-pattern=15"); n != 1 {
		t.Errorf("awslogs get with a pattern shows %d events, want 1", n)
	}
	if out := run(t, t.TempDir(), env, awslogs, "streams", "my-group", "--aws-endpoint-url", s.URL); !strings.Contains(string(out), "web/1") {
		t.Errorf("awslogs streams prints %q", out)
	}
}
