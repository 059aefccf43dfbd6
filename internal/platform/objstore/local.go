package objstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// LocalOptions configures a Local store.
type LocalOptions struct {
	FS  vfs.FS
	Dir string           // created when missing
	Now func() time.Time // nil means time.Now
}

// Local keeps objects as plain files: the object k of bucket b is the file
// Dir/b/k, so that ordinary tools can read it. What S3 knows beyond the bytes
// stands beside them in Dir/.cumulog (no bucket can have that name):
//
//	buckets/<bucket>.json        the buckets; a directory without one is none
//	meta/<bucket>/<key>%.        metadata of each object, JSON
//	uploads/<bucket>/<id>/       upload.json, part-NNNNN.json and the parts
//	tmp/                         objects being written, and the commit journal
//
// # How an object is committed
//
// Data and metadata are two files and must change together. The bytes go to
// tmp/<id>.data and are synced; then tmp/<id>.meta, which is synced with its
// directory: that is the commit. Now the data is renamed into place and its
// directory synced, the metadata written durably into its place, and the
// journal entry removed. Open rolls forward what has a tmp/<id>.meta: with its
// data still in tmp the rename is done again; without, the metadata is put in
// place only when size and CRC-32C say that the file there is the one it
// describes. Versions keep an old journal entry from undoing a newer write, and
// a deletion syncs tmp, so that no entry that was removed can undo it.
//
// While the process runs, readers take metadata that is not yet in place from
// memory (bucketState.pending), so they never see new bytes under old
// metadata and never wait for a sync.
//
// # Locks, in order
//
// the stripe of the upload, bucketState.life (held shared while an object or part is committed, alone by
// DeleteBucket), the stripe of the key (serialises writers of one key, held
// over syncs), bucketState.ns (guards names and pending; never held over a
// sync). Local.mu guards the bucket table and is not held with others.
type Local struct {
	fs  vfs.FS
	dir string
	now func() time.Time

	mu      sync.RWMutex
	buckets map[string]*bucketState
	create  sync.Mutex // one CreateBucket or DeleteBucket at a time
	closed  atomic.Bool
	version atomic.Int64 // last one given out
	keys    [256]sync.Mutex
	uploads [256]sync.Mutex // by upload id

	cache    dirCache
	gens     [256]atomic.Uint64 // by directory; see changed
	tmpDirty atomic.Bool        // files were removed from tmp since it was synced

	left     sync.Mutex
	leftover []string // journal files that could not be removed
}

type bucketState struct {
	bucket Bucket
	tags   map[string]string // under Local.mu, as is policy
	policy string
	life   sync.RWMutex
	gone   bool // under life

	ns      sync.RWMutex
	pending map[string]*meta
	stuck   map[string][]string // key → journal ids of writes that failed half way
}

type bucketRecord struct {
	Format  int               `json:"format"`
	Name    string            `json:"name"`
	Account string            `json:"account"`
	Region  string            `json:"region"`
	Created time.Time         `json:"created"`
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"`
}

const (
	systemDir  = ".cumulog"
	metaFormat = 1
	// maxRecord bounds the JSON files: metadata is limited to a few KiB by
	// the edge; upload records hold the same.
	maxRecord = 256 << 10
)

var _ Store = (*Local)(nil)

