package catalog

import (
	"context"
	"database/sql"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// schemaMonitoring are documents, what consumers of the feed are done with, histories, and
// what is still to be sent.
const schemaMonitoring = `
CREATE TABLE documents (
  kind TEXT NOT NULL,
  account TEXT NOT NULL, region TEXT NOT NULL,
  group_id BIGINT NOT NULL DEFAULT 0,
  name TEXT NOT NULL,
  created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (kind, account, region, group_id, name)
);
CREATE INDEX do_group ON documents(group_id) WHERE group_id <> 0;

CREATE TABLE positions (consumer TEXT PRIMARY KEY, lsn BIGINT NOT NULL);

CREATE TABLE journal (
  entry_seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  account TEXT NOT NULL, region TEXT NOT NULL, name TEXT NOT NULL,
  at_ms BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX jo_name ON journal(kind, account, region, name, entry_seq);
CREATE INDEX jo_time ON journal(kind, at_ms);

CREATE TABLE outbox (
  message_seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  due_ms BIGINT NOT NULL, created_ms BIGINT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0,
  body TEXT NOT NULL
);
CREATE INDEX ob_due ON outbox(kind, due_ms);
`

// DocumentKey names a document.
type DocumentKey struct {
	Kind  string // such as "metric-filter"
	Scope logs.Scope
	Group logs.GroupID // the group it goes with; 0 = none
	Name  string       // unique in kind, scope and group
}

// Document is a small record of a name. Body is JSON of its owner; this package
// stores it.
type Document struct {
	DocumentKey
	CreatedMS int64
	UpdatedMS int64
	Body      []byte
}

const documentColumns = `kind, account, region, group_id, name, created_ms, updated_ms, body`

func (k *DocumentKey) args() []any {
	return []any{k.Kind, k.Scope.Account, k.Scope.Region, k.Group, k.Name}
}

const documentIs = ` WHERE kind = ? AND account = ? AND region = ? AND group_id = ? AND name = ?`

func scanDocument(scan func(...any) error, d *Document) error {
	return scan(&d.Kind, &d.Scope.Account, &d.Scope.Region, &d.Group, &d.Name, &d.CreatedMS, &d.UpdatedMS, &d.Body)
}

// Changes are written in one transaction, in the order of the fields.
type Changes struct {
	Put     []Document    // created, or replaced but for CreatedMS
	Delete  []DocumentKey // missing ones are no error
	Journal []Entry
	Outbox  []Message
	Sent    []int64          // Seqs of messages to remove
	Retry   []Message        // new DueMS and Attempts by Seq
	Reached map[string]int64 // consumer → LSN, which moves forward only; see Position
}

// Apply writes changes. ErrNotFound when a document to put belongs to a group
// that is not live, and then nothing changes.
func (db *DB) Apply(ctx context.Context, c Changes) error {
	return db.apply(ctx, "write changes", func(t *tx) error {
		for i := range c.Put {
			if _, err := putDocument(t, &c.Put[i]); err != nil {
				return err
			}
		}
		for i := range c.Delete {
			if _, err := t.exec(`DELETE FROM documents`+documentIs, c.Delete[i].args()...); err != nil {
				return err
			}
		}
		for i := range c.Journal {
			if err := addEntry(t, &c.Journal[i]); err != nil {
				return err
			}
		}
		if err := changeOutbox(t, &c); err != nil {
			return err
		}
		for consumer, lsn := range c.Reached {
			if err := reach(t, consumer, lsn); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutDocument creates a document or replaces its body; created says which. The
// first creation stays in CreatedMS. ErrNotFound when its group is not live;
// ErrTooMany when kind, scope and group would hold more than limit (0 = no
// limit); tags are set on creation only and may be nil.
func (db *DB) PutDocument(ctx context.Context, d Document, limit int, arn string, tags map[string]string) (created bool, err error) {
	err = db.apply(ctx, "put "+d.Kind, func(t *tx) error {
		if created, err = putDocument(t, &d); err != nil || !created {
			return err
		}
		if limit > 0 {
			var n int
			err := t.row(`SELECT count(*) FROM documents WHERE kind = ? AND account = ? AND region = ? AND group_id = ?`,
				[]any{d.Kind, d.Scope.Account, d.Scope.Region, d.Group}, &n)
			if err != nil {
				return err
			}
			if n > limit {
				return ErrTooMany
			}
		}
		return putTags(t, arn, tags)
	})
	return created, err
}

func putDocument(t *tx, d *Document) (created bool, err error) {
	if d.Group != 0 {
		if _, err := groupARN(t, d.Group); err != nil {
			return false, err
		}
	}
	n, err := t.exec(`UPDATE documents SET body = ?, updated_ms = ?`+documentIs, append([]any{string(d.Body), d.UpdatedMS}, d.args()...)...)
	if err != nil || n > 0 {
		return false, err
	}
	_, err = t.exec(`INSERT INTO documents (`+documentColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		append(d.args(), d.CreatedMS, d.UpdatedMS, string(d.Body))...)
	return err == nil, err
}

// ChangeDocument replaces the body of a document with what change makes of the
// present one, in one transaction, or returns ErrNotFound or the error of change. change must not
// block and may be called again.
func (db *DB) ChangeDocument(ctx context.Context, k DocumentKey, updatedMS int64, change func(body []byte) ([]byte, error)) error {
	return db.apply(ctx, "change "+k.Kind, func(t *tx) error {
		var body []byte
		if err := t.row(`SELECT body FROM documents`+documentIs, k.args(), &body); err != nil {
			return err
		}
		body, err := change(body)
		if err != nil {
			return err
		}
		return mustChange(t.exec(`UPDATE documents SET body = ?, updated_ms = ?`+documentIs, append([]any{string(body), updatedMS}, k.args()...)...))
	})
}

// DeleteDocument removes a document and the tags of its ARN ("" = none), or
// returns ErrNotFound.
func (db *DB) DeleteDocument(ctx context.Context, k DocumentKey, arn string) error {
	return db.applyFreeing(ctx, "delete "+k.Kind, func(t *tx) error {
		if err := mustChange(t.exec(`DELETE FROM documents`+documentIs, k.args()...)); err != nil {
			return err
		}
		if arn == "" {
			return nil
		}
		_, err := t.exec(`DELETE FROM tags WHERE arn = ?`, arn)
		return err
	})
}

// Document returns a document, or ErrNotFound.
func (db *DB) Document(ctx context.Context, k DocumentKey) (Document, error) {
	var d Document
	err := db.row1(ctx, `SELECT `+documentColumns+` FROM documents`+documentIs, k.args(),
		func(scan func(...any) error) error { return scanDocument(scan, &d) })
	return d, wrap("get "+k.Kind, err)
}

// DocumentQuery selects documents of a kind.
type DocumentQuery struct {
	Kind   string
	Scope  *logs.Scope   // nil: all scopes
	Group  *logs.GroupID // nil: all groups
	Prefix string        // of the name
	// After is the last document of the page before; its Kind is ignored.
	After *DocumentKey
	Limit int // 0: all
}

// Documents lists documents by name in byte order, then by account, region and group.
func (db *DB) Documents(ctx context.Context, q DocumentQuery) ([]Document, error) {
	query := strings.Builder{}
	query.WriteString(`SELECT ` + documentColumns + ` FROM documents WHERE kind = ?`)
	args := []any{q.Kind}
	if q.Scope != nil {
		query.WriteString(` AND account = ? AND region = ?`)
		args = append(args, q.Scope.Account, q.Scope.Region)
	}
	if q.Group != nil {
		query.WriteString(` AND group_id = ?`)
		args = append(args, *q.Group)
	}
	if q.Prefix != "" {
		query.WriteString(` AND name >= ? AND substr(name, 1, length(?)) = ?`)
		args = append(args, q.Prefix, q.Prefix, q.Prefix)
	}
	if a := q.After; a != nil {
		query.WriteString(` AND (name, account, region, group_id) > (?, ?, ?, ?)`)
		args = append(args, a.Name, a.Scope.Account, a.Scope.Region, a.Group)
	}
	query.WriteString(` ORDER BY name, account, region, group_id`)
	if q.Limit > 0 {
		query.WriteString(` LIMIT ?`)
		args = append(args, q.Limit)
	}
	var out []Document
	err := db.rows(ctx, query.String(), args, func(rows *sql.Rows) error {
		var d Document
		if err := scanDocument(rows.Scan, &d); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	return out, wrap("list "+q.Kind, err)
}

// CountDocuments returns how many documents of a kind each group of the scope has.
func (db *DB) CountDocuments(ctx context.Context, kind string, scope logs.Scope) (map[logs.GroupID]int, error) {
	out := map[logs.GroupID]int{}
	err := db.rows(ctx, `SELECT group_id, count(*) FROM documents WHERE kind = ? AND account = ? AND region = ? GROUP BY group_id`,
		[]any{kind, scope.Account, scope.Region}, func(rows *sql.Rows) error {
			var g logs.GroupID
			var n int
			if err := rows.Scan(&g, &n); err != nil {
				return err
			}
			out[g] = n
			return nil
		})
	return out, wrap("count "+kind, err)
}
