package metricfilters

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/series"
)

// Limits of an event in the embedded metric format. Those from maxEMFSets on are ours.
const (
	maxEMFDimensions = 30  // of a set
	maxEMFMetrics    = 100 // of a directive
	maxEMFValues     = 100 // of a metric
	maxEMFName       = 1_024
	maxEMFSets       = 100     // of a directive
	maxEMFPoints     = 10_000  // metrics of an event, times the sets they have
	maxEMFMembers    = 10_000  // of the event
	maxEMFBytes      = 8 << 20 // of the names and dimensions of its metrics, written out
)

// How far the timestamp of an event may be from the time at which it came.
const (
	emfPast   = 14 * 24 * 60 * minute
	emfFuture = 2 * 60 * minute
)

// emfResult is what became of an event.
type emfResult uint8

const (
	emfNone       emfResult = iota // it is no embedded metric
	emfMetrics                     // it has metrics
	emfUnparsable                  // it looks like one and is no JSON
	emfInvalid                     // it breaks a rule; none of its metrics are published
)

// emfReader reads events in the embedded metric format. What it returns is valid until the
// next event. It is used by one goroutine.
type emfReader struct {
	time       int64
	directives []emfDirective
	metrics    []emfMetric
	sets       [][2]int // ranges of dims
	dims       []emfDimension
	values     []float64

	members []emfMember
	byName  map[string]int // of members, when they are many
	points  int
	bytes   int
	names   []byte // memory for names with escapes
}

type emfDirective struct {
	namespace     []byte
	metrics, sets [2]int
}

type emfMetric struct {
	name, unit []byte
	high       bool
	values     [2]int
}

type emfDimension struct{ name, value []byte }

type emfMember struct{ name, value []byte }

var (
	emfMark       = []byte(`"_aws"`)
	emfDirectives = []byte("CloudWatchMetrics")
)

// mayBeEMF reports whether a message can be in the embedded metric format. The name of
// its first member is to be written without escapes.
func mayBeEMF(m []byte) bool {
	for i, c := range m {
		if c == '{' {
			return bytes.Contains(m[i:], emfMark)
		}
		if c > ' ' {
			return false
		}
	}
	return false
}

// read reads an event that came at a time in ms.
func (r *emfReader) read(m []byte, came int64) emfResult {
	r.directives, r.metrics, r.sets, r.dims, r.values = r.directives[:0], r.metrics[:0], r.sets[:0], r.dims[:0], r.values[:0]
	r.members, r.byName, r.points, r.bytes, r.names = r.members[:0], nil, 0, 0, r.names[:0]
	object := jsontext.Trim(m)
	if object == nil {
		if bytes.Contains(m, emfDirectives) {
			return emfUnparsable
		}
		return emfNone
	}
	var meta []byte
	tooMany := false
	for it := jsontext.Of(object); it.Next(); {
		if string(it.Key) == "_aws" {
			meta = it.Value
			continue
		}
		if len(r.members) == maxEMFMembers {
			tooMany = true
			continue
		}
		r.members = append(r.members, emfMember{r.unescaped(it.Key), it.Value})
	}
	var at, list []byte
	for it := jsontext.Of(meta); it.Next() && !it.Array(); {
		switch string(it.Key) {
		case "Timestamp":
			at = it.Value
		case "CloudWatchMetrics":
			list = it.Value
		}
	}
	if list == nil {
		return emfNone
	}
	ms, err := strconv.ParseInt(string(at), 10, 64)
	if err != nil || ms < came-emfPast || ms > came+emfFuture || tooMany || list[0] != '[' {
		return emfInvalid
	}
	r.time = ms
	for it := jsontext.Of(list); it.Next(); {
		if !r.directive(it.Value) {
			return emfInvalid
		}
	}
	return emfMetrics
}

