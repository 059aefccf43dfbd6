package jsontext

import "bytes"

// Space returns the first position from i on that is no white space.
func Space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// Value returns where the value that begins at i ends; false when there is none.
func Value(b []byte, i int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	if b[i] != '{' && b[i] != '[' {
		return scalar(b, i)
	}
	var open [MaxDepth / 64]uint64 // by depth: whether it is an array
	depth := 0
	for {
		// A container opens at i.
		if depth == MaxDepth {
			return i, false
		}
		array := b[i] == '['
		if array {
			open[depth>>6] |= 1 << (depth & 63)
		} else {
			open[depth>>6] &^= 1 << (depth & 63)
		}
		depth++
		i = Space(b, i+1)
		empty := i < len(b) && b[i] == closer(array)
		for first := true; ; first = false {
			// A value or the end of the innermost container is at i.
			if !first || empty {
				if i >= len(b) {
					return i, false
				}
				switch {
				case b[i] == closer(array):
					i++
					if depth--; depth == 0 {
						return i, true
					}
					array = open[(depth-1)>>6]>>((depth-1)&63)&1 != 0
					i = Space(b, i)
					continue
				case b[i] == ',':
					i = Space(b, i+1)
				default:
					return i, false
				}
			}
			if !array {
				if i = key(b, i); i < 0 {
					return 0, false
				}
			}
			if i >= len(b) {
				return i, false
			}
			if b[i] == '{' || b[i] == '[' {
				break
			}
			if i, ok = scalar(b, i); !ok {
				return i, false
			}
			i = Space(b, i)
		}
	}
}

func closer(array bool) byte {
	if array {
		return ']'
	}
	return '}'
}

// key returns where the value begins whose key begins at i; negative when there is none.
func key(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	i, ok := String(b, i)
	if !ok {
		return -1
	}
	if i = Space(b, i); i >= len(b) || b[i] != ':' {
		return -1
	}
	return Space(b, i+1)
}

// short is how far the end of a string is looked for byte by byte.
const short = 24

// String returns where the string ends whose opening quote is at i.
func String(b []byte, i int) (end int, ok bool) {
	i++
	for stop := min(len(b), i+short); i < stop; i++ {
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			i++
		}
	}
	for from := i; i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			break
		}
		i += n
		back := i
		for back > from && b[back-1] == '\\' {
			back--
		}
		if (i-back)&1 == 0 {
			return i + 1, true
		}
	}
	return len(b), false
}

func scalar(b []byte, i int) (end int, ok bool) {
	switch c := b[i]; {
	case c == '"':
		return String(b, i)
	case c == 't':
		return word(b, i, "true")
	case c == 'f':
		return word(b, i, "false")
	case c == 'n':
		return word(b, i, "null")
	case c == '-' || c-'0' <= 9:
		return number(b, i)
	}
	return i, false
}

func word(b []byte, i int, w string) (end int, ok bool) {
	if len(b)-i < len(w) || string(b[i:i+len(w)]) != w {
		return i, false
	}
	return i + len(w), true
}

func number(b []byte, i int) (end int, ok bool) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i, ok = digits(b, i); !ok {
			return i, false
		}
	}
	return i, true
}

func digits(b []byte, i int) (end int, ok bool) {
	from := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i, i > from
}

// Valid reports whether b is one value with nothing but white space around it.
func Valid(b []byte) bool { return Trim(b) != nil }

// Trim returns the value that b is without white space around it; nil when it is none.
func Trim(b []byte) []byte {
	from := Space(b, 0)
	end, ok := Value(b, from)
	if !ok || Space(b, end) != len(b) {
		return nil
	}
	return b[from:end:end]
}

// Compact appends a valid value without white space between its parts.
func Compact(dst, b []byte) []byte {
	from := 0
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			i, _ = String(b, i)
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			dst = append(dst, b[from:i]...)
			i = Space(b, i)
			from = i
		default:
			i++
		}
	}
	return append(dst, b[from:]...)
}
