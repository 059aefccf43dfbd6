package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
	day    = 24 * hour
	now    = int64(1_790_000_000_000)
)

var scope = logs.Scope{Account: "000000000000", Region: "us-east-1"}

// directory holds the groups "g" (keeps its events), "g7" (7 days) and "g30",
// each with the stream "s".
type directory struct{}

func (directory) Resolve(_ context.Context, _ logs.Scope, name string) (groups.Group, error) {
	switch name {
	case "g":
		return groups.Group{ID: 1, Name: name}, nil
	case "g7":
		return groups.Group{ID: 2, Name: name, RetentionDays: 7}, nil
	case "g30":
		return groups.Group{ID: 3, Name: name, RetentionDays: 30}, nil
	case "broken":
		return groups.Group{}, groups.ErrUnavailable
	}
	return groups.Group{}, groups.ErrGroupNotFound
}

func (directory) ResolveStream(_ context.Context, g groups.Group, name string) (groups.Stream, error) {
	if name != "s" {
		return groups.Stream{}, groups.ErrStreamNotFound
	}
	return groups.Stream{ID: 5, Group: g.ID, Name: name}, nil
}

// recorder keeps what would be stored as "timestamp-now message" lines.
type recorder struct {
	err    error
	stored []string
	last   store.Batch
}

func (r *recorder) Append(_ context.Context, b store.Batch) (logs.Seq, error) {
	if r.err != nil {
		return 0, r.err
	}
	from := b.Start
	for i, end := range b.Ends {
		r.stored = append(r.stored, fmt.Sprintf("%d %s", b.Timestamps[i]-now, b.Arena[from:end]))
		from = end
	}
	if int(from) != len(b.Arena) {
		r.stored = append(r.stored, "arena too long")
	}
	r.last = b
	return logs.MakeSeq(9, 0), nil
}

func service(store ingest.Appender) *ingest.Service {
	return ingest.New(ingest.Options{Directory: directory{}, Store: store, Now: func() time.Time { return time.UnixMilli(now) }})
}

func batch(offsets ...int64) ingest.Batch {
	var b ingest.Batch
	for i, o := range offsets {
		b.Append(now+o, fmt.Appendf(nil, "e%d", i))
	}
	return b
}

func sized(sizes ...int) ingest.Batch {
	var b ingest.Batch
	for _, n := range sizes {
		b.Append(now, []byte(strings.Repeat("x", n)))
	}
	return b
}

func indexes(r *ingest.Rejected) string {
	if r == nil {
		return ""
	}
	var parts []string
	add := func(name string, p *int) {
		if p != nil {
			parts = append(parts, fmt.Sprintf("%s=%d", name, *p))
		}
	}
	add("tooOld", r.TooOldEnd)
	add("expired", r.ExpiredEnd)
	add("tooNew", r.TooNewStart)
	return strings.Join(parts, " ")
}

