package s3api

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/edge/sigv4"
)

const (
	timeXML   = "2006-01-02T15:04:05.000Z"
	namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

	// maxXML bounds request documents: 10,000 parts with checksums, or 1,000
	// keys in which every byte is an entity, fit.
	maxXML = 8 << 20
)

// xmlWriter writes response documents. encoding/xml would replace control
// characters in keys by U+FFFD; S3 writes them as references, and so do we.
type xmlWriter struct{ buf []byte }

func (x *xmlWriter) begin(name, ns string) {
	if len(x.buf) == 0 {
		x.buf = append(x.buf, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"...)
	}
	x.buf = append(x.buf, '<')
	x.buf = append(x.buf, name...)
	if ns != "" {
		x.buf = append(x.buf, ` xmlns="`...)
		x.buf = append(x.buf, ns...)
		x.buf = append(x.buf, '"')
	}
	x.buf = append(x.buf, '>')
}

func (x *xmlWriter) end(name string) {
	x.buf = append(x.buf, "</"...)
	x.buf = append(x.buf, name...)
	x.buf = append(x.buf, '>')
}

func (x *xmlWriter) text(name, value string) {
	x.begin(name, "")
	x.escape(value)
	x.end(name)
}

// optional writes the element unless value is empty.
func (x *xmlWriter) optional(name, value string) {
	if value != "" {
		x.text(name, value)
	}
}

func (x *xmlWriter) int(name string, v int64)      { x.text(name, strconv.FormatInt(v, 10)) }
func (x *xmlWriter) bool(name string, v bool)      { x.text(name, strconv.FormatBool(v)) }
func (x *xmlWriter) time(name string, t time.Time) { x.text(name, t.UTC().Format(timeXML)) }
func (x *xmlWriter) bytes() []byte                 { return x.buf }

func (x *xmlWriter) escape(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '&':
			x.buf = append(x.buf, "&amp;"...)
		case c == '<':
			x.buf = append(x.buf, "&lt;"...)
		case c == '>':
			x.buf = append(x.buf, "&gt;"...)
		case c == '"':
			x.buf = append(x.buf, "&quot;"...)
		case c < 0x20 || c == 0x7f:
			x.buf = append(x.buf, "&#x"...)
			x.buf = strconv.AppendUint(x.buf, uint64(c), 16)
			x.buf = append(x.buf, ';')
		case c < utf8.RuneSelf:
			x.buf = append(x.buf, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			x.buf = utf8.AppendRune(x.buf, r)
			i += n
			continue
		}
		i++
	}
}

// document returns a finished document as a reply.
func (x *xmlWriter) reply() *reply {
	rep := newReply()
	rep.xml = x.bytes()
	return rep
}

// readXML reads and checks the body and decodes it into v. An empty body leaves
// v alone and returns false.
func (c *call) readXML(v any, o sigv4.BodyOptions) (bool, error) {
	body, err := sigv4.NewBody(c.r, c.auth, o)
	if err != nil {
		return false, err
	}
	if body.Size() > maxXML {
		return false, &apiError{Code: "MaxMessageLengthExceeded", Status: http.StatusBadRequest, Message: "Your request was too big."}
	}
	data, err := io.ReadAll(io.LimitReader(body, maxXML+1))
	if err != nil {
		return false, err
	}
	if len(data) > maxXML {
		return false, &apiError{Code: "MaxMessageLengthExceeded", Status: http.StatusBadRequest, Message: "Your request was too big."}
	}
	if len(data) == 0 {
		return false, nil
	}
	if err := xml.Unmarshal(data, v); err != nil {
		return false, errors.Join(errMalformedXML, err)
	}
	return true, nil
}
