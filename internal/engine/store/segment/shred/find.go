package shred

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// finder is the scratch of Block.Find.
type finder struct {
	whole []bool          // by template: a literal contains the needle
	all   []bool          // by template: all rows are candidates
	hits  []column.Bitmap // by chunk: which texts contain the needle
	has   []bool          // by chunk: there are hits
	track []bool          // by column: at is kept
	at    []int           // by column: its next text in its chunk
	holes []watched
	of    []span // by template: its range of holes
	rows  []uint32
	texts column.Texts

	direct []bool        // by eval: it was added row by row at once
	maybe  column.Bitmap // rows that are to be verified
	straddles
}

// watched is a hole of a column whose texts are counted.
type watched struct {
	column, chunk uint16
	hits          bool // the hits of the chunk count
	conds         span // range of straddles.conds
}

// Find adds the rows whose message contains needle to hits, exactly. Literals
// and columns are searched as they are stored. A needle can also lie across the
// edges of holes; the rows where it may are found by what their texts begin or
// end with, and rebuilt only where that leaves a doubt.
func (b *Block) Find(needle []byte, hits column.Bitmap) error {
	if len(needle) == 0 {
		hits.Fill(len(b.of))
		return nil
	}
	if len(needle) > b.raw {
		return nil
	}
	f := &b.find
	f.begin(b, needle)
	some := false
	for i := range b.templates {
		f.whole[i] = b.rows[i] > 0 && inLiterals(&b.templates[i], needle)
		some = some || f.whole[i]
	}
	for i := range b.chunks {
		found, err := b.findInChunk(i, needle)
		if err != nil {
			return err
		}
		f.has[i] = found
		some = some || found
	}
	for i := range b.templates {
		t := &b.templates[i]
		f.ranges[i] = span{uint32(len(f.conds)), uint32(len(f.conds))}
		if b.rows[i] == 0 || f.whole[i] || len(needle) == 1 {
			continue
		}
		if !f.search(b, t) {
			f.conds = f.conds[:f.ranges[i].from]
			f.all[i] = true
			some = true
		}
		f.ranges[i].to = uint32(len(f.conds))
		some = some || len(f.conds) > 0
	}
	if !some {
		return nil
	}
	if err := f.evaluate(b); err != nil {
		return err
	}
	f.align(b, hits)
	if f.watch(b) {
		f.collect(b, hits)
	}
	return f.verify(b, needle, hits)
}

func (f *finder) begin(b *Block, needle []byte) {
	f.whole = fit(f.whole, len(b.templates))
	f.all = fit(f.all, len(b.templates))
	clear(f.all)
	f.of = fit(f.of, len(b.templates))
	f.holes, f.rows = f.holes[:0], f.rows[:0]
	f.has = fit(f.has, len(b.chunks))
	for len(f.hits) < len(b.chunks) {
		f.hits = append(f.hits, nil)
	}
	f.track = fit(f.track, len(b.columns))
	f.at = fit(f.at, len(b.columns))
	for i := range b.columns {
		f.at[i] = b.columns[i].first
	}
	f.straddles.begin(b, needle)
}

// inLiterals reports whether one of the literals of t contains the needle.
func inLiterals(t *Template, needle []byte) bool {
	if !bytes.Contains(t.Literal, needle) {
		return false
	}
	for i := range len(t.Columns) + 1 {
		if bytes.Contains(t.Piece(i), needle) {
			return true
		}
	}
	return false
}

// findInChunk fills the hits of a chunk and reports whether there are any.
func (b *Block) findInChunk(i int, needle []byte) (bool, error) {
	k := &b.chunks[i]
	if k.rows == 0 || !k.sum.MayContain(needle) {
		return false, nil
	}
	if _, err := b.parse(i); err != nil {
		return false, err
	}
	f := &b.find
	f.hits[i] = f.hits[i].Fit(k.rows)
	if k.inMemory {
		return searchTexts(&k.texts, needle, f.hits[i]), nil
	}
	if err := k.chunk.Find(needle, f.hits[i]); err != nil {
		return false, malformedChunk(i, err)
	}
	return !f.hits[i].None(), nil
}

// searchTexts adds the texts that contain needle to hits.
func searchTexts(t *column.Texts, needle []byte, hits column.Bitmap) (found bool) {
	at, i := 0, 0
	for {
		n := bytes.Index(t.Data[at:], needle)
		if n < 0 {
			return found
		}
		at += n
		for int(t.Ends[i]) <= at {
			i++
		}
		end := int(t.Ends[i])
		if at+len(needle) <= end {
			hits.Set(i)
			found = true
		}
		at = end // when it does not fit here, it does not fit further on in this text either
	}
}

