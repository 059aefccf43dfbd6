package sink

import "context"

// Limits of Firehose.
const (
	firehoseRecord  = 1000 << 10
	firehoseRecords = 500
	firehoseBatch   = 4 << 20
)

// firehoseSink puts each message as a record into a delivery stream of a Firehose-compatible service.
type firehoseSink struct {
	*awsCaller
	stream string
}

// openFirehose: endpoint, stream (from the ARN), region, credentials, timeout.
func openFirehose(f *Fields, o *Options, t *Target) Sink {
	s := &firehoseSink{openCaller(f, o, t, "firehose"), nameOf(f, t, "stream", "deliverystream/")}
	t.Place += " delivery stream " + s.stream
	t.MaxBody, t.MaxMessages, t.MaxBytes = firehoseRecord, firehoseRecords, firehoseBatch
	return s
}

type firehoseEntry struct{ Data []byte }

type firehoseRequest struct {
	DeliveryStreamName string
	Records            []firehoseEntry
}

// Send implements Sink.
func (s *firehoseSink) Send(ctx context.Context, messages []Message) error {
	entries := make([]firehoseEntry, len(messages))
	for i := range messages {
		entries[i].Data = messages[i].Body
	}
	var out struct{ RequestResponses []recordResult }
	if err := s.json(ctx, "Firehose_20150804.PutRecordBatch", firehoseRequest{s.stream, entries}, &out); err != nil {
		return err
	}
	return firstFailed(out.RequestResponses, len(messages))
}

// Check implements Sink: the delivery stream gets the message.
func (s *firehoseSink) Check(ctx context.Context, m Message) error { return s.Send(ctx, []Message{m}) }

// Close implements Sink.
func (s *firehoseSink) Close() error { return nil }
