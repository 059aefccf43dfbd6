package insights

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
)

// pointerColumn is the last column of rows that are events: what GetLogRecord takes.
const pointerColumn = "@ptr"

// rowSet is rows in memory.
type rowSet struct {
	columns []string // with pointerColumn, of events
	result  *exec.Result
	message int  // the column that the fields of found columns are in
	hidden  bool // that column is not shown itself
	pointer bool // the last column is pointerColumn
}

// newRowSet makes the rows of a result. Its error is that of ctx.
func newRowSet(ctx context.Context, r *exec.Result, c *insightsql.Compiled) (*rowSet, error) {
	s := &rowSet{columns: c.Columns, result: r, message: slices.Index(c.Columns, plan.Message), hidden: slices.Contains(c.Except, plan.Message)}
	if len(s.columns) == 0 || c.Estimate {
		s.columns = r.Columns
	}
	more, err := found(ctx, r, c)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		s.columns = slices.Concat(s.columns, more)
	}
	if s.pointer = c.Events && r.Events != nil; s.pointer {
		s.columns = append(s.columns[:len(s.columns):len(s.columns)], pointerColumn)
	}
	return s, nil
}

func (s *rowSet) len() int {
	if s == nil {
		return 0
	}
	return len(s.result.Rows)
}

// each calls yield for every cell of the rows [from, to), row by row. text is valid
// during the call only.
func (s *rowSet) each(from, to int, yield func(row, column int, text []byte, null bool)) {
	var buf []byte
	for i := from; i < to; i++ {
		row := s.result.Rows[i]
		var fields map[string]string
		for c, name := range s.columns {
			switch {
			case c < len(row):
				v := &row[c]
				buf = insightsql.AppendText(buf[:0], v)
				yield(i, c, buf, v.Kind == plan.Null || s.hidden && c == s.message)
			case !s.pointer || c < len(s.columns)-1:
				if fields == nil {
					fields = events.Discover(row[s.message].Text)
				}
				text, ok := fields[name]
				buf = append(buf[:0], text...)
				yield(i, c, buf, !ok)
			default:
				ev := s.result.Events[i]
				buf = logs.EventID{Key: ev.Key, Group: ev.Group, Stream: ev.Stream}.Append(buf[:0])
				yield(i, c, buf, false)
			}
		}
	}
}

// estimate counts what a query would read, from the headers of blocks.
func (s *Service) estimate(ctx context.Context, q *plan.Query) (*exec.Result, error) {
	var mu sync.Mutex
	var rows, bytes int64
	_, err := explore.Source{Store: s.o.Store}.ScanBlocks(ctx, q.Request, 1, func(_ int, b plan.Block) error {
		n := b.Len()
		if sel := b.Sel(); sel != nil {
			n = len(sel)
		}
		mu.Lock()
		defer mu.Unlock()
		rows += int64(n)
		if b.Len() > 0 {
			bytes += b.Bytes() * int64(n) / int64(b.Len())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	count := func(n int64) plan.Value { return plan.TextValue(strconv.FormatInt(n, 10)) }
	return &exec.Result{Columns: estimateColumns(), Rows: [][]plan.Value{{count(bytes), count(rows)}}}, nil
}

func estimateColumns() []string { return []string{"estimatedBytesScanned", "estimatedRecordsScanned"} }
