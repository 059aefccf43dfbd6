package catalog

import (
	"context"
	"fmt"
	"strings"
)

// metaUser is put before the names of Meta and SetMeta, so that they cannot
// touch what this package keeps in the same table.
const metaUser = "u:"

// Meta returns a value stored by SetMeta, or ErrNotFound.
func (db *DB) Meta(ctx context.Context, name string) (string, error) {
	var v string
	err := db.row(ctx, `SELECT v FROM meta WHERE k = ?`, []any{metaUser + name}, &v)
	return v, wrap("get "+name, err)
}

// SetMeta stores a small named value.
func (db *DB) SetMeta(ctx context.Context, name, value string) error {
	return db.apply(ctx, "set "+name, func(t *tx) error { return setMeta(t, metaUser+name, value) })
}

func setMeta(t *tx, key, value string) error {
	_, err := t.exec(`INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v`, key, value)
	return err
}

// Check runs SQLite's integrity check and returns what it found wrong; nil
// means sound. It reads the whole file.
func (db *DB) Check(ctx context.Context) ([]string, error) {
	rows, err := db.read.QueryContext(ctx, `PRAGMA integrity_check(100)`)
	if err != nil {
		return nil, wrap("check catalog", err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, wrap("check catalog", err)
		}
		if !strings.EqualFold(line, "ok") {
			found = append(found, line)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, wrap("check catalog", fmt.Errorf("read findings: %w", err))
	}
	return found, nil
}
