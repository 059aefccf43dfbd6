package shred

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// appendKey appends one key, already unescaped, to a path: '.' and '\' within
// the key are escaped with a backslash.
func appendKey(path []byte, key []byte, first bool) []byte {
	if !first {
		path = append(path, '.')
	}
	for _, b := range key {
		if b == '.' || b == '\\' {
			path = append(path, '\\')
		}
		path = append(path, b)
	}
	return path
}

// JoinPath returns the path of a value from its keys, outermost first: they
// are joined by '.', and '.' and '\' within a key get a backslash before them.
func JoinPath(keys ...string) string {
	var path []byte
	for i, key := range keys {
		path = appendKey(path, []byte(key), i == 0)
	}
	return string(path)
}

// unescape returns the content of a JSON string that was written as raw: raw
// itself when it has no escapes. An escape that JSON does not know stays as it
// is; half a surrogate pair is U+FFFD.
func unescape(raw []byte) []byte {
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	out := append(make([]byte, 0, len(raw)), raw[:i]...)
	for i < len(raw) {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			i++
			continue
		}
		switch c := raw[i+1]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, ok := hexRune(raw[i+2:])
			if !ok {
				out = append(out, '\\', 'u')
				break
			}
			i += 4
			if utf16.IsSurrogate(r) {
				low, ok := rune(0), false
				if rest := raw[i+2:]; len(rest) > 2 && rest[0] == '\\' && rest[1] == 'u' {
					low, ok = hexRune(rest[2:])
				}
				if r = utf16.DecodeRune(r, low); ok && r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, '\\', c)
		}
		i += 2
	}
	return out
}

func hexRune(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20-'a' <= 5:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
