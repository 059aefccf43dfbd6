package series

import (
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/logs"
)

// DimensionFilter demands a dimension, with a value unless Value is "".
type DimensionFilter struct{ Name, Value string }

// ListQuery selects metrics.
type ListQuery struct {
	Scope      logs.Scope
	Namespace  string // "": all
	Name       string // "": all
	Dimensions []DimensionFilter
	// Since leaves metrics out whose newest point is older, in ms since 1970.
	Since int64
	// After is where the page before ended: what List returned for it.
	After string
	Limit int // 0: all
}

// List returns metrics by namespace, name and dimensions in byte order. next is ""
// at the end, and else the After of the next page. The metrics are the caller's.
func (db *DB) List(q ListQuery) (metrics []Metric, next string) {
	prefix := q.Scope.Account + "\x00" + q.Scope.Region + "\x00"
	if q.Namespace != "" {
		prefix += q.Namespace + "\x00"
		if q.Name != "" {
			prefix += q.Name + "\x00"
		}
	}
	all := db.byKey()
	db.mu.RLock() // for the units
	defer db.mu.RUnlock()
	at, _ := slices.BinarySearchFunc(all, max(prefix, q.After), func(m *metric, key string) int { return strings.Compare(m.key, key) })
	for _, m := range all[at:] {
		if !strings.HasPrefix(m.key, prefix) {
			break
		}
		if m.key == q.After || !m.since(q.Since) {
			continue
		}
		found, _, _, _, err := splitKey(m.key + "\x00")
		if err != nil || !q.accepts(&found) { // a key of the registry always splits
			continue
		}
		if q.Limit > 0 && len(metrics) == q.Limit {
			return metrics, next
		}
		metrics = append(metrics, found)
		next = m.key
	}
	return metrics, ""
}

func (m *metric) since(t int64) bool {
	return slices.ContainsFunc(m.units, func(s *series) bool { return s.newest >= t && s.newest > 0 })
}

func (q *ListQuery) accepts(m *Metric) bool {
	if q.Name != "" && m.Name != q.Name {
		return false
	}
	for _, f := range q.Dimensions {
		if !slices.ContainsFunc(m.Dimensions, func(d Dimension) bool {
			return d.Name == f.Name && (f.Value == "" || d.Value == f.Value)
		}) {
			return false
		}
	}
	return true
}

// Units returns the units that a metric has datapoints in, sorted; none when it is
// not known.
func (db *DB) Units(m Metric) ([]string, error) {
	key, _, err := appendMetricKey(make([]byte, 0, 256), &m)
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	known := db.metrics[string(key)]
	if known == nil {
		return nil, nil
	}
	units := make([]string, 0, len(known.units))
	for _, s := range known.units {
		units = append(units, s.unit())
	}
	slices.Sort(units)
	return units, nil
}
