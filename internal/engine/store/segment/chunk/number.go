package chunk

import "strconv"

// Trailing zeros of DEC: how a text follows from its number.
const (
	trimNone  = 0 // always scale decimal places
	trimAll   = 1 // as short as possible: 1.5, 2
	trimPoint = 2 // as short as possible with a decimal place: 1.5, 2.0
)

const maxScale = 18 // decimal places; any 18 digits are an int64

// parseInt reads a canonical decimal int64: no plus, no leading zeros, no -0.
func parseInt(b []byte) (int64, bool) {
	neg := false
	if len(b) > 1 && b[0] == '-' {
		neg = true
		b = b[1:]
	}
	n := len(b)
	if n == 0 || n > 19 || b[0] == '0' && (n > 1 || neg) {
		return 0, false
	}
	v := uint64(0)
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + uint64(c)
	}
	if n == 19 && v > 1<<63-1 && (!neg || v > 1<<63) {
		return 0, false
	}
	if neg {
		return -int64(v), true
	}
	return int64(v), true
}

// parsePadded reads exactly width digits, at most 18.
func parsePadded(b []byte, width int) (int64, bool) {
	if len(b) != width {
		return 0, false
	}
	v := int64(0)
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		v = v*10 + int64(c)
	}
	return v, true
}

// appendPadded appends v, which is not negative, with at least width digits.
func appendPadded(dst []byte, v int64, width int) []byte {
	var buf [20]byte
	i := len(buf)
	for u := uint64(v); u > 0 || len(buf)-i < width; u /= 10 {
		i--
		buf[i] = byte('0' + u%10)
	}
	return append(dst, buf[i:]...)
}

// parseDec reads a decimal with at most scale decimal places as a multiple of
// 10^-scale; it must be what appendDec makes of that.
func parseDec(b []byte, scale, trim int) (int64, bool) {
	neg := false
	if len(b) > 1 && b[0] == '-' {
		neg = true
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	v, digits, places := int64(0), 0, -1
	for i, c := range b {
		if c == '.' {
			if i == 0 || places >= 0 {
				return 0, false
			}
			places = len(b) - i - 1
			continue
		}
		c -= '0'
		if c > 9 {
			return 0, false
		}
		if digits++; digits > maxScale+1 {
			return 0, false
		}
		v = v*10 + int64(c)
	}
	whole := digits - max(places, 0)
	if b[0] == '0' {
		digits-- // it does not make the number larger
	}
	if digits > maxScale || whole == 0 || b[0] == '0' && whole > 1 || places == 0 || places > scale || v == 0 && neg {
		return 0, false
	}
	last := b[len(b)-1]
	switch trim {
	case trimNone:
		if places != scale {
			return 0, false
		}
	case trimAll:
		if places > 0 && last == '0' {
			return 0, false
		}
	case trimPoint:
		if places < 0 || places > 1 && last == '0' {
			return 0, false
		}
	}
	places = max(places, 0)
	if digits+scale-places > maxScale {
		return 0, false
	}
	for ; places < scale; places++ {
		v *= 10
	}
	if neg {
		v = -v
	}
	return v, true
}

// appendDec appends v·10^-scale.
func appendDec(dst []byte, v int64, scale, trim int) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	var buf [24]byte
	i := len(buf)
	digits, point := 0, false
	if trim != trimNone {
		least := 0
		if trim == trimPoint {
			least = 1
		}
		for scale > least && u%10 == 0 {
			u /= 10
			scale--
		}
	}
	for u > 0 || digits <= scale {
		if digits == scale && scale > 0 && !point {
			i--
			buf[i] = '.'
			point = true
		}
		i--
		buf[i] = byte('0' + u%10)
		u /= 10
		digits++
	}
	return append(dst, buf[i:]...)
}

// constNumber returns the number that the text of CONST is.
func constNumber(b []byte) (v int64, scale uint8, ok bool) {
	if v, ok = parseInt(b); ok {
		return v, 0, true
	}
	places, ok := decimalPlaces(b)
	if !ok {
		return 0, 0, false
	}
	v, ok = parseDec(b, places, trimNone)
	return v, uint8(places), ok
}

// parseIPv4 reads a canonical dotted address.
func parseIPv4(b []byte) (int64, bool) {
	if len(b) < 7 || len(b) > 15 {
		return 0, false
	}
	v, part, digits, dots := uint32(0), uint32(0), 0, 0
	for _, c := range b {
		if c == '.' {
			if digits == 0 {
				return 0, false
			}
			dots++
			v = v<<8 | part
			part, digits = 0, 0
			continue
		}
		c -= '0'
		if c > 9 || digits > 0 && part == 0 {
			return 0, false
		}
		part = part*10 + uint32(c)
		digits++
		if part > 255 {
			return 0, false
		}
	}
	return int64(v<<8 | part), dots == 3 && digits > 0
}

func appendIPv4(dst []byte, v int64) []byte {
	for shift := 24; shift >= 0; shift -= 8 {
		dst = strconv.AppendUint(dst, uint64(v>>shift)&255, 10)
		if shift > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}

func appendInt(dst []byte, v int64) []byte { return strconv.AppendInt(dst, v, 10) }
