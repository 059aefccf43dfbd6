package catalog

import (
	"context"
	"database/sql"

	"github.com/cumulog/cumulog/internal/logs"
)

// Stream is a row of the streams table. The three times are -1 as long as no
// event was published; what the store still holds in memory is newer.
type Stream struct {
	ID          logs.StreamID
	Group       logs.GroupID
	Name        string
	CreatedMS   int64
	FirstMS     int64 // smallest timestamp
	LastMS      int64 // greatest timestamp
	IngestionMS int64 // time of the last ingestion
}

const streamColumns = `s.stream_id, s.group_id, s.name, s.created_ms, s.first_ts, s.last_ts, s.last_ingest_ms`

func scanStream(scan func(...any) error, s *Stream) error {
	return scan(&s.ID, &s.Group, &s.Name, &s.CreatedMS, &s.FirstMS, &s.LastMS, &s.IngestionMS)
}

// CreateStream adds a stream to a live group. ErrNotFound when the group is not
// live, ErrExists when the name is taken.
func (db *DB) CreateStream(ctx context.Context, group logs.GroupID, name string, createdMS int64) (Stream, error) {
	s := Stream{Group: group, Name: name, CreatedMS: createdMS, FirstMS: -1, LastMS: -1, IngestionMS: -1}
	err := db.apply(ctx, "create stream", func(t *tx) error {
		// One look that answers: is the group live, is the name free?
		var taken bool
		err := t.row(`SELECT EXISTS (SELECT 1 FROM log_streams WHERE group_id = g.group_id AND name = ?) FROM log_groups g WHERE g.group_id = ? AND g.deleted_ms IS NULL`,
			[]any{name, group}, &taken)
		if err != nil {
			return err
		}
		if taken {
			return ErrExists
		}
		s.ID = logs.StreamID(t.nextID("stream"))
		_, err = t.exec(`INSERT INTO log_streams (stream_id, group_id, name, created_ms) VALUES (?, ?, ?, ?)`, s.ID, group, name, createdMS)
		return err
	})
	if err != nil {
		return Stream{}, err
	}
	return s, nil
}

// StreamByName returns a stream of a live group, or ErrNotFound.
func (db *DB) StreamByName(ctx context.Context, group logs.GroupID, name string) (Stream, error) {
	var s Stream
	err := db.row1(ctx, `SELECT `+streamColumns+` FROM log_streams s JOIN log_groups g ON g.group_id = s.group_id WHERE s.group_id = ? AND s.name = ? AND g.deleted_ms IS NULL`,
		[]any{group, name}, func(scan func(...any) error) error { return scanStream(scan, &s) })
	return s, wrap("get stream", err)
}

// StreamsByID returns the streams of a live group that have those ids, in no
// particular order. Unknown ids are left out.
func (db *DB) StreamsByID(ctx context.Context, group logs.GroupID, ids []logs.StreamID) ([]Stream, error) {
	out := make([]Stream, 0, len(ids))
	for len(ids) > 0 {
		var n int
		var args []any
		ids, n, args = takeIDs(ids, []any{group})
		// The plus keeps the planner from walking all streams of the group by an index on group_id.
		query := `SELECT ` + streamColumns + ` FROM log_streams s JOIN log_groups g ON g.group_id = s.group_id AND g.deleted_ms IS NULL WHERE +s.group_id = ? AND s.stream_id IN (` + marks(n) + `)`
		if err := db.appendStreams(ctx, &out, query, args); err != nil {
			return nil, wrap("get streams", err)
		}
	}
	return out, nil
}

// LiveStreams is StreamsByID for streams of any live groups.
func (db *DB) LiveStreams(ctx context.Context, ids []logs.StreamID) ([]Stream, error) {
	out := make([]Stream, 0, len(ids))
	for len(ids) > 0 {
		var n int
		var args []any
		ids, n, args = takeIDs(ids, nil)
		query := `SELECT ` + streamColumns + ` FROM log_streams s JOIN log_groups g ON g.group_id = s.group_id AND g.deleted_ms IS NULL WHERE s.stream_id IN (` + marks(n) + `)`
		if err := db.appendStreams(ctx, &out, query, args); err != nil {
			return nil, wrap("get streams", err)
		}
	}
	return out, nil
}

// FirstEvent returns the smallest time of an event in the published streams of a
// group, ms since the Unix epoch; -1 when there is none. It reads all its streams.
func (db *DB) FirstEvent(ctx context.Context, group logs.GroupID) (ms int64, err error) {
	err = db.row(ctx, `SELECT coalesce(min(first_ts), -1) FROM log_streams WHERE group_id = ? AND first_ts >= 0`, []any{group}, &ms)
	return ms, wrap("first event of a group", err)
}