// align adds at once what is known of columns that have one text for each row: text
// i is in row i. It clears has of chunks and sets direct of evals that are done with.
func (f *finder) align(b *Block, hits column.Bitmap) {
	f.maybe = f.maybe.Fit(len(b.of))
	b.findUsers()
	live := 0 // templates that have rows
	for _, n := range b.rows {
		if n > 0 {
			live++
		}
	}
	for i := range b.columns {
		k := b.columns[i].chunk
		if f.has[k] && b.users[i].each && b.chunks[k].rows == len(b.of) {
			hits[:len(f.hits[k])].Or(f.hits[k])
			f.has[k] = false
		}
	}
	f.direct = fit(f.direct, len(f.evals))
	for e := range f.evals {
		exact, doubtful := 0, 0
		if f.direct[e] = false; !b.users[f.evals[e].column].each {
			continue
		}
		for i := range b.templates {
			if b.rows[i] == 0 {
				continue
			}
			for _, c := range f.conds[f.ranges[i].from:f.ranges[i].to] {
				if int(c.eval) == e && c.exact {
					exact++
				} else if int(c.eval) == e {
					doubtful++
				}
			}
		}
		switch {
		case exact == live && doubtful == 0:
			hits[:len(f.evals[e].bits)].Or(f.evals[e].bits)
			f.direct[e] = true
		case doubtful == live && exact == 0:
			f.maybe.Or(f.evals[e].bits)
			f.direct[e] = true
		}
	}
}

// watch lists the holes that have to be looked at or counted in each template. It
// reports whether rows have to be looked at.
func (f *finder) watch(b *Block) (some bool) {
	clear(f.track)
	for i := range b.columns {
		f.track[i] = f.has[b.columns[i].chunk]
		some = some || f.track[i]
	}
	for i := range f.conds {
		if e := f.conds[i].eval; !f.direct[e] {
			f.track[f.evals[e].column] = true
			some = true
		}
	}
	for i := range b.templates {
		some = some || b.rows[i] > 0 && (f.whole[i] || f.all[i])
	}
	if !some {
		return false
	}
	for i := range b.templates {
		from := uint32(len(f.holes))
		if b.rows[i] > 0 {
			conds := f.ranges[i]
			for h, c := range b.templates[i].Columns {
				if !f.track[c] {
					continue
				}
				w := watched{column: c, chunk: b.columns[c].chunk}
				w.hits = f.has[w.chunk]
				// The conditions of a template are in the order of holes.
				for conds.from < conds.to && int(f.conds[conds.from].hole) < h {
					conds.from++
				}
				w.conds = span{conds.from, conds.from}
				for w.conds.to < conds.to && int(f.conds[w.conds.to].hole) == h {
					w.conds.to++
				}
				f.holes = append(f.holes, w)
			}
		}
		f.of[i] = span{from, uint32(len(f.holes))}
	}
	return true
}

// collect adds the rows that are certain to hits, and those that are to be
// verified to f.maybe.
func (f *finder) collect(b *Block, hits column.Bitmap) {
	for row, of := range b.of {
		hit, maybe := f.whole[of], f.all[of]
		holes := f.of[of]
		for i := holes.from; i < holes.to; i++ {
			w := &f.holes[i]
			at := f.at[w.column]
			f.at[w.column]++
			if w.hits && f.hits[w.chunk].Has(at) {
				hit = true
			}
			for _, c := range f.conds[w.conds.from:w.conds.to] {
				if e := &f.evals[c.eval]; !f.direct[c.eval] && e.bits.Has(at-b.columns[w.column].first) {
					hit = hit || c.exact
					maybe = true
				}
			}
		}
		if hit {
			hits.Set(row)
		} else if maybe {
			f.maybe.Set(row)
		}
	}
}

// verify rebuilds the candidates and adds those that contain the needle.
func (f *finder) verify(b *Block, needle []byte, hits column.Bitmap) error {
	f.maybe.AndNot(hits)
	if f.rows = f.maybe.AppendTo(f.rows[:0]); len(f.rows) == 0 {
		return nil
	}
	f.texts.Reset()
	if err := b.Rows(f.rows, &f.texts); err != nil {
		return err
	}
	for i, row := range f.rows {
		if bytes.Contains(f.texts.At(i), needle) {
			hits.Set(int(row))
		}
	}
	return nil
}
