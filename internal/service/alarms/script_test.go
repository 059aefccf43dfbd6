package alarms_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/service/alarms"
)

// scripts calls f for each line of the files of a folder that is no comment.
func scripts(t *testing.T, folder string, f func(t *testing.T, where, line string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					f(t, fmt.Sprintf("%s:%d: %s", file, i+1, line), line)
				}
			}
			f(t, file+": end", "")
		})
	}
}

func TestMissingData(t *testing.T) {
	treatments := []string{alarms.Missing, alarms.Ignore, alarms.Breaching, alarms.NotBreaching}
	spec := alarms.MetricSpec{Comparison: "GreaterThanThreshold", Threshold: 5}
	scripts(t, "missing", func(t *testing.T, where, line string) {
		if line == "" || strings.HasPrefix(line, "data ") {
			return
		}
		if n, _ := fmt.Sscanf(line, "alarm %d of %d", &spec.DatapointsToAlarm, &spec.EvaluationPeriods); n == 2 {
			return
		}
		words := strings.Fields(line)
		n := len(words) - 5
		if n < 1 {
			t.Fatalf("%s: not a row", where)
		}
		windows := make([]*alarms.Datapoint, n)
		for i, w := range words[:n] {
			switch w {
			case "X":
				windows[n-1-i] = &alarms.Datapoint{Value: 6}
			case "0":
				windows[n-1-i] = &alarms.Datapoint{Value: 5}
			case "-":
			default:
				t.Fatalf("%s: unknown datapoint %s", where, w)
			}
		}
		for i, treat := range treatments {
			spec.TreatMissing = treat
			value, filled := alarms.Judge(&spec, windows)
			if value == "" {
				value = "retain"
			}
			if value != words[n+1+i] || fmt.Sprint(filled) != words[n] {
				t.Errorf("%s\n%s: got %s with %d filled", where, treat, value, filled)
			}
		}
	})
}

func TestSuppression(t *testing.T) {
	var w *world
	scripts(t, "suppress", func(t *testing.T, where, line string) {
		if line == "" {
			return
		}
		at, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(at, "example") {
			w = newWorld(t)
			still := simple() // no data change its state
			still.Metric.TreatMissing = alarms.Ignore
			w.put("child", still)
			w.put("suppressor", still)
			for _, name := range []string{"child", "suppressor"} {
				if err := w.SetActionsEnabled(ctx, scope, []string{name}, false); err != nil {
					t.Fatal(err)
				}
				if err := w.SetState(ctx, scope, name, alarms.OK, "r", ""); err != nil {
					t.Fatal(err)
				}
			}
			c := composite("ALARM(child)")
			w.put("c", c)
			w.tick()
			w.drain()
			c.Composite.Suppressor, c.Composite.WaitPeriod, c.Composite.ExtensionPeriod = "suppressor", 2, 3
			w.put("c", c)
			w.tick()
			return
		}
		var n int
		if _, err := fmt.Sscanf(at, "t%d", &n); err != nil {
			t.Fatalf("%s: not a step: %v", where, err)
		}
		w.now = time.UnixMilli(start + int64(n)*1000)
		do, want, ok := strings.Cut(rest, "=>")
		if !ok {
			t.Fatalf("%s: without =>", where)
		}
		name, state, _ := strings.Cut(strings.TrimSpace(do), " ")
		switch name {
		case "":
		case "restart":
			w.restart()
		case "alarm", "suppressor":
			if name == "alarm" {
				name = "child"
			}
			if err := w.SetState(ctx, scope, name, state, "r", ""); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("%s: unknown step", where)
		}
		w.tick()
		a := w.alarm("c")
		got := []string{a.SuppressedBy}
		if a.SuppressedBy == "" {
			got[0] = "-"
		}
		for _, r := range w.outbox() {
			state, _, _ := strings.Cut(r.Subject, ":")
			got = append(got, state)
		}
		w.drain()
		if strings.Join(got, " ") != strings.TrimSpace(want) {
			t.Errorf("%s\ngot %s", where, got)
		}
	})
}
