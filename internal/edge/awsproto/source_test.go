package awsproto

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestAppendTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	times := []Millis{0, -1, 999, 1000, minMillis, maxMillis, 951782400000} // the last is a 29th of February
	for range 10_000 {
		times = append(times, Millis(rng.Int64N(maxMillis-minMillis)+minMillis))
	}
	for _, at := range times {
		layout := "2006-01-02T15:04:05Z"
		if at%1000 != 0 {
			layout = "2006-01-02T15:04:05.000Z"
		}
		want := time.UnixMilli(int64(at)).UTC().Format(layout)
		if got := string(appendTime(nil, at)); got != want {
			t.Fatalf("%d: got %s, want %s", at, got, want)
		}
		if back, ok := parseTime(want); !ok || back != at {
			t.Fatalf("%s: got %d, %v, want %d", want, back, ok, at)
		}
	}
}

func TestParseTime(t *testing.T) {
	check := func(text string, want Millis, wantOK bool) {
		t.Helper()
		if got, ok := parseTime(text); ok != wantOK || ok && got != want {
			t.Errorf("%s: got %d, %v", text, got, ok)
		}
	}
	const noon = 1795608000000 // 2026-11-25T12:00Z
	check("2026-11-25T12:00:00Z", noon, true)
	check("2026-11-25T12:00:00.25Z", noon+250, true)
	check("2026-11-25T12:00:00.2509Z", noon+250, true)
	check("2026-11-25T13:00:00+01:00", noon, true)
	check("2026-11-25T13:00:00+0100", noon, true)
	check("2026-11-25T12:00:00", noon, true)
	check("2026-11-25T12:00Z", noon, true)
	check("2026-11-25T12:00", noon, true)
	check("20261125T120000Z", noon, true)
	check("2026-11-25", noon-12*3600_000, true)
	check("2026-02-30", 0, false)
	check("2026-11-25T24:00:00Z", 0, false)
	check("1795608000", 0, false)
	check("", 0, false)
	check("25 Nov 2026", 0, false)
}

func TestMillisOfSeconds(t *testing.T) {
	check := func(seconds float64, want Millis, wantOK bool) {
		t.Helper()
		if got, ok := millisOfSeconds(seconds); ok != wantOK || got != want {
			t.Errorf("%v: got %d, %v", seconds, got, ok)
		}
	}
	check(1795608000.25, 1795608000250, true)
	check(0.0004, 0, true)
	check(-1.5, -1500, true)
	check(float64(maxMillis)/1000, maxMillis, true)
	check(float64(maxMillis)/1000+1, 0, false)
	check(float64(minMillis)/1000-1, 0, false)
	var zero float64
	check(zero/zero, 0, false)
	check(1/zero, 0, false)
}
