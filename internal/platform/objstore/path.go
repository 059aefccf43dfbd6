package objstore

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Keys become paths segment by segment, split at '/'. A segment is written as
// it is, but for these escapes, which make the map reversible and keep every
// path below the bucket's directory:
//
//	%XX  a control character, '%', DEL; and the dots of "." and ".."
//	%_   the empty segment
//	%+   at the end of a name: the segment goes on in the next name
//	%.   at the end of a name: a file that gave way to a directory of its name
const (
	emptySegment = "%_"
	continued    = "%+"
	displaced    = "%."

	// maxName bounds a name without its mark; file systems allow 255 bytes.
	maxName = 240
)

const upperHex = "0123456789ABCDEF"

// CheckKey says whether key can be stored: 1 to 1,024 bytes of UTF-8.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("empty key: %w", ErrInvalidKey)
	case len(key) > MaxKey:
		return ErrKeyTooLong
	case !utf8.ValidString(key):
		return fmt.Errorf("key is not UTF-8: %w", ErrInvalidKey)
	}
	return nil
}

// CheckBucketName applies the rules of S3 for general purpose buckets
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
func CheckBucketName(name string) error {
	bad := func(why string) error { return fmt.Errorf("bucket name %s: %w", why, ErrInvalidBucketName) }
	if len(name) < 3 || len(name) > 63 {
		return bad("must be 3 to 63 characters long")
	}
	dots := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case c == '-', c == '.':
			if i == 0 || i == len(name)-1 {
				return bad("must begin and end with a letter or number")
			}
			if c == '.' {
				if dots++; name[i-1] == '.' {
					return bad("must not hold two periods in a row")
				}
			}
		default:
			return bad("may hold lower-case letters, numbers, periods and hyphens only")
		}
	}
	if dots == 3 && strings.Trim(name, "0123456789.") == "" {
		return bad("must not look like an IP address")
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) {
			return bad("must not begin with " + p)
		}
	}
	for _, s := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, s) {
			return bad("must not end with " + s)
		}
	}
	return nil
}

// appendSegment writes the escaped form of one segment, unbroken.
func appendSegment(dst []byte, seg string) []byte {
	switch seg {
	case "":
		return append(dst, emptySegment...)
	case ".", "..":
		for range len(seg) {
			dst = append(dst, "%2E"...)
		}
		return dst
	}
	for i := range len(seg) {
		c := seg[i]
		if c < 0x20 || c == 0x7f || c == '%' || c == '\\' {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// encodeKey returns the relative path of a key with slashes.
func encodeKey(key string) string {
	dst := make([]byte, 0, len(key)+16)
	for i, seg := range strings.Split(key, "/") {
		if i > 0 {
			dst = append(dst, '/')
		}
		start := len(dst)
		dst = appendSegment(dst, seg)
		if len(dst)-start > maxName {
			long := string(dst[start:])
			dst = appendBroken(dst[:start], long)
		}
	}
	return string(dst)
}

// appendBroken cuts a long escaped segment into names of at most maxName bytes,
// never inside an escape or a UTF-8 sequence.
func appendBroken(dst []byte, long string) []byte {
	for len(long) > maxName {
		cut := maxName
		for !utf8.RuneStart(long[cut]) {
			cut--
		}
		for back := 1; back <= 2; back++ {
			if long[cut-back] == '%' {
				cut -= back
				break
			}
		}
		dst = append(dst, long[:cut]...)
		dst = append(dst, continued...)
		dst = append(dst, '/')
		long = long[cut:]
	}
	if long == "." || long == ".." {
		return appendSegment(dst, long)
	}
	return append(dst, long...)
}

// nameKind says what a name in a directory stands for.
type nameKind int

const (
	namePlain     nameKind = iota // a file or a directory
	nameDisplaced                 // a file that gave way
	nameContinued                 // a directory: the segment goes on
)

// decodeName undoes the escapes of one name. ok is false for names that
// encodeKey never writes; those are not objects.
func decodeName(name string) (seg string, kind nameKind, ok bool) {
	if s, found := strings.CutSuffix(name, displaced); found {
		name, kind = s, nameDisplaced
	} else if s, found := strings.CutSuffix(name, continued); found {
		name, kind = s, nameContinued
	}
	if name == emptySegment {
		return "", kind, kind != nameContinued
	}
	if name == "" {
		return "", kind, false
	}
	if !strings.Contains(name, "%") {
		return name, kind, utf8.ValidString(name) && clean(name)
	}
	dst := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			dst = append(dst, name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", kind, false
		}
		hi, lo := strings.IndexByte(upperHex, name[i+1]), strings.IndexByte(upperHex, name[i+2])
		if hi < 0 || lo < 0 {
			return "", kind, false
		}
		dst = append(dst, byte(hi<<4|lo))
		i += 2
	}
	seg = string(dst)
	// Only the canonical form counts, else one key would have two names.
	canonical := string(appendSegment(nil, seg)) == name
	return seg, kind, canonical && utf8.ValidString(seg)
}

// clean reports whether a name without escapes is one that encodeKey writes.
func clean(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < 0x20 || c == 0x7f || c == '\\' {
			return false
		}
	}
	return name != "." && name != ".."
}
