package explore_test

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/events"
	"github.com/cumulog/cumulog/internal/service/explore"
)

func selection(from, to int64) explore.Selection {
	return explore.Selection{Group: "g", Start: at(from), End: at(to)}
}

// The automatic period always divides the range into few enough buckets.
func TestAutomaticPeriod(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	w.put(t, "g", "s", 0, 1000, messages()...)
	end := int64(math.MaxInt64)
	for _, c := range []struct {
		explore.CountsRequest
		period int64
	}{
		{explore.CountsRequest{Selection: selection(0, 599_999)}, 10_000},
		{explore.CountsRequest{Selection: selection(0, 599_999), Buckets: 1}, 600_000},
		{explore.CountsRequest{Selection: selection(0, 0)}, 1},
		{explore.CountsRequest{Selection: selection(500, 500+2_000_000-2), Buckets: 2000}, 2000}, // a second would cut it into 2,001
		{explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: new(int64), End: &end}}, 0},
		{explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: new(int64), End: &end}, Buckets: 1}, 0},
		{explore.CountsRequest{Selection: explore.Selection{Group: "g", Start: new(int64), End: &end}, Period: math.MaxInt64}, math.MaxInt64},
	} {
		got, err := w.Counts(t.Context(), scope, c.CountsRequest)
		if err != nil || c.period != 0 && got.Period != c.period || len(got.Buckets) > explore.MaxBuckets {
			t.Errorf("%+v: %d buckets of %d ms, %v; want %d ms", c.CountsRequest, len(got.Buckets), got.Period, err, c.period)
			continue
		}
		sum := int64(0)
		for _, n := range got.Buckets {
			sum += n
		}
		if sum != got.Total || got.Total == 0 || got.Start > *c.Start || got.Start%got.Period != 0 {
			t.Errorf("%+v: %d events in buckets from %d, total %d", c.CountsRequest, sum, got.Start, got.Total)
		}
	}
}

// Missing and Other are none of the values that were asked for, and no value is
// taken for one of them.
func TestMissingAndOther(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	w.put(t, "g", "s", 0, 1, `{"z":"a"}`, `{"z":"a"}`, `{"z":"a"}`, `{"z":""}`, `{"z":""}`, `{"z":"\u0000"}`, `{"z":null}`, `text`, `text`, `text`, `text`)
	for top, want := range map[int][]string{
		1: {`"a" 3`, "missing 5", "other 3"},
		2: {`"a" 3`, `"" 2`, "missing 5", "other 1"},
		3: {`"a" 3`, `"" 2`, `"\x00" 1`, "missing 5"},
	} {
		got, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: selection(0, 10), By: "z", Top: top})
		if err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, v := range got.Values {
			name := strconv.Quote(v.Value)
			switch {
			case v.Missing:
				name = "missing"
			case v.Other:
				name = "other"
			}
			text = append(text, fmt.Sprint(name, " ", v.Total))
		}
		if d := cmp.Diff(want, text); d != "" {
			t.Errorf("top %d (-want +got)\n%s", top, d)
		}
	}
}

// Values that are not told apart get no buckets of their own, however many there are.
func TestManyValuesTakeLittleMemory(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	m := make([]string, 5000)
	for k := range 4 {
		for i := range m {
			m[i] = fmt.Sprintf(`{"id":"%d-%d"}`, k, i)
		}
		w.put(t, "g", "s", int64(k)*5000, 1, m...)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: selection(0, 1_999_000), Period: 1000, By: "id", Top: 1})
	runtime.ReadMemStats(&after)
	if err != nil || got.Total != 20_000 || len(got.Values) != 2 {
		t.Fatalf("%d events, %d values, %v", got.Total, len(got.Values), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("counting 20,000 values allocated %d MiB", took>>20)
	}
	tight := explore.New(explore.Options{Directory: w.groups, Store: w.store, Memory: 64 << 10, Now: func() time.Time { return w.now }})
	if _, err := tight.Counts(t.Context(), scope, explore.CountsRequest{Selection: selection(0, 1_999_000), By: "id"}); !errors.Is(err, events.ErrMemory) {
		t.Errorf("with little memory: %v, want ErrMemory", err)
	}
}

