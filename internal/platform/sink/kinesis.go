package sink

import (
	"context"
	"crypto/md5"
	"encoding/hex"
)

// Limits of Kinesis.
const (
	kinesisRecord  = 1 << 20 // data and partition key
	kinesisRecords = 500
	kinesisBatch   = 5 << 20
	partitionKey   = 256 // characters
)

// kinesisSink puts each message as a record into a stream of a Kinesis-compatible service.
type kinesisSink struct {
	*awsCaller
	stream string
}

// openKinesis: endpoint, stream (from the ARN), region, credentials, timeout.
func openKinesis(f *Fields, o *Options, t *Target) Sink {
	s := &kinesisSink{openCaller(f, o, t, "kinesis"), nameOf(f, t, "stream", "stream/")}
	t.Place += " stream " + s.stream
	t.MaxBody, t.MaxMessages, t.MaxBytes = kinesisRecord-partitionKey, kinesisRecords, kinesisBatch-kinesisRecords*partitionKey
	return s
}

type kinesisEntry struct {
	Data         []byte
	PartitionKey string
}

type kinesisRequest struct {
	StreamName string
	Records    []kinesisEntry
}

// keyOf makes a partition key of a message: its key, or a digest of it when it is too long or empty.
func keyOf(m *Message) string {
	if m.Key != "" && len(m.Key) <= partitionKey {
		return m.Key
	}
	sum := md5.Sum([]byte(m.Key + m.Name))
	return hex.EncodeToString(sum[:])
}

// Send implements Sink. Records that the stream did not take are sent again at once, but only those of the first one on: the
// order within a key must stay.
func (s *kinesisSink) Send(ctx context.Context, messages []Message) error {
	entries := make([]kinesisEntry, len(messages))
	for i := range messages {
		entries[i] = kinesisEntry{messages[i].Body, keyOf(&messages[i])}
	}
	var out struct{ Records []recordResult }
	if err := s.json(ctx, "Kinesis_20131202.PutRecords", kinesisRequest{s.stream, entries}, &out); err != nil {
		return err
	}
	return firstFailed(out.Records, len(messages))
}

// firstFailed returns the error of the first record that was not taken; those behind it count as not taken, so that the order stays.
func firstFailed(results []recordResult, n int) error {
	if len(results) != n {
		return later("the target answered %d records, %d were sent", len(results), n)
	}
	for i := range results {
		if results[i].ErrorCode != "" {
			return sentBefore(i, results[i].failed())
		}
	}
	return nil
}

// Check implements Sink: the stream gets the message.
func (s *kinesisSink) Check(ctx context.Context, m Message) error { return s.Send(ctx, []Message{m}) }

// Close implements Sink.
func (s *kinesisSink) Close() error { return nil }
