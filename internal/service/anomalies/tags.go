package anomalies

import (
	"context"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Tag merges tags into those of a detector. ErrNotFound, *groups.TooManyTagsError,
// *groups.ParameterError, groups.ErrUnavailable.
func (s *Service) Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if _, _, err := s.find(ctx, scope, arn); err != nil {
		return err
	}
	return groups.PutTags(ctx, s.o.Catalog, arn, tags)
}

// Untag removes tags of a detector by key; unknown keys are ignored. ErrNotFound,
// groups.ErrUnavailable.
func (s *Service) Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	if _, _, err := s.find(ctx, scope, arn); err != nil {
		return err
	}
	return translate(s.o.Catalog.RemoveTags(ctx, arn, keys))
}

// Tags returns the tags of a detector; empty when it has none. ErrNotFound,
// groups.ErrUnavailable.
func (s *Service) Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	if _, _, err := s.find(ctx, scope, arn); err != nil {
		return nil, err
	}
	tags, err := s.o.Catalog.Tags(ctx, arn)
	return tags, translate(err)
}
