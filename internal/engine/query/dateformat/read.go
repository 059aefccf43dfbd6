package dateformat

import (
	"time"
	"unicode/utf8"
)

// parts are the parts of a time that a text has.
type parts struct {
	year, month, day, yearDay int
	hour, half                int // half: -1 unknown, 0 AM, 1 PM
	minute, second, nano      int
	offset                    int // seconds east of UTC
	zoned                     bool
	epoch                     int64 // ms
	whole                     bool  // epoch is the time
}

// Read returns the time that a text is, in ms since the Unix epoch. loc is where
// it is meant when the text does not say. A text that the format does not
// describe is none.
func (f *Format) Read(text []byte, loc *time.Location) (ms int64, ok bool) {
	if f.reads != nil {
		return 0, false
	}
	p := parts{year: 1970, month: 1, day: 1, half: -1}
	rest, ok := readItems(f.items, text, &p)
	if !ok || len(rest) > 0 {
		return 0, false
	}
	return p.time(loc)
}

// readItems reads items up to the end of the optional part they are in.
func readItems(items []item, text []byte, p *parts) (rest []byte, ok bool) {
	for i := 0; i < len(items); i++ {
		switch it := &items[i]; it.field {
		case optionalEnd:
			return text, true
		case optionalBegin:
			end := closing(items, i)
			before := *p
			if rest, ok := readItems(items[i+1:end], text, p); ok {
				text = rest
			} else {
				*p = before
			}
			i = end
		default:
			packed := i+1 < len(items) && items[i+1].digits() || i > 0 && items[i-1].digits()
			if text, ok = it.read(text, packed, p); !ok {
				return nil, false
			}
		}
	}
	return text, true
}

func closing(items []item, i int) int {
	for open := 0; i < len(items); i++ {
		switch items[i].field {
		case optionalBegin:
			open++
		case optionalEnd:
			if open--; open == 0 {
				return i
			}
		}
	}
	return len(items)
}

// digits reports whether the item is written in digits only.
func (it *item) digits() bool {
	switch it.field {
	case year, year2, month, day, yearDay, hour, hour12, hour24, hour11, minute, second, fraction, nanoOfSecond, weekdayISO, weekday0, weekday1:
		return true
	case literal:
		return it.text[0]-'0' <= 9
	}
	return false
}

// most returns the digits that the field can have.
func (it *item) most() int {
	switch it.field {
	case year:
		return max(9, int(it.width))
	case yearDay:
		return 3
	case fraction, nanoOfSecond:
		return 9
	case weekdayISO, weekday0, weekday1:
		return 1
	case epochSeconds, epochMillis:
		return 15
	}
	return 2
}

func (it *item) read(text []byte, packed bool, p *parts) (rest []byte, ok bool) {
	switch it.field {
	case literal:
		if len(text) < len(it.text) || string(text[:len(it.text)]) != it.text {
			return nil, false
		}
		return text[len(it.text):], true
	case monthShort, monthLong:
		for i, name := range months {
			if rest, ok = name3(text, name, it.field == monthLong); ok {
				p.month = i + 1
				return rest, true
			}
		}
		return nil, false
	case weekdayShort, weekdayLong:
		for _, name := range weekdays {
			if rest, ok = name3(text, name, it.field == weekdayLong); ok {
				return rest, true
			}
		}
		return nil, false
	case ampm:
		if len(text) < 2 || text[1]|0x20 != 'm' || text[0]|0x20 != 'a' && text[0]|0x20 != 'p' {
			return nil, false
		}
		p.half = 0
		if text[0]|0x20 == 'p' {
			p.half = 1
		}
		return text[2:], true
	case zoneName, offset, offsetColon, offsetHour:
		return readZone(text, p)
	}
	return it.readNumber(text, packed, p)
}

// name3 reads a name, or its first three letters, in any case.
func name3(text []byte, name string, long bool) (rest []byte, ok bool) {
	if !long {
		name = name[:3]
	}
	if len(text) < len(name) {
		return nil, false
	}
	for i := range len(name) {
		if text[i]|0x20 != name[i]|0x20 || text[i] >= utf8.RuneSelf {
			return nil, false
		}
	}
	return text[len(name):], true
}

