package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

func (a *API) getLogRecord(ctx context.Context, in *logswire.GetLogRecordInput) (*logswire.GetLogRecordOutput, error) {
	fields, err := a.events.Record(ctx, awshttp.CallerFrom(ctx).Scope, value(in.LogRecordPointer))
	if err != nil {
		return nil, err
	}
	return &logswire.GetLogRecordOutput{LogRecord: fields}, nil
}
