package cron_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones do not depend on the machine

	"github.com/cumulog/cumulog/internal/service/schedules/cron"
)

const layout = "2006-01-02 15:04"

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func parse(t testing.TB, text string) *cron.Schedule {
	t.Helper()
	s, err := cron.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// fires checks the times at which an expression fires after a time, in UTC.
func fires(t *testing.T, text, after string, want ...string) {
	t.Helper()
	s := parse(t, text)
	at, err := time.ParseInLocation(layout, after, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range want {
		next, ok := s.Next(at, time.UTC)
		if !ok {
			got = append(got, "never")
			break
		}
		got = append(got, next.Format(layout))
		at = next
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("%s after %s:\n got %s\nwant %s", text, after, strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

func TestNext(t *testing.T) {
	// The examples of AWS's documentation.
	fires(t, "cron(0 9 * * ? *)", "2026-01-01 09:00", "2026-01-02 09:00", "2026-01-03 09:00")
	fires(t, "cron(0 */6 * * ? *)", "2026-01-01 06:01", "2026-01-01 12:00", "2026-01-01 18:00", "2026-01-02 00:00", "2026-01-02 06:00")
	fires(t, "cron(0 18 ? * MON-FRI *)", "2026-01-01 17:59", "2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00")
	fires(t, "cron(0 0 1 * ? *)", "2026-11-30 00:00", "2026-12-01 00:00", "2027-01-01 00:00")
	fires(t, "cron(30 8 1 1 ? *)", "2026-01-01 08:30", "2027-01-01 08:30", "2028-01-01 08:30")
	fires(t, "cron(0/15 * * * ? *)", "2026-12-31 23:40", "2026-12-31 23:45", "2027-01-01 00:00", "2027-01-01 00:15")

	fires(t, "cron(10 10 ? * MON#1 *)", "2026-01-01 00:00", "2026-01-05 10:10", "2026-02-02 10:10")
	fires(t, "cron(0 0 ? * 6#5 *)", "2026-01-01 00:00", "2026-01-30 00:00", "2026-05-29 00:00")
	fires(t, "cron(0 0 L * ? *)", "2028-01-31 00:00", "2028-02-29 00:00", "2028-03-31 00:00", "2028-04-30 00:00")
	fires(t, "cron(0 0 ? * FRIL *)", "2026-01-01 00:00", "2026-01-30 00:00", "2026-02-27 00:00")
	fires(t, "cron(0 0 ? * 6l *)", "2026-01-01 00:00", "2026-01-30 00:00")
	fires(t, "cron(0 0 ? * L *)", "2026-01-01 00:00", "2026-01-03 00:00", "2026-01-10 00:00")
	fires(t, "cron(0 0 15W * ? *)", "2026-01-01 00:00", "2026-01-15 00:00", "2026-02-16 00:00", "2026-03-16 00:00", "2026-04-15 00:00")
	fires(t, "cron(0 0 1W * ? *)", "2026-07-31 00:00", "2026-08-03 00:00", "2026-09-01 00:00")
	fires(t, "cron(0 0 31W * ? *)", "2026-05-01 00:00", "2026-05-29 00:00", "2026-07-31 00:00")
	fires(t, "cron(0 0 lw * ? *)", "2026-01-01 00:00", "2026-01-30 00:00", "2026-02-27 00:00", "2026-03-31 00:00")
	fires(t, "cron(0 0 29 2 ? *)", "2026-01-01 00:00", "2028-02-29 00:00", "2032-02-29 00:00")
	fires(t, "cron(0 0 29 2 ? 2096-2108)", "2026-01-01 00:00", "2096-02-29 00:00", "2104-02-29 00:00", "2108-02-29 00:00", "never")

	fires(t, "cron(5,3,5 1,22 * * ? *)", "2026-01-01 02:00", "2026-01-01 22:03", "2026-01-01 22:05", "2026-01-02 01:03")
	fires(t, "cron(50-10/10 0 * * ? *)", "2026-01-01 00:00", "2026-01-01 00:10", "2026-01-01 00:50", "2026-01-02 00:00")
	fires(t, "cron(0 22-2/2 * * ? *)", "2026-01-01 00:00", "2026-01-01 02:00", "2026-01-01 22:00", "2026-01-02 00:00")
	fires(t, "cron(0 0 ? * FRI-MON *)", "2026-01-02 00:00", "2026-01-03 00:00", "2026-01-04 00:00", "2026-01-05 00:00", "2026-01-09 00:00")
	fires(t, "cron(0 0 1 nov-FEB/3 ? *)", "2026-01-01 00:00", "2026-02-01 00:00", "2026-11-01 00:00", "2027-02-01 00:00")
	fires(t, "cron(0 0 28-3/2 * ? *)", "2026-01-04 00:00", "2026-01-28 00:00", "2026-01-30 00:00", "2026-02-01 00:00", "2026-02-03 00:00")
	fires(t, "cron(59 23 31 12 ? 2199)", "2026-01-01 00:00", "2199-12-31 23:59", "never")
	fires(t, "cron(0 0 1 1 ? 2020/100)", "2026-01-01 00:00", "2120-01-01 00:00", "never")
	fires(t, "cron(0 0 1 1 ? 1970)", "1969-01-01 00:00", "1970-01-01 00:00", "never")
	fires(t, "  cron( 0   0 1 1 ?\t* )  ", "2026-01-01 00:00", "2027-01-01 00:00")
	fires(t, "cron(*/60 0/24 * * ? *)", "2026-01-01 00:00", "2026-01-02 00:00")
}

func TestZones(t *testing.T) {
	f := func(text, zoneName, after string, want ...string) {
		t.Helper()
		z := zone(t, zoneName)
		s := parse(t, text)
		at, err := time.Parse(time.RFC3339, after)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range want {
			at, _ = s.Next(at, z)
			got = append(got, at.Format(time.RFC3339))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s in %s:\n got %s\nwant %s", text, zoneName, got, want)
		}
	}
	f("cron(0 9 * * ? *)", "Asia/Tokyo", "2026-01-01T00:00:00Z", "2026-01-02T09:00:00+09:00")
	f("cron(0 9 * * ? *)", "Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01T09:00:00+05:45")
	// Clocks skip 02:00 to 03:00 on 2026-03-08.
	f("cron(30 2 * * ? *)", "America/New_York", "2026-03-07T00:00:00Z", "2026-03-07T02:30:00-05:00", "2026-03-09T02:30:00-04:00")
	f("cron(0/30 1-3 * * ? *)", "America/New_York", "2026-03-08T05:00:00Z",
		"2026-03-08T01:00:00-05:00", "2026-03-08T01:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T03:30:00-04:00", "2026-03-09T01:00:00-04:00")
	// 01:00 to 02:00 occurs twice on 2026-11-01.
	f("cron(30 1 * * ? *)", "America/New_York", "2026-11-01T00:00:00Z", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00")
	f("cron(30 1 * * ? *)", "America/New_York", "2026-11-01T06:10:00Z", "2026-11-02T01:30:00-05:00")
	f("cron(0 * * * ? *)", "America/New_York", "2026-11-01T04:30:00Z", "2026-11-01T01:00:00-04:00", "2026-11-01T02:00:00-05:00", "2026-11-01T03:00:00-05:00")
	// Half an hour, on the other side of the world.
	f("cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-05T01:45:00+11:00", "2026-04-06T01:45:00+10:30")
	// Samoa had no 30 December 2011.
	f("cron(0 12 30 12 ? *)", "Pacific/Apia", "2010-12-31T12:00:00Z", "2012-12-30T12:00:00+14:00")
}

func TestLast(t *testing.T) {
	f := func(text, since, until, want string) {
		t.Helper()
		a, err1 := time.Parse(layout, since)
		b, err2 := time.Parse(layout, until)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		got, found := parse(t, text).Last(a, b, time.UTC)
		if text := got.Format(layout); found != (want != "") || found && text != want {
			t.Errorf("%s in [%s, %s]: got %s %v, want %s", text, since, until, text, found, want)
		}
	}
	f("cron(* * * * ? *)", "2020-01-01 00:00", "2026-01-01 00:00", "2026-01-01 00:00")
	f("cron(0 0 1 1 ? *)", "2020-01-01 00:00", "2025-12-31 00:00", "2025-01-01 00:00")
	f("cron(0 0 1 1 ? 2021)", "2020-01-01 00:00", "2025-12-31 00:00", "2021-01-01 00:00")
	f("cron(0 0 1 1 ? 2021)", "2021-01-01 00:00", "2021-01-01 00:00", "2021-01-01 00:00")
	f("cron(0 0 1 1 ? 2021)", "2021-01-01 00:01", "2025-12-31 00:00", "")
	f("cron(0 9 * * ? *)", "2026-01-01 00:00", "2026-01-03 08:59", "2026-01-02 09:00")
	f("cron(0 9 * * ? *)", "2026-01-02 09:00", "2026-01-02 09:00", "2026-01-02 09:00")
	f("cron(0 9 * * ? *)", "2026-01-02 09:01", "2026-01-03 08:59", "")
}

func TestErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		s, err := cron.Parse(text)
		var e *cron.Error
		if !errors.As(err, &e) || e.Message != want {
			t.Errorf("%s: got %+v, %v; want %s", text, s, err, want)
		}
	}
	const form = "The schedule expression must be of the form cron(minutes hours day-of-month month day-of-week year)."
	f("", form)
	f("0 9 * * ? *", form)
	f("cron(0 9 * * ? *", form)
	f("CRON(0 9 * * ? *)", form)
	f("rate(5 minutes)", form)
	f("cron()", "The schedule expression has 0 fields where 6 are needed: minutes, hours, day-of-month, month, day-of-week and year.")
	f("cron(0 9 * * ?)", "The schedule expression has 5 fields where 6 are needed: minutes, hours, day-of-month, month, day-of-week and year.")
	f("cron(0 9 * * ? * *)", "The schedule expression has 7 fields where 6 are needed: minutes, hours, day-of-month, month, day-of-week and year.")
	const days = "Exactly one of day-of-month and day-of-week of the schedule expression must be ?."
	f("cron(0 9 * * * *)", days)
	f("cron(0 9 ? * ? *)", days)
	value := func(field, bad, name, bounds string) {
		t.Helper()
		f(field, `"`+bad+`" is no value of `+name+" in a schedule expression: it must be from "+bounds+".")
	}
	value("cron(60 9 * * ? *)", "60", "minutes", "0 to 59")
	value("cron(-1 9 * * ? *)", "", "minutes", "0 to 59")
	value("cron(+1 9 * * ? *)", "+1", "minutes", "0 to 59")
	value("cron(99999999999999999999 9 * * ? *)", "99999999999999999999", "minutes", "0 to 59")
	value("cron(? 9 * * ? *)", "?", "minutes", "0 to 59")
	value("cron(1, 9 * * ? *)", "", "minutes", "0 to 59")
	value("cron(1-2-3 9 * * ? *)", "2-3", "minutes", "0 to 59")
	value("cron(0 24 * * ? *)", "24", "hours", "0 to 23")
	value("cron(0 L * * ? *)", "L", "hours", "0 to 23")
	value("cron(0 0 0 * ? *)", "0", "day-of-month", "1 to 31")
	value("cron(0 0 32 * ? *)", "32", "day-of-month", "1 to 31")
	value("cron(0 0 W * ? *)", "", "day-of-month", "1 to 31")
	value("cron(0 0 1,15W * ? *)", "1,15", "day-of-month", "1 to 31")
	value("cron(0 0 L-3 * ? *)", "L", "day-of-month", "1 to 31")
	value("cron(0 0 1,L * ? *)", "L", "day-of-month", "1 to 31")
	value("cron(0 0 1 13 ? *)", "13", "month", "1 to 12")
	value("cron(0 0 1 JANUARY ? *)", "JANUARY", "month", "1 to 12")
	value("cron(0 0 ? * 0 *)", "0", "day-of-week", "1 to 7")
	value("cron(0 0 ? * 8 *)", "8", "day-of-week", "1 to 7")
	value("cron(0 0 ? * MON,TUE#1 *)", "MON,TUE", "day-of-week", "1 to 7")
	value("cron(0 0 ? * MON,FRIL *)", "MON,FRI", "day-of-week", "1 to 7")
	value("cron(0 0 1 1 ? 1969)", "1969", "year", "1970 to 2199")
	value("cron(0 0 1 1 ? 2200)", "2200", "year", "1970 to 2199")
	f("cron(0 0 ? * MON#6 *)", `A number from 1 to 5 must follow # in day-of-week of the schedule expression, not "6".`)
	f("cron(0 0 ? * MON# *)", `A number from 1 to 5 must follow # in day-of-week of the schedule expression, not "".`)
	f("cron(*/0 0 1 1 ? *)", `A step from 1 to 60 must follow / in minutes of the schedule expression, not "0".`)
	f("cron(*/61 0 1 1 ? *)", `A step from 1 to 60 must follow / in minutes of the schedule expression, not "61".`)
	f("cron(0 1/ 1 1 ? *)", `A step from 1 to 24 must follow / in hours of the schedule expression, not "".`)
	f("cron(0 0 1 1 ? 2030-2020)", `A range in year of the schedule expression ends before it begins: "2030-2020".`)
	f("cron(0 0 30 2 ? *)", "The schedule expression never fires.")
	f("cron(0 0 29 2 ? 2027)", "The schedule expression never fires.")
	f("cron(0 0 31W 2,4 ? *)", "The schedule expression never fires.")
	f("cron(0 9 * * ? "+strings.Repeat("2026,", 60)+"2026)", "The schedule expression has more than 256 characters.")
	atLimit := "cron(0 9 * * ? 2026)"
	parse(t, atLimit+strings.Repeat(" ", cron.MaxLength-len(atLimit)))
}

// Next must find what going from minute to minute finds.
func FuzzNext(f *testing.F) {
	for _, s := range []string{
		"cron(0 9 * * ? *)", "cron(0/15 1-3 * * ? *)", "cron(30 2 ? * SUN#1 *)", "cron(0 0 L * ? *)", "cron(0 0 15W 2-4 ? 2026)", "cron(0 0 ? * FRIL *)", "cron(7 23 LW * ? 2020/3)",
		"cron(59 23 ? * 7L *)", "cron(50-10/7 20-4/3 28-3 NOV-FEB ? *)",
	} {
		for zone := range zones {
			f.Add(s, int64(1_790_000_000), uint8(zone))
		}
	}
	f.Add("cron(*/7 * * 3 ? *)", int64(1_772_900_000), uint8(1))
	f.Add("cron(30 * * 11 ? *)", int64(1_793_500_000), uint8(1))
	f.Fuzz(func(t *testing.T, text string, unix int64, zoneIndex uint8) {
		s, err := cron.Parse(text)
		if err != nil {
			return
		}
		from := time.Unix(unix%(7_000_000_000), 0)
		z := zone(t, zones[int(zoneIndex)%len(zones)])
		next, found := s.Next(from, z)
		if found && !next.After(from) {
			t.Fatalf("%s after %s: %s", text, from, next)
		}
		// Nothing in between, for three days.
		end := from.Add(72 * time.Hour)
		if found && next.Before(end) {
			end = next
		}
		if found {
			if again, ok := s.Next(next.Add(-time.Second), z); !ok || !again.Equal(next) {
				t.Fatalf("%s: %s, but just before it %s", text, next, again)
			}
			if last, ok := s.Last(from, next, z); from.Before(next) && (!ok || !last.Equal(next)) {
				t.Fatalf("%s in [%s, %s]: last %s, %v", text, from, next, last, ok)
			}
		}
		for at := from.Add(time.Minute).Truncate(time.Minute); at.Before(end); at = at.Add(97 * time.Minute) {
			if x, ok := s.Next(at, z); ok && x.Before(end) {
				t.Fatalf("%s after %s: %s, but after %s: %s", text, from, next, at, x)
			}
		}
	})
}

var zones = []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"}

func BenchmarkNext(b *testing.B) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, text := range []string{"cron(* * * * ? *)", "cron(0 9 ? * MON#1 *)", "cron(0 0 29 2 ? 2196)"} {
		s := parse(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Next(at, time.UTC)
			}
		})
	}
}
