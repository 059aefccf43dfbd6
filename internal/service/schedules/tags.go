package schedules

import (
	"context"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Tag merges tags into those of a scheduled query. ErrNotFound,
// *groups.TooManyTagsError, *groups.ParameterError, groups.ErrUnavailable.
func (s *Service) Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if _, err := s.find(ctx, scope, arn); err != nil {
		return err
	}
	return groups.PutTags(ctx, s.o.Catalog, arn, tags)
}

// Untag removes tags of a scheduled query by key; unknown keys are ignored.
// ErrNotFound, groups.ErrUnavailable.
func (s *Service) Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	if _, err := s.find(ctx, scope, arn); err != nil {
		return err
	}
	return unavailable(s.o.Catalog.RemoveTags(ctx, arn, keys))
}

// Tags returns the tags of a scheduled query; empty when it has none. ErrNotFound,
// groups.ErrUnavailable.
func (s *Service) Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	if _, err := s.find(ctx, scope, arn); err != nil {
		return nil, err
	}
	tags, err := s.o.Catalog.Tags(ctx, arn)
	return tags, unavailable(err)
}

// unavailable gives a full disk the meaning that the calls about tags have for it.
func unavailable(err error) error {
	if errors.Is(err, catalog.ErrFull) {
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}
