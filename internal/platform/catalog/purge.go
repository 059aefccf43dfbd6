package catalog

import (
	"context"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

// purgeChunk bounds the stream rows removed in one transaction, so that other
// changes wait for milliseconds at most.
const purgeChunk = 1000

// purgePause is how long the purge rests after trouble such as a full disk.
const purgePause = 10 * time.Second

// reservePause is how often it is tried to take a reserve that is not whole.
const reservePause = time.Second

// wakePurge tells the purge loop that a group was deleted.
func (db *DB) wakePurge() {
	select {
	case db.purgeWake <- struct{}{}:
	default:
	}
}

// purgeLoop removes the stream rows of deleted groups, and takes the reserve, again
// when it was released. It starts with what an earlier process left over.
func (db *DB) purgeLoop(ctx context.Context) {
	defer close(db.purgeDone)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-db.purgeWake:
		case <-timer.C:
			_ = db.reserve.take() // without room for it, later
		}
		if !db.reserve.whole() {
			timer.Reset(reservePause)
		}
		for {
			more, err := db.purge(ctx, purgeChunk)
			if err != nil {
				timer.Reset(purgePause)
			}
			if err != nil || !more {
				break
			}
		}
	}
}

// purge removes up to limit stream rows of one deleted group. more says that
// another call may have work.
func (db *DB) purge(ctx context.Context, limit int) (more bool, err error) {
	var id logs.GroupID
	err = db.row(ctx, `SELECT group_id FROM log_groups WHERE deleted_ms IS NOT NULL AND purged = 0 LIMIT 1`, nil, &id)
	if isNoRows(err) {
		return false, nil
	}
	if err != nil {
		return false, wrap("purge streams", err)
	}
	err = db.applyFreeing(ctx, "purge streams", func(t *tx) error {
		n, err := t.exec(`DELETE FROM log_streams WHERE stream_id IN (SELECT stream_id FROM log_streams WHERE group_id = ? LIMIT ?)`, id, limit)
		if err != nil || n == int64(limit) {
			return err
		}
		if _, err := t.exec(`UPDATE log_groups SET purged = 1 WHERE group_id = ?`, id); err != nil {
			return err
		}
		return forgetGroup(t, id)
	})
	return err == nil, err
}

// forgetGroup removes the row of a deleted group once its streams are purged
// and its tombstone is done: nothing refers to it then.
func forgetGroup(t *tx, id logs.GroupID) error {
	_, err := t.exec(`DELETE FROM log_groups WHERE group_id = ? AND deleted_ms IS NOT NULL AND purged = 1
		AND NOT EXISTS (SELECT 1 FROM tombstones WHERE tombstones.group_id = log_groups.group_id AND stream_id = 0)`, id)
	return err
}
