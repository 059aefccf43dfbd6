package ingest

// Limits of a batch (quotas of PutLogEvents).
const (
	// EventOverhead is what every event counts beside its message bytes.
	EventOverhead = 26
	// MaxEventBytes bounds one event, EventOverhead included.
	MaxEventBytes = 1_048_576
	// MaxBatchBytes bounds a batch, EventOverhead per event included.
	MaxBatchBytes = 1_048_576
)

// Batch is a parsed list of events. Event i has the message
// Arena[Ends[i-1]:Ends[i]] (from 0 for the first) and Timestamps[i] in ms
// since the Unix epoch. Put takes over all three slices; they become the
// storage of the events, so Arena should hold little beyond the messages.
type Batch struct {
	Arena      []byte
	Ends       []uint32
	Timestamps []int64
	Entity     *Entity // nil when the request names none
}

// Len returns the number of events.
func (b *Batch) Len() int { return len(b.Timestamps) }

// Message returns the bytes of event i.
func (b *Batch) Message(i int) []byte {
	from := uint32(0)
	if i > 0 {
		from = b.Ends[i-1]
	}
	return b.Arena[from:b.Ends[i]:b.Ends[i]]
}

// Append adds an event, for callers that build a batch themselves.
func (b *Batch) Append(timestamp int64, message []byte) {
	b.Arena = append(b.Arena, message...)
	b.Ends = append(b.Ends, uint32(len(b.Arena)))
	b.Timestamps = append(b.Timestamps, timestamp)
}
