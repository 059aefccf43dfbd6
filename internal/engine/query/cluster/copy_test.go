package cluster_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/cluster"
)

// TestCopy: a copy has the same patterns, and neither knows of what is added to or
// merged into the other.
func TestCopy(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, shapes := range []int{0, 10} {
		o := cluster.Options{Shapes: shapes}
		c, whole, first := cluster.New(o), cluster.New(o), cluster.New(o)
		for i := range 4000 {
			m := []byte(wild(rng))
			whole.Add(m)
			if c.Add(m); i < 2000 {
				first.Add(m)
			}
			if i == 1999 {
				was, merged := c.Copy(), cluster.New(o)
				merged.Merge(c.Copy())
				merged.Merge(c.Copy())
				if d := cmp.Diff(first.Patterns(), was.Patterns()); d != "" {
					t.Fatalf("%d shapes: the copy differs (-want +got):\n%s", shapes, d)
				}
				was.Add([]byte("only in the copy"))
			}
		}
		if d := cmp.Diff(whole.Patterns(), c.Patterns()); d != "" || c.Total() != 4000 {
			t.Errorf("%d shapes: copying changed what is copied (-want +got):\n%s", shapes, d)
		}
	}
}
