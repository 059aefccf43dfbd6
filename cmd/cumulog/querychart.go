package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	chartHeight = 6 // lines of a curve
	maxBars     = 48
	maxSeries   = 8
	barWidth    = 40 // at most
)

// resultTime is how results write a time.
const resultTime = "2006-01-02 15:04:05.000"

// series are the numbers of a column over time.
type series struct {
	name   string
	values map[int64]float64 // by time in ms
}

// errNoChart says why rows cannot be drawn.
var errNoChart = errors.New("nothing can be drawn: a chart needs a first column of times and numbers beside it, as of `stats count(*) by bin(5m)`")

// printChart draws rows whose first column is a time: bars for a few values of one series, else a curve for each. When it was asked
// for, rows that cannot be drawn are an error.
func printChart(w *bufio.Writer, columns []string, rows [][]*string, width int, asked bool) error {
	times, list := chartOf(columns, rows)
	if len(list) == 0 || len(times) < 2 && !asked {
		if asked {
			return errNoChart
		}
		return nil
	}
	if width <= 0 {
		width = defaultWidth
	}
	w.WriteByte('\n')
	if len(list) == 1 && len(times) <= maxBars {
		drawBars(w, times, list[0], width)
		return nil
	}
	for i, s := range list {
		if i == maxSeries {
			fmt.Fprintf(w, "… %d more\n", len(list)-maxSeries)
			break
		}
		drawCurve(w, times, s, width)
	}
	return nil
}

// chartOf takes rows apart into series: one for each column of numbers, or, when there are columns of texts, one for each of their
// combinations. Times are ascending. No series means that the rows are not of that kind.
func chartOf(columns []string, rows [][]*string) (times []int64, list []*series) {
	if len(columns) < 2 || len(rows) == 0 {
		return nil, nil
	}
	numeric := make([]bool, len(columns))
	labels := false
	for c := 1; c < len(columns); c++ {
		numbers := 0
		numeric[c] = true
		for _, row := range rows {
			switch {
			case row[c] == nil:
			case isNumber(*row[c]):
				numbers++
			default:
				numeric[c] = false
			}
		}
		numeric[c] = numeric[c] && numbers > 0
		labels = labels || !numeric[c]
	}
	if !slices.Contains(numeric, true) {
		return nil, nil
	}
	seen := map[int64]bool{}
	by := map[string]*series{}
	for _, row := range rows {
		if row[0] == nil {
			return nil, nil
		}
		at, err := time.Parse(resultTime, *row[0])
		if err != nil {
			return nil, nil
		}
		ms := at.UnixMilli()
		if !seen[ms] {
			seen[ms] = true
			times = append(times, ms)
		}
		label := ""
		for c := 1; c < len(columns); c++ {
			if !numeric[c] {
				text := "-"
				if row[c] != nil {
					text = *row[c]
				}
				label += oneLine(text) + " "
			}
		}
		for c := 1; c < len(columns); c++ {
			if !numeric[c] || row[c] == nil {
				continue
			}
			name := label + oneLine(columns[c])
			s := by[name]
			if s == nil {
				s = &series{name: name, values: map[int64]float64{}}
				by[name] = s
				list = append(list, s)
			}
			if _, twice := s.values[ms]; twice && !labels { // two rows of one time: no series over time
				return nil, nil
			}
			f, err := strconv.ParseFloat(*row[c], 64)
			if err != nil {
				return nil, nil
			}
			s.values[ms] += f
		}
	}
	slices.Sort(times)
	return times, list
}

// stamps returns times as text, without what is the same in all of them.
func stamps(times []int64) []string {
	layout := "2006-01-02 15:04:05.000"
	all := func(unit time.Duration) bool {
		return !slices.ContainsFunc(times, func(t int64) bool { return t%unit.Milliseconds() != 0 })
	}
	first, last := time.UnixMilli(times[0]).UTC(), time.UnixMilli(times[len(times)-1]).UTC()
	switch {
	case all(24 * time.Hour):
		layout = "2006-01-02"
	case all(time.Minute):
		layout = "2006-01-02 15:04"
	case all(time.Second):
		layout = "2006-01-02 15:04:05"
	}
	if first.Truncate(24*time.Hour).Equal(last.Truncate(24*time.Hour)) && len(times) > 1 {
		layout = strings.TrimPrefix(layout, "2006-01-02 ")
	}
	texts := make([]string, len(times))
	for i, t := range times {
		texts[i] = time.UnixMilli(t).UTC().Format(layout)
	}
	return texts
}

