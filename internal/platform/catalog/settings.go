package catalog

import (
	"context"

	"github.com/cumulog/cumulog/internal/logs"
)

// GroupSetting is what a log group has at most one of each kind of, such as an
// index policy. Body is the owner's; this package stores it.
type GroupSetting struct {
	Body      string
	UpdatedMS int64
}

// PutGroupSetting sets the setting of a kind of a live group, or ErrNotFound.
func (db *DB) PutGroupSetting(ctx context.Context, group logs.GroupID, kind string, s GroupSetting) error {
	return db.apply(ctx, "put "+kind, func(t *tx) error {
		if _, err := groupARN(t, group); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO group_settings (group_id, kind, body, updated_ms) VALUES (?, ?, ?, ?)
			ON CONFLICT (group_id, kind) DO UPDATE SET body = excluded.body, updated_ms = excluded.updated_ms`, group, kind, s.Body, s.UpdatedMS)
		return err
	})
}

// GroupSetting returns the setting of a kind of a group, or ErrNotFound. The
// settings of a deleted group are gone.
func (db *DB) GroupSetting(ctx context.Context, group logs.GroupID, kind string) (GroupSetting, error) {
	var s GroupSetting
	err := db.row(ctx, `SELECT body, updated_ms FROM group_settings WHERE group_id = ? AND kind = ?`, []any{group, kind}, &s.Body, &s.UpdatedMS)
	return s, wrap("get "+kind, err)
}

// DeleteGroupSetting removes the setting of a kind of a group, or ErrNotFound.
func (db *DB) DeleteGroupSetting(ctx context.Context, group logs.GroupID, kind string) error {
	return db.applyFreeing(ctx, "delete "+kind, func(t *tx) error {
		return mustChange(t.exec(`DELETE FROM group_settings WHERE group_id = ? AND kind = ?`, group, kind))
	})
}
