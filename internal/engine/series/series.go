package series

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// Errors of the package.
var (
	// ErrTooManySeries is wrapped by a *TooManySeriesError.
	ErrTooManySeries = errors.New("series: too many metrics")
	// ErrFull means that there is no room on the disk. Nothing was added; later
	// additions may succeed.
	ErrFull = errors.New("series: disk is full")
	// ErrInvalid means that a point breaks the contract of Point. Nothing was
	// added.
	ErrInvalid = errors.New("series: invalid point")
	// ErrTooLarge means that the points of one Add do not fit in a record of the
	// log (16 MiB). Nothing was added.
	ErrTooLarge = errors.New("series: too many points at once")
	// ErrVersion is returned for files of a version this program cannot read.
	ErrVersion = errors.New("series: unknown format version")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("series: store is closed")
)

// TooManySeriesError says which points of an Add would have made more series than
// allowed. Nothing was added; an Add without these points would not fail for
// this reason. It is ErrTooManySeries.
type TooManySeriesError struct {
	Metric    Metric // of the first point that was refused
	Limit     int    // how many series there may be
	PerMetric bool   // the limit is that of one metric name, not of all
	Refused   []int  // indexes of points, ascending
}

func (e *TooManySeriesError) Error() string {
	if e.PerMetric {
		return fmt.Sprintf("metric %s in %s has %d combinations of dimensions and units already", e.Metric.Name, e.Metric.Namespace, e.Limit)
	}
	return fmt.Sprintf("there are %d metrics already, counted by name, dimensions and unit", e.Limit)
}

// Is reports ErrTooManySeries.
func (e *TooManySeriesError) Is(target error) bool { return target == ErrTooManySeries }

// Dimension is a name and a value that a metric is identified by.
type Dimension struct{ Name, Value string }

// Metric identifies a metric.
type Metric struct {
	Scope           logs.Scope
	Namespace, Name string
	Dimensions      []Dimension // sorted by name, names are unique; at most MaxDimensions
}

// MaxDimensions bounds the dimensions of a metric.
const MaxDimensions = 30

// maxNameBytes bounds each string of a metric, a unit and the name of a consumer.
const maxNameBytes = 4096

// Point is what is added to one bucket of a metric. No string holds a NUL; all but
// Unit are at least one byte.
type Point struct {
	Metric Metric
	Unit   string // "" is a unit of its own
	// Timestamp is in ms since 1970. The point goes to the minute it is in, and with
	// HighResolution to the second too.
	Timestamp      int64
	HighResolution bool
	// Count is in (0, MaxCount]; Min <= Max, all finite.
	Count, Sum, Min, Max float64
	// Values are the values the set is made of, each Counts[i] > 0 times, or once
	// each when Counts is nil; Count, Sum, Min and Max are theirs. Nil: only the
	// set is known, and there are no percentiles unless Min == Max.
	Values, Counts []float64
}

// MaxCount bounds Count of a Point.
const MaxCount = 1e290

// maxValues bounds Values of a Point.
const maxValues = 1 << 16

// maxTimestamp is the last moment that a point may have: the year 9999.
const maxTimestamp = 253402300799999

func (p *Point) check() error {
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	switch {
	case p.Timestamp < 0 || p.Timestamp > maxTimestamp:
		return fmt.Errorf("%w: timestamp %d is out of range", ErrInvalid, p.Timestamp)
	case !(p.Count > 0 && p.Count <= MaxCount) || !finite(p.Sum) || !finite(p.Min) || !finite(p.Max) || p.Min > p.Max:
		return fmt.Errorf("%w: count %v, sum %v, least %v, greatest %v", ErrInvalid, p.Count, p.Sum, p.Min, p.Max)
	case len(p.Values) > maxValues || p.Counts != nil && len(p.Counts) != len(p.Values):
		return fmt.Errorf("%w: %d values and %d counts", ErrInvalid, len(p.Values), len(p.Counts))
	}
	if p.Values == nil {
		return nil
	}
	total := 0.0
	for i, v := range p.Values {
		n := 1.0
		if p.Counts != nil {
			n = p.Counts[i]
		}
		if !(v >= p.Min && v <= p.Max) || !(n > 0) {
			return fmt.Errorf("%w: value %d does not belong to the set", ErrInvalid, i)
		}
		total += n
	}
	if !(math.Abs(total-p.Count) <= 1e-6*p.Count) {
		return fmt.Errorf("%w: count of %v and %v values", ErrInvalid, p.Count, total)
	}
	return nil
}

// Value returns the point of a single value.
func Value(m Metric, unit string, timestamp int64, v float64) Point {
	return Point{Metric: m, Unit: unit, Timestamp: timestamp, Count: 1, Sum: v, Min: v, Max: v}
}

// Options configure a DB. FS and Dir are required.
type Options struct {
	// FS and Dir hold the store; Dir is made when missing. Whoever opens it has made sure
	// that no other process uses Dir.
	FS  vfs.FS
	Dir string
	// Memory bounds the memtables, and MaxSeries when that is 0; 0 means
	// DefaultMemory. Add flushes above it.
	Memory int64
	// MaxSeries bounds the series (metric and unit); 0 means Memory / 512. One
	// metric name may have a quarter of it. All names of all series may take Memory bytes.
	MaxSeries int
	// Salvage makes Open put what is damaged aside and go on without it, instead of
	// reporting it.
	Salvage bool
	// Now is the clock of retention; nil means time.Now.
	Now func() time.Time
	// Logger may be nil.
	Logger *slog.Logger
	// Manual leaves flushes and merges to calls of Flush and Maintain.
	Manual bool

	logFile int64 // size of a file of the log; 0: defaultLogFile
}

// DefaultMemory is the default of Options.Memory.
const DefaultMemory = 64 << 20

// Bounds of Options.
const (
	minMemory = 1 << 20
	maxMemory = 1 << 30
	maxSeries = 1 << 20
)

func (o *Options) ensureDefaults() error {
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	o.Memory = min(max(o.Memory, minMemory), maxMemory)
	if o.MaxSeries == 0 {
		o.MaxSeries = int(min(o.Memory/512, maxSeries))
	}
	if o.logFile == 0 {
		o.logFile = defaultLogFile
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case o.FS == nil || o.Dir == "":
		return errors.New("series: FS and Dir are required")
	case o.MaxSeries < 0 || o.MaxSeries > maxSeries:
		return fmt.Errorf("series: limit of %d series is out of range", o.MaxSeries)
	}
	return nil
}

// perMetric is how many series one metric name may have.
func (o *Options) perMetric() int { return max(o.MaxSeries/4, 1) }
