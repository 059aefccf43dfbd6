package exec

import "slices"

// sortRun is how many elements are sorted without looking at the context: with texts in natural
// order a comparison may take 200 ns.
const sortRun = 1024

// sortPaced sorts s, looking at the context now and then.
func sortPaced[T any](s []T, cmp func(a, b T) int, p *pace) error {
	for from := 0; from < len(s); from += sortRun {
		slices.SortFunc(s[from:min(from+sortRun, len(s))], cmp)
		if err := p.work(checkEvery); err != nil {
			return err
		}
	}
	if len(s) <= sortRun {
		return nil
	}
	a, b := s, make([]T, len(s))
	for width := sortRun; width < len(s); width *= 2 {
		for from := 0; from < len(a); from += 2 * width {
			mid, to := min(from+width, len(a)), min(from+2*width, len(a))
			if err := mergeRuns(b[from:to], a[from:mid], a[mid:to], cmp, p); err != nil {
				return err
			}
		}
		a, b = b, a
	}
	copy(s, a)
	return nil
}

// mergeRuns merges two sorted runs into dst.
func mergeRuns[T any](dst, x, y []T, cmp func(a, b T) int, p *pace) error {
	for i := range dst {
		if i%sortRun == sortRun-1 {
			if err := p.work(checkEvery); err != nil {
				return err
			}
		}
		if len(y) == 0 || len(x) > 0 && cmp(x[0], y[0]) <= 0 {
			dst[i], x = x[0], x[1:]
		} else {
			dst[i], y = y[0], y[1:]
		}
	}
	return nil
}

// ordered returns the numbers of n things in order, the first limit of them; 0: all.
func ordered(n, limit int, cmp func(a, b int32) int, p *pace) ([]int32, error) {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	err := sortPaced(order, cmp, p)
	if limit > 0 && limit < n {
		order = order[:limit]
	}
	return order, err
}
