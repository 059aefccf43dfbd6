package logsapi

import (
	"context"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

func (a *API) putLogEvents(ctx context.Context, body []byte) (awsproto.Appender, error) {
	req, err := readPut(body)
	if err != nil {
		return nil, err
	}
	res, err := a.ingest.Put(ctx, awshttp.CallerFrom(ctx).Scope, req.group, req.stream, req.batch)
	if err != nil {
		return nil, err
	}
	out := &logswire.PutLogEventsOutput{}
	if res.NextSequenceToken != "" {
		out.NextSequenceToken = &res.NextSequenceToken
	}
	if r := res.Rejected; r != nil {
		out.RejectedLogEventsInfo = &logswire.RejectedLogEventsInfo{
			TooOldLogEventEndIndex:   index(r.TooOldEnd),
			ExpiredLogEventEndIndex:  index(r.ExpiredEnd),
			TooNewLogEventStartIndex: index(r.TooNewStart),
		}
	}
	if res.RejectedEntity != "" {
		reason := string(res.RejectedEntity)
		out.RejectedEntityInfo = &logswire.RejectedEntityInfo{ErrorType: &reason}
	}
	return out, nil
}

func index(i *int) *int32 {
	if i == nil {
		return nil
	}
	n := int32(*i)
	return &n
}
