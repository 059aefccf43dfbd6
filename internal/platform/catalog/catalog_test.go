package catalog_test

import (
	"context"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/catalog/catalogtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type home string

func (h home) Open(t *testing.T) *catalog.DB {
	t.Helper()
	db, err := catalog.Open(context.Background(), string(h), catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestCatalog(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalogtest.Home {
		return home(filepath.Join(t.TempDir(), "odd name? #%41.db"))
	})
}
