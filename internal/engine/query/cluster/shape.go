package cluster

import "strings"

// A shape is the text of messages whose words are not told apart: separators and
// what is always kept, with one byte, a mark, for each token. These bytes do not
// occur otherwise, since all control characters count as blanks.
const (
	markWord  = 0x0e // a word of a sentence
	markValue = 0x0f // a word that is a value, or part of an identifier
	markKind  = 0x10 // + kind
	markRest  = 0x1f // the rest of the message, last
)

func isMark(b byte) bool { return b >= markWord && b <= markRest }

// shaper makes the shapes and words of texts.
type shaper struct {
	shape []byte
	words []byte // each ends with 0
	key   []byte // of the JSON value
	sep   []byte
}

// make sets shape and words from what a scanner found in t.
func (p *shaper) make(s *scanner, t []byte) {
	p.shape, p.words, p.key = p.shape[:0], p.words[:0], p.key[:0]
	json := jsonStrings{t: t, on: len(t) > 0 && t[0] == '{'}
	at := 0
	var last [2]struct {
		mark byte
		sep  string
	}
	for i := range s.n {
		k := s.tokens[i]
		start, end := int(k.start), int(k.end)
		json.walk(at, start, &p.key)
		p.sep = appendSeparators(p.sep[:0], t[at:start])
		at = end
		mark := markKind + k.kind
		if k.kind <= mixed {
			mark = p.wordMark(t, start, end, k.kind, &json)
		}
		if mark == 0 {
			p.shape = append(append(p.shape, p.sep...), t[start:end]...)
			last[1].mark = 0
			continue
		}
		// The third and later elements of a list are left out.
		if mark != markWord && last[0].mark == mark && last[1].mark == mark && last[1].sep == string(p.sep) && strings.IndexByte(last[1].sep, ',') >= 0 {
			continue
		}
		last[0] = last[1]
		last[1].mark = mark
		if mark != markWord {
			last[1].sep = string(p.sep)
		}
		p.shape = append(append(p.shape, p.sep...), mark)
		if mark < markKind {
			p.words = append(append(p.words, t[start:end]...), 0)
		}
	}
	if s.end == len(t) {
		p.shape = appendSeparators(p.shape, t[at:])
	}
	for len(p.shape) > 0 && p.shape[len(p.shape)-1] <= ' ' && !isMark(p.shape[len(p.shape)-1]) {
		p.shape = p.shape[:len(p.shape)-1]
	}
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

// wordMark returns the mark of a word, 0 when it is kept in the shape.
func (p *shaper) wordMark(t []byte, s, e int, kind uint8, json *jsonStrings) byte {
	w := t[s:e]
	if isLevel(w) || s < json.keyEnd || s > 0 && isUnit(w) && t[s-1]-'0' <= 9 {
		return 0
	}
	if json.on {
		if s == json.from+1 && e == json.to && tells(p.key) || strings.HasSuffix(string(w), "Exception") {
			return markWord
		}
		if s > json.to || s == json.from+1 && e == json.to {
			return markValue
		}
	}
	if kind == mixed || isIdentifier(w) {
		return markValue
	}
	if s > 0 {
		before, after := t[s-1], byte(' ')
		if e < len(t) {
			after = t[e]
		}
		ends := after <= ' ' || after == ',' || after == ';' || after == ')' || after == ']' || after == '}' || after == '&' || after == '|'
		if before == '=' && ends || (before == '"' || before == '\'' || before == '`') && after == before || before == '[' && after == ']' {
			return markValue
		}
	}
	return markWord
}

// isIdentifier reports whether a word looks like a name in a program.
func isIdentifier(w []byte) bool {
	if n := len(w); n > 5 && (string(w[n-5:]) == "Error" || n > 9 && string(w[n-9:]) == "Exception") {
		return false
	}
	for i := 1; i < len(w); i++ {
		switch b := w[i]; {
		case b == '_' || b == '.' || b == '/' || b == '@':
			return true
		case b >= 'A' && b <= 'Z' && w[i-1] >= 'a' && w[i-1] <= 'z':
			return true
		}
	}
	return false
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
func (j *jsonStrings) walk(at, next int, key *[]byte) {
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
			*key = append((*key)[:0], j.t[i+1:j.to]...)
		}
		j.before = '"'
		i = j.to
	}
}

// coarser are the limits of shapes at each level of coarseness but 0, which has
// none: marks, and bytes between two of them.
var coarser = [...]struct{ marks, between int }{{24, 200}, {6, 48}, {1, 16}, {0, -1}}

// coarse cuts a shape for a level, and returns how many words remain. What is
// coarse for a level is so for all before.
func coarse(shape string, level int) (string, int) {
	words := 0
	if level == 0 {
		for i := range len(shape) {
			if shape[i] == markWord || shape[i] == markValue {
				words++
			}
		}
		return shape, words
	}
	limit := coarser[level-1]
	marks, end := 0, 0
	for i := range len(shape) {
		b := shape[i]
		if !isMark(b) {
			if i-end >= limit.between {
				return shape[:end] + string(rune(markRest)), words
			}
			continue
		}
		if b == markRest {
			return shape[:end] + string(rune(markRest)), words
		}
		if marks == limit.marks {
			return shape[:end] + string(rune(markRest)), words
		}
		marks++
		end = i + 1
		if b < markKind {
			words++
		}
	}
	if limit.between < 0 {
		return string(rune(markRest)), 0
	}
	return shape, words
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
