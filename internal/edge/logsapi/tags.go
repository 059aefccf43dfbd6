package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

func (a *API) tagResource(ctx context.Context, in *logswire.TagResourceInput) (*logswire.TagResourceOutput, error) {
	return nil, a.groups.TagResource(ctx, scopeOf(ctx), value(in.ResourceArn), in.Tags)
}

func (a *API) untagResource(ctx context.Context, in *logswire.UntagResourceInput) (*logswire.UntagResourceOutput, error) {
	return nil, a.groups.UntagResource(ctx, scopeOf(ctx), value(in.ResourceArn), in.TagKeys)
}

func (a *API) listTagsForResource(ctx context.Context, in *logswire.ListTagsForResourceInput) (*logswire.ListTagsForResourceOutput, error) {
	tags, err := a.groups.ResourceTags(ctx, scopeOf(ctx), value(in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &logswire.ListTagsForResourceOutput{Tags: tags}, nil
}

func (a *API) tagLogGroup(ctx context.Context, in *logswire.TagLogGroupInput) (*logswire.TagLogGroupOutput, error) {
	return nil, a.groups.TagGroup(ctx, scopeOf(ctx), value(in.LogGroupName), in.Tags)
}

func (a *API) untagLogGroup(ctx context.Context, in *logswire.UntagLogGroupInput) (*logswire.UntagLogGroupOutput, error) {
	return nil, a.groups.UntagGroup(ctx, scopeOf(ctx), value(in.LogGroupName), in.Tags)
}

func (a *API) listTagsLogGroup(ctx context.Context, in *logswire.ListTagsLogGroupInput) (*logswire.ListTagsLogGroupOutput, error) {
	tags, err := a.groups.GroupTags(ctx, scopeOf(ctx), value(in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &logswire.ListTagsLogGroupOutput{Tags: tags}, nil
}
