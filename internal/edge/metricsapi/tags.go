package metricsapi

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/metricsapi/metricswire"
	"github.com/cumulog/cumulog/internal/service/alarms"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// tagError gives the errors of tags the codes that their family has: a resource that does not
// exist is a ResourceNotFoundException here, and a ResourceNotFound in calls about alarms.
func tagError(err error) error {
	if errors.Is(err, alarms.ErrNotFound) {
		return &awsproto.Error{Code: metricswire.CodeResourceNotFoundException, Message: "The named resource does not exist."}
	}
	if e, ok := errors.AsType[*groups.TooManyTagsError](err); ok {
		return awsproto.Errorf(metricswire.CodeInvalidParameterValueException, "The resource %s can have at most %d tags.", e.ARN, groups.MaxTags)
	}
	if e, ok := errors.AsType[*groups.ParameterError](err); ok {
		return awsproto.Errorf(metricswire.CodeInvalidParameterValueException, "%s", e.Message)
	}
	return err
}

func (a *API) tagResource(ctx context.Context, in *metricswire.TagResourceInput) (*metricswire.TagResourceOutput, error) {
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	return nil, tagError(a.alarms.Tag(ctx, scopeOf(ctx), value(in.ResourceARN), tags))
}

func (a *API) untagResource(ctx context.Context, in *metricswire.UntagResourceInput) (*metricswire.UntagResourceOutput, error) {
	return nil, tagError(a.alarms.Untag(ctx, scopeOf(ctx), value(in.ResourceARN), in.TagKeys))
}

func (a *API) listTagsForResource(ctx context.Context, in *metricswire.ListTagsForResourceInput) (*metricswire.ListTagsForResourceOutput, error) {
	tags, err := a.alarms.Tags(ctx, scopeOf(ctx), value(in.ResourceARN))
	if err != nil {
		return nil, tagError(err)
	}
	out := &metricswire.ListTagsForResourceOutput{Tags: make([]metricswire.Tag, 0, len(tags))}
	for _, key := range sortedKeys(tags) {
		v := tags[key]
		out.Tags = append(out.Tags, metricswire.Tag{Key: &key, Value: &v})
	}
	return out, nil
}
