package dateformat_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/dateformat"
)

var compilers = map[string]func(string) (*dateformat.Format, error){"java": dateformat.Java, "strftime": dateformat.Strftime, "mysql": dateformat.MySQL}

func TestWrite(t *testing.T) {
	berlin, err := dateformat.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2025, 10, 5, 3, 4, 9, 7_080_000, berlin)
	check := func(kind, format, want string) {
		t.Helper()
		f, err := compilers[kind](format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			return
		}
		if got := string(f.Append(nil, at)); got != want {
			t.Errorf("%s %q gives %q, want %q", kind, format, got, want)
		}
	}
	check("java", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2025-10-05T03:04:09.007+02:00")
	check("java", "yy/M/d h:m a, EEEE", "25/10/5 3:4 AM, Sunday")
	check("java", "dd MMM yyyy G", "05 Oct 2025 AD")
	check("java", "MMMM 'o''clock' '' EEE D Q", "October o'clock ' Sun 278 4")
	check("java", "SSSSSS n A z VV Z ZZZZZ x xx", "007080 7080000 11049007 CEST Europe/Berlin +0200 +02:00 +02 +0200")
	check("java", "kk KK hh e w YYYY [ss]", "03 03 03 1 40 2025 09")
	check("strftime", "%Y-%m-%d %H:%M:%S.%L %z %Z %%", "2025-10-05 03:04:09.007 +0200 CEST %")
	check("strftime", "%a %A %b %B %e %-d %j %u %w %p %I %l %y %C", "Sun Sunday Oct October  5 5 278 7 0 AM 03  3 25 20")
	check("strftime", "%F %T %R %D %V %G %U %W %s", "2025-10-05 03:04:09 03:04 10/05/25 40 2025 40 39 1759626249")
	check("strftime", "%c|%_m|%f|%N", "Sun Oct  5 03:04:09 2025|10|007080|007080000")
	check("mysql", "%Y-%m-%d %H:%i:%s %W %M %D %e %c %f %z", "2025-10-05 03:04:09 Sunday October 5th 5 10 007080 z")
	for _, bad := range []string{"java|yyyy-TT", "java|'x", "java|a]", "java|{", "java|MMMMMM", "java|j", "strftime|%", "strftime|%!", "strftime|%-", "mysql|%", "java|" + strings.Repeat("-", 513)} {
		kind, format, _ := strings.Cut(bad, "|")
		if _, err := compilers[kind](format); !errors.Is(err, dateformat.ErrFormat) {
			t.Errorf("%.20s: %v", bad, err)
		}
	}
	if _, err := dateformat.Java(strings.Repeat("-", 512)); err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	berlin, err := dateformat.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	check := func(kind, format, text, want string) {
		t.Helper()
		f, err := compilers[kind](format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			return
		}
		got := "none"
		if ms, ok := f.Read([]byte(text), berlin); ok {
			got = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000")
		}
		if got != want {
			t.Errorf("%s %q of %q is %s, want %s", kind, format, text, got, want)
		}
	}
	check("java", "yyyy-MM-dd", "2025-10-05", "2025-10-04T22:00:00.000")
	check("java", "yyyy-MM-dd", "2025-1-5", "2025-01-04T23:00:00.000")
	check("java", "yyyyMMddHHmmssSSS", "20251005123456789", "2025-10-05T10:34:56.789")
	check("java", "yyyyMMdd", "2025105", "none")
	check("java", "yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "2025-10-05T12:34:56.7Z", "2025-10-05T12:34:56.700")
	check("java", "yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "2025-10-05T12:34:56-05:30", "2025-10-05T18:04:56.000")
	check("java", "dd/MMM/yyyy:HH:mm:ss Z", "05/oct/2025:12:34:56 +0000", "2025-10-05T12:34:56.000")
	check("java", "EEE, dd MMMM yy hh:mm a z", "Sun, 05 October 25 12:05 am UTC", "2025-10-05T00:05:00.000")
	check("java", "yyyy D", "2024 366", "2024-12-30T23:00:00.000")
	check("java", "yyyy D", "2025 366", "none")
	check("java", "yyyy-MM-dd", "2025-02-29", "none")
	check("java", "yyyy-MM-dd", "2025-13-01", "none")
	check("java", "yyyy-MM-dd", "2025-10-05x", "none")
	check("java", "yyyy-MM-dd", "", "none")
	check("java", "HH:mm", "24:00", "none")
	check("java", "Q", "1", "none")
	check("strftime", "%Y-%m-%d %H:%M:%S %z", "2025-10-05 12:34:56 +0200", "2025-10-05T10:34:56.000")
	check("strftime", "%s", "1759626249", "2025-10-05T01:04:09.000")
	check("strftime", "%b %e %H:%M", "Oct  5 12:00", "1970-10-05T11:00:00.000")
	check("mysql", "%D %M %Y", "5th October 2025", "2025-10-04T22:00:00.000")
}

func TestZone(t *testing.T) {
	for name, ok := range map[string]bool{"UTC": true, "Europe/Berlin": true, "+02:00": true, "-0530": true, "UTC+2": false, "UTC+02": true, "Local": false, "": false,
		"../etc/passwd": false, "Nowhere/City": false, "+25:00": false} {
		if _, err := dateformat.Zone(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add("yyyy-MM-dd'T'HH:mm:ss[.SSS]XXX", "2025-10-05T12:34:56.7Z", int64(1759622400000))
	f.Add("%Y-%m-%d %H:%M:%S.%f %z", "2025-10-05 12:34:56.1 +0200", int64(0))
	f.Add("[[yyyy]MM[dd]", "2025", int64(-5))
	f.Fuzz(func(t *testing.T, format, text string, ms int64) {
		for kind, compile := range compilers {
			c, err := compile(format)
			if err != nil {
				continue
			}
			c.Read([]byte(text), time.UTC)
			if ms > 1<<47 || ms < 0 || c.Reads() != nil || !(strings.Contains(format, "yyyy-MM-dd HH:mm:ss.SSS") && kind == "java") {
				c.Append(nil, time.UnixMilli(ms%(1<<48)).UTC())
				continue
			}
			c.Append(nil, time.UnixMilli(ms).UTC())
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	f, err := dateformat.Strftime("%Y-%m-%d %H:%M:%S")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var out []byte
	at := time.UnixMilli(1759622400000).UTC()
	for b.Loop() {
		out = f.Append(out[:0], at)
	}
}

func BenchmarkRead(b *testing.B) {
	f, err := dateformat.Java("yyyy-MM-dd'T'HH:mm:ss.SSSXXX")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	text := []byte("2025-10-05T12:34:56.789+02:00")
	for b.Loop() {
		if _, ok := f.Read(text, time.UTC); !ok {
			b.Fatal("not read")
		}
	}
}

// What a format writes it reads again, to the ms that the format has.
func TestReadsWhatItWrites(t *testing.T) {
	for _, c := range []struct {
		kind, format string
		unit         int64 // ms
	}{
		{"java", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", 1},
		{"java", "yyyyMMddHHmmssSSSZ", 1},
		{"java", "EEE, d MMM yyyy hh:mm:ss a z", 1000},
		{"java", "EEEE D yyyy kk:mm[:ss.SSSSSS] x", 1},
		{"java", "u-M-d K:m:s a [XX]", 1000},
		{"strftime", "%Y-%m-%d %H:%M:%S.%L %z", 1},
		{"strftime", "%a %b %e %I:%M:%S %p %Y %Z", 1000},
		{"strftime", "%s", 1000},
		{"strftime", "%Q", 1},
		{"mysql", "%W, %D %M %Y %T.%f", 1},
	} {
		f, err := compilers[c.kind](c.format)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		for ms := int64(-1_000_000_000_123); ms < 4_000_000_000_000; ms += 31_234_567_891 {
			text := f.Append(nil, time.UnixMilli(ms).UTC())
			got, ok := f.Read(text, time.UTC)
			if want := time.UnixMilli(ms).Truncate(time.Duration(c.unit) * time.Millisecond); !ok || got/c.unit != want.UnixMilli()/c.unit && got != want.UnixMilli() {
				t.Fatalf("%s writes %d as %q and reads %d, %v", c.format, ms, text, got, ok)
			}
		}
	}
}
