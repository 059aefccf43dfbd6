package objstore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// staged is an object whose bytes are in tmp, synced.
type staged struct {
	id   string
	size int64
	crc  uint32
	md5  string
}

func (l *Local) tmpData(id string) string { return l.system("tmp", id+".data") }
func (l *Local) tmpMeta(id string) string { return l.system("tmp", id+".meta") }

// stage writes r to a new file in tmp. also, when not nil, sees every byte.
func (l *Local) stage(ctx context.Context, r io.Reader, size, limit int64, also io.Writer) (_ staged, err error) {
	s := staged{id: strconv.FormatInt(l.nextVersion(), 16)}
	name := l.tmpData(s.id)
	f, err := l.fs.Create(name)
	if err != nil {
		return s, l.wrap(err, "write object")
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = l.wrap(cerr, "write object")
		}
		if err != nil {
			l.discard(name)
		}
	}()
	sum := md5.New()
	crc := crc32.New(castagnoli())
	writers := []io.Writer{f, sum, crc}
	if also != nil {
		writers = append(writers, also)
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	s.size, err = copyBody(io.MultiWriter(writers...), contextReader{ctx, r}, size, limit, *buf)
	if err != nil {
		return s, l.wrap(err, "write object")
	}
	if err := f.Sync(); err != nil {
		return s, l.wrap(err, "write object")
	}
	s.md5, s.crc = hex.EncodeToString(sum.Sum(nil)), crc.Sum32()
	return s, nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// discard removes files of tmp, or remembers to.
func (l *Local) discard(names ...string) {
	defer l.tmpDirty.Store(true)
	for _, name := range names {
		if err := l.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.left.Lock()
			l.leftover = append(l.leftover, name)
			l.left.Unlock()
		}
	}
}

// tidy removes what discard could not; a journal entry that stays could undo a
// later deletion after a crash, so writes wait for it.
func (l *Local) tidy() error {
	l.left.Lock()
	defer l.left.Unlock()
	for len(l.leftover) > 0 {
		if err := l.fs.Remove(l.leftover[0]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		l.leftover = l.leftover[1:]
	}
	return nil
}

// syncTmp makes what was removed from tmp durable.
func (l *Local) syncTmp() error {
	l.tmpDirty.Store(false)
	err := l.fs.SyncDir(l.system("tmp"))
	if err != nil {
		l.tmpDirty.Store(true)
	}
	return err
}

// Put implements Store.
func (l *Local) Put(ctx context.Context, bucket, key string, r io.Reader, size int64, o PutOptions) (Object, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Object{}, err
	}
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	if err := l.precondition(b, key, o.IfNoneMatch, o.IfMatch); err != nil {
		return Object{}, err // before the body is taken; decided again at commit
	}
	s, err := l.stage(ctx, r, size, MaxObjectSize, nil)
	if err != nil {
		return Object{}, err
	}
	m := &meta{ETag: s.md5, Metadata: o.Metadata}
	if o.Checksum != nil {
		if c := o.Checksum(); c.Algorithm != "" {
			m.Checksum = &c
		}
	}
	return l.commit(b, key, s, m, o.IfNoneMatch, o.IfMatch)
}

func (l *Local) precondition(b *bucketState, key string, ifNoneMatch bool, ifMatch string) error {
	if !ifNoneMatch && ifMatch == "" {
		return nil
	}
	_, o, err := l.find(b, key)
	switch {
	case errors.Is(err, ErrNoSuchKey):
		if ifMatch != "" {
			return err
		}
		return nil
	case err != nil:
		return err
	case ifNoneMatch, ifMatch != "*" && ifMatch != o.ETag:
		return fmt.Errorf("key %q: %w", key, ErrPreconditionFailed)
	}
	return nil
}