// directive reads one element of CloudWatchMetrics.
func (r *emfReader) directive(b []byte) bool {
	if b[0] != '{' {
		return false
	}
	d := emfDirective{}
	var sets, metrics []byte
	for it := jsontext.Of(b); it.Next(); {
		switch string(it.Key) {
		case "Namespace":
			d.namespace = r.text(it.Value)
		case "Dimensions":
			sets = it.Value
		case "Metrics":
			metrics = it.Value
		}
	}
	if !validEMFName(d.namespace) || bytes.HasPrefix(d.namespace, []byte(reserved)) || !isArray(sets) || !isArray(metrics) {
		return false
	}
	d.sets[0], d.metrics[0] = len(r.sets), len(r.metrics)
	for it := jsontext.Of(sets); it.Next(); {
		if it.Index == maxEMFSets || !r.set(it.Value) {
			return false
		}
	}
	if len(r.sets) == d.sets[0] { // without any set the metrics have no dimensions
		r.sets = append(r.sets, [2]int{len(r.dims), len(r.dims)})
	}
	d.sets[1] = len(r.sets)
	for it := jsontext.Of(metrics); it.Next(); {
		if it.Index == maxEMFMetrics || !r.metric(it.Value) {
			return false
		}
	}
	d.metrics[1] = len(r.metrics)
	if r.points += (d.sets[1] - d.sets[0]) * (d.metrics[1] - d.metrics[0]); r.points > maxEMFPoints || !r.fits(&d) {
		return false
	}
	r.directives = append(r.directives, d)
	return true
}

// fits counts the bytes that the datapoints of a directive take, and reports whether the event stays
// within its bound.
func (r *emfReader) fits(d *emfDirective) bool {
	dims, names := 0, 0
	for _, s := range r.sets[d.sets[0]:d.sets[1]] {
		for _, x := range r.dims[s[0]:s[1]] {
			dims += len(x.name) + len(x.value)
		}
	}
	for _, m := range r.metrics[d.metrics[0]:d.metrics[1]] {
		names += len(m.name) + len(d.namespace) + 64 + 16*(m.values[1]-m.values[0])
	}
	r.bytes += dims*(d.metrics[1]-d.metrics[0]) + names*(d.sets[1]-d.sets[0])
	return r.bytes <= maxEMFBytes
}

func isArray(b []byte) bool { return len(b) > 0 && b[0] == '[' }

// set reads a set of dimensions, which are names of members.
func (r *emfReader) set(b []byte) bool {
	if !isArray(b) {
		return false
	}
	from := len(r.dims)
	for it := jsontext.Of(b); it.Next(); {
		name := r.text(it.Value)
		if it.Index == maxEMFDimensions || name == nil || !validName(string(name)) {
			return false
		}
		v, ok := r.member(name)
		if !ok {
			return false
		}
		value := r.text(v)
		if value == nil || !validValue(value) {
			return false
		}
		at := len(r.dims)
		for at > from && bytes.Compare(r.dims[at-1].name, name) > 0 {
			at--
		}
		if at > from && bytes.Equal(r.dims[at-1].name, name) {
			return false // named twice
		}
		r.dims = slices.Insert(r.dims, at, emfDimension{name, value})
	}
	r.sets = append(r.sets, [2]int{from, len(r.dims)})
	return true
}

// metric reads a definition and the values of the member that it names.
func (r *emfReader) metric(b []byte) bool {
	if b[0] != '{' {
		return false
	}
	m := emfMetric{unit: []byte(noUnit)}
	for it := jsontext.Of(b); it.Next(); {
		switch string(it.Key) {
		case "Name":
			m.name = r.text(it.Value)
		case "Unit":
			if m.unit = r.text(it.Value); !validUnit(m.unit) {
				return false
			}
		case "StorageResolution":
			switch string(it.Value) {
			case "1":
				m.high = true
			case "60":
			default:
				return false
			}
		}
	}
	if !validEMFName(m.name) {
		return false
	}
	v, ok := r.member(m.name)
	if !ok {
		return false
	}
	m.values[0] = len(r.values)
	if isArray(v) {
		for it := jsontext.Of(v); it.Next(); {
			if it.Index == maxEMFValues || !r.number(it.Value) {
				return false
			}
		}
	} else if !r.number(v) {
		return false
	}
	m.values[1] = len(r.values)
	r.metrics = append(r.metrics, m)
	return true
}

