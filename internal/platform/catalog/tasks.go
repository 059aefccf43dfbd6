package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// Task is a piece of background work that survives restarts, such as an
// export. Spec and Progress are JSON of their owner; this package stores them.
type Task struct {
	ID        string // unique over all kinds
	Kind      string // such as "export"
	Scope     logs.Scope
	State     string // the owner's states
	CreatedMS int64
	UpdatedMS int64
	Spec      []byte // JSON, fixed at creation
	Progress  []byte // JSON, replaced by updates
	// Position orders tasks by creation: greater is newer. Set by CreateTask.
	Position int64
}

const taskColumns = `task_seq, task_id, kind, account, region, state, created_ms, updated_ms, spec, progress`

func scanTask(scan func(...any) error, t *Task) error {
	return scan(&t.Position, &t.ID, &t.Kind, &t.Scope.Account, &t.Scope.Region, &t.State, &t.CreatedMS, &t.UpdatedMS, &t.Spec, &t.Progress)
}

// TaskLimit lets CreateTask refuse a task while others are under way.
type TaskLimit struct {
	States []string // the states that count
	Max    int      // tasks of the same kind and scope in those states; 0 = no limit
}

// CreateTask adds a task and returns it with Position set. ErrExists when the
// id is taken, ErrTooMany when limit forbids it; the check and the insert are
// one transaction.
func (db *DB) CreateTask(ctx context.Context, task Task, limit TaskLimit) (Task, error) {
	err := db.apply(ctx, "create task", func(t *tx) error {
		if limit.Max > 0 && len(limit.States) > 0 {
			args := []any{task.Kind, task.Scope.Account, task.Scope.Region}
			for _, s := range limit.States {
				args = append(args, s)
			}
			var n int
			err := t.row(`SELECT count(*) FROM tasks WHERE kind = ? AND account = ? AND region = ? AND state IN (`+marks(len(limit.States))+`)`, args, &n)
			if err != nil {
				return err
			}
			if n >= limit.Max {
				return ErrTooMany
			}
		}
		task.Position = t.nextID("task")
		task.UpdatedMS = task.CreatedMS
		_, err := t.exec(`INSERT INTO tasks (`+taskColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			task.Position, task.ID, task.Kind, task.Scope.Account, task.Scope.Region, task.State, task.CreatedMS, task.UpdatedMS,
			string(task.Spec), string(task.Progress))
		return err
	})
	if err != nil {
		return Task{}, err
	}
	return task, nil
}

func marks(n int) string { return strings.TrimPrefix(strings.Repeat(",?", n), ",") }

// Task returns a task by id, or ErrNotFound.
func (db *DB) Task(ctx context.Context, id string) (Task, error) {
	var task Task
	err := db.row1(ctx, `SELECT `+taskColumns+` FROM tasks WHERE task_id = ?`, []any{id},
		func(scan func(...any) error) error { return scanTask(scan, &task) })
	return task, wrap("get task", err)
}

// UpdateTask moves a task from one of the states in from to state and replaces
// its progress (nil keeps it). ErrNotFound when there is no such task,
// ErrConflict when it is in another state, and then nothing changes.
func (db *DB) UpdateTask(ctx context.Context, id string, from []string, state string, progress []byte) error {
	return db.apply(ctx, "update task", func(t *tx) error {
		var have string
		if err := t.row(`SELECT state FROM tasks WHERE task_id = ?`, []any{id}, &have); err != nil {
			return err
		}
		if !slices.Contains(from, have) {
			return fmt.Errorf("%w: task is %s", ErrConflict, have)
		}
		if progress == nil {
			_, err := t.exec(`UPDATE tasks SET state = ?, updated_ms = ? WHERE task_id = ?`, state, db.nowMS(), id)
			return err
		}
		_, err := t.exec(`UPDATE tasks SET state = ?, progress = ?, updated_ms = ? WHERE task_id = ?`, state, string(progress), db.nowMS(), id)
		return err
	})
}

// TaskFilter selects and pages tasks of one kind.
type TaskFilter struct {
	Scope  *logs.Scope // nil = all scopes
	States []string    // nil = any
	Before int64       // only tasks older than this Position; 0 = from the newest
	Oldest bool        // oldest first; Before then means newer than
	Limit  int         // at most so many; must be > 0
}

// Tasks lists tasks of a kind, newest first.
func (db *DB) Tasks(ctx context.Context, kind string, f TaskFilter) ([]Task, error) {
	query := `SELECT ` + taskColumns + ` FROM tasks WHERE kind = ?`
	args := []any{kind}
	if f.Scope != nil {
		query += ` AND account = ? AND region = ?`
		args = append(args, f.Scope.Account, f.Scope.Region)
	}
	if f.States != nil {
		query += ` AND state IN (` + marks(len(f.States)) + `)`
		for _, s := range f.States {
			args = append(args, s)
		}
	}
	op, order := "<", " DESC"
	if f.Oldest {
		op, order = ">", ""
	}
	if f.Before != 0 {
		query += ` AND task_seq ` + op + ` ?`
		args = append(args, f.Before)
	}
	query += ` ORDER BY task_seq` + order + ` LIMIT ?`
	args = append(args, f.Limit)
	var out []Task
	err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var t Task
		if err := scanTask(rows.Scan, &t); err != nil {
			return err
		}
		out = append(out, t)
		return nil
	})
	if err != nil {
		return nil, wrap("list tasks", err)
	}
	return out, nil
}

// DeleteTask removes a task, or ErrNotFound.
func (db *DB) DeleteTask(ctx context.Context, id string) error {
	return db.apply(ctx, "delete task", func(t *tx) error {
		return mustChange(t.exec(`DELETE FROM tasks WHERE task_id = ?`, id))
	})
}
