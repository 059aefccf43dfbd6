package metricmath_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/metricmath"
)

// The scripts in testdata are lists of blocks, with an empty line between two:
//
//	load                    the series that follow replace those before; "-" is no value
//	  m1 1 2 - 4            the first value is at the start, the next ones follow by the period
//	period 60               of the series that are loaded after it, in s
//	eval m1 * 2             computes, and expects what follows:
//	  2 4 - 8               one line of values for a time series
//	  m1: 2 4 - 8           one line with a label for each of an array, or the word "none"
//	  number 8              a number
//	error m1 +              must fail, and so:
//	  4: message            position (from 1) and message
//
// # begins a comment. The range begins at 2026-03-01T12:00Z, a Sunday, and has eight
// minutes unless "range N" says how many.
type script struct {
	t      *testing.T
	where  string
	period int64
	length int64 // periods of a minute
	ids    []string
	series map[string]*metricmath.Series
}

const scriptStart = int64(1772366400000)

func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, period: 60, length: 8, series: map[string]*metricmath.Series{}}
			lines := strings.Split(string(text), "\n")
			for i := 0; i < len(lines); {
				head := strings.TrimRight(lines[i], " ")
				s.where = fmt.Sprintf("%s:%d", name, i+1)
				i++
				if head == "" || strings.HasPrefix(head, "#") {
					continue
				}
				var body []string
				for i < len(lines) && strings.HasPrefix(lines[i], "  ") {
					body = append(body, strings.TrimSpace(lines[i]))
					i++
				}
				command, rest, _ := strings.Cut(head, " ")
				s.run(command, rest, body)
			}
		})
	}
}

func (s *script) run(command, rest string, body []string) {
	switch command {
	case "load":
		s.ids, s.series = nil, map[string]*metricmath.Series{}
		for _, line := range body {
			f := strings.Fields(line)
			s.ids = append(s.ids, f[0])
			s.series[f[0]] = s.parse(f[0], f[1:])
		}
	case "period":
		s.period = s.number(rest)
	case "range":
		s.length = s.number(rest)
	case "eval":
		v, err := s.eval(rest)
		if err != nil {
			s.t.Errorf("%s: %s: %v", s.where, rest, err)
			return
		}
		if got, want := s.print(v), strings.Join(body, "\n"); got != want {
			s.t.Errorf("%s: %s:\ngot\n%s\nwant\n%s", s.where, rest, got, want)
		}
	case "error":
		_, err := s.eval(rest)
		got := "no error"
		if e, ok := err.(*metricmath.Error); ok {
			got = fmt.Sprintf("%d: %s", e.Offset+1, e.Message)
		} else if err != nil {
			got = err.Error()
		}
		if want := strings.Join(body, "\n"); got != want {
			s.t.Errorf("%s: %s:\ngot  %s\nwant %s", s.where, rest, got, want)
		}
	default:
		s.t.Fatalf("%s: unknown command %s", s.where, command)
	}
}

func (s *script) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("%s: %v", s.where, err)
	}
	return n
}

func (s *script) parse(label string, values []string) *metricmath.Series {
	out := &metricmath.Series{Label: label, Period: s.period, Metric: label}
	for i, text := range values {
		if text == "-" {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			s.t.Fatalf("%s: %v", s.where, err)
		}
		out.Times = append(out.Times, scriptStart+int64(i)*s.period*1000)
		out.Values = append(out.Values, v)
	}
	return out
}

func (s *script) env() *metricmath.Env {
	return &metricmath.Env{
		Start: func(int64) int64 { return scriptStart }, End: scriptStart + s.length*60_000, Period: s.period,
		Lookup: func(id string) (metricmath.Value, bool, bool) {
			x, ok := s.series[id]
			if !ok {
				return metricmath.Value{}, false, false
			}
			return metricmath.Value{Type: metricmath.TimeSeries, Series: []*metricmath.Series{x}}, true, true
		},
		Metrics: func(contains string) []*metricmath.Series {
			var all []*metricmath.Series
			for _, id := range s.ids {
				if strings.Contains(id, contains) {
					all = append(all, s.series[id])
				}
			}
			return all
		},
		Search: func(_ context.Context, query, statistic string, period int64) ([]*metricmath.Series, error) {
			return []*metricmath.Series{{Label: fmt.Sprintf("%s|%s|%d", query, statistic, period), Period: period}}, nil
		},
	}
}

