package explore_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.create(t, "g", nil)
	w.put(t, "g", "s", 1000, 1000, `{"a":1}`, `{"b":{"c":2}}`, `plain text`, `{"a":null}`, `{"a":"x"}`)
	w.put(t, "g", "t", 500, 9000, `{"z":1}`, `{"z":2}`)
	check := func(field string, since, first, last int64) {
		t.Helper()
		g, err := w.groups.Resolve(ctx, scope, "g")
		if err != nil {
			t.Fatal(err)
		}
		f, l, found, err := w.Times(ctx, g, field, since)
		if got, want := fmt.Sprint(f-start, l-start, found, err), fmt.Sprint(first, last, true, nil); last >= 0 && got != want {
			t.Errorf("%q: got %s, want %s", field, got, want)
		}
		if last < 0 && (found || err != nil) {
			t.Errorf("%q: got %d %d %v, want none", field, f, l, err)
		}
	}
	for _, storage := range []string{"memory", "parts"} {
		t.Run(storage, func(t *testing.T) {
			check("", 0, 500, 9500)
			check("a", 0, 1000, 5000)
			check("a", start+1001, 5000, 5000)
			check("a", start+5001, 0, -1)
			check("b.c", 0, 2000, 2000)
			check("nothing", 0, 0, -1)
			if err := w.store.Flush(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := w.groups.DeleteStream(ctx, scope, "g", "t"); err != nil {
		t.Fatal(err)
	}
	check("", 0, 1000, 5000)
	check("z", 0, 0, -1)
	if err := w.groups.PutRetention(ctx, scope, "g", 1); err != nil {
		t.Fatal(err)
	}
	w.now = time.UnixMilli(start).Add(24*time.Hour + 1500*time.Millisecond)
	check("a", 0, 5000, 5000)
}