func (r *emfReader) number(b []byte) bool {
	if c := b[0]; c != '-' && (c < '0' || c > '9') {
		return false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(v) > maxValue {
		return false
	}
	r.values = append(r.values, v)
	return true
}

// member returns the value of a member of the event; the last of a name counts.
func (r *emfReader) member(name []byte) (value []byte, ok bool) {
	const few = 32
	if len(r.members) <= few {
		for i := len(r.members) - 1; i >= 0; i-- {
			if bytes.Equal(r.members[i].name, name) {
				return r.members[i].value, true
			}
		}
		return nil, false
	}
	if r.byName == nil {
		r.byName = make(map[string]int, len(r.members))
		for i := range r.members {
			r.byName[string(r.members[i].name)] = i
		}
	}
	i, ok := r.byName[string(name)]
	if !ok {
		return nil, false
	}
	return r.members[i].value, true
}

// text returns the content of a JSON string, nil for another value.
func (r *emfReader) text(b []byte) []byte {
	if len(b) < 2 || b[0] != '"' {
		return nil
	}
	return r.unescaped(b[1 : len(b)-1])
}

func (r *emfReader) unescaped(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	// What was unescaped before stays where it is when names grows into new memory.
	from := len(r.names)
	r.names = column.AppendUnescaped(r.names, b)
	return r.names[from:len(r.names):len(r.names)]
}

// validEMFName reports whether a text can be the name of a metric or a namespace.
func validEMFName(b []byte) bool {
	return len(b) > 0 && utf8.Valid(b) && utf8.RuneCount(b) <= maxEMFName && bytes.IndexByte(b, 0) < 0
}

var units = map[string]bool{
	"Seconds": true, "Microseconds": true, "Milliseconds": true, "Percent": true, "Count": true, "Count/Second": true, noUnit: true,
	"Bytes": true, "Kilobytes": true, "Megabytes": true, "Gigabytes": true, "Terabytes": true,
	"Bits": true, "Kilobits": true, "Megabits": true, "Gigabits": true, "Terabits": true,
	"Bytes/Second": true, "Kilobytes/Second": true, "Megabytes/Second": true, "Gigabytes/Second": true, "Terabytes/Second": true,
	"Bits/Second": true, "Kilobits/Second": true, "Megabits/Second": true, "Gigabits/Second": true, "Terabits/Second": true,
}

func validUnit(b []byte) bool { return units[string(b)] }

// embedded counts the metrics of an event of the group in hand that came at a time.
func (c *consumer) embedded(m []byte, came int64) {
	r := &c.emf
	switch r.read(m, came) {
	case emfNone:
		return
	case emfUnparsable:
		c.put(c.ofGroup("EMFParsingErrors"), came, 1, 1)
		return
	case emfInvalid:
		c.put(c.ofGroup("EMFValidationErrors"), came, 1, 1)
		return
	}
	if c.size+r.bytes > maxPass { // what filters made of the event leaves no room
		c.drop(r.points, errTooLarge)
		return
	}
	for _, d := range r.directives {
		for _, s := range r.sets[d.sets[0]:d.sets[1]] {
			for i := range r.metrics[d.metrics[0]:d.metrics[1]] {
				e := &r.metrics[d.metrics[0]+i]
				if e.values[0] == e.values[1] {
					continue
				}
				t := c.embeddedTarget(d.namespace, e, r.dims[s[0]:s[1]])
				for _, v := range r.values[e.values[0]:e.values[1]] {
					c.put(t, r.time, v, 1)
				}
			}
		}
	}
}

// embeddedTarget returns the target of a metric of the event in hand.
func (c *consumer) embeddedTarget(namespace []byte, m *emfMetric, dims []emfDimension) *target {
	part := func(b []byte) {
		c.key = strconv.AppendInt(c.key, int64(len(b)), 10)
		c.key = append(append(c.key, ':'), b...)
	}
	c.key = append(c.key[:0], "emf\x00"...)
	c.key = append(append(append(append(c.key, c.w.scope.Account...), 0), c.w.scope.Region...), 0)
	part(namespace)
	part(m.name)
	part(m.unit)
	c.key = strconv.AppendBool(c.key, m.high)
	for _, d := range dims {
		part(d.name)
		part(d.value)
	}
	if t := c.targets[string(c.key)]; t != nil {
		return t
	}
	t := &target{metric: series.Metric{Scope: c.w.scope, Namespace: string(namespace), Name: string(m.name)}, unit: string(m.unit), high: m.high}
	for _, d := range dims {
		t.metric.Dimensions = append(t.metric.Dimensions, series.Dimension{Name: string(d.name), Value: string(bytes.ToValidUTF8(d.value, []byte("\uFFFD")))})
	}
	c.targets[string(c.key)] = t
	return t
}

// ofGroup returns a metric of the service for the group in hand.
func (c *consumer) ofGroup(name string) *target {
	c.key = append(append(append(strconv.AppendInt(append(c.key[:0], "group\x00"...), int64(c.w.id), 10), 0), name...), 0)
	t := c.targets[string(c.key)]
	if t == nil {
		t = &target{metric: vended(c.w.scope, name, c.w.name), unit: noUnit}
		c.targets[string(c.key)] = t
	}
	return t
}
