package awsproto

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// MaxDepth bounds the nesting of objects and lists.
	MaxDepth = 100
	// MaxElements bounds a decoded list or map, so that a body of empty
	// elements cannot grow a hundredfold in memory. The largest modelled list
	// has 10,000 elements.
	MaxElements = 1 << 16
	// maxAllElements bounds the elements of all lists and maps of a body, for
	// lists of lists. PutMetricData may have 331,000: 1000 metrics with 150 values,
	// 150 counts and 30 dimensions each.
	maxAllElements = 1 << 19
)

// DecodeError tells why a body cannot be decoded.
type DecodeError struct {
	Offset int      // position in the JSON text, in bytes from 0
	Path   []string // members from the outermost; a list adds its index from 1 and "member"
	Reason string
}

// Error returns the text that the SerializationException carries.
func (e *DecodeError) Error() string {
	if len(e.Path) == 0 {
		return fmt.Sprintf("%s (position %d)", e.Reason, e.Offset)
	}
	return fmt.Sprintf("%s (member '%s', position %d)", e.Reason, strings.Join(e.Path, "."), e.Offset)
}

// Decoder reads one JSON text. It keeps no reference to the text in what it
// decodes. It serves one goroutine.
type Decoder struct {
	data     []byte
	pos      int
	depth    int
	elements budget
}

// budget counts the elements of a body.
type budget int

// spent takes an element and tells whether that was one too many.
func (b *budget) spent() bool {
	*b++
	return *b > maxAllElements
}

// NewDecoder returns a decoder of data, which must not change meanwhile.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// Unmarshal decodes one whole JSON text into v. Every error is a
// *DecodeError.
func Unmarshal(data []byte, v interface{ DecodeJSON(*Decoder) error }) error {
	d := NewDecoder(data)
	if !utf8.Valid(data) {
		for d.pos < len(data) {
			r, size := utf8.DecodeRune(data[d.pos:])
			if r == utf8.RuneError && size == 1 {
				return d.errorf("invalid UTF-8")
			}
			d.pos += size
		}
	}
	d.space()
	if d.pos == len(data) {
		return nil
	}
	if err := v.DecodeJSON(d); err != nil {
		return err
	}
	d.space()
	if d.pos < len(data) {
		return d.errorf("unexpected text after the JSON value")
	}
	return nil
}

func (d *Decoder) errorf(format string, args ...any) error {
	return &DecodeError{Offset: d.pos, Reason: fmt.Sprintf(format, args...)}
}

// within adds the enclosing members to the path of an error.
func within(err error, names ...string) error {
	if e, ok := err.(*DecodeError); ok { //nolint:errorlint // made a few frames below, never wrapped
		for i, name := range names {
			names[i] = clip(name)
		}
		e.Path = append(names, e.Path...)
	}
	return err
}

// maxName bounds a member name in an error, in bytes.
const maxName = 128

func clip(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "…"
}

func (d *Decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (d *Decoder) peek() byte {
	d.space()
	if d.pos == len(d.data) {
		return 0
	}
	return d.data[d.pos]
}

func (d *Decoder) literal(word string) bool {
	if len(d.data)-d.pos >= len(word) && string(d.data[d.pos:d.pos+len(word)]) == word {
		d.pos += len(word)
		return true
	}
	return false
}

func (d *Decoder) null() bool { return d.peek() == 'n' && d.literal("null") }

// mismatch reports that the next value is not of the wanted type. A value that
// is no JSON at all is reported as such.
func (d *Decoder) mismatch(want string) error {
	got := ""
	switch c := d.peek(); {
	case c == 0:
		if d.pos == len(d.data) {
			return d.errorf("unexpected end of the JSON text")
		}
	case c == '{':
		got = "an object"
	case c == '[':
		got = "a list"
	case c == '"':
		got = "a string"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || c >= '0' && c <= '9':
		got = "a number"
	}
	at := d.pos
	if err := d.Skip(); err != nil {
		return err
	}
	d.pos = at
	return d.errorf("expected %s, found %s", want, got)
}

func (d *Decoder) enter() error {
	if d.depth++; d.depth > MaxDepth {
		return d.errorf("nesting deeper than %d", MaxDepth)
	}
	d.pos++
	return nil
}

// Object reads an object and calls member for each member with a value that
// is not null; member must consume the value. The name is valid during the
// call.
func (d *Decoder) Object(member func(name []byte) error) error {
	return d.object(false, member)
}

// object is Object; with nulls set, member is called for null values too.
func (d *Decoder) object(nulls bool, member func(name []byte) error) error {
	if d.peek() != '{' {
		return d.mismatch("an object")
	}
	if err := d.enter(); err != nil {
		return err
	}
	if d.peek() == '}' {
		d.pos++
		d.depth--
		return nil
	}
	for {
		if d.peek() != '"' {
			return d.errorf("expected a member name")
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		if d.peek() != ':' {
			return d.errorf("expected ':' after a member name")
		}
		d.pos++
		if nulls || !d.null() {
			if err := member(name); err != nil {
				return within(err, string(name))
			}
		}
		switch d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			d.depth--
			return nil
		default:
			return d.errorf("expected ',' or '}' in an object")
		}
	}
}

// array reads a list and calls elem for each element.
func (d *Decoder) array(elem func(i int) error) error {
	if d.peek() != '[' {
		return d.mismatch("a list")
	}
	if err := d.enter(); err != nil {
		return err
	}
	if d.peek() == ']' {
		d.pos++
		d.depth--
		return nil
	}
	for i := 0; ; i++ {
		if err := elem(i); err != nil {
			return withinElement(err, i)
		}
		switch d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			d.depth--
			return nil
		default:
			return d.errorf("expected ',' or ']' in a list")
		}
	}
}

