package store

import (
	"bytes"
	"context"
	"unsafe"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
)

// searchStep is how many bytes a loop works on before it looks whether its
// context has ended: about 0.1 ms of the slowest of them.
const searchStep = 64 << 10

// maxNeedTexts bounds how many texts of one need are searched for. With more of
// them, going through the messages once for each costs more than it spares.
const maxNeedTexts = 8

// rareByte returns the place in needle of the byte that is rarest in arena,
// judged by a thousandth of it, but at least some hundred bytes. Searching for
// that byte first is several times as fast as bytes.Index with a needle that
// begins with a frequent one.
func rareByte(needle, arena []byte) int {
	if len(needle) < 2 {
		return 0
	}
	var seen [256]uint16
	step := max(1, len(arena)/max(512, min(len(arena)/1000, 2048))) | 1
	for i := 0; i < len(arena); i += step {
		seen[arena[i]]++
	}
	best := 0
	for i := 1; i < len(needle); i++ {
		if seen[needle[i]] < seen[needle[best]] {
			best = i
		}
	}
	return best
}

// rareIn is rareByte for arenas of which many are small: what was found for one
// of them holds for the next ones as well.
func (f *rowSearch) rareIn(needle, arena []byte) int {
	if len(arena) >= searchStep {
		return rareByte(needle, arena)
	}
	if rare, known := f.rare[string(needle)]; known {
		return rare
	}
	if f.rare == nil || len(f.rare) >= 4*maxNeedTexts {
		f.rare = make(map[string]int)
	}
	rare := rareByte(needle, arena)
	f.rare[string(needle)] = rare
	return rare
}

// indexOf returns where needle, whose rare byte is at place rare, first occurs in
// s, or -1.
func indexOf(s []byte, needle []byte, rare int) int {
	if len(needle) > len(s) {
		return -1
	}
	c, misses := needle[rare], 0
	for at, last := rare, len(s)-len(needle)+rare; at <= last; at++ {
		i := bytes.IndexByte(s[at:last+1], c)
		if i < 0 {
			return -1
		}
		at += i
		if bytes.Equal(s[at-rare:at-rare+len(needle)], needle) {
			return at - rare
		}
		// The byte is not rare here.
		if misses++; misses > 4+at>>5 {
			from := at - rare + 1
			if i = bytes.Index(s[from:], needle); i < 0 {
				return -1
			}
			return from + i
		}
	}
	return -1
}

// rowSearch finds rows by what their messages must contain. Messages lie one
// behind the other: row i is arena[ends[i-1]:ends[i]], row 0 begins at start. It
// owns scratch memory and serves one goroutine.
type rowSearch struct {
	ctx  context.Context
	free []column.Bitmap
	rare map[string]int // by needle
}

// find adds to hits the rows that contain needle. It searches the arena as a
// whole and maps what it finds to rows.
func (f *rowSearch) find(needle []byte, arena []byte, start uint32, ends []uint32, hits column.Bitmap) error {
	if len(ends) == 0 {
		return nil
	}
	rare := f.rareIn(needle, arena[start:ends[len(ends)-1]])
	from := int(start)
	for row := 0; row < len(ends); {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		to := rowAt(ends, row, uint32(min(from+searchStep, int(ends[len(ends)-1]))))
		for limit := int(ends[to]); ; {
			i := indexOf(arena[from:limit], needle, rare)
			if i < 0 {
				break
			}
			// An occurrence across the end of a row is none, and there is no other
			// one before that end.
			row = rowAt(ends, row, uint32(from+i+1))
			if from+i+len(needle) <= int(ends[row]) {
				hits.Set(row)
			}
			from = int(ends[row])
			row++
		}
		from, row = int(ends[to]), to+1
	}
	return nil
}

// rowAt returns the first row from row on that ends at or behind pos, or the
// last row.
func rowAt(ends []uint32, row int, pos uint32) int {
	if ends[row] >= pos {
		return row
	}
	step := 1
	for row+step < len(ends) && ends[row+step] < pos {
		row += step
		step *= 2
	}
	// Row ends before pos; look in what one step more would have passed.
	lo, hi := row+1, min(row+step, len(ends)-1)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if ends[mid] < pos {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return hi
}

// rows removes from hits rows that cannot meet the need; those it leaves may.
func (f *rowSearch) rows(need *hint.Need, arena []byte, start uint32, ends []uint32, hits column.Bitmap) error {
	return f.narrow(need, len(ends), hits, func(needle []byte, found column.Bitmap) error {
		return f.find(needle, arena, start, ends, found)
	})
}

// narrow removes from hits rows of n that cannot meet the need. find adds the rows
// that contain a text to a bitmap.
func (f *rowSearch) narrow(need *hint.Need, n int, hits column.Bitmap, find func(needle []byte, found column.Bitmap) error) error {
	switch need.Op {
	case hint.Never:
		clear(hits)
	case hint.Contains:
		found := f.take(n)
		defer f.give(found)
		text := unsafe.Slice(unsafe.StringData(need.Text), len(need.Text)) // find does not change it
		if err := find(text, found); err != nil {
			return err
		}
		hits.And(found)
	case hint.All:
		for i := range need.Kids[:min(len(need.Kids), maxNeedTexts)] {
			if err := f.narrow(&need.Kids[i], n, hits, find); err != nil {
				return err
			}
			// A few rows are looked at one by one.
			if 32*hits.Count() < n {
				return nil
			}
		}
	case hint.OneOf:
		if len(need.Kids) > maxNeedTexts {
			return nil
		}
		all, one := f.take(n), f.take(n)
		defer f.give(all)
		defer f.give(one)
		for i := range need.Kids {
			clear(one)
			one.Fill(n)
			if err := f.narrow(&need.Kids[i], n, one, find); err != nil {
				return err
			}
			all.Or(one)
		}
		hits.And(all)
	}
	return nil
}

// take returns an empty bitmap for n rows; give takes it back.
func (f *rowSearch) take(n int) column.Bitmap {
	if k := len(f.free); k > 0 {
		b := f.free[k-1]
		f.free = f.free[:k-1]
		return b.Fit(n)
	}
	return column.NewBitmap(n)
}

func (f *rowSearch) give(b column.Bitmap) { f.free = append(f.free, b) }
