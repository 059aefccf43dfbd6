package metricsapi

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/metrics"
)

// elsewhere are errors that are handled by the operations that can have them, or that clients
// must not see.
var elsewhere = map[string]bool{
	"alarms.RuleError":          true, // comes as a ParameterError
	"alarms.ConfigurationError": true, // of an evaluation: becomes a state of the alarm
	"metrics.DashboardError":    true, // dashboards.go
}

// Every error that a service exports has its place in errors.go.
func TestEveryDomainErrorIsMapped(t *testing.T) {
	mapped := map[string]bool{}
	eachNode(t, "errors.go", func(n ast.Node) {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				mapped[x.Name+"."+s.Sel.Name] = true
			}
		}
	})
	found := 0
	for _, pkg := range []string{"alarms", "metrics"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "service", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("service %s: no files, %v", pkg, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			for _, name := range exportedErrors(t, f) {
				found++
				if full := pkg + "." + name; mapped[full] == elsewhere[full] {
					t.Errorf("%s: mapped %v, handled elsewhere %v", full, mapped[full], elsewhere[full])
				}
			}
		}
	}
	if found < 10 {
		t.Errorf("found only %d domain errors", found)
	}
}

func eachNode(t *testing.T, file string, visit func(ast.Node)) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool { visit(n); return true })
}

// exportedErrors returns the variables Err… and the types …Error of a file.
func exportedErrors(t *testing.T, file string) (names []string) {
	t.Helper()
	eachNode(t, file, func(n ast.Node) {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for _, id := range n.Names {
				if strings.HasPrefix(id.Name, "Err") {
					names = append(names, id.Name)
				}
			}
		case *ast.TypeSpec:
			if n.Name.IsExported() && strings.HasSuffix(n.Name.Name, "Error") {
				names = append(names, n.Name.Name)
			}
		}
	})
	return names
}

func TestMapError(t *testing.T) {
	known := &awsproto.Errors{Namespace: metricswire.ShapeNamespace, Known: metricswire.ErrorInfo}
	check := func(err error, code, query string, status int, text string) {
		t.Helper()
		for _, err := range []error{err, fmt.Errorf("while testing: %w", err)} {
			got := mapError(err)
			if got == nil {
				t.Errorf("%v: not mapped", err)
				continue
			}
			gotQuery, _ := known.QueryCode(got)
			if got.Code != code || gotQuery != query || known.Status(got) != status || got.Message != text {
				t.Errorf("%v: got %+v, %s, %d, want %s, %s, %d: %s", err, got, gotQuery, known.Status(got), code, query, status, text)
			}
		}
	}
	of := func(kind error) error {
		return &metrics.Error{Kind: kind, Message: "No.", Cause: errors.New("secret")}
	}
	check(of(metrics.ErrInvalidValue), "InvalidParameterValueException", "InvalidParameterValue", 400, "No.")
	check(of(metrics.ErrInvalidCombination), "InvalidParameterCombinationException", "InvalidParameterCombination", 400, "No.")
	check(of(metrics.ErrMissing), "MissingRequiredParameterException", "MissingParameter", 400, "No.")
	check(of(metrics.ErrValidation), "ValidationError", "ValidationError", 400, "No.")
	check(of(metrics.ErrInvalidToken), "InvalidNextToken", "InvalidNextToken", 400, "No.")
	check(of(metrics.ErrTooManyMetrics), "LimitExceededFault", "LimitExceeded", 400, "No.")
	check(of(metrics.ErrUnavailable), "InternalServiceFault", "InternalServiceError", 500, "The service cannot complete the request.")
	check(metrics.ErrDashboardNotFound, "DashboardNotFoundError", "ResourceNotFound", 404, "The specified dashboard does not exist.")
	check(alarms.ErrNotFound, "ResourceNotFound", "ResourceNotFound", 404, "The named resource does not exist.")
	check(alarms.ErrTooMany, "LimitExceededFault", "LimitExceeded", 400, "The maximum limit for number of alarms has been reached.")
	check(alarms.ErrBadToken, "InvalidNextToken", "InvalidNextToken", 400, "The specified next token is invalid.")
	check(alarms.ErrReasonData, "InvalidFormatFault", "InvalidFormat", 400, "StateReasonData must be valid JSON.")
	check(alarms.ErrUnavailable, "InternalServiceFault", "InternalServiceError", 500, "The service cannot complete the request.")
	check(groups.ErrUnavailable, "InternalServiceFault", "InternalServiceError", 500, "The service cannot complete the request.")
	check(&alarms.ParameterError{Message: "No."}, "ValidationError", "ValidationError", 400, "No.")
	if got := mapError(errors.New("secret")); got != nil {
		t.Errorf("an unknown error is shown as %+v", got)
	}
}