// commit makes a staged object the content of key. See Local.
func (l *Local) commit(b *bucketState, key string, s staged, m *meta, ifNoneMatch bool, ifMatch string) (Object, error) {
	bucket := b.bucket.Name
	abort := func(err error) (Object, error) {
		l.discard(l.tmpData(s.id), l.tmpMeta(s.id))
		return Object{}, l.wrap(err, "write object")
	}
	if err := b.enter(); err != nil {
		return abort(err)
	}
	defer b.life.RUnlock()
	defer l.lockKey(bucket, key).Unlock()
	if err := l.tidy(); err != nil {
		return abort(err)
	}
	if err := l.precondition(b, key, ifNoneMatch, ifMatch); err != nil {
		return abort(err)
	}
	m.Format, m.Bucket, m.Key, m.Version = metaFormat, bucket, key, l.nextVersion()
	m.Size, m.CRC32C = s.size, s.crc
	m.Modified = l.now().UTC().Truncate(time.Millisecond)
	if err := l.writeMeta(l.tmpMeta(s.id), m); err != nil {
		return abort(err)
	}
	if err := l.syncTmp(); err != nil {
		return abort(err)
	}
	path, err := l.place(b, s.id, m)
	if err != nil {
		return abort(err)
	}
	if err := l.settle(b, path, s.id, m); err != nil {
		// The new object is visible and its journal entry stays, so that it
		// is whole now and after a restart; but it may not be durable.
		b.ns.Lock()
		b.stuck[key] = append(b.stuck[key], s.id)
		b.ns.Unlock()
		return Object{}, l.wrap(err, "write object")
	}
	l.unstick(b, key)
	return m.object(), nil
}

// unstick drops the journal entries of writes that could not be settled, once
// the key has a newer version or none. The lock of the key is held.
func (l *Local) unstick(b *bucketState, key string) {
	b.ns.Lock()
	ids := b.stuck[key]
	delete(b.stuck, key)
	b.ns.Unlock()
	for _, id := range ids {
		l.discard(l.tmpData(id), l.tmpMeta(id))
	}
}

func (l *Local) writeMeta(name string, m *meta) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return vfs.CreateFile(l.fs, name, data)
}

// place renames the staged data to its path, making directories and moving
// files that are in their way.
func (l *Local) place(b *bucketState, id string, m *meta) (string, error) {
	for attempt := 0; ; attempt++ {
		b.ns.Lock()
		path, err := l.target(m.Bucket, m.Key)
		if err == nil {
			err = l.fs.Rename(l.tmpData(id), path)
		}
		if err == nil {
			b.pending[m.Key] = m
		}
		b.ns.Unlock()
		l.changed(filepath.Dir(path))
		if err == nil {
			return path, nil
		}
		// A directory is missing, or was removed since; or a file is in the
		// place of one. Each round mends one of these.
		if !missing(err) || attempt > MaxKey {
			return "", err
		}
		dir := filepath.Dir(l.dataPath(m.Bucket, m.Key))
		err = l.fs.MkdirAll(dir)
		for d := dir; len(d) > len(l.dir); d = filepath.Dir(d) {
			l.changed(filepath.Dir(d))
		}
		if err != nil {
			if !isNotDir(err) || errors.Is(err, errPathTooLong) {
				return "", err
			}
			if err := l.displace(b, dir); err != nil {
				return "", err
			}
		}
	}
}

// target is the path that a new version of key is renamed to; b.ns is held.
func (l *Local) target(bucket, key string) (string, error) {
	plain := l.dataPath(bucket, key)
	info, err := l.fs.Stat(plain)
	switch {
	case err == nil && info.Dir:
		return plain + displaced, nil
	case err == nil:
		return plain, nil
	case !missing(err):
		return "", err
	}
	if _, err := l.fs.Stat(plain + displaced); err == nil {
		return plain + displaced, nil
	} else if !missing(err) {
		return "", err
	}
	return plain, nil
}

// displace moves the file that stands where dir or one of its parents must be.
func (l *Local) displace(b *bucketState, dir string) error {
	b.ns.Lock()
	defer b.ns.Unlock()
	root := filepath.Join(l.dir, b.bucket.Name)
	for d := dir; len(d) > len(root); d = filepath.Dir(d) {
		info, err := l.fs.Stat(d)
		if err == nil && !info.Dir {
			defer l.changed(filepath.Dir(d))
			return l.fs.Rename(d, d+displaced) // MkdirAll syncs the directory
		}
		if err != nil && !missing(err) {
			return err
		}
	}
	return nil
}

