package catalog

import (
	"context"
	"database/sql"
	"math/rand/v2"

	"github.com/cumulog/cumulog/internal/logs"
)

// Entry is a line of a history. Body is JSON of its owner.
type Entry struct {
	Seq   int64 // greater is newer; set by the catalog
	Kind  string
	Scope logs.Scope
	Name  string // what it is about
	AtMS  int64
	Body  []byte

	// Keep bounds how many entries of its kind, scope and name there are, roughly:
	// older ones are removed from time to time. 0 = no bound. It is not stored.
	Keep int
}

// trimOneIn says how rarely entries with a bound look for those that are too many.
const trimOneIn = 64

func addEntry(t *tx, e *Entry) error {
	_, err := t.exec(`INSERT INTO journal (entry_seq, kind, account, region, name, at_ms, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		t.nextID("journal"), e.Kind, e.Scope.Account, e.Scope.Region, e.Name, e.AtMS, string(e.Body))
	if err != nil || e.Keep <= 0 || rand.IntN(trimOneIn) > 0 {
		return err
	}
	const named = ` FROM journal WHERE kind = ? AND account = ? AND region = ? AND name = ?`
	of := []any{e.Kind, e.Scope.Account, e.Scope.Region, e.Name}
	_, err = t.exec(`DELETE`+named+` AND entry_seq <= (SELECT entry_seq`+named+` ORDER BY entry_seq DESC LIMIT 1 OFFSET ?)`, append(append(of, of...), e.Keep)...)
	return err
}

// EntryQuery selects lines of a history.
type EntryQuery struct {
	Kind         string
	Scope        logs.Scope
	Name         string // "" = of all names
	FromMS, ToMS int64  // [FromMS, ToMS); ToMS 0 = no end
	After        int64  // the Seq of the last entry of the page before; 0 = from the start
	OldestFirst  bool
	Limit        int
}

// Journal lists entries by Seq, the newest first unless OldestFirst.
func (db *DB) Journal(ctx context.Context, q EntryQuery) ([]Entry, error) {
	query := `SELECT entry_seq, kind, account, region, name, at_ms, body FROM journal WHERE kind = ? AND account = ? AND region = ? AND at_ms >= ?`
	args := []any{q.Kind, q.Scope.Account, q.Scope.Region, q.FromMS}
	if q.Name != "" {
		query += ` AND name = ?`
		args = append(args, q.Name)
	}
	if q.ToMS != 0 {
		query += ` AND at_ms < ?`
		args = append(args, q.ToMS)
	}
	than, order := ` AND entry_seq < ?`, ` ORDER BY entry_seq DESC LIMIT ?`
	if q.OldestFirst {
		than, order = ` AND entry_seq > ?`, ` ORDER BY entry_seq LIMIT ?`
	}
	if q.After != 0 {
		query += than
		args = append(args, q.After)
	}
	var out []Entry
	err := db.rows(ctx, query+order, append(args, q.Limit), func(rows *sql.Rows) error {
		var e Entry
		if err := rows.Scan(&e.Seq, &e.Kind, &e.Scope.Account, &e.Scope.Region, &e.Name, &e.AtMS, &e.Body); err != nil {
			return err
		}
		out = append(out, e)
		return nil
	})
	return out, wrap("list history", err)
}

// ForgetJournal removes up to limit entries of a kind that are older than a time,
// and says whether there may be more.
func (db *DB) ForgetJournal(ctx context.Context, kind string, beforeMS int64, limit int) (more bool, err error) {
	err = db.applyFreeing(ctx, "forget history", func(t *tx) error {
		n, err := t.exec(`DELETE FROM journal WHERE entry_seq IN (SELECT entry_seq FROM journal WHERE kind = ? AND at_ms < ? ORDER BY at_ms LIMIT ?)`, kind, beforeMS, limit)
		more = n == int64(limit)
		return err
	})
	return more, err
}

// Message is what is to be sent until somebody took it. Body is JSON of its owner.
type Message struct {
	Seq       int64 // greater is newer; set by the catalog
	Kind      string
	DueMS     int64
	CreatedMS int64
	Attempts  int64
	Body      []byte
}

func changeOutbox(t *tx, c *Changes) error {
	for i := range c.Outbox {
		m := &c.Outbox[i]
		_, err := t.exec(`INSERT INTO outbox (message_seq, kind, due_ms, created_ms, attempts, body) VALUES (?, ?, ?, ?, ?, ?)`,
			t.nextID("outbox"), m.Kind, m.DueMS, m.CreatedMS, m.Attempts, string(m.Body))
		if err != nil {
			return err
		}
	}
	for _, seq := range c.Sent {
		if _, err := t.exec(`DELETE FROM outbox WHERE message_seq = ?`, seq); err != nil {
			return err
		}
	}
	for i := range c.Retry {
		m := &c.Retry[i]
		if _, err := t.exec(`UPDATE outbox SET due_ms = ?, attempts = ? WHERE message_seq = ?`, m.DueMS, m.Attempts, m.Seq); err != nil {
			return err
		}
	}
	return nil
}

// Outbox lists up to limit messages of a kind, the one that is due first first.
func (db *DB) Outbox(ctx context.Context, kind string, limit int) ([]Message, error) {
	var out []Message
	err := db.rows(ctx, `SELECT message_seq, kind, due_ms, created_ms, attempts, body FROM outbox WHERE kind = ? ORDER BY due_ms, message_seq LIMIT ?`,
		[]any{kind, limit}, func(rows *sql.Rows) error {
			var m Message
			if err := rows.Scan(&m.Seq, &m.Kind, &m.DueMS, &m.CreatedMS, &m.Attempts, &m.Body); err != nil {
				return err
			}
			out = append(out, m)
			return nil
		})
	return out, wrap("list outbox", err)
}

// Position returns the log sequence number up to which a consumer of the feed is
// done, or ErrNotFound.
func (db *DB) Position(ctx context.Context, consumer string) (lsn uint64, err error) {
	var n int64
	err = db.row(ctx, `SELECT lsn FROM positions WHERE consumer = ?`, []any{consumer}, &n)
	return uint64(n), wrap("get position", err)
}

// Reach sets the position of a consumer. It moves forward only: whoever is to begin
// anew forgets it first.
func (db *DB) Reach(ctx context.Context, consumer string, lsn uint64) error {
	return db.apply(ctx, "set position", func(t *tx) error { return reach(t, consumer, int64(lsn)) })
}

// ForgetPosition removes the position of a consumer that is no more.
func (db *DB) ForgetPosition(ctx context.Context, consumer string) error {
	return db.applyFreeing(ctx, "forget position", func(t *tx) error {
		_, err := t.exec(`DELETE FROM positions WHERE consumer = ?`, consumer)
		return err
	})
}

func reach(t *tx, consumer string, lsn int64) error {
	_, err := t.exec(`INSERT INTO positions (consumer, lsn) VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET lsn = max(lsn, excluded.lsn)`, consumer, lsn)
	return err
}
