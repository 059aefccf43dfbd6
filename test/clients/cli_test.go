package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

func TestScriptB(t *testing.T) {
	for _, version := range []struct {
		name, program string
		arguments     func(url string) string
	}{
		{"v1", "aws", func(string) string { return "" }},
		// Debian's 2.9 is older than AWS_ENDPOINT_URL.
		{"v2", "aws2", func(url string) string { return "--endpoint-url " + url }},
	} {
		t.Run(version.name, func(t *testing.T) {
			aws := program(t, version.program)
			s := process.Run(t, process.Options{})
			env := append(process.ClientEnvironment(s.URL), "AWS="+aws, "AWS_ARGUMENTS="+version.arguments(s.URL))
			call := func(args ...string) []byte {
				t.Helper()
				return run(t, t.TempDir(), env, aws, append(strings.Fields(version.arguments(s.URL)), args...)...)
			}
			call("logs", "create-log-group", "--log-group-name", "my-log-group")
			want := map[string][]string{}
			now := time.Now().Truncate(time.Millisecond)
			for _, stream := range []string{"web/1", "db"} {
				call("logs", "create-log-stream", "--log-group-name", "my-log-group", "--log-stream-name", stream)
				var events []string
				for i := range 40 {
					at := now.Add(time.Duration(i-100) * 997 * time.Millisecond)
					text := fmt.Sprintf("%s event %d – ünïcode", stream, i)
					events = append(events, fmt.Sprintf(`{"timestamp": %d, "message": %q}`, at.UnixMilli(), text))
					want[stream] = append(want[stream], at.UTC().Format("2006-01-02T15:04:05.000Z")+" "+text)
				}
				call("logs", "put-log-events", "--log-group-name", "my-log-group", "--log-stream-name", stream,
					"--log-events", "["+strings.Join(events, ",")+"]")
			}

			dir := t.TempDir()
			run(t, dir, env, "bash", script(t, "cli", "export.sh"))

			keys := lines(t, filepath.Join(dir, "keys"))
			layout := regexp.MustCompile(`^logs/my-log-file/(aws-logs-write-test|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/(web-1|db)/000000\.gz)$`)
			if len(keys) != 3 {
				t.Errorf("the bucket holds %q, want a write test and an object of each stream", keys)
			}
			for _, key := range keys {
				if !layout.MatchString(key) {
					t.Errorf("key %q is not of AWS's layout", key)
				}
			}
			if got, all := lines(t, filepath.Join(dir, "lines")), slices.Concat(want["db"], want["web/1"]); !slices.Equal(got, all) {
				t.Errorf("exported lines are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(all, "\n"))
			}
		})
	}
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}
