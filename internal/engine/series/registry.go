package series

import (
	"bytes"
	"slices"
	"strings"
)

// registry knows all series. DB.mu guards it.
type registry struct {
	metrics map[string]*metric // by key
	names   map[string]int     // series of a metric name, by the key up to the name
	byID    []*series          // nil: the id is free
	free    []uint32
	count   int   // series
	bytes   int64 // of all keys, with what else a series takes

	generation int // of the set of metrics
	sorted     []*metric
	sortedAt   int // the generation that sorted is of; sorted is not changed, only replaced
}

// metric is a metric with the series of its units.
type metric struct {
	key   string
	name  int // where the name ends in key
	units []*series
}

// series is what is stored of a metric and unit.
type series struct {
	key    string // of the series: that of the metric is a part
	id     uint32
	metric *metric
	uses   int   // files and memtables it is in, and points that are being added
	newest int64 // timestamp of the newest point, to the bucket when it is from a file
}

func (s *series) unit() string { return s.key[len(s.metric.key)+1:] }

const seriesBytes = 320 // of series, metric and their places in maps, without the key

func newRegistry() registry {
	return registry{metrics: map[string]*metric{}, names: map[string]int{}}
}

// find returns the series of a metric's key and a unit, or nil.
func (r *registry) find(metricKey []byte, unit string) *series {
	m := r.metrics[string(metricKey)]
	if m == nil {
		return nil
	}
	for _, s := range m.units {
		if s.unit() == unit {
			return s
		}
	}
	return nil
}

// known returns the series of a key, or nil.
func (r *registry) known(key []byte) *series {
	// No string but the unit is empty, so the first two NULs in a row end the dimensions.
	end := bytes.Index(key, []byte{0, 0}) + 1
	m := r.metrics[string(key[:end])]
	if m == nil {
		return nil
	}
	for _, s := range m.units {
		if s.unit() == string(key[end+1:]) {
			return s
		}
	}
	return nil
}

// create makes the series of a key that is not there yet.
func (r *registry) create(key string, metricEnd, name int) *series {
	m := r.metrics[key[:metricEnd]]
	if m == nil {
		m = &metric{key: key[:metricEnd], name: name}
		r.metrics[m.key] = m
		r.generation++
	}
	s := &series{key: key, metric: m}
	if n := len(r.free); n > 0 {
		s.id = r.free[n-1]
		r.free = r.free[:n-1]
		r.byID[s.id] = s
	} else {
		s.id = uint32(len(r.byID))
		r.byID = append(r.byID, s)
	}
	m.units = append(m.units, s)
	r.names[key[:name]]++
	r.count++
	r.bytes += int64(len(key)) + seriesBytes
	return s
}

// remove forgets a series that nothing uses.
func (r *registry) remove(s *series) {
	r.byID[s.id] = nil
	r.free = append(r.free, s.id)
	r.count--
	r.bytes -= int64(len(s.key)) + seriesBytes
	name := s.key[:s.metric.name]
	if r.names[name]--; r.names[name] == 0 {
		delete(r.names, name)
	}
	s.metric.units = slices.DeleteFunc(s.metric.units, func(u *series) bool { return u == s })
	if len(s.metric.units) == 0 {
		delete(r.metrics, s.metric.key)
		r.generation++
	}
}

// unuse takes one use of each series back; nil ones are left out.
func (r *registry) unuse(all []*series) {
	for _, s := range all {
		if s == nil {
			continue
		}
		if s.uses--; s.uses == 0 {
			r.remove(s)
		}
	}
}

// seriesOf returns the series of a key that was read from disk, and makes it, without regard
// to limits, when it is missing.
func (r *registry) seriesOf(key string) (*series, error) {
	_, metricEnd, name, unit, err := splitKey(key)
	if err != nil {
		return nil, err
	}
	if m := r.metrics[key[:metricEnd]]; m != nil {
		for _, s := range m.units {
			if s.unit() == unit {
				return s, nil
			}
		}
	}
	return r.create(key, metricEnd, name), nil
}

// byKey returns the metrics sorted by key. It does not sort under the lock; a metric of the result may have
// been removed since, and has no units then.
func (db *DB) byKey() []*metric {
	db.mu.RLock()
	all, generation := db.sorted, db.generation
	if db.sortedAt != generation {
		all = make([]*metric, 0, len(db.metrics))
		for _, m := range db.metrics {
			all = append(all, m)
		}
	}
	fresh := db.sortedAt == generation
	db.mu.RUnlock()
	if fresh {
		return all
	}
	slices.SortFunc(all, func(a, b *metric) int { return strings.Compare(a.key, b.key) })
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.generation == generation {
		db.sorted, db.sortedAt = all, generation
	}
	return all
}

// resolve finds the series of the points of a batch, makes those that are missing
// and notes one use for each point. On an error nothing has changed.
func (db *DB) resolve(b *batch) error {
	b.series = make([]*series, len(b.points))
	var tooMany *TooManySeriesError
	var err error
	key := make([]byte, 0, 256)
	db.mu.Lock()
	defer db.mu.Unlock()
	for i := range b.points {
		p := &b.points[i]
		name := 0
		if key, name, err = appendMetricKey(key[:0], &p.Metric); err != nil {
			break
		}
		s := db.find(key, p.Unit)
		if s == nil {
			if err = checkUnit(p.Unit); err != nil {
				break
			}
			perMetric := db.names[string(key[:name])] >= db.o.perMetric()
			if perMetric || db.count >= db.o.MaxSeries || db.bytes > db.o.Memory {
				if tooMany == nil {
					tooMany = &TooManySeriesError{Metric: p.Metric, Limit: db.o.MaxSeries, PerMetric: perMetric}
					if perMetric {
						tooMany.Limit = db.o.perMetric()
					}
				}
				tooMany.Refused = append(tooMany.Refused, i)
				continue
			}
			end := len(key)
			s = db.create(string(append(append(key, 0), p.Unit...)), end, name)
		}
		s.uses++
		b.series[i] = s
	}
	if err == nil && tooMany != nil {
		err = tooMany
	}
	if err != nil {
		db.unuse(b.series)
	}
	return err
}
