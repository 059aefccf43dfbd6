package cluster

// classify returns the kind of the token that begins at s; e is the end of the
// run of bytes that have a class, f which classes they have. The token can end
// before e or after it. It ends at s when there is none: the byte at s separates.
func classify(t []byte, s, e int, f uint8) (kind uint8, end int) {
	if t[s] == '#' {
		return word, s
	}
	if f&(letter|digit) == 0 {
		if t[s] == '/' && e < len(t) && (t[e] == '?' || e+6 <= len(t) && string(t[e:e+6]) == " HTTP/") {
			return path, pathEnd(t, s)
		}
		return word, s
	}
	if t[s] == '/' {
		if s > 0 && (isHex(t[s-1]) || t[s-1]|0x20 >= 'g' && t[s-1]|0x20 <= 'z') {
			return word, s // it separates two tokens
		}
		return path, pathEnd(t, s)
	}
	for e > s+1 && t[e-1] == '.' {
		e--
	}
	if f&letter != 0 && e+2 < len(t) && t[e] == ':' && t[e+1] == '/' && t[e+2] == '/' && f&(slash|at) == 0 {
		return url, urlEnd(t, e+3)
	}
	if f&at != 0 {
		if k, end := atSign(t, s, e); end > 0 {
			return k, end
		}
	}
	if f&digit == 0 {
		if e-s == 3 {
			if end := wordyDate(t, s); end > 0 {
				return clock, end
			}
		}
		if e-s <= 4 && e+1 < len(t) && t[e] == ':' {
			if k, end := colons(t, s); end > 0 {
				return k, end
			}
		}
		if e-s > maxWord {
			return ident, e
		}
		return word, e
	}
	if t[s]-'0' <= 9 || t[s] == '-' || t[s] == '+' {
		return numeric(t, s, e, f)
	}
	return alphanumeric(t, s, e, f)
}

// numeric is classify for tokens that begin with a digit or a sign.
func numeric(t []byte, s, e int, f uint8) (uint8, int) {
	if f == digit { // the usual number
		if e-s <= 2 {
			if end := timeOfDay(t, s); end > 0 {
				return clock, end
			}
			if end := dayMonth(t, s); end > 0 {
				return clock, end
			}
		}
		if e-s <= 4 && e+1 < len(t) && t[e] == ':' {
			if k, end := colons(t, s); end > 0 {
				return k, end
			}
		}
		return number, e
	}
	if end := date(t, s); end > 0 {
		return clock, end
	}
	if isUUID(t[s:e]) {
		return uuid, e
	}
	i := s
	if t[i] == '-' || t[i] == '+' {
		if i++; i == e || t[i]-'0' > 9 {
			if t[s] == '-' && f&slash == 0 && i < e && t[i] != '-' {
				return alphanumeric(t, s, e, f)
			}
			return word, s
		}
	}
	at := i
	for i < e && t[i]-'0' <= 9 {
		i++
	}
	whole := i - at
	if i < e && t[i] == '.' && i+1 < e && t[i+1]-'0' <= 9 {
		for i++; i < e && t[i]-'0' <= 9; i++ {
		}
	}
	if i == e {
		return number, e
	}
	if t[i] == 'e' || t[i] == 'E' {
		if j := exponent(t[:e], i); j == e {
			return number, e
		}
	}
	if f&slash != 0 {
		return slashes(t, s, e)
	}
	if f&letter == 0 {
		if end := ipv4(t, at); end == e && at == s {
			if s > 0 && t[s-1] == '/' {
				return ident, e // the version of a program
			}
			return address, e
		}
		return ident, e
	}
	if end := durationEnd(t[:e], at); end == e {
		return duration, e
	}
	if isUnit(t[i:e]) {
		return number, i
	}
	if e-s <= 4 && whole <= 4 && e < len(t) && t[e] == ':' {
		if k, end := colons(t, s); end > 0 {
			return k, end
		}
	}
	return ident, e
}

// alphanumeric is classify for tokens with digits that begin with something else.
func alphanumeric(t []byte, s, e int, f uint8) (uint8, int) {
	if f&slash != 0 {
		return slashes(t, s, e)
	}
	if e-s <= 4 && e+1 < len(t) && t[e] == ':' {
		if k, end := colons(t, s); end > 0 {
			return k, end
		}
	}
	if e-s == 36 && isUUID(t[s:e]) {
		return uuid, e
	}
	if e-s <= 24 {
		digits := 0
		for _, b := range t[s:e] {
			if b-'0' <= 9 {
				digits++
			}
		}
		if digits <= 2 {
			return value, e
		}
	}
	return ident, e
}

// slashes is classify for tokens with digits and slashes inside: one slash
// separates two tokens, several make a path.
func slashes(t []byte, s, e int) (uint8, int) {
	n, first, letters := 0, 0, false
	for i := s; i < e; i++ {
		switch b := t[i]; {
		case b == '/':
			if n++; n == 1 {
				first = i
			}
		case b-'0' > 9:
			letters = true
		}
	}
	if n > 1 && letters {
		return path, e
	}
	if e-s > 40 {
		return ident, e
	}
	var f uint8
	for _, b := range t[s:first] {
		switch {
		case b-'0' <= 9:
			f |= digit
		case b == '.':
			f |= dot
		case b == '_':
			f |= under
		case b == '-' || b == '+' || b == '#':
			f |= joiner
		case b == '@':
			f |= at
		default:
			f |= letter
		}
	}
	if first == s {
		return word, s
	}
	return classify(t[:first], s, first, f)
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

// pathEnd returns the end of the path that begins at s, with its query string.
func pathEnd(t []byte, s int) int {
	i := s
	for ; i < len(t); i++ {
		switch t[i] {
		case '?':
			return urlEnd(t, i)
		case ',', ';', ':', '=', '&', '"', '\'', '`', '<', '>', '(', ')', '[', ']', '{', '}', '|', '\\':
		default:
			if t[i] > ' ' {
				continue
			}
		}
		break
	}
	return trimDots(t, s, i)
}

// urlEnd returns the end of a URL or query string from s on.
func urlEnd(t []byte, s int) int {
	i := s
	for ; i < len(t); i++ {
		switch t[i] {
		case '"', '\'', '`', '<', '>', ')', ']', '}', '|', '\\', ' ':
		default:
			if t[i] > ' ' {
				continue
			}
		}
		break
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
	case "B", "b", "k", "K", "M", "G", "T", "x", "kB", "KB", "MB", "GB", "TB", "kb", "mb", "gb", "KiB", "MiB", "GiB", "TiB", "Ki", "Mi", "Gi", "bytes":
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
			n, run = n+1, 0
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
	if n < 2 || n > 7 || !double && n != 7 || run == 0 && !(i-s >= 2 && t[i-2] == ':') {
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
		for i < len(t) && t[i] != '\n' {
			i++
		}
		if i+1 >= len(t) || t[i+1] != ' ' && t[i+1] != '\t' {
			return i
		}
		i++
	}
}
