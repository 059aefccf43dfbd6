package consoleapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/service/subscriptions"
)

// defaultDeadLetters is how many dead letters a page has unless the call says.
const defaultDeadLetters = 100

// listDeliveries tells how the subscription filters and account policies of the caller fare.
func (a *API) listDeliveries(ctx context.Context, _ *consolewire.ListDeliveriesInput) (*consolewire.ListDeliveriesOutput, error) {
	out := &consolewire.ListDeliveriesOutput{Deliveries: []consolewire.Delivery{}}
	scope := scopeOf(ctx)
	for _, s := range a.subscriptions.Statuses() {
		if s.Scope != scope {
			continue
		}
		d := consolewire.Delivery{
			DestinationArn: &s.Destination, Lag: ptr(s.Lag.Milliseconds()), Delivered: &s.Delivered, Dead: &s.Dead,
		}
		if s.Group == "" {
			d.PolicyName = &s.Filter
		} else {
			d.LogGroupName, d.FilterName = &s.Group, &s.Filter
		}
		if s.FailingSinceMS != 0 {
			d.FailingSince, d.Error = &s.FailingSinceMS, &s.Error
		}
		out.Deliveries = append(out.Deliveries, d)
	}
	return out, nil
}

// listDeadLetters lists the events that a target will never get.
func (a *API) listDeadLetters(ctx context.Context, in *consolewire.ListDeadLettersInput) (*consolewire.ListDeadLettersOutput, error) {
	ofFilter := in.LogGroupIdentifier != nil && in.FilterName != nil && in.PolicyName == nil
	if ofPolicy := in.LogGroupIdentifier == nil && in.FilterName == nil && in.PolicyName != nil; !ofFilter && !ofPolicy {
		return nil, &awsproto.Error{
			Code: awsproto.CodeInvalidParameter, Message: "Either logGroupIdentifier and filterName, or policyName must be specified.",
		}
	}
	limit := defaultDeadLetters
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	name := value(in.FilterName) + value(in.PolicyName) // one of them
	page, err := a.subscriptions.DeadLetters(ctx, scopeOf(ctx), value(in.LogGroupIdentifier), name, in.NextToken, limit)
	if err != nil {
		return nil, err
	}
	out := &consolewire.ListDeadLettersOutput{DeadLetters: make([]consolewire.DeadLetter, len(page.Letters))}
	if page.Next != "" {
		out.NextToken = &page.Next
	}
	for i := range page.Letters {
		l := &page.Letters[i]
		out.DeadLetters[i] = deadLetter(l)
	}
	return out, nil
}

func deadLetter(l *subscriptions.DeadLetter) consolewire.DeadLetter {
	return consolewire.DeadLetter{
		Time: &l.AtMS, LogGroupName: &l.Group, LogStreamName: &l.Stream, Reason: &l.Reason, Count: ptr(int64(l.Count)), EventIds: l.IDs,
	}
}
