package awsproto

import (
	"encoding/base64"
	"math"
	"strconv"
)

// xmlSink writes the XML of the Query protocol. The outermost structure has no element of
// its own: what is around it belongs to the envelope. A list is an element with one <member> for
// each of its own, a map one with an <entry> of <key> and <value>.
type xmlSink struct {
	b     []byte
	next  string // element of the next value
	stack []xmlFrame
}

// xmlFrame is a structure, list or map that is open.
type xmlFrame struct {
	name string
	kind byte // 's', 'l' or 'm'
}

// start opens the element of a value and returns its name.
func (s *xmlSink) start() string {
	name := s.next
	if n := len(s.stack); n > 0 && s.stack[n-1].kind == 'l' {
		name = "member"
	}
	s.b = append(append(append(s.b, '<'), name...), '>')
	return name
}

// stop closes the element of a value.
func (s *xmlSink) stop(name string) {
	s.b = append(append(append(s.b, "</"...), name...), '>')
	if n := len(s.stack); n > 0 && s.stack[n-1].kind == 'm' {
		s.b = append(s.b, "</entry>"...)
	}
}

func (s *xmlSink) push(kind byte) { s.stack = append(s.stack, xmlFrame{s.start(), kind}) }

func (s *xmlSink) pop() {
	top := s.stack[len(s.stack)-1]
	s.stack = s.stack[:len(s.stack)-1]
	s.stop(top.name)
}

// Begin opens a structure; the outermost one has no name.
func (s *xmlSink) Begin() {
	if len(s.stack) == 0 {
		s.stack = append(s.stack, xmlFrame{kind: 's'})
		return
	}
	s.push('s')
}

// End closes a structure.
func (s *xmlSink) End() {
	if len(s.stack) == 1 {
		s.stack = s.stack[:0]
		return
	}
	s.pop()
}

func (s *xmlSink) Name(name string) { s.next = name }
func (s *xmlSink) BeginList(int)    { s.push('l') }
func (s *xmlSink) EndList()         { s.pop() }
func (s *xmlSink) BeginMap(int)     { s.push('m') }
func (s *xmlSink) EndMap()          { s.pop() }

func (s *xmlSink) Key(key string) {
	s.b = append(s.b, "<entry>"...)
	s.b = AppendXMLElement(s.b, "key", key)
	s.next = "value"
}

func (s *xmlSink) Text(v string) {
	name := s.start()
	s.b = AppendXMLText(s.b, v)
	s.stop(name)
}

func (s *xmlSink) Bool(v bool) {
	name := s.start()
	s.b = strconv.AppendBool(s.b, v)
	s.stop(name)
}

func (s *xmlSink) Int(v int64) {
	name := s.start()
	s.b = strconv.AppendInt(s.b, v, 10)
	s.stop(name)
}

func (s *xmlSink) Float(v float64) {
	name := s.start()
	switch {
	case math.IsNaN(v):
		s.b = append(s.b, "NaN"...)
	case math.IsInf(v, 1):
		s.b = append(s.b, "Infinity"...)
	case math.IsInf(v, -1):
		s.b = append(s.b, "-Infinity"...)
	default:
		s.b = appendDouble(s.b, v)
	}
	s.stop(name)
}

func (s *xmlSink) Time(v Millis) {
	name := s.start()
	s.b = appendTime(s.b, v)
	s.stop(name)
}

func (s *xmlSink) Blob(v []byte) {
	name := s.start()
	s.b = base64.StdEncoding.AppendEncode(s.b, v)
	s.stop(name)
}
