package events

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// maxPrefixStreams is how many streams of a prefix are looked up front; with more,
// names are looked up as their events appear.
const maxPrefixStreams = 1000

// chooseStreams narrows the query to the streams that the request names.
func (f *filterRun) chooseStreams(ctx context.Context, g groups.Group) error {
	if f.r.Streams != nil {
		f.q.Streams = []logs.StreamID{}
	}
	for _, name := range f.r.Streams {
		st, err := f.s.dir.ResolveStream(ctx, g, name)
		if err != nil {
			return err
		}
		if _, twice := f.page.names[st.ID]; !twice {
			f.q.Streams = append(f.q.Streams, st.ID)
			f.page.names[st.ID] = st.Name
		}
	}
	if f.r.Prefix == nil || *f.r.Prefix == "" {
		return nil
	}
	list, err := f.s.dir.Streams(ctx, g.ID, *f.r.Prefix, "", maxPrefixStreams+1)
	if err != nil {
		return err
	}
	if len(list) > maxPrefixStreams {
		f.lazyPrefix, f.verdicts = *f.r.Prefix, map[logs.StreamID]bool{}
		return nil
	}
	f.q.Streams = make([]logs.StreamID, len(list))
	for i, st := range list {
		f.q.Streams[i] = st.ID
		f.page.names[st.ID] = st.Name
	}
	return nil
}

// wanted judges a stream by the prefix and remembers its name.
func (f *filterRun) wanted(ctx context.Context, id logs.StreamID) (bool, error) {
	if v, seen := f.verdicts[id]; seen {
		return v, nil
	}
	names, err := f.s.dir.StreamNames(ctx, f.q.Group, []logs.StreamID{id})
	if err != nil {
		return false, err
	}
	name, alive := names[id]
	v := alive && strings.HasPrefix(name, f.lazyPrefix)
	if f.verdicts[id] = v; v {
		f.page.names[id] = name
	}
	return v, nil
}

// nameStreams looks up the names that the page still lacks, drops the rows of
// streams that do not resolve, and reports whether there were any, the stream
// of the event behind the page (nil: none) included.
func (f *filterRun) nameStreams(ctx context.Context, behind *logs.Event) (gone bool, err error) {
	var missing []logs.StreamID
	seen := map[logs.StreamID]bool{}
	need := func(id logs.StreamID) {
		if _, known := f.page.names[id]; !known && !seen[id] {
			seen[id] = true
			missing = append(missing, id)
		}
	}
	for i := range f.page.rows {
		need(f.page.rows[i].stream)
	}
	if behind != nil {
		need(behind.Stream)
	}
	if len(missing) == 0 {
		return false, nil
	}
	names, err := f.s.dir.StreamNames(ctx, f.q.Group, missing)
	if err != nil {
		return false, err
	}
	for id, name := range names {
		f.page.names[id] = name
	}
	if len(names) == len(missing) {
		return false, nil
	}
	if f.dead == nil {
		f.dead = map[logs.StreamID]bool{}
	}
	for _, id := range missing {
		if _, alive := names[id]; !alive {
			f.dead[id] = true
		}
	}
	f.page.keep(func(r *row) bool { _, alive := f.page.names[r.stream]; return alive })
	return true, nil
}
