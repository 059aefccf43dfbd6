package consoleapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/consoleapi/consolewire"
	"github.com/cumulog/cumulog/internal/service/insights"
)

func (a *API) explainQuery(ctx context.Context, in *consolewire.ExplainQueryInput) (*consolewire.ExplainQueryOutput, error) {
	e, err := a.insights.Explain(ctx, scopeOf(ctx), insights.StartRequest{
		Language: value(in.QueryLanguage), Query: value(in.QueryString), Identifiers: in.LogGroupIdentifiers,
		Start: value(in.StartTime), End: value(in.EndTime), Limit: int(value(in.Limit)),
	}, value(in.Run))
	if err != nil {
		return nil, err
	}
	out := &consolewire.ExplainQueryOutput{Plan: &e.Plan, Columns: e.Columns}
	r := e.Run
	if r == nil {
		return out, nil
	}
	run := &consolewire.QueryRun{
		Rows: ptr(int64(r.Rows)), Milliseconds: ptr(r.Took.Milliseconds()),
		Blocks: &r.Blocks, BlocksCounted: &r.BlocksCounted, BlocksDamaged: &r.BlocksDamaged,
		BlocksSkippedByTime: &r.SkippedByTime, BlocksSkippedByIndex: &r.SkippedByIndex,
		BlocksSkippedByBounds: &r.SkippedByBounds, BlocksSkippedByOrder: &r.SkippedByOrder,
		PartsSkipped: &r.PartsSkipped, BytesDecoded: &r.BytesDecoded, MemoryPeak: &r.MemoryPeak,
		Statistics: &consolewire.Statistics{
			RecordsMatched: &r.Statistics.RecordsMatched, RecordsScanned: &r.Statistics.RecordsScanned,
			RecordsSkipped: &r.Statistics.RecordsSkipped, BytesScanned: &r.Statistics.BytesScanned,
		},
	}
	for i := range r.Steps {
		x := &r.Steps[i]
		run.Steps = append(run.Steps, consolewire.QueryStep{Step: &x.Step, RecordsIn: &x.In, RecordsOut: &x.Out})
	}
	out.Run = run
	return out, nil
}
