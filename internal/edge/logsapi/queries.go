package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func (a *API) startQuery(ctx context.Context, in *logswire.StartQueryInput) (*logswire.StartQueryOutput, error) {
	id, err := a.insights.Start(ctx, scopeOf(ctx), insights.StartRequest{
		Language:    value(in.QueryLanguage),
		Query:       value(in.QueryString),
		Group:       in.LogGroupName,
		Groups:      in.LogGroupNames,
		Identifiers: in.LogGroupIdentifiers,
		Start:       value(in.StartTime),
		End:         value(in.EndTime),
		Limit:       int(value(in.Limit)),
		User:        identity(awshttp.CallerFrom(ctx)),
	})
	if err != nil {
		return nil, err
	}
	return &logswire.StartQueryOutput{QueryId: &id}, nil
}

// identity is the ARN of a caller, as GetCallerIdentity gives it.
func identity(c awshttp.Caller) string {
	prefix := "arn:" + logs.Partition(c.Scope.Region) + ":iam::" + c.Scope.Account + ":"
	if c.AccessKey == "" {
		return prefix + "root"
	}
	return prefix + "user/" + c.AccessKey
}

func (a *API) getQueryResults(ctx context.Context, in *logswire.GetQueryResultsInput) (*logswire.GetQueryResultsOutput, error) {
	page, err := a.insights.Results(ctx, scopeOf(ctx), value(in.QueryId), in.NextToken, int(value(in.MaxItems)))
	if err != nil {
		return nil, err
	}
	out := &logswire.GetQueryResultsOutput{
		QueryLanguage: &page.Language,
		Status:        &page.Status,
		NextToken:     optional(page.Next),
		Results:       make([][]logswire.ResultField, len(page.Rows)),
		Statistics: &logswire.QueryStatistics{
			RecordsMatched:          double(page.Stats.RecordsMatched),
			RecordsScanned:          double(page.Stats.RecordsScanned),
			EstimatedRecordsSkipped: double(page.Stats.RecordsSkipped),
			BytesScanned:            double(page.Stats.BytesScanned),
			EstimatedBytesSkipped:   double(page.Stats.BytesSkipped),
			LogGroupsScanned:        double(page.Stats.GroupsScanned),
		},
	}
	for i, row := range page.Rows {
		fields := make([]logswire.ResultField, len(row))
		for k := range row {
			fields[k] = logswire.ResultField{Field: &row[k].Name, Value: &row[k].Value}
		}
		out.Results[i] = fields
	}
	return out, nil
}

func double(n int64) *float64 {
	f := float64(n)
	return &f
}

func (a *API) stopQuery(ctx context.Context, in *logswire.StopQueryInput) (*logswire.StopQueryOutput, error) {
	if err := a.insights.Stop(ctx, scopeOf(ctx), value(in.QueryId)); err != nil {
		return nil, err
	}
	success := true
	return &logswire.StopQueryOutput{Success: &success}, nil
}

func (a *API) describeQueries(ctx context.Context, in *logswire.DescribeQueriesInput) (*logswire.DescribeQueriesOutput, error) {
	page, err := a.insights.Describe(ctx, scopeOf(ctx), insights.DescribeRequest{
		Group:    value(in.LogGroupName),
		Status:   value(in.Status),
		Language: value(in.QueryLanguage),
		Token:    in.NextToken,
		Limit:    int(value(in.MaxResults)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeQueriesOutput{Queries: make([]logswire.QueryInfo, len(page.Queries)), NextToken: optional(page.Next)}
	for i := range page.Queries {
		q := &page.Queries[i]
		out.Queries[i] = logswire.QueryInfo{
			QueryId:       &q.ID,
			QueryLanguage: &q.Language,
			QueryString:   &q.Text,
			Status:        &q.Status,
			CreateTime:    &q.CreatedMS,
			LogGroupName:  optional(q.Group),
			QueryDuration: &q.DurationMS,
			BytesScanned:  double(q.Bytes),
			UserIdentity:  optional(q.User),
		}
	}
	return out, nil
}

func (a *API) listLogGroupsForQuery(ctx context.Context, in *logswire.ListLogGroupsForQueryInput) (*logswire.ListLogGroupsForQueryOutput, error) {
	page, err := a.insights.Groups(ctx, scopeOf(ctx), value(in.QueryId), in.NextToken, int(value(in.MaxResults)))
	if err != nil {
		return nil, err
	}
	return &logswire.ListLogGroupsForQueryOutput{LogGroupIdentifiers: page.Identifiers, NextToken: optional(page.Next)}, nil
}
