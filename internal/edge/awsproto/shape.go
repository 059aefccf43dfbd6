package awsproto

import "net/http"

// Shape is a generated shape of a service that speaks several protocols.
type Shape interface {
	Decode(Source) error
	Encode(Sink)
}

// Request is a request shape of such a service.
type Request interface {
	Shape
	Validate(*Violations)
}

// Check checks the constraints of a request. The error is an *Error or nil.
func Check(in Request, info *OperationInfo) error {
	var v Violations
	if info.Parameters {
		v.Parameters()
		in.Validate(&v)
		if e := v.ParameterError(); e != nil {
			return e
		}
		return nil
	}
	in.Validate(&v)
	if e := v.Error(info.ConstraintCode); e != nil {
		return e
	}
	return nil
}

type jsonShape struct{ Shape }

func (s jsonShape) DecodeJSON(d *Decoder) error { return s.Decode(JSONSource(d)) }

// DecodeJSONShape decodes a JSON body into v. The error is a *DecodeError or nil.
func DecodeJSONShape(body []byte, v Shape) error { return Unmarshal(body, jsonShape{v}) }

// DecodeCBORShape decodes a CBOR body into v. The error is a *DecodeError or nil.
func DecodeCBORShape(body []byte, v Shape) error { return decodeCBOR(body, v) }

// AppendJSONShape appends v in JSON.
func AppendJSONShape(dst []byte, v Shape) []byte {
	s := jsonSink{b: dst, named: true} // what stands before is no value
	v.Encode(&s)
	return s.b
}

// AppendCBORShape appends v in CBOR.
func AppendCBORShape(dst []byte, v Shape) []byte {
	s := cborSink{b: dst}
	v.Encode(&s)
	return s.b
}

// AppendXMLShape appends the members of v in XML.
func AppendXMLShape(dst []byte, v Shape) []byte {
	s := xmlSink{b: dst}
	v.Encode(&s)
	return s.b
}

// ErrorInfo is what a service that speaks several protocols says about an error code.
type ErrorInfo struct {
	Query   string // code in the Query protocol
	Status  int    // HTTP status
	Message string // name of the member that holds the message
}

// Errors are the errors of a service that speaks several protocols. Codes are the
// names of the shapes; the Query protocol has codes of its own, and in the others clients find
// these in the header x-amzn-query-error.
type Errors struct {
	Namespace string // of the shapes, such as "com.amazonaws.cloudwatch"
	Known     func(code string) (ErrorInfo, bool)
}

// queryCodes are the codes that errors of no model have in the Query protocol.
var queryCodes = map[string]string{
	CodeSerialization:    "MalformedInput",
	CodeUnknownOperation: "InvalidAction",
	CodeThrottling:       "Throttling",
}

// info returns what is known about an error.
func (s *Errors) info(e *Error) (info ErrorInfo, modelled bool) {
	if info, ok := s.Known(e.Code); ok {
		if e.Status != 0 && e.Status != http.StatusBadRequest {
			info.Status = e.Status
		}
		return info, true
	}
	query, ok := queryCodes[e.Code]
	if !ok {
		query = e.Code
	}
	return ErrorInfo{Query: query, Status: e.HTTPStatus(), Message: "message"}, false
}

// Status returns the HTTP status of an error: the one it has, unless that is 0 or 400 and
// the model knows better.
func (s *Errors) Status(e *Error) int {
	info, _ := s.info(e)
	return info.Status
}

// QueryCode returns the code of an error in the Query protocol and who is at
// fault, "Sender" or "Receiver".
func (s *Errors) QueryCode(e *Error) (code, fault string) {
	info, _ := s.info(e)
	if info.Status >= http.StatusInternalServerError {
		return info.Query, "Receiver"
	}
	return info.Query, "Sender"
}

// errorShape is an error with its type.
type errorShape struct {
	kind, message string
	e             *Error
}

// errorSink puts the type of an error into its shape.
type errorSink struct {
	Sink
	kind  string
	begun bool
}

func (s *errorSink) Begin() {
	s.Sink.Begin()
	if !s.begun {
		s.begun = true
		s.Name("__type")
		s.Sink.Text(s.kind)
	}
}

func (x errorShape) Decode(s Source) error { return s.Skip() }

func (x errorShape) Encode(s Sink) {
	s = &errorSink{Sink: s, kind: x.kind}
	if x.e.Detail != nil {
		x.e.Detail.Encode(s)
		return
	}
	s.Begin()
	s.Name(x.message)
	s.Text(x.e.Message)
	s.End()
}

// Shape returns the error as an answer in JSON or CBOR.
func (s *Errors) Shape(e *Error) Shape {
	info, modelled := s.info(e)
	kind := e.Code
	if modelled {
		kind = s.Namespace + "#" + kind
	}
	return errorShape{kind: kind, message: info.Message, e: e}
}

// AppendQuery appends the error document of the Query protocol.
func (s *Errors) AppendQuery(dst []byte, namespace string, e *Error, requestID string) []byte {
	code, fault := s.QueryCode(e)
	dst = append(dst, `<ErrorResponse xmlns="`...)
	dst = AppendXMLText(dst, namespace)
	dst = append(dst, `"><Error>`...)
	dst = AppendXMLElement(dst, "Type", fault)
	dst = AppendXMLElement(dst, "Code", code)
	dst = AppendXMLElement(dst, "Message", e.Message)
	if e.Detail != nil {
		dst = AppendXMLShape(dst, e.Detail)
	}
	dst = append(dst, "</Error>"...)
	dst = AppendXMLElement(dst, "RequestId", requestID)
	return append(dst, "</ErrorResponse>\n"...)
}
