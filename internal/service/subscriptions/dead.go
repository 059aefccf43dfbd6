package subscriptions

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// maxDeadIDs bounds the ids that a dead letter lists.
const maxDeadIDs = 100

// deadEvents are events of one stream and batch that a target will never get, and why. The events themselves stay in the store.
type deadEvents struct {
	Group  string   `json:"group"`
	Stream string   `json:"stream"`
	Reason string   `json:"reason"`
	Count  int      `json:"count"`
	IDs    []string `json:"ids"` // the first of them
}

// bury notes an event that is not delivered.
func (x *sending) bury(reason string, h *head, e *event) {
	for i := range x.dead {
		if d := &x.dead[i]; d.Group == h.group && d.Stream == h.stream && d.Reason == reason {
			d.Count++
			if len(d.IDs) < maxDeadIDs {
				d.IDs = append(d.IDs, e.id.String())
			}
			return
		}
	}
	x.dead = append(x.dead, deadEvents{Group: h.group, Stream: h.stream, Reason: reason, Count: 1, IDs: []string{e.id.String()}})
}

func (d *deadEvents) entry(of *delivery, nowMS int64) (catalog.Entry, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("encode dead letter: %w", err)
	}
	return catalog.Entry{Kind: kindDead, Scope: of.key.Scope, Name: of.consumer, AtMS: nowMS, Body: body}, nil
}

// DeadLetter tells of events of a stream that a target will never get. The events stay where they are.
type DeadLetter struct {
	Seq    int64 // greater is newer
	AtMS   int64
	Group  string
	Stream string
	Reason string   // "expired" when retention ended before the target was there
	Count  int      // of events
	IDs    []string // of at most 100 of them
}

// DeadLetters lists up to limit dead letters of a filter of a group, the newest first, older than the one with the Seq before
// (0 = from the newest on). groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) DeadLetters(ctx context.Context, scope logs.Scope, group, filter string, before int64, limit int) ([]DeadLetter, error) {
	g, err := s.o.Directory.Resolve(ctx, scope, group)
	if err != nil {
		return nil, err
	}
	return s.deadLetters(ctx, catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: g.ID, Name: filter}, before, limit)
}

// PolicyDeadLetters is DeadLetters of an account policy.
func (s *Service) PolicyDeadLetters(ctx context.Context, scope logs.Scope, policy string, before int64, limit int) ([]DeadLetter, error) {
	return s.deadLetters(ctx, policyKey(scope, policy), before, limit)
}

func (s *Service) deadLetters(ctx context.Context, key catalog.DocumentKey, before int64, limit int) ([]DeadLetter, error) {
	entries, err := s.o.Catalog.Journal(ctx, catalog.EntryQuery{Kind: kindDead, Scope: key.Scope, Name: consumerOf(key), After: before, Limit: limit})
	if err != nil {
		return nil, translate(err, nil)
	}
	out := make([]DeadLetter, len(entries))
	for i := range entries {
		var d deadEvents
		if err := json.Unmarshal(entries[i].Body, &d); err != nil {
			return nil, fmt.Errorf("decode dead letter %d: %w", entries[i].Seq, err)
		}
		out[i] = DeadLetter{entries[i].Seq, entries[i].AtMS, d.Group, d.Stream, d.Reason, d.Count, d.IDs}
	}
	return out, nil
}
