package clients_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// TestPatternsByCLI gives both versions of the AWS CLI filter patterns of every kind; quoting is where they go wrong.
func TestPatternsByCLI(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	s := process.Run(t, process.Options{})
	env := process.ClientEnvironment(s.URL)
	run(t, t.TempDir(), env, python, script(t, "boto3", "send.py"), "my-group", "web/1", "0", "12")
	for _, version := range []string{"aws", "aws2"} {
		t.Run(version, func(t *testing.T) {
			aws := program(t, version)
			call := func(args ...string) string {
				t.Helper()
				return string(run(t, t.TempDir(), env, aws, append([]string{"--endpoint-url", s.URL, "--output", "json", "logs"}, args...)...))
			}
			for pattern, want := range map[string]int{
				`{ $.n >= 10 }`:                 2,
				`{ $.n = 3 || $.n = 4 }`:        2,
				`{ $.text = "message 1*" }`:     3,
				`{ $.text NOT EXISTS }`:         0,
				`%"n": 1[0-9]%`:                 -1, // quotes are outside of the subset
				`%n.: 1[0-9]%`:                  2,
				`[..., last]`:                   12,
				`"message 3 "`:                  1,
				`-"message 3 " -"message 4 "`:   10,
				`{ $.n > 2 && $.n IS NOT NULL}`: -1,
			} {
				args := []string{"filter-log-events", "--log-group-name", "my-group", "--filter-pattern", pattern}
				if want < 0 {
					if out := fails(t, env, aws, append([]string{"--endpoint-url", s.URL, "logs"}, args...)...); !strings.Contains(out, "InvalidParameterException") {
						t.Errorf("pattern %s: %s", pattern, out)
					}
					continue
				}
				var page struct{ Events []struct{ Message string } }
				if err := json.Unmarshal([]byte(call(args...)), &page); err != nil {
					t.Fatal(err)
				}
				if len(page.Events) != want {
					t.Errorf("pattern %s: %d events, want %d", pattern, len(page.Events), want)
				}
			}
			out := call("test-metric-filter", "--filter-pattern", "[a, b=2*, c]", "--log-event-messages", "x 25 y", "x 3 y")
			var tested struct {
				Matches []struct{ ExtractedValues map[string]string }
			}
			if err := json.Unmarshal([]byte(out), &tested); err != nil {
				t.Fatal(err)
			}
			if len(tested.Matches) != 1 || tested.Matches[0].ExtractedValues["$b"] != "25" {
				t.Errorf("test-metric-filter prints %s", out)
			}
		})
	}
}

// fails runs a client that must end with an error and returns what it says.
func fails(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("%s %q succeeded", name, args)
	}
	return string(out)
}
