package shred

import "bytes"

// Lookup finds fields in messages that are not taken apart. The zero Lookup is
// ready; it is used by one goroutine at a time and keeps its memory.
//
// A message has fields when it is a JSON object: an object after at most 512
// bytes of other text without '{' (as Lambda writes it) and before nothing but
// white space, of at most MaxDepth objects and arrays in one another and
// MaxHoles values. Where a key is repeated, the last value of the path counts,
// whatever came before it. A path that leads to an object has no value; an
// array is one value. Strings are not checked between backslashes.
type Lookup struct {
	scanner
	path string
	want [][]byte // the keys of path, outermost first; none: it is the path of nothing
}

// Value returns the value of a path (see JoinPath) in a message, whose memory
// it shares: of a string, the bytes between the quotes.
func (l *Lookup) Value(message []byte, path string) (text []byte, kind PathKind, ok bool) {
	if !l.scan(message) {
		return nil, 0, false
	}
	if l.want == nil || path != l.path {
		l.path, l.want = path, splitPath(path)
	}
	if len(l.want) == 0 {
		return nil, 0, false
	}
	for i := len(l.holes) - 1; i >= 0; i-- {
		if h := &l.holes[i]; h.key >= 0 && l.leads(message, h.key) {
			return message[h.from:h.to:h.to], h.kind, true
		}
	}
	return nil, 0, false
}

// leads reports whether the path leads to the value of key k.
func (l *Lookup) leads(m []byte, k int32) bool {
	for i := len(l.want) - 1; i >= 0; i-- {
		if k < 0 {
			return false
		}
		have := &l.keys[k]
		if !means(m[have.from:have.to], l.want[i]) {
			return false
		}
		k = have.parent
	}
	return k < 0
}

// means reports whether a key that is written as raw is want.
func means(raw, want []byte) bool {
	// An escape takes at most six bytes for one: what is longer is not worth a look.
	if len(raw) < len(want) || len(raw) > 6*len(want) {
		return false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return bytes.Equal(raw, want)
	}
	return bytes.Equal(unescape(raw), want)
}

// splitPath returns the keys of a path, outermost first; none (but not nil) when
// no keys have this path. See JoinPath.
func splitPath(path string) [][]byte {
	keys := [][]byte{nil}
	last := &keys[0]
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '.':
			keys = append(keys, nil)
			last = &keys[len(keys)-1]
			continue
		case path[i] == '\\' && i+1 < len(path):
			i++
		}
		*last = append(*last, path[i])
	}
	var again []byte
	for i, key := range keys {
		again = appendKey(again, key, i == 0)
	}
	if string(again) != path {
		return [][]byte{}
	}
	return keys
}
