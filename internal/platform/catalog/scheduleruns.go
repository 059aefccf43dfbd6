package catalog

import (
	"context"
	"database/sql"
	"fmt"
)

// ScheduleRun is one run of a schedule. Body is JSON of the owner.
type ScheduleRun struct {
	Seq         int64 // greater is newer; set by BeginRun
	Schedule    string
	TriggeredMS int64
	Status      string // the owner's
	Body        []byte
}

const runColumns = `run_seq, schedule_id, triggered_ms, status, body`

func scanRun(scan func(...any) error, r *ScheduleRun) error {
	return scan(&r.Seq, &r.Schedule, &r.TriggeredMS, &r.Status, &r.Body)
}

// BeginRun adds a run and says when the schedule, as it was read, runs next. When
// the schedule was changed since, nothing happens: ErrConflict, or ErrNotFound
// when it is gone.
func (db *DB) BeginRun(ctx context.Context, was Schedule, r ScheduleRun, dueMS int64) (ScheduleRun, error) {
	err := db.apply(ctx, "begin run", func(t *tx) error {
		var have Schedule
		err := t.row(`SELECT updated_ms, due_ms, state, spec FROM schedules WHERE schedule_id = ?`, []any{was.ID},
			&have.UpdatedMS, &have.DueMS, &have.State, &have.Spec)
		if err != nil {
			return err
		}
		if have.UpdatedMS != was.UpdatedMS || have.DueMS != was.DueMS || have.State != was.State || string(have.Spec) != string(was.Spec) {
			return fmt.Errorf("%w: schedule was changed", ErrConflict)
		}
		r.Seq = t.nextID("schedule run")
		if _, err := t.exec(`INSERT INTO schedule_runs (`+runColumns+`) VALUES (?, ?, ?, ?, ?)`, r.Seq, r.Schedule, r.TriggeredMS, r.Status, string(r.Body)); err != nil {
			return err
		}
		_, err = t.exec(`UPDATE schedules SET due_ms = ?, last_ms = ?, last_run = ?, last_status = ? WHERE schedule_id = ?`,
			dueMS, r.TriggeredMS, r.Seq, r.Status, was.ID)
		return err
	})
	return r, err
}

// UpdateRun replaces status and body of a run, and the status that its schedule
// shows when it is the last one. ErrNotFound when the run is gone.
func (db *DB) UpdateRun(ctx context.Context, r ScheduleRun) error {
	return db.apply(ctx, "update run", func(t *tx) error {
		if err := mustChange(t.exec(`UPDATE schedule_runs SET status = ?, body = ? WHERE run_seq = ?`, r.Status, string(r.Body), r.Seq)); err != nil {
			return err
		}
		_, err := t.exec(`UPDATE schedules SET last_status = ? WHERE schedule_id = ? AND last_run = ?`, r.Status, r.Schedule, r.Seq)
		return err
	})
}

// RunFilter selects and pages the runs of one schedule.
type RunFilter struct {
	FromMS, ToMS int64    // triggered in [FromMS, ToMS]
	Statuses     []string // nil = any
	Before       int64    // only runs older than this Seq; 0 = from the newest
	Limit        int      // at most so many; must be > 0
}

// Runs lists runs of a schedule, newest first.
func (db *DB) Runs(ctx context.Context, schedule string, f RunFilter) ([]ScheduleRun, error) {
	query := `SELECT ` + runColumns + ` FROM schedule_runs WHERE schedule_id = ? AND triggered_ms >= ? AND triggered_ms <= ?`
	args := []any{schedule, f.FromMS, f.ToMS}
	if f.Statuses != nil {
		query += ` AND status IN (` + marks(len(f.Statuses)) + `)`
		for _, s := range f.Statuses {
			args = append(args, s)
		}
	}
	if f.Before > 0 {
		query += ` AND run_seq < ?`
		args = append(args, f.Before)
	}
	return db.runs(ctx, query+` ORDER BY run_seq DESC LIMIT ?`, append(args, f.Limit)...)
}

// RunsIn lists up to limit runs of all schedules in a status, oldest first.
func (db *DB) RunsIn(ctx context.Context, status string, limit int) ([]ScheduleRun, error) {
	return db.runs(ctx, `SELECT `+runColumns+` FROM schedule_runs WHERE status = ? ORDER BY run_seq LIMIT ?`, status, limit)
}

func (db *DB) runs(ctx context.Context, query string, args ...any) ([]ScheduleRun, error) {
	var out []ScheduleRun
	err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var r ScheduleRun
		if err := scanRun(rows.Scan, &r); err != nil {
			return err
		}
		out = append(out, r)
		return nil
	})
	return out, wrap("list runs", err)
}

// ForgetRuns removes up to limit runs that were triggered before a time and
// returns how many it removed.
func (db *DB) ForgetRuns(ctx context.Context, beforeMS int64, limit int) (int, error) {
	var n int64
	err := db.applyFreeing(ctx, "forget runs", func(t *tx) error {
		var err error
		n, err = t.exec(`DELETE FROM schedule_runs WHERE run_seq IN (SELECT run_seq FROM schedule_runs WHERE triggered_ms < ? LIMIT ?)`, beforeMS, limit)
		return err
	})
	return int(n), err
}
