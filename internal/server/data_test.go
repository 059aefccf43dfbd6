package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/server"
)

// call sends one unsigned call, which open servers accept.
func call(t *testing.T, url, operation, body string) string {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "Logs_20140328."+operation)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: HTTP %d: %s, %v", operation, resp.StatusCode, raw, err)
	}
	return string(raw)
}

// TestVerifyFindsDamage: a sound directory has no problem, a flipped bit in a part is found, and so is a lost part.
func TestVerifyFindsDamage(t *testing.T) {
	ctx := context.Background()
	cfg := testConfig(t)
	cfg.Memory = 256 << 20 // all events in one write buffer
	s := start(t, cfg)
	call(t, s.URL(), "CreateLogGroup", `{"logGroupName":"g"}`)
	call(t, s.URL(), "CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`)
	const calls, each = 12, 1000 // more than what a stop leaves in the log
	for c := range calls {
		var events []string
		for i := range each {
			events = append(events, fmt.Sprintf(`{"timestamp":%d,"message":"message %d %0900d"}`, time.Now().UnixMilli()-each+int64(i), c, i*i))
		}
		call(t, s.URL(), "PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[`+strings.Join(events, ",")+`]}`)
	}
	call(t, s.URL(), "CreateLookupTable", `{"lookupTableName":"t","tableBody":"id\n1\n"}`)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(cfg.DataPath("parts/*.part"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("parts are %v, %v; want the one that a stop writes", parts, err)
	}
	verify := func() (int, string) {
		t.Helper()
		var out bytes.Buffer
		n, err := server.Verify(ctx, cfg.Data, &out, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return n, out.String()
	}
	if n, out := verify(); n != 0 || !strings.Contains(out, "1 parts with ") {
		t.Errorf("a sound directory: %d problems\n%s", n, out)
	}
	tables, err := filepath.Glob(cfg.DataPath("lookups/*.lookup"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("lookup tables are %v, %v", tables, err)
	}
	table, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tables[0], append(table, "2\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, out := verify(); n != 1 || !strings.Contains(out, "PROBLEM lookups/") {
		t.Errorf("a damaged lookup table: %d problems\n%s", n, out)
	}
	if err := os.WriteFile(tables[0], table, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := server.Inspect(ctx, cfg.Data, &out, server.InspectOptions{Blocks: true}); err != nil {
		t.Fatal(err)
	}
	if id := strings.TrimSuffix(filepath.Base(parts[0]), ".part"); !strings.Contains(out.String(), id) {
		t.Errorf("inspect shows no part %s:\n%s", id, out.String())
	}
	if !strings.Contains(out.String(), "TOKENS") || !strings.Contains(out.String(), " raw") || !strings.Contains(out.String(), "% in all") {
		t.Errorf("inspect shows no sizes:\n%s", out.String())
	}

	raw, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/3] ^= 0x10
	if err := os.WriteFile(parts[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if n, out := verify(); n == 0 || !strings.Contains(out, "PROBLEM") || !strings.Contains(out, filepath.Base(parts[0])) {
		t.Errorf("a flipped bit: %d problems\n%s", n, out)
	}
	again := start(t, cfg)
	// No index knows where nothing is, so that every block is read.
	call(t, again.URL(), "FilterLogEvents", `{"logGroupName":"g","filterPattern":"-message"}`)
	if code, body := get(t, again.URL()+"/_/health"); code != 200 || !strings.Contains(body, `"status":"damaged"`) || !strings.Contains(body, `"damaged blocks":1`) {
		t.Errorf("health of a server that met damage is %d %s", code, body)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(parts[0]); err != nil {
		t.Fatal(err)
	}
	if n, out := verify(); n != 1 || !strings.Contains(out, ": missing") {
		t.Errorf("a lost part: %d problems\n%s", n, out)
	}
}

// TestDamagedLogIsRefusedUnlessSalvaged: acknowledged events are not left out in silence.
func TestDamagedLogIsRefusedUnlessSalvaged(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	call(t, s.URL(), "CreateLogGroup", `{"logGroupName":"g"}`)
	call(t, s.URL(), "CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`)
	for range 3 {
		call(t, s.URL(), "PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"find this text in the file"}]}`, time.Now().UnixMilli()))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(cfg.DataPath("wal/*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("log files are %v, %v", logs, err)
	}
	raw, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(raw, []byte("find this"))
	if at < 0 {
		t.Fatal("the message is not in the log as it is")
	}
	raw[at] ^= 1
	if err := os.WriteFile(logs[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(cfg); !errors.Is(err, server.ErrDamagedLog) {
		t.Fatalf("start on a damaged log: %v, want ErrDamagedLog", err)
	}
	if n, err := server.Verify(context.Background(), cfg.Data, io.Discard, io.Discard); n == 0 || err != nil {
		t.Errorf("verify found %d problems, %v", n, err)
	}
	cfg.Salvage = true
	salvaged := start(t, cfg)
	got := call(t, salvaged.URL(), "GetLogEvents", `{"logGroupName":"g","logStreamName":"s","startFromHead":true}`)
	if n := strings.Count(got, "find this text"); n != 2 {
		t.Errorf("%d events are left of 3 with one damaged: %s", n, got)
	}
}