func TestPutWindows(t *testing.T) {
	put := func(group, rejected string, stored []int, offsets ...int64) {
		t.Helper()
		r := &recorder{}
		res, err := service(r).Put(context.Background(), scope, group, "s", batch(offsets...))
		if err != nil {
			t.Errorf("%v: %v", offsets, err)
			return
		}
		if got := indexes(res.Rejected); got != rejected {
			t.Errorf("%v: rejected %q, want %q", offsets, got, rejected)
		}
		var want []string
		for _, i := range stored {
			want = append(want, fmt.Sprintf("%d e%d", offsets[i], i))
		}
		if d := cmp.Diff(want, r.stored); d != "" {
			t.Errorf("%v stored (-want +got):\n%s", offsets, d)
		}
		if (res.NextSequenceToken != "") != (len(stored) > 0) || res.NextSequenceToken != "" && len(res.NextSequenceToken) != 56 {
			t.Errorf("%v: token %q", offsets, res.NextSequenceToken)
		}
	}
	put("g", "", []int{0, 1, 2}, -hour, -30*minute, -1000)
	put("g", "tooOld=2", []int{2, 3}, -20*day, -15*day, -hour, -minute)
	put("g", "tooNew=2", []int{0, 1}, -hour, hour+59*minute, 3*hour, 4*hour)
	put("g", "tooOld=1 tooNew=2", []int{1}, -20*day, -hour, 3*hour)
	put("g", "", []int{0, 1}, -minute, -minute)
	put("g7", "expired=2", []int{2}, -9*day, -8*day, -hour)
	// Exactly 14 days, 2 hours and the retention are inside.
	put("g", "", []int{0}, -14*day)
	put("g", "tooOld=1", nil, -14*day-1)
	put("g", "", []int{0}, 2*hour)
	put("g", "tooNew=0", nil, 2*hour+1)
	put("g7", "", []int{0}, -7*day)
	put("g7", "expired=1", nil, -7*day-1)
	put("g7", "tooOld=1 expired=2", []int{2}, -15*day, -8*day, 0)
	put("g7", "tooOld=1", []int{1}, -15*day, 0)
	put("g30", "tooOld=1", []int{1}, -20*day, 0)
	// A span of exactly 24 hours, and a longer one outside the window.
	put("g", "", []int{0, 1}, -day, 0)
	put("g", "tooOld=1 tooNew=1", nil, -20*day, 3*hour)
}

func TestPutRefuses(t *testing.T) {
	refuse := func(what, group, stream string, b ingest.Batch, want string) {
		t.Helper()
		r := &recorder{}
		_, err := service(r).Put(context.Background(), scope, group, stream, b)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
		if len(r.stored) > 0 {
			t.Errorf("%s: %d events were stored", what, len(r.stored))
		}
	}
	span, order := ingest.ErrSpan.Error(), ingest.ErrOrder.Error()
	refuse("span", "g", "s", batch(-13*day, -12*day+hour, -11*day+20*hour), span)
	refuse("span of a day and 1 ms", "g", "s", batch(-day-1, 0), span)
	refuse("order", "g", "s", batch(-minute, -2*minute), order)
	refuse("event too large", "g", "s", sized(1_048_551), "Log event too large: 1048577 bytes exceeds limit of 1048576")
	refuse("batch too large", "g", "s", sized(600_000, 600_000), "Upload too large: 1200052 bytes exceeds limit of 1048576")
	refuse("batch too large by one", "g", "s", sized(500_000, 548_525), "Upload too large: 1048577 bytes exceeds limit of 1048576")
	refuse("no group", "nope", "nope", batch(0), groups.ErrGroupNotFound.Error())
	refuse("no stream", "g", "nope", batch(0), groups.ErrStreamNotFound.Error())
	refuse("no stream, all rejected", "g", "nope", batch(-20*day), groups.ErrStreamNotFound.Error())
	refuse("catalog unavailable", "broken", "s", batch(0), groups.ErrUnavailable.Error())
	// The order of checks.
	refuse("order before group", "nope", "s", batch(0, -1), order)
	refuse("span before group", "nope", "s", batch(-2*day, 0), span)
	refuse("span before stream", "g", "nope", batch(-2*day, 0), span)
	unordered := sized(600_000, 600_000)
	unordered.Timestamps[1]--
	refuse("size before order", "g", "s", unordered, "Upload too large: 1200052 bytes exceeds limit of 1048576")
	// What the edge never lets through.
	refuse("empty", "g", "s", ingest.Batch{}, ingest.ErrEmpty.Error())
	refuse("empty message", "g", "s", sized(0), "malformed batch: event 0")
	refuse("negative", "g", "s", batch(-2*now), "malformed batch: event 0")
	refuse("slices", "g", "s", ingest.Batch{Timestamps: []int64{1}}, "malformed batch: 1 timestamps, 0 ends, 0 bytes")
}

