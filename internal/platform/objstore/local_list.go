package objstore

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
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

type walkEntry struct {
	seg  string // decoded segment, whole
	path string
	kind nameKind
}

// dir walks a directory whose keys begin with base, which is "" or ends in a
// slash.
func (w *walker) dir(dir, base string) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	entries, err := w.entries(nil, dir, "")
	if err != nil {
		if missing(err) {
			return nil
		}
		return err
	}
	slices.SortFunc(entries, func(a, b walkEntry) int {
		if c := strings.Compare(a.seg, b.seg); c != 0 {
			return c
		}
		return int(b.kind) - int(a.kind) // displaced first: it is a file
	})
	// A directory d holds the keys d/…, which sort behind its siblings that
	// go on with a byte below '/'. Such directories wait on a stack; its top
	// is always the least.
	var waiting []walkEntry
	flush := func(before string, all bool) error {
		for n := len(waiting); n > 0 && (all || waiting[n-1].seg+"/" < before); n = len(waiting) {
			e := waiting[n-1]
			waiting = waiting[:n-1]
			if key := base + e.seg + "/"; w.wantsDir(key) {
				if err := w.dir(e.path, key); err != nil {
					return err
				}
			}
		}
		return nil
	}
	seen := ""
	for i, e := range entries {
		if err := flush(e.seg, false); err != nil {
			return err
		}
		key := base + e.seg
		asFile, asDir := w.wantsKey(key), e.kind == namePlain && w.wantsDir(key+"/")
		if !asFile && !asDir {
			continue
		}
		info, err := w.l.fs.Stat(e.path)
		if err != nil {
			if missing(err) {
				continue
			}
			return err
		}
		switch {
		case info.Dir && asDir:
			waiting = append(waiting, e)
		case !info.Dir && asFile && (i == 0 || seen != key || key == ""):
			seen = key
			if err := w.visit(key); err != nil {
				return err
			}
		}
	}
	return flush("", true)
}

// entries reads the names of a directory, and in their place those of the
// directories that go on with a long segment.
func (w *walker) entries(dst []walkEntry, dir, begun string) ([]walkEntry, error) {
	names, err := w.l.fs.List(dir)
	if err != nil {
		return nil, err
	}
	if dst == nil {
		dst = make([]walkEntry, 0, len(names))
	}
	for _, name := range names {
		seg, kind, ok := decodeName(name)
		if !ok {
			continue
		}
		path := filepath.Join(dir, name)
		if kind != nameContinued {
			dst = append(dst, walkEntry{begun + seg, path, kind})
			continue
		}
		if len(begun)+len(seg) > MaxKey {
			continue // made by hand; no key is that long
		}
		more, err := w.entries(dst, path, begun+seg)
		if err != nil {
			if missing(err) {
				continue
			}
			return nil, err
		}
		dst = more
	}
	return dst, nil
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
