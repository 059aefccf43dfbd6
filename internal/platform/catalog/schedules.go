package catalog

import (
	"context"
	"database/sql"

	"github.com/cumulog/cumulog/internal/logs"
)

// Schedule is a piece of work that is done again and again, such as a scheduled
// query. Spec is JSON of its owner; this package stores it.
type Schedule struct {
	ID         string
	Scope      logs.Scope
	Name       string // unique in its scope
	State      string // the owner's states
	CreatedMS  int64
	UpdatedMS  int64
	DueMS      int64 // when it runs next; -1 = never
	LastMS     int64 // when it ran last; -1 = never
	LastRun    int64 // that run; 0 = none
	LastStatus string
	Spec       []byte
}

const scheduleColumns = `schedule_id, account, region, name, state, created_ms, updated_ms, due_ms, last_ms, last_run, last_status, spec`

func scanSchedule(scan func(...any) error, s *Schedule) error {
	return scan(&s.ID, &s.Scope.Account, &s.Scope.Region, &s.Name, &s.State, &s.CreatedMS, &s.UpdatedMS, &s.DueMS, &s.LastMS, &s.LastRun, &s.LastStatus, &s.Spec)
}

// CreateSchedule adds a schedule, with the tags of its ARN. LastMS, LastRun and
// LastStatus are ignored. ErrExists when the name is taken in the scope,
// ErrTooMany when the scope has limit schedules already (0 = no limit).
func (db *DB) CreateSchedule(ctx context.Context, s Schedule, arn string, tags map[string]string, limit int) error {
	return db.apply(ctx, "create schedule", func(t *tx) error {
		var n, taken int
		err := t.row(`SELECT count(*), coalesce(sum(CASE WHEN name = ? THEN 1 ELSE 0 END), 0) FROM schedules WHERE account = ? AND region = ?`,
			[]any{s.Name, s.Scope.Account, s.Scope.Region}, &n, &taken)
		switch {
		case err != nil:
			return err
		case taken > 0:
			return ErrExists
		case limit > 0 && n >= limit:
			return ErrTooMany
		}
		_, err = t.exec(`INSERT INTO schedules (schedule_id, account, region, name, state, created_ms, updated_ms, due_ms, spec) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			s.ID, s.Scope.Account, s.Scope.Region, s.Name, s.State, s.CreatedMS, s.UpdatedMS, s.DueMS, string(s.Spec))
		if err != nil {
			return err
		}
		return putTags(t, arn, tags)
	})
}

// UpdateSchedule replaces State, UpdatedMS, DueMS and Spec of a schedule, or
// ErrNotFound.
func (db *DB) UpdateSchedule(ctx context.Context, s Schedule) error {
	return db.apply(ctx, "update schedule", func(t *tx) error {
		return mustChange(t.exec(`UPDATE schedules SET state = ?, updated_ms = ?, due_ms = ?, spec = ? WHERE schedule_id = ?`,
			s.State, s.UpdatedMS, s.DueMS, string(s.Spec), s.ID))
	})
}

// DeleteSchedule removes a schedule, its runs and the tags of its ARN, or
// ErrNotFound.
func (db *DB) DeleteSchedule(ctx context.Context, id, arn string) error {
	return db.applyFreeing(ctx, "delete schedule", func(t *tx) error {
		if err := mustChange(t.exec(`DELETE FROM schedules WHERE schedule_id = ?`, id)); err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM schedule_runs WHERE schedule_id = ?`, id); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM tags WHERE arn = ?`, arn)
		return err
	})
}

// Schedule returns a schedule by id, or ErrNotFound.
func (db *DB) Schedule(ctx context.Context, id string) (Schedule, error) {
	var s Schedule
	err := db.row1(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE schedule_id = ?`, []any{id},
		func(scan func(...any) error) error { return scanSchedule(scan, &s) })
	return s, wrap("get schedule", err)
}

// ScheduleByName returns the schedule of a name, or ErrNotFound.
func (db *DB) ScheduleByName(ctx context.Context, scope logs.Scope, name string) (Schedule, error) {
	var s Schedule
	err := db.row1(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE account = ? AND region = ? AND name = ?`,
		[]any{scope.Account, scope.Region, name}, func(scan func(...any) error) error { return scanSchedule(scan, &s) })
	return s, wrap("get schedule", err)
}

// Schedules lists up to limit schedules of a scope in byte order of their names,
// those after the name after ("" = from the start), in a state ("" = any).
func (db *DB) Schedules(ctx context.Context, scope logs.Scope, state, after string, limit int) ([]Schedule, error) {
	query := `SELECT ` + scheduleColumns + ` FROM schedules WHERE account = ? AND region = ? AND name > ?`
	args := []any{scope.Account, scope.Region, after}
	if state != "" {
		query += ` AND state = ?`
		args = append(args, state)
	}
	return db.schedules(ctx, query+` ORDER BY name LIMIT ?`, append(args, limit)...)
}

// DueSchedules lists up to limit schedules of all scopes that have a time to run, the
// soonest first.
func (db *DB) DueSchedules(ctx context.Context, limit int) ([]Schedule, error) {
	return db.schedules(ctx, `SELECT `+scheduleColumns+` FROM schedules WHERE due_ms >= 0 ORDER BY due_ms LIMIT ?`, limit)
}

func (db *DB) schedules(ctx context.Context, query string, args ...any) ([]Schedule, error) {
	var out []Schedule
	err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var s Schedule
		if err := scanSchedule(rows.Scan, &s); err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, wrap("list schedules", err)
}
