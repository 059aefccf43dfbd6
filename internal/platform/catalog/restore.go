package catalog

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/cumulog/cumulog/internal/logs"
)

// LastIDs returns the highest group id and the highest stream id that were ever
// handed out, 0 when there was none. Events of higher ids were not written under this
// catalog.
func (db *DB) LastIDs(ctx context.Context) (group logs.GroupID, stream logs.StreamID, err error) {
	err = db.rows(ctx, `SELECT name, next FROM seq_alloc`, nil, func(rows *sql.Rows) error {
		var name string
		var next int64
		if err := rows.Scan(&name, &next); err != nil {
			return err
		}
		switch name {
		case "group":
			group = logs.GroupID(next - 1)
		case "stream":
			stream = logs.StreamID(next - 1)
		}
		return nil
	})
	return group, stream, wrap("read ids", err)
}

// Restoration is what the store found in its own files.
type Restoration struct {
	// Manifest replaces the stored segments and the stored bytes of groups.
	Manifest Publication
	// Logged are streams with events that no segment holds.
	Logged []StreamStats
	// Scope and Class are those of groups that have to be made.
	Scope logs.Scope
	Class string
}

// Restored counts what Restore made.
type Restored struct{ Groups, Streams int }

// Restore brings the catalog in line with the files of the store, in one
// transaction: it lists the segments that there are, makes a group and a stream for
// events of ids that it does not know, named after the ids, and sees to it that ids in use are
// not handed out again. What has a tombstone stays deleted. Applying it twice
// changes nothing.
func (db *DB) Restore(ctx context.Context, r Restoration) (Restored, error) {
	var made Restored
	err := db.applyFreeing(ctx, "restore catalog", func(t *tx) error {
		made = Restored{}
		for _, query := range []string{`DELETE FROM segments`, `UPDATE log_groups SET stored_bytes = 0`} {
			if _, err := t.exec(query); err != nil {
				return err
			}
		}
		found := append(append([]StreamStats(nil), r.Manifest.Streams...), r.Logged...)
		for _, s := range found {
			t.atLeast("group", int64(s.Group))
			t.atLeast("stream", int64(s.Stream))
		}
		for _, g := range r.Manifest.Add {
			t.atLeast("group", int64(g.GroupHigh))
			t.atLeast("tombstone", g.Tombstones)
		}
		for _, s := range found {
			if err := restoreStream(t, r, s, db.nowMS(), &made); err != nil {
				return err
			}
		}
		return publish(t, r.Manifest)
	})
	return made, err
}

// restoreStream makes the group and the stream of s unless they are known or
// were deleted.
func restoreStream(t *tx, r Restoration, s StreamStats, now int64, made *Restored) error {
	var dead, group, stream bool
	err := t.row(`SELECT EXISTS (SELECT 1 FROM tombstones WHERE group_id = ? AND stream_id IN (0, ?)) OR
		EXISTS (SELECT 1 FROM log_groups WHERE group_id = ? AND deleted_ms IS NOT NULL),
		EXISTS (SELECT 1 FROM log_groups WHERE group_id = ?), EXISTS (SELECT 1 FROM log_streams WHERE stream_id = ?)`,
		[]any{s.Group, s.Stream, s.Group, s.Group, s.Stream}, &dead, &group, &stream)
	if err != nil || dead {
		return err
	}
	if !group {
		name := "recovered/group-" + strconv.FormatInt(int64(s.Group), 10)
		for { // until it is free
			if _, err := liveGroup(t, r.Scope, name); isNoRows(err) {
				break
			} else if err != nil {
				return err
			}
			name += "_"
		}
		if _, err := countGroup(t, r.Scope, 1); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO log_groups (group_id, account, region, name, class, created_ms) VALUES (?, ?, ?, ?, ?, ?)`,
			s.Group, r.Scope.Account, r.Scope.Region, name, r.Class, min(now, s.First))
		if err != nil {
			return err
		}
		made.Groups++
	}
	if stream {
		return nil
	}
	name := "stream-" + strconv.FormatInt(int64(s.Stream), 10)
	for taken := true; ; name += "_" {
		if err := t.row(`SELECT EXISTS (SELECT 1 FROM log_streams WHERE group_id = ? AND name = ?)`, []any{s.Group, name}, &taken); err != nil {
			return err
		}
		if !taken {
			break
		}
	}
	_, err = t.exec(`INSERT INTO log_streams (stream_id, group_id, name, created_ms) VALUES (?, ?, ?, ?)`, s.Stream, s.Group, name, min(now, s.First))
	made.Streams++
	return err
}

// atLeast makes a sequence go on above an id that is in use.
func (t *tx) atLeast(sequence string, id int64) {
	if id >= t.w.next[sequence] {
		t.w.next[sequence] = id + 1
		t.w.moved[sequence] = true
	}
}
