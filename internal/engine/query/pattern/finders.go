package pattern

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// finders finds which of many texts occur in a message, in one pass. It is used by
// one goroutine at a time.
//
// Texts of four bytes and more are found by windows of three bytes: a bitmap of their
// hashes says for a place of the message that no text has such a window, which
// is true of nearly all places. Only every second place is looked at, every third or fourth when
// all texts are longer, and the windows at as many places of each text are in
// the bitmap. The places do not depend on one another, which makes this
// faster than an automaton that goes from byte to byte. Shorter texts are searched for
// one by one.
type finders struct {
	texts  [][]byte
	short  []shortText
	stride int
	bitmap []uint64 // windowBits bits
	heads  []int32  // by low bits of the hash: 1 + the first window; 0: none
	wins   []window
	found  []int32
	seen   []bool // by text
}

// window is a place of a text, and what stands there.
type window struct {
	gram uint32
	text int32
	at   int32
	next int32 // 1 + the next window of its chain; 0: none
}

type shortText struct {
	finder
	id int32
}

const (
	windowBytes = 3
	windowMask  = 1<<(8*windowBytes) - 1
	windowBits  = 16
	leastLong   = windowBytes + 1 // bytes of the texts that have windows
	maxStride   = 4
	hashFactor  = 0x9E3779B1
)

func newFinders(texts []string) *finders {
	f := &finders{seen: make([]bool, len(texts)), stride: maxStride}
	for i, t := range texts {
		f.texts = append(f.texts, []byte(t))
		if len(t) < leastLong {
			f.short = append(f.short, shortText{newFinder(t), int32(i)})
		} else {
			f.stride = min(f.stride, len(t)-windowBytes+1)
		}
	}
	if len(f.short) == len(texts) {
		return f
	}
	f.bitmap = make([]uint64, 1<<windowBits/64)
	f.heads = make([]int32, 1<<bits.Len(uint(8*len(texts))))
	for i, t := range f.texts {
		if len(t) >= leastLong {
			f.add(int32(i), t)
		}
	}
	return f
}

// add adds the windows of a text: as many consecutive ones as the stride, those that are
// the rarest.
func (f *finders) add(id int32, text []byte) {
	best, from := math.Inf(1), 0
	for at := 0; at+f.stride+windowBytes-1 <= len(text); at++ {
		sum := 0.0
		for k := range f.stride {
			sum += rarity(text[at+k : at+k+windowBytes])
		}
		if sum < best {
			best, from = sum, at
		}
	}
	for k := range f.stride {
		gram := windowAt(text, from+k)
		h := hashOf(gram)
		f.bitmap[h>>6] |= 1 << (h & 63)
		head := &f.heads[h&uint32(len(f.heads)-1)]
		f.wins = append(f.wins, window{gram: gram, text: id, at: int32(from + k), next: *head})
		*head = int32(len(f.wins))
	}
}

// rarity guesses how often some bytes follow one another.
func rarity(text []byte) float64 {
	p := 1.0
	for _, c := range text {
		p *= (float64(commonness(c)) + 20) / 150
	}
	return p
}

// find returns the numbers of the texts that occur in m, in no order. They are valid until
// the next call.
func (f *finders) find(m []byte) []int32 {
	f.found = f.found[:0]
	for i := range f.short {
		if f.short[i].in(m) {
			f.found = append(f.found, f.short[i].id)
		}
	}
	if f.bitmap == nil || len(m) < leastLong {
		return f.found
	}
	long := len(f.found)
	switch f.stride {
	case 2:
		f.second(m)
	case 3:
		f.third(m)
	default:
		f.fourth(m)
	}
	for _, id := range f.found[long:] {
		f.seen[id] = false
	}
	return f.found
}

func windowAt(m []byte, i int) uint32 {
	return uint32(m[i]) | uint32(m[i+1])<<8 | uint32(m[i+2])<<16
}

func hashOf(gram uint32) uint32 { return gram * hashFactor >> (32 - windowBits) }

// second looks at every second place, three in each load.
func (f *finders) second(m []byte) {
	bitmap := (*[1 << windowBits / 64]uint64)(f.bitmap)
	i := 0
	for ; i+8 <= len(m); i += 6 {
		w := binary.LittleEndian.Uint64(m[i:])
		h0, h1, h2 := hashOf(uint32(w)&windowMask), hashOf(uint32(w>>16)&windowMask), hashOf(uint32(w>>32)&windowMask)
		b0, b1, b2 := bitmap[h0>>6]>>(h0&63), bitmap[h1>>6]>>(h1&63), bitmap[h2>>6]>>(h2&63)
		if (b0|b1|b2)&1 == 0 {
			continue
		}
		f.verify(m, i, h0, b0)
		f.verify(m, i+2, h1, b1)
		f.verify(m, i+4, h2, b2)
	}
	f.rest(m, i)
}

// third looks at every third place, two in each load.
func (f *finders) third(m []byte) {
	bitmap := (*[1 << windowBits / 64]uint64)(f.bitmap)
	i := 0
	for ; i+8 <= len(m); i += 6 {
		w := binary.LittleEndian.Uint64(m[i:])
		h0, h1 := hashOf(uint32(w)&windowMask), hashOf(uint32(w>>24)&windowMask)
		b0, b1 := bitmap[h0>>6]>>(h0&63), bitmap[h1>>6]>>(h1&63)
		if (b0|b1)&1 == 0 {
			continue
		}
		f.verify(m, i, h0, b0)
		f.verify(m, i+3, h1, b1)
	}
	f.rest(m, i)
}

// fourth looks at every fourth place, two in each load.
func (f *finders) fourth(m []byte) {
	bitmap := (*[1 << windowBits / 64]uint64)(f.bitmap)
	i := 0
	for ; i+8 <= len(m); i += 8 {
		w := binary.LittleEndian.Uint64(m[i:])
		h0, h1 := hashOf(uint32(w)&windowMask), hashOf(uint32(w>>32)&windowMask)
		b0, b1 := bitmap[h0>>6]>>(h0&63), bitmap[h1>>6]>>(h1&63)
		if (b0|b1)&1 == 0 {
			continue
		}
		f.verify(m, i, h0, b0)
		f.verify(m, i+4, h1, b1)
	}
	f.rest(m, i)
}

// rest looks at the places from i on.
func (f *finders) rest(m []byte, i int) {
	for ; i+windowBytes <= len(m); i += f.stride {
		h := hashOf(windowAt(m, i))
		f.verify(m, i, h, f.bitmap[h>>6]>>(h&63))
	}
}

// verify notes the texts that occur where a window of them may be at i; bit 0 of may says
// whether one may.
func (f *finders) verify(m []byte, i int, h uint32, may uint64) {
	if may&1 == 0 {
		return
	}
	gram := windowAt(m, i)
	for at := f.heads[h&uint32(len(f.heads)-1)]; at != 0; {
		w := &f.wins[at-1]
		at = w.next
		if w.gram != gram || f.seen[w.text] {
			continue
		}
		text := f.texts[w.text]
		from := i - int(w.at)
		if from >= 0 && from+len(text) <= len(m) && string(m[from:from+len(text)]) == string(text) {
			f.seen[w.text] = true
			f.found = append(f.found, w.text)
		}
	}
}
