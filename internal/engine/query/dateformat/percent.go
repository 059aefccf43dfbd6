package dateformat

import "unicode/utf8"

// Strftime compiles a format of strftime, with the flags -, _ and 0.
func Strftime(format string) (*Format, error) { return percent(format, strftime, nil) }

// MySQL compiles a format of MySQL's DATE_FORMAT. A letter that it does not know
// stands for itself, as there.
func MySQL(format string) (*Format, error) {
	return percent(format, mysql, func(c rune) []item { return []item{{field: literal, text: string(c)}} })
}

func two(f field) []item        { return []item{{field: f, width: 2, pad: '0'}} }
func one(f field, w int) []item { return []item{{field: f, width: uint8(w), pad: '0'}} }
func lit(s string) item         { return item{field: literal, text: s} }
func bare(f field) []item       { return []item{{field: f, width: 1}} }

func join(parts ...[]item) []item {
	var all []item
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

var (
	clock24 = join(two(hour), []item{lit(":")}, two(minute), []item{lit(":")}, two(second))
	clock12 = join(two(hour12), []item{lit(":")}, two(minute), []item{lit(":")}, two(second), []item{lit(" ")}, bare(ampm))
	isoDate = join(one(year, 4), []item{lit("-")}, two(month), []item{lit("-")}, two(day))
	usDate  = join(two(month), []item{lit("/")}, two(day), []item{lit("/")}, two(year2))
	spaced  = []item{{field: day, width: 2, pad: ' '}}
)

var strftime = map[rune][]item{
	'Y': one(year, 4), 'y': two(year2), 'C': two(century), 'G': one(weekYear, 4), 'g': two(weekYear2),
	'm': two(month), 'b': bare(monthShort), 'h': bare(monthShort), 'B': bare(monthLong),
	'd': two(day), 'e': spaced, 'j': one(yearDay, 3),
	'H': two(hour), 'I': two(hour12), 'k': {{field: hour, width: 2, pad: ' '}}, 'l': {{field: hour12, width: 2, pad: ' '}},
	'M': two(minute), 'S': two(second), 'L': one(fraction, 3), 'f': one(fraction, 6), 'N': one(fraction, 9),
	'p': bare(ampm), 'a': bare(weekdayShort), 'A': bare(weekdayLong), 'u': bare(weekdayISO), 'w': bare(weekday0),
	'V': two(weekISO), 'U': two(weekSunday), 'W': two(weekMonday),
	'Z': bare(zoneName), 'z': bare(offset), 's': bare(epochSeconds), 'Q': bare(epochMillis),
	'F': isoDate, 'T': clock24, 'R': join(two(hour), []item{lit(":")}, two(minute)), 'r': clock12, 'D': usDate, 'x': usDate, 'X': clock24,
	'c': join(bare(weekdayShort), []item{lit(" ")}, bare(monthShort), []item{lit(" ")}, spaced, []item{lit(" ")}, clock24, []item{lit(" ")}, one(year, 4)),
	'n': {lit("\n")}, 't': {lit("\t")}, '%': {lit("%")},
}

var mysql = map[rune][]item{
	'Y': one(year, 4), 'y': two(year2), 'X': one(weekYear, 4), 'x': one(weekYear, 4),
	'm': two(month), 'c': bare(month), 'b': bare(monthShort), 'M': bare(monthLong),
	'd': two(day), 'e': bare(day), 'D': bare(dayOrdinal), 'j': one(yearDay, 3),
	'H': two(hour), 'k': bare(hour), 'h': two(hour12), 'I': two(hour12), 'l': bare(hour12),
	'i': two(minute), 'S': two(second), 's': two(second), 'f': one(fraction, 6),
	'p': bare(ampm), 'a': bare(weekdayShort), 'W': bare(weekdayLong), 'w': bare(weekday0),
	'U': two(weekSunday), 'u': two(weekMonday), 'V': two(weekSunday), 'v': two(weekISO),
	'T': clock24, 'r': clock12, '%': {lit("%")},
}

func percent(format string, letters map[rune][]item, unknown func(rune) []item) (*Format, error) {
	if len(format) > MaxLength {
		return nil, invalid("it is longer than %d bytes", MaxLength)
	}
	var items []item
	for i := 0; i < len(format); {
		r, n := utf8.DecodeRuneInString(format[i:])
		from := i
		i += n
		if r != '%' {
			items = append(items, lit(format[from:i]))
			continue
		}
		var flag byte
		if i < len(format) && (format[i] == '-' || format[i] == '_' || format[i] == '0') && unknown == nil {
			flag = format[i]
			i++
		}
		if i == len(format) {
			return nil, invalid("it ends in %%")
		}
		r, n = utf8.DecodeRuneInString(format[i:])
		i += n
		found, ok := letters[r]
		if !ok {
			if unknown == nil {
				return nil, invalid("unknown %s", format[from:i])
			}
			found = unknown(r)
		}
		for _, it := range found {
			if it.field != literal {
				it.text = format[from:i]
				it.flagged(flag)
			}
			items = append(items, it)
		}
	}
	return finish(items)
}

func (it *item) flagged(flag byte) {
	switch {
	case it.field == fraction:
	case flag == '-':
		it.pad = 0
	case flag == '_' && it.width > 1:
		it.pad = ' '
	case flag == '0' && it.width > 1:
		it.pad = '0'
	}
}
