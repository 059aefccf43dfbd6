package metricfilters

import (
	"context"
	"errors"
	"fmt"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// disable notes the filters that made too many dimension values.
func (c *consumer) disable(ctx context.Context) error {
	for len(c.disabled) > 0 {
		if err := c.s.disable(ctx, c.disabled[0].v); err != nil {
			return err
		}
		c.disabled = c.disabled[1:]
	}
	return nil
}

// disable stops a filter, if it is still in force. Putting it again makes it count again.
func (s *Service) disable(ctx context.Context, v *version) error {
	s.change.Lock()
	defer s.change.Unlock()
	if err := s.refresh(ctx); err != nil {
		return err
	}
	t := s.snapshot()
	if t.live(v.id)[v.Name] != v {
		return nil
	}
	off := *v
	off.DisabledMS = s.o.Now().UnixMilli()
	body, err := off.encode()
	if err != nil {
		return err
	}
	err = s.o.Catalog.Apply(ctx, catalog.Changes{Put: []catalog.Document{{DocumentKey: v.key(), CreatedMS: off.DisabledMS, UpdatedMS: off.DisabledMS, Body: body}}})
	if errors.Is(err, catalog.ErrNotFound) {
		return nil // the group is deleted
	}
	if err != nil {
		return fmt.Errorf("disable metric filter: %w", err)
	}
	s.o.Logger.Warn("a metric filter made too many dimension values in an hour and is disabled until it is put again",
		"group", v.Group, "filter", v.Name, "limit", maxPairs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = t.with(v.id, v.Name, &off, nil)
	s.consumer.stats.Disabled++
	return nil
}

// forgetEnded removes versions that ended and whose events are all counted, and, once an hour, filters of
// groups that were deleted.
func (s *Service) forgetEnded(ctx context.Context) error {
	c := &s.consumer
	t := s.snapshot()
	if t == nil {
		return nil
	}
	done := batches(c.defaults.oldest(logs.Seq(c.durable.Load())))
	hour := s.o.Now().UnixMilli() / (60 * minute)
	if t.ended == 0 && hour == c.pruned {
		return nil
	}
	// The number of a group that is gone does not come again.
	var gone []logs.GroupID
	if hour != c.pruned {
		for id := range t.groups {
			if _, err := s.o.Catalog.GroupByID(ctx, id); errors.Is(err, catalog.ErrNotFound) {
				gone = append(gone, id)
			} else if err != nil {
				return fmt.Errorf("look for deleted groups: %w", err)
			}
		}
	}
	s.change.Lock()
	defer s.change.Unlock()
	if t = s.snapshot(); t == nil {
		return nil
	}
	t, ended := t.prune(gone, func(v *version) bool { return v.Until <= done })
	if len(ended) > 0 {
		var changes catalog.Changes
		for _, v := range ended {
			changes.Delete = append(changes.Delete, v.key())
		}
		if err := s.o.Catalog.Apply(ctx, changes); err != nil {
			return fmt.Errorf("forget ended metric filters: %w", err)
		}
	}
	c.pruned = hour
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = t
	return nil
}