// What retention hides, what lies outside a stream and what a deleted stream has left
// is in no answer.
func TestVisibility(t *testing.T) {
	eachState(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		check := func(what string, streams []string, want int64) {
			t.Helper()
			sel := selection(0, 599_000)
			sel.Streams = streams
			c, err := w.Counts(ctx, scope, explore.CountsRequest{Selection: sel})
			if err != nil || c.Total != want {
				t.Errorf("%s: counts say %d, %v; want %d", what, c.Total, err, want)
			}
			f, err := w.Facets(ctx, scope, explore.FacetsRequest{Selection: sel, Fields: []string{"level", "level"}})
			if err != nil || f.Total != want || len(f.Facets) != 2 {
				t.Errorf("%s: facets say %d, %v; want %d", what, f.Total, err, want)
			}
		}
		check("all", nil, 600)
		check("a stream", []string{"s"}, 400)
		check("a stream twice", []string{"t", "t"}, 200)
		check("both", []string{"s", "t"}, 600)
		w.put(t, "g", "t", 0, 1, `{"of":"t"}`)
		if err := w.groups.DeleteStream(ctx, scope, "g", "t"); err != nil {
			t.Fatal(err)
		}
		check("a stream is deleted", nil, 400)
		fields, err := w.Fields(ctx, scope, "g", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			if f.Name == "of" {
				t.Errorf("a field of a deleted stream is listed")
			}
		}
		if err := w.groups.PutRetention(ctx, scope, "g", 1); err != nil {
			t.Fatal(err)
		}
		day := time.UnixMilli(start).Add(24 * time.Hour)
		w.now = day.Add(100 * time.Second)
		check("a part is expired", nil, 300)
		w.now = day.Add(time.Hour)
		check("all is expired", nil, 0)
		check("all of a stream is expired", []string{"s"}, 0)
	})
}

func TestFieldsOfEventsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", nil)
	for _, name := range []string{"@timestamp", "@ingestionTime", "@message", "@logStream", "@log"} {
		if _, err := w.Counts(t.Context(), scope, explore.CountsRequest{Selection: selection(0, 1), By: name}); !errors.Is(err, explore.ErrSystemField) {
			t.Errorf("by %s: %v", name, err)
		}
		if _, err := w.Facets(t.Context(), scope, explore.FacetsRequest{Selection: selection(0, 1), Fields: []string{name}}); !errors.Is(err, explore.ErrSystemField) {
			t.Errorf("facet of %s: %v", name, err)
		}
	}
}

// Fields of messages that begin with @ are told from those of events.
func TestOwnFieldsWithAt(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", map[string]string{"cw:datasource:name": "shop", "cw:datasource:type": "orders"})
	w.put(t, "g", "s", 0, 1, `{"@timestamp":"x","@@a":1,"message":"y"}`)
	got, err := w.Fields(t.Context(), scope, "g", nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got {
		names = append(names, f.Name)
	}
	if d := cmp.Diff([]string{"@ingestionTime", "@log", "@logStream", "@message", "@timestamp", "@@@a", "@@timestamp", "message"}, names); d != "" {
		t.Errorf("fields (-want +got)\n%s", d)
	}
	source, err := w.SourceFields(t.Context(), scope, "shop", "orders")
	if err != nil {
		t.Fatal(err)
	}
	names = nil
	for _, f := range source {
		names = append(names, f.Name)
	}
	if d := cmp.Diff([]string{"@timestamp", "@message", "@logStream", "@@@a", "@@timestamp", "message"}, names); d != "" {
		t.Errorf("fields of the source (-want +got)\n%s", d)
	}
	for _, s := range [][2]string{{"shop*", "orders"}, {"*shop", "orders"}, {"shop", "!other"}, {"shop", "orders!"}} {
		if _, err := w.SourceFields(t.Context(), scope, s[0], s[1]); !errors.Is(err, explore.ErrDataSource) {
			t.Errorf("source %v: %v", s, err)
		}
	}
}

// An answer has at most 1,000 fields.
func TestManyFields(t *testing.T) {
	w := newWorld(t)
	w.create(t, "g", map[string]string{"cw:datasource:name": "shop", "cw:datasource:type": "orders"})
	var m []string
	for i := range 12 {
		var b strings.Builder
		for k := range 100 {
			fmt.Fprintf(&b, `,"f%d":{"g%d":1}`, i*100+k, k)
		}
		m = append(m, "{"+b.String()[1:]+"}")
	}
	w.put(t, "g", "s", 0, 1, m...)
	got, err := w.Fields(t.Context(), scope, "g", nil)
	if err != nil || len(got) != 1000 {
		t.Errorf("%d fields, %v", len(got), err)
	}
	source, err := w.SourceFields(t.Context(), scope, "shop", "orders")
	n := 0
	for _, f := range source {
		n += 1 + len(f.Type.Fields)
	}
	if err != nil || n != 3+1000 {
		t.Errorf("%d fields of the source, %v", n, err)
	}
}
