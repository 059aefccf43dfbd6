package anomaly

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
)

// Options are what a Detector is made with.
type Options struct {
	Period  time.Duration // of an evaluation; 1 min to 1 h
	Visible time.Duration // how long an anomaly is shown; then it is normal
	Seed    string        // tells the ids of detectors apart
	Memory  int           // bytes for patterns; 0: 16 MiB. With more of them less is told apart. Samples have a quarter as much
}

// Detector finds what is unusual in the messages of a group. It belongs to one
// goroutine.
type Detector struct {
	o       Options
	tracker *cluster.Tracker
	known   map[int32]*pattern
	added   uint // messages, since the Detector was made
	model
}

// model is what the Detector has learned, beside the patterns.
type model struct {
	All       rate    `json:"all"`    // all messages
	Client    rate    `json:"client"` // HTTP statuses 4xx
	Server    rate    `json:"server"` // and 5xx
	Statuses  rate    `json:"statuses"`
	Patterns  limiter `json:"newPatterns"`
	Severe    limiter `json:"newSevere"` // of priority High
	Values    limiter `json:"newValues"`
	Learned   int     `json:"learned"` // evaluations
	Trained   bool    `json:"trained,omitempty"`
	Evaluated int64   `json:"evaluated,omitempty"` // ms; end of the newest evaluation
	Forgot    int64   `json:"forgot,omitempty"`    // ms; when patterns were forgotten last
	Book      Book    `json:"book"`
}

// pattern is what is known of a pattern.
type pattern struct {
	Number int32  `json:"n"`
	Key    string `json:"key"`           // 32 hexadecimal digits
	First  int64  `json:"first"`         // ms; begin of the first evaluation that had it
	Last   int64  `json:"last"`          // and of the last one
	New    bool   `json:"new,omitempty"` // it is reported as new
	rate
}

const (
	defaultMemory = 16 << 20
	samplesShare  = 4    // the part of the memory that samples may take beside it
	lookAt        = 1024 // messages between two looks at the memory
)

// New returns a Detector that has learned nothing.
func New(o Options) *Detector {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	d := &Detector{o: o, tracker: cluster.NewTracker(cluster.Options{Shapes: 1024}), known: map[int32]*pattern{}}
	d.tracker.LimitSamples(o.Memory / samplesShare)
	return d
}

// Book returns the anomalies that were found. It belongs to the Detector.
func (d *Detector) Book() *Book { return &d.model.Book }

// Evaluated returns the end of the newest evaluation in ms since the Unix epoch;
// 0: there was none.
func (d *Detector) Evaluated() int64 { return d.model.Evaluated }

// Known returns how many patterns the Detector knows.
func (d *Detector) Known() int { return len(d.known) }

// SetVisible changes how long an anomaly is shown.
func (d *Detector) SetVisible(v time.Duration) { d.o.Visible = v }

// SetMemory changes how many bytes patterns may have.
func (d *Detector) SetMemory(bytes int) {
	d.o.Memory = bytes
	d.tracker.LimitSamples(bytes / samplesShare)
}

// PatternBytes returns about how much memory the patterns take that Options.Memory
// bounds: at the end of an evaluation, and within one twice as much.
func (d *Detector) PatternBytes() int { return d.tracker.PatternBytes() }

// Add counts a message in the open evaluation. at is its time in ms since the
// Unix epoch. The text is not kept.
func (d *Detector) Add(at int64, message []byte) {
	d.tracker.Add(at, message)
	if d.added++; d.added%lookAt == 0 {
		for d.tracker.PatternBytes()/2 > d.o.Memory && d.tracker.Shrink() {
		}
	}
}

// Learn ends the open evaluation, which began at start (ms), without a look for
// anomalies. What was not observed as a whole teaches only which patterns there are.
func (d *Detector) Learn(start int64, whole bool) { d.end(start, whole, false) }

// Trained says that from now on there are anomalies.
func (d *Detector) Trained() { d.model.Trained = true }

// Evaluate ends the open evaluation, which began at start (ms), and returns the
// anomalies that are new. What was not observed as a whole can have too many
// messages, not too few. The anomalies belong to the Book.
func (d *Detector) Evaluate(start int64, whole bool) []*Anomaly { return d.end(start, whole, true) }

// seen is a pattern in the evaluation that ends.
type seen struct {
	*cluster.Tracked
	p        *pattern
	expected float64
	fresh    bool // its first evaluation
}

func (d *Detector) end(start int64, whole, evaluate bool) []*Anomaly {
	e := evaluation{
		d: d, start: start, stop: start + d.o.Period.Milliseconds(), whole: whole,
		clock: clockAt(start, d.o.Period.Milliseconds()),
	}
	e.match(d.tracker.Window())
	e.expect()
	e.threshold = d.threshold(&e.clock)
	e.report = evaluate && d.model.Trained && float64(d.Learned) >= max(e.clock.perHour, 3)
	for i := range e.seen {
		e.rates(&e.seen[i])
	}
	e.news()
	e.values()
	e.statuses()
	e.flush()
	if whole {
		d.Learned++
		d.All.learn(e.clock, e.total, e.total)
	}
	d.tracker.Next()
	if evaluate {
		d.model.Evaluated = max(d.model.Evaluated, e.stop)
		d.model.Book.expire(e.stop, d.o.Visible)
	}
	d.tidy(e.stop)
	return e.found
}

// threshold is the surprise above which a count is unusual: chance exceeds it
// once in ten days.
func (d *Detector) threshold(c *clock) float64 {
	return math.Log(10 * hours * c.perHour * float64(max(len(d.known), 10)))
}

// stale is for how long a pattern is remembered that is not seen.
const stale = 35 * day

// tidy forgets old patterns once a day, and tells less apart when there are too
// many.
func (d *Detector) tidy(now int64) {
	if now-d.Forgot > day {
		d.Forgot = now
		gone := map[int32]bool{}
		for id, p := range d.known {
			if now-p.Last > stale {
				gone[id] = true
				delete(d.known, id)
			}
		}
		if len(gone) > 0 {
			d.tracker.Forget(func(id int32) bool { return gone[id] })
		}
	}
	for d.tracker.PatternBytes() > d.o.Memory && d.tracker.Shrink() {
	}
}

// ErrEncoding is wrapped by errors of Decode.
var ErrEncoding = errors.New("malformed anomaly detector")

func checkPeriod(p time.Duration) error {
	if p < time.Minute || p > time.Hour || p%time.Minute != 0 {
		return fmt.Errorf("%w: evaluations of %s", ErrEncoding, p)
	}
	return nil
}

// patterns returns what is known of patterns by number.
func (d *Detector) patterns() []*pattern {
	out := make([]*pattern, 0, len(d.known))
	for _, p := range d.known {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *pattern) int { return int(a.Number) - int(b.Number) })
	return out
}
