package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/logs"
)

// tagger is a service whose resources have tags.
type tagger interface {
	Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error
	Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error
	Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error)
}

// tagged returns the service that an ARN belongs to, nil for that of groups, which
// also refuses what is no ARN.
func (a *API) tagged(text string) tagger {
	arn, err := logs.ParseARN(text)
	if err != nil {
		return nil
	}
	if _, ok := arn.LookupTable(); ok {
		return a.lookups
	}
	if _, ok := arn.Destination(); ok {
		return a.subscriptions
	}
	if _, ok := arn.ScheduledQuery(); ok {
		return a.schedules
	}
	if _, ok := arn.AnomalyDetector(); ok {
		return a.anomalies
	}
	return nil
}

func (a *API) tagResource(ctx context.Context, in *logswire.TagResourceInput) (*logswire.TagResourceOutput, error) {
	if t := a.tagged(value(in.ResourceArn)); t != nil {
		return nil, t.Tag(ctx, scopeOf(ctx), value(in.ResourceArn), in.Tags)
	}
	return nil, a.groups.TagResource(ctx, scopeOf(ctx), value(in.ResourceArn), in.Tags)
}

func (a *API) untagResource(ctx context.Context, in *logswire.UntagResourceInput) (*logswire.UntagResourceOutput, error) {
	if t := a.tagged(value(in.ResourceArn)); t != nil {
		return nil, t.Untag(ctx, scopeOf(ctx), value(in.ResourceArn), in.TagKeys)
	}
	return nil, a.groups.UntagResource(ctx, scopeOf(ctx), value(in.ResourceArn), in.TagKeys)
}

func (a *API) listTagsForResource(ctx context.Context, in *logswire.ListTagsForResourceInput) (*logswire.ListTagsForResourceOutput, error) {
	of := a.groups.ResourceTags
	if t := a.tagged(value(in.ResourceArn)); t != nil {
		of = t.Tags
	}
	tags, err := of(ctx, scopeOf(ctx), value(in.ResourceArn))
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
