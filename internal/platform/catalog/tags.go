package catalog

import (
	"context"
	"database/sql"

	"github.com/cumulog/cumulog/internal/logs"
)

func putTags(t *tx, arn string, tags map[string]string) error {
	for k, v := range tags {
		_, err := t.exec(`INSERT INTO tags (arn, k, v) VALUES (?, ?, ?) ON CONFLICT (arn, k) DO UPDATE SET v = excluded.v`, arn, k, v)
		if err != nil {
			return err
		}
	}
	return nil
}

// PutGroupTags merges tags into those of a live group; equal keys are replaced.
// ErrNotFound when the group is not live, ErrTooMany when it would have more
// than limit tags, and then nothing changes.
func (db *DB) PutGroupTags(ctx context.Context, group logs.GroupID, tags map[string]string, limit int) error {
	return db.apply(ctx, "put tags", func(t *tx) error {
		arn, err := groupARN(t, group)
		if err != nil {
			return err
		}
		if err := putTags(t, arn, tags); err != nil {
			return err
		}
		var n int
		if err := t.row(`SELECT count(*) FROM tags WHERE arn = ?`, []any{arn}, &n); err != nil {
			return err
		}
		if n > limit {
			return ErrTooMany
		}
		return nil
	})
}

// RemoveGroupTags removes tags of a live group by key; unknown keys are
// ignored. ErrNotFound when the group is not live.
func (db *DB) RemoveGroupTags(ctx context.Context, group logs.GroupID, keys []string) error {
	return db.apply(ctx, "remove tags", func(t *tx) error {
		arn, err := groupARN(t, group)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := t.exec(`DELETE FROM tags WHERE arn = ? AND k = ?`, arn, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func groupARN(t *tx, group logs.GroupID) (string, error) {
	var scope logs.Scope
	var name string
	err := t.row(`SELECT account, region, name FROM log_groups WHERE group_id = ? AND deleted_ms IS NULL`,
		[]any{group}, &scope.Account, &scope.Region, &name)
	return scope.GroupARN(name), err
}

// PutTags merges tags into those of a resource that is not a group; equal keys
// are replaced. ErrTooMany when it would have more than limit tags, and then
// nothing changes. Whether the resource exists is the caller's to know.
func (db *DB) PutTags(ctx context.Context, arn string, tags map[string]string, limit int) error {
	return db.apply(ctx, "put tags", func(t *tx) error {
		if err := putTags(t, arn, tags); err != nil {
			return err
		}
		var n int
		if err := t.row(`SELECT count(*) FROM tags WHERE arn = ?`, []any{arn}, &n); err != nil {
			return err
		}
		if n > limit {
			return ErrTooMany
		}
		return nil
	})
}

// ReplaceTags makes tags all that a resource has; nil removes them.
func (db *DB) ReplaceTags(ctx context.Context, arn string, tags map[string]string) error {
	return db.applyFreeing(ctx, "replace tags", func(t *tx) error {
		if _, err := t.exec(`DELETE FROM tags WHERE arn = ?`, arn); err != nil {
			return err
		}
		return putTags(t, arn, tags)
	})
}

// RemoveTags removes tags of a resource by key; unknown keys are ignored.
func (db *DB) RemoveTags(ctx context.Context, arn string, keys []string) error {
	return db.applyFreeing(ctx, "remove tags", func(t *tx) error {
		for _, k := range keys {
			if _, err := t.exec(`DELETE FROM tags WHERE arn = ? AND k = ?`, arn, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tags returns the tags of a resource; empty when it has none or does not
// exist.
func (db *DB) Tags(ctx context.Context, arn string) (map[string]string, error) {
	out := map[string]string{}
	err := db.rows(ctx, `SELECT k, v FROM tags WHERE arn = ?`, []any{arn}, func(rows *sql.Rows) error {
		var k, v string
		if err := rows.Scan(&k, &v); err != nil {
			return err
		}
		out[k] = v
		return nil
	})
	return out, wrap("list tags", err)
}

// TagsBetween returns the tags of all resources whose ARN lies in [first,
// last] in byte order, by ARN.
func (db *DB) TagsBetween(ctx context.Context, first, last string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	err := db.rows(ctx, `SELECT arn, k, v FROM tags WHERE arn >= ? AND arn <= ?`, []any{first, last}, func(rows *sql.Rows) error {
		var arn, k, v string
		if err := rows.Scan(&arn, &k, &v); err != nil {
			return err
		}
		m := out[arn]
		if m == nil {
			m = map[string]string{}
			out[arn] = m
		}
		m[k] = v
		return nil
	})
	return out, wrap("list tags", err)
}
