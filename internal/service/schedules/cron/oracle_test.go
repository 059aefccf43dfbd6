package cron_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// pick returns some of the numbers from low to high, as text and as a set; all of
// them now and then.
func pick(rng *rand.Rand, low, high int) (string, map[int]bool) {
	set := map[int]bool{}
	if rng.IntN(4) == 0 {
		for v := low; v <= high; v++ {
			set[v] = true
		}
		return "*", set
	}
	var items []string
	for range 1 + rng.IntN(3) {
		v := low + rng.IntN(high-low+1)
		set[v] = true
		items = append(items, fmt.Sprint(v))
	}
	return strings.Join(items, ","), set
}

// Next finds what going from minute to minute finds.
func TestNextAgainstMinutes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	starts := []time.Time{
		time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 12, 0, 0, 0, time.UTC), time.Date(2028, 2, 28, 3, 0, 0, 0, time.UTC),
		time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC), time.Date(2026, 12, 30, 0, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 0, 0, 0, 0, time.UTC),
	}
	for n := range 300 {
		minuteText, minutes := pick(rng, 0, 59)
		hourText, hours := pick(rng, 0, 23)
		monthText, months := pick(rng, 1, 12)
		dayText, days := pick(rng, 1, 31)
		weekText, weekdays := "?", map[int]bool(nil)
		if rng.IntN(2) == 0 {
			weekText, weekdays = pick(rng, 1, 7)
			dayText = "?"
		}
		text := fmt.Sprintf("cron(%s %s %s %s %s *)", minuteText, hourText, dayText, monthText, weekText)
		z := zone(t, zones[n%len(zones)])
		start := starts[rng.IntN(len(starts))]
		var want []string
		seen := map[string]bool{}
		for at := start; at.Before(start.Add(72 * time.Hour)); at = at.Add(time.Minute) {
			w := at.In(z)
			wall := w.Format(layout)
			// A wall time that occurred before start does not fire again.
			if w.Add(-2*time.Hour).Format(layout) > wall || seen[wall] {
				continue
			}
			seen[wall] = true
			if !at.After(start) || !minutes[w.Minute()] || !hours[w.Hour()] || !months[int(w.Month())] {
				continue
			}
			if weekdays == nil && days[w.Day()] || weekdays[int(w.Weekday())+1] {
				want = append(want, at.UTC().Format(layout))
			}
		}
		s := parse(t, text)
		var got []string
		for at, ok := s.Next(start, z); ok && at.Before(start.Add(72*time.Hour)); at, ok = s.Next(at, z) {
			got = append(got, at.UTC().Format(layout))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("%s in %s from %s:\n got %.600v\nwant %.600v", text, z, start, got, want)
		}
	}
}
