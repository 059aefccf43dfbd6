package exec

import (
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// Options configure a run.
type Options struct {
	Workers int   // goroutines; 0 means GOMAXPROCS
	Memory  int64 // bytes that the query may hold; 0 means 64 MiB
}

const (
	defaultMemory = 64 << 20
	maxWorkers    = 256
)

// Event is the identity of an event.
type Event struct {
	logs.Key
	Group  logs.GroupID
	Stream logs.StreamID
}

// Result is the answer of a query. It shares no memory with the source.
type Result struct {
	Columns []string
	Rows    [][]plan.Value
	Events  []Event // of each row, when the rows are events
	Stats   Stats
}

// Stats say what a run did. All counts are of work that was done, not estimates.
type Stats struct {
	Source plan.SourceStats // what the source left out

	Blocks              int64 // handed out by the source
	BlocksSkippedBounds int64 // of them: excluded by the bounds of their columns
	BlocksSkippedOrder  int64 // excluded because enough rows come before theirs
	BlocksCounted       int64 // answered from their header

	RowsScanned  int64 // rows that conditions were applied to, or that were counted
	BytesScanned int64 // message bytes of the blocks they are in
	RowsMatched  int64 // rows that passed all conditions
	RowsSkipped  int64 // rows of the blocks skipped here
	BytesSkipped int64 // message bytes of them
	BytesDecoded int64 // made by decoding columns, keys and messages
	MemoryPeak   int64 // bytes held at most

	Steps []StepStats // the conditions, the head, and the steps after it
}

// StepStats count the rows of one step.
type StepStats struct {
	Step    string // as Explain writes it
	RowsIn  int64
	RowsOut int64
}

// result returns some columns of a table.
func (t *table) result(columns []string, n Stats) *Result {
	r := &Result{Columns: columns, Rows: make([][]plan.Value, t.n), Stats: n}
	k := len(columns)
	cells := make([]plan.Value, t.n*k)
	for j, name := range columns {
		if at := t.ref(name).slot; at >= 0 {
			for i, v := range t.cols[at] {
				cells[i*k+j] = v
			}
		}
	}
	for i := range r.Rows {
		r.Rows[i] = cells[i*k : (i+1)*k : (i+1)*k]
	}
	if t.events != nil {
		r.Events = make([]Event, t.n)
		for i, e := range t.events {
			r.Events[i] = Event{e.Key, e.group, e.stream}
		}
	}
	return r
}

func (s *Stats) add(o *Stats) {
	s.Blocks += o.Blocks
	s.BlocksSkippedBounds += o.BlocksSkippedBounds
	s.BlocksSkippedOrder += o.BlocksSkippedOrder
	s.BlocksCounted += o.BlocksCounted
	s.RowsScanned += o.RowsScanned
	s.BytesScanned += o.BytesScanned
	s.RowsMatched += o.RowsMatched
	s.RowsSkipped += o.RowsSkipped
	s.BytesSkipped += o.BytesSkipped
	s.BytesDecoded += o.BytesDecoded
}
