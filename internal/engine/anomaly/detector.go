package anomaly

// Detector finds what is unusual in the messages of a group. It belongs to one
// goroutine.
type Detector struct {
	book      Book
	evaluated int64
}

// Book returns the anomalies that were found. It belongs to the Detector.
func (d *Detector) Book() *Book { return &d.book }

// Evaluated returns the end of the newest evaluation in ms; 0: there was none.
func (d *Detector) Evaluated() int64        { return d.evaluated }

// Encode returns the state of the detector.
func (d *Detector) Encode() ([]byte, error) { return nil, nil }

// Decode returns the detector of a state.
func Decode(data []byte) (*Detector, error) { return &Detector{}, nil }
