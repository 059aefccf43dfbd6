package awsproto

import "unicode/utf8"

// UnicodeEscape decodes the \uXXXX, or pair of them, at the start of src. A
// lone surrogate is U+FFFD. size is 0 when there is no such escape.
func UnicodeEscape(src []byte) (r rune, size int) {
	r, ok := hex4(src)
	if !ok {
		return 0, 0
	}
	if r < 0xD800 || r > 0xDFFF {
		return r, 6
	}
	if low, ok := hex4(src[6:]); ok && r < 0xDC00 && low >= 0xDC00 && low <= 0xDFFF {
		return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, 12
	}
	return utf8.RuneError, 6
}

func hex4(src []byte) (r rune, ok bool) {
	if len(src) < 6 || src[0] != '\\' || src[1] != 'u' {
		return 0, false
	}
	for _, c := range src[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
