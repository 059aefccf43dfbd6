package cluster

import "bytes"

// isPath reports whether the slash at i begins a path.
func isPath(class *classes, t []byte, i int) bool {
	if i+1 >= len(t) || i > 0 && (class[t[i-1]] != 0 || t[i-1] == '/') {
		return false
	}
	switch b := t[i+1]; b {
	case '?', '.', '_':
		return true
	case ' ':
		return i+6 < len(t) && string(t[i+2:i+7]) == "HTTP/"
	default:
		return class[b]&(letter|digit) != 0
	}
}

// classify returns the kind of the token that begins at s; e is the end of the
// run of bytes that have a class, f which classes they have. The token can end
// before e or after it. It ends at s when there is none: the byte at s separates.
func classify(x *ends, t []byte, s, e int, f uint8) (kind uint8, end int) {
	b := t[s]
	if f&(letter|digit) == 0 || b == '#' {
		return word, s
	}
	if f&at != 0 {
		if k, end := atSign(t, s, e); end > 0 {
			return k, end
		}
	}
	if f&dot != 0 {
		for e > s+1 && t[e-1] == '.' {
			e--
		}
	}
	switch {
	case b-'0' <= 9:
		k, end := numeric(t, s, e, f)
		return k, blobEnd(t, s, end, k)
	case (b == '-' || b == '+') && s+1 < e && t[s+1]-'0' <= 9:
		if i := decimal(t[:e], s+1); i == e || isUnit(t[i:e]) {
			return number, i
		}
		return ident, e
	case b == '+':
		return word, s
	}
	if e+2 < len(t) && t[e] == ':' {
		if t[e+1] == '/' && t[e+2] == '/' {
			return url, urlEnd(x, t, e+3)
		}
		if e-s <= 4 {
			if k, end := colons(t, s); end > 0 {
				return k, end
			}
		}
	}
	if f&digit == 0 {
		if e-s == 3 && f&^letter == 0 {
			if end := wordyDate(t, s); end > 0 {
				return clock, end
			}
		}
		if e-s > maxWord {
			return ident, e
		}
		return word, e
	}
	if e-s <= 24 {
		digits := 0
		for _, b := range t[s:e] {
			if b-'0' <= 9 {
				digits++
			}
		}
		if digits <= 2 {
			return mixed, e
		}
	}
	if isUUID(t[s:e]) {
		return uuid, e
	}
	return ident, blobEnd(t, s, e, ident)
}

// blobEnd returns the end of an identifier that ends at e, or further when it is
// a blob in base64.
func blobEnd(t []byte, s, e int, kind uint8) int {
	if kind != ident || e-s < 16 || e >= len(t) || t[e] != '/' {
		return e
	}
	for e < len(t) && (t[e] == '/' || t[e] == '+' || t[e] == '=' || t[e]-'0' <= 9 || t[e]|0x20 >= 'a' && t[e]|0x20 <= 'z') {
		e++
	}
	return e
}

// numeric is classify for tokens that begin with a digit.
func numeric(t []byte, s, e int, f uint8) (uint8, int) {
	n := e - s
	if f == digit { // the usual number
		if e+1 >= len(t) {
			return number, e
		}
		switch t[e] {
		case ':':
			if n <= 2 {
				if end := timeOfDay(t, s); end > 0 {
					return clock, end
				}
			}
			if n <= 4 {
				if k, end := colons(t, s); end > 0 {
					return k, end
				}
			}
		case ' ':
			if n <= 2 && t[e+1] >= 'A' && t[e+1] <= 'Z' {
				if end := dayMonth(t, s); end > 0 {
					return clock, end
				}
			}
		case '/':
			if n == 2 || n == 4 {
				if end := date(t, s); end > 0 {
					return clock, end
				}
			}
		}
		return number, e
	}
	if n >= 10 {
		if end := date(t, s); end > 0 {
			return clock, end
		}
		if isUUID(t[s:e]) {
			return uuid, e
		}
	}
	i := decimal(t[:e], s)
	if i == e {
		return number, e
	}
	if f&^(digit|dot) == 0 {
		if ipv4(t, s) != e || s > 0 && t[s-1] == '/' { // behind a slash it is a version
			return ident, e
		}
		return address, e
	}
	if f&letter == 0 {
		return ident, e
	}
	if e-i <= 8 {
		if durationEnd(t[:e], s) == e {
			return duration, e
		}
		if isUnit(t[i:e]) {
			return number, i
		}
	} else if n <= 24 && durationEnd(t[:e], s) == e {
		return duration, e
	}
	if n <= 4 && e < len(t) && t[e] == ':' {
		if k, end := colons(t, s); end > 0 {
			return k, end
		}
	}
	return ident, e
}

// decimal returns the end of the decimal number that begins at s with a digit.
func decimal(t []byte, s int) int {
	i := s
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	if i+1 < len(t) && t[i] == '.' && t[i+1]-'0' <= 9 {
		for i++; i < len(t) && t[i]-'0' <= 9; i++ {
		}
	}
	if i < len(t) && t[i]|0x20 == 'e' {
		return max(i, exponent(t, i))
	}
	return i
}

// atSign is classify for tokens with an @.
func atSign(t []byte, s, e int) (uint8, int) {
	i := s
	for i < e && t[i] != '@' {
		i++
	}
	if i == s || i+1 >= e {
		return 0, 0
	}
	for j := i + 1; j < e; j++ {
		switch t[j] {
		case '@', '/':
			return ident, e
		case '.':
			if j > i+1 && j+1 < e {
				return email, e
			}
		}
	}
	return ident, e
}

// ends says of every byte what it ends.
type ends [256]uint8

