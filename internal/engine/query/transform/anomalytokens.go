package transform

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// tokenValues are the counts of the values of tokens, by pattern and token.
type tokenValues map[string]map[string]map[string]int64

// valuesOf reads the column of tokens; there need not be one.
func valuesOf(w *work, r *plan.Rows) (tokenValues, error) {
	pattern, tokens := r.Column(patternColumn), r.Column(plan.TokensColumn)
	if pattern == nil || tokens == nil {
		return nil, nil
	}
	out := tokenValues{}
	for i := range r.Len {
		if err := w.step(); err != nil {
			return nil, err
		}
		if !plan.HasText(&tokens[i]) {
			continue
		}
		text := tokens[i].AppendText(nil)
		if err := w.grow(4 * len(text)); err != nil {
			return nil, err
		}
		values, err := cluster.ParseTokens(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrParameter, err)
		}
		out[string(pattern[i].AppendText(nil))] = values
	}
	return out, nil
}

// unusualValue returns the value of a token of a pattern whose count is the most
// unusual, against the earlier range; "" when none is.
func (c compared) unusualValue(now, before map[string]map[string]int64) (description string, score float64) {
	if c.now < 1 || c.before < 1 {
		return "", 0
	}
	type finding struct {
		token, value string
		score        float64
		text         string
	}
	var all []finding
	for token, values := range now {
		old, ok := before[token]
		if !ok || len(old) == 0 { // it has many values
			continue
		}
		for value, n := range values {
			// As many as there were to be if nothing but the number of messages had changed.
			factor := c.now / c.before
			expected := float64(old[value]) * factor
			x := float64(n)
			// Counts vary by about their square roots.
			sigmas := (x - expected) / math.Sqrt(x+expected*factor)
			if sigmas < unusualSigmas || x < unusualFactor*expected || x < 5 {
				continue
			}
			f := finding{token, value, 1 - unusualSigmas/(sigmas+unusualSigmas), ""}
			if old[value] == 0 {
				f.text = fmt.Sprintf("New value %s of %s", value, token)
			} else {
				f.text = fmt.Sprintf("Value %s of %s increased by %s%%", value, token, numberText(math.Round((x/expected-1)*1000)/10))
			}
			all = append(all, f)
		}
	}
	if len(all) == 0 {
		return "", 0
	}
	best := slices.MaxFunc(all, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(b.token, a.token), cmp.Compare(b.value, a.value))
	})
	return best.text, best.score
}