func (s *script) eval(text string) (metricmath.Value, error) {
	x, err := metricmath.Parse(text)
	if err != nil {
		return metricmath.Value{}, err
	}
	again, err := metricmath.Parse(x.String())
	if err != nil || again.String() != x.String() {
		s.t.Errorf("%s: %s prints as %s, and that as %v %v", s.where, text, x, again, err)
	}
	v, err := x.Eval(context.Background(), s.env())
	// Types do not depend on data.
	full := s.series
	s.series = map[string]*metricmath.Series{}
	for id, x := range full {
		s.series[id] = &metricmath.Series{Label: x.Label, Period: x.Period}
	}
	empty, emptyErr := x.Eval(context.Background(), s.env())
	s.series = full
	if empty.Type != v.Type || fmt.Sprint(err) != fmt.Sprint(emptyErr) {
		s.t.Errorf("%s: %s is %v %v, and without data %v %v", s.where, text, v.Type, err, empty.Type, emptyErr)
	}
	return v, err
}

// print writes a value as the scripts do.
func (s *script) print(v metricmath.Value) string {
	number := func(f float64) string { return strconv.FormatFloat(f, 'g', 6, 64) }
	if v.Type == metricmath.Scalar {
		return "number " + number(v.Number)
	}
	var lines []string
	for _, x := range v.Series {
		if !slices.IsSorted(x.Times) || len(x.Times) != len(x.Values) {
			s.t.Errorf("%s: %d values at %v", s.where, len(x.Values), x.Times)
		}
		// The step is that of the times that are there.
		step := x.Period * 1000
		if step == 0 {
			step = 60_000
		}
		var cells []string
		at := 0
		for t := scriptStart; at < len(x.Times); t += step {
			cell := "-"
			if x.Times[at] == t {
				cell = number(x.Values[at])
				at++
			} else if x.Times[at] < t {
				s.t.Errorf("%s: value at %d is not on the grid", s.where, x.Times[at])
				at++
			}
			cells = append(cells, cell)
		}
		if len(cells) == 0 {
			cells = []string{"empty"}
		}
		line := strings.Join(cells, " ")
		if v.Type == metricmath.Array {
			line = x.Label + ": " + line
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		return "none"
	}
	return strings.Join(lines, "\n")
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "m1" + strings.Repeat(")", n) }
	if _, err := metricmath.Parse(deep(100)); err != nil {
		t.Errorf("100: %v", err)
	}
	for _, text := range []string{deep(101), strings.Repeat("-", 101) + "m1", strings.Repeat("ABS(", 101) + "m1" + strings.Repeat(")", 101), "m1" + strings.Repeat("^m1", 101)} {
		if _, err := metricmath.Parse(text); err == nil {
			t.Errorf("%.20s… is accepted", text)
		}
	}
	if _, err := metricmath.Parse(strings.Repeat(" ", metricmath.MaxText-2) + "m1"); err != nil {
		t.Errorf("longest text: %v", err)
	}
	if _, err := metricmath.Parse(strings.Repeat(" ", metricmath.MaxText-1) + "m1"); err == nil {
		t.Error("a longer text is accepted")
	}
}

