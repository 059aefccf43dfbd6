package anomaly

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
)

// file is the state of a Detector.
type file struct {
	Period  int64      `json:"period"`  // ms
	Visible int64      `json:"visible"` // ms
	Seed    string     `json:"seed"`
	Memory  int        `json:"memory"`
	Model   model      `json:"model"`
	Known   []*pattern `json:"known"`
	Tracker []byte     `json:"tracker"`
}

// Encode returns the state of the Detector, the open evaluation included.
func (d *Detector) Encode() ([]byte, error) {
	return json.Marshal(&file{
		Period: d.o.Period.Milliseconds(), Visible: d.o.Visible.Milliseconds(), Seed: d.o.Seed, Memory: d.o.Memory,
		Model: d.model, Known: d.patterns(), Tracker: d.tracker.Append(nil),
	})
}

// Decode returns the Detector of a state. Errors wrap ErrEncoding.
func Decode(data []byte) (*Detector, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var f file
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	const most = int64(math.MaxInt64 / time.Millisecond)
	if f.Period > most || f.Visible > most || f.Visible < 0 || f.Memory < 0 {
		return nil, fmt.Errorf("%w: times", ErrEncoding)
	}
	d := New(Options{Period: time.Duration(f.Period) * time.Millisecond, Visible: time.Duration(f.Visible) * time.Millisecond, Seed: f.Seed, Memory: f.Memory})
	if err := checkPeriod(d.o.Period); err != nil {
		return nil, err
	}
	var err error
	if d.tracker, err = cluster.DecodeTracker(f.Tracker); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	d.tracker.LimitSamples(d.o.Memory / samplesShare)
	d.model = f.Model
	for _, p := range f.Known {
		if p == nil || d.known[p.Number] != nil {
			return nil, fmt.Errorf("%w: patterns", ErrEncoding)
		}
		d.known[p.Number] = p
	}
	for _, a := range d.model.Book.Anomalies {
		if a == nil {
			return nil, fmt.Errorf("%w: anomalies", ErrEncoding)
		}
	}
	return d, nil
}
