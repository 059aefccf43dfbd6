package querytest_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/ppl"
	"github.com/cumulog/cumulog/internal/engine/query/querytest"
	"github.com/cumulog/cumulog/internal/engine/query/sql"
)

// TestPPLScripts runs testdata/ppl/*.txt, in the language of README.md.
func TestPPLScripts(t *testing.T) {
	scripts, err := querytest.ReadScripts("testdata/ppl/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, scripts, func(text string) (scriptQuery, error) { return ppl.Parse(text) })
}

// TestSQLScripts runs testdata/sql/*.txt, in the language of README.md.
func TestSQLScripts(t *testing.T) {
	scripts, err := querytest.ReadScripts("testdata/sql/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, scripts, func(text string) (scriptQuery, error) { return sql.Parse(text) })
}
