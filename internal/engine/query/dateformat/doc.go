// Package dateformat writes and reads times in the formats that query languages
// have: the patterns of Java (yyyy-MM-dd), strftime (%Y-%m-%d) and MySQL
// (%Y-%m-%d with other letters). A format is compiled once; it is never changed
// and safe for concurrent use.
//
// Where a format says less than a time, reading takes 1970-01-01 00:00:00 for the
// rest. It takes letters in any case, numbers with fewer digits than the format
// has unless another number follows at once, and nothing before or after what the
// format describes (ours).
package dateformat

import (
	"errors"
	"fmt"
)

// MaxLength bounds a format, in bytes.
const MaxLength = 512

// ErrFormat is wrapped by the errors about formats.
var ErrFormat = errors.New("invalid date format")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// field is a part of a time.
type field uint8

const (
	literal field = iota
	year          // width digits at least
	year2         // the last two digits
	month
	monthShort
	monthLong
	monthInitial
	day
	dayOrdinal // 1st, 2nd
	yearDay
	hour   // 0 to 23
	hour12 // 1 to 12
	hour24 // 1 to 24
	hour11 // 0 to 11
	minute
	second
	fraction // width digits of it
	milliOfDay
	ampm
	weekdayShort
	weekdayLong
	weekdayISO    // 1 is Monday
	weekday0      // 0 is Sunday
	weekday1      // 1 is Sunday
	zoneName      // UTC, CEST
	zoneID        // Europe/Berlin
	offset        // +0200, sign and digits only
	offsetColon   // +02:00
	offsetHour    // +02, with minutes when there are any
	epochSeconds  //
	epochMillis   //
	weekISO       // 1 to 53
	weekYear      // the year that weekISO is of
	weekYear2     // its last two digits
	weekSunday    // 0 to 53, weeks begin on Sunday
	weekMonday    // 0 to 53, weeks begin on Monday
	weekOfMonth   // 1 to 6, weeks begin on Sunday
	quarter       // 1 to 4
	era           // AD or BC
	century       // the year without its last two digits
	nanoOfSecond  //
	optionalBegin // what is between the two can be missing
	optionalEnd
)

type item struct {
	field field
	width uint8
	pad   byte // what numbers are filled up with: '0', ' ', or 0 for nothing
	zulu  bool // an offset of zero is written Z
	text  string
}

// Format is a compiled format.
type Format struct {
	items []item
	reads error // why times cannot be read by it; nil when they can
}

// Reads reports, as an error, why times cannot be read by the format.
func (f *Format) Reads() error { return f.reads }

var (
	months   = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	weekdays = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// finish joins literals and finds out whether times can be read.
func finish(items []item) (*Format, error) {
	f := &Format{}
	for _, it := range items {
		if n := len(f.items); it.field == literal && n > 0 && f.items[n-1].field == literal {
			f.items[n-1].text += it.text
			continue
		}
		f.items = append(f.items, it)
		switch it.field {
		case zoneID, weekISO, weekYear, weekYear2, weekSunday, weekMonday, weekOfMonth, century, era, quarter, monthInitial, milliOfDay:
			if f.reads == nil {
				f.reads = invalid("%s can be written but not read", it.text)
			}
		}
	}
	return f, nil
}
