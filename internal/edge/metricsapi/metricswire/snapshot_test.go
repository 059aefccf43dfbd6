package metricswire_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
)

// newer lists the operations and errors that the SDK has and the model does not yet.
var newer = []string{
	"AssociateDatasetKmsKey", "CreateResourceMetricsConfiguration", "DeleteResourceMetricsConfiguration", "DisassociateDatasetKmsKey",
	"GetDataset", "GetResourceMetricsConfiguration", "PutLogAlarm", "UpdateOTelEnrichment", "UpdateResourceMetricsConfiguration",
	"KmsAccessDeniedException", "KmsKeyDisabledException", "KmsKeyNotFoundException", "ResourceConflict", "ValidationException",
}

// snapshots returns the snapshot files of the official SDK, by their name
// without extension: the request or answer that the SDK writes or reads.
func snapshots(t *testing.T, dir, extension string) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/cloudwatch").Output()
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
func body(t *testing.T, name, text string) []byte {
	t.Helper()
	_, rest, ok := strings.Cut(text, "X-Amzn-Query-Mode: true\n\n")
	if !ok {
		t.Fatalf("%s: no body in %q", name, text)
	}
	return []byte(rest)
}

// value decodes CBOR without the shapes.
func value(t *testing.T, name string, data []byte) any {
	t.Helper()
	if len(data) == 0 {
		return map[any]any{}
	}
	var v any
	if err := cbor.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v: %x", name, err, data)
	}
	return v
}

// known removes from a value the members that encoded lacks, which are
// newer than the model, and reports them.
func known(path string, want, got any, extra *[]string) any {
	switch w := want.(type) {
	case map[any]any:
		g, _ := got.(map[any]any)
		for k, v := range w {
			if _, ok := g[k]; !ok {
				*extra = append(*extra, path+"."+k.(string))
				delete(w, k)
				continue
			}
			w[k] = known(path+"."+k.(string), v, g[k], extra)
		}
	case []any:
		g, _ := got.([]any)
		for i := range min(len(w), len(g)) {
			w[i] = known(path, w[i], g[i], extra)
		}
	}
	return want
}

func compare(t *testing.T, name string, data []byte, v awsproto.Shape, extra *[]string) {
	t.Helper()
	want, got := value(t, name, data), value(t, name, awsproto.AppendCBORShape(nil, v))
	if diff := cmp.Diff(known(name, want, got, extra), got); diff != "" {
		t.Errorf("%s: decoding and encoding changed it (-want +got):\n%s", name, diff)
	}
	roundTrips(t, name, v)
}

// Every request that the official SDK writes decodes, and encodes to the
// same CBOR but for members newer than the model; and so in the other protocols.
func TestSDKRequestSnapshots(t *testing.T) {
	var extra []string
	seen := 0
	for name, text := range snapshots(t, "request_snapshot", ".request.snap") {
		info, ok := metricswire.Lookup(name)
		if !ok {
			if !slices.Contains(newer, name) {
				t.Errorf("operation %s is not known", name)
			}
			continue
		}
		seen++
		if !strings.HasPrefix(text, "POST /service/"+metricswire.TargetPrefix+"/operation/"+name+"\n") {
			t.Errorf("%s: another path", name)
		}
		in := info.NewRequest()
		if err := awsproto.DecodeCBORShape(body(t, name, text), in); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		in.Validate(new(awsproto.Violations))
		compare(t, name, body(t, name, text), in, &extra)
	}
	if seen != len(metricswire.Operations()) {
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
		info, ok := metricswire.Lookup(name)
		if !ok || info.NewAnswer == nil {
			continue
		}
		seen++
		out := info.NewAnswer()
		if err := awsproto.DecodeCBORShape(body(t, name, text), out); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		compare(t, name, body(t, name, text), out, &extra)
	}
	if seen < 30 {
		t.Errorf("only %d answers were encoded", seen)
	}
	slices.Sort(extra)
	t.Logf("members newer than the model: %v", slices.Compact(extra))
}

// Every error that the official SDK knows has the status that it expects, and the
// message is where it looks for it.
func TestSDKErrorSnapshots(t *testing.T) {
	errors := awsproto.Errors{Namespace: metricswire.ShapeNamespace, Known: metricswire.ErrorInfo}
	for name, text := range snapshots(t, "response_snapshot", ".error.snap") {
		if slices.Contains(newer, name) {
			continue
		}
		if _, ok := metricswire.ErrorInfo(name); !ok {
			t.Errorf("error %s is not known", name)
			continue
		}
		e := &awsproto.Error{Code: name, Message: "__Message__"}
		if name == metricswire.CodeDashboardInvalidInputError {
			detail := new(metricswire.DashboardInvalidInputError)
			if err := awsproto.DecodeCBORShape(body(t, name, text), detail); err != nil {
				t.Fatal(err)
			}
			e.Detail = detail
		}
		want, _ := value(t, name, body(t, name, text)).(map[any]any)
		got, _ := value(t, name, awsproto.AppendCBORShape(nil, errors.Shape(e))).(map[any]any)
		if got["__type"] != metricswire.ShapeNamespace+"#"+name {
			t.Errorf("%s: type is %v", name, got["__type"])
		}
		for key, v := range want {
			if key == "__type" || key == "ResourceType" || key == "ResourceId" {
				continue
			}
			if diff := cmp.Diff(v, got[key]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, key, diff)
			}
		}
		// An error shape has either "message" or "Message".
		if first, _, _ := strings.Cut(text, "\n"); strconv.Itoa(errors.Status(e)) != first && first != strconv.Itoa(http.StatusBadRequest) {
			t.Errorf("%s: got status %d, want %s", name, errors.Status(e), first)
		}
	}
}

// FuzzInputs holds the three protocols against each other.
func FuzzInputs(f *testing.F) {
	f.Add("PutMetricData", []byte("\xa2iNamespaceaNjMetricData\x81\xa4jMetricNameaMiTimestamp\xc1\xfbA\xd9\xd6V\x9e\x00\x00\x00eValue\x01fValues\x81\xf9<\x00"))
	f.Add("GetMetricStatistics", []byte("\xbfjDimensions\x9f\xbfdNameaNeValueaV\xff\xffiStartTime\xc1\x1aePeriod\x18<\xff"))
	f.Add("PutMetricAlarm", []byte("\xa1gUnknown\xd8\x20\x82\xf6\x7f\x61a\xff"))
	f.Fuzz(func(t *testing.T, operation string, data []byte) {
		info, ok := metricswire.Lookup(operation)
		if !ok {
			return
		}
		in := info.NewRequest()
		if err := awsproto.DecodeCBORShape(data, in); err != nil {
			return
		}
		if len(data) > 0 && cbor.Wellformed(data) != nil {
			t.Fatalf("decoded what is no CBOR: %x", data)
		}
		in.Validate(new(awsproto.Violations))
		v := new(awsproto.Violations)
		v.Parameters()
		in.Validate(v)
		first := awsproto.AppendCBORShape(nil, in)
		again := info.NewRequest()
		if err := awsproto.DecodeCBORShape(first, again); err != nil {
			t.Fatalf("decode what was encoded: %v: %x", err, first)
		}
		if second := awsproto.AppendCBORShape(nil, again); !bytes.Equal(first, second) {
			t.Fatalf("encoding is not stable:\n%x\n%x", first, second)
		}
	})
}
