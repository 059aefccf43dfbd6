package dateformat

import (
	"strconv"
	"time"
)

// Append appends a time in its location.
func (f *Format) Append(dst []byte, t time.Time) []byte {
	for i := range f.items {
		dst = f.items[i].append(dst, t)
	}
	return dst
}

func (it *item) append(dst []byte, t time.Time) []byte {
	switch it.field {
	case literal:
		return append(dst, it.text...)
	case optionalBegin, optionalEnd:
		return dst
	case monthShort:
		return append(dst, months[t.Month()-1][:3]...)
	case monthLong:
		return append(dst, months[t.Month()-1]...)
	case monthInitial:
		return append(dst, months[t.Month()-1][0])
	case weekdayShort:
		return append(dst, weekdays[t.Weekday()][:3]...)
	case weekdayLong:
		return append(dst, weekdays[t.Weekday()]...)
	case ampm:
		if t.Hour() < 12 {
			return append(dst, "AM"...)
		}
		return append(dst, "PM"...)
	case era:
		if t.Year() < 1 {
			return append(dst, "BC"...)
		}
		return append(dst, "AD"...)
	case zoneName:
		name, _ := t.Zone()
		return append(dst, name...)
	case zoneID:
		return append(dst, t.Location().String()...)
	case offset, offsetColon, offsetHour:
		return it.appendOffset(dst, t)
	case fraction:
		n := t.Nanosecond()
		for w := uint8(9); w > it.width; w-- {
			n /= 10
		}
		return pad(dst, int64(n), it.width, '0')
	case dayOrdinal:
		d := t.Day()
		dst = strconv.AppendInt(dst, int64(d), 10)
		switch {
		case d/10 == 1:
		case d%10 == 1:
			return append(dst, "st"...)
		case d%10 == 2:
			return append(dst, "nd"...)
		case d%10 == 3:
			return append(dst, "rd"...)
		}
		return append(dst, "th"...)
	}
	return pad(dst, it.number(t), it.width, it.pad)
}

// number returns the part of a time that is a number.
func (it *item) number(t time.Time) int64 {
	switch it.field {
	case year:
		return int64(t.Year())
	case year2:
		return mod(t.Year(), 100)
	case century:
		return (int64(t.Year()) - mod(t.Year(), 100)) / 100
	case month:
		return int64(t.Month())
	case day:
		return int64(t.Day())
	case yearDay:
		return int64(t.YearDay())
	case hour:
		return int64(t.Hour())
	case hour12:
		return mod(t.Hour()+11, 12) + 1
	case hour24:
		return mod(t.Hour()+23, 24) + 1
	case hour11:
		return mod(t.Hour(), 12)
	case minute:
		return int64(t.Minute())
	case second:
		return int64(t.Second())
	case nanoOfSecond:
		return int64(t.Nanosecond())
	case milliOfDay:
		return int64(t.Hour()*3_600_000 + t.Minute()*60_000 + t.Second()*1000 + t.Nanosecond()/1e6)
	case weekdayISO:
		return mod(int(t.Weekday())+6, 7) + 1
	case weekday0:
		return int64(t.Weekday())
	case weekday1:
		return int64(t.Weekday()) + 1
	case epochSeconds:
		return t.Unix()
	case epochMillis:
		return t.UnixMilli()
	case weekISO:
		_, w := t.ISOWeek()
		return int64(w)
	case weekYear:
		y, _ := t.ISOWeek()
		return int64(y)
	case weekYear2:
		y, _ := t.ISOWeek()
		return mod(y, 100)
	case weekSunday:
		return int64((t.YearDay() + 6 - int(t.Weekday())) / 7)
	case weekMonday:
		return int64((t.YearDay() + 6 - (int(t.Weekday())+6)%7) / 7)
	case weekOfMonth:
		first := mod(int(t.Weekday())-(t.Day()-1), 7)
		return (int64(t.Day())-1+first)/7 + 1
	case quarter:
		return int64(t.Month()-1)/3 + 1
	}
	return 0
}

func mod(n, by int) int64 { return int64(((n % by) + by) % by) }

func pad(dst []byte, n int64, width uint8, with byte) []byte {
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	if with != 0 {
		for w, m := int64(10), uint8(1); m < width; m++ {
			if n < w {
				for ; m < width; m++ {
					dst = append(dst, with)
				}
				break
			}
			w *= 10
		}
	}
	return strconv.AppendInt(dst, n, 10)
}

func (it *item) appendOffset(dst []byte, t time.Time) []byte {
	_, sec := t.Zone()
	if sec == 0 && it.zulu {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if sec < 0 {
		sign, sec = '-', -sec
	}
	dst = pad(append(dst, sign), int64(sec/3600), 2, '0')
	minutes := int64(sec / 60 % 60)
	switch it.field {
	case offsetColon:
		dst = append(dst, ':')
	case offsetHour:
		if minutes == 0 {
			return dst
		}
	}
	return pad(dst, minutes, 2, '0')
}
