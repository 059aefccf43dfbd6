package clients_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/cumulog/cumulog/test/process"
)

// terraform is one working directory of Terraform.
type terraform struct {
	t      *testing.T
	binary string
	dir    string
	env    []string
}

// newTerraform returns Terraform in a fresh directory, installing its provider from a directory on this machine only. Neither can
// be installed from a package registry, so that the test is skipped where they are missing.
func newTerraform(t *testing.T, url string) *terraform {
	t.Helper()
	binary, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("terraform is not installed")
	}
	mirror := os.Getenv("CUMULOG_TERRAFORM_MIRROR")
	if mirror == "" {
		mirror = "/opt/tf-plugins"
	}
	provider := filepath.Join(mirror, "registry.terraform.io", "hashicorp", "aws", "5.100.0")
	if _, err := os.Stat(provider); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("there is no provider hashicorp/aws 5.100.0 in %s (CUMULOG_TERRAFORM_MIRROR names another filesystem mirror)", mirror)
	} else if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, err := os.ReadFile(filepath.Join("terraform", "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	rc := filepath.Join(t.TempDir(), "terraformrc")
	for name, content := range map[string]string{
		filepath.Join(dir, "main.tf"): string(config),
		rc: `provider_installation {
  filesystem_mirror {
    path = "` + mirror + `"
  }
}
disable_checkpoint = true
`,
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := append(process.ClientEnvironment(""), "TF_CLI_CONFIG_FILE="+rc, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "TF_VAR_endpoint="+url)
	env = slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "AWS_ENDPOINT_URL=") })
	return &terraform{t, binary, dir, env}
}

func (tf *terraform) run(args ...string) []byte {
	tf.t.Helper()
	return run(tf.t, tf.dir, tf.env, tf.binary, args...)
}

// unchanged checks that a plan finds nothing to do: what the server tells is what was asked of it.
func (tf *terraform) unchanged(vars ...string) {
	tf.t.Helper()
	ctx, cancel := context.WithTimeout(tf.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, tf.binary, append([]string{"plan", "-detailed-exitcode", "-no-color"}, vars...)...)
	cmd.Dir, cmd.Env = tf.dir, tf.env
	if out, err := cmd.CombinedOutput(); err != nil {
		tf.t.Fatalf("plan %q: %v (2 means that there are changes)\n%s", vars, err, out)
	}
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a minute")
	}
	s := process.Run(t, process.Options{})
	tf := newTerraform(t, s.URL)
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	// state gives the groups, and retention and tags of the one that changes.
	state := func() (names []string, retention int32, team string) {
		t.Helper()
		out, err := logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range out.LogGroups {
			names = append(names, *g.LogGroupName)
			if *g.LogGroupName != "/app/web" {
				continue
			}
			tags, err := logs.ListTagsForResource(t.Context(), &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: g.LogGroupArn})
			if err != nil {
				t.Fatal(err)
			}
			retention, team = aws.ToInt32(g.RetentionInDays), tags.Tags["team"]
		}
		return names, retention, team
	}

	tf.run("init", "-no-color")
	tf.run("apply", "-auto-approve", "-no-color")
	var outputs map[string]struct{ Value json.RawMessage }
	if err := json.Unmarshal(tf.run("output", "-json"), &outputs); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"account": `"000000000000"`, "groups": `["/app/web"]`, "keys": `["dir/hello.txt"]`} {
		if got := strings.Join(strings.Fields(string(outputs[name].Value)), ""); got != want {
			t.Errorf("output %s is %s, want %s", name, got, want)
		}
	}
	if _, retention, team := state(); retention != 30 || team != "blue" {
		t.Errorf("after apply: retention %d, team %q", retention, team)
	}
	tf.unchanged()

	changed := []string{"-var", "retention=7", "-var", "team=red"}
	tf.run(append([]string{"apply", "-auto-approve", "-no-color"}, changed...)...)
	if _, retention, team := state(); retention != 7 || team != "red" {
		t.Errorf("after the change: retention %d, team %q", retention, team)
	}
	tf.unchanged(changed...)

	tf.run("destroy", "-auto-approve", "-no-color")
	if names, _, _ := state(); !slices.Equal(names, []string{"kept"}) {
		t.Errorf("after destroy the groups are %q, want only the one with skip_destroy", names)
	}
}
