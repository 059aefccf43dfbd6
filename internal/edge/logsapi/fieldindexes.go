package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/fieldindex"
)

// indexSource says that a policy belongs to the group; those of accounts have
// another.
const indexSource = "LOG_GROUP"

func indexPolicy(p *fieldindex.Policy) logswire.IndexPolicy {
	source := indexSource
	return logswire.IndexPolicy{
		LogGroupIdentifier: &p.GroupARN,
		LastUpdateTime:     &p.UpdatedMS,
		PolicyDocument:     &p.Document,
		Source:             &source,
	}
}

func (a *API) putIndexPolicy(ctx context.Context, in *logswire.PutIndexPolicyInput) (*logswire.PutIndexPolicyOutput, error) {
	p, err := a.indexes.Put(ctx, scopeOf(ctx), value(in.LogGroupIdentifier), value(in.PolicyDocument))
	if err != nil {
		return nil, err
	}
	policy := indexPolicy(&p)
	return &logswire.PutIndexPolicyOutput{IndexPolicy: &policy}, nil
}

func (a *API) deleteIndexPolicy(ctx context.Context, in *logswire.DeleteIndexPolicyInput) (*logswire.DeleteIndexPolicyOutput, error) {
	if err := a.indexes.Delete(ctx, scopeOf(ctx), value(in.LogGroupIdentifier)); err != nil {
		return nil, err
	}
	return &logswire.DeleteIndexPolicyOutput{}, nil
}

func (a *API) describeIndexPolicies(ctx context.Context, in *logswire.DescribeIndexPoliciesInput) (*logswire.DescribeIndexPoliciesOutput, error) {
	if in.NextToken != nil { // one group has one policy: there is no second page
		return nil, fieldindex.ErrBadToken
	}
	policies, err := a.indexes.Policies(ctx, scopeOf(ctx), in.LogGroupIdentifiers[0])
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeIndexPoliciesOutput{IndexPolicies: make([]logswire.IndexPolicy, len(policies))}
	for i := range policies {
		out.IndexPolicies[i] = indexPolicy(&policies[i])
	}
	return out, nil
}

func (a *API) describeFieldIndexes(ctx context.Context, in *logswire.DescribeFieldIndexesInput) (*logswire.DescribeFieldIndexesOutput, error) {
	page, err := a.indexes.DescribeIndexes(ctx, scopeOf(ctx), in.LogGroupIdentifiers, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeFieldIndexesOutput{FieldIndexes: make([]logswire.FieldIndex, len(page.Indexes)), NextToken: optional(page.Next)}
	for i := range page.Indexes {
		x := &page.Indexes[i]
		out.FieldIndexes[i] = logswire.FieldIndex{
			LogGroupIdentifier: &x.GroupARN,
			FieldIndexName:     &x.Name,
			LastScanTime:       &x.ScannedMS,
			FirstEventTime:     &x.First,
			LastEventTime:      &x.Last,
			Type:               &x.Type,
		}
	}
	return out, nil
}
