package metricfilters

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/pattern"
	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// work is what the consumer knows of a group.
type work struct {
	id       logs.GroupID
	gone     bool
	standard bool // of the class that has metric filters and embedded metrics
	scope    logs.Scope
	name     string

	filters  *groupFilters // that set was made of
	set      *pattern.Set  // nil: there are no filters
	counters []*counter    // by member of set

	bytes, events *target // AWS/Logs

	defaultLSN    uint64 // the batch and
	defaultMinute int64  // the minute for which default values were considered last
}

// counter counts for one version of a filter.
type counter struct {
	v      *version
	t      *target            // without dimensions that come from events
	byDims map[string]*target // by the values of the dimensions
	pairs  map[string]bool    // names and values of dimensions
	hour   int64              // that pairs were seen in
	off    bool               // there were too many
}

// Limits of dimensions that come from events.
const (
	maxPairs          = 1_000 // names and values in an hour
	maxDimensionValue = 1_024 // characters
	maxCombinations   = 20_000
)

const vendedNamespace = "AWS/Logs"

func (w *work) init(g *catalog.Group) {
	w.scope, w.name = g.Scope, g.Name
	w.standard = g.Class == groups.ClassStandard
	w.bytes = &target{metric: vended(g.Scope, "IncomingBytes", g.Name), unit: "Bytes"}
	w.events = &target{metric: vended(g.Scope, "IncomingLogEvents", g.Name), unit: noUnit}
}

// vended is a metric of the service itself; "" means all groups of the scope.
func vended(s logs.Scope, name, group string) series.Metric {
	m := series.Metric{Scope: s, Namespace: vendedNamespace, Name: name}
	if group != "" {
		m.Dimensions = []series.Dimension{{Name: "LogGroupName", Value: group}}
	}
	return m
}

// incoming counts a batch for the metrics of the service.
func (c *consumer) incoming(b *store.Commit) {
	bytes, events := float64(b.Bytes()), float64(b.Len())
	c.put(c.w.bytes, b.Ingestion, bytes, 1)
	c.put(c.w.events, b.Ingestion, events, 1)
	c.put(c.account("IncomingBytes", "Bytes"), b.Ingestion, bytes, 1)
	c.put(c.account("IncomingLogEvents", noUnit), b.Ingestion, events, 1)
}

// account returns a metric of the service for the scope of the group in hand.
func (c *consumer) account(name, unit string) *target {
	c.key = append(append(append(append(append(c.key[:0], "account\x00"...), c.w.scope.Account...), 0), c.w.scope.Region...), 0)
	c.key = append(c.key, name...)
	t := c.targets[string(c.key)]
	if t == nil {
		t = &target{metric: vended(c.w.scope, name, ""), unit: unit}
		c.targets[string(c.key)] = t
	}
	return t
}

// use makes the set of the filters of the group, unless it has it.
func (w *work) use(c *consumer, f *groupFilters) {
	if w.filters == f {
		return
	}
	have := map[*version]*counter{}
	for _, k := range w.counters {
		have[k.v] = k
	}
	w.filters, w.set, w.counters = f, nil, nil
	defer func() {
		for _, k := range have {
			c.combinations -= len(k.byDims)
		}
	}()
	if f == nil {
		return
	}
	var members []pattern.Member
	add := func(v *version) {
		if v.DisabledMS != 0 || v.criteria != nil && !v.criteria.Selects(w.scope) {
			return
		}
		k := have[v]
		if k == nil {
			k = newCounter(v)
		}
		delete(have, v)
		w.counters = append(w.counters, k)
		members = append(members, pattern.Member{Matcher: v.matcher, Refs: v.refs})
	}
	for _, v := range f.live {
		add(v)
	}
	for _, v := range f.ended {
		add(v)
	}
	if len(members) > 0 {
		w.set = pattern.NewSet(members)
	}
}

// covers reports whether a filter wants the events of a batch.
func (w *work) covers(lsn uint64) bool {
	return w.set != nil && slices.ContainsFunc(w.counters, func(k *counter) bool { return !k.off && k.v.covers(lsn) })
}

func newCounter(v *version) *counter {
	k := &counter{v: v}
	if len(v.names) == 0 {
		k.t = v.target(nil)
	}
	return k
}

// target is what a version publishes to; values are those of its dimensions, by name.
func (v *version) target(values []string) *target {
	t := &v.Transformation
	m := series.Metric{Scope: v.scope, Namespace: t.Namespace, Name: t.Name}
	for i, name := range v.names {
		m.Dimensions = append(m.Dimensions, series.Dimension{Name: name, Value: values[i]})
	}
	for _, f := range v.System {
		value := v.scope.Account
		if f == SystemRegion {
			value = v.scope.Region
		}
		m.Dimensions = append(m.Dimensions, series.Dimension{Name: f, Value: value})
	}
	slices.SortFunc(m.Dimensions, func(a, b series.Dimension) int { return strings.Compare(a.Name, b.Name) })
	unit := t.Unit
	if unit == "" {
		unit = noUnit
	}
	return &target{metric: m, unit: unit}
}

// matched counts the event in hand for a member of the set.
func (c *consumer) matched(i int) {
	k := c.w.counters[i]
	if k.off || !k.v.covers(c.lsn) {
		return
	}
	if c.size > maxPass {
		c.drop(1, errTooLarge)
		return
	}
	v := k.v.value
	if !k.v.constant {
		n, ok := c.w.set.Number(i, 0)
		if !ok || math.Abs(n) > maxValue {
			return
		}
		v = n
	}
	t := k.t
	if t == nil {
		if t = c.dimensioned(i, k); t == nil {
			return
		}
	}
	c.put(t, c.time, v, 1)
}

// dimensioned returns the target for the dimensions of the event in hand, nil when one is
// missing, or there are too many.
func (c *consumer) dimensioned(i int, k *counter) *target {
	if hour := c.s.o.Now().UnixMilli() / (60 * minute); hour != k.hour || len(k.byDims) > maxCombinations {
		if hour != k.hour {
			k.pairs = map[string]bool{}
		}
		c.combinations -= len(k.byDims)
		k.hour, k.byDims = hour, map[string]*target{}
	}
	first := len(k.v.refs) - len(k.v.names)
	c.key = c.key[:0]
	for n := range k.v.names {
		text, ok := c.w.set.Text(i, first+n)
		if !ok || !validValue(text) {
			return nil
		}
		c.key = strconv.AppendInt(c.key, int64(len(text)), 10)
		c.key = append(append(c.key, ':'), text...)
	}
	if t := k.byDims[string(c.key)]; t != nil {
		return t
	}
	values := make([]string, len(k.v.names))
	for n, name := range k.v.names {
		text, _ := c.w.set.Text(i, first+n)
		values[n] = strings.ToValidUTF8(string(text), "\uFFFD")
		k.pairs[name+"\x00"+values[n]] = true
	}
	if len(k.pairs) > maxPairs {
		k.off = true
		c.disabled = append(c.disabled, k)
		return nil
	}
	t := k.v.target(values)
	k.byDims[string(c.key)] = t
	c.combinations++
	return t
}

// validValue reports whether a text can be the value of a dimension.
func validValue(text []byte) bool {
	if len(text) == 0 || len(text) > maxDimensionValue && utf8.RuneCount(text) > maxDimensionValue {
		return false
	}
	return slices.Index(text, 0) < 0
}