const (
	endsPath uint8 = 1 << iota
	endsURL
	query // the rest is a query string
)

func newEnds() *ends {
	e := new(ends)
	for b := range ' ' + 1 {
		e[b] = endsPath | endsURL
	}
	for _, b := range []byte("\"'`<>)]}|\\") {
		e[b] = endsPath | endsURL
	}
	for _, b := range []byte(",;:=&([{") {
		e[b] = endsPath
	}
	e['?'] = query
	return e
}

// pathEnd returns the end of the path that begins at s, with its query string.
func pathEnd(e *ends, t []byte, s int) int {
	i := s
	for i < len(t) && e[t[i]]&(endsPath|query) == 0 {
		i++
	}
	if i < len(t) && t[i] == '?' {
		return urlEnd(e, t, i)
	}
	return trimDots(t, s, i)
}

// urlEnd returns the end of a URL or query string from s on.
func urlEnd(e *ends, t []byte, s int) int {
	i := s
	for i < len(t) && e[t[i]]&endsURL == 0 {
		i++
	}
	return trimDots(t, s, i)
}

func trimDots(t []byte, s, e int) int {
	for e > s+1 && (t[e-1] == '.' || t[e-1] == ',' || t[e-1] == ';') {
		e--
	}
	return e
}

// isUnit reports whether w, after a number, is the unit of a size.
func isUnit(w []byte) bool {
	switch string(w) {
	case "B", "k", "K", "M", "G", "T", "x", "kB", "KB", "MB", "GB", "TB", "kb", "mb", "gb", "KiB", "MiB", "GiB", "TiB", "Ki", "Mi", "Gi", "bytes":
		return true
	}
	return false
}

// durationEnd returns the end of a duration such as 5ms or 1h2m3.5s.
func durationEnd(t []byte, s int) int {
	i, ok := s, false
	for i < len(t) {
		from := i
		for i < len(t) && (t[i]-'0' <= 9 || t[i] == '.') {
			i++
		}
		if i == from {
			return 0
		}
		rest := t[i:]
		switch {
		case len(rest) >= 3 && (rest[0] == 0xc2 && rest[1] == 0xb5 || rest[0] == 0xce && rest[1] == 0xbc) && rest[2] == 's':
			i += 3
		case len(rest) >= 2 && rest[1] == 's' && (rest[0] == 'm' || rest[0] == 'u' || rest[0] == 'n'):
			i += 2
		case len(rest) >= 3 && (string(rest[:3]) == "sec" || string(rest[:3]) == "min"):
			i += 3
		case len(rest) >= 1 && (rest[0] == 's' || rest[0] == 'm' || rest[0] == 'h' || rest[0] == 'd'):
			i++
		default:
			return 0
		}
		ok = true
	}
	if !ok {
		return 0
	}
	return i
}

// exponent returns the end of the exponent at i.
func exponent(t []byte, i int) int {
	i++
	if i < len(t) && (t[i] == '+' || t[i] == '-') {
		i++
	}
	from := i
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	if i == from {
		return 0
	}
	return i
}

// isUUID reports whether w is written like a UUID.
func isUUID(w []byte) bool {
	if len(w) != 36 || w[8] != '-' || w[13] != '-' || w[18] != '-' || w[23] != '-' {
		return false
	}
	for i, b := range w {
		if !isHex(b) && i != 8 && i != 13 && i != 18 && i != 23 {
			return false
		}
	}
	return true
}

func isHex(b byte) bool { return b-'0' <= 9 || b|0x20 >= 'a' && b|0x20 <= 'f' }

// ipv4 returns the end of the address at s, 0 when there is none.
func ipv4(t []byte, s int) int {
	i := s
	for part := range 4 {
		if part > 0 {
			if i >= len(t) || t[i] != '.' {
				return 0
			}
			i++
		}
		from, v := i, 0
		for i < len(t) && t[i]-'0' <= 9 && i-from < 3 {
			v = v*10 + int(t[i]-'0')
			i++
		}
		if i == from || v > 255 {
			return 0
		}
	}
	return i
}

// colons finds an IPv6 address, or a MAC address, that begins at s.
func colons(t []byte, s int) (uint8, int) {
	i, n, run, pairs, double := s, 0, 0, true, false
	for ; i < len(t); i++ {
		switch b := t[i]; {
		case b == ':':
			if run != 2 {
				pairs = false
			}
			if i > s && t[i-1] == ':' {
				if double {
					return 0, 0
				}
				double = true
			}
			if n, run = n+1, 0; n > 7 {
				return 0, 0
			}
			continue
		case isHex(b):
			if run++; run > 4 {
				return 0, 0
			}
			continue
		case b|0x20 >= 'g' && b|0x20 <= 'z' || b == '_':
			return 0, 0
		}
		break
	}
	if n == 5 && pairs && run == 2 {
		return ident, i
	}
	if n < 2 || !double && n != 7 || run == 0 && !(i-s >= 2 && t[i-2] == ':') {
		return 0, 0
	}
	return address, i
}

// isFrame reports whether an indented line whose text is at i is one of a stack
// trace of Java, JavaScript or Python.
func isFrame(t []byte, i int) bool {
	if t[i-1] == '\n' || i+6 > len(t) {
		return false
	}
	return string(t[i:i+3]) == "at " || string(t[i:i+4]) == "... " || string(t[i:i+6]) == `File "`
}

// frames returns the end of the indented lines from i on.
func frames(t []byte, i int) int {
	for {
		if n := bytes.IndexByte(t[i:], '\n'); n >= 0 {
			i += n
		} else {
			i = len(t)
		}
		if i+1 >= len(t) || t[i+1] != ' ' && t[i+1] != '\t' {
			return i
		}
		i++
	}
}
