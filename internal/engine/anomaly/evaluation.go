package anomaly

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
)

// evaluation is the work at the end of one.
type evaluation struct {
	d           *Detector
	start, stop int64
	whole       bool
	report      bool // findings are reported
	clock       clock
	threshold   float64

	seen     []seen
	total    float64 // messages
	traffic  float64 // how much more there is of everything
	pairs    int     // of patterns that news compared
	findings []finding
	found    []*Anomaly
}

// finding is something unusual in an evaluation.
type finding struct {
	s        *seen
	kind     Kind
	value    string
	count    int64
	expected float64
	score    float64
	severe   bool
}

// match finds what is known of the patterns of the evaluation.
func (e *evaluation) match(window []*cluster.Tracked) {
	d := e.d
	e.seen = make([]seen, 0, len(window))
	for _, t := range window {
		e.total += float64(t.Count)
		p := d.known[t.ID]
		fresh := p == nil
		if fresh {
			p = &pattern{Number: t.ID, Key: d.hash("pattern", fmt.Sprint(t.ID), t.Text), First: e.start}
			d.known[t.ID] = p
			p.New = t.Parent == 0
			if o := d.known[t.Parent]; o != nil {
				p.First, p.New = o.First, o.New
			}
		}
		for _, id := range t.Merged {
			if o := d.known[id]; o != nil {
				p.rate.merge(&o.rate)
				p.First, p.Last = min(p.First, o.First), max(p.Last, o.Last)
				p.New = p.New && o.New
				delete(d.known, id)
			}
		}
		if t.Count > 0 {
			p.Last = e.start
		}
		e.seen = append(e.seen, seen{Tracked: t, p: p, fresh: fresh})
	}
}

// expect finds how many messages each pattern was to have: what is usual at the
// time of day, times what all patterns have more or less, up to a factor of 2.
func (e *evaluation) expect() {
	type ratio struct{ value, weight float64 }
	var all []ratio
	weight := 0.0
	for i := range e.seen {
		s := &e.seen[i]
		s.expected = s.p.expected(e.clock, &e.d.All)
		if s.expected >= 5 {
			w := math.Sqrt(s.expected)
			all = append(all, ratio{float64(s.Count) / s.expected, w})
			weight += w
		}
	}
	e.traffic = 1
	if len(all) < 5 {
		return
	}
	slices.SortFunc(all, func(a, b ratio) int { return cmp.Compare(a.value, b.value) })
	half := weight / 2
	for _, r := range all {
		if half -= r.weight; half <= 0 {
			e.traffic = min(max(r.value, 0.5), 2)
			break
		}
	}
	for i := range e.seen {
		e.seen[i].expected *= e.traffic
	}
}

// rates looks at the count of a pattern and learns it.
func (e *evaluation) rates(s *seen) {
	r, x := &s.p.rate, float64(s.Count)
	usual := s.expected / e.traffic
	verdict := 0
	if e.report && r.Windows >= 6*e.clock.perHour && !s.p.New {
		phi := r.dispersion(e.clock)
		was := *r
		verdict = r.judge(x, s.expected, phi, e.threshold)
		switch {
		case verdict > 0:
			e.add(finding{s: s, kind: Increase, count: s.Count, expected: s.expected, score: surprise(x, s.expected, phi)})
		case verdict < 0 && e.whole && r.Windows >= hours*e.clock.perHour:
			e.add(finding{s: s, kind: Decrease, count: s.Count, expected: s.expected, score: r.RunScore})
		}
		if !e.whole && verdict <= 0 {
			*r = was
		}
	}
	if !e.whole {
		return
	}
	if verdict == 0 || r.Windows < hours*e.clock.perHour {
		if e.report {
			x = r.tame(e.clock, x, s.expected, e.threshold)
		}
		r.learn(e.clock, x, usual)
		return
	}
	// What is unusual for six hours is normal from then on.
	if n := math.Abs(float64(r.Run)); n >= max(6*e.clock.perHour, 6) && r.RunExpected > 0 {
		r.scale(max(r.RunCount, 0.01*r.RunExpected) / r.RunExpected)
		r.calm()
	}
}

// How many new things are reported a day, in the long run, at most.
const (
	newPatterns = 3
	newSevere   = 10
	newValues   = 3
)

// news looks for patterns that are new.
func (e *evaluation) news() {
	d := e.d
	for i := range e.seen {
		s := &e.seen[i]
		if s.fresh && s.p.New {
			s.p.New = e.isNew(s)
		}
		if s.p.New && s.Count > 0 && e.report {
			e.add(finding{s: s, kind: NewPattern, count: s.Count, score: math.Inf(1)})
		}
		if s.p.New && e.stop-s.p.First > d.o.Visible.Milliseconds() {
			s.p.New = false
		}
	}
}

// maxPairs bounds the pairs of patterns that one evaluation compares. When so many
// are new, what is left of them is not worth a report.
const maxPairs = 1_000_000