func (it *item) readNumber(text []byte, packed bool, p *parts) (rest []byte, ok bool) {
	if it.pad != '0' { // filled up with spaces
		for len(text) > 0 && text[0] == ' ' && it.width > 1 {
			text = text[1:]
		}
	}
	negative := false
	if (it.field == year || it.field == epochSeconds || it.field == epochMillis) && len(text) > 0 && text[0] == '-' {
		negative, text = true, text[1:]
	}
	most := it.most()
	if packed && it.width > 1 {
		most = int(it.width)
	}
	n, digits := 0, 0
	for digits < len(text) && digits < most && text[digits]-'0' <= 9 {
		n = n*10 + int(text[digits]-'0')
		digits++
	}
	if digits == 0 || it.field == year2 && digits != 2 || packed && it.width > 1 && digits < most {
		return nil, false
	}
	if negative {
		n = -n
	}
	text = text[digits:]
	switch it.field {
	case year:
		p.year = n
	case year2:
		p.year = 2000 + n
	case month:
		p.month = n
	case day:
		p.day = n
	case dayOrdinal:
		p.day = n
		if len(text) < 2 {
			return nil, false
		}
		text = text[2:]
	case yearDay:
		if p.yearDay = n; n < 1 {
			return nil, false
		}
	case hour:
		p.hour = n
	case hour12:
		if n < 1 || n > 12 {
			return nil, false
		}
		p.hour = n % 12
	case hour24:
		if n < 1 || n > 24 {
			return nil, false
		}
		p.hour = n % 24
	case hour11:
		if p.hour = n; n > 11 {
			return nil, false
		}
	case minute:
		p.minute = n
	case second:
		p.second = n
	case fraction:
		for ; digits < 9; digits++ {
			n *= 10
		}
		p.nano = n
	case nanoOfSecond:
		p.nano = n
	case epochSeconds:
		p.epoch, p.whole = int64(n)*1000, true
	case epochMillis:
		p.epoch, p.whole = int64(n), true
	}
	return text, true
}

// readZone reads Z, UTC, GMT, or an offset of hours, and minutes with or without a
// colon.
func readZone(text []byte, p *parts) (rest []byte, ok bool) {
	p.zoned, p.offset = true, 0
	if len(text) >= 3 && (string(text[:3]) == "UTC" || string(text[:3]) == "GMT") {
		if text = text[3:]; len(text) == 0 || text[0] != '+' && text[0] != '-' {
			return text, true
		}
	} else if len(text) > 0 && (text[0] == 'Z' || text[0] == 'z') {
		return text[1:], true
	}
	sec, n := readOffset(text)
	p.offset = sec
	return text[n:], n > 0
}

// readOffset reads +hh, +hhmm or +hh:mm; n is 0 when there is none.
func readOffset(text []byte) (sec, n int) {
	pair := func(i int) int {
		if i+2 > len(text) || text[i]-'0' > 9 || text[i+1]-'0' > 9 {
			return -1
		}
		return int(text[i]-'0')*10 + int(text[i+1]-'0')
	}
	if len(text) < 3 || text[0] != '+' && text[0] != '-' {
		return 0, 0
	}
	h := pair(1)
	if h < 0 || h > 18 {
		return 0, 0
	}
	sec, n = h*3600, 3
	at := 3
	if len(text) > 3 && text[3] == ':' {
		at = 4
	}
	if m := pair(at); m >= 0 && m < 60 {
		sec, n = sec+m*60, at+2
	}
	if text[0] == '-' {
		sec = -sec
	}
	return sec, n
}

// time puts the parts together.
func (p *parts) time(loc *time.Location) (ms int64, ok bool) {
	if p.whole {
		return p.epoch, p.epoch <= maxMillis && p.epoch >= -maxMillis
	}
	if p.half >= 0 {
		p.hour = p.hour%12 + 12*p.half
	}
	if p.year < -9999 || p.year > 9999 || p.month < 1 || p.month > 12 || p.hour > 23 || p.minute > 59 || p.second > 59 {
		return 0, false
	}
	if p.yearDay > 0 {
		if p.yearDay > time.Date(p.year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() {
			return 0, false
		}
		p.month, p.day = 1, p.yearDay
	} else if p.day < 1 || p.day > time.Date(p.year, time.Month(p.month+1), 0, 0, 0, 0, 0, time.UTC).Day() {
		return 0, false
	}
	if p.zoned {
		loc = time.UTC
	}
	t := time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, p.nano, loc)
	return t.UnixMilli() - int64(p.offset)*1000, true
}

// maxMillis is a little more than the year 9999.
const maxMillis = 1 << 48
