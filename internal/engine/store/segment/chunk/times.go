package chunk

import "bytes"

// Dates that a layout begins with.
const (
	dateISO   = 0 // 2006-01-02
	dateSlash = 1 // 2006/01/02
	dateCLF   = 2 // 02/Jan/2006
	dateNone  = 3 // nothing, nor a separator: the time of a day
	dates     = 4
)

const maxZone = 16 // bytes after the time

// layout is how points in time are written: date, separator, 15:04:05,
// optionally a point or comma and digits, and what follows, the same for all.
type layout struct {
	date   uint8
	sep    byte
	point  byte  // '.', ',' or 0
	digits uint8 // after the point, at most 9
	zone   [maxZone]byte
	zones  uint8 // bytes of zone
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

func (l *layout) dateLen() int {
	switch l.date {
	case dateNone:
		return 0
	case dateCLF:
		return 12
	}
	return 11
}

// minLen is the length of a text without what follows the seconds.
func (l *layout) minLen() int { return l.dateLen() + 8 }

// textLen is the length of all texts of the layout.
func (l *layout) textLen() int {
	n := l.minLen() + int(l.zones)
	if l.point != 0 {
		n += 1 + int(l.digits)
	}
	return n
}

// detectLayout returns the layout of a text that looks like a point in time.
func detectLayout(b []byte) (l layout, ok bool) {
	switch {
	case len(b) >= 19 && (b[4] == '-' || b[4] == '/') && b[7] == b[4]:
		if b[4] == '/' {
			l.date = dateSlash
		}
		l.sep = b[10]
	case len(b) >= 20 && b[2] == '/' && b[6] == '/':
		l.date, l.sep = dateCLF, b[11]
	case len(b) >= 8 && b[2] == ':' && b[5] == ':':
		l.date = dateNone
	default:
		return l, false
	}
	rest := b[l.minLen():]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for n < len(rest) && n <= 9 && rest[n]-'0' <= 9 {
			n++
		}
		if n > 1 {
			l.point, l.digits = rest[0], uint8(n-1)
			rest = rest[n:]
		}
	}
	if len(rest) > maxZone {
		return l, false
	}
	l.zones = uint8(copy(l.zone[:], rest))
	var p timeParser
	p.layout = l
	_, ok = p.parse(b)
	return l, ok
}

// timeParser reads texts of one layout; it remembers the last date.
type timeParser struct {
	layout
	last [12]byte // date and separator
	days int64
	have bool
}

var pow10 = [19]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// parse returns the units of 10^-digits seconds since 1970, zones disregarded.
func (p *timeParser) parse(b []byte) (int64, bool) {
	if len(b) != p.textLen() {
		return 0, false
	}
	n := p.dateLen()
	if n > 0 && (!p.have || !bytes.Equal(b[:n], p.last[:n])) {
		days, ok := p.parseDate(b)
		if !ok || b[n-1] != p.sep {
			return 0, false
		}
		p.days, p.have = days, true
		copy(p.last[:], b[:n])
	}
	b = b[n:]
	h, m, s := two(b), two(b[3:]), two(b[6:])
	if h > 23 || m > 59 || s > 59 || b[2] != ':' || b[5] != ':' {
		return 0, false
	}
	v := p.days*86400 + int64(h*3600+m*60+s)
	b = b[8:]
	if p.point != 0 {
		if b[0] != p.point {
			return 0, false
		}
		f, ok := parsePadded(b[1:1+p.digits], int(p.digits))
		if !ok {
			return 0, false
		}
		v = v*pow10[p.digits] + f
		b = b[1+p.digits:]
	}
	return v, bytes.Equal(b, p.zone[:p.zones])
}

// two returns the number that two digits make, or more than 99.
func two(b []byte) uint {
	h, l := uint(b[0]-'0'), uint(b[1]-'0')
	if h > 9 || l > 9 {
		return 1000
	}
	return h*10 + l
}

