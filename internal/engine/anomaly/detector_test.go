package anomaly_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
)

// usual adds the messages of an ordinary window.
func usual(d *anomaly.Detector, rng *rand.Rand, at int64) {
	for range 30 + rng.IntN(10) {
		d.Add(at, fmt.Appendf(nil, `INFO "GET /a/%d" %d in %d ms`, rng.IntN(1000), []int{200, 200, 200, 304, 404}[rng.IntN(5)], rng.IntN(300)))
	}
	d.Add(at, []byte("WARN queue is long"))
}

func trained(rng *rand.Rand) (d *anomaly.Detector, now int64) {
	d = anomaly.New(anomaly.Options{Period: period, Visible: 7 * 24 * time.Hour, Seed: "x"})
	now = epoch
	for range 3 * 288 {
		usual(d, rng, now)
		d.Learn(now, true)
		now += period.Milliseconds()
	}
	d.Trained()
	return d, now
}

// TestState keeps the state of a detector in the middle of everything and goes on
// with both.
func TestState(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	d, now := trained(rng)
	var found [2][]anomaly.Anomaly
	for i := range 40 {
		data, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		o, err := anomaly.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		seed := rng.Uint64()
		for k, x := range []*anomaly.Detector{d, o} {
			usual(x, rand.New(rand.NewPCG(seed, 1)), now)
			if i%10 == 5 {
				for n := range 3 {
					x.Add(now, fmt.Appendf(nil, "FATAL no %s left %d", []string{"disk", "memory", "hope", "time"}[i/10], n))
				}
			}
			for _, a := range x.Evaluate(now, true) {
				found[k] = append(found[k], *a)
			}
		}
		d = o
		now += period.Milliseconds()
	}
	if len(found[0]) != 4 {
		t.Errorf("%d anomalies", len(found[0]))
	}
	if d := cmp.Diff(found[0], found[1], cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the decoded one finds others: %s", d)
	}
	a := found[1][0]
	if a.Priority != anomaly.High || a.Kind != anomaly.NewPattern || a.PatternText() != "FATAL no disk left <*>" || len(a.ID) != 36 || len(a.PatternID) != 32 {
		t.Errorf("got %+v", a)
	}
	if !regexp.MustCompile(a.PatternRegex()).MatchString("FATAL no disk left 7") {
		t.Errorf("%s does not match", a.PatternRegex())
	}
	if d := cmp.Diff(map[string]int64{"0": 1, "1": 1, "2": 1}, a.Tokens[1].Values); d != "" {
		t.Errorf("values: %s", d)
	}
	if _, err := anomaly.Decode([]byte(`{"period":60000,"more":1}`)); !errors.Is(err, anomaly.ErrEncoding) {
		t.Errorf("unknown members: %v", err)
	}
}

// TestSuppression suppresses, releases and accepts anomalies.
func TestSuppression(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	d, now := trained(rng)
	step := func(burst int) []*anomaly.Anomaly {
		usual(d, rng, now)
		for range burst {
			d.Add(now, []byte("WARN queue is long"))
		}
		found := d.Evaluate(now, true)
		now += period.Milliseconds()
		return found
	}
	found := step(100)
	if len(found) != 1 || found[0].Kind != anomaly.Increase || found[0].Priority != anomaly.Medium {
		t.Fatalf("found %+v", found)
	}
	a, book := found[0], d.Book()
	counts := func() (out []int64) {
		for _, b := range a.Bars {
			out = append(out, b.Count)
		}
		return out
	}
	a.Suppressed = &anomaly.Suppression{At: now, Until: now + 2*period.Milliseconds()}
	states := []string{book.State(a, now)}
	step(100)
	step(0)
	step(80)
	states = append(states, book.State(a, now))
	a.Baseline = true
	step(90)
	states = append(states, book.State(a, now))
	step(400) // worse than what was accepted
	states = append(states, book.State(a, now))
	book.SuppressPattern(a.PatternID, &anomaly.Suppression{At: now})
	states = append(states, book.State(a, now))
	step(500)
	book.SuppressPattern(a.PatternID, nil)
	states = append(states, book.State(a, now+8*dayMS))
	if d := cmp.Diff([]string{"Suppressed", "Active", "Baseline", "Active", "Suppressed", "Active"}, states); d != "" {
		t.Errorf("states: %s", d)
	}
	if want := []int64{101, 81, 401}; !slices.Equal(counts(), want) {
		t.Errorf("the histogram is %v, want %v", counts(), want)
	}
	for range 4 * 288 {
		step(0)
	}
	now += 8 * dayMS
	step(0)
	if got := book.State(a, now); got != anomaly.Baseline {
		t.Errorf("after the visibility time it is %s", got)
	}
	now += 16 * dayMS
	step(0)
	if len(book.Anomalies) != 0 {
		t.Errorf("%d anomalies are left", len(book.Anomalies))
	}
}

// TestManyAnomalies lets everything be new.
func TestManyAnomalies(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	d, now := trained(rng)
	n := 0
	for range 100 {
		for i := range 50 {
			m := "ERROR "
			for range 4 + i%7 {
				m += fmt.Sprintf("%c%c ", 'g'+rng.IntN(18), 'g'+rng.IntN(18))
			}
			d.Add(now, []byte(m))
		}
		n += len(d.Evaluate(now, true))
		now += period.Milliseconds()
	}
	if n > 60 || len(d.Book().Anomalies) > 500 {
		t.Errorf("%d anomalies of messages that are always new", n)
	}
}

func FuzzDecode(f *testing.F) {
	d, now := trained(rand.New(rand.NewPCG(1, 2)))
	d.Add(now, []byte("ERROR that is new"))
	d.Evaluate(now, true)
	data, err := d.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := anomaly.Decode(data)
		if err != nil {
			return
		}
		d.Add(now, []byte("WARN queue is long"))
		d.Evaluate(now, true)
		if _, err := d.Encode(); err != nil {
			t.Skip(err) // numbers beyond JSON
		}
	})
}
