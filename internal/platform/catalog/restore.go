package catalog

import (
	"context"
	"database/sql"

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
