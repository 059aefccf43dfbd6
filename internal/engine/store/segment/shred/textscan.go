package shred

import "bytes"

// Limits of the scanner.
const (
	maxTextHoles = 200     // of one message; one with more is not taken apart
	maxQuoted    = 8 << 10 // bytes of a quoted run that is one hole
	maxUnpaired  = 16      // quotes and brackets of a message whose other half is looked for in vain
	maxBracketed = 256     // bytes of a bracketed run that is one hole
)

// What a byte is for the scanner.
const (
	isToken = 1 << iota // part of a token
	isDigit
	isEnd  // ends a run
	isOpen // may begin a hole at once: a quote, a bracket
)

var class = classes()

func classes() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= '0' && c <= '9':
			t[c] = isToken | isDigit
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
			t[c] = isToken
		}
	}
	for c := range 33 {
		t[c] = isEnd
	}
	for _, c := range []byte("=,;|<>(){}]") {
		t[c] = isEnd
	}
	for _, c := range []byte("[\"'") {
		t[c] = isEnd | isOpen
	}
	return t
}

// scan finds the holes of m: x.spans. It fails when there are too many.
func (x *Text) scan(m []byte) bool {
	x.spans, x.further, x.unpaired = x.spans[:0], 0, 0
	line := m
	if nl := bytes.IndexByte(m, '\n'); nl >= 0 {
		line = m[:nl]
	}
	for i := 0; i < len(line); {
		if len(x.spans) > maxTextHoles {
			return false
		}
		c := line[i]
		switch k := class[c]; {
		case k&isEnd == 0:
			i = x.run(line, i)
		case k&isOpen == 0 || x.unpaired >= maxUnpaired:
			i++
		case c == '[':
			i = x.bracketed(line, i+1)
		default:
			i = x.quoted(line, i+1, c)
		}
	}
	if len(line) == len(m) {
		return len(x.spans) <= maxTextHoles
	}
	// The second line and all after it.
	from := len(line) + 1
	if nl := bytes.IndexByte(m[from:], '\n'); nl >= 0 {
		x.hole(from, from+nl)
		x.further++
		from += nl + 1
	}
	x.hole(from, len(m))
	x.further++
	return len(x.spans) <= maxTextHoles
}

func (x *Text) hole(from, to int) { x.spans = append(x.spans, span{uint32(from), uint32(to)}) }

// run scans a run of bytes that do not end one, from i, and returns where to go on.
func (x *Text) run(m []byte, i int) int {
	start := i // of the token, then of the hole
	var seen uint8
	if m[i] == '/' && (i == 0 || m[i-1] <= ' ') {
		// A path.
		for i < len(m) && m[i] > ' ' && m[i] != '"' {
			i++
		}
		x.hole(start, i)
		return i
	}
	for ; i < len(m); i++ {
		k := class[m[i]]
		if k&(isDigit|isEnd) != 0 {
			seen = k
			break
		}
		if k&isToken == 0 {
			start = i + 1
		}
	}
	if seen&isDigit == 0 {
		return i
	}
	if i == start {
		if n := dateTime(m[start:]); n > 0 {
			x.hole(start, start+n)
			return start + n
		}
	}
	for i < len(m) && class[m[i]]&isEnd == 0 {
		i++
	}
	end := i
	for class[m[end-1]]&isToken == 0 {
		end--
	}
	x.hole(start, end)
	return i
}

// dateTime returns the length of a date, a space or T, and a time at the
// beginning of m, both of digits; 0: there is none.
func dateTime(m []byte) int {
	if len(m) < 19 || m[4] != m[7] || m[13] != ':' || m[16] != ':' || m[10] != ' ' && m[10] != 'T' || m[4] != '-' && m[4] != '/' {
		return 0
	}
	n := 19
	if n+1 < len(m) && (m[n] == '.' || m[n] == ',') && class[m[n+1]]&isDigit != 0 {
		n++
		for n < len(m) && class[m[n]]&isDigit != 0 {
			n++
		}
	}
	if n < len(m) && m[n] == 'Z' {
		n++
	}
	if n < len(m) && class[m[n]]&isToken != 0 {
		return 0
	}
	return n
}

// bracketed makes a hole of what is between a bracket before i and the next
// one, and returns where to go on.
func (x *Text) bracketed(m []byte, i int) int {
	rest := m[i:min(len(m), i+maxBracketed)]
	n := bytes.IndexByte(rest, ']')
	if n <= 0 || bytes.IndexByte(rest[:n], '[') >= 0 {
		x.unpaired++
		return i
	}
	x.hole(i, i+n)
	return i + n + 1
}

// quoted does the same for quotes.
func (x *Text) quoted(m []byte, i int, quote byte) int {
	if i > 1 && class[m[i-2]]&isToken != 0 {
		return i // an apostrophe, an inch
	}
	limit := min(len(m), i+maxQuoted)
	for end := i; end < limit; end++ {
		n := bytes.IndexByte(m[end:limit], quote)
		if n < 0 {
			break
		}
		if end += n; m[end-1] == '\\' && end > i {
			continue
		}
		if !x.request(m, i, end) {
			x.hole(i, end)
		}
		return end + 1
	}
	x.unpaired++
	return i
}

// request makes three holes of "METHOD /PATH HTTP/VERSION".
func (x *Text) request(m []byte, from, to int) bool {
	r := m[from:to]
	path := bytes.IndexByte(r[:min(len(r), 12)], ' ')
	last := bytes.LastIndexByte(r, ' ')
	if path <= 0 || last <= path || !bytes.HasPrefix(r[last+1:], []byte("HTTP/")) || last+6 == len(r) {
		return false
	}
	x.hole(from, from+path)
	x.hole(from+path+1, from+last)
	x.hole(from+last+6, to)
	return true
}
