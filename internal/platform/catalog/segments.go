package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

const segmentColumns = `seg_id, level, ret_class, day, group_lo, group_hi, n_groups, min_ts, max_ts, n_rows, raw_bytes, file_bytes, max_lsn, tomb_seq, created_ms`

const checkpointKey = "wal_checkpoint"

// Segments returns all segments, in no particular order.
func (db *DB) Segments(ctx context.Context) ([]Segment, error) {
	var out []Segment
	err := db.rows(ctx, `SELECT `+segmentColumns+` FROM segments`, nil, func(rows *sql.Rows) error {
		var s Segment
		err := rows.Scan(&s.ID, &s.Level, &s.Class, &s.Day, &s.GroupLow, &s.GroupHigh, &s.Groups, &s.MinTime, &s.MaxTime,
			&s.Rows, &s.RawBytes, &s.FileBytes, &s.MaxLSN, &s.Tombstones, &s.Created)
		if err != nil {
			return err
		}
		out = append(out, s)
		return nil
	})
	return out, wrap("list segments", err)
}

// Checkpoint returns the greatest checkpoint that was published; 0 at first.
func (db *DB) Checkpoint(ctx context.Context) (uint64, error) {
	var text string
	err := db.row(ctx, `SELECT v FROM meta WHERE k = ?`, []any{checkpointKey}, &text)
	if isNoRows(err) {
		return 0, nil
	}
	if err != nil {
		return 0, wrap("read checkpoint", err)
	}
	lsn, err := strconv.ParseUint(text, 10, 64)
	return lsn, wrap("read checkpoint", err)
}

// Publish applies p in one durable transaction, or nothing of it. ErrExists
// when an added segment exists, ErrNotFound when a removed one does not.
func (db *DB) Publish(ctx context.Context, p Publication) error {
	return db.applyFreeing(ctx, "publish segments", func(t *tx) error { return publish(t, p) })
}

func publish(t *tx, p Publication) error {
	for _, id := range p.Remove {
		if err := mustChange(t.exec(`DELETE FROM segments WHERE seg_id = ?`, id)); err != nil {
			return fmt.Errorf("remove segment %s: %w", id, err)
		}
	}
	for i := range p.Add {
		s := &p.Add[i]
		_, err := t.exec(`INSERT INTO segments (`+segmentColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			s.ID, s.Level, s.Class, s.Day, s.GroupLow, s.GroupHigh, s.Groups, s.MinTime, s.MaxTime,
			s.Rows, s.RawBytes, s.FileBytes, int64(s.MaxLSN), s.Tombstones, s.Created)
		if err != nil {
			return fmt.Errorf("add segment %s: %w", s.ID, err)
		}
	}
	if err := raiseCheckpoint(t, p.Checkpoint); err != nil {
		return err
	}
	if err := mergeStreamStats(t, p.Streams); err != nil {
		return err
	}
	for _, g := range p.GroupBytes {
		_, err := t.exec(`UPDATE log_groups SET stored_bytes = CASE WHEN stored_bytes + ? > 0 THEN stored_bytes + ? ELSE 0 END WHERE group_id = ?`,
			g.Delta, g.Delta, g.Group)
		if err != nil {
			return err
		}
	}
	return finishTombstones(t, p.TombstonesDone)
}

func raiseCheckpoint(t *tx, lsn uint64) error {
	if lsn == 0 {
		return nil
	}
	var text string
	err := t.row(`SELECT v FROM meta WHERE k = ?`, []any{checkpointKey}, &text)
	if err != nil && !isNoRows(err) {
		return err
	}
	if err == nil {
		have, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
		if lsn <= have {
			return nil
		}
	}
	return setMeta(t, checkpointKey, strconv.FormatUint(lsn, 10))
}

func finishTombstones(t *tx, done []int64) error {
	for _, seq := range done {
		var group logs.GroupID
		var stream logs.StreamID
		err := t.row(`SELECT group_id, stream_id FROM tombstones WHERE tomb_seq = ?`, []any{seq}, &group, &stream)
		if isNoRows(err) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`DELETE FROM tombstones WHERE tomb_seq = ?`, seq); err != nil {
			return err
		}
		if stream == 0 {
			if err := forgetGroup(t, group); err != nil {
				return err
			}
		}
	}
	return nil
}

// Tombstones returns all tombstones that are not done, by ascending Seq.
func (db *DB) Tombstones(ctx context.Context) ([]Tombstone, error) {
	var out []Tombstone
	err := db.rows(ctx, `SELECT tomb_seq, group_id, stream_id, created_ms FROM tombstones ORDER BY tomb_seq`, nil, func(rows *sql.Rows) error {
		var x Tombstone
		if err := rows.Scan(&x.Seq, &x.Group, &x.Stream, &x.Created); err != nil {
			return err
		}
		out = append(out, x)
		return nil
	})
	return out, wrap("list tombstones", err)
}

// DeadStreams returns the deleted streams of a group of which events may be left,
// in no particular order.
func (db *DB) DeadStreams(ctx context.Context, group logs.GroupID) ([]logs.StreamID, error) {
	var out []logs.StreamID
	err := db.rows(ctx, `SELECT stream_id FROM tombstones WHERE group_id = ? AND stream_id <> 0`, []any{group}, func(rows *sql.Rows) error {
		var id logs.StreamID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		out = append(out, id)
		return nil
	})
	return out, wrap("list deleted streams", err)
}

// DeadStreamsOf is DeadStreams of several groups.
func (db *DB) DeadStreamsOf(ctx context.Context, groups []logs.GroupID) ([]logs.StreamID, error) {
	var out []logs.StreamID
	for len(groups) > 0 {
		var n int
		var args []any
		groups, n, args = takeIDs(groups, nil)
		query := `SELECT stream_id FROM tombstones WHERE stream_id <> 0 AND group_id IN (` + marks(n) + `)`
		err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
			var id logs.StreamID
			if err := rows.Scan(&id); err != nil {
				return err
			}
			out = append(out, id)
			return nil
		})
		if err != nil {
			return nil, wrap("list deleted streams", err)
		}
	}
	return out, nil
}

// Lives returns what is known of groups. A group that is missing from the
// answer was never created, or is deleted and entirely forgotten.
func (db *DB) Lives(ctx context.Context, groups []logs.GroupID) (map[logs.GroupID]GroupLife, error) {
	out := make(map[logs.GroupID]GroupLife, len(groups))
	for len(groups) > 0 {
		var n int
		var args []any
		groups, n, args = takeIDs(groups, nil)
		query := `SELECT group_id, retention_days, deleted_ms IS NOT NULL FROM log_groups WHERE group_id IN (` + marks(n) + `)`
		err := db.rows(ctx, query, args, func(rows *sql.Rows) error {
			var id logs.GroupID
			var life GroupLife
			if err := rows.Scan(&id, &life.RetentionDays, &life.Dead); err != nil {
				return err
			}
			out[id] = life
			return nil
		})
		if err != nil {
			return nil, wrap("read group lives", err)
		}
	}
	return out, nil
}
