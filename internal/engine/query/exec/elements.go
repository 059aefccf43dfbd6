package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendElements appends the elements of a JSON array. What is no array, or a
// damaged one, is an element itself. Texts share memory with list or are in the
// arena.
func appendElements(dst []plan.Value, list []byte, a *arena) []plan.Value {
	from := len(dst)
	rest := bytes.TrimLeft(list, " \t\r\n")
	if len(rest) == 0 || rest[0] != '[' {
		return append(dst, textValue(list, false, false, a))
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) > 0 && rest[0] == ']' {
		return dst
	}
	for {
		n := elementLen(rest)
		if n <= 0 {
			break
		}
		e := bytes.TrimRight(rest[:n], " \t\r\n")
		if len(e) > 1 && e[0] == '"' && e[len(e)-1] == '"' {
			dst = append(dst, textValue(e[1:len(e)-1], true, true, a))
		} else {
			dst = append(dst, textValue(e, false, false, a))
		}
		if n == len(rest) {
			break
		}
		if rest[n] == ']' {
			return dst
		}
		rest = bytes.TrimLeft(rest[n+1:], " \t\r\n")
	}
	return append(dst[:from], plan.Value{Kind: plan.List, Text: list})
}

// elementLen returns how many bytes come before the ',' or ']' that ends the
// first element of b; 0 when there is none, len(b) when nothing ends it.
func elementLen(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