// OpenLocal opens the store in o.Dir and finishes or undoes what a crash left.
// The caller makes sure that only one process uses the directory.
func OpenLocal(ctx context.Context, o LocalOptions) (*Local, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := &Local{fs: o.FS, dir: o.Dir, now: o.Now, buckets: map[string]*bucketState{}}
	for _, d := range []string{"buckets", "meta", "uploads", "tmp"} {
		if err := l.fs.MkdirAll(l.system(d)); err != nil {
			return nil, l.wrap(err, "open object store")
		}
	}
	l.version.Store(o.Now().UnixNano())
	if err := l.loadBuckets(); err != nil {
		return nil, err
	}
	if err := l.recover(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Local) system(elem ...string) string {
	return filepath.Join(append([]string{l.dir, systemDir}, elem...)...)
}

func (l *Local) bucketFile(name string) string { return l.system("buckets", name+".json") }

// wrap adds the sentinel of a full disk and what was being done.
func (l *Local) wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	if vfs.IsNoSpace(err) {
		return fmt.Errorf("%s: %w: %w", doing, ErrNoSpace, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (l *Local) loadBuckets() error {
	names, err := l.fs.List(l.system("buckets"))
	if err != nil {
		return l.wrap(err, "list buckets")
	}
	for _, file := range names {
		name, ok := strings.CutSuffix(file, ".json")
		if !ok || CheckBucketName(name) != nil {
			continue // the .tmp of a bucket that was not created
		}
		var rec bucketRecord
		if err := l.readJSON(l.bucketFile(name), &rec); err != nil {
			return fmt.Errorf("read bucket %s: %w", name, err)
		}
		if rec.Format != metaFormat || rec.Name != name {
			return fmt.Errorf("%w: %s: unknown format or other name", ErrCorrupt, l.bucketFile(name))
		}
		// DeleteBucket may have removed the directory and then crashed.
		if err := l.fs.MkdirAll(filepath.Join(l.dir, name)); err != nil {
			return l.wrap(err, "open bucket "+name)
		}
		l.buckets[name] = &bucketState{
			bucket: Bucket{Name: name, Account: rec.Account, Region: rec.Region, Created: rec.Created}, tags: rec.Tags, policy: rec.Policy,
			pending: map[string]*meta{}, stuck: map[string][]string{},
		}
	}
	return nil
}

func (l *Local) readJSON(name string, v any) error {
	data, err := vfs.ReadFile(l.fs, name, maxRecord)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %s: %v", ErrCorrupt, name, err)
	}
	return nil
}

func (l *Local) writeJSON(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return vfs.WriteFile(l.fs, name, data)
}

// state finds a bucket.
func (l *Local) state(ctx context.Context, name string) (*bucketState, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.closed.Load() {
		return nil, ErrClosed
	}
	l.mu.RLock()
	b := l.buckets[name]
	l.mu.RUnlock()
	if b == nil {
		return nil, fmt.Errorf("bucket %q: %w", name, ErrNoSuchBucket)
	}
	return b, nil
}

// enter begins a write to a bucket that must not be deleted under it. The
// caller calls b.life.RUnlock.
func (b *bucketState) enter() error {
	b.life.RLock()
	if b.gone {
		b.life.RUnlock()
		return fmt.Errorf("bucket %q: %w", b.bucket.Name, ErrNoSuchBucket)
	}
	return nil
}

// CreateBucket implements Store.
func (l *Local) CreateBucket(ctx context.Context, b Bucket) error {
	if err := CheckBucketName(b.Name); err != nil {
		return err
	}
	l.create.Lock()
	defer l.create.Unlock()
	switch _, err := l.state(ctx, b.Name); {
	case err == nil:
		return fmt.Errorf("create bucket %q: %w", b.Name, ErrBucketExists)
	case !errors.Is(err, ErrNoSuchBucket):
		return err
	}
	if b.Created.IsZero() {
		b.Created = l.now()
	}
	b.Created = b.Created.UTC().Truncate(time.Millisecond)
	for _, d := range []string{filepath.Join(l.dir, b.Name), l.system("meta", b.Name), l.system("uploads", b.Name)} {
		if err := l.fs.MkdirAll(d); err != nil {
			return l.wrap(err, "create bucket")
		}
	}
	state := &bucketState{bucket: b, pending: map[string]*meta{}, stuck: map[string][]string{}}
	if err := l.writeJSON(l.bucketFile(b.Name), state.record()); err != nil {
		return l.wrap(err, "create bucket")
	}
	l.mu.Lock()
	l.buckets[b.Name] = state
	l.mu.Unlock()
	return nil
}

// Bucket implements Store.
func (l *Local) Bucket(ctx context.Context, name string) (Bucket, error) {
	b, err := l.state(ctx, name)
	if err != nil {
		return Bucket{}, err
	}
	return b.bucket, nil
}

// Buckets implements Store.
func (l *Local) Buckets(ctx context.Context) ([]Bucket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.closed.Load() {
		return nil, ErrClosed
	}
	l.mu.RLock()
	all := make([]Bucket, 0, len(l.buckets))
	for _, b := range l.buckets {
		all = append(all, b.bucket)
	}
	l.mu.RUnlock()
	slices.SortFunc(all, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// DeleteBucket implements Store. As in S3, uploads under way do not keep a
// bucket alive; they are aborted with it.
func (l *Local) DeleteBucket(ctx context.Context, name string) error {
	l.create.Lock()
	defer l.create.Unlock()
	b, err := l.state(ctx, name)
	if err != nil {
		return err
	}
	b.life.Lock()
	defer b.life.Unlock()
	page, err := l.List(ctx, name, ListOptions{Limit: 1})
	if err != nil {
		return err
	}
	if len(page.Objects) > 0 {
		return fmt.Errorf("delete bucket %q: %w", name, ErrBucketNotEmpty)
	}
	// Only empty directories and files that are no objects can be left. The
	// record goes first: after it a crash leaves no bucket, only debris that
	// CreateBucket adopts; a file that is no object is kept on disk.
	if err := l.fs.Remove(l.bucketFile(name)); err != nil {
		return l.wrap(err, "delete bucket")
	}
	b.gone = true
	l.mu.Lock()
	delete(l.buckets, name)
	l.mu.Unlock()
	err = l.fs.SyncDir(l.system("buckets"))
	for _, d := range []string{l.system("meta", name), l.system("uploads", name)} {
		err = errors.Join(err, l.fs.RemoveAll(d))
	}
	l.removeEmpty(filepath.Join(l.dir, name))
	return l.wrap(err, "delete bucket")
}

// removeEmpty removes dir and the empty directories below it; what holds files
// stays, which Remove sees to.
func (l *Local) removeEmpty(dir string) {
	names, err := l.fs.List(dir)
	if err != nil {
		return
	}
	for _, n := range names {
		p := filepath.Join(dir, n)
		if i, err := l.fs.Stat(p); err == nil && i.Dir {
			l.removeEmpty(p)
		}
	}
	_ = l.fs.Remove(dir)
}

// Close makes later calls fail with ErrClosed. Open readers stay usable.
func (l *Local) Close() error {
	l.closed.Store(true)
	return nil
}

// lockKey serialises the writers of a key.
func (l *Local) lockKey(bucket, key string) *sync.Mutex {
	h := fnv.New32a()
	h.Write([]byte(bucket))
	h.Write([]byte{0})
	h.Write([]byte(key))
	m := &l.keys[h.Sum32()%uint32(len(l.keys))]
	m.Lock()
	return m
}

func (l *Local) nextVersion() int64 { return l.version.Add(1) }

// dataPath and metaPath are the undisplaced path of a key's data, and the path
// of its metadata, whose name always bears the mark: so metadata never
// collides with a directory.
func (l *Local) dataPath(bucket, key string) string {
	return filepath.Join(l.dir, bucket, filepath.FromSlash(encodeKey(key)))
}

func (l *Local) metaPath(bucket, key string) string {
	return l.system("meta", bucket, filepath.FromSlash(encodeKey(key)+displaced))
}

// locate finds the file that holds a key; b.ns is held.
func (l *Local) locate(bucket, key string) (string, vfs.Info, error) {
	plain := l.dataPath(bucket, key)
	info, err := l.fs.Stat(plain)
	if err == nil && !info.Dir {
		return plain, info, nil
	}
	if err != nil && !missing(err) {
		return "", info, err
	}
	moved := plain + displaced
	info, err = l.fs.Stat(moved)
	switch {
	case err == nil && !info.Dir:
		return moved, info, nil
	case err != nil && !missing(err):
		return "", info, err
	}
	return "", vfs.Info{}, fmt.Errorf("key %q: %w", key, ErrNoSuchKey)
}

// missing reports that a path does not exist, or runs through a file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isNotDir(err)
}
