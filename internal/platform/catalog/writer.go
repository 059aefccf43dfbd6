package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// change is one queued write.
type change struct {
	fn   func(*tx) error
	err  error
	done chan struct{}
}

// apply queues fn for the next group commit and waits until it is durable. fn
// runs on the commit goroutine, inside a savepoint; when it returns an error
// its effects are undone and the error is returned. Once queued, fn runs and
// is waited for even if ctx ends, so that the caller always knows the outcome.
// fn may run only once; what it stores outside is valid when apply returns nil.
func (db *DB) apply(ctx context.Context, doing string, fn func(*tx) error) error {
	c := &change{fn: fn, done: make(chan struct{})}
	db.mu.RLock()
	if db.closed {
		db.mu.RUnlock()
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	select {
	case db.queue <- c:
		db.mu.RUnlock()
	case <-ctx.Done():
		db.mu.RUnlock()
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	<-c.done
	return wrap(doing, c.err)
}

// applyFreeing is apply for a change that lets disk space go, now or later: on
// a full disk it gives the reserve back and tries once more. fn may run twice.
func (db *DB) applyFreeing(ctx context.Context, doing string, fn func(*tx) error) error {
	err := db.apply(ctx, doing, fn)
	if errors.Is(err, ErrFull) && db.reserve.release() {
		db.wakePurge() // which takes the reserve again, but not at once
		err = db.apply(ctx, doing, fn)
	}
	return err
}

func (db *DB) commitLoop() {
	defer close(db.done)
	batch := make([]*change, 0, db.maxBatch)
	for c := range db.queue {
		batch = append(batch[:0], c)
	fill:
		for len(batch) < db.maxBatch {
			select {
			case more, open := <-db.queue:
				if !open {
					break fill
				}
				batch = append(batch, more)
			default:
				break fill
			}
		}
		db.w.commit(batch)
		db.changes.Add(1)
		for i, c := range batch {
			close(c.done)
			batch[i] = nil
		}
	}
}

// writer is the writing connection with its prepared statements and the id
// counters. Only the commit goroutine uses it.
type writer struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	next  map[string]int64 // sequence -> next id
	moved map[string]bool  // sequences to store with this commit
}

func newWriter(conn *sql.Conn) *writer {
	return &writer{conn: conn, stmts: map[string]*sql.Stmt{}, next: map[string]int64{}, moved: map[string]bool{}}
}

func (w *writer) close() error {
	for _, s := range w.stmts {
		s.Close()
	}
	return w.conn.Close()
}

func (w *writer) loadSequences(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, `SELECT name, next FROM seq_alloc`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var next int64
		if err := rows.Scan(&name, &next); err != nil {
			return err
		}
		w.next[name] = next
	}
	return rows.Err()
}

func (w *writer) exec(query string, args ...any) (sql.Result, error) {
	s, err := w.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = s
	return s, nil
}

// commit runs the batch in one transaction and sets the error of every change.
// Changes fail alone unless the storage fails, then all of them do.
func (w *writer) commit(batch []*change) {
	if err := w.run(batch); err != nil {
		// The connection may or may not still be inside the transaction.
		_, _ = w.exec(`ROLLBACK`)
		for _, c := range batch {
			if c.err == nil {
				c.err = err
			}
		}
	}
}

func (w *writer) run(batch []*change) error {
	if _, err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	for _, c := range batch {
		if _, err := w.exec(`SAVEPOINT change`); err != nil {
			return err
		}
		c.err = c.fn(&tx{w})
		if c.err != nil {
			if endsTransaction(c.err) {
				return c.err
			}
			if _, err := w.exec(`ROLLBACK TO change`); err != nil {
				return err
			}
		}
		if _, err := w.exec(`RELEASE change`); err != nil {
			return err
		}
	}
	for name := range w.moved {
		_, err := w.exec(`INSERT INTO seq_alloc (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next`,
			name, w.next[name])
		if err != nil {
			return err
		}
	}
	if _, err := w.exec(`COMMIT`); err != nil {
		return err
	}
	clear(w.moved)
	return nil
}

// tx is what a change may do.
type tx struct{ w *writer }

// nextID takes an id from a sequence. Ids start at 1; an id that a failed
// change took is not handed out again.
func (t *tx) nextID(sequence string) int64 {
	id := max(t.w.next[sequence], 1)
	t.w.next[sequence] = id + 1
	t.w.moved[sequence] = true
	return id
}

// exec runs a statement and returns the number of rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	r, err := t.w.exec(query, args...)
	if err != nil {
		if isUnique(err) {
			return 0, fmt.Errorf("%w: %w", ErrExists, err)
		}
		return 0, err
	}
	return r.RowsAffected()
}

// row reads one row; sql.ErrNoRows when there is none.
func (t *tx) row(query string, args []any, dest ...any) error {
	s, err := t.w.stmt(query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(dest...)
}

// mustChange turns "no row changed" into ErrNotFound.
func mustChange(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

var errNoRows = sql.ErrNoRows

func isNoRows(err error) bool { return errors.Is(err, errNoRows) }
