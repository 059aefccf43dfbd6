package s3api_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// environment aims a client at the server and cuts it off from everything else.
func environment(srv *server, dir string, more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_ENDPOINT_URL=" + srv.URL, "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + keyID, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
		"HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1", "PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "PYENV_VERSION=" + os.Getenv("PYENV_VERSION"),
	}, more...)
}

func TestAWSCLI(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	srv := startOn(t, true, vfs.OS(), t.TempDir())
	dir := t.TempDir()
	config := filepath.Join(dir, "config")
	ok(t, os.WriteFile(config, []byte("[default]\ns3 =\n  multipart_threshold = 6MB\n  multipart_chunksize = 5MB\n  addressing_style = path\n"), 0o600))
	env := environment(srv, dir, "AWS_CONFIG_FILE="+config)
	run := func(want string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(testContext(t), aws, args...)
		cmd.Env, cmd.Dir = env, dir
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("aws %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("aws %s: no %q in\n%s", strings.Join(args, " "), want, out.String())
		}
		return out.String()
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 12<<20/16)
	ok(t, os.MkdirAll(filepath.Join(dir, "tree", "sub dir"), 0o700))
	ok(t, os.WriteFile(filepath.Join(dir, "tree", "a.txt"), []byte("hello"), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "tree", "sub dir", "ü+%.txt"), []byte("odd name"), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "tree", "big"), big, 0o600))

	run("make_bucket: my-bucket-name", "s3", "mb", "s3://my-bucket-name")
	run("upload: tree/a.txt", "s3", "cp", "tree/a.txt", "s3://my-bucket-name/x/a.txt")
	run("hello", "s3", "cp", "s3://my-bucket-name/x/a.txt", "-")
	run("upload", "s3", "sync", "tree", "s3://my-bucket-name/tree")
	if out := run("", "s3", "sync", "tree", "s3://my-bucket-name/tree"); strings.Contains(out, "upload") {
		t.Errorf("second sync uploads again:\n%s", out)
	}
	run("tree/sub dir/ü+%.txt", "s3", "ls", "--recursive", "s3://my-bucket-name")
	run("PRE sub dir/", "s3", "ls", "s3://my-bucket-name/tree/")
	run("download", "s3", "sync", "s3://my-bucket-name/tree", "back")
	for _, name := range []string{"a.txt", "sub dir/ü+%.txt", "big"} {
		want, err := os.ReadFile(filepath.Join(dir, "tree", name))
		ok(t, err)
		got, err := os.ReadFile(filepath.Join(dir, "back", name))
		ok(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%s comes back changed", name)
		}
	}
	run("copy", "s3", "cp", "s3://my-bucket-name/tree/big", "s3://my-bucket-name/copy-of-big")
	run("move", "s3", "mv", "s3://my-bucket-name/x/a.txt", "s3://my-bucket-name/y/b.txt")
	run("12582912", "s3api", "head-object", "--bucket", "my-bucket-name", "--key", "copy-of-big")
	run("delete", "s3", "rm", "s3://my-bucket-name/y/b.txt")
	run("delete", "s3", "rm", "--recursive", "s3://my-bucket-name/tree")
	run("", "s3api", "get-bucket-location", "--bucket", "my-bucket-name")
	run("FULL_CONTROL", "s3api", "get-bucket-acl", "--bucket", "my-bucket-name")
	run("remove_bucket", "s3", "rb", "--force", "s3://my-bucket-name")
}
