package series

import (
	"fmt"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// The key of a metric is its strings, each followed by a NUL: account, region,
// namespace, name, and name and value of each dimension. So keys sort by those,
// and all metrics of a name share a prefix. The key of a series is that of its
// metric, a NUL (no dimension has an empty name) and the unit.

// appendMetricKey appends the key of m, and returns where its name ends.
func appendMetricKey(b []byte, m *Metric) (key []byte, name int, err error) {
	if len(m.Dimensions) > MaxDimensions {
		return b, 0, fmt.Errorf("%w: %d dimensions", ErrInvalid, len(m.Dimensions))
	}
	start := len(b)
	for _, s := range [...]string{m.Scope.Account, m.Scope.Region, m.Namespace, m.Name} {
		if b, err = appendPart(b, s); err != nil {
			return b, 0, err
		}
	}
	name = len(b) - start
	for i := range m.Dimensions {
		d := &m.Dimensions[i]
		if i > 0 && m.Dimensions[i-1].Name >= d.Name {
			return b, 0, fmt.Errorf("%w: dimensions are not sorted and unique", ErrInvalid)
		}
		if b, err = appendPart(b, d.Name); err != nil {
			return b, 0, err
		}
		if b, err = appendPart(b, d.Value); err != nil {
			return b, 0, err
		}
	}
	return b, name, nil
}

func appendPart(b []byte, s string) ([]byte, error) {
	if s == "" || len(s) > maxNameBytes || strings.IndexByte(s, 0) >= 0 {
		return b, fmt.Errorf("%w: name of %d bytes, empty or with a NUL", ErrInvalid, len(s))
	}
	return append(append(b, s...), 0), nil
}

func checkUnit(unit string) error {
	if len(unit) > maxNameBytes || strings.IndexByte(unit, 0) >= 0 {
		return fmt.Errorf("%w: unit of %d bytes", ErrInvalid, len(unit))
	}
	return nil
}

// Check reports what Add refuses in a point, whatever else is added: nil or an ErrInvalid.
func (p *Point) Check() error {
	if err := p.check(); err != nil {
		return err
	}
	if _, _, err := appendMetricKey(nil, &p.Metric); err != nil {
		return err
	}
	return checkUnit(p.Unit)
}

// splitKey takes a key of a series apart: where the metric's key and its name end,
// and the unit. The strings of m are parts of key.
func splitKey(key string) (m Metric, metric, name int, unit string, err error) {
	bad := func() (Metric, int, int, string, error) {
		return Metric{}, 0, 0, "", fmt.Errorf("key %.64q: %w", key, errFormat)
	}
	at := 0
	next := func() (string, bool) {
		n := strings.IndexByte(key[at:], 0)
		if n < 0 || n > maxNameBytes {
			return "", false
		}
		s := key[at : at+n]
		at += n + 1
		return s, true
	}
	var head [4]string
	for i := range head {
		s, ok := next()
		if !ok || s == "" {
			return bad()
		}
		head[i] = s
	}
	m = Metric{Scope: logs.Scope{Account: head[0], Region: head[1]}, Namespace: head[2], Name: head[3]}
	name = at
	for {
		s, ok := next()
		if !ok {
			return bad()
		}
		if s == "" {
			break
		}
		v, ok := next()
		n := len(m.Dimensions)
		if !ok || v == "" || n == MaxDimensions || n > 0 && m.Dimensions[n-1].Name >= s {
			return bad()
		}
		m.Dimensions = append(m.Dimensions, Dimension{Name: s, Value: v})
	}
	unit = key[at:]
	if checkUnit(unit) != nil {
		return bad()
	}
	return m, at - 1, name, unit, nil
}

// maxKeyBytes bounds a key of a series.
const maxKeyBytes = (4+2*MaxDimensions)*(maxNameBytes+1) + 1 + maxNameBytes
