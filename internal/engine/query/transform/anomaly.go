package transform

import (
	"math"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// AnomalyColumns are the columns that Anomaly adds.
func AnomalyColumns() []string {
	return []string{"@anomaly", "@anomalyType", "@anomalyScore", "@anomalyDescription"}
}

// What makes a pattern unusual (ours).
const (
	unusualSigmas = 4.0 // how far a count is from the earlier one, in standard deviations of their difference
	unusualFactor = 2.0 // and by what factor at least
)

// Anomaly marks patterns that are unusual against those of an earlier range of
// the same length: new ones (NewPattern), and those of which there are far more or
// fewer than chance would have it (FrequencyIncrease, FrequencyDecrease), and those
// with a value of a token that is new or far more frequent among them (TokenVariation),
// if both have plan.TokensColumn. The score is between 0 and 1. Rows keep their order and columns; @anomaly is 1 or 0
// and the other columns are Null where it is 0.
func Anomaly(previous *plan.Rows) (plan.Transform, error) {
	if previous == nil {
		return plan.Transform{}, wrong("anomaly has nothing to compare with")
	}
	names := AnomalyColumns()
	t := plan.Transform{Name: "anomaly", Reads: []string{patternColumn, countColumn, severityColumn, plan.TokensColumn}, Columns: keep(names...), Events: true}
	return made(t, func(w *work) (*plan.Rows, error) {
		all, err := pairs(w, previous)
		if err != nil {
			return nil, err
		}
		now, err := valuesOf(w, w.in)
		if err != nil {
			return nil, err
		}
		before, err := valuesOf(w, previous)
		if err != nil {
			return nil, err
		}
		cols := make([][]plan.Value, len(names))
		for i := range cols {
			if cols[i], err = w.column(w.in.Len); err != nil {
				return nil, err
			}
		}
		for i := range w.in.Len {
			cols[0][i] = plan.BoolValue(false)
		}
		for _, c := range all {
			if c.row < 0 {
				continue
			}
			kind, score := c.unusual()
			text := c.describe()
			if kind == "" {
				if text, score = c.unusualValue(now[c.pattern], before[c.pattern]); text == "" {
					continue
				}
				kind = "TokenVariation"
			}
			cols[0][c.row] = plan.BoolValue(true)
			cols[1][c.row] = plan.TextValue(kind)
			cols[2][c.row] = plan.NumberValue(math.Round(score*1e4) / 1e4)
			cols[3][c.row] = plan.TextValue(text)
		}
		return w.with(names, cols...)
	}), nil
}

// unusual returns the kind of an anomaly and its score.
func (c compared) unusual() (kind string, score float64) {
	if c.before == 0 {
		if c.now == 0 {
			return "", 0
		}
		return "NewPattern", 1 - 1/(1+math.Sqrt(c.now))
	}
	// Counts vary by about their square roots.
	sigmas := math.Abs(c.difference()) / math.Sqrt(c.now+c.before)
	factor := max(c.now, c.before) / max(min(c.now, c.before), 1)
	if sigmas < unusualSigmas || factor < unusualFactor {
		return "", 0
	}
	score = 1 - unusualSigmas/(sigmas+unusualSigmas)
	if c.now > c.before {
		return "FrequencyIncrease", score
	}
	return "FrequencyDecrease", score
}
