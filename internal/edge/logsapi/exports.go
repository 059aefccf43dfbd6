package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/exports"
)

func (a *API) createExportTask(ctx context.Context, in *logswire.CreateExportTaskInput) (*logswire.CreateExportTaskOutput, error) {
	id, err := a.exports.Create(ctx, scopeOf(ctx), exports.CreateRequest{
		Group:        value(in.LogGroupName),
		StreamPrefix: value(in.LogStreamNamePrefix),
		From:         value(in.From),
		To:           value(in.To),
		Bucket:       value(in.Destination),
		Prefix:       value(in.DestinationPrefix),
		Name:         value(in.TaskName),
	})
	if err != nil {
		return nil, err
	}
	return &logswire.CreateExportTaskOutput{TaskId: &id}, nil
}

func (a *API) describeExportTasks(ctx context.Context, in *logswire.DescribeExportTasksInput) (*logswire.DescribeExportTasksOutput, error) {
	page, err := a.exports.Describe(ctx, scopeOf(ctx), exports.DescribeRequest{
		ID:    in.TaskId,
		State: value(in.StatusCode),
		Token: in.NextToken,
		Limit: int(value(in.Limit)),
	})
	if err != nil {
		return nil, err
	}
	out := &logswire.DescribeExportTasksOutput{
		ExportTasks: make([]logswire.ExportTask, len(page.Tasks)),
		NextToken:   optional(page.Next),
	}
	for i := range page.Tasks {
		t := &page.Tasks[i]
		out.ExportTasks[i] = logswire.ExportTask{
			TaskId:            &t.ID,
			TaskName:          optional(t.Name),
			LogGroupName:      &t.Group,
			From:              &t.From,
			To:                &t.To,
			Destination:       &t.Bucket,
			DestinationPrefix: &t.Prefix,
			Status:            &logswire.ExportTaskStatus{Code: &t.State, Message: optional(t.Message)},
			ExecutionInfo:     &logswire.ExportTaskExecutionInfo{CreationTime: &t.CreatedMS, CompletionTime: optional(t.FinishedMS)},
		}
	}
	return out, nil
}

func (a *API) cancelExportTask(ctx context.Context, in *logswire.CancelExportTaskInput) (*logswire.CancelExportTaskOutput, error) {
	if err := a.exports.Cancel(ctx, scopeOf(ctx), value(in.TaskId)); err != nil {
		return nil, err
	}
	return &logswire.CancelExportTaskOutput{}, nil
}
