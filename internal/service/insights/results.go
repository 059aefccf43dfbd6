package insights

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/exec"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

const (
	// tokenLife is how long a token of Results is accepted.
	tokenLife = time.Hour

	// maxPageBytes bounds the memory of one page, but for its last row.
	maxPageBytes = 64 << 20

	// settle is how long Results waits for a query that is younger than young and may end at any
	// moment, so that small queries are answered with one call.
	settle = 10 * time.Millisecond
	young  = time.Second

	// lookEvery is the least time between two snapshots of a query; one that takes long is not
	// followed by another one before lookShare times as long.
	lookEvery = 200 * time.Millisecond
	lookShare = 20
)

// Cell is a value of a row and the name of its column.
type Cell struct{ Name, Value string }

// Page is the answer of Results.
type Page struct {
	Language string
	Status   string
	Reason   string   // why a query ended without an answer
	Rows     [][]Cell // without values that are Null
	Stats    Statistics
	Next     string // token of the next page; "" on the last
}

// outcome is the JSON of a query's record that its end writes.
type outcome struct {
	Rows    int        `json:"rows"`
	Stats   Statistics `json:"stats"`
	Started int64      `json:"started,omitempty"` // ms
}

// Results returns the rows of a query: those that were found so far while it runs, then up to limit
// of them (0 means MaxPage) from a token on (nil: the first). ErrNotFound, ErrBadToken, groups.ErrUnavailable.
func (s *Service) Results(ctx context.Context, scope logs.Scope, id string, token *string, limit int) (Page, error) {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	if j := s.find(scope, id); j != nil {
		return j.page(ctx, token, limit)
	}
	rec, err := s.lookUp(ctx, scope, id)
	if err != nil {
		return Page{}, err
	}
	p := Page{Language: rec.Language, Status: rec.Status, Reason: rec.Reason}
	var o outcome
	if err := json.Unmarshal(rec.Outcome, &o); err != nil {
		return Page{}, fmt.Errorf("decode the record of query %s: %w", id, err)
	}
	p.Stats = o.Stats
	from, to, err := s.cut(id, token, limit, o.Rows)
	if err != nil || from == to {
		return p, err
	}
	if p.Rows, err = s.readFile(id, from, to); err != nil {
		return Page{}, fmt.Errorf("read the result of query %s: %w", id, err)
	}
	p.Next = s.nextToken(id, from+len(p.Rows), o.Rows)
	return p, nil
}

// lookUp returns the record of a query of a scope that has not expired.
func (s *Service) lookUp(ctx context.Context, scope logs.Scope, id string) (catalog.Query, error) {
	rec, err := s.o.Catalog.QueryByID(ctx, id)
	if err != nil {
		return catalog.Query{}, translate(err, ErrNotFound)
	}
	if rec.Scope != scope || s.expired(&rec) {
		return catalog.Query{}, ErrNotFound
	}
	return rec, nil
}

// cut returns the rows [from, to) of n that a page shows.
func (s *Service) cut(id string, token *string, limit, n int) (from, to int, err error) {
	if token != nil {
		if from, err = s.openToken(id, *token); err != nil || from > n {
			return 0, 0, ErrBadToken
		}
	}
	return from, min(from+limit, n), nil
}

// nextToken makes the token of the page that begins with row at, "" when there is none.
func (s *Service) nextToken(id string, at, n int) string {
	if at >= n {
		return ""
	}
	issued := s.now().Add(tokenLife - logs.TokenLifetime).UnixMilli() // so that it expires after tokenLife
	return logs.EncodeToken(logs.TokenResults, logs.QueryHash(id), issued, binary.BigEndian.AppendUint64(nil, uint64(at)))
}

func (s *Service) openToken(id, text string) (int, error) {
	b, err := logs.DecodeToken(text, logs.TokenResults, logs.QueryHash(id), s.now().UnixMilli())
	if err != nil || len(b) != 8 || binary.BigEndian.Uint64(b) > MaxRows {
		return 0, ErrBadToken
	}
	return int(binary.BigEndian.Uint64(b)), nil
}

// page is Results of a job.
func (j *job) page(ctx context.Context, token *string, limit int) (Page, error) {
	if !j.ended() {
		j.settle(ctx)
	}
	if !j.ended() {
		j.snapshot()
	}
	j.mu.Lock()
	p := Page{Language: j.language, Status: j.status, Reason: j.reason, Stats: j.stats}
	rows, ended := j.rows, j.ended()
	j.mu.Unlock()
	from, to, err := j.s.cut(j.id, token, limit, rows.len())
	if err != nil {
		return Page{}, err
	}
	p.Rows = cellsOf(rows, from, to)
	if ended {
		p.Next = j.s.nextToken(j.id, from+len(p.Rows), rows.len())
	}
	return p, nil
}

