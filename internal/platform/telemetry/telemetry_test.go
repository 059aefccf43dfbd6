package telemetry_test

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cumulog/cumulog/internal/platform/telemetry"
)

func TestNewLogger(t *testing.T) {
	for _, c := range []struct{ level, format, want string }{
		{"info", "text", "level=INFO msg=hello n=1\n"},
		{"info", "json", `"level":"INFO","msg":"hello","n":1}` + "\n"},
		{"warn", "text", ""},
	} {
		var out bytes.Buffer
		logger, err := telemetry.NewLogger(&out, c.level, c.format)
		if err != nil {
			t.Fatal(err)
		}
		logger.Info("hello", "n", 1)
		if !strings.HasSuffix(out.String(), c.want) || (c.want == "" && out.Len() > 0) {
			t.Errorf("level %s, format %s wrote %q, want the end %q", c.level, c.format, out.String(), c.want)
		}
	}
	for _, c := range [][2]string{{"loud", "text"}, {"info", "xml"}} {
		if _, err := telemetry.NewLogger(&bytes.Buffer{}, c[0], c[1]); err == nil {
			t.Errorf("level %s, format %s: no error", c[0], c[1])
		}
	}
}

func TestHandlerServesMetrics(t *testing.T) {
	r := telemetry.NewRegistry()
	n := prometheus.NewCounter(prometheus.CounterOpts{Name: "cumulog_test_total", Help: "A test."})
	r.MustRegister(n)
	n.Add(3)
	w := httptest.NewRecorder()
	telemetry.Handler(r, telemetry.Discard()).ServeHTTP(w, httptest.NewRequest("GET", "/_/metrics", nil))
	for _, want := range []string{"cumulog_test_total 3\n", "go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics lack %q", want)
		}
	}
}
