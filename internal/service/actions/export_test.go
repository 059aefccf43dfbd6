package actions

import (
	"context"
	"time"
)

// Tune sets sizes for tests: messages that are looked at together, of one target in a row, and targets at a time.
func Tune(o *Options, list, batch, parallel int) {
	o.tune.list, o.tune.batch, o.tune.parallel = list, batch, parallel
	o.tune.trouble = time.Millisecond
}

// Stepper does what Run does, one look at a time.
type Stepper struct{ r runner }

// NewStepper returns a Stepper.
func NewStepper(s *Service) *Stepper {
	return &Stepper{runner{s: s, lanes: map[string]*lane{}, ended: make(chan *lane)}}
}

// Look begins what is due.
func (s *Stepper) Look(ctx context.Context) (time.Duration, error) { return s.r.look(ctx) }

// Settle waits for n targets that are sent to.
func (s *Stepper) Settle(n int) {
	for range n {
		s.r.end(<-s.r.ended)
	}
}

// Running returns how many targets are sent to.
func (s *Stepper) Running() int { return s.r.running }

// Decode reads the body of a message of the outbox.
var Decode = decode
