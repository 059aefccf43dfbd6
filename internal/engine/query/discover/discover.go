package discover

import (
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Kind is what a message is.
type Kind uint8

// The kinds.
const (
	Plain   Kind = iota // nothing is discovered
	Lambda              //
	VPCFlow             // of version 2 with its 14 columns
	Route53             // public DNS queries
)

// MaxFields bounds the fields that Fields lists.
const MaxFields = 200

// Of returns what a message is.
func Of(message []byte) Kind {
	if len(message) == 0 {
		return Plain
	}
	var cols columns
	switch c := message[0]; {
	case c == '2' && cols.vpcFlow(message):
		return VPCFlow
	case c == '1' && cols.route53(message):
		return Route53
	case isLambda(message):
		return Lambda
	}
	return Plain
}

// Field returns the value of a field, Null when the message does not have it. Its
// text is part of the message, or made in the arena when it has escapes.
func Field(message []byte, name string, a *plan.Arena) plan.Value {
	if len(message) == 0 || name == "" {
		return plan.Value{}
	}
	var cols columns
	switch message[0] {
	case '2':
		if i := vpcIndex(name); i >= 0 && cols.vpcFlow(message) {
			return word(cols.at(message, i))
		}
	case '1':
		if i := route53Index(name); i >= 0 && cols.route53(message) {
			return word(cols.at(message, i))
		}
	}
	if name[0] == '@' && (len(name) == 1 || name[1] != '@') {
		return lambdaField(message, name)
	}
	if isLambda(message) {
		return Embedded(message, name, a)
	}
	return plan.Value{}
}

// Fields calls yield with each field of a message, MaxFields at most, in the order of
// the message: the leaves of JSON, but for null, or what Field finds. Names and texts
// are valid during the call.
func Fields(message []byte, yield func(name []byte, v *plan.Value)) {
	if json := jsontext.Trim(message); len(json) > 0 && (json[0] == '{' || json[0] == '[') {
		l := leaves{left: MaxFields, yield: yield}
		l.walk(json, 0)
		return
	}
	var cols columns
	each := func(names []string) {
		for i, n := range names {
			v := word(cols.at(message, i))
			yield([]byte(n), &v)
		}
	}
	switch Of(message) {
	case VPCFlow:
		cols.vpcFlow(message)
		each(vpcNames)
	case Route53:
		cols.route53(message)
		each(route53Names)
	case Lambda:
		left := MaxFields
		for _, n := range lambdaNames {
			if v := lambdaField(message, n); v.Kind != plan.Null {
				yield([]byte(n), &v)
				left--
			}
		}
		embeddedFields(message, left, yield)
	}
}

// word is the value of a word: a number when it is nothing else.
func word(t []byte) plan.Value {
	if len(t) > 0 && (t[0]-'0' <= 9 || t[0] == '-') {
		if f, ok := plan.ParseNumber(t); ok {
			return plan.Value{Kind: plan.Raw, Num: f, Text: t}
		}
	}
	return plan.Value{Kind: plan.Text, Text: t}
}
