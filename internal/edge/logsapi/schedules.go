package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/schedules"
)

// destinationOf reads a destination; nil when there is none.
func destinationOf(in *logswire.DestinationConfiguration) *schedules.Destination {
	if in == nil {
		return nil
	}
	return &schedules.Destination{
		URI:     value(in.S3Configuration.DestinationIdentifier),
		RoleARN: value(in.S3Configuration.RoleArn),
		Owner:   value(in.S3Configuration.OwnerAccountId),
		KMSKey:  value(in.S3Configuration.KmsKeyId),
	}
}

func destination(d *schedules.Destination) *logswire.DestinationConfiguration {
	if d == nil {
		return nil
	}
	return &logswire.DestinationConfiguration{S3Configuration: &logswire.S3Configuration{
		DestinationIdentifier: &d.URI,
		RoleArn:               &d.RoleARN,
		OwnerAccountId:        optional(d.Owner),
		KmsKeyId:              optional(d.KMSKey),
	}}
}

// lastRun is the time of the last run, nil when there was none.
func lastRun(q *schedules.Query) *int64 {
	if q.LastMS < 0 {
		return nil
	}
	return &q.LastMS
}

func (a *API) createScheduledQuery(ctx context.Context, in *logswire.CreateScheduledQueryInput) (*logswire.CreateScheduledQueryOutput, error) {
	q, err := a.schedules.Create(ctx, scopeOf(ctx), value(in.Name), schedules.Spec{
		Description: value(in.Description),
		Language:    value(in.QueryLanguage),
		Query:       value(in.QueryString),
		Groups:      in.LogGroupIdentifiers,
		Expression:  value(in.ScheduleExpression),
		Zone:        value(in.Timezone),
		LookBack:    in.StartTimeOffset,
		LookUntil:   in.EndTimeOffset,
		Destination: destinationOf(in.DestinationConfiguration),
		Start:       in.ScheduleStartTime,
		End:         in.ScheduleEndTime,
		Role:        value(in.ExecutionRoleArn),
		State:       value(in.State),
	}, in.Tags)
	if err != nil {
		return nil, err
	}
	return &logswire.CreateScheduledQueryOutput{ScheduledQueryArn: &q.ARN, State: &q.State}, nil
}

func (a *API) getScheduledQuery(ctx context.Context, in *logswire.GetScheduledQueryInput) (*logswire.GetScheduledQueryOutput, error) {
	q, err := a.schedules.Get(ctx, scopeOf(ctx), value(in.Identifier))
	if err != nil {
		return nil, err
	}
	return scheduledQuery(&q), nil
}

func scheduledQuery(q *schedules.Query) *logswire.GetScheduledQueryOutput {
	return &logswire.GetScheduledQueryOutput{
		ScheduledQueryArn:        &q.ARN,
		Name:                     &q.Name,
		Description:              optional(q.Description),
		QueryLanguage:            &q.Language,
		QueryString:              &q.Query,
		LogGroupIdentifiers:      q.Groups,
		ScheduleExpression:       &q.Expression,
		Timezone:                 optional(q.Zone),
		StartTimeOffset:          q.LookBack,
		EndTimeOffset:            q.LookUntil,
		DestinationConfiguration: destination(q.Destination),
		State:                    &q.State,
		LastTriggeredTime:        lastRun(q),
		LastExecutionStatus:      optional(q.LastStatus),
		ScheduleStartTime:        q.Start,
		ScheduleEndTime:          q.End,
		ExecutionRoleArn:         &q.Role,
		CreationTime:             &q.CreatedMS,
		LastUpdatedTime:          &q.UpdatedMS,
	}
}

