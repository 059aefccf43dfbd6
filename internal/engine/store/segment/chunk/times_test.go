package chunk_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store/segment/chunk"
)

// TestTimes writes times of all years that are stored as numbers, in all layouts.
func TestTimes(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	first, last := time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	e := chunk.NewEncoder()
	for _, format := range []string{
		"2006-01-02T15:04:05Z", "2006-01-02 15:04:05.0", "2006-01-02_15:04:05.000000000-07:00", "2006/01/02 15:04:05,000 UTC, Atlantic/Reykjavik is too long",
		"02/Jan/2006:15:04:05 -0700", "15:04:05.000000",
	} {
		in := each(4000, func(i int) string {
			at := time.Unix(first.Unix()+rng.Int64N(last.Unix()-first.Unix()), rng.Int64N(1e9)).UTC()
			if i < 2 {
				at = [2]time.Time{first, last}[i]
			}
			return at.Format(format)
		})
		want := chunk.TS
		if strings.HasSuffix(format, "long") {
			want = chunk.Affix // the zone is longer than a layout holds
		}
		if _, s, _ := roundTrip(t, e, in); s.Encoding != want {
			t.Errorf("%s: %v, want %v", format, s.Encoding, want)
		}
	}
}

// TestNotTimes has what looks like a time and would come back otherwise.
func TestNotTimes(t *testing.T) {
	start := time.Date(2024, 2, 28, 23, 59, 0, 0, time.UTC)
	e := chunk.NewEncoder()
	for _, odd := range []string{
		"2023-02-29T10:00:00Z", "2100-02-29T10:00:00Z", "2024-13-01T10:00:00Z", "2024-00-01T10:00:00Z", "2024-01-00T10:00:00Z",
		"2024-04-31T10:00:00Z", "2024-04-30T24:00:00Z", "2024-04-30T10:60:00Z", "2024-04-30T10:00:60Z", "1699-12-31T23:59:59Z",
		"2201-01-01T00:00:00Z", "2024-04-30t10:00:00Z", "2024-04-30T10:00:00z", "2024/04-30T10:00:00Z", "2024-04-30T10.00:00Z",
		"2024-04-3 T10:00:00Z", "2024-04-30T10:00:0", "-024-04-30T10:00:00Z", "2024-04-30T10:00:00+", "",
		"10ab-04-30T10:00:00Z", "07--04-30T10:00:00Z", "1\x7f00-04-30T10:00:00Z",
	} {
		in := each(500, func(i int) string {
			if i%100 == 60 {
				return odd
			}
			return start.Add(time.Duration(i) * time.Hour).Format("2006-01-02T15:04:05Z")
		})
		if _, s, _ := roundTrip(t, e, in); s.Encoding != chunk.Patch {
			t.Errorf("%q: %v, want PATCH", odd, s.Encoding)
		}
	}
}
