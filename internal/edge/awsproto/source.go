package awsproto

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Millis is a point in time: milliseconds since 1970-01-01T00:00Z.
type Millis int64

// Bounds of a Millis on the wire: the years 0 to 9999, all that ISO 8601 can
// say.
const (
	minMillis = -62167219200000
	maxMillis = 253402300799999
)

// Source is a request body in one of the protocols of a service that speaks several.
// It is a cursor: each method reads the next value, and a callback must consume one
// value. Errors are *DecodeError. A source serves one goroutine.
type Source interface {
	// Object reads a structure and calls member for each member with a value; the
	// name is valid during the call.
	Object(member func(name []byte) error) error
	// List reads a list and calls elem for each element, counted from 0.
	List(elem func(i int) error) error
	// Map reads a map and calls value for each key.
	Map(value func(key string) error) error
	// Skip reads a value of any type.
	Skip() error
	Text() (string, error)
	Bool() (bool, error)
	Int() (int64, error)
	Float() (float64, error)
	Time() (Millis, error)
	Blob() ([]byte, error)
	// Fail returns an error about the value that has just been read.
	Fail(reason string) error
}

// ReadText reads a string of a list or map.
func ReadText(dst *string, s Source) (err error) {
	*dst, err = s.Text()
	return err
}

// ReadBool reads a boolean of a list or map.
func ReadBool(dst *bool, s Source) (err error) {
	*dst, err = s.Bool()
	return err
}

// ReadInt reads an integer of a list or map.
func ReadInt[T int32 | int64](dst *T, s Source) error {
	n, err := s.Int()
	if err == nil && int64(T(n)) != n {
		err = s.Fail(reasonRange)
	}
	*dst = T(n)
	return err
}

// ReadFloat reads a number of a list or map.
func ReadFloat(dst *float64, s Source) (err error) {
	*dst, err = s.Float()
	return err
}

// ReadTime reads a time of a list or map.
func ReadTime(dst *Millis, s Source) (err error) {
	*dst, err = s.Time()
	return err
}

// ReadBlob reads a blob.
func ReadBlob(dst *[]byte, s Source) (err error) {
	*dst, err = s.Blob()
	return err
}

// ReadValue reads a scalar or structure into a new value.
func ReadValue[T any](s Source, dst **T, elem func(*T, Source) error) error {
	v := new(T)
	if err := elem(v, s); err != nil {
		return err
	}
	*dst = v
	return nil
}

// ReadList reads a list into a new slice, which is not nil.
func ReadList[T any](s Source, dst *[]T, elem func(*T, Source) error) error {
	list := []T{}
	err := s.List(func(i int) error {
		if i == MaxElements {
			return s.Fail(reasonElements)
		}
		var zero T
		list = append(list, zero)
		return elem(&list[i], s)
	})
	*dst = list
	return err
}

// ReadMap reads a map into a new one, which is not nil. Of equal keys the last
// one wins.
func ReadMap[T any](s Source, dst *map[string]T, elem func(*T, Source) error) error {
	m := map[string]T{}
	err := s.Map(func(key string) error {
		var v T
		if err := elem(&v, s); err != nil {
			return err
		}
		if m[key] = v; len(m) > MaxElements {
			return s.Fail(reasonElements)
		}
		return nil
	})
	*dst = m
	return err
}

// withinElement adds the index of a list's element, from 1, to the path of an error.
func withinElement(err error, i int) error { return within(err, strconv.Itoa(i+1), "member") }

const reasonRange = "number out of range"

var (
	reasonElements    = "more than " + strconv.Itoa(MaxElements) + " elements"
	reasonAllElements = "more than " + strconv.Itoa(maxAllElements) + " elements in all"
)

// millisOfSeconds converts a number of seconds; ok is false outside the years 0
// to 9999.
func millisOfSeconds(seconds float64) (t Millis, ok bool) {
	ms := math.Round(seconds * 1000)
	if !(ms >= minMillis && ms <= maxMillis) {
		return 0, false
	}
	return Millis(ms), true
}

// timeLayouts are the forms of ISO 8601 that requests use. A second may have a
// fraction; without a zone it is UTC.
var timeLayouts = [...]string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02T15:04:05Z0700",
	"20060102T150405Z0700", time.DateOnly,
}

