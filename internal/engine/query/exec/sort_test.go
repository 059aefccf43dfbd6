package exec

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortPaced sorts lists around the length that one run has.
func TestSortPaced(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, sortRun - 1, sortRun, sortRun + 1, 2 * sortRun, 3*sortRun + 7, 9 * sortRun} {
		s := make([]int, n)
		for i := range s {
			s[i] = rng.IntN(n + 1)
		}
		want := slices.Sorted(slices.Values(s))
		if err := sortPaced(s, cmp.Compare[int], &pace{ctx: context.Background()}); err != nil || !slices.Equal(s, want) {
			t.Errorf("%d numbers are not sorted, or %v", n, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := sortPaced(make([]int, 2*sortRun), cmp.Compare[int], &pace{ctx: ctx}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}
