package groups

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// CreateStream makes a stream in a group given by name. ErrGroupNotFound,
// ErrStreamExists, ErrUnavailable.
func (s *Service) CreateStream(ctx context.Context, scope logs.Scope, group, name string) error {
	g, err := s.Resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	epoch := s.streams.epoch()
	row, err := s.catalog.CreateStream(ctx, g.ID, name, s.nowMS())
	if err != nil {
		return translate(err, ErrGroupNotFound, ErrStreamExists)
	}
	s.keepStream(row, epoch) // the first put follows soon
	return nil
}

// DeleteStream deletes a stream with its events. From the moment it returns
// they cannot be seen. ErrGroupNotFound, ErrStreamNotFound, ErrStreamProtected,
// ErrUnavailable.
func (s *Service) DeleteStream(ctx context.Context, scope logs.Scope, group, name string) error {
	g, err := s.Resolve(ctx, scope, group)
	if err != nil {
		return err
	}
	row, err := s.catalog.StreamByName(ctx, g.ID, name)
	if err != nil {
		return translate(err, ErrStreamNotFound, nil)
	}
	err = s.catalog.DeleteStream(ctx, g.ID, row.ID)
	s.streams.drop(streamKey{g.ID, name})
	s.names.drop(row.ID)
	if errors.Is(err, catalog.ErrConflict) {
		return ErrStreamProtected
	}
	return translate(err, ErrStreamNotFound, nil)
}

// DescribeStreamsRequest selects and pages the streams of a group.
type DescribeStreamsRequest struct {
	Group      Ref
	Prefix     string
	ByTime     bool // order by the time of the last event instead of by name
	Descending bool
	Token      *string
	Limit      int // 0 = DefaultLimit
}

// StreamInfo describes a stream. The times are in ms since the Unix epoch, and
// -1 all three when the stream holds no event yet.
type StreamInfo struct {
	Stream
	FirstMS, LastMS, IngestionMS int64

	ARN           string
	SequenceToken string // what the next put may pass on; any value is accepted
}

// StreamPage is one page of streams. Next is the token of the next page, "" on
// the last.
type StreamPage struct {
	Streams []StreamInfo
	Next    string
}

// DescribeStreams lists the streams of a group. Streams without events sort as
// the oldest by time. ErrNameAndIdentifier, ErrNoName, ErrPrefixByTime,
// ErrBadToken, ErrGroupNotFound, ErrUnavailable.
func (s *Service) DescribeStreams(ctx context.Context, scope logs.Scope, r DescribeStreamsRequest) (StreamPage, error) {
	if r.Prefix != "" && r.ByTime {
		return StreamPage{}, ErrPrefixByTime
	}
	g, err := s.ResolveRef(ctx, scope, r.Group)
	if err != nil {
		return StreamPage{}, err
	}
	query := logs.QueryHash(scope.Account, scope.Region, g.Name, fmt.Sprint(r.ByTime, r.Descending), r.Prefix)
	position, err := s.openToken(logs.TokenStreams, query, r.Token)
	if err != nil {
		return StreamPage{}, err
	}
	limit := r.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	f := catalog.StreamFilter{Prefix: r.Prefix, ByLast: r.ByTime, Descending: r.Descending, Limit: limit + 1}
	if r.Token != nil {
		if f.After, err = streamPosition(position); err != nil {
			return StreamPage{}, err
		}
	}

	if r.ByTime && r.Token == nil {
		// The catalog orders, so it has to know what the store knows. Later
		// pages go on in the order that the first one saw.
		if err := s.persistHead(ctx, g.ID); err != nil {
			return StreamPage{}, err
		}
	}
	rows, err := s.catalog.Streams(ctx, g.ID, f)
	if err != nil {
		return StreamPage{}, translate(err, nil, nil)
	}
	var page StreamPage
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		page.Next = logs.EncodeToken(logs.TokenStreams, query, s.nowMS(),
			append(binary.BigEndian.AppendUint64(nil, uint64(last.LastMS)), last.Name...))
	}
	page.Streams, err = s.describePage(ctx, g, rows)
	return page, err
}

