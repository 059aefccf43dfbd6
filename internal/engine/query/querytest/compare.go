package querytest

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Show returns rows as text, one line each; equal texts mean equal rows.
func Show(rows [][]plan.Value) string {
	var b []byte
	for _, r := range rows {
		for i := range r {
			if r[i].Kind == plan.Null {
				b = append(b, "-\t"...)
				continue
			}
			b = append(strconv.AppendQuote(b, string(r[i].AppendText(nil))), '\t')
		}
		b = append(b, '\n')
	}
	return string(b)
}

// Differ says in what the rows of a result are not those wanted; "" means they are
// the same, up to the last bits of computed numbers.
func Differ(got, want [][]plan.Value) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(want))
	}
	for i := range got {
		if !slices.EqualFunc(got[i], want[i], func(a, b plan.Value) bool {
			if (a.Kind == plan.Null) != (b.Kind == plan.Null) {
				return false
			}
			if a.Kind == plan.Number && b.Kind == plan.Number {
				return math.Abs(a.Num-b.Num) <= 1e-12*math.Abs(b.Num)
			}
			return string(a.AppendText(nil)) == string(b.AppendText(nil))
		}) {
			return fmt.Sprintf("row %d differs", i)
		}
	}
	return ""
}
