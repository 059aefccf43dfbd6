package clients_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/cumulog/cumulog/test/process"
)

// TestMetricFiltersBoto3 sends events to a group with metric filters and embedded metrics, and reads the metrics.
func TestMetricFiltersBoto3(t *testing.T) {
	t.Parallel()
	python := program(t, "python")
	s := process.Run(t, process.Options{})
	run(t, t.TempDir(), process.ClientEnvironment(s.URL), python, script(t, "boto3", "metricfilters.py"))
}

// TestMetricFiltersCLI does so with both AWS CLIs.
func TestMetricFiltersCLI(t *testing.T) {
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
			run(t, t.TempDir(), env, "bash", script(t, "cli", "metricfilters.sh"))
		})
	}
}

// TestTerraformMetricFilters applies metric filters, plans them without a change, changes and destroys them.
func TestTerraformMetricFilters(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s := process.Run(t, process.Options{})
	tf := newTerraform(t, s.URL)
	config, err := os.ReadFile(filepath.Join("terraform", "metricfilters.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "main.tf"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	patterns := func() map[string]string {
		t.Helper()
		out, err := logs.DescribeMetricFilters(t.Context(), &cloudwatchlogs.DescribeMetricFiltersInput{})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, f := range out.MetricFilters {
			all[*f.FilterName] = *f.FilterPattern
		}
		return all
	}
	tf.run("init", "-no-color")
	tf.run("apply", "-auto-approve", "-no-color")
	if all := patterns(); len(all) != 3 || all["errors"] != "?ERROR ?WARN" {
		t.Errorf("after apply: %q", all)
	}
	tf.unchanged()
	changed := []string{"-var", "pattern={ $.level = error }"}
	tf.run(append([]string{"apply", "-auto-approve", "-no-color"}, changed...)...)
	if all := patterns(); all["errors"] != "{ $.level = error }" {
		t.Errorf("after the change: %q", all)
	}
	tf.unchanged(changed...)
	tf.run("destroy", "-auto-approve", "-no-color")
	if all := patterns(); len(all) != 0 {
		t.Errorf("after destroy: %q", all)
	}
}
