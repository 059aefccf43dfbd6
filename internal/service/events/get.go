package events

import (
	"context"
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// GetRequest asks for a page of one stream.
type GetRequest struct {
	Group    string // name or ARN
	Stream   string
	Start    *int64 // ms, inclusive; nil: from the oldest event
	End      *int64 // ms, exclusive; nil: to the newest event
	Limit    int    // 1 to MaxPageEvents; 0: as many as fit
	Token    string // a token of an earlier page, which also sets the direction; empty: first page
	FromHead bool   // a first page starts at the oldest event of the range instead of ending at the newest
}

// GetPage is a page of one stream. Both tokens are always set.
type GetPage struct {
	Page
	Forward  string // continues after the page
	Backward string // continues before the page
}

// Get returns a page of one stream: events ascending, whatever the direction.
//
// With a token the page holds what lies next to the token's position on the
// side its letter says. At the end of the stream on that side the page is
// empty and the token comes back as it was sent, so a client stops when it
// sees the same token, or goes on asking with it to follow the stream.
//
// The digits of a token name an event: f/ means after it, b/ before it. An
// empty page has the digits of its request in both tokens. A first page that
// is empty has the start of its range in both, so that whatever arrives in the
// range later lies after the forward token.
func (s *Service) Get(ctx context.Context, scope logs.Scope, r GetRequest) (GetPage, error) {
	limit, err := pageLimit(r.Limit)
	if err != nil {
		return GetPage{}, err
	}
	if r.Start != nil && r.End != nil && *r.Start > *r.End {
		return GetPage{}, ErrTimeRange
	}
	var cur cursor
	if r.Token != "" {
		if cur, err = parseCursor(r.Token); err != nil {
			return GetPage{}, err
		}
	}
	g, err := s.readable(ctx, scope, r.Group)
	if err != nil {
		return GetPage{}, err
	}
	st, err := s.dir.ResolveStream(ctx, g, r.Stream)
	if err != nil {
		return GetPage{}, err
	}
	start, end := s.visible(g, r.Start, r.End)
	q := store.Query{Group: g.ID, Streams: []logs.StreamID{st.ID}, Start: start, End: end}
	switch {
	case r.Token == "":
		cur = edgeCursor(g.ID, st.ID, r.Start)
		q.Reverse = !r.FromHead
	case !cur.of(g.ID, st.ID):
		return GetPage{}, ErrBadToken
	case cur.back:
		q.Reverse, q.Before = true, &cur.id.Key
	default:
		q.After = &cur.id.Key
	}

	var p GetPage
	if q.Start < q.End {
		_, err = s.store.Scan(ctx, q, func(e logs.Event) bool {
			if !p.fits(len(e.Message), limit) {
				return false
			}
			p.add(&e)
			return len(p.rows) < limit
		})
		if err != nil {
			return GetPage{}, fmt.Errorf("read stream %d: %w", st.ID, scanError(err))
		}
	}
	if q.Reverse {
		p.reverse()
	}
	p.setTokens(cur, r.Token)
	return p, nil
}

func (p *GetPage) setTokens(cur cursor, token string) {
	forward, backward := cur, cur
	forward.back, backward.back = false, true
	if p.Len() > 0 {
		forward.id.Key, backward.id.Key = p.last(), p.first()
	}
	p.Forward, p.Backward = forward.String(), backward.String()
	if p.Len() == 0 && token != "" {
		// Byte for byte, whichever spelling the client uses.
		if cur.back {
			p.Backward = token
		} else {
			p.Forward = token
		}
	}
}

// cursor is a decoded GetLogEvents token: f/<event id>/s or b/<event id>/s.
type cursor struct {
	id   logs.EventID
	back bool
}

// maxCursorTime keeps the start of a range printable as 56 digits; it lies in
// the year 2109, and no event can lie behind it before then.
const maxCursorTime = 1<<42 - 1

// edgeCursor is the position before every event from start on.
func edgeCursor(group logs.GroupID, stream logs.StreamID, start *int64) cursor {
	c := cursor{id: logs.EventID{Group: group, Stream: stream}}
	if start != nil {
		c.id.Timestamp = min(max(*start, 0), maxCursorTime)
	}
	return c
}

// parseCursor accepts the old spelling without /s too.
func parseCursor(token string) (cursor, error) {
	kind, digits, _ := strings.Cut(strings.TrimSuffix(token, "/s"), "/")
	if kind != "f" && kind != "b" {
		return cursor{}, ErrBadToken
	}
	id, err := logs.ParseEventID(digits)
	if err != nil {
		return cursor{}, ErrBadToken
	}
	return cursor{id: id, back: kind == "b"}, nil
}

func (c cursor) String() string {
	b := make([]byte, 0, 60)
	if c.back {
		b = append(b, "b/"...)
	} else {
		b = append(b, "f/"...)
	}
	return string(append(c.id.Append(b), "/s"...))
}

// of reports whether the cursor belongs to that stream.
func (c cursor) of(group logs.GroupID, stream logs.StreamID) bool {
	want := logs.EventID{Key: c.id.Key, Group: group, Stream: stream}
	return c.String() == cursor{id: want, back: c.back}.String()
}
