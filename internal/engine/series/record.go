package series

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// recordAdd is the type of the records of Add in the log.
const recordAdd = 1

// recordVersion is the first byte of a record.
const recordVersion = 1

// maxReached bounds the consumers of a record and of a manifest.
const maxReached = 1 << 16

// Flags of a point in a record.
const (
	pointHighResolution = 1 << iota
	pointSingle         // Count is 1 and Sum, Min and Max are the value that follows
	pointValues         // Values follow
	pointCounts         // and Counts
)

// batch is what an Add does to the memtable.
type batch struct {
	series  []*series // of each point
	points  []Point   // without Metric and Unit when they come from a record
	reached map[string]uint64
}

// appendRecord encodes a batch.
func appendRecord(b []byte, t *batch) []byte {
	b = append(b, recordVersion)
	consumers := make([]string, 0, len(t.reached))
	for c := range t.reached {
		consumers = append(consumers, c)
	}
	slices.Sort(consumers)
	b = binary.AppendUvarint(b, uint64(len(consumers)))
	for _, c := range consumers {
		b = binary.AppendUvarint(appendBytes(b, c), t.reached[c])
	}
	numbers := make(map[*series]uint64, min(len(t.points), 1024))
	var keys []*series
	refs := make([]uint64, len(t.points))
	for i, s := range t.series {
		n, ok := numbers[s]
		if !ok {
			n = uint64(len(keys))
			numbers[s] = n
			keys = append(keys, s)
		}
		refs[i] = n
	}
	b = binary.AppendUvarint(b, uint64(len(keys)))
	for _, s := range keys {
		b = appendBytes(b, s.key)
	}
	b = binary.AppendUvarint(b, uint64(len(t.points)))
	previous := int64(0)
	for i := range t.points {
		p := &t.points[i]
		b = binary.AppendUvarint(b, refs[i])
		b = p.append(b, previous)
		previous = p.Timestamp
	}
	return b
}

// append encodes a point but for its series.
func (p *Point) append(b []byte, previous int64) []byte {
	flags := byte(0)
	if p.HighResolution {
		flags |= pointHighResolution
	}
	if p.Count == 1 && p.Sum == p.Min && p.Min == p.Max {
		flags |= pointSingle
	} else if p.Values != nil {
		flags |= pointValues
		if p.Counts != nil {
			flags |= pointCounts
		}
	}
	b = append(b, flags)
	b = binary.AppendVarint(b, p.Timestamp-previous)
	if flags&pointSingle != 0 {
		return appendFloat(b, p.Sum)
	}
	for _, f := range [...]float64{p.Count, p.Sum, p.Min, p.Max} {
		b = appendFloat(b, f)
	}
	if flags&pointValues != 0 {
		b = binary.AppendUvarint(b, uint64(len(p.Values)))
		for _, v := range p.Values {
			b = appendFloat(b, v)
		}
		for _, v := range p.Counts {
			b = appendFloat(b, v)
		}
	}
	return b
}

func (p *Point) decode(d *decoder, previous int64) {
	flags := d.byte()
	p.HighResolution = flags&pointHighResolution != 0
	p.Timestamp = previous + d.varint()
	if flags&pointSingle != 0 {
		v := d.float()
		p.Count, p.Sum, p.Min, p.Max = 1, v, v, v
	} else {
		p.Count, p.Sum, p.Min, p.Max = d.float(), d.float(), d.float(), d.float()
	}
	if flags&pointValues != 0 {
		p.Values = make([]float64, d.count(maxValues, 1))
		for i := range p.Values {
			p.Values[i] = d.float()
		}
		if flags&pointCounts != 0 {
			p.Counts = make([]float64, len(p.Values))
			for i := range p.Counts {
				p.Counts[i] = d.float()
			}
		}
	}
	known := byte(pointHighResolution | pointSingle | pointValues | pointCounts)
	if flags&^known != 0 || flags&pointSingle != 0 && flags&pointValues != 0 || flags&pointCounts != 0 && flags&pointValues == 0 {
		d.fail()
	}
}

// record is a decoded record: the key of a point is keys[refs[i]].
type record struct {
	reached map[string]uint64
	keys    []string
	refs    []int
	points  []Point
}

// decodeRecord reads what appendRecord wrote.
func decodeRecord(b []byte) (*record, error) {
	d := &decoder{b: b}
	if v := d.byte(); v != recordVersion {
		return nil, fmt.Errorf("record of version %d: %w", v, errFormat)
	}
	r := &record{}
	if n := d.count(maxReached, 2); n > 0 {
		r.reached = make(map[string]uint64, n)
		for range n {
			name := string(d.bytes(maxNameBytes))
			r.reached[name] = d.uvarint()
		}
	}
	for range d.count(maxSeries, 1) {
		r.keys = append(r.keys, string(d.bytes(maxKeyBytes)))
	}
	n := d.count(len(b), 4)
	r.refs, r.points = make([]int, 0, n), make([]Point, 0, n)
	previous := int64(0)
	for range n {
		ref := d.uvarint()
		var p Point
		p.decode(d, previous)
		if d.bad || ref >= uint64(len(r.keys)) {
			return nil, fmt.Errorf("point of a record: %w", errFormat)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("point of a record: %w: %w", errFormat, err)
		}
		previous = p.Timestamp
		r.refs = append(r.refs, int(ref))
		r.points = append(r.points, p)
	}
	if !d.done() {
		return nil, fmt.Errorf("record: %w", errFormat)
	}
	return r, nil
}
