package anomaly

import "math"

const hours = 24

// rate is what is known of the counts of a series: of a pattern, or of a class of
// HTTP statuses.
type rate struct {
	Windows float64        `json:"windows"` // evaluations that were learned, all of them
	Mean    float64        `json:"mean"`    // count of an evaluation, at any time
	Hours   [hours]float64 `json:"hours"`   // and at each hour of the day
	Seen    [hours]float64 `json:"seen"`    // evaluations that were learned for an hour
	Excess  float64        `json:"excess"`  // squared deviation that is not chance
	Square  float64        `json:"square"`  // of means; Excess / Square is the dispersion
	Worst   float64        `json:"worst"`   // surprise of the largest count that was normal, which is forgotten slowly

	// Evaluations in a row that were unusual in the same direction.
	Run         int     `json:"run,omitempty"` // negative: too few
	RunCount    float64 `json:"runCount,omitempty"`
	RunExpected float64 `json:"runExpected,omitempty"`
	RunScore    float64 `json:"runScore,omitempty"`
}

// clock says what an evaluation is in the day.
type clock struct {
	perHour  float64 // evaluations in an hour
	hour     int
	next     int     // the other hour that counts for a time, whose middle is near
	fraction float64 // and how much
}

func clockAt(start, period int64) clock {
	const hour = 3_600_000
	middle := start + period/2
	c := clock{perHour: float64(hour) / float64(period), hour: int(middle / hour % hours)}
	into := float64(middle%hour)/hour - 0.5
	c.next, c.fraction = (c.hour+1)%hours, into
	if into < 0 {
		c.next, c.fraction = (c.hour+hours-1)%hours, -into
	}
	return c
}

// shape is how an hour of all series together is to the average one.
func (r *rate) shape(hour int) float64 {
	if r == nil || r.Seen[hour] < 1 || r.Mean <= 0 {
		return 1
	}
	return min(max(r.Hours[hour]/r.Mean, 0.05), 20)
}

// expected returns the mean at a time. Of hours that were seen little it is what
// the series is on average, in the shape of all.
func (r *rate) expected(c clock, all *rate) float64 {
	at := func(hour int) float64 {
		enough := 2 * max(c.perHour, 1.5)
		n := min(r.Seen[hour], enough)
		return (n*r.Hours[hour] + (enough-n)*r.Mean*all.shape(hour)) / enough
	}
	return (1-c.fraction)*at(c.hour) + c.fraction*at(c.next)
}

// dispersion returns 1/k of the counts: how much they vary beyond chance. With
// little history it is taken to be more.
func (r *rate) dispersion(c clock) float64 {
	prior := 12 * max(r.Mean*r.Mean, 1e-6)
	usual := 0.02
	if day := hours * c.perHour; r.Windows < day {
		usual = 0.3 - 0.28*r.Windows/day
	}
	return max((r.Excess+usual*prior)/(r.Square+prior), 0.005)
}

// memory is how many days an average forgets in.
const memory = 7

// learn adds a count that was expected to be m.
func (r *rate) learn(c clock, x, m float64) {
	if r.Windows >= 6*c.perHour {
		r.Worst *= 1 - 1/(memory*hours*c.perHour*2)
		if x > m {
			r.Worst = max(r.Worst, surprise(x, m, r.dispersion(c)))
		}
	}
	step := func(old, x, n, most float64) float64 { return old + (x-old)/min(n, most) }
	r.Windows++
	r.Mean = step(r.Mean, x, r.Windows, memory*hours*c.perHour)
	r.Seen[c.hour] = min(r.Seen[c.hour]+1, 1e6)
	r.Hours[c.hour] = step(r.Hours[c.hour], x, r.Seen[c.hour], max(memory*c.perHour, 3))
	if r.Windows > 3 {
		forget := 1 - 1/(2*memory*hours*c.perHour)
		r.Excess = max(r.Excess*forget+(x-m)*(x-m)-m, 0)
		r.Square = r.Square*forget + m*m
	}
}

// scale makes all that was learned so many times as much: the series is on
// another level.
func (r *rate) scale(f float64) {
	r.Mean *= f
	for h := range r.Hours {
		r.Hours[h] *= f
	}
	r.Excess *= f * f
	r.Square *= f * f
}

// merge adds the counts of another series.
func (r *rate) merge(o *rate) {
	r.Mean += o.Mean
	r.Windows = max(r.Windows, o.Windows)
	for h := range r.Hours {
		r.Hours[h] += o.Hours[h]
		r.Seen[h] = max(r.Seen[h], o.Seen[h])
	}
	r.Excess += o.Excess
	r.Square += o.Square
	r.Worst = max(r.Worst, o.Worst)
}

// surprise returns D of a count x, where m is expected with a dispersion.
func surprise(x, m, dispersion float64) float64 {
	m = max(m, 1e-4)
	k := 1 / dispersion
	d := -(x + k) * math.Log((x+k)/(m+k))
	if x > 0 {
		d += x * math.Log(x/m)
	}
	return max(d, 0)
}

// Bounds of what is unusual beside its surprise.
const (
	moreFactor  = 2.5
	fewerFactor = 1.0 / 3
	least       = 5 // messages more than expected
)

// judge says whether a count is unusual: +1 too many, -1 too few. It keeps count
// of evaluations in a row.
func (r *rate) judge(x, m, dispersion, threshold float64) int {
	switch {
	case x >= moreFactor*m && x-m >= 1:
		if r.Run < 0 {
			r.calm()
		}
		r.Run++
	case x <= m/2:
		if r.Run > 0 {
			r.calm()
		}
		r.Run--
	default:
		r.calm()
		return 0
	}
	d := surprise(x, m, dispersion)
	r.RunCount, r.RunExpected, r.RunScore = r.RunCount+x, r.RunExpected+m, r.RunScore+d
	if r.Run > 0 {
		// What was normal once is so again.
		least1, leastRun := max(threshold, 1.6*r.Worst), max(1.5*threshold, 2*r.Worst)
		if x-m >= least && d >= least1 || r.Run > 1 && r.RunCount-r.RunExpected >= 2*least && r.RunScore >= leastRun {
			return 1
		}
		return 0
	}
	if r.RunScore >= 1.5*threshold && r.RunCount <= fewerFactor*r.RunExpected && r.RunExpected-r.RunCount >= least {
		return -1
	}
	return 0
}

// tame cuts a count that is not unusual yet, but may be the begin of something, so
// that it does not become usual at once.
func (r *rate) tame(c clock, x, m, threshold float64) float64 {
	phi := r.dispersion(c)
	if x <= moreFactor*m || r.Windows < 6*c.perHour || surprise(x, m, phi) < threshold/2 {
		return x
	}
	return min(x, m+3*math.Sqrt(m+phi*m*m)+1)
}

func (r *rate) calm() { r.Run, r.RunCount, r.RunExpected, r.RunScore = 0, 0, 0, 0 }
