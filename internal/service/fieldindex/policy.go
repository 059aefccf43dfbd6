package fieldindex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a policy.
const (
	MaxDocument  = 51_200 // characters
	MaxFields    = 20
	MaxFieldName = 100 // characters
)

// Types of an index.
const (
	TypeIndex = "FIELD_INDEX"
	TypeFacet = "FACET"
)

// PolicyError says what is wrong with a policy document: a complete sentence.
type PolicyError struct{ Message string }

func (e *PolicyError) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &PolicyError{fmt.Sprintf(format, args...)}
}

// Field is an indexed field.
type Field struct {
	Name string `json:"name"` // as queries write it: names of messages that begin with @ have another @
	Type string `json:"type"`
}

// generated are the fields beginning with @ that may be indexed.
var generated = []string{
	"@logStream", "@ingestionTime", "@requestId", "@type", "@initDuration", "@duration", "@billedDuration", "@memorySize",
	"@maxMemoryUsed", "@xrayTraceId", "@xraySegmentId",
	"@aws.region", "@aws.account", "@source.log", "@data_source_name", "@data_source_type", "@data_format",
}

// ParsePolicy checks a policy document and returns its fields in the order of
// the document, those of FieldsV2 last and by name. An error is a *PolicyError.
func ParsePolicy(document string) ([]Field, error) {
	if utf8.RuneCountInString(document) > MaxDocument {
		return nil, refuse("Policy document has more than %d characters.", MaxDocument)
	}
	var policy struct {
		Fields   []string
		FieldsV2 map[string]struct {
			Type *string `json:"type"`
		}
	}
	d := json.NewDecoder(strings.NewReader(document))
	d.DisallowUnknownFields()
	if err := d.Decode(&policy); err != nil {
		return nil, refuse("Policy document is not valid: %s.", reason(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("Policy document is not valid: something follows the JSON object.")
	}
	var fields []Field
	for _, name := range policy.Fields {
		fields = append(fields, Field{name, TypeIndex})
	}
	var second []Field
	for name, f := range policy.FieldsV2 {
		switch {
		case f.Type == nil:
			return nil, refuse("Policy document is not valid: the field %s of FieldsV2 has no type.", name)
		case *f.Type != TypeIndex && *f.Type != TypeFacet:
			return nil, refuse("Policy document is not valid: the type of the field %s must be %s or %s.", name, TypeIndex, TypeFacet)
		}
		second = append(second, Field{name, *f.Type})
	}
	slices.SortFunc(second, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	fields = append(fields, second...)
	switch n := len(fields); {
	case n == 0:
		return nil, refuse("Policy document contains no fields.")
	case n > MaxFields:
		return nil, refuse("Policy document contains more than %d fields.", MaxFields)
	}
	seen := map[string]bool{}
	for _, f := range fields {
		if err := checkName(f.Name); err != nil {
			return nil, err
		}
		if seen[f.Name] {
			return nil, refuse("Policy document contains the field %s twice.", f.Name)
		}
		seen[f.Name] = true
	}
	return fields, nil
}

func checkName(name string) error {
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return refuse("Policy document contains a field without a name.")
	case n > MaxFieldName:
		return refuse("Policy document contains a field with more than %d characters.", MaxFieldName)
	case strings.HasPrefix(name, "@") && !strings.HasPrefix(name, "@@") && !slices.Contains(generated, name):
		return refuse("The field %s cannot be indexed. A field of messages that begins with @ is written with @@.", name)
	}
	return nil
}

// reason is what the decoder found, without the names of Go types.
func reason(err error) string {
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return "Fields must be a list of names and FieldsV2 an object of objects with a type"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the JSON ends early"
	}
	return string(bytes.TrimPrefix([]byte(err.Error()), []byte("json: ")))
}
