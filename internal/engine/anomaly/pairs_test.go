package anomaly

import (
	"fmt"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
)

// TestPairs: of very many patterns that are new at once the first ones are compared.
func TestPairs(t *testing.T) {
	d := New(Options{Period: time.Minute, Visible: 24 * time.Hour})
	d.Learned = 100
	e := evaluation{d: d, start: day, stop: day + 60_000, report: true}
	for i := range 2000 {
		c := &cluster.Tracked{ID: int32(i + 1), Text: fmt.Sprintf("text %d", i), Literals: []string{"text"}, Count: int64(i + 1)}
		e.seen = append(e.seen, seen{Tracked: c, p: &pattern{Number: c.ID, First: day, New: true}, fresh: true})
	}
	e.news()
	n := 0
	for i := range e.seen {
		if e.seen[i].p.New {
			n++
		}
	}
	// The nth is compared with n-1 others.
	if n != 1414 || n*(n-1)/2 > maxPairs || len(e.findings) != n {
		t.Errorf("%d patterns are new", n)
	}
}
