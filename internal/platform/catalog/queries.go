package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// schemaQueries are queries, their results' sizes, and saved queries. group_names begins and ends with a
// line feed, which no name holds, so that a name is found in it.
const schemaQueries = `
CREATE TABLE queries (
  query_seq INTEGER PRIMARY KEY,
  query_id TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL, region TEXT NOT NULL,
  language TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  created_ms BIGINT NOT NULL, ended_ms BIGINT NOT NULL DEFAULT -1,
  query_text TEXT NOT NULL, group_names TEXT NOT NULL,
  spec TEXT NOT NULL, outcome TEXT NOT NULL,
  bytes BIGINT NOT NULL
);
CREATE INDEX qu_list ON queries(account, region, query_seq);
CREATE INDEX qu_open ON queries(status, query_seq) WHERE ended_ms < 0;

CREATE TABLE query_usage (id INT PRIMARY KEY, n BIGINT NOT NULL, bytes BIGINT NOT NULL);
INSERT INTO query_usage (id, n, bytes) VALUES (1, 0, 0);

CREATE TABLE query_definitions (
  definition_id TEXT PRIMARY KEY,
  account TEXT NOT NULL, region TEXT NOT NULL,
  name TEXT NOT NULL, language TEXT NOT NULL, query_text TEXT NOT NULL,
  spec TEXT NOT NULL,
  modified_ms BIGINT NOT NULL,
  token TEXT NOT NULL, token_ms BIGINT NOT NULL
);
CREATE INDEX qd_name ON query_definitions(account, region, name, definition_id);
CREATE INDEX qd_token ON query_definitions(account, region, token) WHERE token <> '';
`

// Query is the record of a query that was started.
type Query struct {
	ID        string
	Scope     logs.Scope
	Language  string
	Status    string // the owner's
	Reason    string // why it ended so; may be empty
	CreatedMS int64
	EndedMS   int64 // -1 as long as it has not ended
	Text      string
	Groups    []string // names of the groups that it is about
	Spec      []byte   // JSON, fixed at creation
	Outcome   []byte   // JSON, replaced by EndQuery
	Bytes     int64    // that its result takes elsewhere
	// Position orders queries by creation: greater is newer. Set by CreateQuery.
	Position int64
}

// size is what a record counts for in QueryUsage.
func (q *Query) size() int64 { return int64(len(q.Text)+len(q.Spec)+len(joinNames(q.Groups))) + 256 }

func joinNames(names []string) string { return "\n" + strings.Join(names, "\n") + "\n" }

func splitNames(text string) []string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

const queryColumns = `query_seq, query_id, account, region, language, status, reason, created_ms, ended_ms, query_text, group_names, spec, outcome, bytes`

func scanQuery(scan func(...any) error, q *Query) error {
	var names string
	err := scan(&q.Position, &q.ID, &q.Scope.Account, &q.Scope.Region, &q.Language, &q.Status, &q.Reason, &q.CreatedMS, &q.EndedMS,
		&q.Text, &names, &q.Spec, &q.Outcome, &q.Bytes)
	q.Groups = splitNames(names)
	return err
}

// CreateQuery adds the record of a query that has not ended and returns it with
// Position set. ErrExists when the id is taken.
func (db *DB) CreateQuery(ctx context.Context, q Query) (Query, error) {
	q.EndedMS, q.Bytes = -1, q.size()
	err := db.apply(ctx, "create query", func(t *tx) error {
		q.Position = t.nextID("query")
		_, err := t.exec(`INSERT INTO queries (`+queryColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			q.Position, q.ID, q.Scope.Account, q.Scope.Region, q.Language, q.Status, q.Reason, q.CreatedMS, q.EndedMS,
			q.Text, joinNames(q.Groups), string(q.Spec), string(q.Outcome), q.Bytes)
		if err != nil {
			return err
		}
		return countQueries(t, 1, q.Bytes)
	})
	if err != nil {
		return Query{}, err
	}
	return q, nil
}

func countQueries(t *tx, n, bytes int64) error {
	_, err := t.exec(`UPDATE query_usage SET n = n + ?, bytes = bytes + ? WHERE id = 1`, n, bytes)
	return err
}

// QueryEnd is how a query ended.
type QueryEnd struct {
	Status, Reason string
	EndedMS        int64
	Outcome        []byte // JSON
	Bytes          int64  // that its result takes elsewhere
}

