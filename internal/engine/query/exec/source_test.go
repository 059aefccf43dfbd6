package exec_test

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// memory is a Source over rows, cut into blocks of some size whose columns are
// encoded as rng likes.
type memory struct {
	rows  []row
	block int
	seed  uint64 // decides how columns are encoded, and whether Order (unless divisible by 3) and Skip (when even) are looked at
	all   bool   // hand out all blocks, whatever the request needs
}

func (m *memory) ScanBlocks(ctx context.Context, r plan.Request, workers int, fn func(int, plan.Block) error) (plan.SourceStats, error) {
	var blocks []*memoryBlock
	var stats plan.SourceStats
	for from := 0; from < len(m.rows); from += m.block {
		rows := m.rows[from:min(from+m.block, len(m.rows))]
		if !slices.Contains(r.Groups, rows[0].Group) {
			continue
		}
		b := &memoryBlock{rows: rows, rng: rand.New(rand.NewPCG(m.seed, uint64(from)))}
		sel, need := []uint32{}, false
		for i := range rows {
			x := &rows[i]
			if x.Timestamp >= r.Start && x.Timestamp < r.End && (r.Streams == nil || slices.Contains(r.Streams, x.Stream)) {
				sel = append(sel, uint32(i))
				need = need || r.Need.Meets(x.Message())
			}
		}
		switch {
		case len(sel) == 0:
			stats.BlocksSkippedTime++
			continue
		case !need && !m.all:
			stats.BlocksSkippedIndex++
			continue
		case len(sel) < len(rows):
			b.sel = sel
		}
		blocks = append(blocks, b)
	}
	if m.seed%3 > 0 {
		slices.SortStableFunc(blocks, func(a, b *memoryBlock) int {
			first, last := a.Span()
			first2, last2 := b.Span()
			switch r.Order {
			case plan.NewestFirst:
				return cmp.Compare(last2, last)
			case plan.OldestFirst:
				return cmp.Compare(first, first2)
			}
			return 0
		})
	}
	var wg sync.WaitGroup
	next := make(chan *memoryBlock, len(blocks))
	for _, b := range blocks {
		next <- b
	}
	close(next)
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() {
			for b := range next {
				if m.seed%2 == 0 && r.Skip(b.Span()) {
					continue
				}
				if errs[w] == nil {
					errs[w] = fn(w, b)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return stats, err
		}
	}
	return stats, ctx.Err()
}

type memoryBlock struct {
	rows    []row
	sel     []uint32
	rng     *rand.Rand
	cols    map[string]*column.Vector
	texts   *column.Texts
	decoded int64
}

func (b *memoryBlock) Group() logs.GroupID { return b.rows[0].Group }
func (b *memoryBlock) Len() int            { return len(b.rows) }
func (b *memoryBlock) Sel() []uint32       { return b.sel }
func (b *memoryBlock) Decoded() int64      { return b.decoded }

func (b *memoryBlock) Bytes() int64 {
	n := 0
	for i := range b.rows {
		n += len(b.rows[i].Message())
	}
	return int64(n)
}

func (b *memoryBlock) Span() (int64, int64) {
	lo, hi := b.rows[0].Timestamp, b.rows[0].Timestamp
	for i := range b.rows {
		lo, hi = min(lo, b.rows[i].Timestamp), max(hi, b.rows[i].Timestamp)
	}
	return lo, hi
}

func (b *memoryBlock) Keys() ([]logs.Key, error) {
	k := make([]logs.Key, len(b.rows))
	for i := range k {
		k[i] = b.rows[i].Key
	}
	b.decoded += int64(16 * len(k))
	return k, nil
}

func (b *memoryBlock) Streams() ([]logs.StreamID, error) {
	k := make([]logs.StreamID, len(b.rows))
	for i := range k {
		k[i] = b.rows[i].Stream
	}
	return k, nil
}

func (b *memoryBlock) Ingestions() ([]int64, error) {
	k := make([]int64, len(b.rows))
	for i := range k {
		k[i] = b.rows[i].Ingestion
	}
	return k, nil
}

func (b *memoryBlock) Messages() (*column.Texts, error) {
	if b.texts == nil {
		b.texts = &column.Texts{}
		for i := range b.rows {
			b.texts.Append([]byte(b.rows[i].Message()))
		}
		b.decoded += int64(len(b.texts.Data))
	}
	return b.texts, nil
}

func (b *memoryBlock) Rows(rows []uint32, dst *column.Texts) error {
	for _, r := range rows {
		m := b.rows[r].Message()
		dst.Append([]byte(m))
		b.decoded += int64(len(m))
	}
	return nil
}

func (b *memoryBlock) Match(a column.Automaton, rows []uint32, hits column.Bitmap) error {
	t, _ := b.Messages()
	for _, r := range rows {
		matched := a.Match(t.At(int(r)))
		if b.rng.IntN(4) > 0 {
			matched = inPieces(b.rng, a, t.At(int(r)))
		}
		if matched {
			hits.Set(int(r))
		}
	}
	return nil
}

// inPieces cuts a text somewhere.
func inPieces(rng *rand.Rand, a column.Automaton, text []byte) bool {
	if len(text) == 0 {
		return a.Match(text)
	}
	s := a.Start()
	for rest := text; len(rest) > 0 && s != column.Matched && s != column.Unsure; {
		piece := rest[:1+rng.IntN(min(len(rest), 9))]
		rest = rest[len(piece):]
		var set [4]uint64
		for _, c := range piece {
			set[c>>6] |= 1 << (c & 63)
		}
		states, ok := a.Reach(s, &set, nil)
		if s = a.Run(s, piece); ok && !slices.Contains(states, s) {
			panic("a state that cannot be reached")
		}
	}
	switch s {
	case column.Matched:
		return true
	case column.Unsure:
		return a.Match(text)
	}
	return a.Ends(s)
}

// Cut leaves some rows to the caller.
func (b *memoryBlock) Cut(g *column.Glob, rows []uint32, out *column.Cuts) (left []uint32, err error) {
	t, _ := b.Messages()
	parts := make([][]byte, len(g.Literals)-1)
	for _, r := range rows {
		if b.rng.IntN(3) == 0 {
			left = append(left, r)
			continue
		}
		ok := g.Cut(t.At(int(r)), parts)
		for i, part := range out.Parts {
			p := column.Piece{From: column.Absent}
			if ok {
				p.From = uint32(len(out.Texts))
				out.Texts = append(out.Texts, parts[part]...)
				p.To = uint32(len(out.Texts))
			}
			out.Found[i][r] = p
		}
	}
	return left, nil
}

func (b *memoryBlock) Find(needle []byte, hits column.Bitmap) error {
	t, _ := b.Messages()
	for i := range b.rows {
		if bytes.Contains(t.At(i), needle) {
			hits.Set(i)
		}
	}
	return nil
}

func (b *memoryBlock) Whole(rows column.Bitmap) error {
	for i := range b.rows {
		if b.rows[i].Fields != nil && b.rows[i].Prefix == "" {
			rows.Set(i)
		}
	}
	return nil
}

func (b *memoryBlock) Named(name string) (*column.Vector, error)     { return b.Field(name) }
func (b *memoryBlock) NamedBounds(name string) (column.Bounds, bool) { return b.Bounds(name) }

func (b *memoryBlock) Bounds(path string) (column.Bounds, bool) {
	out := column.Bounds{Numeric: true}
	for i := range b.rows {
		t, ok := b.rows[i].Value(path)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.Trim(t, `"`), 10, 64)
		if err != nil {
			out.Numeric = false
		}
		if out.Rows == 0 {
			out.Min, out.Max = n, n
		}
		out.Rows++
		out.Min, out.Max = min(out.Min, n), max(out.Max, n)
	}
	out.Exact = out.Numeric && out.Rows > 0
	return out, b.rng.IntN(3) > 0
}

