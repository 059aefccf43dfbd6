package dateformat

import (
	"strings"
	"unicode/utf8"
)

// Java compiles a pattern of letters as java.time.format.DateTimeFormatter has
// them. Letters that need more than a time are errors, as are unknown ones.
func Java(pattern string) (*Format, error) {
	if len(pattern) > MaxLength {
		return nil, invalid("it is longer than %d bytes", MaxLength)
	}
	var items []item
	open := 0
	for i := 0; i < len(pattern); {
		c := pattern[i]
		switch {
		case c == '\'':
			text, n := quoted(pattern[i:])
			if n == 0 {
				return nil, invalid("a quote is not closed")
			}
			items = append(items, item{field: literal, text: text})
			i += n
		case c == '[' || c == ']':
			it := item{field: optionalBegin}
			if open++; c == ']' {
				if open -= 2; open < 0 {
					return nil, invalid("] without [")
				}
				it.field = optionalEnd
			}
			items = append(items, it)
			i++
		case c == '{' || c == '}' || c == '#':
			return nil, invalid("%q is reserved", c)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			n := 1
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			it, ok := javaItem(c, n)
			if !ok {
				return nil, invalid("unknown letters %s", pattern[i:i+n])
			}
			it.text = pattern[i : i+n]
			items = append(items, it)
			i += n
		default:
			_, n := utf8.DecodeRuneInString(pattern[i:])
			items = append(items, item{field: literal, text: pattern[i : i+n]})
			i += n
		}
	}
	for ; open > 0; open-- {
		items = append(items, item{field: optionalEnd})
	}
	return finish(items)
}

// quoted reads the text in quotes that s begins with; n is 0 when it does not end.
func quoted(s string) (text string, n int) {
	if strings.HasPrefix(s, "''") {
		return "'", 2
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), i + 1
	}
	return "", 0
}

func javaItem(c byte, n int) (item, bool) {
	number := func(f field, most int) (item, bool) {
		return item{field: f, width: uint8(n), pad: '0'}, n <= most
	}
	choose := func(f ...field) (item, bool) {
		if n > len(f) || f[n-1] == literal {
			return item{}, false
		}
		return item{field: f[n-1], width: uint8(n), pad: '0'}, true
	}
	switch c {
	case 'y', 'u':
		if n == 2 {
			return item{field: year2, width: 2, pad: '0'}, true
		}
		return number(year, 9)
	case 'Y':
		if n == 2 {
			return item{field: weekYear2, width: 2, pad: '0'}, true
		}
		return number(weekYear, 9)
	case 'M', 'L':
		return choose(month, month, monthShort, monthLong, monthInitial)
	case 'd':
		return number(day, 2)
	case 'D':
		return number(yearDay, 3)
	case 'H':
		return number(hour, 2)
	case 'h':
		return number(hour12, 2)
	case 'k':
		return number(hour24, 2)
	case 'K':
		return number(hour11, 2)
	case 'm':
		return number(minute, 2)
	case 's':
		return number(second, 2)
	case 'S':
		return number(fraction, 9)
	case 'n':
		return number(nanoOfSecond, 9)
	case 'A':
		return number(milliOfDay, 9)
	case 'a':
		return choose(ampm)
	case 'E':
		return choose(weekdayShort, weekdayShort, weekdayShort, weekdayLong)
	case 'e':
		return choose(weekday1, weekday1, weekdayShort, weekdayLong)
	case 'F', 'W':
		return number(weekOfMonth, 1)
	case 'w':
		return number(weekISO, 2)
	case 'Q', 'q':
		return number(quarter, 2)
	case 'G':
		return choose(era, era, era)
	case 'V':
		return choose(literal, zoneID)
	case 'z':
		return choose(zoneName, zoneName, zoneName, zoneName)
	case 'Z':
		return choose(offset, offset, offset, literal, offsetColon)
	case 'x':
		return choose(offsetHour, offset, offsetColon)
	case 'X':
		it, ok := choose(offsetHour, offset, offsetColon)
		it.zulu = true
		return it, ok
	}
	return item{}, false
}
