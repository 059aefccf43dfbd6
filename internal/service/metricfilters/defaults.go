package metricfilters

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// A filter with a default value publishes it for each minute, by timestamps, in which
// the group got events and the metric no datapoint. That is decided some time after the
// minute is over and an event of it came. What is still to be decided is
// not stored: the second position of the consumer stands before the oldest event that made
// it, so that a restart finds it again, and the metrics themselves say which minutes have a
// datapoint.

// maxClosed bounds the default values that are published at once.
const maxClosed = 2_000

// grace is how long after a minute, and after its last event came, its default value is decided.
const grace = 15 * minute / 60

// maxAhead is how far ahead of an event a minute may be to get a default value for it.
const maxAhead = 2 * minute

// maxOutstanding bounds the minutes that are to be decided. When it is reached they are decided
// early, and further ones get no default value.
const maxOutstanding = 200_000

// outstanding is a minute that may get a default value.
type outstanding struct {
	k     *counter
	start int64
}

type due struct {
	at    int64    // ms; when it is decided
	since logs.Seq // done before the event that made it
}

// defaults are the minutes that are to be decided.
type defaults struct {
	list    map[outstanding]due
	from    logs.Seq // the durable second position
	lost    bool     // what is outstanding has to be found again
	skipped int64    // minutes that were not noted because there were too many
	damaged bool     // a minute could not be read, and that was logged
}

func (d *defaults) init() {
	d.list = map[outstanding]due{}
}

// see notes that the group in hand got an event of a time, which came at another.
func (d *defaults) see(c *consumer, at, came int64) {
	start := at - at%minute
	if w := c.w; w.defaultLSN == c.lsn && w.defaultMinute == start {
		return
	}
	c.w.defaultLSN, c.w.defaultMinute = c.lsn, start
	now := c.s.o.Now().UnixMilli()
	if start > came+maxAhead {
		return
	}
	for _, k := range c.w.counters {
		if k.v.Transformation.Default == nil || k.t == nil || k.off || !k.v.covers(c.lsn) {
			continue
		}
		key := outstanding{k, start}
		n, have := d.list[key]
		if !have {
			if len(d.list) >= maxOutstanding {
				d.skipped++
				return
			}
			n.since = c.at
		}
		n.at = max(start+minute, now) + grace
		d.list[key] = n
	}
}

// oldest returns the position from which everything that is outstanding can be found again.
func (d *defaults) oldest(at logs.Seq) logs.Seq {
	for _, n := range d.list {
		at = min(at, n.since)
	}
	return at
}

// recoverDefaults finds what is outstanding again, after a restart.
func (c *consumer) recoverDefaults(ctx context.Context) error {
	t, _, err := c.s.limit(ctx)
	if err != nil {
		return err
	}
	d := &c.defaults
	end := c.at
	at := batches(d.from)
	upTo := end.Batch()
	for at < upTo {
		var failed error
		next, err := c.s.o.Feed.Commits(ctx, store.CommitQuery{After: at, Bytes: passBytes}, func(b *store.Commit) bool {
			if b.LSN > upTo {
				return false
			}
			w, err := c.work(ctx, b.Group)
			if err != nil {
				failed = err
				return false
			}
			if w.gone {
				return true
			}
			w.use(c, t.groups[b.Group])
			c.w, c.lsn = w, b.LSN
			if !w.covers(b.LSN) {
				return true
			}
			for i := range b.Len() {
				if seq := b.Seq(i); seq <= end {
					c.at = whole(b.LSN - 1)
					d.see(c, b.Timestamp(i), b.Ingestion)
				}
			}
			return true
		})
		c.at = end
		if failed != nil {
			return failed
		}
		if err != nil {
			return fmt.Errorf("read the feed: %w", err)
		}
		at = next
	}
	d.lost = false
	return nil
}

// closeDefaults publishes the default values of minutes that are over. It is called when there
// is nothing left to read; more says that there are further ones.
func (c *consumer) closeDefaults(ctx context.Context) (more bool, err error) {
	d := &c.defaults
	now := c.s.o.Now().UnixMilli()
	var over []outstanding
	for k, n := range d.list {
		if n.at <= now || len(d.list) >= maxOutstanding {
			over = append(over, k)
		}
	}
	if len(over) == 0 {
		return false, nil
	}
	slices.SortFunc(over, func(a, b outstanding) int { return cmp.Compare(a.start, b.start) })
	more = len(over) > maxClosed
	over = over[:min(len(over), maxClosed)]
	kept := make(map[outstanding]due, len(over))
	published := map[string]bool{} // more than one filter can publish to a metric
	for _, k := range over {
		t := k.k.t
		have, err := c.s.o.Metrics.ReadSums(ctx, t.metric, "", time.Minute, k.start, k.start+minute)
		if damage, ok := errors.AsType[*series.CorruptionError](err); ok {
			// Whether the minute has a datapoint cannot be found out, so it gets no default value.
			if !d.damaged {
				c.s.o.Logger.Warn("default values of metric filters are left out where the metrics cannot be read", "error", damage)
			}
			d.damaged = true
			continue
		}
		if err != nil {
			return false, fmt.Errorf("look for datapoints before a default value: %w", err)
		}
		if name := t.key(k.start); len(have) == 0 && !published[name] {
			published[name] = true
			v := *k.k.v.Transformation.Default
			c.points = append(c.points, series.Point{
				Metric: t.metric, Unit: t.unit, Timestamp: k.start, Count: 1, Sum: v, Min: v, Max: v, Values: []float64{v},
			})
		}
	}
	for _, k := range over {
		kept[k] = d.list[k]
		delete(d.list, k)
	}
	if err := c.send(ctx, c.durable.Load()); err != nil {
		for k, n := range kept {
			d.list[k] = n
		}
		c.forget()
		return false, err
	}
	c.forget()
	return more, nil
}

// key names a metric and a minute of it.
func (t *target) key(start int64) string {
	parts := []string{strconv.FormatInt(start, 10), t.metric.Scope.Account, t.metric.Scope.Region, t.metric.Namespace, t.metric.Name}
	for _, d := range t.metric.Dimensions {
		parts = append(parts, d.Name, d.Value)
	}
	return strings.Join(parts, "\x00")
}
