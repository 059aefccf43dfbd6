package logsapi

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

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
)

// internalOnly are errors of the services that clients must not see: they
// stand for broken promises between packages.
var internalOnly = map[string]bool{
	"ingest.ErrBadBatch":          true, // the decoder checks what it means
	"insights.ErrExplainNeedsRun": true, // of the console API
	"insights.ErrNoTable":         true, // the query that asks for the table fails
	"ingest.EntityError":          true, // no error of a call, but part of an answer
}

// Every error that a service exports has its place in errors.go.
func TestEveryDomainErrorIsMapped(t *testing.T) {
	mapped := map[string]bool{}
	eachIdent(t, "errors.go", func(n ast.Node) {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok {
				mapped[x.Name+"."+s.Sel.Name] = true
			}
		}
	})
	found := 0
	for _, pkg := range []string{"groups", "ingest", "events", "exports", "lookups", "fieldindex", "insights", "schedules", "metricfilters", "anomalies", "subscriptions"} {
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
				if full := pkg + "." + name; mapped[full] == internalOnly[full] {
					t.Errorf("%s: mapped %v, internal only %v", full, mapped[full], internalOnly[full])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found only %d domain errors", found)
	}
}

func eachIdent(t *testing.T, file string, visit func(ast.Node)) {
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
	eachIdent(t, file, func(n ast.Node) {
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
	maps := func(err error, code, text string, status int, members map[string]any) {
		t.Helper()
		for _, err := range []error{err, fmt.Errorf("while testing: %w", err)} {
			got := mapError(err)
			if got == nil {
				t.Errorf("%v: not mapped", err)
				continue
			}
			if got.Code != code || got.Message != text || got.HTTPStatus() != status || cmp.Diff(got.Members, members) != "" {
				t.Errorf("%v: got %+v, want %s %d: %s", err, got, code, status, text)
			}
		}
	}
	maps(groups.ErrGroupNotFound, "ResourceNotFoundException", "The specified log group does not exist.", 400, nil)
	maps(groups.ErrStreamNotFound, "ResourceNotFoundException", "The specified log stream does not exist.", 400, nil)
	maps(groups.ErrGroupExists, "ResourceAlreadyExistsException", "The specified log group already exists", 400, nil)
	maps(groups.ErrStreamExists, "ResourceAlreadyExistsException", "The specified log stream already exists", 400, nil)
	maps(groups.ErrGroupLimit, "LimitExceededException", "Resource limit exceeded.", 400, nil)
	maps(groups.ErrNameAndIdentifier, "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.", 400, nil)
	maps(groups.ErrBadToken, "InvalidParameterException", "The specified nextToken is invalid.", 400, nil)
	maps(groups.ErrUnavailable, "ServiceUnavailableException", "The service cannot complete the request.", 500, nil)
	maps(events.ErrMemory, "ServiceUnavailableException", events.ErrMemory.Error(), 500, nil)
	maps(ingest.ErrUnavailable, "ServiceUnavailableException", "The service cannot complete the request.", 500, nil)
	maps(&groups.ParameterError{Message: "No."}, "InvalidParameterException", "No.", 400, nil)
	maps(&groups.TooManyTagsError{ARN: "arn:x"}, "TooManyTagsException", "The resource can have at most 50 tags.", 400, map[string]any{"resourceName": "arn:x"})
	maps(&ingest.EventTooLargeError{Bytes: 2}, "InvalidParameterException", (&ingest.EventTooLargeError{Bytes: 2}).Error(), 400, nil)

	if got := mapError(errors.New("disk on fire")); got != nil {
		t.Errorf("an unknown error is shown to clients: %+v", got)
	}
	for _, d := range domainErrors {
		got := mapError(d.err)
		if got.Code != d.code || got.Message == "" {
			t.Errorf("%v: %+v", d.err, got)
		}
	}
}

// Every operation of the table is one the model knows.
func TestOperationsAreKnown(t *testing.T) {
	s := New(Services{}).Service()
	if s.TargetPrefix != "Logs_20140328" || s.SigningName != "logs" {
		t.Errorf("target %s, signing name %s", s.TargetPrefix, s.SigningName)
	}
	for name := range s.Operations {
		if info, known := logswire.Lookup(name); !known || info.Name != name {
			t.Errorf("%s is not an operation of the model", name)
		}
	}
	if _, known := logswire.Lookup("NoSuchOperation"); known {
		t.Error("NoSuchOperation is known")
	}
	var _ *awsproto.Error = s.MapError(groups.ErrGroupNotFound)
}
