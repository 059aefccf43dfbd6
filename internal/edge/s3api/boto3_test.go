package s3api_test

import (
	"os/exec"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const botoScript = `
import boto3, io
from botocore.config import Config
from boto3.s3.transfer import TransferConfig
for style in ("path", "auto"):
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": style}))
    b = "boto-" + style
    s3.create_bucket(Bucket=b)
    key = "a b/\u00fc+%&.txt"
    s3.put_object(Bucket=b, Key=key, Body=b"hello", Metadata={"x": "y"})
    got = s3.get_object(Bucket=b, Key=key)
    assert got["Body"].read() == b"hello" and got["Metadata"] == {"x": "y"}
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=b)["Contents"]] == [key]
    assert [o["Key"] for o in s3.list_objects(Bucket=b)["Contents"]] == [key]
    big = b"0123456789abcdef" * (6 << 16)
    s3.upload_fileobj(io.BytesIO(big), b, "big", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    out = io.BytesIO()
    s3.download_fileobj(b, "big", out)
    assert out.getvalue() == big
    s3.copy({"Bucket": b, "Key": "big"}, b, "copy", Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20))
    assert s3.head_object(Bucket=b, Key="copy")["ContentLength"] == len(big)
    try:
        s3.get_object(Bucket=b, Key="missing")
        raise SystemExit("no error")
    except s3.exceptions.NoSuchKey:
        pass
    s3.delete_objects(Bucket=b, Delete={"Objects": [{"Key": k} for k in (key, "big", "copy")]})
    s3.delete_bucket(Bucket=b)
print("done")
`

func TestBoto3(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		t.Skip("boto3 is not installed")
	}
	srv := startOn(t, true, vfs.OS(), t.TempDir())
	cmd := exec.CommandContext(testContext(t), python, "-c", botoScript)
	cmd.Env = environment(srv, t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