func (a *API) updateScheduledQuery(ctx context.Context, in *logswire.UpdateScheduledQueryInput) (*logswire.UpdateScheduledQueryOutput, error) {
	q, err := a.schedules.Update(ctx, scopeOf(ctx), value(in.Identifier), schedules.Spec{
		Description: value(in.Description),
		Language:    value(in.QueryLanguage),
		Query:       value(in.QueryString),
		Groups:      in.LogGroupIdentifiers,
		Expression:  value(in.ScheduleExpression),
		Zone:        value(in.Timezone),
		LookBack:    in.StartTimeOffset,
		LookUntil:   in.EndTimeOffset,
		Destination: destinationOf(in.DestinationConfiguration),
		Start:       in.ScheduleStartTime,
		End:         in.ScheduleEndTime,
		Role:        value(in.ExecutionRoleArn),
		State:       value(in.State),
	})
	if err != nil {
		return nil, err
	}
	out := logswire.UpdateScheduledQueryOutput(*scheduledQuery(&q))
	return &out, nil
}

func (a *API) deleteScheduledQuery(ctx context.Context, in *logswire.DeleteScheduledQueryInput) (*logswire.DeleteScheduledQueryOutput, error) {
	if err := a.schedules.Delete(ctx, scopeOf(ctx), value(in.Identifier)); err != nil {
		return nil, err
	}
	return &logswire.DeleteScheduledQueryOutput{}, nil
}

func (a *API) listScheduledQueries(ctx context.Context, in *logswire.ListScheduledQueriesInput) (*logswire.ListScheduledQueriesOutput, error) {
	page, err := a.schedules.List(ctx, scopeOf(ctx), value(in.State), in.NextToken, int(value(in.MaxResults)))
	if err != nil {
		return nil, err
	}
	out := &logswire.ListScheduledQueriesOutput{ScheduledQueries: make([]logswire.ScheduledQuerySummary, len(page.Queries)), NextToken: optional(page.Next)}
	for i := range page.Queries {
		q := &page.Queries[i]
		out.ScheduledQueries[i] = logswire.ScheduledQuerySummary{
			ScheduledQueryArn:        &q.ARN,
			Name:                     &q.Name,
			State:                    &q.State,
			LastTriggeredTime:        lastRun(q),
			LastExecutionStatus:      optional(q.LastStatus),
			ScheduleExpression:       &q.Expression,
			Timezone:                 optional(q.Zone),
			DestinationConfiguration: destination(q.Destination),
			CreationTime:             &q.CreatedMS,
			LastUpdatedTime:          &q.UpdatedMS,
		}
	}
	return out, nil
}

// deliveryType is where results go: there is one kind of place.
const deliveryType = "S3"

func (a *API) getScheduledQueryHistory(ctx context.Context, in *logswire.GetScheduledQueryHistoryInput) (*logswire.GetScheduledQueryHistoryOutput, error) {
	page, err := a.schedules.History(ctx, scopeOf(ctx), schedules.HistoryRequest{
		Identifier: value(in.Identifier),
		Start:      value(in.StartTime),
		End:        value(in.EndTime),
		Statuses:   in.ExecutionStatuses,
		Token:      in.NextToken,
		Limit:      int(value(in.MaxResults)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.GetScheduledQueryHistoryOutput{
		Name: &page.Name, ScheduledQueryArn: &page.ARN, NextToken: optional(page.Next),
		TriggerHistory: make([]logswire.TriggerHistoryRecord, len(page.Runs)),
	}
	for i := range page.Runs {
		r := &page.Runs[i]
		record := logswire.TriggerHistoryRecord{
			QueryId: optional(r.QueryID), ExecutionStatus: &r.Status, TriggeredTimestamp: &r.AtMS, ErrorMessage: optional(r.Error),
		}
		if d := r.Delivery; d != nil {
			kind := deliveryType
			record.Destinations = []logswire.ScheduledQueryDestination{{
				DestinationType: &kind, DestinationIdentifier: &d.URI, Status: &d.Status, ProcessedIdentifier: optional(d.Object), ErrorMessage: optional(d.Error),
			}}
		}
		out.TriggerHistory[i] = record
	}
	return out, nil
}