// takeIDs appends the next ids to the arguments of a statement and returns the
// ids that are left and the number of placeholders. Statements have one of two
// sizes, which keeps the prepared ones few; the tail is padded with 0, an id
// that nothing has.
func takeIDs[ID ~int64](ids []ID, args []any) (rest []ID, n int, out []any) {
	n = 1
	if len(ids) > 1 {
		n = 128
	}
	for i := range n {
		var id ID
		if i < len(ids) {
			id = ids[i]
		}
		args = append(args, id)
	}
	return ids[min(n, len(ids)):], n, args
}

// StreamFilter pages the streams of a group.
type StreamFilter struct {
	Prefix     string // names that begin so; only with order by name
	ByLast     bool   // order by (LastMS, Name) instead of Name
	Descending bool
	Limit      int // at most so many; must be > 0
	// After is the position of paging: the last stream of the page before, nil
	// for the first page. Only Name, and with ByLast LastMS, are read; the
	// stream itself need not exist any more.
	After *Stream
}

// Streams lists the streams of a live group; an unknown or deleted group has
// none. Each page is a range scan of one index.
func (db *DB) Streams(ctx context.Context, group logs.GroupID, f StreamFilter) ([]Stream, error) {
	query := `SELECT ` + streamColumns + ` FROM log_streams s WHERE s.group_id = ? AND EXISTS (SELECT 1 FROM log_groups g WHERE g.group_id = ? AND g.deleted_ms IS NULL)`
	args := []any{group, group}
	direction := ""
	if f.Descending {
		direction = " DESC"
	}
	if f.ByLast {
		if f.After != nil {
			op := ">"
			if f.Descending {
				op = "<"
			}
			query += ` AND (s.last_ts, s.name) ` + op + ` (?, ?)`
			args = append(args, f.After.LastMS, f.After.Name)
		}
		query += ` ORDER BY s.last_ts` + direction + `, s.name` + direction
	} else {
		after := ""
		if f.After != nil {
			after = f.After.Name
		}
		query, args = nameRange(f.Prefix, after, f.Descending).where(query, args)
		query += ` ORDER BY s.name` + direction
	}
	query += ` LIMIT ?`
	args = append(args, f.Limit)
	var out []Stream
	if err := db.appendStreams(ctx, &out, query, args); err != nil {
		return nil, wrap("list streams", err)
	}
	return out, nil
}

// appendStreams appends the rows of a query for streamColumns to dst.
func (db *DB) appendStreams(ctx context.Context, dst *[]Stream, query string, args []any) error {
	return db.rows(ctx, query, args, func(rows *sql.Rows) error {
		var s Stream
		if err := scanStream(rows.Scan, &s); err != nil {
			return err
		}
		*dst = append(*dst, s)
		return nil
	})
}

// DeleteStream removes a stream of a live group and writes its tombstone in the
// same transaction. ErrNotFound when there is none, ErrConflict when the group
// is protected from deletion.
func (db *DB) DeleteStream(ctx context.Context, group logs.GroupID, id logs.StreamID) error {
	return db.applyFreeing(ctx, "delete stream", func(t *tx) error {
		var protected bool
		err := t.row(`SELECT g.protected FROM log_streams s JOIN log_groups g ON g.group_id = s.group_id WHERE s.stream_id = ? AND s.group_id = ? AND g.deleted_ms IS NULL`,
			[]any{id, group}, &protected)
		if err != nil {
			return err
		}
		if protected {
			return ErrConflict
		}
		if _, err := t.exec(`DELETE FROM log_streams WHERE stream_id = ?`, id); err != nil {
			return err
		}
		return putTombstone(t, group, id, db.nowMS())
	})
}

// MergeStreamStats widens the stored times of streams: the smallest First, the
// greatest Last and LastIngestion win, so that repeating an update or merging
// updates in any order gives the same result. Unknown streams are skipped.
func (db *DB) MergeStreamStats(ctx context.Context, updates []StreamStats) error {
	for len(updates) > 0 {
		n := min(len(updates), 2000) // so that others get their turn
		chunk := updates[:n]
		updates = updates[n:]
		err := db.apply(ctx, "merge stream statistics", func(t *tx) error { return mergeStreamStats(t, chunk) })
		if err != nil {
			return err
		}
	}
	return nil
}

func mergeStreamStats(t *tx, updates []StreamStats) error {
	for _, u := range updates {
		_, err := t.exec(`UPDATE log_streams SET
			first_ts = CASE WHEN first_ts < 0 OR first_ts > ? THEN ? ELSE first_ts END,
			last_ts = CASE WHEN last_ts < ? THEN ? ELSE last_ts END,
			last_ingest_ms = CASE WHEN last_ingest_ms < ? THEN ? ELSE last_ingest_ms END
			WHERE stream_id = ? AND (last_ts < ? OR last_ingest_ms < ? OR first_ts < 0 OR first_ts > ?)`,
			u.First, u.First, u.Last, u.Last, u.LastIngestion, u.LastIngestion,
			u.Stream, u.Last, u.LastIngestion, u.First)
		if err != nil {
			return err
		}
	}
	return nil
}
