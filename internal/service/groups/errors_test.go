package groups

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/catalog"
)

func TestTranslate(t *testing.T) {
	other := errors.New("other")
	for _, c := range []struct{ in, want error }{
		{nil, nil},
		{catalog.ErrNotFound, ErrGroupNotFound},
		{catalog.ErrExists, ErrGroupExists},
		{catalog.ErrConflict, ErrProtected},
		{catalog.ErrFull, ErrUnavailable},
		{catalog.ErrClosed, catalog.ErrClosed},
		{other, other},
	} {
		in := c.in
		if in != nil {
			in = fmt.Errorf("while testing: %w", in)
		}
		if got := translate(in, ErrGroupNotFound, ErrGroupExists); !errors.Is(got, c.want) {
			t.Errorf("translate(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}
