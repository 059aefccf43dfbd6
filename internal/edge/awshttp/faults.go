package awshttp

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

// Fault is what goes wrong on purpose with the calls of an operation.
type Fault struct {
	Throttle float64       // share of the calls that are refused, 0 to 1
	Delay    time.Duration // before each call that is not refused
	Empty    float64       // share of the pages that are empty, 0 to 1; see Faults.Empty
}

// Faults make operations fail as AWS lets them fail under load, for people who test
// their retries and paging loops. They are safe for concurrent use. A nil *Faults makes none.
type Faults struct {
	rules map[string]Fault

	mu  sync.Mutex
	rng *rand.Rand
}

// NewFaults returns the faults of operations by name; "*" is the fault of every
// operation that is not named. The source decides which calls fail; it belongs to
// the Faults from then on.
func NewFaults(rules map[string]Fault, source rand.Source) *Faults {
	return &Faults{rules: rules, rng: rand.New(source)}
}

// Into returns the service with faults in its operations. They come after a call is
// authenticated and before it is looked at.
func (f *Faults) Into(s Service) Service {
	if f == nil {
		return s
	}
	operations := make(map[string]Operation, len(s.Operations))
	for name, o := range s.Operations {
		if fault := f.of(name); fault.Throttle > 0 || fault.Delay > 0 {
			o = f.wrap(o, fault)
		}
		operations[name] = o
	}
	s.Operations = operations
	return s
}

// IntoShapes is Into for a service that speaks several protocols.
func (f *Faults) IntoShapes(s ShapeService) ShapeService {
	if f == nil {
		return s
	}
	operations := make(map[string]ShapeOperation, len(s.Operations))
	for name, o := range s.Operations {
		if fault := f.of(name); fault.Throttle > 0 || fault.Delay > 0 {
			run := o.run
			o.run = func(ctx context.Context, info *awsproto.OperationInfo, decode func(awsproto.Shape) error) (awsproto.Shape, error) {
				if err := f.before(ctx, fault); err != nil {
					return nil, err
				}
				return run(ctx, info, decode)
			}
		}
		operations[name] = o
	}
	s.Operations = operations
	return s
}

// Empty draws whether a page of an operation is to be empty though the listing goes
// on. Operations that have such pages on the real service ask it.
func (f *Faults) Empty(operation string) bool {
	return f != nil && f.draw(f.of(operation).Empty)
}

func (f *Faults) of(operation string) Fault {
	if fault, named := f.rules[operation]; named {
		return fault
	}
	return f.rules["*"]
}

func (f *Faults) draw(share float64) bool {
	if share <= 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Float64() < share
}

func (f *Faults) wrap(o Operation, fault Fault) Operation {
	out := Operation{framing: o.framing}
	if o.open != nil {
		out.open = func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (Stream, error) {
			if err := f.before(ctx, fault); err != nil {
				return nil, err
			}
			return o.open(ctx, info, body)
		}
		return out
	}
	out.run = func(ctx context.Context, info *awsproto.OperationInfo, body []byte) (answer, error) {
		if err := f.before(ctx, fault); err != nil {
			return nil, err
		}
		return o.run(ctx, info, body)
	}
	return out
}

// before makes what goes wrong before a call.
func (f *Faults) before(ctx context.Context, fault Fault) error {
	if f.draw(fault.Throttle) {
		return awsproto.Errorf(awsproto.CodeThrottling, "Rate exceeded")
	}
	if fault.Delay <= 0 {
		return nil
	}
	timer := time.NewTimer(fault.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
