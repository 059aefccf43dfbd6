package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// template is what rows of one shape have in common.
type template struct {
	words  []string // empty where they vary
	values []string
	count  int64
}

const (
	// few is how many words at one position of a sentence still are different
	// patterns; more are a token.
	few = 4
	// many is how many words at the position with the fewest are no sentences.
	many = 64
)

// templates finds the templates of a group that is settled.
func templates(g *group) []template {
	all := make([]template, 0, len(g.rows))
	for key, r := range g.rows {
		words := strings.Split(key, "\x00")
		all = append(all, template{words[:len(words)-1], r.values, r.count})
	}
	if len(all) == 1 {
		return all
	}
	slices.SortFunc(all, func(a, b template) int { return slices.Compare(a.words, b.words) })
	f := finder{words: len(g.masked)}
	f.split(all)
	f.join()
	return f.found
}

// finder cuts the rows of a group into templates.
type finder struct {
	words int
	found []template
}

// split makes templates of rows, which are sorted. Words that nearly all rows
// share make them one template. As long as there are none, or a position has few
// words, the rows are cut at the position with the fewest words.
func (f *finder) split(rows []template) {
	best, least, same := -1, 0, 0
	for p := range f.words {
		n := distinctAt(rows, p, many+1)
		if n == 1 {
			if rows[0].words[p] != "" {
				same++
			}
			continue
		}
		if best < 0 || n < least {
			best, least = p, n
		}
	}
	limit := many
	if 2*same >= f.words {
		limit = few
	}
	if best < 0 || least > limit {
		f.found = append(f.found, one(rows))
		return
	}
	slices.SortStableFunc(rows, func(a, b template) int { return cmp.Compare(a.words[best], b.words[best]) })
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].words[best] == rows[from].words[best] {
			to++
		}
		f.split(rows[from:to])
		from = to
	}
}

// distinctAt counts the words at position p, up to a limit.
func distinctAt(rows []template, p, limit int) int {
	first := rows[0].words[p]
	vary := false
	for i := range rows {
		if rows[i].words[p] != first {
			vary = true
			break
		}
	}
	if !vary {
		return 1
	}
	seen := map[string]struct{}{}
	for i := range rows {
		if seen[rows[i].words[p]] = struct{}{}; len(seen) >= limit {
			break
		}
	}
	return len(seen)
}

// one makes rows one template.
func one(rows []template) template {
	t := template{slices.Clone(rows[0].words), slices.Clone(rows[0].values), rows[0].count}
	for _, r := range rows[1:] {
		t.count += r.count
		for p, w := range r.words {
			if w != t.words[p] {
				t.words[p] = ""
			}
		}
		for i, v := range r.values {
			if v != t.values[i] {
				t.values[i] = varies
			}
		}
	}
	return t
}

// join makes templates one that differ only in one word which has more than a
// few forms, while most others are the same.
func (f *finder) join() {
	for again := true; again; {
		again = false
		for p := range f.words {
			again = f.joinAt(p) || again
		}
	}
}

func (f *finder) joinAt(p int) bool {
	at := map[string][]template{}
	var order []string
	var key []byte
	for _, t := range f.found {
		key = key[:0]
		for i, w := range t.words {
			if i != p {
				key = append(key, w...)
			}
			key = append(key, 0)
		}
		if _, ok := at[string(key)]; !ok {
			order = append(order, string(key))
		}
		at[string(key)] = append(at[string(key)], t)
	}
	if len(order) == len(f.found) {
		return false
	}
	joined := false
	f.found = f.found[:0:0]
	for _, k := range order {
		same := at[k]
		if len(same) > few && 2*fixed(same[0], p) >= f.words {
			same, joined = []template{one(same)}, true
		}
		f.found = append(f.found, same...)
	}
	return joined
}

// fixed counts the words of t that do not vary, but for the one at p.
func fixed(t template, p int) int {
	n := 0
	for i, w := range t.words {
		if i != p && w != "" {
			n++
		}
	}
	return n
}
