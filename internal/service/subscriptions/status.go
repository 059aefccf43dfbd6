package subscriptions

import (
	"context"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

// Status is how the deliveries of a filter or account policy fare.
type Status struct {
	Scope       logs.Scope
	Group       string // "" of an account policy
	Filter      string // or the name of the policy
	Destination string // ARN

	Lag            time.Duration // age of the oldest event that its target does not have; 0 = none
	Delivered      int64         // events since the start of the server
	Dead           int64         // events that the target will never get, since the start of the server
	FailingSinceMS int64         // when the target began to fail; 0 = it does not
	Error          string        // its last error
}

// Statuses returns how all deliveries fare, by group and name, those of policies last. There are none before Run.
func (s *Service) Statuses() []Status {
	now := s.nowMS()
	all := s.deliveries()
	out := make([]Status, 0, len(all))
	for _, d := range all {
		d.mu.Lock()
		st := d.status
		if d.oldest != 0 {
			st.Lag = time.Duration(max(0, now-d.oldest)) * time.Millisecond
		}
		d.mu.Unlock()
		out = append(out, st)
	}
	return out
}

// Forwarded is what a filter or policy did since it was last counted.
type Forwarded struct {
	Scope     logs.Scope
	Group     string // "" of an account policy
	Filter    string
	Policy    bool
	Type      string // of the target, such as "http"
	Vendor    string // of the ARN of the destination, such as "kinesis"
	Bytes     int64  // as sent
	Events    int64
	Errors    int64 // attempts that failed
	Throttled int64 // attempts that the target asked to be fewer
}

// count hands over what was forwarded.
func (s *Service) count(ctx context.Context, all []*delivery) {
	if s.o.Count == nil {
		return
	}
	var out []Forwarded
	for _, d := range all {
		d.mu.Lock()
		f := d.sums
		d.sums.Bytes, d.sums.Events, d.sums.Errors, d.sums.Throttled = 0, 0, 0, 0
		d.mu.Unlock()
		if f.Events != 0 || f.Errors != 0 || f.Throttled != 0 {
			out = append(out, f)
		}
	}
	if len(out) > 0 {
		s.o.Count(ctx, out)
	}
}
