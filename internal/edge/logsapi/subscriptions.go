package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// scopeAll is the one scope of account policies.
const scopeAll = "ALL"

func (a *API) putSubscriptionFilter(ctx context.Context, in *logswire.PutSubscriptionFilterInput) (*logswire.PutSubscriptionFilterOutput, error) {
	return nil, a.subscriptions.PutFilter(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.FilterName), subscriptions.Spec{
		Pattern:      value(in.FilterPattern),
		Destination:  value(in.DestinationArn),
		Role:         value(in.RoleArn),
		Distribution: value(in.Distribution),
		Transformed:  value(in.ApplyOnTransformedLogs),
		Criteria:     value(in.FieldSelectionCriteria),
		SystemFields: in.EmitSystemFields,
	})
}

func (a *API) deleteSubscriptionFilter(ctx context.Context, in *logswire.DeleteSubscriptionFilterInput) (*logswire.DeleteSubscriptionFilterOutput, error) {
	return nil, a.subscriptions.DeleteFilter(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.FilterName))
}

func (a *API) describeSubscriptionFilters(ctx context.Context, in *logswire.DescribeSubscriptionFiltersInput) (*logswire.DescribeSubscriptionFiltersOutput, error) {
	page, err := a.subscriptions.Filters(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.FilterNamePrefix), in.NextToken, int(value(in.Limit)))
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeSubscriptionFiltersOutput{
		SubscriptionFilters: make([]logswire.SubscriptionFilter, len(page.Filters)), NextToken: optional(page.Next),
	}
	for i := range page.Filters {
		f := &page.Filters[i]
		out.SubscriptionFilters[i] = logswire.SubscriptionFilter{
			FilterName: &f.Name, LogGroupName: &f.Group, FilterPattern: &f.Pattern, DestinationArn: &f.Destination,
			RoleArn: optional(f.Role), Distribution: &f.Distribution, ApplyOnTransformedLogs: &f.Transformed,
			CreationTime: &f.CreatedMS, FieldSelectionCriteria: optional(f.Criteria), EmitSystemFields: f.SystemFields,
		}
	}
	return out, nil
}

func subscriptionDestination(d *subscriptions.Destination) logswire.Destination {
	return logswire.Destination{
		DestinationName: &d.Name, TargetArn: &d.Target, RoleArn: &d.Role, AccessPolicy: optional(d.Policy), Arn: &d.ARN, CreationTime: &d.CreatedMS,
	}
}

func (a *API) putDestination(ctx context.Context, in *logswire.PutDestinationInput) (*logswire.PutDestinationOutput, error) {
	d, err := a.subscriptions.PutDestination(ctx, scopeOf(ctx), value(in.DestinationName), value(in.TargetArn), value(in.RoleArn), in.Tags)
	if err != nil {
		return nil, err
	}
	out := subscriptionDestination(&d)
	return &logswire.PutDestinationOutput{Destination: &out}, nil
}

func (a *API) putDestinationPolicy(ctx context.Context, in *logswire.PutDestinationPolicyInput) (*logswire.PutDestinationPolicyOutput, error) {
	return nil, a.subscriptions.PutDestinationPolicy(ctx, scopeOf(ctx), value(in.DestinationName), value(in.AccessPolicy))
}

func (a *API) deleteDestination(ctx context.Context, in *logswire.DeleteDestinationInput) (*logswire.DeleteDestinationOutput, error) {
	return nil, a.subscriptions.DeleteDestination(ctx, scopeOf(ctx), value(in.DestinationName))
}

func (a *API) describeDestinations(ctx context.Context, in *logswire.DescribeDestinationsInput) (*logswire.DescribeDestinationsOutput, error) {
	page, err := a.subscriptions.Destinations(ctx, scopeOf(ctx), value(in.DestinationNamePrefix), in.NextToken, int(value(in.Limit)))
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeDestinationsOutput{Destinations: make([]logswire.Destination, len(page.Destinations)), NextToken: optional(page.Next)}
	for i := range page.Destinations {
		out.Destinations[i] = subscriptionDestination(&page.Destinations[i])
	}
	return out, nil
}

func accountPolicy(p *subscriptions.AccountPolicy) logswire.AccountPolicy {
	scope := scopeAll
	return logswire.AccountPolicy{
		PolicyName: &p.Name, PolicyDocument: &p.Document, LastUpdatedTime: &p.UpdatedMS, PolicyType: &p.Type, Scope: &scope,
		SelectionCriteria: optional(p.Selection), AccountId: &p.Account,
	}
}

func (a *API) putAccountPolicy(ctx context.Context, in *logswire.PutAccountPolicyInput) (*logswire.PutAccountPolicyOutput, error) {
	p, err := a.subscriptions.PutPolicy(ctx, scopeOf(ctx), value(in.PolicyType), value(in.PolicyName), value(in.PolicyDocument), value(in.SelectionCriteria))
	if err != nil {
		return nil, err
	}
	out := accountPolicy(&p)
	return &logswire.PutAccountPolicyOutput{AccountPolicy: &out}, nil
}

func (a *API) deleteAccountPolicy(ctx context.Context, in *logswire.DeleteAccountPolicyInput) (*logswire.DeleteAccountPolicyOutput, error) {
	return nil, a.subscriptions.DeletePolicy(ctx, scopeOf(ctx), value(in.PolicyType), value(in.PolicyName))
}

func (a *API) describeAccountPolicies(ctx context.Context, in *logswire.DescribeAccountPoliciesInput) (*logswire.DescribeAccountPoliciesOutput, error) {
	for _, account := range in.AccountIdentifiers {
		if account != scopeOf(ctx).Account { // of a source account; there are none
			return nil, subscriptions.ErrPolicyNotFound
		}
	}
	page, err := a.subscriptions.Policies(ctx, scopeOf(ctx), value(in.PolicyType), value(in.PolicyName), in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeAccountPoliciesOutput{AccountPolicies: make([]logswire.AccountPolicy, len(page.Policies)), NextToken: optional(page.Next)}
	for i := range page.Policies {
		out.AccountPolicies[i] = accountPolicy(&page.Policies[i])
	}
	return out, nil
}
