package logswire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// newer lists the operations that the SDK has and the model does not yet.
var newer = []string{
	"DeleteSyslogConfiguration", "GetStorageTierPolicy", "ListSyslogConfigurations", "PutStorageTierPolicy", "PutSyslogConfiguration",
}

// snapshots returns the snapshot files of the official SDK, by their name
// without extension: the request or answer that the SDK writes or reads.
func snapshots(t *testing.T, dir, extension string) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs").Output()
	if err != nil {
		t.Fatalf("find the SDK module: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), dir, "*"+extension))
	if err != nil || len(files) < 15 {
		t.Fatalf("found %d snapshots in %s of the SDK module: %v", len(files), dir, err)
	}
	cases := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases[strings.TrimSuffix(filepath.Base(file), extension)] = string(data)
	}
	return cases
}

// body returns what follows the head of a snapshot.
func body(t *testing.T, name, text string) string {
	t.Helper()
	i := strings.Index(text, "\n{")
	if i < 0 {
		t.Fatalf("%s: no body in %q", name, text)
	}
	return text[i+1:]
}

// known removes from a JSON value the members that encoded lacks, which are
// newer than the model, and reports them.
func known(path string, want, got any, extra *[]string) any {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k, v := range w {
			if _, ok := g[k]; !ok {
				*extra = append(*extra, path+"."+k)
				delete(w, k)
				continue
			}
			w[k] = known(path+"."+k, v, g[k], extra)
		}
	case []any:
		g, _ := got.([]any)
		for i := range min(len(w), len(g)) {
			w[i] = known(path, w[i], g[i], extra)
		}
	}
	return want
}

func compare(t *testing.T, name, text string, v awsproto.Appender, extra *[]string) {
	t.Helper()
	encoded, err := v.AppendJSON(nil)
	if err != nil {
		t.Errorf("%s: encode: %v", name, err)
		return
	}
	var want, got any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Errorf("%s: encoded text is no JSON: %v", name, err)
		return
	}
	if diff := cmp.Diff(known(name, want, got, extra), got); diff != "" {
		t.Errorf("%s: decoding and encoding changed it (-want +got):\n%s", name, diff)
	}
}

// Every request that the official SDK writes decodes, and encodes to the
// same JSON but for members newer than the model.
func TestSDKRequestSnapshots(t *testing.T) {
	var extra []string
	seen := 0
	for name, text := range snapshots(t, "request_snapshot", ".request.snap") {
		info, ok := logswire.Lookup(name)
		if !ok {
			if !slices.Contains(newer, name) {
				t.Errorf("operation %s is not known", name)
			}
			continue
		}
		seen++
		if !strings.Contains(text, "X-Amz-Target: Logs_20140328."+name+"\n") {
			t.Errorf("%s: another target", name)
		}
		in := info.NewInput()
		if err := awsproto.Unmarshal([]byte(body(t, name, text)), in); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		in.Validate(new(awsproto.Violations))
		compare(t, name, body(t, name, text), in, &extra)
	}
	if seen < 111 {
		t.Errorf("only %d requests were decoded", seen)
	}
	slices.Sort(extra)
	t.Logf("members newer than the model: %v", slices.Compact(extra))
	if len(extra) > 40 {
		t.Errorf("%d members are newer than the model; refresh it", len(extra))
	}
}

// Every answer that the official SDK reads is one that the shapes can write.
func TestSDKResponseSnapshots(t *testing.T) {
	var extra []string
	seen := 0
	for name, text := range snapshots(t, "response_snapshot", ".response.snap") {
		info, ok := logswire.Lookup(name)
		if !ok {
			continue
		}
		seen++
		out := info.NewOutput()
		if !strings.Contains(text, "\n{") { // no output shape
			if got, err := out.AppendJSON(nil); err != nil || string(got) != "{}" {
				t.Errorf("%s: got %s, %v", name, got, err)
			}
			continue
		}
		if err := awsproto.Unmarshal([]byte(body(t, name, text)), out); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		compare(t, name, body(t, name, text), out, &extra)
	}
	if seen < 111 {
		t.Errorf("only %d answers were encoded", seen)
	}
	slices.Sort(extra)
	t.Logf("members newer than the model: %v", slices.Compact(extra))
}

// Every error that the official SDK knows can be written as it expects.
func TestSDKErrorSnapshots(t *testing.T) {
	for name, text := range snapshots(t, "response_snapshot", ".error.snap") {
		var members map[string]any
		if err := json.Unmarshal([]byte(body(t, name, text)), &members); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		message, _ := members["message"].(string)
		delete(members, "message")
		delete(members, "__type")
		e := &awsproto.Error{Code: name, Message: message, Status: logswire.Status(name), Members: members}
		got, err := e.AppendJSON(nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var wantJSON, gotJSON map[string]any
		if err := json.Unmarshal([]byte(body(t, name, text)), &wantJSON); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &gotJSON); err != nil {
			t.Errorf("%s: %v: %s", name, err, got)
		}
		if message == "" {
			delete(gotJSON, "message")
		}
		if diff := cmp.Diff(wantJSON, gotJSON); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if first, _, _ := strings.Cut(text, "\n"); first != "400" && strconv.Itoa(e.HTTPStatus()) != first {
			t.Errorf("%s: got status %d, want %s", name, e.HTTPStatus(), first)
		}
	}
}

func FuzzInputs(f *testing.F) {
	f.Add("PutLogEvents", []byte(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m\ud83d\ude00"}]}`))
	f.Add("PutMetricFilter", []byte(`{"metricTransformations":[{"defaultValue":-1e-7,"dimensions":{"a":"b"}}]}`))
	f.Add("CreateLogGroup", []byte(`{"tags":{"é":"x"},"unknown":[[{}]]}`))
	f.Add("PutTransformer", []byte(`{"transformerConfig":[{"parseJSON":{"source":"a"}},{"grok":{"match":"%{DATA}"}}]}`))
	f.Fuzz(func(t *testing.T, operation string, data []byte) {
		info, ok := logswire.Lookup(operation)
		if !ok {
			return
		}
		in := info.NewInput()
		if err := awsproto.Unmarshal(data, in); err != nil {
			return
		}
		in.Validate(new(awsproto.Violations))
		if len(bytes.TrimSpace(data)) > 0 && !json.Valid(data) {
			t.Fatalf("decoded what is no JSON: %q", data)
		}
		first, err := in.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		again := info.NewInput()
		if err := awsproto.Unmarshal(first, again); err != nil {
			t.Fatalf("decode what was encoded: %v: %s", err, first)
		}
		second, err := again.AppendJSON(nil)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("encoding is not stable:\n%s\n%s", first, second)
		}
	})
}
