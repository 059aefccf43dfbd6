package awsproto

import (
	"bytes"
	"encoding/xml"
)

// AppendXMLText appends s with the characters escaped that XML text cannot
// hold.
func AppendXMLText(dst []byte, s string) []byte {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return dst // a bytes.Buffer does not fail
	}
	return append(dst, b.Bytes()...)
}

// AppendXMLElement appends <name>text</name>.
func AppendXMLElement(dst []byte, name, text string) []byte {
	dst = append(append(append(dst, '<'), name...), '>')
	dst = AppendXMLText(dst, text)
	return append(append(append(dst, "</"...), name...), '>')
}

// AppendQueryError appends the error document of the Query protocol.
func AppendQueryError(dst []byte, namespace string, e *Error, requestID string) []byte {
	kind := "Sender"
	if e.HTTPStatus() >= 500 {
		kind = "Receiver"
	}
	dst = append(dst, `<ErrorResponse xmlns="`...)
	dst = AppendXMLText(dst, namespace)
	dst = append(dst, `"><Error>`...)
	dst = AppendXMLElement(dst, "Type", kind)
	dst = AppendXMLElement(dst, "Code", e.Code)
	dst = AppendXMLElement(dst, "Message", e.Message)
	dst = append(dst, "</Error>"...)
	dst = AppendXMLElement(dst, "RequestId", requestID)
	return append(dst, "</ErrorResponse>\n"...)
}
