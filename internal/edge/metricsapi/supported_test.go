package metricsapi_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/metricsapi"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
)

var updateSupported = flag.Bool("update-supported", false, "rewrite the table of docs/supported-operations.md")

const (
	tableBegin = "<!-- generated: go test ./internal/edge/metricsapi -run TestSupportedOperations -update-supported -->\n"
	tableEnd   = "<!-- end of the generated part about metrics -->\n"
)

// supportedTable renders the table of all operations of the model.
func supportedTable(t *testing.T) string {
	service := metricsapi.New(metricsapi.Services{}).Service()
	for name := range service.Operations {
		if _, ok := service.Known(name); !ok {
			t.Errorf("operation %s is built but not in the model", name)
		}
	}
	names := metricswire.Operations()
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d operations are built.\n\n| operation | built | modelled errors |\n|---|---|---|\n", len(service.Operations), len(names))
	for _, name := range names {
		info, _ := service.Known(name)
		built := "no"
		if _, ok := service.Operations[name]; ok {
			built = "**yes**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, built, strings.Join(info.Errors, ", "))
	}
	return b.String()
}

// docs/supported-operations.md says what the code does.
func TestSupportedOperations(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "supported-operations.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), tableBegin)
	old, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no generated part", file)
	}
	want := supportedTable(t)
	if *updateSupported {
		if err := os.WriteFile(file, []byte(head+tableBegin+want+tableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("%s is stale, run: go test ./internal/edge/metricsapi -run TestSupportedOperations -update-supported\n(-want +got):\n%s", file, diff)
	}
}
