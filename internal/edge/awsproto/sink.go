package awsproto

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Sink is an answer in the making, in one of the protocols of a service that speaks
// several. Values come in the order in which they stand; inside a structure each one has its
// name before it, inside a map its key. A sink serves one goroutine.
type Sink interface {
	Begin() // of a structure
	Name(name string)
	End()
	BeginList(n int)
	EndList()
	BeginMap(n int)
	Key(key string)
	EndMap()
	Text(v string)
	Bool(v bool)
	Int(v int64)
	Float(v float64)
	Time(v Millis)
	Blob(v []byte)
}

// PutText writes a string of a list or map.
func PutText(v *string, s Sink) { s.Text(*v) }

// PutBool writes a boolean of a list or map.
func PutBool(v *bool, s Sink) { s.Bool(*v) }

// PutInt writes an integer of a list or map.
func PutInt[T int32 | int64](v *T, s Sink) { s.Int(int64(*v)) }

// PutFloat writes a number of a list or map.
func PutFloat(v *float64, s Sink) { s.Float(*v) }

// PutTime writes a time of a list or map.
func PutTime(v *Millis, s Sink) { s.Time(*v) }

// PutMember writes a scalar or structure as a member, unless it is absent.
func PutMember[T any](s Sink, name string, v *T, elem func(*T, Sink)) {
	if v != nil {
		s.Name(name)
		elem(v, s)
	}
}

// PutBlobMember writes a blob as a member, unless it is absent.
func PutBlobMember(s Sink, name string, v []byte) {
	if v != nil {
		s.Name(name)
		s.Blob(v)
	}
}

// PutListMember writes a list as a member, unless it is absent.
func PutListMember[T any](s Sink, name string, v []T, elem func(*T, Sink)) {
	if v != nil {
		s.Name(name)
		PutList(s, v, elem)
	}
}

// PutList writes a list.
func PutList[T any](s Sink, v []T, elem func(*T, Sink)) {
	s.BeginList(len(v))
	for i := range v {
		elem(&v[i], s)
	}
	s.EndList()
}

// PutMapMember writes a map with its keys sorted as a member, unless it is absent.
func PutMapMember[T any](s Sink, name string, v map[string]T, elem func(*T, Sink)) {
	if v == nil {
		return
	}
	keys := make([]string, 0, len(v))
	for key := range v {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	s.Name(name)
	s.BeginMap(len(v))
	for _, key := range keys {
		s.Key(key)
		value := v[key]
		elem(&value, s)
	}
	s.EndMap()
}

// decodeBase64 decodes a blob in text.
func decodeBase64(text string) (blob []byte, ok bool) {
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	return blob, err == nil && !strings.ContainsAny(text, "\r\n")
}

// appendDouble is AppendFloat with ".0" behind whole numbers, as the real service writes
// them: some clients take a number without a point for an integer.
func appendDouble(dst []byte, v float64) []byte {
	n := len(dst)
	dst = AppendFloat(dst, v)
	for _, c := range dst[n:] {
		if c != '-' && (c < '0' || c > '9') {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// jsonSink writes JSON. Times are numbers of seconds.
type jsonSink struct {
	b     []byte
	named bool // a name or key has just been written
}

// comma puts what stands between values.
func (s *jsonSink) comma() {
	if s.named {
		s.named = false
		return
	}
	if n := len(s.b); n > 0 && s.b[n-1] != '{' && s.b[n-1] != '[' {
		s.b = append(s.b, ',')
	}
}

func (s *jsonSink) open(c byte) {
	s.comma()
	s.b = append(s.b, c)
}

func (s *jsonSink) Name(name string) {
	s.comma()
	s.b = append(AppendString(s.b, name), ':')
	s.named = true
}

func (s *jsonSink) Begin()         { s.open('{') }
func (s *jsonSink) End()           { s.b = append(s.b, '}') }
func (s *jsonSink) BeginList(int)  { s.open('[') }
func (s *jsonSink) EndList()       { s.b = append(s.b, ']') }
func (s *jsonSink) BeginMap(int)   { s.open('{') }
func (s *jsonSink) EndMap()        { s.b = append(s.b, '}') }
func (s *jsonSink) Key(key string) { s.Name(key) }

func (s *jsonSink) Text(v string) {
	s.comma()
	s.b = AppendString(s.b, v)
}

func (s *jsonSink) Bool(v bool) {
	s.comma()
	s.b = strconv.AppendBool(s.b, v)
}

func (s *jsonSink) Int(v int64) {
	s.comma()
	s.b = strconv.AppendInt(s.b, v, 10)
}

func (s *jsonSink) Float(v float64) {
	s.comma()
	s.b = appendDouble(s.b, v)
}

func (s *jsonSink) Time(v Millis) {
	s.comma()
	if v%1000 == 0 {
		s.b = strconv.AppendInt(s.b, int64(v)/1000, 10)
		return
	}
	s.b = strconv.AppendFloat(s.b, float64(v)/1000, 'f', 3, 64)
}

func (s *jsonSink) Blob(v []byte) {
	s.comma()
	s.b = append(s.b, '"')
	s.b = base64.StdEncoding.AppendEncode(s.b, v)
	s.b = append(s.b, '"')
}

// cborSink writes CBOR. Maps are of indefinite length, lists are not; numbers that are no
// integers of the model are floats of 64 bits.
type cborSink struct{ b []byte }

func (s *cborSink) head(major byte, arg uint64) {
	major <<= 5
	switch {
	case arg < 24:
		s.b = append(s.b, major|byte(arg))
	case arg <= math.MaxUint8:
		s.b = append(s.b, major|24, byte(arg))
	case arg <= math.MaxUint16:
		s.b = binary.BigEndian.AppendUint16(append(s.b, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		s.b = binary.BigEndian.AppendUint32(append(s.b, major|26), uint32(arg))
	default:
		s.b = binary.BigEndian.AppendUint64(append(s.b, major|27), arg)
	}
}

func (s *cborSink) Begin()           { s.b = append(s.b, cborMap<<5|cborIndefinite) }
func (s *cborSink) Name(name string) { s.Text(name) }
func (s *cborSink) End()             { s.b = append(s.b, cborBreak) }
func (s *cborSink) BeginList(n int)  { s.head(cborArray, uint64(n)) }
func (s *cborSink) EndList()         {}
func (s *cborSink) BeginMap(n int)   { s.head(cborMap, uint64(n)) }
func (s *cborSink) Key(key string)   { s.Text(key) }
func (s *cborSink) EndMap()          {}

func (s *cborSink) Text(v string) {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
	}
	s.head(cborText, uint64(len(v)))
	s.b = append(s.b, v...)
}

func (s *cborSink) Bool(v bool) {
	if v {
		s.b = append(s.b, cborTrue)
		return
	}
	s.b = append(s.b, cborFalse)
}

func (s *cborSink) Int(v int64) {
	if v < 0 {
		s.head(cborNegative, uint64(-1-v))
		return
	}
	s.head(cborUint, uint64(v))
}

func (s *cborSink) Float(v float64) {
	s.b = binary.BigEndian.AppendUint64(append(s.b, cborFloat64), math.Float64bits(v))
}

func (s *cborSink) Time(v Millis) {
	s.head(cborTag, cborEpochTag)
	if v%1000 == 0 {
		s.Int(int64(v) / 1000)
		return
	}
	s.Float(float64(v) / 1000)
}

func (s *cborSink) Blob(v []byte) {
	s.head(cborBytes, uint64(len(v)))
	s.b = append(s.b, v...)
}
