package subscriptions

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

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

const (
	maxReasons   = 16 // of the dead letters of a batch
	otherReasons = "other reasons"
	keepLetters  = 10_000 // of a filter or policy, roughly
)

type deadKey struct {
	streamKey
	reason string
}

// bury notes an event that is not delivered. A target may give every event a reason of its own, so those beyond some are one.
func (x *sending) bury(reason string, h *head, e *event) {
	if x.letters == nil {
		x.letters, x.reasons = map[deadKey]int{}, map[string]bool{}
	}
	if !x.reasons[reason] && len(x.reasons) >= maxReasons {
		reason = otherReasons
	} else {
		x.reasons[reason] = true
	}
	k := deadKey{streamKey{e.id.Group, e.id.Stream}, reason}
	i, known := x.letters[k]
	if !known {
		i = len(x.dead)
		x.letters[k] = i
		x.dead = append(x.dead, deadEvents{Group: h.group, Stream: h.stream, Reason: reason})
	}
	d := &x.dead[i]
	d.Count++
	if len(d.IDs) < maxDeadIDs {
		d.IDs = append(d.IDs, e.id.String())
	}
}

func (d *deadEvents) entry(of *delivery, nowMS int64) (catalog.Entry, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return catalog.Entry{}, fmt.Errorf("encode dead letter: %w", err)
	}
	return catalog.Entry{Kind: kindDead, Scope: of.key.Scope, Name: of.consumer, AtMS: nowMS, Body: body, Keep: keepLetters}, nil
}

// DeadLetter tells of events of a stream that a target will never get. The events stay where they are.
type DeadLetter struct {
	AtMS   int64
	Group  string
	Stream string
	Reason string   // "expired" when retention ended before the target was there; "other reasons" beyond 16 of a batch
	Count  int      // of events
	IDs    []string // of at most 100 of them
}

// DeadLetterPage is a page of dead letters, the newest first.
type DeadLetterPage struct {
	Letters []DeadLetter
	Next    string // token; "" at the end
}

// DeadLetters lists dead letters of a filter of a group, or of an account policy when group is "", whether these are still there or
// not. ErrBadToken, groups.ErrGroupNotFound, groups.ErrUnavailable.
func (s *Service) DeadLetters(ctx context.Context, scope logs.Scope, group, name string, token *string, limit int) (DeadLetterPage, error) {
	query := logs.QueryHash(scope.Account, scope.Region, group, name)
	position, err := s.openToken(token, logs.TokenDeadLetters, query)
	if err != nil {
		return DeadLetterPage{}, err
	}
	before, _ := strconv.ParseInt(position, 10, 64) // "": from the newest on
	key := policyKey(scope, name)
	if group != "" {
		g, err := s.o.Directory.Resolve(ctx, scope, group)
		if err != nil {
			return DeadLetterPage{}, err
		}
		key = catalog.DocumentKey{Kind: kindFilter, Scope: scope, Group: g.ID, Name: name}
	}
	entries, err := s.o.Catalog.Journal(ctx, catalog.EntryQuery{Kind: kindDead, Scope: scope, Name: consumerOf(key), After: before, Limit: limit + 1})
	if err != nil {
		return DeadLetterPage{}, translate(err, nil)
	}
	entries, next := page(s, entries, limit, logs.TokenDeadLetters, query, func(e *catalog.Entry) string { return strconv.FormatInt(e.Seq, 10) })
	out := DeadLetterPage{Letters: make([]DeadLetter, len(entries)), Next: next}
	for i := range entries {
		var d deadEvents
		if err := json.Unmarshal(entries[i].Body, &d); err != nil {
			return DeadLetterPage{}, fmt.Errorf("decode dead letter %d: %w", entries[i].Seq, err)
		}
		out.Letters[i] = DeadLetter{entries[i].AtMS, d.Group, d.Stream, d.Reason, d.Count, d.IDs}
	}
	return out, nil
}
