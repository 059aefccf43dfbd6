package function

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func isSpace(r rune) bool { return unicode.IsSpace(r) }

// containsFold reports whether t contains sub, whatever the case of letters. The
// arena is only scratch space.
func containsFold(t, sub []byte, a *plan.Arena) bool {
	from := len(a.Bytes)
	a.Bytes = appendFolded(a.Bytes, t)
	middle := len(a.Bytes)
	a.Bytes = appendFolded(a.Bytes, sub)
	found := bytes.Contains(a.Bytes[from:middle], a.Bytes[middle:])
	a.Bytes = a.Bytes[:from]
	return found
}

// appendFolded appends a text with one letter for all that differ in case only.
func appendFolded(dst, t []byte) []byte {
	for i := 0; i < len(t); {
		c := t[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(t[i:])
		if r == utf8.RuneError {
			dst = append(dst, t[i:i+n]...)
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(unicode.ToUpper(r)))
		}
		i += n
	}
	return dst
}
