package objstore

import (
	"context"
	"errors"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// List implements Store. Memory is bounded by the names of the directories
// between the bucket and the page, whatever the number of pages.
func (l *Local) List(ctx context.Context, bucket string, o ListOptions) (Page, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Page{}, err
	}
	if o.Limit <= 0 || o.Limit > MaxListLimit {
		o.Limit = MaxListLimit
	}
	var page Page
	last := ""
	w := &walker{l: l, ctx: ctx, prefix: o.Prefix, after: o.After}
	if cp := rollUp(o.After, o.Prefix, o.Delimiter); cp != "" && cp == o.After {
		w.skip = cp
	}
	w.visit = func(key string) error {
		full := len(page.Objects)+len(page.Prefixes) >= o.Limit
		if cp := rollUp(key, o.Prefix, o.Delimiter); cp != "" {
			if full {
				page.Next = last
				return errStop
			}
			page.Prefixes = append(page.Prefixes, cp)
			w.skip, last = cp, cp
			return nil
		}
		_, obj, err := l.find(b, key)
		if errors.Is(err, ErrNoSuchKey) {
			return nil // deleted since the directory was read
		}
		if err != nil {
			return err
		}
		if full {
			page.Next = last
			return errStop
		}
		obj.Metadata = Metadata{}
		page.Objects = append(page.Objects, obj)
		last = key
		return nil
	}
	err = w.dir(filepath.Join(l.dir, bucket), "")
	if err != nil && !errors.Is(err, errStop) {
		return Page{}, l.wrap(err, "list objects")
	}
	return page, nil
}

// rollUp returns the common prefix of a key, or "".
func rollUp(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return ""
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix)+i+len(delimiter)]
}

var errStop = errors.New("stop")

// walker visits the keys of a directory tree in the order of their bytes. It
// looks at the files it needs only: a page in a directory of a million names
// reads the names, but not the files before it.
type walker struct {
	l             *Local
	ctx           context.Context
	prefix, after string
	skip          string // keys with this prefix are passed over; visit may set it
	visit         func(key string) error
}

// walkEntry is a name in a directory.
type walkEntry struct {
	seg  string // decoded segment, whole
	file string // path below the directory
	kind nameKind
}

