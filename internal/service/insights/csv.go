package insights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// CSV returns the rows of a query that has ended Complete, or those that there were when it was stopped:
// a header with the names of the columns, but for @ptr, and a record for each row, in which what is Null is
// empty. It is at most so many bytes long. ErrNotFound, *ParameterError, groups.ErrUnavailable.
func (s *Service) CSV(ctx context.Context, scope logs.Scope, id string, most int) (string, error) {
	if j := s.find(scope, id); j != nil {
		j.mu.Lock()
		status, rows, ended := j.status, j.rows, j.ended()
		j.mu.Unlock()
		if err := tabular(status, ended, rows.len()); err != nil {
			return "", err
		}
		t := newTable(rows.columns, most)
		rows.each(0, rows.len(), t.take)
		return t.result()
	}
	rec, err := s.lookUp(ctx, scope, id)
	if err != nil {
		return "", err
	}
	var o outcome
	if err := json.Unmarshal(rec.Outcome, &o); err != nil {
		return "", fmt.Errorf("decode the record of query %s: %w", id, err)
	}
	if err := tabular(rec.Status, rec.EndedMS >= 0, o.Rows); err != nil {
		return "", err
	}
	text, err := s.csvOfFile(id, most)
	if _, refused := errors.AsType[*ParameterError](err); err != nil && !refused {
		return "", fmt.Errorf("read the result of query %s: %w", id, err)
	}
	return text, err
}

// tabular refuses queries whose rows make no table.
func tabular(status string, ended bool, rows int) error {
	switch {
	case !ended:
		return parameterf("The query has not ended.")
	case status != Complete && status != Cancelled:
		return parameterf("The query has no result, its status is %s.", status)
	case rows == 0:
		return parameterf("The query has no rows.")
	}
	return nil
}

func (s *Service) csvOfFile(id string, most int) (string, error) {
	f, err := s.o.FS.Open(s.path(id))
	if err != nil {
		return "", err
	}
	defer f.Close()
	d, err := readDirectory(f)
	if err != nil {
		return "", err
	}
	t := newTable(d.Columns, most)
	if err := s.codec.readRows(f, d, 0, d.Rows, t.take); err != nil {
		return "", err
	}
	return t.result()
}

// csvTable writes rows as CSV (RFC 4180).
type csvTable struct {
	b       strings.Builder
	columns int // without @ptr
	most    int
}

func newTable(columns []string, most int) *csvTable {
	t := &csvTable{columns: len(columns), most: most}
	if n := len(columns); n > 1 && columns[n-1] == pointerColumn {
		t.columns--
	}
	for i, name := range columns[:t.columns] {
		t.take(0, i, []byte(name), false)
	}
	return t
}

// take adds a cell. Cells come row by row.
func (t *csvTable) take(_, column int, text []byte, null bool) {
	if column >= t.columns || t.b.Len() > t.most {
		return
	}
	if column > 0 {
		t.b.WriteByte(',')
	}
	switch {
	case null && t.columns > 1:
	case null || strings.ContainsAny(string(text), "\",\r\n") || len(text) == 0:
		t.b.WriteByte('"') // a record of nothing would be no record
		t.b.WriteString(strings.ReplaceAll(string(text), `"`, `""`))
		t.b.WriteByte('"')
	default:
		t.b.Write(text)
	}
	if column == t.columns-1 {
		t.b.WriteByte('\n')
	}
}

func (t *csvTable) result() (string, error) {
	if t.b.Len() > t.most {
		return "", parameterf("The rows of the query are more than %d bytes of CSV.", t.most)
	}
	return t.b.String(), nil
}
