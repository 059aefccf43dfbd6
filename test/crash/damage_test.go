package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/cumulog/cumulog/test/process"
)

// TestDamagedLog: with acknowledged records damaged the server refuses to start and says where; with --salvage it
// serves all but what is damaged.
func TestDamagedLog(t *testing.T) {
	data := t.TempDir()
	srv, c := start(t, data)
	defer func() { srv.Kill() }()
	ctx := t.Context()
	if _, err := c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(group)}); err != nil {
		t.Fatal(err)
	}
	createStream(t, c, "s")
	var want []event
	for i := range 20 {
		batch := []event{{time.Now().UnixMilli(), fmt.Sprintf("message number %d.", i)}}
		if err := put(ctx, c, "s", batch); err != nil {
			t.Fatal(err)
		}
		want = append(want, batch...)
	}
	srv.Kill()

	logs, err := filepath.Glob(filepath.Join(data, "wal", "*.wal"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("log files %v, %v", logs, err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(want[10].message))
	if at < 0 {
		t.Fatal("the message is not in the log")
	}
	content[at] ^= 1
	if err := os.WriteFile(logs[0], content, 0o600); err != nil {
		t.Fatal(err)
	}

	_, err = process.Start(ctx, process.Options{Binary: process.Binary(t), Data: data})
	var exit *process.ExitError
	if !errors.As(err, &exit) || exit.Code == 0 || !strings.Contains(exit.Output, filepath.Base(logs[0])) || !strings.Contains(exit.Output, "salvage") {
		t.Fatalf("starting on a damaged log: %v", err)
	}
	srv, c = start(t, data, "--salvage")
	got, err := get(ctx, c, "s")
	if err != nil {
		t.Fatal(err)
	}
	if rest := slices.Delete(slices.Clone(want), 10, 11); !slices.Equal(got, rest) {
		t.Fatalf("salvaged %d events, want %d", len(got), len(rest))
	}
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
	srv, _ = start(t, data) // the damaged file is out of the way
	if err := srv.Stop(); err != nil {
		t.Fatal(err)
	}
}
