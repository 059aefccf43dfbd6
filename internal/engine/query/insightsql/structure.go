package insightsql

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// textFunction makes a function of a text; Null and lists give Null.
func textFunction(name string, of func(text []byte, a *plan.Arena) plan.Value) *plan.Function {
	return textFunctionOr(name, of, plan.Value{})
}

// textFunctionOr makes a function of a text; Null and lists give none.
func textFunctionOr(name string, of func(text []byte, a *plan.Arena) plan.Value, none plan.Value) *plan.Function {
	return &plan.Function{Name: name, Min: 1, Max: 1, Absent: none.Kind != plan.Null, Eval: func(args []plan.Value, a *plan.Arena) plan.Value {
		if !plan.HasText(&args[0]) {
			return none
		}
		text := args[0].Text
		if k := args[0].Kind; k == plan.Number || k == plan.Time {
			from := len(a.Bytes)
			a.Bytes = args[0].AppendText(a.Bytes)
			text = a.Text(from)
		}
		return of(text, a)
	}}
}

// logfmt is the structure of key=value pairs. A value may be in double quotes; a
// key alone has an empty value. Of keys that are the same the last counts. Words
// that are no pair are left out, and a text without any pair is Null (ours).
var logfmt = textFunction("logfmt", func(text []byte, a *plan.Arena) plan.Value {
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '{')
	pairs := false
	for len(text) > 0 {
		text = bytes.TrimLeft(text, " \t\r\n")
		n := bytes.IndexAny(text, "= \t\r\n")
		if n < 0 {
			break
		}
		key := text[:n]
		if text[n] != '=' || n == 0 {
			text = text[n+1:]
			continue
		}
		value, rest := logfmtValue(text[n+1:])
		text = rest
		if len(a.Bytes)-from > 1 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = append(jsontext.Quote(a.Bytes, key), ':')
		a.Bytes = jsontext.Quote(a.Bytes, value)
		pairs = true
		if len(a.Bytes)-from > plan.MaxMade-2 {
			a.Bytes = a.Bytes[:from]
			return plan.Value{}
		}
	}
	if !pairs {
		a.Bytes = a.Bytes[:from]
		return plan.Value{}
	}
	a.Bytes = append(a.Bytes, '}')
	return plan.Value{Kind: plan.List, Text: a.Text(from)}
})

// logfmtValue cuts a value off a text.
func logfmtValue(text []byte) (value, rest []byte) {
	if len(text) == 0 || text[0] != '"' {
		n := bytes.IndexAny(text, " \t\r\n")
		if n < 0 {
			return text, nil
		}
		return text[:n], text[n:]
	}
	escaped := false
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			value = text[1:i]
			if escaped {
				value = unescape(value)
			}
			return value, text[i+1:]
		}
	}
	return text[1:], nil
}

func unescape(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '\\' || i+1 == len(s) {
			out = append(out, c)
			continue
		}
		i++
		switch s[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		default:
			out = append(out, s[i])
		}
	}
	return out
}

// csvExtractor takes the first n fields out of a line of comma-separated values.
// A field may be in double quotes, where two of them stand for one.
func csvExtractor(n int) *plan.Extractor {
	return &plan.Extractor{Name: "csv[" + strconv.Itoa(n) + "]", Parts: n, New: func() func(text []byte, out [][]byte) bool {
		var buf []byte
		return func(text []byte, out [][]byte) bool {
			clear(out)
			buf = buf[:0]
			for i := range out {
				var more bool
				if out[i], text, more = csvField(text, &buf); !more {
					break
				}
			}
			return true
		}
	}}
}

func csvField(text []byte, buf *[]byte) (field, rest []byte, more bool) {
	if len(text) == 0 || text[0] != '"' {
		n := bytes.IndexByte(text, ',')
		if n < 0 {
			return text[:len(text):len(text)], nil, false
		}
		return text[:n:n], text[n+1:], true
	}
	*buf = slices.Grow(*buf, len(text)) // once: fields before this one stay where they are
	at := len(*buf)
	i := 1
	for ; i < len(text); i++ {
		if text[i] == '"' {
			if i+1 == len(text) || text[i+1] != '"' {
				i++
				break
			}
			i++
		}
		*buf = append(*buf, text[i])
	}
	field = (*buf)[at:len(*buf):len(*buf)]
	if n := bytes.IndexByte(text[i:], ','); n >= 0 {
		return field, text[i+n+1:], true
	}
	return field, nil, false
}

// maxXMLDepth bounds the elements of XML within each other.
const maxXMLDepth = 100

// xmlStructure is the structure of an XML text: an object whose one member is
// the outermost element. An element is its text, or an object of its attributes
// (with @ before their names), its elements (a list where a name is repeated)
// and its text (#text). A text that is no XML is Null (ours).
var xmlStructure = textFunction("xml", func(text []byte, a *plan.Arena) plan.Value {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.Strict = true
	for {
		t, err := d.Token()
		if err != nil {
			return plan.Value{}
		}
		start, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		e, err := readElement(d, start, 1)
		if err != nil {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = append(jsontext.Quote(append(a.Bytes, '{'), []byte(start.Name.Local)), ':')
		if a.Bytes = append(e.append(a.Bytes), '}'); len(a.Bytes)-from > plan.MaxMade {
			a.Bytes = a.Bytes[:from]
			return plan.Value{}
		}
		return plan.Value{Kind: plan.List, Text: a.Text(from)}
	}
})

// xmlElement is an element of XML.
type xmlElement struct {
	names []string // of members, in the order of their first mention
	kids  map[string][]*xmlElement
	text  []byte
}

var errXMLDepth = errors.New("elements are nested too deeply")

func readElement(d *xml.Decoder, start xml.StartElement, depth int) (*xmlElement, error) {
	if depth > maxXMLDepth {
		return nil, errXMLDepth
	}
	e := &xmlElement{kids: map[string][]*xmlElement{}}
	add := func(name string, k *xmlElement) {
		if _, ok := e.kids[name]; !ok {
			e.names = append(e.names, name)
		}
		e.kids[name] = append(e.kids[name], k)
	}
	for _, at := range start.Attr {
		add("@"+at.Name.Local, &xmlElement{text: []byte(at.Value)})
	}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			k, err := readElement(d, t, depth+1)
			if err != nil {
				return nil, err
			}
			add(t.Name.Local, k)
		case xml.CharData:
			e.text = append(e.text, t...)
		case xml.EndElement:
			e.text = bytes.TrimSpace(e.text)
			return e, nil
		}
	}
}

func (e *xmlElement) append(dst []byte) []byte {
	if len(e.names) == 0 {
		return jsontext.Quote(dst, e.text)
	}
	dst = append(dst, '{')
	for i, name := range e.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsontext.Quote(dst, []byte(name)), ':')
		list := e.kids[name]
		if len(list) == 1 {
			dst = list[0].append(dst)
			continue
		}
		dst = append(dst, '[')
		for k, x := range list {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = x.append(dst)
		}
		dst = append(dst, ']')
	}
	if len(e.text) > 0 {
		dst = jsontext.Quote(append(dst, `,"#text":`...), e.text)
	}
	return append(dst, '}')
}
