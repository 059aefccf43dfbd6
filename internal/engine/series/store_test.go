package series_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/series"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// TestRetention adds one value a minute for the last 500 days, as time goes on, and looks at what each period
// sees.
func TestRetention(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	m := metric("m")
	begin := noon - 500*day
	// A value of 1 at the beginning of every hour, and, in the last 80 days, of every five minutes.
	*s.now = begin
	for at := begin; at < noon; at += day {
		*s.now = at + day
		var points []series.Point
		step := hour
		if at >= noon-80*day {
			step = 5 * minute
		}
		for u := at; u < at+day; u += step {
			points = append(points, series.Value(m, "", u, 1))
		}
		s.add(points...)
		s.flush()
		s.maintain()
	}
	if f := s.Stats().Files; f > 80 {
		t.Errorf("%d files", f)
	}
	count := func(period time.Duration, start, end int64) (n float64) {
		for _, b := range s.read(m, period, start, end) {
			n += b.Count
		}
		return n
	}
	perDay := 24.0 * 12
	for _, c := range []struct {
		name   string
		period time.Duration
		want   float64
	}{
		{"a minute", time.Minute, 15 * perDay},
		{"five minutes", 5 * time.Minute, 63 * perDay},
		{"an hour", time.Hour, 80*perDay + 375*24},
		{"a day", 24 * time.Hour, 80*perDay + 375*24},
		{"ten seconds", 10 * time.Second, 0},
		{"two minutes", 2 * time.Minute, 15 * perDay},
	} {
		if got := count(c.period, begin, noon+day); got != c.want {
			t.Errorf("%s: got %v values, want %v", c.name, got, c.want)
		}
	}
	// After all is too old, nothing is left, the metric neither.
	*s.now = noon + 500*day
	s.maintain()
	if st := s.Stats(); st.Files != 0 || st.Series != 0 {
		t.Errorf("left: %+v", st)
	}
	s.reopen()
}

// TestHighResolution reads what was added by the second.
func TestHighResolution(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	m := metric("m")
	for i := range int64(60) {
		p := series.Value(m, "", noon-minute+i*1000+17, float64(i))
		p.HighResolution = true
		s.add(p)
		if i == 30 {
			s.flush()
		}
	}
	check := func(where string) {
		t.Helper()
		if got := s.read(m, time.Second, noon-minute, noon); len(got) != 60 || got[7].Sum != 7 {
			t.Errorf("%s: %d seconds", where, len(got))
		}
		if got := s.read(m, 10*time.Second, noon-minute, noon); len(got) != 6 || got[1].Sum != 145 || got[1].Count != 10 {
			t.Errorf("%s: ten seconds: %+v", where, got)
		}
		if got := s.read(m, time.Minute, noon-minute, noon); len(got) != 1 || got[0].Sum != 59*30 {
			t.Errorf("%s: a minute: %+v", where, got)
		}
	}
	check("memory and file")
	s.flush()
	s.maintain()
	check("files")
	// After three hours only the minute is left.
	*s.now += 3*hour + minute
	if got := s.read(m, time.Second, noon-minute, noon); len(got) != 0 {
		t.Errorf("%d seconds after three hours", len(got))
	}
	*s.now += hour
	files := s.Stats().Files
	s.maintain()
	if now := s.Stats().Files; now >= files {
		t.Errorf("%d files of %d after the seconds are too old", now, files)
	}
	if got := s.read(m, time.Minute, noon-minute, noon); len(got) != 1 || got[0].Sum != 59*30 {
		t.Errorf("a minute later: %+v", got)
	}
}

