package events_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/events"
)

// slow is a store whose scans take all the time they are given. The scan that is
// running at the time of the hit finds an event.
type slow struct {
	began time.Time
	hit   time.Duration // 0: never
	at    int64
}

func (s *slow) Scan(_ context.Context, q store.Query, yield func(logs.Event) bool) (store.Stats, error) {
	from := time.Since(s.began)
	time.Sleep(q.Budget.Time)
	s.at++
	key := logs.Key{Timestamp: start + s.at, Seq: 1}
	if s.hit > from && s.hit <= time.Since(s.began) {
		yield(logs.Event{Key: key, Stream: 1, Message: []byte("hit")})
	}
	return store.Stats{Frontier: &key}, nil
}

// oneStream is a directory of one group with one stream.
type oneStream struct{ oneGroup }

func (oneStream) StreamNames(context.Context, logs.GroupID, []logs.StreamID) (map[logs.StreamID]string, error) {
	return map[logs.StreamID]string{1: "s"}, nil
}

// TestPagesOfASlowSearch: a page with events ends after ten seconds of search, an empty
// one goes on for 45; clients wait for 60.
func TestPagesOfASlowSearch(t *testing.T) {
	for _, c := range []struct {
		hit, took time.Duration
		events    int
	}{
		{hit: 5 * time.Second, took: 10 * time.Second, events: 1},
		{hit: 15 * time.Second, took: 20 * time.Second, events: 1},
		{hit: 43 * time.Second, took: 45 * time.Second, events: 1},
		{hit: 0, took: 45 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &slow{began: time.Now(), hit: c.hit}
			service := events.New(events.Options{Directory: oneStream{}, Store: s, Now: func() time.Time { return time.UnixMilli(start) }})
			p, err := service.Filter(t.Context(), scope, events.FilterRequest{Group: "g"})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(s.began); took != c.took || p.Len() != c.events || p.Token == "" {
				t.Errorf("hit at %s: %d events and token %q after %s, want %d and a token after %s", c.hit, p.Len(), p.Token, took, c.events, c.took)
			}
		})
	}
}
