package shred

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// maxPrefix bounds the text that may stand before a JSON object.
const maxPrefix = 512

// key is a key of an object in a message: the bytes between its quotes.
type key struct {
	from, to uint32
	parent   int32 // the key whose value the object is; -1: the outermost object
	id       int32 // of its path, see JSON.resolve
}

// hole is a value in a message.
type hole struct {
	from, to uint32
	key      int32 // -1: the text before the object
	kind     PathKind
	depth    uint8 // objects that it is in
}

// scanner finds the keys and values of one message.
type scanner struct {
	keys  []key
	holes []hole
}

// scan takes one message apart and reports whether it is a JSON object, after
// at most maxPrefix bytes of text without '{' and before white space only. It
// is as strict as RFC 8259, except that what is in strings between backslashes
// is not looked at.
func (s *scanner) scan(m []byte) bool {
	s.keys, s.holes = s.keys[:0], s.holes[:0]
	i := skipSpace(m, 0)
	if i == len(m) {
		return false
	}
	if m[i] != '{' {
		if i = prefixEnd(m); i < 0 {
			return false
		}
		s.holes = append(s.holes, hole{to: uint32(i), key: -1, kind: Token})
	}
	var outer [MaxDepth]int32
	depth, parent := 0, int32(-1)

object: // m[i] is '{'
	if depth == MaxDepth {
		return false
	}
	outer[depth] = parent
	depth++
	if len(s.keys) > 0 {
		parent = int32(len(s.keys) - 1)
	}
	i = skipSpace(m, i+1)
	if i < len(m) && m[i] == '}' {
		goto close
	}

member:
	{
		if i >= len(m) || m[i] != '"' {
			return false
		}
		end := stringEnd(m, i+1)
		if end < 0 {
			return false
		}
		s.keys = append(s.keys, key{from: uint32(i + 1), to: uint32(end), parent: parent})
		i = skipSpace(m, end+1)
		if i >= len(m) || m[i] != ':' {
			return false
		}
		i = skipSpace(m, i+1)
		if i >= len(m) {
			return false
		}
		if m[i] == '{' {
			goto object
		}
		h := hole{from: uint32(i), key: int32(len(s.keys) - 1), depth: uint8(depth)}
		switch m[i] {
		case '"':
			h.kind, h.from = String, uint32(i+1)
			end = stringEnd(m, i+1)
			i = end + 1
		case '[':
			h.kind = Array
			end = arrayEnd(m, i, depth)
			i = end
		default:
			h.kind = Number
			end = scalarEnd(m, i)
			i = end
		}
		if end < 0 || len(s.holes) == MaxHoles {
			return false
		}
		h.to = uint32(end)
		s.holes = append(s.holes, h)
	}

next: // after a value
	i = skipSpace(m, i)
	if i >= len(m) {
		return false
	}
	if m[i] == ',' {
		i = skipSpace(m, i+1)
		goto member
	}
	if m[i] != '}' {
		return false
	}

close: // m[i] is '}'
	i++
	depth--
	parent = outer[depth]
	if depth > 0 {
		goto next
	}
	return skipSpace(m, i) == len(m)
}

// prefixEnd returns where the object begins in a message that begins with
// other text; -1: nowhere near.
func prefixEnd(m []byte) int {
	return bytes.IndexByte(m[:min(len(m), maxPrefix+1)], '{')
}

func skipSpace(m []byte, i int) int {
	for i < len(m) && (m[i] == ' ' || m[i] == '\t' || m[i] == '\n' || m[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns where the quote is that ends the string whose content
// begins at i; -1: nowhere.
func stringEnd(m []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for {
		for {
			if i+8 > len(m) {
				for i < len(m) && m[i] != '"' && m[i] != '\\' {
					i++
				}
				if i >= len(m) {
					return -1
				}
				break
			}
			w := binary.LittleEndian.Uint64(m[i:])
			q, b := w^ones*'"', w^ones*'\\'
			if hit := ((q-ones)&^q | (b-ones)&^b) & highs; hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		if m[i] == '"' {
			return i
		}
		i += 2
	}
}

// scalarEnd returns the end of the number, true, false or null at i; -1: there
// is none.
func scalarEnd(m []byte, i int) int {
	if i >= len(m) {
		return -1
	}
	switch m[i] {
	case 't':
		return wordEnd(m, i, "true")
	case 'f':
		return wordEnd(m, i, "false")
	case 'n':
		return wordEnd(m, i, "null")
	case '-':
		i++
	}
	from := i
	for i < len(m) && m[i]-'0' <= 9 {
		i++
	}
	if i == from || m[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(m) && m[i] == '.' {
		i++
		from = i
		for i < len(m) && m[i]-'0' <= 9 {
			i++
		}
		if i == from {
			return -1
		}
	}
	if i < len(m) && m[i]|0x20 == 'e' {
		i++
		if i < len(m) && (m[i] == '+' || m[i] == '-') {
			i++
		}
		from = i
		for i < len(m) && m[i]-'0' <= 9 {
			i++
		}
		if i == from {
			return -1
		}
	}
	return i
}

func wordEnd(m []byte, i int, word string) int {
	if len(m)-i < len(word) || string(m[i:i+len(word)]) != word {
		return -1
	}
	return i + len(word)
}

// arrayEnd returns the end of the array that begins at i within depth objects;
// -1: it is not an array, or nested too deeply.
func arrayEnd(m []byte, i, depth int) int {
	var objects uint64 // bit d: the value open at depth d is an object
	base := depth
	for {
		// A value begins at i.
		if i >= len(m) {
			return -1
		}
		switch m[i] {
		case '"':
			if i = stringEnd(m, i+1); i < 0 {
				return -1
			}
			i++
		case '[':
			if depth == MaxDepth {
				return -1
			}
			objects &^= 1 << depth
			depth++
			i = skipSpace(m, i+1)
			if i >= len(m) || m[i] != ']' {
				continue
			}
		case '{':
			if depth == MaxDepth {
				return -1
			}
			objects |= 1 << depth
			depth++
			i = skipSpace(m, i+1)
			if i >= len(m) || m[i] != '}' {
				if i = memberValue(m, i); i < 0 {
					return -1
				}
				continue
			}
		default:
			if i = scalarEnd(m, i); i < 0 {
				return -1
			}
		}
		// After a value: close what ends, then to the next value.
		for {
			i = skipSpace(m, i)
			if i >= len(m) {
				return -1
			}
			object := objects>>(depth-1)&1 == 1
			if m[i] == ',' {
				i = skipSpace(m, i+1)
				if object {
					if i = memberValue(m, i); i < 0 {
						return -1
					}
				}
				break
			}
			if object != (m[i] == '}') || !object && m[i] != ']' {
				return -1
			}
			i++
			depth--
			if depth == base {
				return i
			}
		}
	}
}

// memberValue returns where the value of the member at i begins; -1: there is
// no member.
func memberValue(m []byte, i int) int {
	if i >= len(m) || m[i] != '"' {
		return -1
	}
	end := stringEnd(m, i+1)
	if end < 0 {
		return -1
	}
	i = skipSpace(m, end+1)
	if i >= len(m) || m[i] != ':' {
		return -1
	}
	return skipSpace(m, i+1)
}