// TestAgainstModel adds at random, in and out of order, and compares all periods with sums of what
// was added.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 5))
		s := open(t, vfs.NewMem(), smallLog)
		type sample struct {
			m     int
			unit  string
			at    int64
			value float64
		}
		var all []sample
		metrics := []series.Metric{metric("a"), metric("a", "H", "x"), metric("b")}
		units := []string{"", "Count"}
		for range 40 {
			var points []series.Point
			for range 1 + rng.IntN(20) {
				x := sample{rng.IntN(3), units[rng.IntN(2)], noon - rng.Int64N(40*day), float64(rng.IntN(100))}
				if rng.IntN(2) == 0 {
					x.at = noon - rng.Int64N(2*hour)
				}
				all = append(all, x)
				points = append(points, series.Value(metrics[x.m], x.unit, x.at, x.value))
			}
			s.add(points...)
			switch rng.IntN(6) {
			case 0, 1:
				s.flush()
			case 2:
				s.maintain()
			case 3:
				s.reopen()
			}
		}
		for range 60 {
			mi, unit := rng.IntN(3), append(units, "all")[rng.IntN(3)]
			period := []int64{60, 300, 600, 3600, 86400}[rng.IntN(5)] * 1000
			start := noon - rng.Int64N(40*day)
			start -= start % (5 * minute)
			if start < noon-15*day && period < 5*minute {
				period = 5 * minute
			}
			if start < noon-15*day {
				start -= start % (5 * minute)
			}
			end := start + rng.Int64N(noon-start+minute)
			end -= end % (5 * minute) // data that is old has no finer end
			if unit == "" {
				unit = "Count" // "" asks for all units
			}
			want := map[int64][2]float64{}
			for _, x := range all {
				resolution := minute
				if x.at-x.at%day+day <= noon-15*day {
					resolution = 5 * minute
				}
				at := x.at - x.at%resolution
				if x.m == mi && (unit == "all" || x.unit == unit) && at >= start && at < end {
					k := start + (at-start)/period*period
					want[k] = [2]float64{want[k][0] + 1, want[k][1] + x.value}
				}
			}
			ask := unit
			if unit == "all" {
				ask = ""
			}
			buckets, err := s.ReadSums(context.Background(), metrics[mi], ask, time.Duration(period)*time.Millisecond, start, end)
			if err != nil {
				t.Fatal(err)
			}
			got := map[int64][2]float64{}
			last := int64(math.MinInt64)
			for _, b := range buckets {
				got[b.Start] = [2]float64{b.Count, b.Sum}
				if b.Start <= last {
					t.Fatalf("seed %d: not in order", seed)
				}
				last = b.Start
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d, metric %d, unit %s, period %d from %d to %d (-want +got):\n%s", seed, mi, unit, period, start, end, d)
			}
		}
	}
}

// TestTooManySeries is a metric with 100,000 values of a dimension: it stops at its limit, and
// others are not harmed.
func TestTooManySeries(t *testing.T) {
	s := open(t, vfs.NewMem(), func(o *series.Options) { o.MaxSeries = 4000 })
	other := metric("Other")
	s.add(series.Value(other, "", noon, 1))
	refused := 0
	var tooMany *series.TooManySeriesError
	for from := 0; from < 100_000; from += 1000 {
		var points []series.Point
		for i := range 1000 {
			points = append(points, series.Value(metric("Wild", "User", fmt.Sprint(from+i)), "Count", noon, 1))
		}
		err := s.Add(context.Background(), points, map[string]uint64{"c": uint64(from)})
		if err == nil {
			continue
		}
		if !errors.As(err, &tooMany) || !errors.Is(err, series.ErrTooManySeries) || !tooMany.PerMetric || tooMany.Limit != 1000 || len(tooMany.Refused) != 1000 {
			t.Fatalf("from %d: %v", from, err)
		}
		refused++
	}
	if refused != 99 {
		t.Errorf("%d batches refused", refused)
	}
	if got, want := tooMany.Error(), "metric Wild in Test has 1000 combinations of dimensions and units already"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if lsn, _ := s.Reached("c"); lsn != 0 {
		t.Errorf("a refused batch moved the position to %d", lsn)
	}
	// A batch that is refused in part says in which, and the rest goes in.
	batch := []series.Point{
		series.Value(metric("Wild", "User", "5"), "Count", noon, 1), series.Value(metric("Wild", "User", "new"), "Count", noon, 1),
		series.Value(other, "", noon, 1),
	}
	err := s.Add(context.Background(), batch, nil)
	if !errors.As(err, &tooMany) || !cmp.Equal(tooMany.Refused, []int{1}) {
		t.Fatalf("got %v", err)
	}
	s.add(batch[0], batch[2])
	if got := s.read(other, time.Minute, noon, noon+minute); got[0].Count != 2 {
		t.Errorf("the other metric is %+v", got)
	}
	if n := s.Stats().Series; n != 1001 {
		t.Errorf("%d series", n)
	}
	s.reopen()
	if n := s.Stats().Series; n != 1001 {
		t.Errorf("%d series after a restart", n)
	}
	// The limit of all.
	for i := range 3000 {
		err = s.Add(context.Background(), []series.Point{series.Value(metric(fmt.Sprint("m", i)), "", noon, 1)}, nil)
		if err != nil {
			break
		}
	}
	if !errors.As(err, &tooMany) || tooMany.PerMetric || tooMany.Limit != 4000 {
		t.Errorf("got %v", err)
	}
}

