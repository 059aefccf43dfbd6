package clients_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// TestJavaScript runs Node.js programs that check for themselves: each against a server of its own.
func TestJavaScript(t *testing.T) {
	t.Parallel()
	node := program(t, "node")
	// Modules are found from the place of the program, and they are installed outside the tree.
	modules, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(node), "..", "js", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sdk.mjs", "loggers.mjs", "livetail.mjs", "metrics.mjs"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			source, err := os.ReadFile(filepath.Join("js", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), source, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			s := process.Run(t, process.Options{})
			run(t, dir, process.ClientEnvironment(s.URL), node, "--no-deprecation", name)
		})
	}
}