func (b *memoryBlock) Field(path string) (*column.Vector, error) {
	if v, ok := b.cols[path]; ok {
		return v, nil
	}
	v := b.encode(path)
	if b.cols == nil {
		b.cols = map[string]*column.Vector{}
	}
	b.cols[path] = v
	b.decoded += int64(len(v.Ints)*8 + len(v.IDs)*2 + len(v.Texts.Data) + len(v.Dict.Data))
	return v, nil
}

// encode makes the vector of a path in one of the forms that can hold it.
func (b *memoryBlock) encode(path string) *column.Vector {
	n := len(b.rows)
	v := &column.Vector{Rows: n, AllQuoted: true}
	valid, quoted := column.NewBitmap(n), column.NewBitmap(n)
	texts := make([]string, n)
	some, all, anyQuoted := false, true, false
	fits := [3]int{-1, -1, -1} // by column.Trim: the scale of all numbers, -1 none seen, -2 it does not fit
	for i := range b.rows {
		t, ok := b.rows[i].Value(path)
		if !ok {
			all = false
			continue
		}
		some = true
		valid.Set(i)
		if t[0] == '"' {
			t = t[1 : len(t)-1]
			quoted.Set(i)
			anyQuoted = true
			v.Escaped = v.Escaped || strings.Contains(t, `\`)
		} else {
			v.AllQuoted = false
		}
		texts[i] = t
		s := 0
		if at := strings.IndexByte(t, '.'); at >= 0 {
			s = len(t) - at - 1
		}
		digits, err := strconv.ParseInt(strings.Replace(t, ".", "", 1), 10, 64)
		number := err == nil && string(plan.AppendDecimal(nil, digits, uint8(s))) == t
		for trim := range fits {
			switch {
			case !number || fits[trim] == -2,
				trim == int(column.TrimNone) && fits[trim] >= 0 && s != fits[trim],
				trim == int(column.TrimAll) && s > 0 && strings.HasSuffix(t, "0"),
				trim == int(column.TrimPoint) && (s == 0 || s > 1 && strings.HasSuffix(t, "0")):
				fits[trim] = -2
			default:
				fits[trim] = max(fits[trim], s)
			}
		}
	}
	if !some {
		return &column.Vector{Rows: n}
	}
	if !all {
		v.Valid = valid
	}
	if !v.AllQuoted && anyQuoted {
		v.Quoted = quoted
	}
	switch k := b.rng.IntN(3); {
	case max(fits[0], fits[1], fits[2]) >= 0 && k > 0:
		trim := slices.IndexFunc(fits[:], func(s int) bool { return s >= 0 })
		scale := fits[trim]
		v.Kind, v.Scale, v.Trim = column.Fixed, uint8(scale), column.Trim(trim)
		if scale == 0 {
			v.Kind = column.Int
		}
		v.Ints = make([]int64, n)
		for i, t := range texts {
			whole, part, _ := strings.Cut(t, ".")
			v.Ints[i], _ = strconv.ParseInt(whole+part+strings.Repeat("0", scale-len(part)), 10, 64)
		}
	case k == 1:
		v.Kind = column.Text
		for _, t := range texts {
			v.Texts.Append([]byte(t))
		}
	default:
		v.Kind = column.Dict
		ids := map[string]uint16{}
		v.IDs = make([]uint16, n)
		for i, t := range texts {
			if !valid.Has(i) {
				continue
			}
			id, ok := ids[t]
			if !ok {
				id = uint16(len(ids))
				ids[t] = id
				v.Dict.Append([]byte(t))
			}
			v.IDs[i] = id
		}
	}
	return v
}
