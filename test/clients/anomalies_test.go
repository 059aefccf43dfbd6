package clients_test

import (
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// TestAnomaliesBoto3 trains a detector on three hours of messages, sends one as there was none before, and waits for the
// anomaly.
func TestAnomaliesBoto3(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute: the shortest evaluation")
	}
	python := program(t, "python")
	s := process.Run(t, process.Options{})
	run(t, t.TempDir(), process.ClientEnvironment(s.URL), python, script(t, "boto3", "anomalies.py"))
}

// TestAnomaliesCLI makes, changes and deletes detectors with the AWS CLI.
func TestAnomaliesCLI(t *testing.T) {
	t.Parallel()
	aws := program(t, "aws")
	s := process.Run(t, process.Options{})
	env := append(process.ClientEnvironment(s.URL), "AWS="+aws)
	run(t, t.TempDir(), env, "bash", script(t, "cli", "anomalies.sh"))
}
