package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
)

// Options configure a Service. DB and Catalog are required.
type Options struct {
	DB      *series.DB
	Catalog *catalog.DB
	Now     func() time.Time // nil means time.Now
}

// atOnce is how many calls of Data run at a time; others wait. Each may hold maxRead
// datapoints.
const atOnce = 4

// Service is safe for concurrent use.
type Service struct {
	o    Options
	busy chan struct{} // holds one for each call of Data that runs
}

// New returns a Service.
func New(o Options) (*Service, error) {
	if o.DB == nil || o.Catalog == nil {
		return nil, errors.New("metrics: DB and Catalog are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o, busy: make(chan struct{}, atOnce)}, nil
}

// Dimension is a name and value that a metric is identified by.
type Dimension = series.Dimension

// DimensionFilter demands a dimension, with a value unless Value is "".
type DimensionFilter = series.DimensionFilter

// Metric identifies a metric of a scope.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
}

// in returns the metric of a scope as the engine knows it, or an error about what is
// wrong with its dimensions; where is what they are called in the request.
func (m *Metric) in(scope logs.Scope, where string) (series.Metric, error) {
	out := series.Metric{Scope: scope, Namespace: m.Namespace, Name: m.Name}
	var err error
	out.Dimensions, err = sortDimensions(m.Dimensions, where)
	return out, err
}

func sortDimensions(dims []Dimension, where string) ([]Dimension, error) {
	if len(dims) == 0 {
		return nil, nil
	}
	out := slices.Clone(dims)
	slices.SortFunc(out, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(out); i++ {
		if out[i].Name == out[i-1].Name {
			return nil, invalid("The parameter %s must not hold the dimension name %s more than once.", where, out[i].Name)
		}
	}
	return out, nil
}

// Add adds points for other services of the server, which may use any namespace, together with
// the positions of consumers; see series.DB.Add for errors and what is atomic.
func (s *Service) Add(ctx context.Context, points []series.Point, reached map[string]uint64) error {
	return s.o.DB.Add(ctx, points, reached)
}

// Reached returns the position of a consumer, as of its last Add.
func (s *Service) Reached(consumer string) (lsn uint64, ok bool) { return s.o.DB.Reached(consumer) }

// units are the units that datapoints may have.
var units = strings.Fields(`Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits Gigabits Terabits
	Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second
	Gigabits/Second Terabits/Second Count/Second None`)

// noUnit is the unit of datapoints that were published without one.
const noUnit = "None"

func knownUnit(unit string) bool { return slices.Contains(units, unit) }

// engine turns errors of the engine into errors of this package.
func engine(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, series.ErrTooManySeries):
		return &Error{Kind: ErrTooManyMetrics, Message: "Too many metrics: " + err.Error() + ".", Cause: err}
	case errors.Is(err, series.ErrFull):
		return &Error{Kind: ErrUnavailable, Message: "There is no room for metrics at present.", Cause: err}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
