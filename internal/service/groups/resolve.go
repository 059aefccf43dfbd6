package groups

import (
	"context"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Ref names a group by exactly one of its name and its identifier (a name or an
// ARN), as the operations that accept both do.
type Ref struct {
	Name, Identifier *string
}

// ResolveRef returns the group that r names. ErrNameAndIdentifier, ErrNoName,
// ErrGroupNotFound.
func (s *Service) ResolveRef(ctx context.Context, scope logs.Scope, r Ref) (Group, error) {
	switch {
	case r.Name != nil && r.Identifier != nil:
		return Group{}, ErrNameAndIdentifier
	case r.Name != nil:
		return s.Resolve(ctx, scope, *r.Name)
	case r.Identifier != nil:
		return s.Resolve(ctx, scope, *r.Identifier)
	}
	return Group{}, ErrNoName
}

// Resolve returns the live group of a name or of an ARN with or without a
// trailing ":*". A group of another account or region is not found. StoredBytes
// of the answer is not current. ErrGroupNotFound, ErrUnavailable.
func (s *Service) Resolve(ctx context.Context, scope logs.Scope, nameOrARN string) (Group, error) {
	name, ok := groupName(scope, nameOrARN)
	if !ok {
		return Group{}, ErrGroupNotFound
	}
	key := groupKey{scope, name}
	if g, ok := s.groups.get(key); ok {
		return g, nil
	}
	epoch := s.groups.epoch()
	g, err := s.catalog.GroupByName(ctx, scope, name)
	if err != nil {
		return Group{}, translate(err, ErrGroupNotFound, nil)
	}
	// Keep the strings of the row: those of the caller may be part of a large
	// request body.
	s.groups.put(groupKey{g.Scope, g.Name}, g, epoch)
	return g, nil
}

// groupName returns the name in a name or ARN; false when it is an ARN of
// something else or of another scope. Names hold no colon, ARNs do.
func groupName(scope logs.Scope, nameOrARN string) (string, bool) {
	if !strings.Contains(nameOrARN, ":") {
		return nameOrARN, true
	}
	arn, err := logs.ParseARN(nameOrARN)
	if err != nil || arn.Scope != scope || arn.Partition != logs.Partition(scope.Region) {
		return "", false
	}
	return arn.GroupName()
}

// GroupByID returns a live group of the scope by id, which event ids and record
// pointers carry. ErrGroupNotFound, ErrUnavailable.
func (s *Service) GroupByID(ctx context.Context, scope logs.Scope, id logs.GroupID) (Group, error) {
	g, err := s.catalog.GroupByID(ctx, id)
	if err == nil && g.Scope != scope {
		return Group{}, ErrGroupNotFound
	}
	return g, translate(err, ErrGroupNotFound, nil)
}

// ResolveStream returns a stream of a live group by name. ErrStreamNotFound,
// ErrUnavailable.
func (s *Service) ResolveStream(ctx context.Context, g Group, name string) (Stream, error) {
	if v, ok := s.streams.get(streamKey{g.ID, name}); ok {
		return Stream{ID: v.id, Group: g.ID, Name: name, CreatedMS: v.createdMS}, nil
	}
	epoch := s.streams.epoch()
	row, err := s.catalog.StreamByName(ctx, g.ID, name)
	if err != nil {
		return Stream{}, translate(err, ErrStreamNotFound, nil)
	}
	return s.keepStream(row, epoch), nil
}

func (s *Service) keepStream(row catalog.Stream, epoch uint64) Stream {
	st := Stream{ID: row.ID, Group: row.Group, Name: row.Name, CreatedMS: row.CreatedMS}
	s.streams.put(streamKey{row.Group, row.Name}, streamValue{row.ID, row.CreatedMS}, epoch)
	return st
}

// StreamNames returns the names of streams of a live group. Ids that are not in
// the answer belong to deleted streams; their events must not be shown.
func (s *Service) StreamNames(ctx context.Context, group logs.GroupID, ids []logs.StreamID) (map[logs.StreamID]string, error) {
	out := make(map[logs.StreamID]string, len(ids))
	var missing []logs.StreamID
	for _, id := range ids {
		if name, ok := s.names.get(id); ok {
			out[id] = name
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return out, nil
	}
	epoch := s.names.epoch()
	rows, err := s.catalog.StreamsByID(ctx, group, missing)
	if err != nil {
		return nil, translate(err, nil, nil)
	}
	for _, r := range rows {
		out[r.ID] = r.Name
		s.names.put(r.ID, r.Name, epoch)
	}
	return out, nil
}

// DeadStreams returns the deleted streams of a group of which events may be left;
// they must not be shown.
func (s *Service) DeadStreams(ctx context.Context, group logs.GroupID) ([]logs.StreamID, error) {
	ids, err := s.catalog.DeadStreams(ctx, group)
	return ids, translate(err, nil, nil)
}

// DeadStreamsOf is DeadStreams of several groups.
func (s *Service) DeadStreamsOf(ctx context.Context, groups []logs.GroupID) ([]logs.StreamID, error) {
	ids, err := s.catalog.DeadStreamsOf(ctx, groups)
	return ids, translate(err, nil, nil)
}

// Began returns when a group began, in ms since the Unix epoch: when it was created, or
// the time of its oldest event when that is older. It reads all streams of the group.
func (s *Service) Began(ctx context.Context, g Group) (int64, error) {
	began := g.CreatedMS
	first, err := s.catalog.FirstEvent(ctx, g.ID)
	if err != nil {
		return 0, translate(err, nil, nil)
	}
	if first >= 0 {
		began = min(began, first)
	}
	for _, st := range s.store.HeadStats(g.ID) {
		began = min(began, st.First)
	}
	return began, nil
}

// StreamName returns the name of a stream of any live group; "" when there is none.
func (s *Service) StreamName(ctx context.Context, id logs.StreamID) (string, error) {
	if name, ok := s.names.get(id); ok {
		return name, nil
	}
	epoch := s.names.epoch()
	rows, err := s.catalog.LiveStreams(ctx, []logs.StreamID{id})
	if err != nil || len(rows) == 0 {
		return "", translate(err, nil, nil)
	}
	s.names.put(id, rows[0].Name, epoch)
	return rows[0].Name, nil
}

// Streams returns up to limit streams of a live group in byte order of their
// names: those that begin with prefix and come after the name after ("" = from
// the start).
func (s *Service) Streams(ctx context.Context, group logs.GroupID, prefix, after string, limit int) ([]Stream, error) {
	f := catalog.StreamFilter{Prefix: prefix, Limit: limit}
	if after != "" {
		f.After = &catalog.Stream{Name: after}
	}
	rows, err := s.catalog.Streams(ctx, group, f)
	if err != nil {
		return nil, translate(err, nil, nil)
	}
	out := make([]Stream, len(rows))
	for i, r := range rows {
		out[i] = Stream{ID: r.ID, Group: r.Group, Name: r.Name, CreatedMS: r.CreatedMS}
	}
	return out, nil
}
