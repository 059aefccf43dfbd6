package awsproto

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Major types of CBOR (RFC 8949, section 3.1).
const (
	cborUint byte = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// Simple values and the bytes that stand for them as a whole.
const (
	cborFalse     = 0xf4
	cborTrue      = 0xf5
	cborNull      = 0xf6
	cborUndefined = 0xf7
	cborFloat16   = 0xf9
	cborFloat32   = 0xfa
	cborFloat64   = 0xfb
	cborBreak     = 0xff

	cborIndefinite = 31
	cborEpochTag   = 1
)

// cborNames names the major types in errors.
var cborNames = [8]string{"an integer", "an integer", "a blob", "a string", "a list", "a map", "a tag", "a simple value"}

// cborSource reads CBOR. Rules: lengths may be definite or not; a key is a text; null and
// undefined stand for an absent member and are refused inside lists and maps;
// of duplicate members the last one wins; a number may have any width; a time is a number of
// seconds, with tag 1 or without; no other tag is known. Unknown members may
// be anything that is well-formed.
type cborSource struct {
	data     []byte
	pos      int
	depth    int
	elements budget
}

// decodeCBOR decodes one whole CBOR value into v. An empty body stands for an
// empty map.
func decodeCBOR(data []byte, v Shape) error {
	if len(data) == 0 {
		return nil
	}
	s := &cborSource{data: data}
	if err := v.Decode(s); err != nil {
		return err
	}
	if s.pos < len(data) {
		return s.Fail("unexpected bytes after the CBOR value")
	}
	return nil
}

func (s *cborSource) Fail(reason string) error { return &DecodeError{Offset: s.pos, Reason: reason} }

func (s *cborSource) errorf(format string, args ...any) error {
	return s.Fail(fmt.Sprintf(format, args...))
}

// peek returns the first byte of the next value.
func (s *cborSource) peek() (byte, error) {
	if s.pos == len(s.data) {
		return 0, s.Fail("unexpected end of the CBOR value")
	}
	return s.data[s.pos], nil
}

// head reads the head of a value. For an indefinite length arg is 0 and the
// returned indefinite is true; a break is no head.
func (s *cborSource) head() (major byte, arg uint64, indefinite bool, err error) {
	first, err := s.peek()
	if err != nil {
		return 0, 0, false, err
	}
	major, info := first>>5, first&31
	size := 0
	switch {
	case info < 24:
		arg = uint64(info)
	case info <= 27:
		size = 1 << (info - 24)
	case info == cborIndefinite && major >= cborBytes && major <= cborMap:
		indefinite = true
	default:
		return 0, 0, false, s.errorf("unexpected byte 0x%02x", first)
	}
	if len(s.data)-s.pos-1 < size {
		return 0, 0, false, s.Fail("unexpected end of the CBOR value")
	}
	at := s.data[s.pos+1:]
	switch size {
	case 1:
		arg = uint64(at[0])
	case 2:
		arg = uint64(binary.BigEndian.Uint16(at))
	case 4:
		arg = uint64(binary.BigEndian.Uint32(at))
	case 8:
		arg = binary.BigEndian.Uint64(at)
	}
	if major == cborSimple && size == 1 && arg < 32 {
		return 0, 0, false, s.errorf("unexpected simple value %d", arg)
	}
	s.pos += 1 + size
	return major, arg, indefinite, nil
}

// next reads the head of a value that must be of the wanted major type.
func (s *cborSource) next(want byte) (arg uint64, indefinite bool, err error) {
	at := s.pos
	first, err := s.peek()
	if err != nil {
		return 0, false, err
	}
	if first>>5 != want {
		return 0, false, s.mismatch(cborNames[want])
	}
	_, arg, indefinite, err = s.head()
	if err != nil {
		s.pos = at
	}
	return arg, indefinite, err
}

// mismatch reports that the next value is not of the wanted type.
func (s *cborSource) mismatch(want string) error {
	first, err := s.peek()
	if err != nil {
		return err
	}
	got := cborNames[first>>5]
	switch first {
	case cborFalse, cborTrue:
		got = "a boolean"
	case cborNull, cborUndefined:
		got = "null"
	case cborFloat16, cborFloat32, cborFloat64:
		got = "a number"
	case cborBreak:
		got = "the end of a value"
	}
	return s.errorf("expected %s, found %s", want, got)
}

// items calls item for each of the items of a list or map, whose head has just been read.
func (s *cborSource) items(n uint64, indefinite bool, item func(i int) error) error {
	if s.depth++; s.depth > MaxDepth {
		return s.errorf("nesting deeper than %d", MaxDepth)
	}
	for i := 0; ; i++ {
		if indefinite {
			first, err := s.peek()
			if err != nil {
				return err
			}
			if first == cborBreak {
				s.pos++
				break
			}
		} else if uint64(i) == n {
			break
		}
		if err := item(i); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

// Object reads a map whose values may be null.
func (s *cborSource) Object(member func(name []byte) error) error {
	n, indefinite, err := s.next(cborMap)
	if err != nil {
		return err
	}
	return s.items(n, indefinite, func(int) error {
		name, err := s.bytes(cborText)
		if err != nil {
			return err
		}
		if first, err := s.peek(); err != nil {
			return err
		} else if first == cborNull || first == cborUndefined {
			s.pos++
			return nil
		}
		if err := member(name); err != nil {
			return within(err, string(name))
		}
		return nil
	})
}

// Map reads a map.
func (s *cborSource) Map(value func(key string) error) error {
	n, indefinite, err := s.next(cborMap)
	if err != nil {
		return err
	}
	return s.items(n, indefinite, func(int) error {
		if s.elements.spent() {
			return s.Fail(reasonAllElements)
		}
		key, err := s.Text()
		if err != nil {
			return err
		}
		if err := value(key); err != nil {
			return within(err, key)
		}
		return nil
	})
}

// List reads an array.
func (s *cborSource) List(elem func(i int) error) error {
	n, indefinite, err := s.next(cborArray)
	if err != nil {
		return err
	}
	return s.items(n, indefinite, func(i int) error {
		if s.elements.spent() {
			return withinElement(s.Fail(reasonAllElements), i)
		}
		if err := elem(i); err != nil {
			return withinElement(err, i)
		}
		return nil
	})
}

// bytes reads a text or byte string. The result is a part of the input unless it
// came in chunks.
func (s *cborSource) bytes(major byte) ([]byte, error) {
	n, indefinite, err := s.next(major)
	if err != nil {
		return nil, err
	}
	if !indefinite {
		return s.take(major, n)
	}
	out := []byte{}
	for {
		first, err := s.peek()
		if err != nil {
			return nil, err
		}
		if first == cborBreak {
			s.pos++
			return out, nil
		}
		n, nested, err := s.next(major)
		if err != nil {
			return nil, err
		}
		if nested {
			return nil, s.Fail("a chunk of indefinite length")
		}
		chunk, err := s.take(major, n)
		if err != nil {
			return nil, err
		}
		out = append(out, chunk...)
	}
}

func (s *cborSource) take(major byte, n uint64) ([]byte, error) {
	if n > uint64(len(s.data)-s.pos) {
		return nil, s.Fail("unexpected end of the CBOR value")
	}
	part := s.data[s.pos : s.pos+int(n)]
	if major == cborText && !utf8.Valid(part) {
		return nil, s.Fail("invalid UTF-8")
	}
	s.pos += int(n)
	return part, nil
}

// Text reads a text string.
func (s *cborSource) Text() (string, error) {
	b, err := s.bytes(cborText)
	return string(b), err
}

// Blob reads a byte string.
func (s *cborSource) Blob() ([]byte, error) {
	b, err := s.bytes(cborBytes)
	if err != nil {
		return nil, err
	}
	return append([]byte{}, b...), nil
}

// Bool reads a boolean.
func (s *cborSource) Bool() (bool, error) {
	first, err := s.peek()
	if err != nil {
		return false, err
	}
	if first != cborFalse && first != cborTrue {
		return false, s.mismatch("a boolean")
	}
	s.pos++
	return first == cborTrue, nil
}

// Int reads an integer, or a float that is integral.
func (s *cborSource) Int() (int64, error) {
	at := s.pos
	first, err := s.peek()
	if err != nil {
		return 0, err
	}
	switch first >> 5 {
	case cborUint, cborNegative:
		major, arg, _, err := s.head()
		if err != nil {
			return 0, err
		}
		if arg > math.MaxInt64 {
			s.pos = at
			return 0, s.Fail(reasonRange)
		}
		if major == cborNegative {
			return -1 - int64(arg), nil
		}
		return int64(arg), nil
	}
	if !isCBORFloat(first) {
		return 0, s.mismatch("an integer")
	}
	v, err := s.Float()
	if err != nil {
		return 0, err
	}
	switch {
	case v != math.Trunc(v): // NaN too
		s.pos = at
		return 0, s.Fail("expected an integer, found a number with a fraction")
	case v < -1<<63 || v >= 1<<63:
		s.pos = at
		return 0, s.Fail(reasonRange)
	}
	return int64(v), nil
}

func isCBORFloat(first byte) bool {
	return first == cborFloat16 || first == cborFloat32 || first == cborFloat64
}

// Float reads a float of any width, or an integer.
func (s *cborSource) Float() (float64, error) {
	first, err := s.peek()
	if err != nil {
		return 0, err
	}
	if first>>5 > cborNegative && !isCBORFloat(first) {
		return 0, s.mismatch("a number")
	}
	major, arg, _, err := s.head()
	switch {
	case err != nil:
		return 0, err
	case major == cborUint:
		return float64(arg), nil
	case major == cborNegative:
		return -1 - float64(arg), nil
	case first == cborFloat16:
		return halfFloat(uint16(arg)), nil
	case first == cborFloat32:
		return float64(math.Float32frombits(uint32(arg))), nil
	}
	return math.Float64frombits(arg), nil
}

// halfFloat returns the value of a float of 16 bits.
func halfFloat(bits uint16) float64 {
	exponent, mantissa := int(bits>>10&0x1f), float64(bits&0x3ff)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(mantissa, -24)
	case 31:
		v = math.Inf(1)
		if mantissa != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(mantissa+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -v
	}
	return v
}

// Time reads a number of seconds.
func (s *cborSource) Time() (Millis, error) {
	at := s.pos
	first, err := s.peek()
	if err != nil {
		return 0, err
	}
	if first>>5 == cborTag {
		_, tag, _, err := s.head()
		if err != nil {
			return 0, err
		}
		if tag != cborEpochTag {
			s.pos = at
			return 0, s.errorf("tag %d where a time is expected", tag)
		}
	}
	seconds, err := s.Float()
	if err != nil {
		return 0, err
	}
	t, ok := millisOfSeconds(seconds)
	if !ok {
		s.pos = at
		return 0, s.Fail(reasonRange)
	}
	return t, nil
}

// Skip reads a value of any type.
func (s *cborSource) Skip() error {
	first, err := s.peek()
	if err != nil {
		return err
	}
	switch first >> 5 {
	case cborBytes, cborText:
		_, err := s.bytes(first >> 5)
		return err
	case cborArray:
		n, indefinite, err := s.next(cborArray)
		if err != nil {
			return err
		}
		return s.items(n, indefinite, func(i int) error {
			if err := s.Skip(); err != nil {
				return withinElement(err, i)
			}
			return nil
		})
	case cborMap:
		n, indefinite, err := s.next(cborMap)
		if err != nil {
			return err
		}
		return s.items(n, indefinite, func(int) error {
			if err := s.Skip(); err != nil { // a key of an unknown map may be anything
				return err
			}
			return s.Skip()
		})
	case cborTag:
		if _, _, _, err := s.head(); err != nil {
			return err
		}
		return s.items(1, false, func(int) error { return s.Skip() })
	}
	_, _, _, err = s.head()
	return err
}
