package catalog

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Sentinels. Every error of the package that callers may want to tell apart
// wraps one of them.
var (
	// ErrNotFound: the group, stream, task or key does not exist (any more).
	ErrNotFound = errors.New("not found")
	// ErrExists: the name or id is taken.
	ErrExists = errors.New("already exists")
	// ErrConflict: the row is not in the state the change asked for.
	ErrConflict = errors.New("state conflict")
	// ErrTooMany: the change would exceed the limit that came with it.
	ErrTooMany = errors.New("too many")
	// ErrFull: the disk is full or refuses I/O. Nothing was changed; the same
	// call succeeds once there is space again.
	ErrFull = errors.New("catalog storage unavailable")
	// ErrDamaged: the file is no catalog or its pages are broken.
	ErrDamaged = errors.New("catalog is damaged")
	// ErrClosed: the catalog was closed.
	ErrClosed = errors.New("catalog closed")
)

// primaryCode returns the primary result code of an error of SQLite, else 0.
func primaryCode(err error) int {
	var se *sqlite.Error
	if errors.As(err, &se) {
		return se.Code() & 0xff
	}
	return 0
}

func isUnique(err error) bool {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return false
	}
	return se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// endsTransaction reports errors after which SQLite may have rolled the whole
// transaction back by itself.
func endsTransaction(err error) bool {
	switch primaryCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// wrap says what was being done and translates storage trouble to ErrFull.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch primaryCode(err) {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%s: %w: %w", doing, ErrFull, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s: %w: %w", doing, ErrDamaged, err)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", doing, ErrNotFound)
	}
	switch {
	case errors.Is(err, sql.ErrConnDone), err.Error() == "sql: database is closed", err.Error() == "sql: statement is closed":
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
