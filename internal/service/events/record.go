package events

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// Record returns all fields of one event by the pointer that queries give as
// @ptr, which is the event id: @message, @timestamp and @ingestionTime (ms, in
// decimal), @logStream, @log (account:group), and the fields discovered in
// the message; see Discover. Pointers of other accounts and regions are not
// found.
func (s *Service) Record(ctx context.Context, scope logs.Scope, pointer string) (map[string]string, error) {
	id, err := logs.ParseEventID(pointer)
	if err != nil || id.Key == (logs.Key{}) || id.Group == 0 || id.Stream == 0 {
		return nil, ErrBadPointer
	}
	g, err := s.dir.GroupByID(ctx, scope, id.Group)
	if errors.Is(err, groups.ErrGroupNotFound) {
		return nil, ErrRecordNotFound
	}
	if err != nil {
		return nil, err
	}
	names, err := s.dir.StreamNames(ctx, g.ID, []logs.StreamID{id.Stream})
	if err != nil {
		return nil, err
	}
	name, alive := names[id.Stream]
	start, end := s.visible(g, &id.Timestamp, nil)
	if !alive || start > id.Timestamp {
		return nil, ErrRecordNotFound
	}
	end = min(end, id.Timestamp+1)
	q := store.Query{Group: g.ID, Streams: []logs.StreamID{id.Stream}, Start: start, End: end}
	before := logs.Key{Timestamp: id.Timestamp, Seq: id.Seq - 1}
	if id.Seq == 0 {
		before = logs.Key{Timestamp: id.Timestamp - 1, Seq: math.MaxUint64}
	}
	q.After = &before
	var fields map[string]string
	_, err = s.store.Scan(ctx, q, func(e logs.Event) bool {
		if e.Key == id.Key {
			fields = Discover(e.Message)
			fields["@message"] = string(e.Message)
			fields["@ingestionTime"] = strconv.FormatInt(e.Ingestion, 10)
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("read record %s: %w", pointer, scanError(err))
	}
	if fields == nil {
		return nil, ErrRecordNotFound
	}
	fields["@timestamp"] = strconv.FormatInt(id.Timestamp, 10)
	fields["@logStream"] = name
	fields["@log"] = g.Scope.Account + ":" + g.Name
	return fields, nil
}
