package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func (a *API) createLogGroup(ctx context.Context, in *logswire.CreateLogGroupInput) (*logswire.CreateLogGroupOutput, error) {
	return nil, a.groups.Create(ctx, scopeOf(ctx), groups.CreateRequest{
		Name:      value(in.LogGroupName),
		Class:     value(in.LogGroupClass),
		KMSKeyID:  in.KmsKeyId,
		Protected: value(in.DeletionProtectionEnabled),
		Tags:      in.Tags,
	})
}

func (a *API) deleteLogGroup(ctx context.Context, in *logswire.DeleteLogGroupInput) (*logswire.DeleteLogGroupOutput, error) {
	return nil, a.groups.Delete(ctx, scopeOf(ctx), value(in.LogGroupName))
}

func (a *API) describeLogGroups(ctx context.Context, in *logswire.DescribeLogGroupsInput) (*logswire.DescribeLogGroupsOutput, error) {
	page, err := a.groups.Describe(ctx, scopeOf(ctx), groups.DescribeRequest{
		Accounts:    groups.Accounts{Identifiers: in.AccountIdentifiers, IncludeLinked: value(in.IncludeLinkedAccounts)},
		Prefix:      value(in.LogGroupNamePrefix),
		Pattern:     value(in.LogGroupNamePattern),
		Class:       value(in.LogGroupClass),
		Identifiers: in.LogGroupIdentifiers,
		Token:       in.NextToken,
		Limit:       int(value(in.Limit)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeLogGroupsOutput{LogGroups: make([]logswire.LogGroup, len(page.Groups)), NextToken: optional(page.Next)}
	for i := range page.Groups {
		g := &page.Groups[i]
		filters, err := a.filters.Count(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		out.LogGroups[i] = logGroup(g, filters)
	}
	return out, nil
}

func logGroup(g *groups.Group, filters int) logswire.LogGroup {
	arn := g.Scope.GroupARN(g.Name)
	return logswire.LogGroup{
		LogGroupName:                     &g.Name,
		CreationTime:                     &g.CreatedMS,
		RetentionInDays:                  optional(int32(g.RetentionDays)),
		MetricFilterCount:                new(int32(filters)),
		Arn:                              new(arn + ":*"),
		LogGroupArn:                      &arn,
		StoredBytes:                      &g.StoredBytes,
		LogGroupClass:                    &g.Class,
		DeletionProtectionEnabled:        &g.Protected,
		BearerTokenAuthenticationEnabled: new(false),
	}
}

func (a *API) listLogGroups(ctx context.Context, in *logswire.ListLogGroupsInput) (*logswire.ListLogGroupsOutput, error) {
	r := groups.ListRequest{
		Accounts:     groups.Accounts{Identifiers: in.AccountIdentifiers, IncludeLinked: value(in.IncludeLinkedAccounts)},
		Pattern:      value(in.LogGroupNamePattern),
		Class:        value(in.LogGroupClass),
		Token:        in.NextToken,
		Limit:        int(value(in.Limit)),
		DataSources:  len(in.DataSources),
		FieldIndexes: len(in.FieldIndexNames),
	}
	for _, f := range in.LogGroupTags {
		r.Tags = append(r.Tags, groups.TagFilter{Key: value(f.Key), Values: f.Values})
	}
	page, err := a.groups.List(ctx, scopeOf(ctx), r)
	if err != nil {
		return nil, err
	}
	out := &logswire.ListLogGroupsOutput{LogGroups: make([]logswire.LogGroupSummary, len(page.Groups)), NextToken: optional(page.Next)}
	for i := range page.Groups {
		g := &page.Groups[i]
		out.LogGroups[i] = logswire.LogGroupSummary{
			LogGroupName: &g.Name, LogGroupArn: new(g.Scope.GroupARN(g.Name)), LogGroupClass: &g.Class,
		}
	}
	return out, nil
}

func (a *API) putRetentionPolicy(ctx context.Context, in *logswire.PutRetentionPolicyInput) (*logswire.PutRetentionPolicyOutput, error) {
	return nil, a.groups.PutRetention(ctx, scopeOf(ctx), value(in.LogGroupName), int(value(in.RetentionInDays)))
}

func (a *API) deleteRetentionPolicy(ctx context.Context, in *logswire.DeleteRetentionPolicyInput) (*logswire.DeleteRetentionPolicyOutput, error) {
	return nil, a.groups.DeleteRetention(ctx, scopeOf(ctx), value(in.LogGroupName))
}

func (a *API) putLogGroupDeletionProtection(ctx context.Context, in *logswire.PutLogGroupDeletionProtectionInput) (*logswire.PutLogGroupDeletionProtectionOutput, error) {
	return nil, a.groups.SetProtection(ctx, scopeOf(ctx), value(in.LogGroupIdentifier), value(in.DeletionProtectionEnabled))
}