// settle waits a moment for a young query to end.
func (j *job) settle(ctx context.Context) {
	if time.Since(j.born) > young {
		return
	}
	t := time.NewTimer(settle)
	defer t.Stop()
	select {
	case <-j.done:
	case <-t.C:
	case <-ctx.Done():
	}
}

// snapshot brings the statistics of a query that runs up to date, unless that is being done, and its
// rows unless that was done just now.
func (j *job) snapshot() {
	if !j.look.TryLock() {
		return
	}
	defer j.look.Unlock()
	j.mu.Lock()
	under, c := j.under, j.compiled
	j.mu.Unlock()
	began := time.Now()
	switch {
	case under == nil:
		return
	case began.Before(j.lookNext):
		stats := under.Stats()
		j.progress(&stats, nil)
		return
	}
	result, err := under.Snapshot()
	stats := exec.Stats{}
	if err != nil { // of a query that ends just now, or has no memory left for a copy
		stats = under.Stats()
	} else {
		stats = result.Stats
	}
	var rows *rowSet
	if err == nil {
		err = guarded(func() (err error) {
			rows, err = newRowSet(j.ctx, result, c)
			return err
		})
	}
	j.lookNext = time.Now().Add(max(lookEvery, lookShare*time.Since(began)))
	if err != nil {
		rows = nil
	}
	j.progress(&stats, rows)
}

// progress shows the statistics and, unless they are nil, the rows of a query that has not ended.
func (j *job) progress(stats *exec.Stats, rows *rowSet) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended() {
		return
	}
	if rows != nil {
		j.rows = rows
	}
	j.stats = j.env.inner()
	j.stats.add(stats)
	j.stats.GroupsScanned = j.scanned
}

// pageBuilder makes the rows of a page. A page ends early with the row that brings it to maxPageBytes.
type pageBuilder struct {
	from    int
	columns []string
	rows    [][]Cell
	bytes   int
}

// take adds a cell, those of Null too. Cells come row by row.
func (p *pageBuilder) take(row, column int, text []byte, null bool) {
	switch row - p.from {
	case len(p.rows) - 1:
	case len(p.rows):
		if p.bytes >= maxPageBytes {
			return
		}
		p.rows = append(p.rows, make([]Cell, 0, len(p.columns)))
	default:
		return // behind the end
	}
	if !null {
		r := &p.rows[row-p.from]
		*r = append(*r, Cell{p.columns[column], string(text)})
		p.bytes += len(text) + cellBytes
	}
}

// cellBytes is the memory of a cell beside its text.
const cellBytes = 32

// cellsOf returns rows as the API shows them: [from, to), or fewer when they are large.
func cellsOf(rows *rowSet, from, to int) [][]Cell {
	if from == to {
		return [][]Cell{}
	}
	p := pageBuilder{from: from, columns: rows.columns, rows: make([][]Cell, 0, to-from)}
	rows.each(from, to, p.take)
	return p.rows
}

// readFile reads the rows [from, to) of a result file, or fewer when they are large.
func (s *Service) readFile(id string, from, to int) ([][]Cell, error) {
	f, err := s.o.FS.Open(s.path(id))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	d, err := readDirectory(f)
	if err != nil {
		return nil, err
	}
	if to > d.Rows {
		return nil, fmt.Errorf("%w: it has %d rows, not %d", errDamaged, d.Rows, to)
	}
	p := pageBuilder{from: from, columns: d.Columns, rows: make([][]Cell, 0, to-from)}
	err = s.codec.readRows(f, d, from, to, p.take)
	return p.rows, err
}

// writeFile writes the result file of a job and returns its length.
func (s *Service) writeFile(id string, rows *rowSet) (n int64, err error) {
	name := s.path(id)
	if err := s.o.FS.MkdirAll(filepath.Dir(name)); err != nil {
		return 0, err
	}
	tmp := name + tempSuffix
	f, err := s.o.FS.Create(tmp)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.o.FS.Remove(tmp))
		}
	}()
	n, err = s.writeRows(f, rows)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, err
	}
	if err := s.o.FS.Rename(tmp, name); err != nil {
		return 0, err
	}
	return n, s.o.FS.SyncDir(filepath.Dir(name))
}

const tempSuffix = ".tmp"

func (s *Service) writeRows(f interface{ Write([]byte) (int, error) }, rows *rowSet) (int64, error) {
	w, err := newRowWriter(&s.codec, f, rows.columns)
	if err != nil {
		return 0, err
	}
	last := len(rows.columns) - 1
	rows.each(0, rows.len(), func(_, column int, text []byte, null bool) {
		w.cell(text, null)
		if column == last && err == nil {
			err = w.endRow()
		}
	})
	if err != nil {
		return 0, err
	}
	return w.finish()
}
