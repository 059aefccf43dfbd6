package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Options of Open; zero values are good defaults.
type Options struct {
	// Now is the clock that stamps tombstones and task updates; time.Now when
	// nil.
	Now func() time.Time
	// MaxBatch bounds the changes of one group commit; 256 when 0.
	MaxBatch int
	// Readers bounds the connections that read at once; 4 when 0.
	Readers int
}

// DB is the catalog. All methods may be called from many goroutines.
type DB struct {
	now      func() time.Time
	maxBatch int

	read  *sql.DB
	stmts sync.Map // query text -> *sql.Stmt on read

	write *sql.DB
	w     *writer // owned by the commit goroutine

	changes atomic.Uint64 // commits since Open
	copies  *sql.DB       // a connection for Copy: readers may not even write another file

	queue  chan *change
	mu     sync.RWMutex // closed is set under it, so that no change is queued after
	closed bool
	done   chan struct{}

	reserve reserve

	purgeWake chan struct{}
	purgeStop context.CancelFunc
	purgeDone chan struct{}
}

// ErrTooNew is returned by Open for a catalog written by a newer version.
var ErrTooNew = errors.New("catalog was written by a newer version")

// Open opens the catalog in the file path, creates it when it is missing and
// migrates it when it is older. The directory must exist. Only one process may
// have it open; the data directory's lock sees to that.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxBatch <= 0 {
		o.MaxBatch = 256
	}
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if err := secure(path); err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(path,
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)",
		// Statistics of many streams touch pages all over; what does not fit would
		// be written to the log and read back within one transaction.
		"cache_size(-16384)"))
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	write.SetMaxOpenConns(1)
	db := &DB{
		now: o.Now, maxBatch: o.MaxBatch, write: write,
		queue: make(chan *change, 4*o.MaxBatch), done: make(chan struct{}),
		purgeWake: make(chan struct{}, 1), purgeDone: make(chan struct{}),
		reserve: reserve{fs: vfs.OS(), path: path + reserveSuffix},
	}
	if err := db.start(ctx, path, o.Readers); err != nil {
		if db.w != nil {
			db.w.close()
		}
		if db.read != nil {
			db.read.Close()
		}
		if db.copies != nil {
			db.copies.Close()
		}
		write.Close()
		return nil, wrap("open catalog", err)
	}
	go db.commitLoop()
	purgeCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	db.purgeStop = stop
	go db.purgeLoop(purgeCtx)
	return db, nil
}

// secure makes the file one that only its owner reads, since it holds the
// secrets of access keys. SQLite gives the files beside it the same mode. It
// opens no file that exists: closing it would drop the locks of a connection.
func secure(path string) error {
	err := os.Chmod(path, 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (db *DB) start(ctx context.Context, path string, readers int) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	db.w = newWriter(conn)
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	if err := db.w.loadSequences(ctx); err != nil {
		return err
	}
	db.read, err = sql.Open("sqlite", dsn(path, "busy_timeout(10000)", "query_only(1)"))
	if err != nil {
		return err
	}
	if db.copies, err = sql.Open("sqlite", dsn(path, "busy_timeout(10000)")); err != nil {
		return err
	}
	db.copies.SetMaxIdleConns(0)
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	return db.read.PingContext(ctx)
}

func dsn(path string, pragmas ...string) string {
	v := url.Values{"_pragma": pragmas}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

const schemaKey = "schema_version"

func migrate(ctx context.Context, conn *sql.Conn) error {
	var tables int
	err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'`).Scan(&tables)
	if err != nil {
		return err
	}
	version := 0
	if tables > 0 {
		var text string
		if err := conn.QueryRowContext(ctx, `SELECT v FROM meta WHERE k = ?`, schemaKey).Scan(&text); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
		if version, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("read schema version: %w", err)
		}
	}
	if version > len(migrations) {
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrTooNew, version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		if err := migrateOne(ctx, conn, version); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", version+1, err)
		}
	}
	return nil
}

func migrateOne(ctx context.Context, conn *sql.Conn, version int) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO meta (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v`,
		schemaKey, strconv.Itoa(version+1))
	if err != nil {
		return err
	}
	return tx.Commit()
}

// Close waits for the changes that are under way, then closes the file. Calls
// made afterwards return ErrClosed.
func (db *DB) Close() error {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		<-db.done
		return nil
	}
	db.closed = true
	close(db.queue)
	db.mu.Unlock()
	db.purgeStop()
	<-db.purgeDone
	<-db.done
	db.stmts.Range(func(_, s any) bool { s.(*sql.Stmt).Close(); return true })
	return errors.Join(db.copies.Close(), db.read.Close(), db.w.close(), db.write.Close())
}

// nowMS is the present time in ms since the Unix epoch.
func (db *DB) nowMS() int64 { return db.now().UnixMilli() }

// stmt returns the prepared form of query. The set of query texts is fixed by
// this package, so the cache is bounded.
func (db *DB) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := db.stmts.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := db.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if other, loaded := db.stmts.LoadOrStore(query, s); loaded {
		s.Close()
		return other.(*sql.Stmt), nil
	}
	return s, nil
}

// rows runs a prepared read and calls scan for every row until it returns
// errStop.
func (db *DB) rows(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	s, err := db.stmt(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// row runs a prepared read of one row; sql.ErrNoRows when there is none.
func (db *DB) row(ctx context.Context, query string, args []any, dest ...any) error {
	s, err := db.stmt(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}
