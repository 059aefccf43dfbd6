package lookups

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a table.
const (
	MaxBody      = 10 << 20 // bytes
	MaxFields    = 1000
	MaxFieldName = 255 // characters
)

// TableError says what is wrong with the body of a table. Line counts from 1; 0
// is the body as a whole.
type TableError struct {
	Line    int
	Message string // a complete sentence
}

func (e *TableError) Error() string {
	if e.Line == 0 {
		return "The lookup table is not valid CSV: " + e.Message
	}
	return fmt.Sprintf("The lookup table is not valid CSV: line %d: %s", e.Line, e.Message)
}

// records takes a body apart. Fields share the memory of the body, but for those
// with doubled quotes.
type records struct {
	rest string
	line int // of the record that next returns
	next int // line that rest begins with
}

const byteOrderMark = "\ufeff"

func newRecords(body string) *records {
	return &records{rest: strings.TrimPrefix(body, byteOrderMark), next: 1}
}

func (r *records) fail(line int, format string, args ...any) error {
	return &TableError{Line: line, Message: fmt.Sprintf(format, args...)}
}

// read appends the fields of the next record to dst; ok is false at the end. An
// error is a *TableError.
func (r *records) read(dst []string) (_ []string, ok bool, err error) {
	for r.lineEnd() > 0 { // nothing in the line
		r.rest = r.rest[r.lineEnd():]
		r.next++
	}
	if r.rest == "" {
		return dst, false, nil
	}
	r.line = r.next
	for {
		field, err := r.field()
		if err != nil {
			return dst, false, err
		}
		dst = append(dst, field)
		switch n := r.lineEnd(); {
		case n > 0:
			r.rest = r.rest[n:]
			r.next++
			return dst, true, nil
		case r.rest == "":
			return dst, true, nil
		case r.rest[0] != ',':
			return dst, false, r.fail(r.next, "A field goes on behind its closing quote.")
		}
		r.rest = r.rest[1:]
	}
}

// lineEnd returns the length of the line end that rest begins with, 0 when it
// does not.
func (r *records) lineEnd() int {
	switch {
	case strings.HasPrefix(r.rest, "\n"):
		return 1
	case strings.HasPrefix(r.rest, "\r\n"):
		return 2
	}
	return 0
}

// field takes one field off rest, which begins with a comma or a line end, or is
// empty, then.
func (r *records) field() (string, error) {
	if strings.HasPrefix(r.rest, `"`) {
		return r.quoted()
	}
	n := strings.IndexAny(r.rest, ",\n\"")
	if n < 0 {
		n = len(r.rest)
	} else if r.rest[n] == '"' {
		return "", r.fail(r.next, "A quote stands within a field that does not begin with one.")
	} else if r.rest[n] == '\n' && n > 0 && r.rest[n-1] == '\r' {
		n--
	}
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field, nil
}

func (r *records) quoted() (string, error) {
	start := r.next
	rest := r.rest[1:]
	doubled := false
	for n := 0; ; n++ {
		at := strings.IndexByte(rest[n:], '"')
		if at < 0 {
			return "", r.fail(start, "A quoted field does not end.")
		}
		n += at
		if n+1 < len(rest) && rest[n+1] == '"' {
			doubled = true
			n++
			continue
		}
		field := rest[:n]
		r.rest = rest[n+1:]
		r.next += strings.Count(field, "\n")
		if doubled {
			field = strings.ReplaceAll(field, `""`, `"`)
		}
		return field, nil
	}
}

// checkBody checks a whole body and returns the names of its columns and the number of
// records below them. An error is a *TableError.
func checkBody(body string) (fields []string, count int64, err error) {
	if len(body) > MaxBody {
		return nil, 0, &TableError{Message: fmt.Sprintf("It has %d bytes, more than %d.", len(body), MaxBody)}
	}
	if !utf8.ValidString(body) {
		return nil, 0, &TableError{Line: badLine(body), Message: "It is not UTF-8."}
	}
	r := newRecords(body)
	fields, err = r.header()
	if err != nil {
		return nil, 0, err
	}
	var row []string
	for {
		var ok bool
		row, ok, err = r.read(row[:0])
		if err != nil || !ok {
			return fields, count, err
		}
		if len(row) != len(fields) {
			return nil, 0, r.fail(r.line, "It has %d fields where the header has %d.", len(row), len(fields))
		}
		count++
	}
}

func badLine(body string) int {
	line := 1
	for len(body) > 0 {
		c, n := utf8.DecodeRuneInString(body)
		if c == utf8.RuneError && n == 1 {
			return line
		}
		if c == '\n' {
			line++
		}
		body = body[n:]
	}
	return 0
}

// header reads the names of the columns.
func (r *records) header() ([]string, error) {
	fields, ok, err := r.read(nil)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, &TableError{Message: "It has no header."}
	case len(fields) > MaxFields:
		return nil, r.fail(r.line, "The header has %d columns, more than %d.", len(fields), MaxFields)
	}
	seen := make(map[string]bool, len(fields))
	for i, name := range fields {
		switch {
		case strings.TrimSpace(name) == "":
			return nil, r.fail(r.line, "Column %d has no name.", i+1)
		case utf8.RuneCountInString(name) > MaxFieldName:
			return nil, r.fail(r.line, "The name of column %d has more than %d characters.", i+1, MaxFieldName)
		case seen[name]:
			return nil, r.fail(r.line, "Two columns are named %s.", name)
		}
		seen[name] = true
	}
	return fields, nil
}

// parse takes a body that checkBody accepted apart, with count records.
func parse(body string, count int64) (fields []string, rows [][]string, err error) {
	r := newRecords(body)
	fields, err = r.header()
	if err != nil {
		return nil, nil, err
	}
	rows = make([][]string, 0, count)
	cells := make([]string, 0, count*int64(len(fields)))
	for {
		n := len(cells)
		var ok bool
		cells, ok, err = r.read(cells)
		if err != nil || !ok {
			return fields, rows, err
		}
		if len(cells)-n != len(fields) {
			return nil, nil, r.fail(r.line, "It has %d fields where the header has %d.", len(cells)-n, len(fields))
		}
		rows = append(rows, cells[n:len(cells):len(cells)])
	}
}