// parseTime reads a time in ISO 8601.
func parseTime(text string) (t Millis, ok bool) {
	if len(text) > 64 {
		return 0, false
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			ms := at.UnixMilli()
			return Millis(ms), ms >= minMillis && ms <= maxMillis
		}
	}
	return 0, false
}

// appendTime appends a time in ISO 8601, with milliseconds unless they are 0. It is
// time.AppendFormat for one format, at a third of the cost.
func appendTime(dst []byte, t Millis) []byte {
	at := time.UnixMilli(int64(t)).UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	dst = append(dst, digits2[year/100%100]...)
	dst = append(dst, digits2[year%100]...)
	dst = append(append(dst, '-'), digits2[month]...)
	dst = append(append(dst, '-'), digits2[day]...)
	dst = append(append(dst, 'T'), digits2[hour]...)
	dst = append(append(dst, ':'), digits2[minute]...)
	dst = append(append(dst, ':'), digits2[second]...)
	if ms := at.Nanosecond() / 1_000_000; ms != 0 {
		dst = append(dst, '.', byte('0'+ms/100))
		dst = append(dst, digits2[ms%100]...)
	}
	return append(dst, 'Z')
}

// digits2 holds the numbers to 99 with two digits.
var digits2 = func() (t [100]string) {
	for i := range t {
		t[i] = string([]byte{byte('0' + i/10), byte('0' + i%10)})
	}
	return t
}()

// parseFloat reads a number as requests write it in text: a decimal, "NaN",
// "Infinity" or "-Infinity". reason is "" when it is one.
func parseFloat(text string) (v float64, reason string) {
	switch text {
	case "NaN":
		return math.NaN(), ""
	case "Infinity", "+Infinity":
		return math.Inf(1), ""
	case "-Infinity":
		return math.Inf(-1), ""
	}
	if text == "" || strings.Trim(text, "0123456789.+-eE") != "" {
		return 0, "expected a number"
	}
	v, err := strconv.ParseFloat(text, 64)
	switch {
	case err == nil:
		return v, ""
	case math.IsInf(v, 0):
		return 0, reasonRange
	}
	return 0, "expected a number"
}

// jsonSource reads JSON.
type jsonSource struct{ *Decoder }

// JSONSource returns the source of a JSON text; see the package comment for its rules.
// Times are numbers of seconds; texts in ISO 8601 are taken too.
func JSONSource(d *Decoder) Source { return jsonSource{d} }

func (s jsonSource) List(elem func(i int) error) error {
	return s.array(func(i int) error {
		if s.elements.spent() {
			return s.Fail(reasonAllElements)
		}
		return elem(i)
	})
}

func (s jsonSource) Map(value func(key string) error) error {
	return s.object(true, func(name []byte) error {
		if s.elements.spent() {
			return s.Fail(reasonAllElements)
		}
		return value(string(name))
	})
}

func (s jsonSource) Text() (v string, err error) {
	err = StringElem(&v, s.Decoder)
	return v, err
}

func (s jsonSource) Bool() (v bool, err error) {
	err = BoolElem(&v, s.Decoder)
	return v, err
}

func (s jsonSource) Int() (v int64, err error) {
	err = IntElem(&v, s.Decoder)
	return v, err
}

func (s jsonSource) Float() (v float64, err error) {
	err = FloatElem(&v, s.Decoder)
	return v, err
}

func (s jsonSource) Blob() (v []byte, err error) {
	err = BlobElem(&v, s.Decoder)
	return v, err
}

func (s jsonSource) Fail(reason string) error { return s.errorf("%s", reason) }

func (s jsonSource) Time() (Millis, error) {
	if s.peek() == '"' {
		text, err := s.Text()
		if err != nil {
			return 0, err
		}
		if t, ok := parseTime(text); ok {
			return t, nil
		}
		return 0, s.Fail(reasonTime)
	}
	seconds, err := s.Float()
	if err != nil {
		return 0, err
	}
	if t, ok := millisOfSeconds(seconds); ok {
		return t, nil
	}
	return 0, s.Fail(reasonRange)
}

const reasonTime = "timestamp must follow ISO8601"
