package clients_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// TestMetricsCLI runs the calls about metrics, alarms and dashboards with both AWS CLIs: version 1 speaks what boto3
// speaks, version 2.9 the Query protocol.
func TestMetricsCLI(t *testing.T) {
	t.Parallel()
	for _, version := range []struct{ program, arguments string }{{"aws", ""}, {"aws2", "--endpoint-url "}} {
		t.Run(version.program, func(t *testing.T) {
			aws := program(t, version.program)
			s := process.Run(t, process.Options{})
			arguments := version.arguments
			if arguments != "" { // older than AWS_ENDPOINT_URL
				arguments += s.URL
			}
			env := append(process.ClientEnvironment(s.URL), "AWS="+aws, "AWS_ARGUMENTS="+arguments)
			for _, part := range []string{"metrics", "alarms", "dashboards"} {
				run(t, t.TempDir(), env, "bash", script(t, "cli", "metrics.sh"), part)
			}
		})
	}
}

// TestTerraformMetrics applies alarms and dashboards, plans them without a change, changes and destroys them.
func TestTerraformMetrics(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s := process.Run(t, process.Options{})
	tf := newTerraform(t, s.URL)
	config, err := os.ReadFile(filepath.Join("terraform", "metrics.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	tf.run("init", "-no-color")
	tf.run("apply", "-auto-approve", "-no-color")
	tf.unchanged()
	changed := []string{"-var", "threshold=7.5", "-var", "team=red"}
	tf.run(append([]string{"apply", "-auto-approve", "-no-color"}, changed...)...)
	tf.unchanged(changed...)
	tf.run("destroy", "-auto-approve", "-no-color")
}
