package store

import "github.com/cumulog/cumulog/internal/logs"

// pendingItem is a part, or a block of one, that is not open.
type pendingItem struct {
	bound logs.Key // no row of it comes before, in the direction of the scan
	part  *part
	read  *blockRead // nil: the whole part
}

// pendingHeap has the item with the first bound on top.
type pendingHeap []pendingItem

func (h pendingHeap) before(reverse bool, i, j int) bool {
	if reverse {
		return h[j].bound.Less(h[i].bound)
	}
	return h[i].bound.Less(h[j].bound)
}

func (h *pendingHeap) push(reverse bool, item pendingItem) {
	*h = append(*h, item)
	for i := len(*h) - 1; i > 0; {
		p := (i - 1) / 2
		if !h.before(reverse, i, p) {
			return
		}
		(*h)[i], (*h)[p] = (*h)[p], (*h)[i]
		i = p
	}
}

func (h *pendingHeap) pop(reverse bool) pendingItem {
	old := *h
	n := len(old) - 1
	top := old[0]
	old[0], old[n] = old[n], pendingItem{}
	*h = old[:n]
	for i := 0; ; {
		k := 2*i + 1
		if k >= n {
			return top
		}
		if k+1 < n && h.before(reverse, k+1, k) {
			k++
		}
		if !h.before(reverse, k, i) {
			return top
		}
		old[i], old[k] = old[k], old[i]
		i = k
	}
}
