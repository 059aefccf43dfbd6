package lookups

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Errors that callers tell apart, beside *TableError, groups.ErrUnavailable,
// *groups.ParameterError and *groups.TooManyTagsError.
var (
	ErrNotFound = errors.New("lookup table does not exist")
	ErrExists   = errors.New("lookup table already exists")
	ErrTooMany  = errors.New("too many lookup tables")
	ErrARN      = errors.New("not the ARN of a lookup table")
	ErrBadToken = errors.New("bad paging token")
)

// Limits of tables and of Describe.
const (
	MaxTables   = 100 // in one (account, region)
	MaxPage     = 100
	DefaultPage = 50
)

// Options configure a Service.
type Options struct {
	FS      vfs.FS      // required
	Dir     string      // required; made when missing
	Catalog *catalog.DB // required; keeps the tags

	// CacheBytes bounds the memory of tables that stay parsed; 64 MiB when 0. A
	// larger table is parsed anew for every query.
	CacheBytes int64

	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now
}

// Service is the entry to lookup tables. Its methods are safe for concurrent
// use.
type Service struct {
	fs      vfs.FS
	dir     string
	catalog *catalog.DB
	log     *slog.Logger
	now     func() time.Time
	parsed  cache

	change sync.Mutex // held by whoever changes a table, while it writes; taken before mu
	mu     sync.RWMutex
	tables map[logs.Scope]map[string]*entry
}

// entry is one content of a table. It is never changed.
type entry struct {
	head
	load sync.Mutex // held while the body is parsed
}

// Open returns a Service over the tables in a directory. Only one may have it
// open; the lock of the data directory sees to that.
func Open(o Options) (*Service, error) {
	if o.FS == nil || o.Dir == "" || o.Catalog == nil {
		return nil, errors.New("lookups: options FS, Dir and Catalog are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 64 << 20
	}
	s := &Service{fs: o.FS, dir: o.Dir, catalog: o.Catalog, log: o.Logger, now: o.Now, parsed: cache{limit: o.CacheBytes}, tables: map[logs.Scope]map[string]*entry{}}
	if err := s.fs.MkdirAll(s.dir); err != nil {
		return nil, fmt.Errorf("open lookup tables: %w", err)
	}
	names, err := s.fs.List(s.dir)
	if err != nil {
		return nil, fmt.Errorf("open lookup tables: %w", err)
	}
	for _, name := range names {
		path := filepath.Join(s.dir, name)
		if strings.HasSuffix(name, suffix+".tmp") { // of a crash
			if err := s.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("open lookup tables: %w", err)
			}
			continue
		}
		if !strings.HasSuffix(name, suffix) {
			continue
		}
		h, err := readHead(s.fs, path)
		if err == nil && fileName(h.scope(), h.Name) != name {
			err = fmt.Errorf("%w: it is of %s in %s", errDamaged, h.Name, h.Region)
		}
		if err != nil {
			s.log.Error("lookup table cannot be read", "file", path, "error", err)
			continue
		}
		s.put(&entry{head: h})
	}
	return s, nil
}

// put makes an entry the content of its table. The caller holds change, or is
// Open.
func (s *Service) put(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.tables[e.scope()]
	if of == nil {
		of = map[string]*entry{}
		s.tables[e.scope()] = of
	}
	s.parsed.drop(of[e.Name])
	of[e.Name] = e
}

// find returns the content of a table, or ErrNotFound.
func (s *Service) find(scope logs.Scope, name string) (*entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.tables[scope][name]; e != nil {
		return e, nil
	}
	return nil, ErrNotFound
}

// findARN returns the content of a table by ARN: ErrARN, ErrNotFound.
func (s *Service) findARN(scope logs.Scope, text string) (*entry, error) {
	arn, err := logs.ParseARN(text)
	if err != nil {
		return nil, ErrARN
	}
	name, ok := arn.LookupTable()
	switch {
	case !ok:
		return nil, ErrARN
	case arn.Scope != scope || arn.Partition != logs.Partition(scope.Region):
		return nil, ErrNotFound
	}
	return s.find(scope, name)
}

func (s *Service) path(scope logs.Scope, name string) string {
	return filepath.Join(s.dir, fileName(scope, name))
}

// read returns a table as it is on disk now, or ErrNotFound.
func (s *Service) read(scope logs.Scope, name string) (head, string, error) {
	data, err := vfs.ReadFile(s.fs, s.path(scope, name), maxHead+MaxBody)
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, "", ErrNotFound
	}
	if err != nil {
		return head{}, "", fmt.Errorf("read lookup table %s: %w", name, err)
	}
	h, body, err := decode(data)
	if err != nil {
		return head{}, "", fmt.Errorf("read lookup table %s: %w", name, err)
	}
	return h, body, nil
}

// write makes a table durable and visible. The caller holds change.
func (s *Service) write(h head, body string) error {
	data, err := encode(&h, body)
	if err != nil {
		return err
	}
	if err := vfs.WriteFile(s.fs, s.path(h.scope(), h.Name), data); err != nil {
		err = fmt.Errorf("write lookup table %s: %w", h.Name, err)
		if vfs.IsNoSpace(err) {
			err = fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
		}
		return err
	}
	s.put(&entry{head: h})
	return nil
}

// unavailable gives a full disk of the catalog its meaning.
func unavailable(err error) error {
	if errors.Is(err, catalog.ErrFull) {
		return fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
	}
	return err
}

// Tag merges tags into those of a table. ErrARN, ErrNotFound,
// *groups.TooManyTagsError, *groups.ParameterError, groups.ErrUnavailable.
func (s *Service) Tag(ctx context.Context, scope logs.Scope, arn string, tags map[string]string) error {
	if _, err := s.findARN(scope, arn); err != nil {
		return err
	}
	return groups.PutTags(ctx, s.catalog, arn, tags)
}

// Untag removes tags of a table by key; unknown keys are ignored. ErrARN,
// ErrNotFound, groups.ErrUnavailable.
func (s *Service) Untag(ctx context.Context, scope logs.Scope, arn string, keys []string) error {
	if _, err := s.findARN(scope, arn); err != nil {
		return err
	}
	return unavailable(s.catalog.RemoveTags(ctx, arn, keys))
}

// Tags returns the tags of a table; empty when it has none. ErrARN, ErrNotFound,
// groups.ErrUnavailable.
func (s *Service) Tags(ctx context.Context, scope logs.Scope, arn string) (map[string]string, error) {
	if _, err := s.findARN(scope, arn); err != nil {
		return nil, err
	}
	tags, err := s.catalog.Tags(ctx, arn)
	return tags, unavailable(err)
}