func TestMadeUpSeriesAreBounded(t *testing.T) {
	for _, text := range []string{"TIME_SERIES(1)", "FILL(m1, 0)", "HOUR(m1)"} {
		x, err := metricmath.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{t: t, period: 60, length: 100_800, series: map[string]*metricmath.Series{"m1": {Period: 60}}}
		v, err := x.Eval(context.Background(), s.env())
		if err != nil || len(v.Series[0].Values) != 100_800 {
			t.Errorf("%s: %v", text, err)
		}
		s.length++
		if _, err := x.Eval(context.Background(), s.env()); err == nil {
			t.Errorf("%s of one value more is computed", text)
		}
	}
}

func TestWorkIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("computes 100 million values")
	}
	s := &script{t: t, period: 60, length: 8, series: map[string]*metricmath.Series{}}
	for i := range 500 {
		id := fmt.Sprint("m", i)
		s.ids = append(s.ids, id)
		s.series[id] = s.parse(id, strings.Fields(strings.Repeat("1 ", 1440)))
	}
	for text, want := range map[string]string{
		"SUM(METRICS())": "",
		"SUM([METRICS(), METRICS(), METRICS(), METRICS()])":              "",
		"SUM([METRICS(), METRICS(), METRICS(), METRICS(), m1])":          "an array of more than 2000 time series",
		strings.Repeat("-", 90) + "METRICS()":                            "the expression computes more than 50000000 values",
		"SUM(" + strings.Repeat("-", 20) + "[METRICS(),METRICS()]" + ")": "",
	} {
		x, err := metricmath.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = x.Eval(context.Background(), s.env())
		got := ""
		if e, ok := err.(*metricmath.Error); ok {
			got = e.Message
		}
		if got != want {
			t.Errorf("%.40s: got %v, want %q", text, err, want)
		}
	}
}

func TestEvalEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	x, err := metricmath.Parse("1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Eval(ctx, &metricmath.Env{}); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// FuzzParse parses, prints, parses and evaluates.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatal("no scripts")
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for line := range strings.SplitSeq(string(text), "\n") {
			if _, x, ok := strings.Cut(line, " "); ok && (strings.HasPrefix(line, "eval ") || strings.HasPrefix(line, "error ")) {
				f.Add(x)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, err := metricmath.Parse(text)
		if err != nil {
			if e, ok := err.(*metricmath.Error); !ok || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("%q: error %v", text, err)
			}
			return
		}
		if again, err := metricmath.Parse(x.String()); len(x.String()) <= metricmath.MaxText && (err != nil || again.String() != x.String()) {
			// Parentheses that printing adds may be too deep.
			if e, ok := err.(*metricmath.Error); !ok || !strings.Contains(e.Message, "too deep") {
				t.Fatalf("%q prints as %q, and that as %v %v", text, x, again, err)
			}
		}
		s := &script{t: t, where: text, period: 60, length: 4, ids: []string{"m1", "m2"}, series: map[string]*metricmath.Series{}}
		s.series["m1"] = s.parse("m1", []string{"1", "-", "3"})
		s.series["m2"] = s.parse("m2", []string{"-5", "0", "2.5"})
		v, err := x.Eval(context.Background(), s.env())
		if err != nil {
			return
		}
		for _, x := range v.Series {
			for _, v := range x.Values {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("%q has the value %v", text, v)
				}
			}
		}
	})
}

// FuzzSearch parses searches and compares metrics.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{
		"{AWS/EC2,InstanceId} MetricName=\"CPUUtilization\"", "{\"My Namespace\", \"D@N\"}, \"Custom:Name[x\"", "NOT Namespace=AWS",
		"(EC2 OR EBS) AND MetricName=ReadOps", "a b NOT \"c\" OR (d AND (e))", "\"Europe\\\\France Traffic\\(Network\\)\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := metricmath.ParseSearch(text)
		if err != nil {
			if e, ok := err.(*metricmath.Error); !ok || e.Offset < 0 || e.Offset > len(text) {
				t.Fatalf("%q: error %v", text, err)
			}
			return
		}
		s.Match("AWS/EC2", "CPUUtilization", []metricmath.Dimension{{Name: "InstanceId", Value: "i-0ab"}})
	})
}
