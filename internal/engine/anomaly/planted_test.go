package anomaly_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
)

const (
	period = 5 * time.Minute
	epoch  = int64(1_790_035_200_000) // a midnight
	dayMS  = 24 * 3_600_000
)

// statement writes messages of a kind, more at some times than at others.
type statement struct {
	perWindow float64 // on average
	burst     float64 // dispersion of its counts
	write     func(rng *rand.Rand, at time.Time) string
}

// service is a program that writes logs: two thirds text, a third JSON, and an
// access log.
type service struct {
	rng        *rand.Rand
	statements []statement
	load       float64 // of the present day
	error5     float64 // share of requests that answer 5xx
	error4     float64
	method     string // of all requests; "": the usual ones
}

var words = strings.Fields(`accept account append batch begin block bucket buffer cache cancel chunk client close cluster commit config connect consume
	cursor daemon decode delete deliver deploy digest drain emit encode evict expire export fetch filter flush forward gateway handle header
	index ingest invoice job journal leader lease limit listen load lock mailer merge message migrate mirror monitor node offset order packet
	parse partition payment permit persist pipeline policy poll pool prepare probe process publish purge queue quota rebalance record refund`)

func newService(seed uint64) *service {
	s := &service{rng: rand.New(rand.NewPCG(seed, 7)), load: 1}
	levels := []string{"INFO", "INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"}
	for i := range 45 {
		level := levels[s.rng.IntN(len(levels))]
		var text []string
		for range 4 + s.rng.IntN(5) {
			text = append(text, words[s.rng.IntN(len(words))])
		}
		mean := math.Exp(s.rng.NormFloat64()*1.6 + 0.7)
		if level == "ERROR" || level == "WARN" {
			mean /= 8
		}
		st := statement{perWindow: min(mean, 60), burst: 0.01 + 0.1*s.rng.Float64()}
		if i%9 == 8 {
			st.burst = 3 // errors that come in bursts
		}
		phrase, json := strings.Join(text, " "), i%3 == 0
		st.write = func(rng *rand.Rand, at time.Time) string {
			stamp := at.UTC().Format("2006-01-02T15:04:05.000Z")
			if json {
				return fmt.Sprintf(`{"time":"%s","level":"%s","msg":"%s","user":%d,"took_ms":%d,"trace":"%016x"}`, stamp, level, phrase, rng.IntN(1e5), rng.IntN(500), rng.Uint64())
			}
			return fmt.Sprintf("%s %s [worker-%d] %s id=%08x in %d ms", stamp, level, rng.IntN(8), phrase, rng.Uint32(), rng.IntN(900))
		}
		s.statements = append(s.statements, st)
	}
	// The access log.
	s.statements = append(s.statements, statement{perWindow: 60, burst: 0.02, write: func(rng *rand.Rand, at time.Time) string {
		status, x := 200, rng.Float64()
		switch {
		case x < s.error5:
			status = 502
		case x < s.error5+s.error4:
			status = []int{404, 404, 404, 403, 400}[rng.IntN(5)]
		case x < s.error5+s.error4+0.1:
			status = []int{304, 201, 204, 302}[rng.IntN(4)]
		}
		method := []string{"GET", "GET", "GET", "GET", "POST", "PUT"}[rng.IntN(6)]
		if s.method != "" {
			method = s.method
		}
		return fmt.Sprintf(`10.%d.%d.%d - - [%s] "%s /shop/item/%d HTTP/1.1" %d %d`, rng.IntN(255), rng.IntN(255), rng.IntN(255),
			at.UTC().Format("02/Jan/2006:15:04:05 +0000"), method, rng.IntN(5000), status, rng.IntN(1e6))
	}})
	return s
}

// poisson returns a count of a mean that itself varies.
func poisson(rng *rand.Rand, mean, dispersion float64) int {
	if mean <= 0 {
		return 0
	}
	mean *= math.Exp(rng.NormFloat64()*math.Sqrt(math.Log1p(dispersion)) - math.Log1p(dispersion)/2)
	if mean > 50 {
		return max(int(mean+rng.NormFloat64()*math.Sqrt(mean)+0.5), 0)
	}
	n, p := 0, rng.Float64()
	for limit := math.Exp(-mean); p > limit; n++ {
		p *= rng.Float64()
	}
	return n
}

// window writes the messages of a window. factor is how many times as many there are
// of a statement.
func (s *service) window(start int64, factor map[int]float64, add func(at int64, m string)) {
	at := time.UnixMilli(start).UTC()
	hour := float64(at.Hour()) + float64(at.Minute())/60
	day := 0.35 + 0.65*math.Pow(math.Sin(math.Pi*hour/24), 2)
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		day *= 0.6
	}
	if at.Hour() == 0 && at.Minute() == 0 {
		s.load = math.Exp(s.rng.NormFloat64() * 0.08)
	}
	s.error5, s.error4 = max(s.error5, 0.002), max(s.error4, 0.03)
	for i, st := range s.statements {
		f, ok := factor[i]
		if !ok {
			f = 1
		}
		for range poisson(s.rng, st.perWindow*day*s.load*f, st.burst) {
			ms := start + s.rng.Int64N(period.Milliseconds())
			add(ms, st.write(s.rng, time.UnixMilli(ms)))
		}
	}
}

// plant is an anomaly that the test puts in.
type plant struct {
	kind      anomaly.Kind
	from, to  int // windows
	statement int
	factor    float64
	text      string // part of the pattern, or value, that tells it
	found     bool
}