// isNew decides about a pattern that was not there before.
func (e *evaluation) isNew(s *seen) bool {
	d := e.d
	severe := priorityOf(s.Literals) == High
	limit, perDay := &d.Patterns, float64(newPatterns)
	if severe {
		limit, perDay = &d.Severe, newSevere
	}
	if !d.model.Trained && d.Learned == 0 {
		return false // everything is
	}
	for i := range e.seen {
		o := &e.seen[i]
		if o.p.Number >= s.p.Number { // they are in this order
			break
		}
		if e.pairs++; e.pairs > maxPairs {
			return false
		}
		if cluster.Covers(o.Text, s.Text) || cluster.Covers(s.Text, o.Text) {
			return false
		}
	}
	allowed := limit.allow(e.start, s.Count, perDay)
	return allowed && e.report
}

// Bounds of values that are new.
const (
	minQuiet   = 1000 // values since the newest one
	maxLearned = 16   // values that the token had
)

// values looks for values that a token did not have before.
func (e *evaluation) values() {
	for i := range e.seen {
		s := &e.seen[i]
		if s.Count == 0 || !s.HasValues() {
			continue
		}
		known := map[int]int{}
		var fresh []cluster.Windowed
		for v := range s.Values {
			if v.Before > 0 {
				known[v.Token]++
			} else if v.Quiet >= minQuiet && !numeric(v.Name, v.Text) {
				fresh = append(fresh, v)
			}
		}
		for _, v := range fresh {
			if known[v.Token] == 0 || known[v.Token] > maxLearned || s.p.New || s.p.Windows < 6*e.clock.perHour {
				continue
			}
			if e.d.Values.allow(e.start, v.Count, newValues) && e.report {
				e.add(finding{s: s, kind: NewValue, value: v.Text, count: v.Count, score: float64(v.Quiet)})
			}
		}
	}
}

// numeric reports whether a new value says nothing: a number that is no HTTP error.
func numeric(name, text string) bool {
	switch name {
	case "Number":
		return !isStatus(text) || text < "400"
	case "Duration", "UUID", "Time":
		return true
	}
	return false
}

// statuses looks for surges of HTTP errors: of all messages whose patterns have a
// token for the status.
func (e *evaluation) statuses() {
	var all, client, server float64
	var mostClient, mostServer *seen
	var clients, servers int64
	for i := range e.seen {
		s := &e.seen[i]
		if !s.HasValues() {
			continue
		}
		a, c, v := statusesOf(s.Tracked)
		all, client, server = all+float64(a), client+float64(c), server+float64(v)
		if c > clients {
			clients, mostClient = c, s
		}
		if v > servers {
			servers, mostServer = v, s
		}
	}
	d := e.d
	e.surge(&d.Client, client, all, mostClient, ClientErrors)
	e.surge(&d.Server, server, all, mostServer, ServerErrors)
	if e.whole {
		d.Statuses.learn(e.clock, all, all)
	}
}

// surge looks at the count of a class of statuses, of which there are all.
func (e *evaluation) surge(r *rate, x, all float64, most *seen, kind Kind) {
	d := e.d
	usual := r.expected(e.clock, &d.Statuses)
	expected := usual
	if m := d.Statuses.expected(e.clock, nil); m > 0 {
		expected *= min(max(all/m, 0.5), 5)
	}
	verdict := 0
	if e.report && r.Windows >= 6*e.clock.perHour {
		phi := r.dispersion(e.clock)
		if verdict = r.judge(x, expected, phi, e.threshold); verdict > 0 && most != nil {
			e.add(finding{s: most, kind: kind, count: int64(x), expected: expected, score: surprise(x, expected, phi)})
		}
	}
	if !e.whole {
		return
	}
	if verdict <= 0 {
		if e.report {
			x = r.tame(e.clock, x, expected, e.threshold)
		}
		r.learn(e.clock, x, usual)
	} else if float64(r.Run) >= max(6*e.clock.perHour, 6) {
		r.scale(r.RunCount / max(r.RunExpected, 1))
		r.calm()
	}
}

func (e *evaluation) add(f finding) {
	f.severe = priorityOf(f.s.Literals) == High
	e.findings = append(e.findings, f)
}

// maxTogether bounds the anomalies of one kind that begin in one evaluation: what
// befalls everything is told by a few.
const maxTogether = 5