// Skip reads one value of any type and checks its syntax.
func (d *Decoder) Skip() error {
	switch c := d.peek(); {
	case c == '{':
		return d.object(true, func([]byte) error { return d.Skip() })
	case c == '[':
		return d.array(func(int) error { return d.Skip() })
	case c == '"':
		_, err := d.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		_, err := d.number()
		return err
	case c == 't' && d.literal("true"), c == 'f' && d.literal("false"), c == 'n' && d.literal("null"):
		return nil
	}
	if d.pos == len(d.data) {
		return d.errorf("unexpected end of the JSON text")
	}
	return d.errorf("unexpected character %s", strconv.QuoteRune(d.rune()))
}

func (d *Decoder) rune() rune {
	r, _ := utf8.DecodeRune(d.data[d.pos:])
	return r
}

// number reads a number by JSON's grammar and returns its text.
func (d *Decoder) number() ([]byte, error) {
	start := d.pos
	digits := func() bool {
		from := d.pos
		for d.pos < len(d.data) && d.data[d.pos]-'0' <= 9 {
			d.pos++
		}
		return d.pos > from
	}
	at := func(set string) bool {
		return d.pos < len(d.data) && strings.IndexByte(set, d.data[d.pos]) >= 0
	}
	if at("-") {
		d.pos++
	}
	if at("0") {
		d.pos++
	} else if !digits() {
		return nil, d.errorf("malformed number")
	}
	if at(".") {
		d.pos++
		if !digits() {
			return nil, d.errorf("malformed number")
		}
	}
	if at("eE") {
		d.pos++
		if at("+-") {
			d.pos++
		}
		if !digits() {
			return nil, d.errorf("malformed number")
		}
	}
	return d.data[start:d.pos], nil
}

// text reads a string and returns its bytes, a part of the input when nothing
// in it is escaped.
func (d *Decoder) text() ([]byte, error) {
	d.pos++ // the quote
	start := d.pos
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			d.pos++
			return d.data[start : d.pos-1], nil
		case c == '\\':
			return d.escaped(start)
		case c < 0x20:
			return nil, d.errorf("control character 0x%02x in a string", c)
		default:
			d.pos++
		}
	}
	return nil, d.errorf("unterminated string")
}

func (d *Decoder) escaped(start int) ([]byte, error) {
	out := append(make([]byte, 0, 2*(d.pos-start)+32), d.data[start:d.pos]...)
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		switch {
		case c == '"':
			d.pos++
			return out, nil
		case c < 0x20:
			return nil, d.errorf("control character 0x%02x in a string", c)
		case c != '\\':
			from := d.pos
			for d.pos < len(d.data) && d.data[d.pos] >= 0x20 && d.data[d.pos] != '"' && d.data[d.pos] != '\\' {
				d.pos++
			}
			out = append(out, d.data[from:d.pos]...)
			continue
		}
		if d.pos+1 == len(d.data) {
			break
		}
		esc := d.data[d.pos+1]
		if esc == 'u' {
			r, size := UnicodeEscape(d.data[d.pos:])
			if size == 0 {
				return nil, d.errorf("malformed \\u escape")
			}
			d.pos += size
			out = utf8.AppendRune(out, r)
			continue
		}
		i := strings.IndexByte(`"\/bfnrt`, esc)
		if i < 0 {
			return nil, d.errorf("unknown escape in a string")
		}
		out = append(out, "\"\\/\b\f\n\r\t"[i])
		d.pos += 2
	}
	d.pos = len(d.data)
	return nil, d.errorf("unterminated string")
}

// StringElem reads a string.
func StringElem(dst *string, d *Decoder) error {
	if d.peek() != '"' {
		return d.mismatch("a string")
	}
	text, err := d.text()
	*dst = string(text)
	return err
}

