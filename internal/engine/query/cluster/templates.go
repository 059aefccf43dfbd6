package cluster

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// template is what rows of one shape have in common.
type template struct {
	words  []string // empty where they vary
	values []string
	count  int64
	rows   []leaf // when the values of tokens are counted
}

// leaf is a row with its words, each ended by 0.
type leaf struct {
	words string
	row   *row
}

const (
	// few is how many words at one position of a sentence still are different
	// patterns; more are a token.
	few = 4
	// many is how many words at the position with the fewest are no sentences.
	many = 64
	// maxRows is how many rows of one shape are compared.
	maxRows = 2048
)

// templates finds the templates of a group that is settled, with their rows if
// they are wanted. It does not change the rows of the group.
func (g *group) templates(rows bool) []template {
	if !rows {
		return findTemplates(g, false)
	}
	if g.made == nil || g.madeEdits != g.edits {
		g.made, g.madeEdits = findTemplates(g, true), g.edits
	}
	for i := range g.made {
		t := &g.made[i]
		t.count = 0
		for _, l := range t.rows {
			t.count += l.row.count
		}
	}
	return g.made
}

func findTemplates(g *group, leaves bool) []template {
	all := rowsOf(g, leaves)
	if len(all) == 1 {
		return all
	}
	slices.SortFunc(all, func(a, b template) int { return slices.Compare(a.words, b.words) })
	f := finder{words: len(g.masked)}
	f.split(all)
	f.join()
	return f.found
}

// rowsOf returns the rows of a group. If there are more than maxRows, fewer words
// at one position are told apart until there are not.
func rowsOf(g *group, leaves bool) []template {
	rows := make(map[string]template, len(g.rows))
	for key, r := range g.rows {
		t := template{values: r.values, count: r.count}
		if leaves {
			t.rows = []leaf{{key, r}}
		}
		rows[key] = t
	}
	masked := g.masked
	for limit := g.limit() / 2; len(rows) > maxRows; limit /= 2 {
		many := manyWords(maps.Keys(rows), masked, max(limit, 1))
		if many == nil {
			continue
		}
		masked = many
		fewer := map[string]template{}
		var buf []byte
		for key, r := range rows {
			buf = appendMasked(buf[:0], []byte(key), masked)
			if same, ok := fewer[string(buf)]; ok {
				r = one([]template{r, same})
			}
			fewer[string(buf)] = r
		}
		rows = fewer
	}
	all := make([]template, 0, len(rows))
	for key, r := range rows {
		r.words = strings.Split(key, "\x00")
		r.words = r.words[:len(r.words)-1]
		all = append(all, r)
	}
	return all
}

// finder cuts the rows of a group into templates.
type finder struct {
	words  int
	found  []template
	hashes []uint64 // of what was found, when join needs them
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
	t := template{slices.Clone(rows[0].words), slices.Clone(rows[0].values), rows[0].count, slices.Clone(rows[0].rows)}
	for _, r := range rows[1:] {
		t.count += r.count
		t.rows = append(t.rows, r.rows...)
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
	if f.hashes == nil {
		for i := range f.found {
			f.hashes = append(f.hashes, f.found[i].hash())
		}
	}
	at := make(map[uint64][]int, len(f.found))
	for i := range f.found {
		h := f.hashes[i] - hashAt(p, f.found[i].words[p])
		at[h] = append(at[h], i)
	}
	if len(at) == len(f.found) {
		return false
	}
	var gone []int
	for _, same := range at {
		first := same[0]
		if len(same) <= few || 2*fixed(f.found[first], p) < f.words {
			continue
		}
		all := make([]template, len(same))
		for k, i := range same {
			all[k] = f.found[i]
		}
		f.found[first] = one(all)
		f.hashes[first] = f.found[first].hash()
		gone = append(gone, same[1:]...)
	}
	slices.Sort(gone)
	for _, i := range slices.Backward(gone) {
		f.found = slices.Delete(f.found, i, i+1)
		f.hashes = slices.Delete(f.hashes, i, i+1)
	}
	return len(gone) > 0
}

// hash returns the sum of the hashes of all words.
func (t template) hash() uint64 {
	h := uint64(0)
	for p, w := range t.words {
		h += hashAt(p, w)
	}
	return h
}

// hashAt returns the hash of a word at a position.
func hashAt(p int, w string) uint64 {
	h := uint64(p)
	for i := range len(w) {
		h = mix(h, uint64(w[i])+1)
	}
	return mix(h, uint64(len(w)))
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
