package events

import (
	"context"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
)

// filterRun fills one page.
type filterRun struct {
	s     *Service
	r     FilterRequest
	now   int64 // ms
	limit int
	q     store.Query
	page  FilterPage
	more  bool     // another event waits behind the page, or may
	next  logs.Key // where the next page goes on, if there is more

	dead map[logs.StreamID]bool // streams that were found deleted

	snapshot logs.Seq // no event with a higher one is shown; 0: not chosen yet
	emptied  int      // see place

	lazyPrefix string // when set, streams are judged as their events appear
	verdicts   map[logs.StreamID]bool
}

// goOn continues behind a position.
func (f *filterRun) goOn(at logs.Key) {
	if f.q.Reverse {
		f.q.Before = &at
	} else {
		f.q.After = &at
	}
}

// run scans until the page is full and one more event is known to wait behind
// it, or until the end. Names are looked up in bulk after a scan; rows of
// streams that are gone fall out then, and the scan goes on behind them.
//
// A search that takes longer than pageTime ends where it stands, with what was
// found. A page with nothing on it goes on until emptyTime, since clients that
// stop at an empty page exist.
func (f *filterRun) run(ctx context.Context) error {
	begin := time.Now()
	for {
		f.q.Budget.Time = max(f.s.pageTime-time.Since(begin), time.Millisecond)
		if len(f.page.rows) == 0 {
			f.q.Budget.Time = max(f.s.emptyTime-time.Since(begin), time.Millisecond)
			f.q.Budget.Time = min(f.q.Budget.Time, f.s.pageTime)
		}
		var (
			consumed logs.Key    // position of the last event that is dealt with
			behind   *logs.Event // the event that did not fit, without its message
			scanErr  error
		)
		stats, err := f.s.store.Scan(ctx, f.q, func(e logs.Event) bool {
			if ok, err := f.shows(ctx, &e); err != nil || !ok {
				scanErr = err
				return err == nil
			}
			if !f.page.fits(len(e.Message), f.limit) {
				behind = &logs.Event{Key: e.Key, Stream: e.Stream}
				return false
			}
			f.page.add(&e)
			consumed = e.Key
			return true
		})
		if err = scanError(err); err == nil {
			err = scanErr
		}
		if err != nil {
			return err
		}
		if f.snapshot == 0 {
			f.snapshot = stats.Applied
		}
		gone, err := f.nameStreams(ctx, behind)
		if err != nil {
			return err
		}
		switch {
		case behind == nil && stats.Frontier != nil && len(f.page.rows) == 0 && time.Since(begin) < f.s.emptyTime:
			f.goOn(*stats.Frontier)
			continue
		case behind == nil:
			if stats.Frontier != nil {
				f.more, f.next = true, *stats.Frontier
			}
			return nil
		case !gone:
			f.more, f.next = true, f.page.last()
			return nil
		}
		if _, alive := f.page.names[behind.Stream]; !alive {
			consumed = behind.Key
		}
		if consumed == (logs.Key{}) {
			continue
		}
		// Many deleted streams may lie ahead.
		if took := time.Since(begin); took >= f.s.emptyTime || took >= f.s.pageTime && len(f.page.rows) > 0 {
			f.more, f.next = true, consumed
			return nil
		}
		f.goOn(consumed)
	}
}

// shows reports whether an event that matches is to be shown.
func (f *filterRun) shows(ctx context.Context, e *logs.Event) (bool, error) {
	switch {
	case f.snapshot != 0 && e.Seq > f.snapshot:
		return false, nil
	case f.r.IngestedFrom != nil && e.Ingestion < *f.r.IngestedFrom, f.r.IngestedTo != nil && e.Ingestion >= *f.r.IngestedTo:
		return false, nil
	case f.lazyPrefix != "":
		return f.wanted(ctx, e.Stream)
	}
	return !f.dead[e.Stream], nil
}