// TestMemory adds more than the memory for memtables: it is flushed in between.
func TestMemory(t *testing.T) {
	s := open(t, vfs.NewMem(), func(o *series.Options) { o.Memory = 1 << 20; o.MaxSeries = 1000 })
	most := int64(0)
	for i := range 200 {
		var points []series.Point
		for j := range 500 {
			points = append(points, series.Value(metric("m", "D", fmt.Sprint(j%200)), "", noon-int64(i*500+j)*minute/8, float64(i)))
		}
		s.add(points...)
		most = max(most, s.Stats().Memtable)
	}
	if most > 2<<20 {
		t.Errorf("memtables took %d bytes", most)
	}
	if s.Stats().Files == 0 {
		t.Error("nothing was flushed")
	}
	n := 0.0
	for j := range 200 {
		for _, b := range s.read(metric("m", "D", fmt.Sprint(j)), time.Hour, noon-200*day, noon+minute) {
			n += b.Count
		}
	}
	if n != 100_000 {
		t.Errorf("%v values", n)
	}
}

func TestMerge(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	m := metric("m")
	for i := range 40 {
		s.add(series.Value(m, "", noon-int64(i%10)*minute, float64(i)))
		s.flush()
		s.maintain()
		if f := s.Stats().Files; f > 4 {
			t.Fatalf("%d files after %d flushes", f, i+1)
		}
	}
	got := s.read(m, time.Minute, noon-10*minute, noon+minute)
	if len(got) != 10 || got[9].Count != 4 || got[9].Sum != 0+10+20+30 {
		t.Errorf("got %+v", got)
	}
	if v, ok := got[9].Percentile(0.5); !ok || v != 10 {
		t.Errorf("median %v %v", v, ok)
	}
}

func TestList(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	old := metric("Old")
	all := []series.Metric{
		metric("A"), metric("A", "Host", "a"), metric("A", "Host", "a", "Zone", "z"), metric("A", "Host", "b"), metric("B", "Host", "a"),
	}
	other := metric("A")
	other.Namespace = "Other"
	foreign := metric("A")
	foreign.Scope = logs.Scope{Account: "111111111111", Region: "us-east-1"}
	for _, m := range append(all, other, foreign) {
		s.add(series.Value(m, "Count", noon, 1), series.Value(m, "Bytes", noon, 1))
	}
	s.add(series.Value(old, "", noon-14*day, 1))
	check := func(name string, q series.ListQuery, want ...series.Metric) {
		t.Helper()
		q.Scope = scope
		for _, limit := range []int{0, 1, 2} {
			q.Limit, q.After = limit, ""
			var got []series.Metric
			for {
				page, next := s.List(q)
				got = append(got, page...)
				if next == "" {
					break
				}
				q.After = next
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, limit %d (-want +got):\n%s", name, limit, d)
			}
		}
	}
	for range 2 {
		check("all", series.ListQuery{Since: noon - hour}, append([]series.Metric{other}, all...)...)
		check("namespace", series.ListQuery{Namespace: "Test"}, append(append([]series.Metric{}, all...), old)...)
		check("name", series.ListQuery{Namespace: "Test", Name: "B"}, all[4])
		check("name in all", series.ListQuery{Name: "B"}, all[4])
		check("dimension", series.ListQuery{Dimensions: []series.DimensionFilter{{Name: "Host", Value: "a"}}}, all[1], all[2], all[4])
		check("any value", series.ListQuery{Name: "A", Dimensions: []series.DimensionFilter{{Name: "Host"}}}, all[1], all[2], all[3])
		check("none", series.ListQuery{Namespace: "Tes"})
		s.reopen()
	}
	units, err := s.Units(metric("A"))
	if d := cmp.Diff([]string{"Bytes", "Count"}, units); d != "" || err != nil {
		t.Errorf("units %v %v", units, err)
	}
}

