package clients_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// block is a fenced piece of the README that is marked to be run.
var block = regexp.MustCompile("(?ms)^```(bash|python) quickstart\n(.*?)^```$")

// TestReadmeQuickStart runs what the README tells a new user to type, block after block in one shell, against a fresh server and in
// an empty folder.
func TestReadmeQuickStart(t *testing.T) {
	aws := program(t, "aws")
	raw, err := os.ReadFile(script(t, "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(raw), -1)
	if len(blocks) < 4 {
		t.Fatalf("the README has %d blocks marked quickstart, want at least 4", len(blocks))
	}
	dir := t.TempDir()
	var shell strings.Builder
	shell.WriteString("set -euo pipefail\n")
	for i, b := range blocks {
		fmt.Fprintf(&shell, "echo '== block %d'\n", i+1)
		if b[1] == "bash" {
			shell.WriteString(b[2])
			continue
		}
		name := filepath.Join(dir, fmt.Sprintf("block%d.py", i+1))
		if err := os.WriteFile(name, []byte(b[2]), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&shell, "python %s\n", name)
	}

	s := process.Run(t, process.Options{})
	bin := t.TempDir()
	if err := os.Symlink(process.Binary(t), filepath.Join(bin, "cumulog")); err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, kv := range process.ClientEnvironment("") {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "PATH":
			continue // the first block has to set them
		}
		env = append(env, kv)
	}
	env = append(env, "CUMULOG_ENDPOINT="+s.URL, "PATH="+strings.Join([]string{bin, filepath.Dir(aws), os.Getenv("PATH")}, ":"))
	work := filepath.Join(dir, "empty")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	out := string(run(t, work, env, "bash", "-c", shell.String()))
	for _, want := range []string{`"message": "hello"`, "numbers 1000\n", "aws-logs-write-test", "Z 1000\n", "hello from boto3\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the quick start printed no %q; it printed:\n%s", want, out)
		}
	}
}
