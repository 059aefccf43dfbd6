package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// MaxAround is how many events before and after one can be asked for.
const MaxAround = 1000

// firstReverse is 2024-01-01 in ms.
const firstReverse = 1_704_067_200_000

// AroundRequest asks for an event and its neighbours in its stream.
type AroundRequest struct {
	EventID       string
	Before, After int // events, 0 to MaxAround
}

// AroundPage is an event and its neighbours, ascending. A side may have fewer than
// were asked for: the stream ends there, or two pages are full.
type AroundPage struct {
	Page
	Group  logs.GroupID
	Stream logs.StreamID
	Name   string // of the stream
	At     int    // the index of the event
}

// EventID returns the id of event i.
func (p *AroundPage) EventID(i int) logs.EventID {
	return logs.EventID{Key: p.rows[i].key, Group: p.Group, Stream: p.Stream}
}

// Around returns an event and its neighbours in the same stream. An id that is no
// event id is ErrBadPointer; an event that is gone, of another account or of
// another region is ErrRecordNotFound.
func (s *Service) Around(ctx context.Context, scope logs.Scope, r AroundRequest) (AroundPage, error) {
	if r.Before < 0 || r.Before > MaxAround || r.After < 0 || r.After > MaxAround {
		return AroundPage{}, ErrAround
	}
	id, err := logs.ParseEventID(r.EventID)
	if err != nil || id.Key == (logs.Key{}) || id.Group == 0 || id.Stream == 0 {
		return AroundPage{}, ErrBadPointer
	}
	g, err := s.dir.GroupByID(ctx, scope, id.Group)
	if errors.Is(err, groups.ErrGroupNotFound) {
		return AroundPage{}, ErrRecordNotFound
	}
	if err != nil {
		return AroundPage{}, err
	}
	if g.Class != groups.ClassStandard {
		return AroundPage{}, ErrClass
	}
	names, err := s.dir.StreamNames(ctx, g.ID, []logs.StreamID{id.Stream})
	if err != nil {
		return AroundPage{}, err
	}
	name, alive := names[id.Stream]
	if !alive {
		return AroundPage{}, ErrRecordNotFound
	}
	start, end := s.visible(g, nil, nil)
	p := AroundPage{Group: g.ID, Stream: id.Stream, Name: name}
	q := store.Query{Group: g.ID, Streams: []logs.StreamID{id.Stream}, Start: start, End: end}
	scan := func(q store.Query, yield func(logs.Event) bool) error {
		if q.Start >= q.End {
			return nil
		}
		if _, err := s.store.Scan(ctx, q, yield); err != nil {
			return fmt.Errorf("read around event %s: %w", r.EventID, scanError(err))
		}
		return nil
	}
	if r.Before > 0 {
		back := q
		back.Before, back.Reverse = &id.Key, true
		err := scan(back, func(e logs.Event) bool {
			if len(p.rows) > 0 && p.bytes+len(e.Message) > MaxPageBytes/2 {
				return false
			}
			p.add(&e)
			return len(p.rows) < r.Before
		})
		if err != nil {
			return AroundPage{}, err
		}
		p.reverse()
	}
	p.At = len(p.rows)
	forward := q
	if at := id.Key; at.Seq > 0 {
		at.Seq--
		forward.After = &at
	} else {
		forward.Start = max(forward.Start, at.Timestamp)
	}
	err = scan(forward, func(e logs.Event) bool {
		if len(p.rows) == p.At && e.Key != id.Key {
			return false
		}
		if len(p.rows) > p.At && p.bytes+len(e.Message) > 2*MaxPageBytes {
			return false
		}
		p.add(&e)
		return len(p.rows) <= p.At+r.After
	})
	if err != nil {
		return AroundPage{}, err
	}
	if len(p.rows) == p.At {
		return AroundPage{}, ErrRecordNotFound
	}
	return p, nil
}
