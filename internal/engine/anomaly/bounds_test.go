package anomaly_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
)

// TestClone: a clone of the Book does not change with what the Detector finds, and may
// be read meanwhile.
func TestClone(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	d, now := trained(rng)
	type copied struct {
		book anomaly.Book
		was  string
	}
	var all []copied
	text := func(b *anomaly.Book) string {
		s, err := json.Marshal(b)
		if err != nil {
			t.Error(err)
		}
		return string(s)
	}
	for i := range 320 {
		usual(d, rng, now)
		for n := range 3 {
			d.Add(now, fmt.Appendf(nil, "FATAL no disk left %d in %d", n, i))
		}
		book, read := d.Book().Clone(), make(chan string)
		go func() { read <- text(&book) }()
		d.Evaluate(now, true)
		if i%2 == 0 {
			d.Evaluate(now, false) // counts in the same bar
		}
		all = append(all, copied{book, <-read})
		now += period.Milliseconds()
	}
	for i := range all {
		if diff := cmp.Diff(all[i].was, text(&all[i].book)); diff != "" {
			t.Fatalf("clone %d changed: %s", i, diff)
		}
	}
	a := d.Book().Anomalies[0]
	if len(a.Bars) != 288 || len(a.Samples) != 10 || a.Bars[287].At != now-period.Milliseconds() || a.Samples[0].At >= a.Samples[9].At {
		t.Errorf("%d bars, samples %v", len(a.Bars), a.Samples)
	}
}

// TestSmallMemory: 60 statements with lists fit into 1 MiB, of which what helps to find
// patterns faster takes more: only what is known of patterns counts.
func TestSmallMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	d := anomaly.New(anomaly.Options{Period: period, Visible: 7 * 24 * time.Hour, Seed: "x", Memory: 1 << 20})
	now := epoch
	var m []byte
	for range 4 {
		for i := range 3000 {
			s := i % 60
			m = append(m[:0], "INFO (list)"...)
			for range s + 1 {
				m = append(m, " of"...)
			}
			for range 3 + rng.IntN(100) {
				m = fmt.Appendf(m, " %d,", rng.IntN(1e6))
			}
			d.Add(now, m)
		}
		d.Learn(now, true)
		now += period.Milliseconds()
	}
	if n := d.Known(); n < 60 {
		t.Errorf("%d patterns are told apart", n)
	}
	if n := d.PatternBytes(); n > 1<<20 {
		t.Errorf("patterns take %d bytes", n)
	}
}

// TestMemoryWithin: one evaluation with very many patterns does not take much more than
// the memory while it is open.
func TestMemoryWithin(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	d := anomaly.New(anomaly.Options{Period: time.Hour, Visible: 7 * 24 * time.Hour, Seed: "x", Memory: 1 << 20})
	most := 0
	var m []byte
	for range 20_000 {
		m = append(m[:0], "INFO"...)
		for range 3 {
			m = append(m, " (["[rng.IntN(3):][:1]...)
			for range 3 {
				m = fmt.Appendf(m, " %c%c%c", 'g'+rng.IntN(18), 'g'+rng.IntN(18), 'g'+rng.IntN(18))
			}
		}
		d.Add(epoch, m)
		most = max(most, d.PatternBytes())
	}
	if most < 2<<20 || most > 3<<20 {
		t.Errorf("up to %d bytes", most)
	}
}
