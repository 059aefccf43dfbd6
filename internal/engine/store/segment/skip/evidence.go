package skip

import (
	"encoding/binary"
	"math/bits"
)

// Evidence is what a unit's messages hold. The zero value is empty and ready to
// use; one is reused from unit to unit. It is not safe for concurrent use.
type Evidence struct {
	tokens   fingerprints
	hides    hiding
	trigrams [trigramWords]uint64
}

// Reset empties the evidence and keeps its memory.
func (e *Evidence) Reset() {
	e.tokens.reset()
	e.hides = hiding{}
	clear(e.trigrams[:])
}

// Tokens adds the tokens of a text, which begins and ends where tokens may: a
// message, or a piece of one whose neighbours are delimiters.
func (e *Evidence) Tokens(text []byte) { e.scan(text, 0, len(text)) }

// AddMessages adds tokens and trigrams of messages that lie one behind the
// other: message i is arena[ends[i-1]:ends[i]].
func (e *Evidence) AddMessages(arena []byte, ends []uint32) {
	from := 0
	for _, end := range ends {
		e.scan(arena, from, int(end))
		from = int(end)
	}
	e.Trigrams(arena[:from])
}

// scan adds the tokens of text[from:to]. It looks for the borders of tokens 64
// bytes at a time, and may read behind to.
func (e *Evidence) scan(text []byte, from, to int) {
	e.tokens.init()
	table, scatter, shift := e.tokens.table, e.tokens.scatter, e.tokens.shift&31
	lengths, run := e.hides.lengths, e.hides.floor()
	open := -1       // where the token began that goes on
	was := uint64(0) // 1: it does
	for base := from; base < to; base += 64 {
		var m uint64
		if base+64 <= len(text) {
			m = tokenMask((*[64]byte)(text[base:]))
		} else {
			var last [64]byte
			copy(last[:], text[base:])
			m = tokenMask(&last)
		}
		if rest := to - base; rest < 64 {
			m &= 1<<rest - 1
		}
		edges := m ^ (m<<1 | was)
		was = m >> 63
		for edges != 0 {
			if open < 0 {
				open = base + bits.TrailingZeros64(edges)
				if edges &= edges - 1; edges == 0 {
					break
				}
			}
			end := base + bits.TrailingZeros64(edges)
			edges &= edges - 1
			n := uint(end - open)
			var f uint32
			if n <= 16 && open+16 <= len(text) {
				p := (*[16]byte)(text[open:])
				k := &pieceMasks[n&31]
				f = finish(mix(seed0^binary.LittleEndian.Uint64(p[:8])&k[0], seed1^binary.LittleEndian.Uint64(p[8:])&k[1]))
			} else {
				f = fingerprint(text, open, end)
				n = min(n, 63)
			}
			lengths |= 1 << (n & 63)
			if uint(end-open) > run+1 {
				run = e.hides.see(text[open:end])
			}
			if at := (f + 1) * scatter >> shift; at >= uint32(len(table)) || table[at] != f+1 {
				e.tokens.add(f)
				table, shift = e.tokens.table, e.tokens.shift&31
			}
			open = -1
		}
	}
	e.hides.lengths = lengths
	if open >= 0 {
		e.token(text, open, to)
	}
}

func (e *Evidence) token(text []byte, from, to int) {
	e.hides.lengths |= 1 << min(uint(to-from), 63)
	e.hides.see(text[from:to])
	e.tokens.add(fingerprint(text, from, to))
}

// tokenMask returns which of 64 bytes belong to tokens.
func tokenMask(b *[64]byte) (m uint64) {
	for i := 0; i < 64; i += 8 {
		m |= tokenMask8(binary.LittleEndian.Uint64(b[i:i+8])) << i
	}
	return m
}

// tokenMask8 returns which of 8 bytes belong to tokens.
func tokenMask8(x uint64) uint64 {
	const ones = 0x0101010101010101
	// Sums of bytes below 0x80 do not carry into the next byte: the high bit of
	// y + 0x80 - c says whether y ≥ c.
	y := x & (0x7f * ones)
	z := y | 0x20*ones // lower case
	letter := (z + (0x80-'a')*ones) &^ (z + (0x80-'z'-1)*ones)
	digit := (y + (0x80-'0')*ones) &^ (y + (0x80-'9'-1)*ones)
	other := ^((y ^ '_'*ones) + 0x7f*ones)
	r := (letter | digit | other | x) >> 7 & ones
	return r * 0x0102040810204080 >> 56
}

// Trigrams adds the trigrams of a text. Several messages may be given as one
// text: trigrams that span them do no harm.
func (e *Evidence) Trigrams(text []byte) {
	if len(text) < 3 {
		return
	}
	code := uint32(foldClass[text[0]])<<6 | uint32(foldClass[text[1]])
	for _, c := range text[2:] {
		code = code<<6 | uint32(foldClass[c])
		// Nearly all are there already: a test costs less than a store.
		if w := &e.trigrams[code>>6&(trigramWords-1)]; *w>>(code&63)&1 == 0 {
			*w |= 1 << (code & 63)
		}
	}
}

// Counts returns how many different fingerprints and trigrams there are.
func (e *Evidence) Counts() (tokens, trigrams int) {
	for _, w := range e.trigrams {
		trigrams += bits.OnesCount64(w)
	}
	return e.tokens.count, trigrams
}