func TestPutSizesAtTheBound(t *testing.T) {
	var accents ingest.Batch // counted as bytes, not characters
	accents.Append(now, []byte(strings.Repeat("é", 500_000)))
	for _, b := range []ingest.Batch{sized(1_048_550), sized(500_000, 548_524), accents} {
		if _, err := service(&recorder{}).Put(context.Background(), scope, "g", "s", b); err != nil {
			t.Errorf("%d bytes in %d events: %v", len(b.Arena), b.Len(), err)
		}
	}
	var b ingest.Batch
	for range logs.MaxBatchEvents {
		b.Append(now, []byte("x"))
	}
	if _, err := service(&recorder{}).Put(context.Background(), scope, "g", "s", b); err != nil {
		t.Errorf("%d events: %v", b.Len(), err)
	}
	b.Append(now, []byte("x"))
	if _, err := service(&recorder{}).Put(context.Background(), scope, "g", "s", b); !errors.Is(err, ingest.ErrBadBatch) {
		t.Errorf("%d events: got %v", b.Len(), err)
	}
}

// TestPutSharesMemory pins that an accepted part is not copied.
func TestPutSharesMemory(t *testing.T) {
	b := batch(-20*day, -hour, -minute, 3*hour)
	r := &recorder{}
	if _, err := service(r).Put(context.Background(), scope, "g", "s", b); err != nil {
		t.Fatal(err)
	}
	if &r.last.Arena[0] != &b.Arena[0] || &r.last.Ends[0] != &b.Ends[1] || r.last.Start != b.Ends[0] {
		t.Error("the accepted part was copied")
	}
	if r.last.Ingestion != now || r.last.Group != 1 || r.last.Stream != 5 {
		t.Errorf("batch %+v", r.last)
	}
}

func TestPutStoreErrors(t *testing.T) {
	r := &recorder{err: fmt.Errorf("wrapped: %w", store.ErrUnavailable)}
	if _, err := service(r).Put(context.Background(), scope, "g", "s", batch(0)); !errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	r.err = context.Canceled
	if _, err := service(r).Put(context.Background(), scope, "g", "s", batch(0)); !errors.Is(err, context.Canceled) || errors.Is(err, ingest.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestEntities(t *testing.T) {
	check := func(want ingest.EntityError, key map[string]string) {
		t.Helper()
		b := batch(0)
		b.Entity = &ingest.Entity{KeyAttributes: key}
		r := &recorder{}
		res, err := service(r).Put(context.Background(), scope, "g", "s", b)
		if err != nil || res.RejectedEntity != want || len(r.stored) != 1 {
			t.Errorf("%v: got %q, %v, %d stored; want %q", key, res.RejectedEntity, err, len(r.stored), want)
		}
	}
	check(ingest.EntityInvalid, nil)
	check(ingest.EntityInvalidKeyAttributes, map[string]string{"Type": "Service", "Nome": "x"})
	check(ingest.EntityInvalidType, map[string]string{"Type": "Thing", "Name": "x"})
	check(ingest.EntityMissingFields, map[string]string{"Name": "x", "Environment": "y"})
	check(ingest.EntityMissingFields, map[string]string{"Type": "Service", "Name": "x"})
	check(ingest.EntityMissingFields, map[string]string{"Type": "AWS::Resource", "ResourceType": "x"})
	check(ingest.EntityUnsupported, map[string]string{"Type": "Service", "Name": "x", "Environment": "y"})
	check(ingest.EntityUnsupported, map[string]string{"Type": "Resource", "ResourceType": "x", "Identifier": "y"})
}

type nothing struct{}

func (nothing) Append(context.Context, store.Batch) (logs.Seq, error) { return logs.MakeSeq(1, 0), nil }

func BenchmarkPut(b *testing.B) {
	s := service(nothing{})
	data := batch(make([]int64, logs.MaxBatchEvents)...)
	b.SetBytes(int64(len(data.Arena)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Put(context.Background(), scope, "g", "s", data); err != nil {
			b.Fatal(err)
		}
	}
}