// settle makes a placed object durable and brings its metadata into place.
func (l *Local) settle(b *bucketState, path, id string, m *meta) error {
	if err := l.fs.SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	name := l.metaPath(m.Bucket, m.Key)
	for attempt := 0; ; attempt++ {
		// A copy, not a rename from tmp: a crash must not lose both names.
		err := vfs.WriteFile(l.fs, name, data)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || attempt > MaxKey {
			return err
		}
		if err := l.fs.MkdirAll(filepath.Dir(name)); err != nil {
			return err
		}
	}
	l.discard(l.tmpMeta(id))
	b.ns.Lock()
	if b.pending[m.Key] == m {
		delete(b.pending, m.Key)
	}
	b.ns.Unlock()
	return nil
}

// recover finishes or undoes the writes that a crash cut, and counts versions
// on from the highest seen in the journal.
func (l *Local) recover(ctx context.Context) error {
	tmp := l.system("tmp")
	names, err := l.fs.List(tmp)
	if err != nil {
		return l.wrap(err, "recover objects")
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		id, ok := cutExt(name, ".meta")
		if !ok {
			continue
		}
		if err := l.rollForward(id); err != nil {
			return l.wrap(err, "recover object write "+id)
		}
	}
	for _, name := range names {
		if err := l.fs.Remove(filepath.Join(tmp, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return l.wrap(err, "recover objects")
		}
	}
	return l.wrap(l.fs.SyncDir(tmp), "recover objects")
}

func cutExt(name, ext string) (string, bool) {
	if filepath.Ext(name) != ext {
		return "", false
	}
	return name[:len(name)-len(ext)], true
}

func (l *Local) rollForward(id string) error {
	m, err := l.readMeta(l.tmpMeta(id))
	if errors.Is(err, ErrCorrupt) {
		return nil // cut while it was written: not committed
	}
	if err != nil || m == nil {
		return err
	}
	l.version.Store(max(l.version.Load(), m.Version))
	b := l.buckets[m.Bucket]
	if b == nil {
		return nil
	}
	current, err := l.readMeta(l.metaPath(m.Bucket, m.Key))
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	// A later write of the key is in place already.
	if current != nil && current.Version >= m.Version {
		return nil
	}
	var path string
	same, err := l.sameContent(l.tmpData(id), m)
	if err != nil {
		return err
	}
	if same {
		path, err = l.place(b, id, m)
	} else {
		path, _, err = l.locate(m.Bucket, m.Key)
		if errors.Is(err, ErrNoSuchKey) {
			return nil
		}
		if err == nil {
			same, err = l.sameContent(path, m)
		}
		if err == nil && !same {
			return nil
		}
	}
	if err != nil {
		return err
	}
	return l.settle(b, path, id, m)
}

// sameContent reports whether the file has the size and CRC that m says.
func (l *Local) sameContent(name string, m *meta) (bool, error) {
	info, err := l.fs.Stat(name)
	if missing(err) || err == nil && (info.Dir || info.Size != m.Size) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := l.fs.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := crc32.New(castagnoli())
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	return h.Sum32() == m.CRC32C, nil
}

// Get implements Store.
func (l *Local) Get(ctx context.Context, bucket, key string, rng *Range) (*Reader, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return nil, err
	}
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	f, o, err := l.openObject(b, key)
	if err != nil {
		return nil, l.wrap(err, "read object")
	}
	first, length, err := rng.resolve(o.Size)
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Reader{
		ReadCloser: &fileReader{SectionReader: io.NewSectionReader(f, first, length), f: f},
		Object:     o, First: first, Length: length,
	}, nil
}

// openObject opens data and metadata of one version.
func (l *Local) openObject(b *bucketState, key string) (vfs.File, Object, error) {
	b.ns.RLock()
	defer b.ns.RUnlock()
	path, info, err := l.locate(b.bucket.Name, key)
	if err != nil {
		return nil, Object{}, err
	}
	o, err := l.describe(b, key, info)
	if err != nil {
		return nil, Object{}, err
	}
	f, err := l.fs.Open(path)
	return f, o, err
}

