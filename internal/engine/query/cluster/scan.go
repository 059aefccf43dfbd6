package cluster

import (
	"encoding/binary"
	"math/bits"
)

// The kinds of tokens. Words tell messages apart. A value is a word that does
// not: it is kept only when all messages of a pattern have the same. A mixed one
// is a value with a digit or two.
const (
	word uint8 = iota
	value
	mixed
	number
	duration
	clock
	address
	uuid
	ident
	email
	path
	url
	stack // the lines of a stack trace
	kinds
)

// Classes of bytes. Bytes of no class separate tokens.
const (
	lower uint8 = 1 << iota
	upper
	digit
	joiner
	under
	dot
	at

	letter = lower | upper
)

// classes are the classes of every byte; bytes of UTF-8 count as letters.
type classes [256]uint8

func newClasses() *classes {
	c := new(classes)
	for b := range 256 {
		switch {
		case b >= 'a' && b <= 'z', b >= 0x80:
			c[b] = lower
		case b >= 'A' && b <= 'Z':
			c[b] = upper
		case b >= '0' && b <= '9':
			c[b] = digit
		}
	}
	c['-'], c['+'], c['#'] = joiner, joiner, joiner
	c['_'], c['.'], c['@'] = under, dot, at
	return c
}

// Limits of what is looked at.
const (
	maxText   = 1500 // bytes of a message
	maxTokens = 160
	maxWord   = 64 // bytes; a longer one is an identifier
)

// token is a part of a text that is no separator.
type token struct {
	start, end int32
	kind       uint8
}

// scanner cuts texts into tokens.
type scanner struct {
	class  *classes
	ends   *ends
	tokens [maxTokens]token
	n      int
	end    int // what comes after is not looked at
	known  known
}

func newScanner() scanner { return scanner{class: newClasses(), ends: newEnds()} }

// scan finds the tokens of a text and returns the hash of its skeleton: of all
// separators, the kinds of tokens, and words. Texts of the same skeleton have the
// same shape and words.
//
// What is between two tokens that are no words is mostly what it was in an earlier
// text of the same begin. It is looked up as a whole (see known); then of tokens only those
// that are no words are set. scanAll sets all.
func (s *scanner) scan(t []byte) uint64 { return s.walk(t, true) }

// scanAll is scan without what is known.
func (s *scanner) scanAll(t []byte) uint64 { return s.walk(t, false) }

func (s *scanner) walk(t []byte, known bool) uint64 {
	cut := len(t) > maxText
	if cut {
		t = t[:maxText]
	}
	json := len(t) > 0 && t[0] == '{'
	class := s.class
	h := uint64(start0)
	d := uint64(0) // separators since the last token, 7 bytes of them
	n := 0
	i := 0
	s.end = len(t)
	var at *node
	if known {
		at = s.known.root(json)
	}
next:
	for {
		if at != nil {
			for which := at.find(class, t, i, 0); which >= 0; which = at.find(class, t, i, which+1) {
				x := &at.steps[which]
				if n+x.words+1 >= maxTokens {
					break
				}
				m, start := n+x.words, i+x.size
				if x.last {
					if cut {
						continue
					}
					s.n = m
					return x.h
				}
				if x.words > 0 { // lex may look at it
					s.tokens[m-1] = token{x.word.start + int32(i), x.word.end + int32(i), word}
				}
				k, end := word, start
				switch {
				case start >= len(t):
				case x.kind == number && t[start]-'0' <= 9:
					if end = plainNumber(class, t, start); end > 0 {
						k = number
						break
					}
					k, end = s.lex(t, start, m, json)
				case x.kind == clock && isoTime(t, start):
					k, end = clock, start+isoLength
				case class[t[start]] != 0 || t[start] == '/' && isPath(class, t, start):
					k, end = s.lex(t, start, m, json)
				}
				if k == word || cut && end == len(t) {
					continue // a longer step, or none
				}
				s.tokens[m] = token{int32(start), int32(end), k}
				n, i = m+1, end
				x.kind = k
				to := x.next[k]
				if to == nil {
					to = s.known.node(mix(x.h^x.d, uint64(k)))
					x.next[k] = to
				}
				at.used(which)
				at, h = to, to.h
				continue next
			}
		}
		from, begin, first := at, i, n
		for i < len(t) {
			b := t[i]
			if class[b] == 0 && (b != '/' || !isPath(class, t, i)) {
				switch {
				case b > ' ' && b != '\\':
					d = d<<8 | uint64(b)
					i++
				case b > ' ' && json && i+1 < len(t):
					d = d<<8 | uint64(t[i+1]|0x80)
					i += 2
				case b > ' ':
					d = d<<8 | uint64(b)
					i++
				default:
					blank := uint64(' ')
					for i < len(t) && t[i] <= ' ' {
						if t[i] == '\n' {
							blank = '\n'
						}
						i++
					}
					d = d<<8 | blank
					if blank == '\n' && isFrame(t, i) && n < maxTokens {
						start := i
						i = frames(t, i)
						s.tokens[n] = token{int32(start), int32(i), stack}
						n++
						h, d = mix(h^d, uint64(stack)), 0
						from = nil
						continue
					}
				}
				if d >= 1<<56 {
					h, d = mix(h, d), 0
				}
				continue
			}
			start := i
			k, end := s.lex(t, start, n, json)
			if end == start {
				// A sign alone, or before a token.
				d = d<<8 | uint64(b)
				i++
				if d >= 1<<56 {
					h, d = mix(h, d), 0
				}
				continue
			}
			i = end
			if n == maxTokens || cut && i == len(t) {
				s.end = start
				break next
			}
			s.tokens[n] = token{int32(start), int32(i), k}
			n++
			if k == word {
				h, d = mix(h^d, hashWord(t, start, i)), 0
				continue
			}
			if from != nil && from.room() && s.separable(t, begin, start, first, n-1, json) {
				s.known.learn(from, t[begin:start], begin, s.tokens[first:n-1], h, d, false)
			}
			h, d = mix(h^d, uint64(k)), 0
			if at = nil; known {
				at = s.known.node(h)
			}
			continue next
		}
		s.n = n
		if cut {
			break
		}
		h = mix(h, d)
		if from != nil && from.room() && (begin == len(t) || beginsAnew(class, t, begin)) {
			s.known.learn(from, t[begin:], begin, s.tokens[first:n], h, 0, true)
		}
		return h
	}
	s.n = n
	return mix(h, 1<<63) // the separators at the end do not count
}

