package skip

import "math/bits"

// Evidence is what a unit's messages hold. The zero value is empty and ready to
// use; one is reused from unit to unit. It is not safe for concurrent use.
type Evidence struct {
	tokens   fingerprints
	lengths  uint64 // bit min(n, 63): a token of n bytes; bit 0 is never set
	trigrams [trigramWords]uint64
	scratch  []uint32
}

// Reset empties the evidence and keeps its memory.
func (e *Evidence) Reset() {
	e.tokens.reset()
	e.lengths = 0
	clear(e.trigrams[:])
}

// Tokens adds the tokens of a text, which begins and ends where tokens may: a
// message, or a piece of one whose neighbours are delimiters.
func (e *Evidence) Tokens(text []byte) {
	if e.tokens.table == nil {
		e.tokens.reset()
	}
	for i := 0; i < len(text); i++ {
		if !isToken[text[i]] {
			continue
		}
		from := i
		for i++; i < len(text) && isToken[text[i]]; i++ {
		}
		e.lengths |= 1 << min(uint(i-from), 63)
		e.tokens.add(fingerprint(text, from, i))
	}
}

// Trigrams adds the trigrams of a text. Several messages may be given as one
// text: trigrams that span them do no harm.
func (e *Evidence) Trigrams(text []byte) {
	if len(text) < 3 {
		return
	}
	code := uint32(foldClass[text[0]])<<6 | uint32(foldClass[text[1]])
	for _, c := range text[2:] {
		code = (code<<6 | uint32(foldClass[c])) & trigramMask
		e.trigrams[code>>6] |= 1 << (code & 63)
	}
}

// AddMessages adds tokens and trigrams of messages that lie one behind the
// other: message i is arena[ends[i-1]:ends[i]].
func (e *Evidence) AddMessages(arena []byte, ends []uint32) {
	from := uint32(0)
	for _, end := range ends {
		e.Tokens(arena[from:end])
		from = end
	}
	e.Trigrams(arena[:from])
}

// Counts returns how many different fingerprints and trigrams there are.
func (e *Evidence) Counts() (tokens, trigrams int) {
	for _, w := range e.trigrams {
		trigrams += bits.OnesCount64(w)
	}
	return e.tokens.count, trigrams
}
