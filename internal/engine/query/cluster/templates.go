package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// template is what rows of one shape have in common.
type template struct {
	words []string // empty where they vary
	count int64
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
		all = append(all, template{words[:len(words)-1], r.count})
	}
	slices.SortFunc(all, func(a, b template) int { return slices.Compare(a.words, b.words) })
	if len(all) == 1 {
		return all
	}
	t := finder{values: g.values}
	for _, v := range g.values {
		if !v {
			t.sentence++
		}
	}
	t.split(all)
	t.join()
	return t.found
}

// finder cuts the rows of a group into templates.
type finder struct {
	values   []bool
	sentence int // words that are no values
	found    []template
}

// split makes templates of rows, which are sorted. Words that nearly all rows
// share make them one template. As long as there are none, or a position has few
// words, the rows are cut at the position with the fewest words.
func (f *finder) split(rows []template) {
	best, least, same := -1, 0, 0
	for p, v := range f.values {
		if v {
			continue
		}
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
	if 2*same >= f.sentence {
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
	t := template{slices.Clone(rows[0].words), rows[0].count}
	for _, r := range rows[1:] {
		t.count += r.count
		for p, w := range r.words {
			if w != t.words[p] {
				t.words[p] = ""
			}
		}
	}
	return t
}

// join makes templates one that differ only in values, or in one word that has
// more than a few forms while most others are the same.
func (f *finder) join() {
	f.joinAt(-1)
	for again := true; again; {
		again = false
		for p, v := range f.values {
			if !v && f.joinAt(p) {
				again = true
			}
		}
	}
}

// joinAt joins templates that differ only at position p and in values. For
// position -1 they differ in values only.
func (f *finder) joinAt(p int) bool {
	at := map[string][]template{}
	var order []string
	var key []byte
	for _, t := range f.found {
		key = key[:0]
		for i, w := range t.words {
			if i != p && !f.values[i] {
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
		if len(same) > 1 && (p < 0 || len(same) > few && 2*f.fixed(same[0], p) >= f.sentence) {
			same, joined = []template{one(same)}, true
		}
		f.found = append(f.found, same...)
	}
	return joined
}

// fixed counts the words of sentences in t but for the one at p.
func (f *finder) fixed(t template, p int) int {
	n := 0
	for i, w := range t.words {
		if i != p && !f.values[i] && w != "" {
			n++
		}
	}
	return n
}
