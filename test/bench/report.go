package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"
)

// report collects figures. It is used by one goroutine.
type report struct {
	Machine string    `json:"machine"`
	Cores   int       `json:"cores"`
	Go      string    `json:"go"`
	When    time.Time `json:"when"`
	Size    int64     `json:"corpusBytes"`
	Figures []figure  `json:"figures"`
}

// figure is one measured value.
type figure struct {
	Scenario string  `json:"scenario"`
	Name     string  `json:"name"`
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
}

func newReport(s settings) *report {
	return &report{Machine: machine(), Cores: runtime.NumCPU(), Go: runtime.Version(), When: time.Now().UTC().Truncate(time.Second), Size: s.size}
}

// add notes a figure and shows it at once, so that a long run can be watched.
func (r *report) add(scenario, name string, value float64, unit string) {
	r.Figures = append(r.Figures, figure{scenario, name, value, unit})
	fmt.Fprintf(os.Stderr, "%-14s %-44s %12.3f %s\n", scenario, name, value, unit)
}

func (r *report) writeJSON(name string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the report: %w", err)
	}
	return os.WriteFile(name, append(raw, '\n'), 0o644)
}

func (r *report) writeMarkdown(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d cores, %s, %s, %.2f GB a corpus\n\n", r.Machine, r.Cores, r.Go, r.When.Format("2006-01-02"), float64(r.Size)/1e9)
	fmt.Fprintln(w, "| scenario | figure | value |")
	_, err := fmt.Fprintln(w, "|---|---|---:|")
	for _, f := range r.Figures {
		_, err = fmt.Fprintf(w, "| %s | %s | %s %s |\n", f.Scenario, f.Name, compact(f.Value), f.Unit)
	}
	return err
}

// compact prints a value with three significant digits.
func compact(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// quantile is the q-th quantile of durations, in milliseconds. It sorts them.
func quantile(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(q*float64(len(d))))]) / float64(time.Millisecond)
}
