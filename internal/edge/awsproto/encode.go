package awsproto

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
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
// JSON string cannot hold as it is, or a byte outside ASCII. Bytes above the first marked one
// may be marked wrongly.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((w - ones*0x20) | (quote - ones) | (slash - ones) | w) & highs
}

// AppendString appends s as a JSON string with its quotes. Control
// characters, the quote and the backslash are escaped; other UTF-8 stays as
// it is; a byte that is not valid UTF-8 becomes U+FFFD.
func AppendString[S ~string | ~[]byte](dst []byte, s S) []byte {
	dst = slices.Grow(dst, len(s)+2)
	dst = append(dst, '"')
	start, i := 0, 0
	for {
		for i+8 <= len(s) {
			w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
				uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
			if special(w) != 0 {
				break
			}
			i += 8
		}
		for i < len(s) && plain[s[i]] {
			i++
			if i+8 <= len(s) && i&7 == 0 {
				break
			}
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if plain[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			end := min(i+utf8.UTFMax, len(s))
			if r, size := utf8.DecodeRuneInString(string(s[i:end])); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\uFFFD"...)
			i++
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

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
