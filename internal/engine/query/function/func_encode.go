package function

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var codes = []*plan.Function{
	fixed("urlencode", 1, textual(urlEncode)),
	fixed("urldecode", 1, textual(urlDecode)),
	fixed("base64encode", 1, textual(base64Encode)),
	fixed("base64decode", 1, textual(base64Decode)),
	fixed("hextoascii", 1, textual(hexToASCII)),
	fixed("hextodec", 1, hexToDec),
	fixed("dectohex", 1, decToHex),
	fixed("md5", 1, textual(md5Hex)),
	fixed("sha256", 1, textual(sha256Hex)),
}

// textual is a function of a text. f appends to dst and reports whether it could.
func textual(f func(dst, t []byte) ([]byte, bool)) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok || len(t) > plan.MaxMade {
			return plan.Value{}
		}
		from := len(a.Bytes)
		if a.Bytes, ok = f(a.Bytes, t); !ok {
			a.Bytes = a.Bytes[:from]
			return plan.Value{}
		}
		return made(a, from)
	}
}

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

// urlEncode writes everything but letters, digits and -_.~ as %XX (ours).
func urlEncode(dst, t []byte) ([]byte, bool) {
	for _, c := range t {
		if c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c == '.' || c == '~' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst, true
}

// urlDecode reads %XX, and + as a blank (ours).
func urlDecode(dst, t []byte) ([]byte, bool) {
	for i := 0; i < len(t); i++ {
		switch c := t[i]; c {
		case '+':
			dst = append(dst, ' ')
		case '%':
			if i+2 >= len(t) {
				return dst, false
			}
			hi, lo := nibble(t[i+1]), nibble(t[i+2])
			if hi|lo > 15 {
				return dst, false
			}
			dst = append(dst, hi<<4|lo)
			i += 2
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

// nibble returns the value of a hexadecimal digit, 255 when it is none.
func nibble(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

func base64Encode(dst, t []byte) ([]byte, bool) {
	return base64.StdEncoding.AppendEncode(dst, t), true
}

// base64Decode reads both alphabets, with or without padding (ours).
func base64Decode(dst, t []byte) ([]byte, bool) {
	for n := 0; n < 2 && len(t) > 0 && t[len(t)-1] == '='; n++ {
		t = t[:len(t)-1]
	}
	enc := base64.RawStdEncoding
	for _, c := range t {
		if c == '-' || c == '_' {
			enc = base64.RawURLEncoding
			break
		}
	}
	dst, err := enc.AppendDecode(dst, t)
	return dst, err == nil
}

// digitsOf returns hexadecimal digits without 0x before them.
func digitsOf(t []byte) []byte {
	if len(t) > 2 && t[0] == '0' && t[1]|0x20 == 'x' {
		return t[2:]
	}
	return t
}

func hexToASCII(dst, t []byte) ([]byte, bool) {
	dst, err := hex.AppendDecode(dst, digitsOf(t))
	return dst, err == nil
}

// hexToDec reads up to 16 digits, with or without a sign and 0x.
func hexToDec(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	sign := 1.0
	if len(t) > 0 && t[0] == '-' {
		sign, t = -1, t[1:]
	}
	t = digitsOf(t)
	if len(t) == 0 || len(t) > 16 {
		return plan.Value{}
	}
	var n uint64
	for _, c := range t {
		d := nibble(c)
		if d > 15 {
			return plan.Value{}
		}
		n = n<<4 | uint64(d)
	}
	return plan.NumberValue(sign*float64(n) + 0)
}

// decToHex writes an integer; a fraction is cut off.
func decToHex(args []plan.Value, a *plan.Arena) plan.Value {
	x, ok := args[0].Float()
	if x = math.Trunc(x); !ok || math.Abs(x) >= 1<<63 {
		return plan.Value{}
	}
	from := len(a.Bytes)
	if x < 0 {
		a.Bytes = append(a.Bytes, '-')
	}
	a.Bytes = strconv.AppendUint(append(a.Bytes, "0x"...), uint64(math.Abs(x)), 16)
	return made(a, from)
}

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst
}

func md5Hex(dst, t []byte) ([]byte, bool) {
	sum := md5.Sum(t)
	return appendHex(dst, sum[:]), true
}

func sha256Hex(dst, t []byte) ([]byte, bool) {
	sum := sha256.Sum256(t)
	return appendHex(dst, sum[:]), true
}
