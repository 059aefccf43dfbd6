package chunk

import (
	"math"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Sampling.
const (
	maxSample  = 256
	candidates = 8  // texts of the sample that say what to try
	minHex     = 4  // digits: shorter texts are not worth it
	minAffixed = 16 // texts: fewer are not worth looking for what they share
)

// detector finds the kind of texts.
type detector struct {
	kinds []kind
	conv  converter
}

// detect returns the kind that most of a sample has, perhaps between a prefix
// and a suffix; not ok when there is none that nearly all have.
func (d *detector) detect(t *column.Texts) (best kind, ok bool) {
	if best, ok = d.detectBetween(t, 0, 0); ok {
		return best, true
	}
	tried := [][2]int{{0, 0}}
	for _, cut := range affixes(t) {
		if !slices.Contains(tried, cut) {
			tried = append(tried, cut)
			if best, ok = d.detectBetween(t, cut[0], cut[1]); ok {
				return best, true
			}
		}
	}
	return best, false
}

// affixes proposes how much to cut off at the beginning and at the end.
func affixes(t *column.Texts) (cuts [4][2]int) {
	n := t.Len()
	sample := min(n, maxSample)
	if n < minAffixed {
		return cuts
	}
	first := t.At(0)
	front, back := min(len(first), maxAffix), min(len(first), maxAffix)
	for i := 1; i < sample && front+back > 0; i++ {
		text := t.At(i * n / sample)
		front = sharedPrefix(first[:front], text)
		k := 0
		for k < back && k < len(text) && text[len(text)-1-k] == first[len(first)-1-k] {
			k++
		}
		back = k
	}
	if front+back >= len(first) {
		return cuts
	}
	// Digits that all texts share belong to their number, and letters may be
	// hexadecimal digits: cut once at the digits, once at the word.
	fronts, backs := [2]int{front, front}, [2]int{back, back}
	tail := first[len(first)-back:]
	for i, in := range [2]func(byte) bool{isDigit, isWord} {
		for fronts[i] > 0 && in(first[fronts[i]-1]) {
			fronts[i]--
		}
		for backs[i] > 0 && in(tail[back-backs[i]]) {
			backs[i]--
		}
	}
	return [4][2]int{{fronts[0], backs[0]}, {fronts[1], backs[1]}, {fronts[0], backs[1]}, {fronts[1], backs[0]}}
}

func isDigit(b byte) bool { return b-'0' <= 9 }
func isWord(b byte) bool  { return b-'0' <= 9 || b|0x20-'a' < 26 }

// detectBetween is detect for what is left without the first front and the last back bytes.
func (d *detector) detectBetween(t *column.Texts, front, back int) (best kind, ok bool) {
	n := t.Len()
	sample := min(n, maxSample)
	at := func(i, of int) []byte {
		b := t.At(i * n / of)
		if len(b) < front+back {
			return nil
		}
		return b[front : len(b)-back]
	}
	d.kinds = d.kinds[:0]
	few := min(candidates, n)
	for i := range few {
		d.propose(at(i, few))
	}
	if len(d.kinds) == 0 {
		return best, false
	}
	places := 0
	for i := range sample {
		if p, ok := decimalPlaces(at(i, sample)); ok {
			places = max(places, p)
		}
	}
	if places > 0 {
		d.offer(kind{enc: Dec, scale: places, trim: trimPoint})
		d.offer(kind{enc: Dec, scale: places, trim: trimAll})
	}
	most := sample - sample/(exceptions+2) - 1 // what too many exceptions in the sample leave
	if sample < 64 {
		most = sample - 1
	}
	rank := math.MaxInt
	for _, k := range d.kinds {
		d.conv.reset(k)
		fits := 0
		for i := range sample {
			if d.conv.add(at(i, sample)) {
				fits++
			} else if fits+sample-i-1 < most {
				break
			}
		}
		if r := k.rank(); fits > most || fits == most && r < rank {
			most, best, rank, ok = fits, k, r, true
		}
	}
	if !ok || most <= 0 {
		return best, false
	}
	first := t.At(0)
	best.prefix, best.suffix = string(first[:front]), string(first[len(first)-back:])
	return best, true
}

// rank orders kinds that fit alike: smaller is better.
func (k *kind) rank() int {
	order := [...]uint8{Int: 0, UUID: 1, IPv4: 2, TS: 3, Dec: 4, Hex: 6, Patch: 7}
	r := int(order[k.enc]) * 4
	if k.enc == Int && k.n > 0 {
		r++
	}
	return r + k.trim
}

func (d *detector) offer(k kind) {
	for i := range d.kinds {
		if d.kinds[i] == k {
			return
		}
	}
	d.kinds = append(d.kinds, k)
}

// propose offers the kinds that b could be.
func (d *detector) propose(b []byte) {
	if len(b) == 0 || len(b) > maxHex {
		return
	}
	first := hexValues[b[0]]
	if first == 0xff && b[0] != '-' {
		return
	}
	if _, ok := parseInt(b); ok {
		d.offer(kind{enc: Int})
	}
	if _, ok := parsePadded(b, len(b)); ok && len(b) >= 2 && len(b) <= maxScale {
		d.offer(kind{enc: Int, n: len(b)})
	}
	if places, ok := decimalPlaces(b); ok {
		d.offer(kind{enc: Dec, scale: places})
	}
	if _, ok := parseIPv4(b); ok {
		d.offer(kind{enc: IPv4})
	}
	if l, ok := detectLayout(b); ok {
		d.offer(kind{enc: TS, layout: l})
	}
	for _, upper := range [2]bool{false, true} {
		if len(b) == uuidLen {
			d.offer(kind{enc: UUID, upper: upper})
		} else if len(b) >= minHex && first != 0xff {
			d.offer(kind{enc: Hex, n: len(b), upper: upper})
		}
	}
}

// decimalPlaces returns the decimal places of a decimal that has some.
func decimalPlaces(b []byte) (int, bool) {
	for i, c := range b {
		if c == '.' {
			places := len(b) - i - 1
			if places < 1 || places > maxScale {
				return 0, false
			}
			_, ok := parseDec(b, places, trimNone)
			return places, ok
		}
		if c-'0' > 9 && (c != '-' || i > 0) {
			return 0, false
		}
	}
	return 0, false
}