// dir walks a directory whose keys begin with base, which is "" or ends in a
// slash.
func (w *walker) dir(dir, base string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := w.l.entries(dir)
	if err != nil {
		if missing(err) {
			return nil
		}
		return err
	}
	// A directory d holds the keys d/…, which sort behind its siblings that
	// go on with a byte below '/'. Such directories wait on a stack; its top
	// is always the least.
	var waiting []walkEntry
	flush := func(before string, all bool) error {
		for n := len(waiting); n > 0 && (all || waiting[n-1].seg+"/" < before); n = len(waiting) {
			e := waiting[n-1]
			waiting = waiting[:n-1]
			if key := base + e.seg + "/"; w.wantsDir(key) {
				if err := w.dir(filepath.Join(dir, e.file), key); err != nil {
					return err
				}
			}
		}
		return nil
	}
	last, seen := "", false
	visit := func(e walkEntry) error {
		if len(waiting) > 0 {
			if err := flush(e.seg, false); err != nil {
				return err
			}
		}
		key := base + e.seg
		asFile, asDir := w.wantsKey(key), e.kind == namePlain && w.wantsDir(key+"/")
		if !asFile && !asDir {
			return nil
		}
		info, err := w.l.fs.Stat(filepath.Join(dir, e.file))
		if err != nil {
			if missing(err) {
				return nil
			}
			return err
		}
		switch {
		case info.Dir && asDir:
			waiting = append(waiting, e)
		case !info.Dir && asFile && !(seen && last == key):
			last, seen = key, true
			return w.visit(key)
		}
		return nil
	}
	before, from := w.window(entries, base)
	for _, e := range before {
		if err := visit(e); err != nil {
			return err
		}
	}
	stop, bounded := "", false
	if p, ok := strings.CutPrefix(w.prefix, base); ok && p != "" {
		stop, bounded = p, true
		stop, _, _ = strings.Cut(stop, "/")
	}
	for _, e := range entries[from:] {
		if bounded && e.seg > stop && !strings.HasPrefix(e.seg, stop) {
			break
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	return flush("", true)
}

// window narrows sorted entries to what can matter for prefix and after: a few
// directories before a point, whose names are beginnings of after, and all from
// that point on.
func (w *walker) window(entries []walkEntry, base string) (before []walkEntry, from int) {
	find := func(seg string) int {
		i, _ := slices.BinarySearchFunc(entries, seg, func(e walkEntry, s string) int { return strings.Compare(e.seg, s) })
		return i
	}
	low := 0
	if p, ok := strings.CutPrefix(w.prefix, base); ok && p != "" {
		p, _, _ = strings.Cut(p, "/")
		low = find(p)
	}
	rest, ok := strings.CutPrefix(w.after, base)
	if !ok || rest == "" {
		return nil, low
	}
	from = find(rest)
	if from <= low {
		return nil, low
	}
	for n := range len(rest) {
		for i := find(rest[:n]); i < from && entries[i].seg == rest[:n]; i++ {
			if i >= low {
				before = append(before, entries[i])
			}
		}
	}
	return before, from
}

// Directories of at least cacheFrom names are worth keeping between the pages of
// a listing; above cacheTo they would take too much memory.
const (
	cacheFrom = 1000
	cacheTo   = 250_000
)

// dirCache holds the entries of the large directory that was read last.
type dirCache struct {
	mu       sync.Mutex
	dir      string
	gen      uint64
	modified time.Time
	entries  []walkEntry
}

// gen counts the changes of names in a directory (or in others that share its
// counter) through this store.
func (l *Local) gen(dir string) *atomic.Uint64 {
	h := fnv.New32a()
	h.Write([]byte(dir))
	return &l.gens[h.Sum32()%uint32(len(l.gens))]
}

// changed notes that names in dir have changed; it is called after the change.
func (l *Local) changed(dir string) { l.gen(dir).Add(1) }

// entries returns the names of a directory, sorted by segment. The result is
// shared and must not be changed.
func (l *Local) entries(dir string) ([]walkEntry, error) {
	gen := l.gen(dir).Load()
	info, err := l.fs.Stat(dir)
	if err != nil {
		return nil, err
	}
	c := &l.cache
	c.mu.Lock()
	if c.dir == dir && c.gen == gen && c.modified.Equal(info.Modified) {
		defer c.mu.Unlock()
		return c.entries, nil
	}
	c.mu.Unlock()
	entries, nested, err := l.readEntries(nil, dir, "", "")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b walkEntry) int {
		if c := strings.Compare(a.seg, b.seg); c != 0 {
			return c
		}
		return int(b.kind) - int(a.kind) // displaced first: it is a file
	})
	// Other programs may change the directory too; only a time well before
	// the reading proves that they did not change it after.
	if n := len(entries); n >= cacheFrom && n <= cacheTo && !nested && l.now().Sub(info.Modified) > time.Second {
		c.mu.Lock()
		c.dir, c.gen, c.modified, c.entries = dir, gen, info.Modified, entries
		c.mu.Unlock()
	}
	return entries, nil
}

// readEntries reads the names of a directory, and in their place those of the
// directories in which a long segment goes on.
func (l *Local) readEntries(dst []walkEntry, dir, below, begun string) (_ []walkEntry, nested bool, err error) {
	names, err := l.fs.List(filepath.Join(dir, below))
	if err != nil {
		return nil, false, err
	}
	if dst == nil {
		dst = make([]walkEntry, 0, len(names))
	}
	for _, name := range names {
		seg, kind, ok := decodeName(name)
		if !ok {
			continue
		}
		file := name
		if below != "" {
			file = filepath.Join(below, name)
		}
		if kind != nameContinued {
			dst = append(dst, walkEntry{begun + seg, file, kind})
			continue
		}
		nested = true
		if len(begun)+len(seg) > MaxKey {
			continue // made by hand; no key is that long
		}
		more, _, err := l.readEntries(dst, dir, file, begun+seg)
		if err != nil {
			if missing(err) {
				continue
			}
			return nil, false, err
		}
		dst = more
	}
	return dst, nested, nil
}

func (w *walker) skipped(key string) bool { return w.skip != "" && strings.HasPrefix(key, w.skip) }

func (w *walker) wantsKey(key string) bool {
	return key > w.after && strings.HasPrefix(key, w.prefix) && !w.skipped(key) && CheckKey(key) == nil
}

// wantsDir reports whether keys that begin with key may be wanted.
func (w *walker) wantsDir(key string) bool {
	return (strings.HasPrefix(key, w.prefix) || strings.HasPrefix(w.prefix, key)) &&
		(key > w.after || strings.HasPrefix(w.after, key)) && !w.skipped(key) && len(key) <= MaxKey
}
