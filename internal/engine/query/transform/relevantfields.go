package transform

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Relevance are the parameters of RelevantFields.
type Relevance struct {
	Fields []string // all but system fields when there are none
	Cond   string   // the column that holds (plan.Value.True) for the rows in question; no field itself
}

// RelevantColumns are the columns that RelevantFields makes.
func RelevantColumns() []string {
	return []string{"@fieldName", "@relevanceScore", "@topRelevanceContributors", "@conditionalMedian", "@baselineMedian"}
}

const (
	maxContributors = 3
	maxValues       = 10_000 // of one field; what comes later counts as one value
)

// RelevantFields tells which fields have other values in the rows for which the
// condition holds than in all rows: one row for each field, the most relevant
// first. The score is between 0 and 1 (ours). For a field of numbers it is the
// greatest distance of the two cumulative distributions, and the medians say where
// they lie. For others it is the share of rows that would have to change their
// value; the contributors are the values whose shares grew most, each with its
// share in the rows in question and in all. Null is a value too.
func RelevantFields(r Relevance) (plan.Transform, error) {
	if err := checkNames("relevantfields", r.Fields...); err != nil {
		return plan.Transform{}, err
	}
	if err := checkNames("relevantfields", r.Cond); err != nil {
		return plan.Transform{}, err
	}
	t := plan.Transform{Name: "relevantfields", Columns: columns(RelevantColumns()...), All: len(r.Fields) == 0}
	if !t.All {
		t.Reads = distinctNames(r.Fields, []string{r.Cond})
		t.Name += " " + strings.Join(r.Fields, ", ")
	}
	return made(t, r.apply), nil
}

type relevant struct {
	name             string
	score            float64
	contributors     string
	median, baseline plan.Value
}

func (r Relevance) apply(w *work) (*plan.Rows, error) {
	cond, err := w.source(r.Cond)
	if err != nil {
		return nil, err
	}
	if err := w.grow(w.in.Len); err != nil {
		return nil, err
	}
	holds := make([]bool, w.in.Len)
	hits := 0
	for i := range holds {
		if holds[i] = cond[i].True(); holds[i] {
			hits++
		}
	}
	var found []relevant
	if hits > 0 {
		for i, name := range w.in.Names {
			if name == r.Cond || len(r.Fields) > 0 && !slices.Contains(r.Fields, name) || len(r.Fields) == 0 && plan.IsSystem(name) {
				continue
			}
			f, err := relevance(w, w.in.Cols[i], holds, hits)
			if err != nil {
				return nil, err
			}
			f.name, f.score = name, math.Round(f.score*1e4)/1e4
			found = append(found, f)
		}
	}
	slices.SortFunc(found, func(a, b relevant) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.name, b.name))
	})
	out := &plan.Rows{Names: RelevantColumns(), Len: len(found)}
	for range out.Names {
		c, err := w.column(len(found))
		if err != nil {
			return nil, err
		}
		out.Cols = append(out.Cols, c)
	}
	for i, f := range found {
		out.Cols[0][i] = plan.TextValue(f.name)
		out.Cols[1][i] = plan.NumberValue(f.score)
		if f.contributors != "" {
			out.Cols[2][i] = plan.TextValue(f.contributors)
		}
		out.Cols[3][i], out.Cols[4][i] = f.median, f.baseline
	}
	return out, nil
}

// relevance compares the values of a column in the rows that hold with all.
func relevance(w *work, col []plan.Value, holds []bool, hits int) (relevant, error) {
	all, err := w.numbers(col)
	if err != nil {
		return relevant{}, err
	}
	present := 0
	for i := range col {
		if col[i].Kind != plan.Null {
			present++
		}
	}
	if len(all) > 0 && len(all) == present {
		return numericRelevance(w, col, holds, all)
	}
	return valueRelevance(w, col, holds, hits)
}

func numericRelevance(w *work, col []plan.Value, holds []bool, all []float64) (relevant, error) {
	if err := w.grow(len(all) * indexBytes); err != nil {
		return relevant{}, err
	}
	var some []float64
	for i := range col {
		if f, ok := col[i].Float(); ok && holds[i] {
			some = append(some, f)
		}
	}
	slices.Sort(some)
	r := relevant{baseline: plan.NumberValue(quantile(all, 0.5))}
	if len(some) == 0 {
		return r, nil
	}
	r.median = plan.NumberValue(quantile(some, 0.5))
	for i, k := 0, 0; i < len(all); {
		x := all[i]
		for i < len(all) && all[i] == x {
			i++
		}
		for k < len(some) && some[k] <= x {
			k++
		}
		r.score = max(r.score, math.Abs(float64(i)/float64(len(all))-float64(k)/float64(len(some))))
		if err := w.step(); err != nil {
			return relevant{}, err
		}
	}
	return r, nil
}

func valueRelevance(w *work, col []plan.Value, holds []bool, hits int) (relevant, error) {
	type counts struct{ some, all int }
	seen := map[string]*counts{}
	var buf []byte
	var others counts
	for i := range col {
		buf = col[i].AppendText(buf[:0])
		if col[i].Kind == plan.Null {
			buf = append(buf, "\x00null"...)
		}
		c := seen[string(buf)]
		if c == nil {
			if len(seen) >= maxValues {
				c = &others
			} else {
				if err := w.grow(keyBytes + len(buf)); err != nil {
					return relevant{}, err
				}
				c = &counts{}
				seen[string(buf)] = c
			}
		}
		c.all++
		if holds[i] {
			c.some++
		}
		if err := w.step(); err != nil {
			return relevant{}, err
		}
	}
	type shift struct {
		value     string
		some, all float64
	}
	var r relevant
	var shifts []shift
	add := func(value string, c *counts) {
		s := shift{value, float64(c.some) / float64(hits), float64(c.all) / float64(len(col))}
		if s.some > s.all {
			shifts = append(shifts, s)
		}
	}
	for v, c := range seen {
		add(v, c)
	}
	add("\x00others", &others)
	slices.SortFunc(shifts, func(a, b shift) int {
		return cmp.Or(cmp.Compare(b.some-b.all, a.some-a.all), cmp.Compare(a.value, b.value))
	})
	var text []string
	for i, s := range shifts {
		r.score += s.some - s.all
		if i < maxContributors {
			text = append(text, strings.TrimPrefix(s.value, "\x00")+" ("+percent(s.some)+" vs "+percent(s.all)+")")
		}
	}
	r.contributors = strings.Join(text, ", ")
	return r, nil
}

// percent returns a share as text, in percent with up to one decimal.
func percent(f float64) string { return numberText(math.Round(f*1000)/10) + "%" }
