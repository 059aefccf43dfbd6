package catalog

import (
	"context"
	"database/sql"
)

// AccessKey is a pair of credentials.
type AccessKey struct {
	ID          string
	Secret      string
	Account     string
	Description string
	CreatedMS   int64
}

func scanKey(scan func(...any) error, k *AccessKey) error {
	return scan(&k.ID, &k.Secret, &k.Account, &k.Description, &k.CreatedMS)
}

const keyColumns = `key_id, secret, account, description, created_ms`

// CreateKey adds a key; ErrExists when the id is taken.
func (db *DB) CreateKey(ctx context.Context, k AccessKey) error {
	return db.apply(ctx, "create access key", func(t *tx) error {
		_, err := t.exec(`INSERT INTO access_keys (`+keyColumns+`) VALUES (?, ?, ?, ?, ?)`, k.ID, k.Secret, k.Account, k.Description, k.CreatedMS)
		return err
	})
}

// Key returns a key by id, or ErrNotFound.
func (db *DB) Key(ctx context.Context, id string) (AccessKey, error) {
	var k AccessKey
	err := db.row1(ctx, `SELECT `+keyColumns+` FROM access_keys WHERE key_id = ?`, []any{id},
		func(scan func(...any) error) error { return scanKey(scan, &k) })
	return k, wrap("get access key", err)
}

// Keys lists all keys in the order of their creation.
func (db *DB) Keys(ctx context.Context) ([]AccessKey, error) {
	var out []AccessKey
	err := db.rows(ctx, `SELECT `+keyColumns+` FROM access_keys ORDER BY created_ms, key_id`, nil, func(rows *sql.Rows) error {
		var k AccessKey
		if err := scanKey(rows.Scan, &k); err != nil {
			return err
		}
		out = append(out, k)
		return nil
	})
	return out, wrap("list access keys", err)
}

// DeleteKey removes a key, or ErrNotFound.
func (db *DB) DeleteKey(ctx context.Context, id string) error {
	return db.apply(ctx, "delete access key", func(t *tx) error {
		return mustChange(t.exec(`DELETE FROM access_keys WHERE key_id = ?`, id))
	})
}
