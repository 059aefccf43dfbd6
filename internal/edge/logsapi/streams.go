package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/groups"
)

func (a *API) createLogStream(ctx context.Context, in *logswire.CreateLogStreamInput) (*logswire.CreateLogStreamOutput, error) {
	return nil, a.groups.CreateStream(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.LogStreamName))
}

func (a *API) deleteLogStream(ctx context.Context, in *logswire.DeleteLogStreamInput) (*logswire.DeleteLogStreamOutput, error) {
	return nil, a.groups.DeleteStream(ctx, scopeOf(ctx), value(in.LogGroupName), value(in.LogStreamName))
}

func (a *API) describeLogStreams(ctx context.Context, in *logswire.DescribeLogStreamsInput) (*logswire.DescribeLogStreamsOutput, error) {
	page, err := a.groups.DescribeStreams(ctx, scopeOf(ctx), groups.DescribeStreamsRequest{
		Group:      groups.Ref{Name: in.LogGroupName, Identifier: in.LogGroupIdentifier},
		Prefix:     value(in.LogStreamNamePrefix),
		ByTime:     value(in.OrderBy) == "LastEventTime",
		Descending: value(in.Descending),
		Token:      in.NextToken,
		Limit:      int(value(in.Limit)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeLogStreamsOutput{LogStreams: make([]logswire.LogStream, len(page.Streams)), NextToken: optional(page.Next)}
	for i := range page.Streams {
		out.LogStreams[i] = logStream(&page.Streams[i])
	}
	return out, nil
}

// logStream shapes a stream. storedBytes of a stream has been 0 on the real
// service since June 2019.
func logStream(s *groups.StreamInfo) logswire.LogStream {
	out := logswire.LogStream{
		LogStreamName:       &s.Name,
		CreationTime:        &s.CreatedMS,
		UploadSequenceToken: &s.SequenceToken,
		Arn:                 &s.ARN,
		StoredBytes:         new(int64(0)),
	}
	if s.LastMS >= 0 {
		out.FirstEventTimestamp, out.LastEventTimestamp, out.LastIngestionTime = &s.FirstMS, &s.LastMS, &s.IngestionMS
	}
	return out
}