// flush enters what was found in the Book.
func (e *evaluation) flush() {
	slices.SortStableFunc(e.findings, func(a, b finding) int {
		if a.severe != b.severe {
			if a.severe {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.score, a.score)
	})
	begun := map[Kind]int{}
	book := &e.d.model.Book
	for i := range e.findings {
		f := &e.findings[i]
		old := book.current(f, e.start)
		switch {
		case old != nil:
			if s, _ := book.Suppression(old, e.stop); s != nil || old.Baseline && !f.beyond(old) {
				continue
			}
			old.Baseline = false
			old.add(e.start, e.stop, f.count, e.samples(f))
			old.Tokens = tokensOf(f.s.Tracked)
			old.Description = e.describe(f)
		case begun[f.kind] < maxTogether:
			if s := book.Patterns[f.s.p.Key]; s.holds(e.stop) {
				continue
			}
			begun[f.kind]++
			a := &Anomaly{
				PatternID: f.s.p.Key, Kind: f.kind, Value: f.value, Tokens: tokensOf(f.s.Tracked), Priority: f.priority(),
				Description: e.describe(f), First: e.start,
			}
			a.ID = uuid(e.d.hash("anomaly", f.s.p.Key, string(f.kind), f.value, fmt.Sprint(e.start)))
			a.add(e.start, e.stop, f.count, e.samples(f))
			book.Anomalies = append(book.Anomalies, a)
			e.found = append(e.found, a)
		}
	}
}

// again is for how long an anomaly that ended goes on when it comes back, ms.
const again = day

// current returns the anomaly that a finding belongs to; nil: to a new one.
func (b *Book) current(f *finding, now int64) *Anomaly {
	for _, a := range slices.Backward(b.Anomalies) {
		if a.PatternID != f.s.p.Key || a.Kind != f.kind || a.Value != f.value {
			continue
		}
		if f.kind == NewPattern || f.kind == NewValue || now-a.Last <= again || a.Baseline || a.Suppressed != nil {
			return a
		}
		return nil
	}
	return nil
}

// beyond reports whether a finding is worse than what was taken for normal.
func (f *finding) beyond(a *Anomaly) bool {
	if f.kind != Increase && f.kind != ClientErrors && f.kind != ServerErrors {
		return false
	}
	most := int64(0)
	for _, b := range a.Bars {
		most = max(most, b.Count)
	}
	return float64(f.count) > 1.5*float64(most)
}

// priority returns the priority of an anomaly.
func (f *finding) priority() string {
	switch f.kind {
	case ServerErrors:
		return High
	case ClientErrors:
		return Medium
	case Decrease:
		return Medium
	case NewValue:
		if isStatus(f.value) && f.value >= "500" {
			return High
		}
	}
	return priorityOf(f.s.Literals)
}

// samples returns messages of a finding.
func (e *evaluation) samples(f *finding) []Sample {
	var out []Sample
	for at, m := range f.s.Samples {
		if f.kind == NewValue && !strings.Contains(string(m), f.value) {
			continue
		}
		if len(m) > maxSample {
			m = m[:maxSample]
			for len(m) > 0 && !utf8.RuneStart(m[len(m)-1]) {
				m = m[:len(m)-1]
			}
		}
		out = append(out, Sample{at, strings.ToValidUTF8(string(m), "\uFFFD")})
		if len(out) == 3 {
			break
		}
	}
	return out
}

// describe says what is unusual.
func (e *evaluation) describe(f *finding) string {
	minutes := (e.stop - e.start) / 60_000
	span := fmt.Sprintf("%d minutes", minutes)
	if minutes == 1 {
		span = "1 minute"
	}
	switch f.kind {
	case NewPattern:
		return "New pattern"
	case NewValue:
		return fmt.Sprintf("New value %q of a token", f.value)
	case Decrease:
		return fmt.Sprintf("%.1f%% decrease in the number of messages: %d in %s, about %.0f are usual", 100*(1-float64(f.count)/f.expected), f.count, span, f.expected)
	case ClientErrors, ServerErrors:
		class := "4xx"
		if f.kind == ServerErrors {
			class = "5xx"
		}
		return fmt.Sprintf("Surge of HTTP %s responses: %d in %s, about %.0f are usual", class, f.count, span, f.expected)
	}
	return fmt.Sprintf("%.1f%% increase in the number of messages: %d in %s, about %.0f are usual", 100*(float64(f.count)/max(f.expected, 0.1)-1), f.count, span, f.expected)
}

// tokensOf cuts a pattern into its tokens.
func tokensOf(t *cluster.Tracked) []Token {
	var out []Token
	dynamic := t.Tokens()
	for i, text := range t.Literals {
		if text != "" {
			out = append(out, Token{Text: text})
		}
		if i < len(dynamic) {
			k := Token{Text: "<*>", Name: dynamic[i].Name}
			for _, v := range dynamic[i].Values {
				if k.Values == nil {
					k.Values = map[string]int64{}
				}
				k.Values[v.Text] = v.Count
			}
			out = append(out, k)
		}
	}
	return out
}

// hash returns 32 hexadecimal digits that stand for parts.
func (d *Detector) hash(parts ...string) string {
	h := sha256.New()
	for _, p := range append([]string{d.o.Seed}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// uuid writes 32 hexadecimal digits as a UUID.
func uuid(h string) string {
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}
