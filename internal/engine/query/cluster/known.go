package cluster

import (
	"encoding/binary"
)

// known remembers what came between tokens that are no words. It is a tree, or
// rather a graph, of the begins of texts: a node stands for all texts whose tokens and
// separators so far have one hash. From there a step leads, over a literal text, to the
// next token that is no word, whose kind leads to the next node.
//
// A step holds the very bytes of a text, so that whatever begins in the same way and
// has the same bytes there has the same tokens there, too: separable sees to it that the
// bytes alone decide. Steps are learned from texts and forgotten together when they take too much
// memory; the tokens and hashes of texts do not depend on that.
type known struct {
	roots [2]*node // of other texts, and of JSON
	nodes map[uint64]*node
	bytes int
}

type node struct {
	h      uint64
	heads  []head // of steps
	steps  []step
	missed int // how often a step was to be learned and there was no room
}

// head is what tells a step.
type head struct {
	first, mask uint64 // the first bytes of text, at most 8
	text        string
	last        bool // the text must end there
}

type step struct {
	size  int    // of text
	words int    // in text
	word  token  // the last one of them, from the begin of text
	h, d  uint64 // the state of scan behind text; of the last one h is the hash
	last  bool
	kind  uint8 // of the token that was behind it last

	next [kinds]*node // by the kind of the token behind it
}

const (
	start0 = 0x9e3779b97f4a7c15 // the hash of nothing

	maxSteps  = 24 // of a node
	maxKnown  = 1 << 20
	nodeBytes = 140
	stepBytes = 240
)

// root returns the node of empty texts.
func (k *known) root(json bool) *node {
	i := 0
	if json {
		i = 1
	}
	if k.roots[i] == nil {
		k.roots[i] = &node{h: start0}
	}
	return k.roots[i]
}

// node returns the node of a hash.
func (k *known) node(h uint64) *node {
	if n := k.nodes[h]; n != nil {
		return n
	}
	if k.bytes > maxKnown || k.nodes == nil {
		*k = known{nodes: map[uint64]*node{}}
	}
	n := &node{h: h}
	k.nodes[h] = n
	k.bytes += nodeBytes
	return n
}

// find returns the index of the first step, from one on, that t has at i; -1: there
// is none. Of a step that is not the last one it remains to be seen whether a token begins behind it.
func (n *node) find(class *classes, t []byte, i, from int) int {
	rest := t[i:]
	var w uint64
	if len(rest) >= 8 {
		w = binary.LittleEndian.Uint64(rest)
	} else {
		for i, b := range rest {
			w |= uint64(b) << (8 * i)
		}
	}
	for k := from; k < len(n.heads); k++ {
		x := &n.heads[k]
		if w&x.mask != x.first || len(x.text) > len(rest) || x.last && len(x.text) != len(rest) {
			continue
		}
		if len(x.text) > 8 && string(rest[8:len(x.text)]) != x.text[8:] {
			continue
		}
		if w&0xff == '/' && len(x.text) > 0 && i > 0 && class[t[i-1]] == 0 {
			return -1 // a path perhaps
		}
		return k
	}
	return -1
}

// used moves a step towards the front.
func (n *node) used(i int) {
	if i > 0 {
		n.steps[i], n.steps[i-1] = n.steps[i-1], n.steps[i]
		n.heads[i], n.heads[i-1] = n.heads[i-1], n.heads[i]
	}
}

// beginsAnew reports whether what a step begins with at i does not depend on the byte
// before, or only in a way that find looks at.
func beginsAnew(class *classes, t []byte, i int) bool {
	return i == 0 || class[t[i]] == 0 && (t[i] != '/' || class[t[i-1]] != 0)
}

// learn adds a step to a node: a text that begins at a place, its words, and the state behind it.
func (k *known) learn(from *node, text []byte, at int, words []token, h, d uint64, last bool) {
	y := head{text: string(text), last: last}
	for i := range min(8, len(text)) {
		y.first |= uint64(text[i]) << (8 * i)
		y.mask |= 0xff << (8 * i)
	}
	x := step{size: len(text), words: len(words), h: h, d: d, last: last}
	if len(words) > 0 {
		w := words[len(words)-1]
		x.word = token{w.start - int32(at), w.end - int32(at), word}
	}
	k.bytes += stepBytes + len(text)
	if len(from.steps) < maxSteps {
		from.steps, from.heads = append(from.steps, x), append(from.heads, y)
		return
	}
	// The last one is used the least, or nearly.
	from.steps[maxSteps-1], from.heads[maxSteps-1] = x, y
}