func TestPlantedAnomalies(t *testing.T) {
	planted, recalled, days, alarms := map[anomaly.Kind]int{}, map[anomaly.Kind]int{}, 0.0, 0
	for seed := range uint64(2) {
		s := newService(seed + 1)
		d := anomaly.New(anomaly.Options{Period: period, Visible: 21 * 24 * time.Hour, Seed: "d"})
		perDay := int(dayMS / period.Milliseconds())
		const training, test = 14, 10
		var plants []*plant
		at := training*perDay + 100
		put := func(p plant, windows int) {
			p.from, p.to = at, at+windows
			plants = append(plants, &p)
			at += 160 + s.rng.IntN(30)
		}
		frequent := func(least float64) int {
			for {
				if i := s.rng.IntN(45); s.statements[i].perWindow > least && s.statements[i].burst < 1 {
					return i
				}
			}
		}
		for i := range 3 {
			put(plant{kind: anomaly.NewPattern, statement: -1, text: []string{"database", "certificate", "quorum"}[i]}, 2)
			put(plant{kind: anomaly.Increase, statement: frequent(8), factor: 6}, 3)
			put(plant{kind: anomaly.Decrease, statement: frequent(8), factor: 0}, 18)
			put(plant{kind: anomaly.NewValue, text: []string{"PROPFIND", "TRACK", "SEARCH"}[i]}, 2)
			put(plant{kind: anomaly.ServerErrors}, 3)
		}
		live := map[string]bool{}
		for w := range (training + test) * perDay {
			start := epoch + int64(w)*period.Milliseconds()
			factor := map[int]float64{}
			s.error5, s.error4, s.method = 0, 0, ""
			var now []*plant
			for _, p := range plants {
				if w < p.from || w >= p.to {
					if w >= p.to && w < p.to+12 {
						now = append(now, p) // what is found late
					}
					continue
				}
				now = append(now, p)
				switch p.kind {
				case anomaly.Increase, anomaly.Decrease:
					factor[p.statement] = p.factor
				case anomaly.ServerErrors:
					s.error5 = 0.3
				case anomaly.NewPattern:
					for range 3 {
						d.Add(start, []byte(fmt.Sprintf("%s ERROR [worker-1] lost %s while connecting to 10.0.0.%d", time.UnixMilli(start).UTC().Format(time.RFC3339), p.text, s.rng.IntN(255))))
					}
				case anomaly.NewValue:
					for range 3 {
						s.method = p.text
						m := s.statements[45].write(s.rng, time.UnixMilli(start))
						s.method = ""
						d.Add(start, []byte(m))
					}
				}
			}
			s.window(start, factor, func(at int64, m string) { d.Add(at, []byte(m)) })
			if w < training*perDay {
				d.Learn(start, true)
				if w == training*perDay-1 {
					d.Trained()
				}
				continue
			}
			for _, a := range d.Evaluate(start, true) {
				if live[a.ID] {
					t.Errorf("anomaly %s twice", a.ID)
				}
				live[a.ID] = true
				hit := false
				for _, p := range now {
					text := a.PatternText() + a.Value
					// A value of a few is a pattern of its own.
					if p.kind != a.Kind && !(p.kind == anomaly.NewValue && a.Kind == anomaly.NewPattern) || p.text != "" && !strings.Contains(text, p.text) {
						continue
					}
					if p.kind == anomaly.Increase || p.kind == anomaly.Decrease {
						m := s.statements[p.statement].write(s.rng, time.UnixMilli(start))
						if !strings.Contains(m, phrase(a)) {
							continue
						}
					}
					hit, p.found = true, true
				}
				if !hit {
					alarms++
					t.Logf("false alarm on day %.1f: %s %s: %s", float64(w)/float64(perDay), a.Kind, a.Description, a.PatternText())
				}
			}
		}
		for _, p := range plants {
			planted[p.kind]++
			if p.found {
				recalled[p.kind]++
			} else {
				t.Logf("seed %d: missed %s of %d (%s) from window %d (%s), %.1f in a window", seed, p.kind, p.statement, p.text, p.from, time.UnixMilli(epoch+int64(p.from)*period.Milliseconds()).UTC().Format("Mon 15:04"), s.statements[max(p.statement, 0)].perWindow)
			}
		}
		days += test
		if data, err := d.Encode(); err != nil || len(data) > 1<<20 {
			t.Errorf("the state takes %d bytes, %v", len(data), err)
		} else {
			t.Logf("%d patterns, state of %d bytes", d.Known(), len(data))
		}
	}
	all, hits := 0, 0
	for kind, n := range planted {
		t.Logf("%-14s %d of %d found", kind, recalled[kind], n)
		all, hits = all+n, hits+recalled[kind]
	}
	recall, perDay := float64(hits)/float64(all), float64(alarms)/days
	t.Logf("recall %.2f, %.2f false alarms a day", recall, perDay)
	if recall < 0.9 || perDay > 0.5 {
		t.Errorf("recall %.2f (at least 0.90), %.2f false alarms a day (at most 0.50)", recall, perDay)
	}
}

// phrase returns the longest fixed words of the pattern of an anomaly.
func phrase(a *anomaly.Anomaly) string {
	best := ""
	for _, t := range a.Tokens {
		for _, part := range strings.FieldsFunc(t.Text, func(r rune) bool { return strings.ContainsRune(`"{}:,=[]`, r) }) {
			part = strings.TrimSpace(part)
			if !t.Dynamic() && len(part) > len(best) {
				best = part
			}
		}
	}
	for _, cut := range []string{" id", "msg"} {
		best = strings.TrimSuffix(best, cut)
	}
	return best
}
