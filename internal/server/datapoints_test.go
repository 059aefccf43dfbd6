package server_test

import (
	"bytes"
	"context"
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

// callMetrics sends one unsigned call of the metrics API in JSON.
func callMetrics(t *testing.T, url, operation, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+operation)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// TestMetricsAreKept publishes, stops, looks for damage, starts again, reads, and resets.
func TestMetricsAreKept(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	now := time.Now().Unix()
	now -= now % 60
	status, out := callMetrics(t, s.URL(), "PutMetricData", fmt.Sprintf(`{"Namespace":"App","MetricData":[{"MetricName":"Errors","Value":3,"Timestamp":%d}]}`, now-60))
	if status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, out)
	}
	if _, shown := get(t, s.URL()+"/_/metrics"); !strings.Contains(shown, "\ncumulog_metrics_series 1\n") {
		t.Error("the metric is not counted")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	verify := func() (int, string) {
		t.Helper()
		var out bytes.Buffer
		n, err := server.Verify(context.Background(), cfg.Data, &out, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return n, out.String()
	}
	if n, out := verify(); n != 0 {
		t.Errorf("%d problems\n%s", n, out)
	}
	ask := fmt.Sprintf(`{"StartTime":%d,"EndTime":%d,"MetricDataQueries":[{"Id":"m","MetricStat":{"Metric":{"Namespace":"App","MetricName":"Errors"},"Period":60,"Stat":"Sum"}}]}`, now-600, now)
	s = start(t, cfg)
	status, out = callMetrics(t, s.URL(), "GetMetricData", ask)
	if status != http.StatusOK || !strings.Contains(out, `"Values":[3`) {
		t.Errorf("HTTP %d: %s", status, out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// A damaged file does not keep the server from starting, and is reported.
	files, err := filepath.Glob(cfg.DataPath("metrics/files/*.series"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, out := verify(); n != 1 || !strings.Contains(out, "PROBLEM metrics/") {
		t.Errorf("%d problems\n%s", n, out)
	}
	s = start(t, cfg)
	if status, out = callMetrics(t, s.URL(), "GetMetricData", ask); status != http.StatusInternalServerError {
		t.Errorf("of a damaged file: HTTP %d: %s", status, out)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := server.Reset(context.Background(), cfg.Data); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cfg.DataPath("metrics")); !os.IsNotExist(err) {
		t.Errorf("metrics after a reset: %v", err)
	}
}