type fileReader struct {
	*io.SectionReader
	f vfs.File
}

func (r *fileReader) Close() error { return r.f.Close() }

// Head implements Store.
func (l *Local) Head(ctx context.Context, bucket, key string) (Object, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Object{}, err
	}
	if err := CheckKey(key); err != nil {
		return Object{}, err
	}
	_, o, err := l.find(b, key)
	return o, l.wrap(err, "head object")
}

// Delete implements Store.
func (l *Local) Delete(ctx context.Context, bucket, key, ifMatch string) error {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return err
	}
	if err := CheckKey(key); err != nil {
		return err
	}
	if err := b.enter(); err != nil {
		return err
	}
	defer b.life.RUnlock()
	defer l.lockKey(bucket, key).Unlock()
	if err := l.tidy(); err != nil {
		return l.wrap(err, "delete object")
	}
	if err := l.precondition(b, key, false, ifMatch); err != nil {
		return err
	}
	b.ns.Lock()
	path, _, err := l.locate(bucket, key)
	if err == nil {
		err = l.fs.Remove(path)
	}
	if err == nil {
		delete(b.pending, key)
		l.changed(filepath.Dir(path))
	}
	b.ns.Unlock()
	gone := errors.Is(err, ErrNoSuchKey)
	if err != nil && !gone {
		return l.wrap(err, "delete object")
	}
	if gone { // perhaps by a deletion that could not sync
		path = l.dataPath(bucket, key)
	}
	if err := l.fs.SyncDir(filepath.Dir(path)); err != nil && !(gone && missing(err)) {
		return l.wrap(err, "delete object")
	}
	// No journal entry may bring the object back after a crash.
	l.unstick(b, key)
	if err := l.tidy(); err != nil {
		return l.wrap(err, "delete object")
	}
	if l.tmpDirty.Load() {
		if err := l.syncTmp(); err != nil {
			return l.wrap(err, "delete object")
		}
	}
	if gone {
		return nil
	}
	// Metadata without data means nothing, so its removal needs no sync.
	name := l.metaPath(bucket, key)
	if err := l.fs.Remove(name); err != nil && !missing(err) {
		return l.wrap(err, "delete object")
	}
	l.prune(b, filepath.Dir(path), filepath.Join(l.dir, bucket))
	l.prune(b, filepath.Dir(name), l.system("meta", bucket))
	return nil
}

// prune removes directories that have become empty, up to root.
func (l *Local) prune(b *bucketState, dir, root string) {
	for len(dir) > len(root) {
		b.ns.Lock()
		err := l.fs.Remove(dir)
		b.ns.Unlock()
		l.changed(filepath.Dir(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return // not empty; any other failure only leaves an empty directory
		}
		dir = filepath.Dir(dir)
	}
}

// DeleteMany implements Store.
func (l *Local) DeleteMany(ctx context.Context, bucket string, keys []string) ([]error, error) {
	if _, err := l.state(ctx, bucket); err != nil {
		return nil, err
	}
	errs := make([]error, len(keys))
	for i, key := range keys {
		errs[i] = l.Delete(ctx, bucket, key, "")
	}
	return errs, nil
}

// Copy implements Store.
func (l *Local) Copy(ctx context.Context, srcBucket, srcKey, bucket, key string, o CopyOptions) (Object, error) {
	if _, err := l.state(ctx, bucket); err != nil {
		return Object{}, err
	}
	src, err := l.Get(ctx, srcBucket, srcKey, nil)
	if err != nil {
		return Object{}, err
	}
	defer src.Close()
	if o.SourceIfMatch != "" && o.SourceIfMatch != src.Object.ETag {
		return Object{}, fmt.Errorf("copy source %q: %w", srcKey, ErrPreconditionFailed)
	}
	put := o.PutOptions
	if !o.Replace {
		put.Metadata = src.Object.Metadata
	}
	if c := src.Object.Checksum; put.Checksum == nil && !c.Composite {
		put.Checksum = func() Checksum { return c }
	}
	return l.Put(ctx, bucket, key, src, src.Length, put)
}