// BoolElem reads a boolean.
func BoolElem(dst *bool, d *Decoder) error {
	switch c := d.peek(); {
	case c == 't' && d.literal("true"):
		*dst = true
	case c == 'f' && d.literal("false"):
		*dst = false
	default:
		return d.mismatch("a boolean")
	}
	return nil
}

// IntElem reads an integer.
func IntElem[T int32 | int64](dst *T, d *Decoder) error {
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		return d.mismatch("an integer")
	}
	start := d.pos
	text, err := d.number()
	if err != nil {
		return err
	}
	n, reason := integer(text)
	if reason == "" && int64(T(n)) != n {
		reason = "number out of range"
	}
	if reason != "" {
		d.pos = start
		return d.errorf("%s", reason)
	}
	*dst = T(n)
	return nil
}

// integer returns the value of a number that is integral, however written.
func integer(text []byte) (n int64, reason string) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, ""
	}
	sign, body := "", string(text)
	if body[0] == '-' {
		sign, body = "-", body[1:]
	}
	exponent := 0
	if i := strings.IndexAny(body, "eE"); i >= 0 {
		var err error
		// The value saturates on overflow, which the checks below want.
		exponent, err = strconv.Atoi(body[i+1:])
		if err != nil {
			exponent = min(max(exponent, -1<<30), 1<<30)
		}
		body = body[:i]
	}
	whole, fraction, _ := strings.Cut(body, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	switch {
	case trimmed == "":
		return 0, ""
	case exponent < 0:
		return 0, "expected an integer, found a number with a fraction"
	case exponent > 19 || len(trimmed)+exponent > 19:
		return 0, "number out of range"
	}
	n, err := strconv.ParseInt(sign+trimmed+strings.Repeat("0", exponent), 10, 64)
	if err != nil {
		return 0, "number out of range"
	}
	return n, ""
}

// FloatElem reads a number, or one of the strings "NaN", "Infinity" and
// "-Infinity".
func FloatElem(dst *float64, d *Decoder) error {
	c := d.peek()
	start := d.pos
	if c == '"' {
		text, err := d.text()
		if err != nil {
			return err
		}
		switch string(text) {
		case "NaN":
			*dst = math.NaN()
		case "Infinity":
			*dst = math.Inf(1)
		case "-Infinity":
			*dst = math.Inf(-1)
		default:
			d.pos = start
			return d.mismatch("a number")
		}
		return nil
	}
	if c != '-' && (c < '0' || c > '9') {
		return d.mismatch("a number")
	}
	text, err := d.number()
	if err != nil {
		return err
	}
	if *dst, err = strconv.ParseFloat(string(text), 64); err != nil {
		d.pos = start
		return d.errorf("number out of range")
	}
	return nil
}

// BlobElem reads a blob in base64.
func BlobElem(dst *[]byte, d *Decoder) error {
	if d.peek() != '"' {
		return d.mismatch("a string")
	}
	start := d.pos
	text, err := d.text()
	if err != nil {
		return err
	}
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(blob, text)
	if err != nil {
		d.pos = start
		return d.errorf("expected base64")
	}
	*dst = blob[:n]
	return nil
}

// Value reads a scalar or structure into a new value.
func Value[T any](d *Decoder, dst **T, elem func(*T, *Decoder) error) error {
	v := new(T)
	if err := elem(v, d); err != nil {
		return err
	}
	*dst = v
	return nil
}

// List reads a list into a new slice, which is not nil.
func List[T any](d *Decoder, dst *[]T, elem func(*T, *Decoder) error) error {
	list := []T{}
	err := d.array(func(i int) error {
		if i == MaxElements {
			return d.errorf("%s", reasonElements)
		}
		if d.elements.spent() {
			return d.errorf("%s", reasonAllElements)
		}
		var zero T
		list = append(list, zero)
		return elem(&list[i], d)
	})
	*dst = list
	return err
}

// Map reads an object into a new map, which is not nil.
func Map[T any](d *Decoder, dst *map[string]T, elem func(*T, *Decoder) error) error {
	m := map[string]T{}
	err := d.object(true, func(name []byte) error {
		if d.elements.spent() {
			return d.errorf("%s", reasonAllElements)
		}
		key := string(name)
		var v T
		if err := elem(&v, d); err != nil {
			return err
		}
		if m[key] = v; len(m) > MaxElements {
			return d.errorf("%s", reasonElements)
		}
		return nil
	})
	*dst = m
	return err
}

// Read decodes a request body into in and checks its constraints. A non-nil
// error is an *Error: SerializationException, or constraintCode with the
// sentence of [Violations].
func Read(body []byte, in Input, constraintCode string) error {
	if err := Unmarshal(body, in); err != nil {
		return Serialization("%s", err.Error())
	}
	var v Violations
	in.Validate(&v)
	if e := v.Error(constraintCode); e != nil {
		return e
	}
	return nil
}
