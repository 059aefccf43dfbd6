package schedules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/insights"
	"github.com/cumulog/cumulog/internal/service/schedules/cron"
)

// maxLookBack bounds the range of a run: ten years, in seconds.
const maxLookBack = 10 * 366 * 24 * 3600

// msFrom is the least time that is taken for one in ms, as in StartQuery.
const msFrom = 100_000_000_000

// fromEpoch returns a time that is given in s or ms.
func fromEpoch(v int64) time.Time {
	if v < msFrom {
		return time.Unix(v, 0)
	}
	return time.UnixMilli(v)
}

// times are when a query runs.
type times struct {
	*cron.Schedule
	zone       *time.Location
	start, end *time.Time
}

// times parses what a spec says about time. An error is a *ParameterError.
func (p *Spec) times() (times, error) {
	schedule, err := cron.Parse(p.Expression)
	if e, ok := errors.AsType[*cron.Error](err); ok {
		return times{}, &ParameterError{e.Message}
	}
	if err != nil {
		return times{}, err
	}
	t := times{Schedule: schedule, zone: time.UTC}
	if p.Zone != "" {
		if t.zone, err = time.LoadLocation(p.Zone); err != nil || p.Zone == "Local" {
			return times{}, parameterf("%s is not the name of a time zone.", p.Zone)
		}
	}
	if p.Start != nil {
		at := fromEpoch(*p.Start)
		t.start = &at
	}
	if p.End != nil {
		at := fromEpoch(*p.End)
		t.end = &at
	}
	if t.start != nil && t.end != nil && !t.start.Before(*t.end) {
		return times{}, parameterf("scheduleStartTime must be before scheduleEndTime.")
	}
	return t, nil
}

// after returns the first time after now to run, in ms; -1 when there is none.
func (t *times) after(state string, now time.Time) int64 {
	if state != Enabled {
		return -1
	}
	from := now
	if t.start != nil && t.start.After(from) {
		from = t.start.Add(-time.Nanosecond)
	}
	next, ok := t.Next(from, t.zone)
	if !ok || t.end != nil && next.After(*t.end) {
		return -1
	}
	return next.UnixMilli()
}

// lookBack returns how far a run at a time looks back.
func (t *times) lookBack(given *int64, at time.Time) time.Duration {
	if given != nil {
		return time.Duration(*given) * time.Second
	}
	if before, ok := t.Last(at.Add(-keepRuns), at.Add(-time.Nanosecond), t.zone); ok {
		return at.Sub(before)
	}
	return keepRuns
}

// request is the query of a run at a time.
func (p *Spec) request(t *times, at time.Time) insights.StartRequest {
	start := max(at.Add(-t.lookBack(p.LookBack, at)).UnixMilli(), msFrom)
	end := at.UnixMilli()
	if p.LookUntil != nil {
		end -= *p.LookUntil * 1000
	}
	return insights.StartRequest{
		Language: p.Language, Query: p.Query, Identifiers: p.Groups, Start: start, End: max(end, start), User: p.Role,
	}
}

// check refuses what cannot be run. *ParameterError, groups.ErrGroupNotFound,
// ErrUnavailable.
func (p *Spec) check(ctx context.Context, queries Queries, scope logs.Scope, now time.Time) (times, error) {
	t, err := p.times()
	if err != nil {
		return times{}, err
	}
	if p.LookBack != nil && (*p.LookBack < 1 || *p.LookBack > maxLookBack) {
		return times{}, parameterf("startTimeOffset must be from 1 to %d seconds.", maxLookBack)
	}
	if p.LookUntil != nil && (*p.LookUntil < 0 || *p.LookUntil >= maxLookBack || p.LookBack != nil && *p.LookUntil >= *p.LookBack) {
		return times{}, parameterf("endTimeOffset must not be negative, and less than startTimeOffset.")
	}
	if p.Destination != nil {
		if _, _, ok := splitURI(p.Destination.URI); !ok {
			return times{}, parameterf("%s is not of the form s3://bucket/prefix.", p.Destination.URI)
		}
	}
	r := p.request(&t, now)
	r.End = max(now.UnixMilli(), r.Start) // groups that are too young for the first run are not for others
	return t, refusal(queries.Check(ctx, scope, r))
}

// refusal gives errors of queries the form they have here.
func refusal(err error) error {
	if err == nil || errors.Is(err, groups.ErrGroupNotFound) {
		return err
	}
	if text, ok := invalid(err); ok {
		return &ParameterError{text}
	}
	return translate(err)
}

// invalid returns the sentence of errors that stand for a query that can never
// run.
func invalid(err error) (string, bool) {
	if e, ok := errors.AsType[*insights.MalformedError](err); ok {
		return fmt.Sprintf("%s ([%d,%d])", e.Message, e.Start, e.End), true
	}
	if e, ok := errors.AsType[*insights.ParameterError](err); ok {
		return e.Message, true
	}
	for _, known := range []error{
		insights.ErrGroups, insights.ErrSourceAndGroups, insights.ErrTooManyGroups, insights.ErrTooManySelected, insights.ErrTimeRange, insights.ErrClass,
	} {
		if errors.Is(err, known) {
			return known.Error(), true
		}
	}
	return "", false
}

// splitURI takes s3://BUCKET/PREFIX apart. Slashes at the end of the prefix are
// dropped.
func splitURI(uri string) (bucket, prefix string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	return bucket, strings.TrimRight(prefix, "/"), ok && bucket != ""
}
