package insights

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/logs"
)

var errChecked = errors.New("insights: it was only checked")

// Check does what Start does until the query would run, and no more. Its errors are those of
// Start, but for *ConcurrencyError.
func (s *Service) Check(ctx context.Context, scope logs.Scope, r StartRequest) error {
	j, err := s.prepare(ctx, scope, r)
	if err != nil {
		return err
	}
	j.cancel(errChecked)
	return nil
}

// Wait returns when a query has ended, at once when there is none of that id. The
// error is that of ctx.
func (s *Service) Wait(ctx context.Context, scope logs.Scope, id string) error {
	j := s.find(scope, id)
	if j == nil {
		return nil
	}
	select {
	case <-j.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
