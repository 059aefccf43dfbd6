package events

import (
	"context"
	"math"

	"github.com/cumulog/cumulog/internal/logs"
)

// maxEmptyPages is how many empty pages can follow each other without need.
const maxEmptyPages = 3

// EmptyPage answers a filter with a page without events and a token with which the
// search goes on where it stands, as the real service does when it has searched for a
// while. Filter has no such pages; they are for people who test their paging loops. It
// checks the request as Filter does. ok is false when there were three such pages in a
// row already: then Filter has to answer.
func (s *Service) EmptyPage(ctx context.Context, scope logs.Scope, r FilterRequest) (page FilterPage, ok bool, err error) {
	f, err := s.newRun(ctx, scope, r)
	if err != nil || f.emptied >= maxEmptyPages {
		return FilterPage{}, false, err
	}
	at := place{snapshot: f.snapshot, emptied: f.emptied + 1}
	switch {
	case f.q.After != nil:
		at.at = *f.q.After
	case f.q.Before != nil:
		at.at = *f.q.Before
	case f.q.Reverse:
		at.at = logs.Key{Timestamp: math.MaxInt64, Seq: math.MaxUint64}
	}
	f.page.Token = f.token(at)
	return f.page, true, nil
}
