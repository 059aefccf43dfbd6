package cluster

import "bytes"

// A shape is the text of messages whose words are not told apart: separators and
// what is always kept, with one byte, a mark, for each token. These bytes do not
// occur otherwise, since all control characters count as blanks.
const (
	markKind  = 0x0e // + kind
	markWord  = markKind + word
	markValue = markKind + value
	markMixed = markKind + mixed
	markRest  = 0x1f // the rest of the message, last

	rest = "\x1f"
)

func isMark(b byte) bool { return b >= markWord && b <= markRest }

// shaper makes the shapes and words of texts.
type shaper struct {
	shape  []byte
	words  []byte // each ends with 0
	values []int  // tokens that are values
	marks  []int  // tokens that have a mark and are no words
	sep    []byte
}

// make sets shape, words and values from what a scanner found in t.
func (p *shaper) make(s *scanner, t []byte) {
	p.shape, p.words, p.values, p.marks = p.shape[:0], p.words[:0], p.values[:0], p.marks[:0]
	json := jsonStrings{t: t, on: len(t) > 0 && t[0] == '{'}
	at := 0
	var list struct { // the elements just before, of the same kind
		kind uint8
		n    int
		sep  string
	}
	for i := range s.n {
		k := s.tokens[i]
		start, end := int(k.start), int(k.end)
		json.walk(at, start)
		p.sep = appendSeparators(p.sep[:0], t[at:start])
		at = end
		if k.kind == word {
			list.n = 0
			p.shape = append(p.shape, p.sep...)
			if kept(t, start, end, &json) {
				p.shape = append(p.shape, t[start:end]...)
				continue
			}
			p.shape = append(p.shape, markWord)
			p.words = append(append(p.words, t[start:end]...), 0)
			continue
		}
		// The third and later elements of a list are left out.
		switch same := list.n > 0 && list.kind == k.kind && bytes.IndexByte(p.sep, ',') >= 0; {
		case same && list.n > 1 && list.sep == string(p.sep):
			continue
		case same && list.n == 1:
			list.n, list.sep = 2, string(p.sep)
		default:
			list.kind, list.n = k.kind, 1
		}
		p.shape = append(append(p.shape, p.sep...), markKind+k.kind)
		p.marks = append(p.marks, i)
		if k.kind == value || k.kind == mixed {
			p.values = append(p.values, i)
		}
	}
	if s.end == len(t) {
		p.shape = appendSeparators(p.shape, t[at:])
	}
	n := len(p.shape)
	for n > 0 && p.shape[n-1] <= ' ' && !isMark(p.shape[n-1]) {
		n--
	}
	p.shape = p.shape[:n]
}

// appendSeparators appends separators as scan sees them: runs of blanks are one.
func appendSeparators(dst, t []byte) []byte {
	for i := 0; i < len(t); {
		if t[i] > ' ' {
			dst = append(dst, t[i])
			i++
			continue
		}
		blank := byte(' ')
		for i < len(t) && t[i] <= ' ' {
			if t[i] == '\n' {
				blank = '\n'
			}
			i++
		}
		if blank == ' ' && (len(dst) > 0 && dst[len(dst)-1] == '[' || i < len(t) && t[i] == ']') {
			continue // what is padded in brackets
		}
		dst = append(dst, blank)
	}
	return dst
}

// kept reports whether a word is part of the shape: a severity, a JSON key, or
// the unit of a number.
func kept(t []byte, s, e int, json *jsonStrings) bool {
	return isLevel(t[s:e]) || s < json.keyEnd || s > 0 && t[s-1]-'0' <= 9 && isUnit(t[s:e])
}

// isLevel reports whether a word is the severity of a message.
func isLevel(w []byte) bool {
	if len(w) < 3 || len(w) > 11 {
		return false
	}
	var b [11]byte
	for i, c := range w {
		b[i] = c | 0x20
	}
	switch string(b[:len(w)]) {
	case "trace", "debug", "info", "information", "notice", "warn", "warning", "error", "err", "severe", "fatal", "crit", "critical", "alert", "emerg", "panic":
		return true
	}
	return false
}

// tells reports whether the value of a JSON key says what happened.
func tells(key []byte) bool {
	if len(key) > 12 {
		return false
	}
	var b [12]byte
	for i, c := range key {
		b[i] = c | 0x20
	}
	switch string(b[:len(key)]) {
	case "msg", "message", "event", "eventname", "eventtype", "event\x7fname", "event\x7ftype", "log", "error", "err", "exception", "reason", "description", "detail", "details", "title", "text", "body", "cause", "action", "operation", "type":
		return true
	}
	return false
}

// jsonStrings follows the strings of a JSON object.
type jsonStrings struct {
	t        []byte
	on       bool
	from, to int // the quotes of the string that the walk is in or was in last
	keyEnd   int // the end of the key that the walk is in or was in last
	before   byte
}

// walk goes on from at to next, where a token begins.
func (j *jsonStrings) walk(at, next int) {
	if !j.on {
		return
	}
	for i := max(at, j.to); i < next; i++ {
		b := j.t[i]
		if b <= ' ' || i == j.to && i > 0 {
			continue
		}
		if b != '"' {
			j.before = b
			continue
		}
		end := i + 1
		for end < len(j.t) && j.t[end] != '"' {
			if j.t[end] == '\\' {
				end++
			}
			end++
		}
		j.from, j.to = i, min(end, len(j.t))
		after := blanks(j.t, j.to+1)
		if (j.before == '{' || j.before == ',') && after < len(j.t) && j.t[after] == ':' {
			j.keyEnd = j.to
		}
		j.before = '"'
		i = j.to
	}
}

// coarser are the limits of shapes at each level of coarseness but 0, which has
// none: marks, and bytes between two of them.
var coarser = [...]struct{ marks, between int }{{24, 200}, {6, 48}, {1, 16}, {0, -1}}

// coarse cuts a shape for a level. What is coarse for a level is so for all
// before.
func coarse(shape string, level int) string {
	if level == 0 {
		return shape
	}
	limit := coarser[level-1]
	marks, end := 0, 0
	for i := range len(shape) {
		b := shape[i]
		switch {
		case !isMark(b):
			if i-end >= limit.between {
				return shape[:end] + rest
			}
		case b == markRest || marks == limit.marks:
			return shape[:end] + rest
		default:
			marks++
			end = i + 1
		}
	}
	if level == len(coarser) {
		return rest
	}
	return shape
}

// firstWords returns the first n of words that end with 0.
func firstWords(words []byte, n int) []byte {
	for i, b := range words {
		if n == 0 {
			return words[:i]
		}
		if b == 0 {
			n--
		}
	}
	return words
}