// room reports whether a node can have one more step: always, as long as it has
// few, then now and then.
func (n *node) room() bool {
	if len(n.steps) < maxSteps {
		return true
	}
	n.missed++
	return n.missed%64 == 0
}

// separable reports whether the bytes from begin to end, where a token begins that is
// no word, are cut into the words first to last and separators whatever comes before and
// behind them.
func (s *scanner) separable(t []byte, begin, end, first, last int, json bool) bool {
	if begin == end {
		return begin == 0
	}
	if !beginsAnew(s.class, t, begin) {
		return false
	}
	w := first
	for i := begin; i < end; i++ {
		if w < last && int(s.tokens[w].start) == i {
			i = int(s.tokens[w].end)
			w++
			if !s.wordSeparable(t, int(s.tokens[w-1].start), i, end, json) {
				return false
			}
			i--
			continue
		}
		switch b := t[i]; {
		case b == '\n':
			return false // a stack trace can follow
		case b == '/':
			if i > 0 && (s.class[t[i-1]] != 0 || t[i-1] == '/') {
				break
			}
			if i+1 >= end || t[i+1] == ' ' && i+7 > end {
				return false
			}
		case b == '\\' && json:
			i++
		case b == '#':
		case s.class[b] != 0: // a sign
			k := i
			for k < end && s.class[t[k]] != 0 {
				k++
			}
			if k == end {
				return false
			}
		}
	}
	return true
}

// wordSeparable reports whether the word from i to e is one whatever comes from end
// on.
func (s *scanner) wordSeparable(t []byte, i, e, end int, json bool) bool {
	if e >= end {
		return false
	}
	switch t[e] {
	case ':':
		if e+1 >= end || t[e+1] == '/' && e+2 >= end {
			return false
		}
		if e-i <= 4 {
			hex := true
			for _, b := range t[i:e] {
				hex = hex && isHex(b)
			}
			if hex {
				return false
			}
		}
	case '"':
		if json {
			k := e + 1
			for k < end && t[k] <= ' ' {
				k++
			}
			if k >= end {
				return false
			}
		}
	}
	if e-i == 3 {
		if isMonth(t, i) {
			return false
		}
		switch string(t[i:e]) {
		case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
			return false
		}
	}
	return true
}

// plainNumber returns the end of a number that lex finds by its digits alone; 0:
// it has to look.
func plainNumber(class *classes, t []byte, i int) int {
	start := i
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	if i+1 >= len(t) || class[t[i]] != 0 || t[i] == ':' || t[i] == '/' {
		return 0
	}
	if t[i] == ' ' && i-start <= 2 && t[i+1]-'A' <= 'Z'-'A' {
		return 0 // a date perhaps
	}
	return i
}

const isoLength = len("2006-01-02T15:04:05.000Z")

// isoTime reports whether 2006-01-02T15:04:05.000Z, or another time, is at i.
func isoTime(t []byte, i int) bool {
	if i+isoLength > len(t) {
		return false
	}
	const (
		first  = 0x2d00002d00000000 // the separators of dddd-dd-
		second = 0x00003a0000540000 // of ddTdd:dd
		third  = 0x5a0000002e00003a // of :dd.dddZ
	)
	b := t[i : i+isoLength]
	return isoPart(binary.LittleEndian.Uint64(b), first, 0xff0000ff00000000) &&
		isoPart(binary.LittleEndian.Uint64(b[8:]), second, 0x0000ff0000ff0000) &&
		isoPart(binary.LittleEndian.Uint64(b[16:]), third, 0xff000000ff0000ff)
}

// isoPart reports whether 8 bytes have separators where the mask has them, and else
// digits.
func isoPart(w, separators, mask uint64) bool {
	if w&mask != separators {
		return false
	}
	w ^= 0x3030303030303030
	return (w|(w&0x7f7f7f7f7f7f7f7f+0x0606060606060606))&0xf0f0f0f0f0f0f0f0&^mask == 0
}