// eighths are bars of a growing width, columns of a growing height.
var (
	eighthsWide = []rune(" ▏▎▍▌▋▊▉█")
	eighthsHigh = []rune(" ▁▂▃▄▅▆▇█")
)

// drawBars draws a line for each time. Bars begin at 0; those below it are left out and only their number is shown.
func drawBars(w *bufio.Writer, times []int64, s *series, width int) {
	labels := stamps(times)
	most, widest := 0.0, 0
	numbers := make([]string, len(times))
	for i, t := range times {
		if v, ok := s.values[t]; ok {
			most = max(most, v)
			numbers[i] = shortNumber(v)
		} else {
			numbers[i] = "-"
		}
		widest = max(widest, len(numbers[i]))
	}
	room := max(8, min(barWidth, width-len(labels[0])-widest-4))
	fmt.Fprintf(w, "%s\n", s.name)
	for i, t := range times {
		n := 0
		if most > 0 {
			n = int(math.Round(max(0, s.values[t]) / most * float64(8*room)))
		}
		if n == 0 && s.values[t] > 0 {
			n = 1
		}
		bar := strings.Repeat("█", n/8)
		if n%8 > 0 {
			bar += string(eighthsWide[n%8])
		}
		fmt.Fprintf(w, "%s\n", strings.TrimRight(fmt.Sprintf("%s  %*s  %s", labels[i], widest, numbers[i], bar), " "))
	}
}

// drawCurve draws columns over an axis of time that begins at 0, or at the least value when that is negative. Where several times share
// a place, the greatest value is drawn.
func drawCurve(w *bufio.Writer, times []int64, s *series, width int) {
	low, high := 0.0, math.Inf(-1)
	for _, v := range s.values {
		low, high = min(low, v), max(high, v)
	}
	top, bottom := shortNumber(high), shortNumber(low)
	margin := max(len(top), len(bottom))
	step := int64(math.MaxInt64)
	for i := 1; i < len(times); i++ {
		step = min(step, times[i]-times[i-1])
	}
	span := times[len(times)-1] - times[0]
	places := int64(1)
	if len(times) > 1 {
		places = span/step + 1
	}
	room := int64(max(8, width-margin-2))
	each := (places + room - 1) / room
	places = (places + each - 1) / each
	peaks := make([]float64, places)
	for i := range peaks {
		peaks[i] = math.NaN()
	}
	for t, v := range s.values {
		i := int64(0)
		if len(times) > 1 {
			i = min((t-times[0])/step/each, places-1)
		}
		if math.IsNaN(peaks[i]) || v > peaks[i] {
			peaks[i] = v
		}
	}
	title := s.name
	if each > 1 {
		title += fmt.Sprintf("  (each place: the greatest of %d)", each)
	}
	fmt.Fprintln(w, title)
	for line := range chartHeight {
		label := ""
		switch line {
		case 0:
			label = top
		case chartHeight - 1:
			label = bottom
		}
		row := make([]rune, places)
		for i, v := range peaks {
			row[i] = ' '
			if math.IsNaN(v) {
				continue
			}
			filled := 0
			if high > low {
				filled = int(math.Round((v - low) / (high - low) * 8 * chartHeight))
			}
			if filled == 0 && v > low {
				filled = 1
			}
			row[i] = eighthsHigh[min(8, max(0, filled-8*(chartHeight-1-line)))]
			if filled == 0 && line == chartHeight-1 {
				row[i] = '_'
			}
		}
		fmt.Fprintf(w, "%*s │%s\n", margin, label, strings.TrimRight(string(row), " "))
	}
	labels := stamps(times)
	from, to := labels[0], labels[len(labels)-1]
	gap := int(places) - len(from) - len(to)
	fmt.Fprintf(w, "%*s %s%s%s\n", margin, "", from, strings.Repeat(" ", max(1, gap+1)), to)
}

// shortNumber writes a number in at most a handful of digits.
func shortNumber(f float64) string {
	if a := math.Abs(f); f == math.Trunc(f) && a < 1e6 {
		return strconv.FormatFloat(f, 'f', 0, 64)
	} else if a >= 1e6 && a < 1e15 {
		for _, u := range []struct {
			size float64
			name string
		}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}} {
			if a >= u.size {
				return strconv.FormatFloat(f/u.size, 'g', 4, 64) + u.name
			}
		}
	}
	return strconv.FormatFloat(f, 'g', 5, 64)
}