// describePage completes rows by what the store holds in memory. A flush moves
// times from memory to the catalog; the catalog is read again after memory, so
// that they are seen on one side at least.
func (s *Service) describePage(ctx context.Context, g Group, rows []catalog.Stream) ([]StreamInfo, error) {
	ids := make([]logs.StreamID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	head := s.store.HeadStreamStats(g.ID, ids)
	again, err := s.catalog.StreamsByID(ctx, g.ID, ids)
	if err != nil {
		return nil, translate(err, nil, nil)
	}
	newer := make(map[logs.StreamID]catalog.Stream, len(again))
	for _, row := range again {
		newer[row.ID] = row
	}
	out := make([]StreamInfo, 0, len(rows))
	for _, row := range rows {
		if row, ok := newer[row.ID]; ok { // else deleted meanwhile
			out = append(out, describeStream(g, row, head))
		}
	}
	return out, nil
}

func streamPosition(b []byte) (*catalog.Stream, error) {
	if len(b) < 8 {
		return nil, ErrBadToken
	}
	return &catalog.Stream{LastMS: int64(binary.BigEndian.Uint64(b)), Name: string(b[8:])}, nil
}

func describeStream(g Group, row catalog.Stream, head map[logs.StreamID]store.StreamStats) StreamInfo {
	info := StreamInfo{
		Stream:  Stream{ID: row.ID, Group: row.Group, Name: row.Name, CreatedMS: row.CreatedMS},
		FirstMS: row.FirstMS, LastMS: row.LastMS, IngestionMS: row.IngestionMS,
		ARN: g.Scope.StreamARN(g.Name, row.Name),
	}
	if h, ok := head[row.ID]; ok {
		if info.FirstMS < 0 || h.First < info.FirstMS {
			info.FirstMS = h.First
		}
		info.LastMS = max(info.LastMS, h.Last)
		info.IngestionMS = max(info.IngestionMS, h.LastIngestion)
	}
	info.SequenceToken = SequenceToken(row.ID, logs.Key{Timestamp: max(info.IngestionMS, row.CreatedMS, 0)})
	return info
}

// SequenceToken returns a token such as puts have returned since they needed
// one: 56 decimal digits that grow with at, the position of the events just
// put. It means nothing and is never checked.
func SequenceToken(stream logs.StreamID, at logs.Key) string {
	return logs.EventID{Key: at, Stream: stream}.String()
}

// persisted remembers which times of streams the catalog got from persistHead,
// so that describing the same streams again writes nothing.
type persisted struct {
	mu      sync.Mutex
	entries int
	groups  map[logs.GroupID]map[logs.StreamID]store.StreamStats
}

// maxPersisted bounds the streams that persisted remembers.
const maxPersisted = 200_000

// persistHead writes the times that the store holds in memory to the catalog.
func (s *Service) persistHead(ctx context.Context, group logs.GroupID) error {
	head := s.store.HeadStats(group)
	s.persist.mu.Lock()
	known := s.persist.groups[group]
	s.persist.mu.Unlock()

	var news []catalog.StreamStats
	for id, h := range head {
		if known[id] != h {
			news = append(news, catalog.StreamStats{Group: group, Stream: id, First: h.First, Last: h.Last, LastIngestion: h.LastIngestion})
		}
	}
	if len(news) == 0 {
		return nil
	}
	if err := s.catalog.MergeStreamStats(ctx, news); err != nil {
		return translate(err, nil, nil)
	}

	// head is this call's own map, and nobody changes it any more.
	s.persist.mu.Lock()
	defer s.persist.mu.Unlock()
	s.persist.entries += len(head) - len(s.persist.groups[group])
	if s.persist.groups == nil || s.persist.entries > maxPersisted {
		s.persist.groups = map[logs.GroupID]map[logs.StreamID]store.StreamStats{}
		s.persist.entries = len(head)
	}
	s.persist.groups[group] = head
	return nil
}
