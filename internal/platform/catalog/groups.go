package catalog

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
)

// Group is a row of the groups table.
type Group struct {
	ID            logs.GroupID
	Scope         logs.Scope
	Name          string
	Class         string // as given; this package does not interpret it
	RetentionDays int    // 0 = never expires
	Protected     bool   // deletion protection
	CreatedMS     int64
	StoredBytes   int64 // as last published by the store
}

const groupColumns = `group_id, account, region, name, class, retention_days, protected, created_ms, stored_bytes`

func scanGroup(scan func(...any) error, g *Group) error {
	return scan(&g.ID, &g.Scope.Account, &g.Scope.Region, &g.Name, &g.Class, &g.RetentionDays, &g.Protected, &g.CreatedMS, &g.StoredBytes)
}

// CreateGroup adds a group with its tags and returns it with its id; ID and
// StoredBytes of g are ignored. Tags are kept under g's ARN. ErrExists when
// the scope has a live group of that name, ErrTooMany when it has limit groups
// already (0 = no limit).
func (db *DB) CreateGroup(ctx context.Context, g Group, tags map[string]string, limit int) (Group, error) {
	g.StoredBytes = 0
	err := db.apply(ctx, "create group", func(t *tx) error {
		// Look first: a failed insert would still use up an id.
		if _, err := liveGroup(t, g.Scope, g.Name); err == nil {
			return ErrExists
		} else if !isNoRows(err) {
			return err
		}
		n, err := countGroup(t, g.Scope, 1)
		if err != nil {
			return err
		}
		if limit > 0 && n > limit {
			return ErrTooMany
		}
		g.ID = logs.GroupID(t.nextID("group"))
		_, err = t.exec(`INSERT INTO log_groups (group_id, account, region, name, class, retention_days, protected, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			g.ID, g.Scope.Account, g.Scope.Region, g.Name, g.Class, g.RetentionDays, boolInt(g.Protected), g.CreatedMS)
		if err != nil {
			return err
		}
		return putTags(t, g.Scope.GroupARN(g.Name), tags)
	})
	if err != nil {
		return Group{}, err
	}
	return g, nil
}

// countGroup changes the number of live groups of a scope and returns it.
func countGroup(t *tx, scope logs.Scope, delta int) (n int, err error) {
	_, err = t.exec(`INSERT INTO scopes (account, region, n_groups) VALUES (?, ?, ?) ON CONFLICT (account, region) DO UPDATE SET n_groups = scopes.n_groups + excluded.n_groups`,
		scope.Account, scope.Region, delta)
	if err != nil {
		return 0, err
	}
	err = t.row(`SELECT n_groups FROM scopes WHERE account = ? AND region = ?`, []any{scope.Account, scope.Region}, &n)
	return n, err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func liveGroup(t *tx, scope logs.Scope, name string) (logs.GroupID, error) {
	var id logs.GroupID
	err := t.row(`SELECT group_id FROM log_groups WHERE account = ? AND region = ? AND name = ? AND deleted_ms IS NULL`,
		[]any{scope.Account, scope.Region, name}, &id)
	return id, err
}

// GroupByName returns the live group of that name, or ErrNotFound.
func (db *DB) GroupByName(ctx context.Context, scope logs.Scope, name string) (Group, error) {
	var g Group
	err := db.row1(ctx, `SELECT `+groupColumns+` FROM log_groups WHERE account = ? AND region = ? AND name = ? AND deleted_ms IS NULL`,
		[]any{scope.Account, scope.Region, name}, func(scan func(...any) error) error { return scanGroup(scan, &g) })
	return g, wrap("get group", err)
}

// GroupByID returns a live group, or ErrNotFound.
func (db *DB) GroupByID(ctx context.Context, id logs.GroupID) (Group, error) {
	var g Group
	err := db.row1(ctx, `SELECT `+groupColumns+` FROM log_groups WHERE group_id = ? AND deleted_ms IS NULL`,
		[]any{id}, func(scan func(...any) error) error { return scanGroup(scan, &g) })
	return g, wrap("get group", err)
}

// GroupFilter selects and pages the live groups of a scope.
type GroupFilter struct {
	Prefix string            // names that begin so
	After  string            // names greater than this: the position of paging
	Limit  int               // at most so many groups; must be > 0
	Class  string            // "" = any
	Match  func(*Group) bool // nil = all; called while reading, so it must be quick
}

// Groups lists live groups in byte order of their names. With Match it reads
// the groups of the scope from After on until Limit match, so it costs what it
// skips; without, it costs what it returns.
func (db *DB) Groups(ctx context.Context, scope logs.Scope, f GroupFilter) ([]Group, error) {
	r := nameRange(f.Prefix, f.After, false)
	query := `SELECT ` + groupColumns + ` FROM log_groups WHERE account = ? AND region = ? AND deleted_ms IS NULL`
	args := []any{scope.Account, scope.Region}
	query, args = r.where(query, args)
	if f.Class != "" {
		query += ` AND class = ?`
		args = append(args, f.Class)
	}
	query += ` ORDER BY name`
	if f.Match == nil {
		query += ` LIMIT ?`
		args = append(args, f.Limit)
	}
	var out []Group
	err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var g Group
		if err := scanGroup(rows.Scan, &g); err != nil {
			return err
		}
		if f.Match != nil && !f.Match(&g) {
			return nil
		}
		out = append(out, g)
		if len(out) >= f.Limit {
			return errStop
		}
		return nil
	})
	if err != nil {
		return nil, wrap("list groups", err)
	}
	return out, nil
}

// CountGroups returns the number of live groups of a scope.
func (db *DB) CountGroups(ctx context.Context, scope logs.Scope) (int, error) {
	var n int
	err := db.row(ctx, `SELECT n_groups FROM scopes WHERE account = ? AND region = ?`, []any{scope.Account, scope.Region}, &n)
	if isNoRows(err) {
		return 0, nil
	}
	return n, wrap("count groups", err)
}

// SetRetention sets the retention of a live group in days; 0 = never expires.
func (db *DB) SetRetention(ctx context.Context, id logs.GroupID, days int) error {
	return db.applyFreeing(ctx, "set retention", func(t *tx) error {
		return mustChange(t.exec(`UPDATE log_groups SET retention_days = ? WHERE group_id = ? AND deleted_ms IS NULL`, days, id))
	})
}

// SetProtection switches the deletion protection of a live group.
func (db *DB) SetProtection(ctx context.Context, id logs.GroupID, on bool) error {
	return db.apply(ctx, "set deletion protection", func(t *tx) error {
		return mustChange(t.exec(`UPDATE log_groups SET protected = ? WHERE group_id = ? AND deleted_ms IS NULL`, boolInt(on), id))
	})
}

// SetClass changes the class of a live group.
func (db *DB) SetClass(ctx context.Context, id logs.GroupID, class string) error {
	return db.apply(ctx, "set class", func(t *tx) error {
		return mustChange(t.exec(`UPDATE log_groups SET class = ? WHERE group_id = ? AND deleted_ms IS NULL`, class, id))
	})
}

// DeleteGroup deletes a group that is not protected: in one short transaction
// the group is marked, its tags and settings go, and a tombstone is written. Its streams are
// invisible from then on; their rows are removed in the background. ErrNotFound when it is not
// live, ErrConflict when it is protected.
func (db *DB) DeleteGroup(ctx context.Context, id logs.GroupID) error {
	err := db.applyFreeing(ctx, "delete group", func(t *tx) error {
		var scope logs.Scope
		var name string
		var protected bool
		err := t.row(`SELECT account, region, name, protected FROM log_groups WHERE group_id = ? AND deleted_ms IS NULL`,
			[]any{id}, &scope.Account, &scope.Region, &name, &protected)
		if err != nil {
			return err
		}
		if protected {
			return ErrConflict
		}
		now := db.nowMS()
		if _, err := t.exec(`UPDATE log_groups SET deleted_ms = ? WHERE group_id = ?`, now, id); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM tags WHERE arn = ?`, scope.GroupARN(name)); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM group_settings WHERE group_id = ?`, id); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM documents WHERE group_id = ?`, id); err != nil {
			return err
		}
		if _, err := countGroup(t, scope, -1); err != nil {
			return err
		}
		return putTombstone(t, id, 0, now)
	})
	if err == nil {
		db.wakePurge()
	}
	return err
}

// putTombstone records that the rows of a group (stream 0) or of one stream
// may be dropped.
func putTombstone(t *tx, group logs.GroupID, stream logs.StreamID, now int64) error {
	_, err := t.exec(`INSERT INTO tombstones (tomb_seq, group_id, stream_id, created_ms) VALUES (?, ?, ?, ?)`,
		t.nextID("tombstone"), group, stream, now)
	return err
}

// row1 runs a prepared read of one row through a scan helper.
func (db *DB) row1(ctx context.Context, query string, args []any, scan func(func(...any) error) error) error {
	s, err := db.stmt(ctx, query)
	if err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	return scan(s.QueryRowContext(ctx, args...).Scan)
}