func TestInvalid(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	good := series.Value(metric("m"), "", noon, 1)
	for name, change := range map[string]func(*series.Point){
		"no name":            func(p *series.Point) { p.Metric.Name = "" },
		"a NUL":              func(p *series.Point) { p.Metric.Namespace = "a\x00b" },
		"order":              func(p *series.Point) { p.Metric = metric("m", "B", "1", "A", "2") },
		"twice":              func(p *series.Point) { p.Metric = metric("m", "A", "1", "A", "2") },
		"empty value":        func(p *series.Point) { p.Metric = metric("m", "A", "") },
		"unit":               func(p *series.Point) { p.Unit = "a\x00" },
		"time":               func(p *series.Point) { p.Timestamp = -1 },
		"late":               func(p *series.Point) { p.Timestamp = math.MaxInt64 },
		"count":              func(p *series.Point) { p.Count = 0 },
		"NaN":                func(p *series.Point) { p.Sum = math.NaN() },
		"infinite":           func(p *series.Point) { p.Max = math.Inf(1) },
		"least and greatest": func(p *series.Point) { p.Min, p.Max = 2, 1 },
		"counts":             func(p *series.Point) { p.Values, p.Counts = []float64{1}, []float64{1, 1} },
		"a value outside":    func(p *series.Point) { p.Values = []float64{2} },
		"values and count":   func(p *series.Point) { p.Values = []float64{1, 1} },
		"dimensions": func(p *series.Point) {
			for i := range series.MaxDimensions + 1 {
				p.Metric.Dimensions = append(p.Metric.Dimensions, series.Dimension{Name: fmt.Sprintf("%02d", i), Value: "v"})
			}
		},
	} {
		bad := good
		change(&bad)
		if err := s.Add(context.Background(), []series.Point{good, bad}, nil); !errors.Is(err, series.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := s.Stats().Series; n != 0 {
		t.Errorf("%d series are left of what was refused", n)
	}
	if _, err := s.Read(context.Background(), metric("m"), "", 1500*time.Millisecond, 0, noon); !errors.Is(err, series.ErrInvalid) {
		t.Errorf("period of 1.5 s: %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	for name, err := range map[string]error{
		"add":      s.Add(context.Background(), nil, nil),
		"flush":    s.Flush(context.Background()),
		"maintain": s.Maintain(context.Background()),
	} {
		if !errors.Is(err, series.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTooLarge adds what does not fit in a record of the log.
func TestTooLarge(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	values := make([]float64, 1<<16)
	for i := range values {
		values[i] = float64(i) + 0.1
	}
	large := point(values...)
	large.Metric, large.Timestamp = metric("large"), noon
	var points []series.Point
	for range 29 { // of 9 bytes a value: just above 16 MiB
		points = append(points, large)
	}
	if err := s.Add(context.Background(), points, nil); !errors.Is(err, series.ErrTooLarge) {
		t.Fatalf("got %v", err)
	}
	if n := s.Stats().Series; n != 0 {
		t.Errorf("%d series are left", n)
	}
	s.add(points[:28]...)
	if got := s.read(large.Metric, time.Minute, noon, noon+minute); len(got) != 1 || got[0].Count != 28<<16 {
		t.Errorf("got %+v", got)
	}
}

// TestBounds has names, dimensions and units as long as they may be, and one byte longer.
func TestBounds(t *testing.T) {
	s := open(t, vfs.NewMem(), nil)
	name := strings.Repeat("n", 4096)
	m := series.Metric{Scope: scope, Namespace: name, Name: name}
	for i := range series.MaxDimensions {
		m.Dimensions = append(m.Dimensions, series.Dimension{Name: fmt.Sprintf("%02d", i) + name[2:], Value: name})
	}
	s.add(series.Value(m, name, noon, 1))
	s.flush()
	s.reopen()
	if got := s.read(m, time.Minute, noon, noon+minute); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
	for what, change := range map[string]func(*series.Point){
		"name":      func(p *series.Point) { p.Metric.Name += "n" },
		"namespace": func(p *series.Point) { p.Metric.Namespace += "n" },
		"unit":      func(p *series.Point) { p.Unit += "n" },
		"count":     func(p *series.Point) { p.Count = 2 * series.MaxCount },
	} {
		p := series.Value(m, name, noon, 1)
		change(&p)
		if err := s.Add(context.Background(), []series.Point{p}, nil); !errors.Is(err, series.ErrInvalid) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if err := s.Add(context.Background(), nil, map[string]uint64{"": 1}); !errors.Is(err, series.ErrInvalid) {
		t.Errorf("no name of a consumer: %v", err)
	}
}

// TestPositions go forth and back with their additions, over flushes and restarts.
func TestPositions(t *testing.T) {
	s := open(t, vfs.NewMem(), smallLog)
	if _, ok := s.Reached("a"); ok {
		t.Error("a position of nobody")
	}
	check := func(want uint64) {
		t.Helper()
		for range 2 {
			if lsn, ok := s.Reached("a"); !ok || lsn != want {
				t.Errorf("position %d %v, want %d", lsn, ok, want)
			}
			s.reopen()
		}
	}
	reach := func(lsn uint64) {
		t.Helper()
		if err := s.Add(context.Background(), nil, map[string]uint64{"a": lsn}); err != nil {
			t.Fatal(err)
		}
	}
	reach(5)
	check(5)
	s.flush()
	check(5)
	reach(7)
	s.flush()
	reach(9)
	check(9)
	reach(3) // of a data directory that was restored from a copy, say
	check(3)
}
