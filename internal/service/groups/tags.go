package groups

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// MaxTags is how many tags a resource may have.
const MaxTags = 50

// checkTags refuses what the request model cannot express.
func checkTags(tags map[string]string) error {
	var reserved []string
	for k := range tags {
		if len(k) >= 4 && strings.EqualFold(k[:4], "aws:") {
			reserved = append(reserved, k)
		}
	}
	if len(reserved) > 0 {
		slices.Sort(reserved)
		return parameterf("Tag keys that begin with aws: are reserved: %s.", strings.Join(reserved, ", "))
	}
	return nil
}

// PutTags merges tags into those of a resource that is not a group and that the
// caller knows to exist. *TooManyTagsError, *ParameterError, ErrUnavailable.
func PutTags(ctx context.Context, db *catalog.DB, arn string, tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	err := db.PutTags(ctx, arn, tags, MaxTags)
	if errors.Is(err, catalog.ErrTooMany) {
		return &TooManyTagsError{ARN: arn}
	}
	return translate(err, nil, nil)
}

// CheckTags refuses tags that no resource can have: a *ParameterError.
func CheckTags(tags map[string]string) error { return checkTags(tags) }

// groupOfARN returns the group that a tag call names, past the cache.
func (s *Service) groupOfARN(ctx context.Context, scope logs.Scope, text string) (Group, error) {
	arn, err := logs.ParseARN(text)
	if err != nil {
		return Group{}, parameterf("The specified resource ARN is invalid: %s", text)
	}
	name, isGroup := arn.GroupName()
	if !isGroup || arn.Scope != scope || arn.Partition != logs.Partition(scope.Region) {
		return Group{}, ErrResourceNotFound
	}
	return s.groupOfName(ctx, scope, name)
}

func (s *Service) groupOfName(ctx context.Context, scope logs.Scope, name string) (Group, error) {
	g, err := s.catalog.GroupByName(ctx, scope, name)
	return g, translate(err, ErrGroupNotFound, nil)
}

// TagResource merges tags into those of a resource given by ARN; equal keys are
// replaced. Other resources than groups have services of their own. ErrResourceNotFound,
// ErrGroupNotFound, *TooManyTagsError, *ParameterError, ErrUnavailable.
func (s *Service) TagResource(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	g, err := s.groupOfARN(ctx, scope, arn)
	if err != nil {
		return err
	}
	return s.tag(ctx, g, tags)
}

// TagGroup is TagResource for a group given by name. Here too many tags are a
// *ParameterError, as the older call has no other error for them.
func (s *Service) TagGroup(ctx context.Context, scope logs.Scope, name string, tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	g, err := s.groupOfName(ctx, scope, name)
	if err != nil {
		return err
	}
	err = s.tag(ctx, g, tags)
	if many := (*TooManyTagsError)(nil); errors.As(err, &many) {
		return parameterf("The log group can have at most %d tags.", MaxTags)
	}
	return err
}

func (s *Service) tag(ctx context.Context, g Group, tags map[string]string) error {
	err := s.catalog.PutGroupTags(ctx, g.ID, tags, MaxTags)
	if errors.Is(err, catalog.ErrTooMany) {
		return &TooManyTagsError{ARN: g.Scope.GroupARN(g.Name)}
	}
	return translate(err, ErrGroupNotFound, nil)
}

// UntagResource removes tags of a resource by key; unknown keys are ignored.
// ErrResourceNotFound, ErrGroupNotFound, *ParameterError, ErrUnavailable.
func (s *Service) UntagResource(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	g, err := s.groupOfARN(ctx, scope, arn)
	if err != nil {
		return err
	}
	return translate(s.catalog.RemoveGroupTags(ctx, g.ID, keys), ErrGroupNotFound, nil)
}

// UntagGroup is UntagResource for a group given by name.
func (s *Service) UntagGroup(ctx context.Context, scope logs.Scope, name string, keys []string) error {
	g, err := s.groupOfName(ctx, scope, name)
	if err != nil {
		return err
	}
	return translate(s.catalog.RemoveGroupTags(ctx, g.ID, keys), ErrGroupNotFound, nil)
}

// ResourceTags returns the tags of a resource, an empty map when it has none.
// ErrResourceNotFound, ErrGroupNotFound, *ParameterError, ErrUnavailable.
func (s *Service) ResourceTags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	g, err := s.groupOfARN(ctx, scope, arn)
	if err != nil {
		return nil, err
	}
	return s.tags(ctx, g)
}

// GroupTags is ResourceTags for a group given by name.
func (s *Service) GroupTags(ctx context.Context, scope logs.Scope, name string) (map[string]string, error) {
	g, err := s.groupOfName(ctx, scope, name)
	if err != nil {
		return nil, err
	}
	return s.tags(ctx, g)
}

func (s *Service) tags(ctx context.Context, g Group) (map[string]string, error) {
	tags, err := s.catalog.Tags(ctx, g.Scope.GroupARN(g.Name))
	return tags, translate(err, nil, nil)
}