// four returns the number that four digits make, or more than 9999.
func four(b []byte) uint {
	h, l := two(b), two(b[2:])
	if h > 99 || l > 99 {
		return 100_000
	}
	return h*100 + l
}

func (p *timeParser) parseDate(b []byte) (int64, bool) {
	var year, month, day uint
	switch p.date {
	case dateISO, dateSlash:
		year, month, day = four(b), two(b[5:]), two(b[8:])
		want := byte('-')
		if p.date == dateSlash {
			want = '/'
		}
		if b[4] != want || b[7] != want {
			return 0, false
		}
	case dateCLF:
		day, year = two(b), four(b[7:])
		if b[2] != '/' || b[6] != '/' {
			return 0, false
		}
		for m := range uint(12) {
			if string(b[3:6]) == months[3*m:3*m+3] {
				month = m + 1
			}
		}
	}
	// Nanoseconds of these years fit an int64.
	if year < 1700 || year > 2200 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	return daysSince1970(int64(year), int64(month), int64(day)), true
}

func daysIn(year, month uint) uint {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// daysSince1970 counts in years that begin in March, so that the leap day is the last.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	of := year - era*400
	inYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + of*365 + of/4 - of/100 + inYear - 719468
}

// civil is the inverse of daysSince1970.
func civil(days int64) (year, month, day int64) {
	days += 719468
	era := days / 146097
	of := days - era*146097
	yoe := (of - of/1460 + of/36524 - of/146096) / 365
	inYear := of - (365*yoe + yoe/4 - yoe/100)
	mp := (5*inYear + 2) / 153
	day = inYear - (153*mp+2)/5 + 1
	year = yoe + era*400
	month = mp + 3
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

// timeWriter writes texts of one layout; it remembers the last date.
type timeWriter struct {
	layout
	days int64
	text [12]byte
	have bool
}

// bounds of the seconds that a layout can write.
const (
	minSeconds = -8520336000 // 1700-01-01
	maxSeconds = 7289654399  // 2200-12-31
)

// append appends the text of v; not ok when v is out of bounds.
func (w *timeWriter) append(dst []byte, v int64) ([]byte, bool) {
	scale := int64(1)
	if w.point != 0 {
		scale = pow10[w.digits]
	}
	seconds := v / scale
	frac := v - seconds*scale
	if frac < 0 {
		frac += scale
		seconds--
	}
	if seconds < minSeconds || seconds > maxSeconds || w.date == dateNone && (seconds < 0 || seconds >= 86400) {
		return dst, false
	}
	days := seconds / 86400
	of := seconds - days*86400
	if of < 0 {
		of += 86400
		days--
	}
	n := w.dateLen()
	if n > 0 {
		if !w.have || days != w.days {
			w.days, w.have = days, true
			w.writeDate()
		}
		dst = append(dst, w.text[:n]...)
	}
	h, m, s := of/3600, of/60%60, of%60
	dst = append(dst, byte('0'+h/10), byte('0'+h%10), ':', byte('0'+m/10), byte('0'+m%10), ':', byte('0'+s/10), byte('0'+s%10))
	if w.point != 0 {
		dst = append(dst, w.point)
		dst = appendPadded(dst, frac, int(w.digits))
	}
	return append(dst, w.zone[:w.zones]...), true
}

func (w *timeWriter) writeDate() {
	year, month, day := civil(w.days)
	b := w.text[:0]
	switch w.date {
	case dateCLF:
		b = appendPadded(b, day, 2)
		b = append(b, '/')
		b = append(b, months[3*month-3:3*month]...)
		b = append(b, '/')
		b = appendPadded(b, year, 4)
	default:
		sep := byte('-')
		if w.date == dateSlash {
			sep = '/'
		}
		b = appendPadded(b, year, 4)
		b = append(b, sep)
		b = appendPadded(b, month, 2)
		b = append(b, sep)
		b = appendPadded(b, day, 2)
	}
	_ = append(b, w.sep)
}
