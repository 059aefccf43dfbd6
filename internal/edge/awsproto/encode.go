package awsproto

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// plain marks the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for i := 0x20; i < 0x80; i++ {
		t[i] = i != '"' && i != '\\'
	}
	return t
}()

const (
	hexDigits = "0123456789abcdef"
	ones      = 0x0101010101010101
	highs     = 0x8080808080808080
)

// special returns a word whose high bits are set where w holds a byte that a
// JSON string cannot hold as it is, or a byte outside ASCII. The lowest
// mark is right; those above it may be wrong.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((w - ones*0x20) | (quote - ones) | (slash - ones) | w) & highs
}

// escapeRoom is what one step of appendBytes may write beyond the bytes it
// reads: two words.
const escapeRoom = 16

// AppendString appends s as a JSON string with its quotes. Control
// characters, the quote and the backslash are escaped; other UTF-8 stays as
// it is; a byte that is not valid UTF-8 becomes U+FFFD.
func AppendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	switch v := any(s).(type) {
	case string:
		return appendBytes(dst, unsafe.Slice(unsafe.StringData(v), len(v))) // only read
	case []byte:
		return appendBytes(dst, v)
	}
	return appendBytes(dst, []byte(s))
}

// appendBytes finds the end of each plain run word by word, copies the run,
// and escapes what follows. Messages that are JSON themselves have runs of a
// few bytes, so a short run is copied as two words whatever its length.
func appendBytes(dst, s []byte) []byte {
	n := len(dst)
	dst = slices.Grow(dst, len(s)+len(s)/16+2*escapeRoom)
	dst = dst[:cap(dst)]
	dst[n] = '"'
	n++
	for i := 0; i < len(s); {
		if len(dst)-n < len(s)-i+escapeRoom {
			dst = slices.Grow(dst[:n], 2*(len(s)-i)+2*escapeRoom)
			dst = dst[:cap(dst)]
		}
		start := i
		for {
			if i+8 > len(s) {
				for i < len(s) && plain[s[i]] {
					i++
				}
				break
			}
			if m := special(binary.LittleEndian.Uint64(s[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i-start <= 16 && start+16 <= len(s) {
			to, from := dst[n:n+16], s[start:start+16]
			binary.LittleEndian.PutUint64(to, binary.LittleEndian.Uint64(from))
			binary.LittleEndian.PutUint64(to[8:], binary.LittleEndian.Uint64(from[8:]))
			n += i - start
		} else {
			n += copy(dst[n:], s[start:i])
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			size := multibyte(s[i:])
			if size == 0 {
				n += copy(dst[n:], "\uFFFD")
				i++
				continue
			}
			for end := i + size; i < end; i++ {
				dst[n] = s[i]
				n++
			}
			continue
		}
		dst[n] = '\\'
		if short := shortEscapes[c]; short != 0 {
			dst[n+1] = short
			n += 2
		} else {
			copy(dst[n+1:], "u00")
			dst[n+4], dst[n+5] = hexDigits[c>>4], hexDigits[c&15]
			n += 6
		}
		i++
	}
	return append(dst[:n], '"')
}

// multibyte returns the length of the run of valid characters outside ASCII
// that s begins with, at most 8 bytes, or 0.
func multibyte(s []byte) int {
	n := 0
	for n < len(s) && n <= 4 && s[n] >= utf8.RuneSelf {
		r, size := utf8.DecodeRune(s[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// shortEscapes holds the letters of the escapes of two characters.
var shortEscapes = [128]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't'}

// The functions below serve generated code. Each takes the member name with
// quotes and colon, appends nothing when the value is absent, and puts a
// comma first unless the object has just been opened.

func appendKey(dst []byte, key string) []byte {
	if len(dst) > 0 && dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(dst, key...)
}

// AppendStringMember appends a string member.
func AppendStringMember(dst []byte, key string, v *string) []byte {
	if v == nil {
		return dst
	}
	return AppendString(appendKey(dst, key), *v)
}

// AppendIntMember appends an integer member.
func AppendIntMember[T int32 | int64](dst []byte, key string, v *T) []byte {
	if v == nil {
		return dst
	}
	return strconv.AppendInt(appendKey(dst, key), int64(*v), 10)
}

// AppendBoolMember appends a boolean member.
func AppendBoolMember(dst []byte, key string, v *bool) []byte {
	if v == nil {
		return dst
	}
	return strconv.AppendBool(appendKey(dst, key), *v)
}

// AppendFloatMember appends a floating-point member.
func AppendFloatMember(dst []byte, key string, v *float64) []byte {
	if v == nil {
		return dst
	}
	return AppendFloat(appendKey(dst, key), *v)
}

// AppendFloat appends a JSON number; NaN and the infinities become the
// strings that the AWS JSON protocol gives them.
func AppendFloat(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, v, format, -1, 64)
}

// AppendBlobMember appends a blob member in base64.
func AppendBlobMember(dst []byte, key string, v []byte) []byte {
	if v == nil {
		return dst
	}
	dst = append(appendKey(dst, key), '"')
	dst = base64.StdEncoding.AppendEncode(dst, v)
	return append(dst, '"')
}

// AppendStructMember appends a nested structure.
func AppendStructMember[T any](dst []byte, key string, v *T, elem func([]byte, *T) []byte) []byte {
	if v == nil {
		return dst
	}
	return elem(appendKey(dst, key), v)
}

// AppendListMember appends a list.
func AppendListMember[T any](dst []byte, key string, v []T, elem func([]byte, *T) []byte) []byte {
	if v == nil {
		return dst
	}
	return AppendList(appendKey(dst, key), v, elem)
}

// AppendList appends the bare list.
func AppendList[T any](dst []byte, v []T, elem func([]byte, *T) []byte) []byte {
	dst = append(dst, '[')
	for i := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = elem(dst, &v[i])
	}
	return append(dst, ']')
}

// AppendMapMember appends a map with its keys sorted.
func AppendMapMember[T any](dst []byte, key string, v map[string]T, elem func([]byte, *T) []byte) []byte {
	if v == nil {
		return dst
	}
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	dst = append(appendKey(dst, key), '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(AppendString(dst, name), ':')
		value := v[name]
		dst = elem(dst, &value)
	}
	return append(dst, '}')
}

// AppendStringElem appends one string of a list or map.
func AppendStringElem(dst []byte, v *string) []byte { return AppendString(dst, *v) }

// AppendIntElem appends one integer of a list or map.
func AppendIntElem[T int32 | int64](dst []byte, v *T) []byte {
	return strconv.AppendInt(dst, int64(*v), 10)
}
