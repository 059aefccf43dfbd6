package exports

import (
	"context"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/service/groups"
)

// streams calls fn for the streams of the task, page by page in order of name,
// beginning behind after.
func (e *export) streams(ctx context.Context, after string, fn func(page []groups.Stream) error) error {
	for {
		page, err := e.s.o.Directory.Streams(ctx, e.spec.GroupID, e.spec.StreamPrefix, after, e.s.o.tune.page)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		last := page[len(page)-1].Name
		full := len(page) == e.s.o.tune.page
		// A stream made after the task holds nothing to export, and must not
		// change which folders are shared.
		page = slices.DeleteFunc(page, func(s groups.Stream) bool { return s.CreatedMS > e.spec.Snapshot })
		if err := fn(page); err != nil {
			return err
		}
		if !full {
			return nil
		}
		after = last
	}
}

// plan counts the streams and finds those that share a folder, for which it
// keeps eight bytes a stream while it looks. When no name holds a slash,
// folders are as distinct as names.
func (e *export) plan(ctx context.Context) error {
	e.p.Total = 0
	e.shared = nil
	slash := false
	var hashes []uint64
	err := e.streams(ctx, "", func(page []groups.Stream) error {
		e.p.Total += int64(len(page))
		for _, s := range page {
			slash = slash || strings.Contains(s.Name, "/")
			hashes = append(hashes, xxhash.Sum64String(folderOf(s.Name)))
		}
		return nil
	})
	if err != nil || !slash {
		return err
	}
	slices.Sort(hashes)
	twice := map[uint64]bool{}
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] {
			twice[hashes[i]] = true
		}
	}
	if len(twice) == 0 {
		return nil
	}
	shared := map[string][]groups.Stream{}
	err = e.streams(ctx, "", func(page []groups.Stream) error {
		for _, s := range page {
			if f := folderOf(s.Name); twice[xxhash.Sum64String(f)] {
				shared[f] = append(shared[f], s)
			}
		}
		return nil
	})
	for f, members := range shared {
		if len(members) < 2 {
			delete(shared, f)
		}
	}
	e.shared = shared
	return err
}