// EndQuery writes the end of a query. ErrNotFound when there is none of that id,
// ErrConflict when it has ended already, and then nothing changes.
func (db *DB) EndQuery(ctx context.Context, id string, e QueryEnd) error {
	return db.apply(ctx, "end query", func(t *tx) error {
		var ended int64
		if err := t.row(`SELECT ended_ms FROM queries WHERE query_id = ?`, []any{id}, &ended); err != nil {
			return err
		}
		if ended >= 0 {
			return fmt.Errorf("%w: query has ended", ErrConflict)
		}
		_, err := t.exec(`UPDATE queries SET status = ?, reason = ?, ended_ms = ?, outcome = ?, bytes = bytes + ? WHERE query_id = ?`,
			e.Status, e.Reason, e.EndedMS, string(e.Outcome), e.Bytes, id)
		if err != nil {
			return err
		}
		return countQueries(t, 0, e.Bytes)
	})
}

// EndOpenQueries ends every query that has not ended, with an empty outcome, and
// returns how many they were.
func (db *DB) EndOpenQueries(ctx context.Context, e QueryEnd) (n int64, err error) {
	err = db.apply(ctx, "end open queries", func(t *tx) error {
		n, err = t.exec(`UPDATE queries SET status = ?, reason = ?, ended_ms = ? WHERE ended_ms < 0`, e.Status, e.Reason, e.EndedMS)
		return err
	})
	return n, err
}

// QueryByID returns the record of a query, or ErrNotFound.
func (db *DB) QueryByID(ctx context.Context, id string) (Query, error) {
	var q Query
	err := db.row1(ctx, `SELECT `+queryColumns+` FROM queries WHERE query_id = ?`, []any{id},
		func(scan func(...any) error) error { return scanQuery(scan, &q) })
	return q, wrap("get query", err)
}

// QueryFilter selects and pages queries.
type QueryFilter struct {
	Group    string // only those about this group; "" = any
	Language string // "" = any
	Status   string // those with it, and those that have not ended; "" = any
	Before   int64  // only those older than this Position; 0 = from the newest
	Limit    int    // at most so many; must be > 0
}

// Queries lists the queries of a scope, newest first.
func (db *DB) Queries(ctx context.Context, scope logs.Scope, f QueryFilter) ([]Query, error) {
	query := `SELECT ` + queryColumns + ` FROM queries WHERE account = ? AND region = ?`
	args := []any{scope.Account, scope.Region}
	if f.Language != "" {
		query += ` AND language = ?`
		args = append(args, f.Language)
	}
	if f.Status != "" {
		query += ` AND (ended_ms < 0 OR status = ?)`
		args = append(args, f.Status)
	}
	if f.Group != "" {
		query += ` AND replace(group_names, ?, '') <> group_names`
		args = append(args, joinNames([]string{f.Group}))
	}
	if f.Before != 0 {
		query += ` AND query_seq < ?`
		args = append(args, f.Before)
	}
	return db.listQueries(ctx, query+` ORDER BY query_seq DESC LIMIT ?`, append(args, f.Limit))
}

func (db *DB) listQueries(ctx context.Context, query string, args []any) ([]Query, error) {
	var out []Query
	err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var q Query
		if err := scanQuery(rows.Scan, &q); err != nil {
			return err
		}
		out = append(out, q)
		return nil
	})
	return out, wrap("list queries", err)
}

// OldestQueries returns the oldest queries of all scopes that have ended.
func (db *DB) OldestQueries(ctx context.Context, limit int) ([]Query, error) {
	return db.listQueries(ctx, `SELECT `+queryColumns+` FROM queries WHERE ended_ms >= 0 ORDER BY query_seq LIMIT ?`, []any{limit})
}

// QueryUsage returns how many queries there are and the bytes of them and of
// their results.
func (db *DB) QueryUsage(ctx context.Context) (n, bytes int64, err error) {
	err = db.row(ctx, `SELECT n, bytes FROM query_usage WHERE id = 1`, nil, &n, &bytes)
	return n, bytes, wrap("count queries", err)
}

// DeleteQueries removes records of queries. Unknown ids are left out.
func (db *DB) DeleteQueries(ctx context.Context, ids []string) error {
	for chunk := range slices.Chunk(ids, 500) { // so that others get their turn
		err := db.applyFreeing(ctx, "delete queries", func(t *tx) error {
			for _, id := range chunk {
				var bytes int64
				if err := t.row(`SELECT bytes FROM queries WHERE query_id = ?`, []any{id}, &bytes); isNoRows(err) {
					continue
				} else if err != nil {
					return err
				}
				if _, err := t.exec(`DELETE FROM queries WHERE query_id = ?`, id); err != nil {
					return err
				}
				if err := countQueries(t, -1, -bytes); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