// lex returns the kind and the end of the token at i, where a byte with a class or a
// path begins. The end is i when the byte is a separator. n is how many tokens come
// before.
func (s *scanner) lex(t []byte, i, n int, json bool) (k uint8, end int) {
	class := s.class
	b := t[i]
	f := class[b]
	start := i
	for i++; i < len(t); i++ {
		c := class[t[i]]
		if c == 0 {
			break
		}
		f |= c
	}
	switch {
	case f&^letter == 0 && b != '/' && (i == len(t) || t[i] != ':') && i-start <= maxWord && (f == lower || i-start != 3):
		// The usual word.
	case f == digit && (i == len(t) || t[i] != ':' && t[i] != '/' && (t[i] != ' ' || i-start > 2)):
		return number, i
	case b == '/':
		return path, pathEnd(s.ends, t, start)
	default:
		if k, i = classify(s.ends, t, start, i, f); i == start {
			return word, start
		}
	}
	if k <= mixed && (!json || i+1 >= len(t) || t[i] != '"' || t[i+1] != ':') { // no key
		if i-start >= 8 && hexWord(t[i-8:i]) {
			k = ident
		} else if start > 0 && opens(t[start-1]) || f&^letter != 0 || f == letter && isCamel(t[start:i]) {
			k = s.wordKind(t, start, i, n, f, json)
		}
	}
	return k, i
}

// opens reports whether a word behind b can be a value whatever it is like.
func opens(b byte) bool {
	return b == '"' || b == '=' || b == ':' || b == '[' || b == '\'' || b == '`'
}

// wordKind tells words from values. A value is a name as programs have them, or
// alone behind an equals sign, in quotes or in brackets; in JSON so is a string of
// one word, unless its key says that it tells what happened. Keys and severities
// are words.
func (s *scanner) wordKind(t []byte, from, to, n int, f uint8, json bool) uint8 {
	before, after := byte(' '), byte(' ')
	if from > 0 {
		before = t[from-1]
	}
	if to < len(t) {
		after = t[to]
	}
	alone := false
	switch before {
	case '"':
		if after != '"' {
			break
		}
		if json {
			if i := blanks(t, to+1); i < len(t) && t[i] == ':' {
				return word
			}
			if n > 0 && from >= 3 && s.tells(t, n-1, from) {
				return word
			}
		}
		alone = true
	case '\'', '`':
		alone = after == before
	case '[':
		alone = after == ']'
	case ':':
		alone = json && (after == ',' || after == '}')
	case '=':
		switch after {
		case ',', ';', ')', ']', '}', '&', '|':
			alone = true
		default:
			alone = after <= ' '
		}
	}
	w := t[from:to]
	if alone {
		if isLevel(w) {
			return word
		}
		return valueKind(f)
	}
	if f&^(letter|joiner) == 0 && (f&letter != letter || !isCamel(w)) || after == '=' {
		return word
	}
	if n := len(w); n > 5 && string(w[n-5:]) == "Error" || n > 9 && string(w[n-9:]) == "Exception" {
		return word
	}
	return valueKind(f)
}

func valueKind(f uint8) uint8 {
	if f&digit != 0 {
		return mixed
	}
	return value
}

// tells reports whether the string that begins at from has a key that tells what
// happened. The key is the token n.
func (s *scanner) tells(t []byte, n, from int) bool {
	k := s.tokens[n]
	if end := int(k.end); k.kind == word && end+1 < from && t[end] == '"' && t[end+1] == ':' {
		return tells(t[k.start:end])
	}
	return false
}

// isCamel reports whether a word has a capital behind a small letter.
func isCamel(w []byte) bool {
	for i := 1; i < len(w); i++ {
		if w[i] >= 'A' && w[i] <= 'Z' && w[i-1] >= 'a' {
			return true
		}
	}
	return false
}

// hexWord reports whether the 8 bytes are hexadecimal digits that happen to be
// letters, as one identifier in 2,500 ends.
func hexWord(w []byte) bool {
	for i := 7; i >= 0; i-- {
		if c := w[i] | 0x20; c < 'a' || c > 'f' {
			return false
		}
	}
	return true
}

const factor = 0xa0761d6478bd642f

func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^0xe7037ed1a0b428db, x^factor)
	return hi ^ lo
}

// hashWord returns the hash of a word that is not empty, which is greater than
// any kind.
func hashWord(t []byte, s, e int) uint64 {
	n := e - s
	x := uint64(n) << 57
	for ; n > 8; n -= 8 {
		x = mix(x, binary.LittleEndian.Uint64(t[s:]))
		s += 8
	}
	if s+8 <= len(t) {
		return x ^ binary.LittleEndian.Uint64(t[s:])<<(64-8*n)>>(64-8*n)
	}
	v := uint64(0)
	for i := range n {
		v |= uint64(t[s+i]) << (8 * i)
	}
	return x ^ v
}
