package logsapi

import (
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
	"github.com/cumulog/cumulog/internal/service/ingest"
)

// decodePut is readPut by way of the generated decoder.
func decodePut(body []byte) (putRequest, error) {
	var in logswire.PutLogEventsInput
	if err := awsproto.Read(body, &in, awsproto.CodeInvalidParameter); err != nil {
		return putRequest{}, err
	}
	req := putRequest{group: *in.LogGroupName, stream: *in.LogStreamName}
	size := 0
	for i := range in.LogEvents {
		size += len(*in.LogEvents[i].Message)
	}
	b := ingest.Batch{
		Arena:      make([]byte, 0, size),
		Ends:       make([]uint32, 0, len(in.LogEvents)),
		Timestamps: make([]int64, 0, len(in.LogEvents)),
		Entity:     entityOf(in.Entity),
	}
	for i := range in.LogEvents {
		e := &in.LogEvents[i]
		b.Arena = append(b.Arena, *e.Message...)
		b.Ends = append(b.Ends, uint32(len(b.Arena)))
		b.Timestamps = append(b.Timestamps, *e.Timestamp)
	}
	req.batch = b
	return req, nil
}

func entityOf(e *logswire.Entity) *ingest.Entity {
	if e == nil {
		return nil
	}
	return &ingest.Entity{KeyAttributes: e.KeyAttributes, Attributes: e.Attributes}
}
