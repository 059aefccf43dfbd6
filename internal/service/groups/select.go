package groups

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Selection says which groups of a scope are meant, as the SOURCE of a query does.
type Selection struct {
	Prefixes []string    // names begin with one of them; nil: any
	Class    string      // "" = any
	Tags     []TagFilter // all must hold
}

// Select returns the groups of a selection by name, at most limit of them.
// ErrUnavailable.
func (s *Service) Select(ctx context.Context, scope logs.Scope, sel Selection, limit int) ([]Group, error) {
	f := catalog.GroupFilter{Limit: limit, Match: matchAll(beginsWithAny(sel.Prefixes), ofClass(sel.Class))}
	if len(sel.Prefixes) == 1 {
		f.Prefix = sel.Prefixes[0]
	}
	found, err := s.listTagged(ctx, scope, f, sel.Tags)
	return found, translate(err, nil, nil)
}

func beginsWithAny(prefixes []string) match {
	if len(prefixes) < 2 {
		return nil
	}
	return func(g *Group) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(g.Name, p) {
				return true
			}
		}
		return false
	}
}
