package awsproto

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Codes of operations that tell constraint failures as errors of parameters.
const (
	CodeMissingParameter = "MissingRequiredParameterException"
	CodeInvalidValue     = "InvalidParameterValueException"
)

// Parameters makes v use the words of the operations that have errors of their own for
// parameters, such as PutMetricData of CloudWatch:
//
//	The parameter MetricData.member.1.MetricName is required.
//	The parameter MetricData.member.1.Unit must be a value in the set [ Seconds, Count ].
//	The collection MetricData.member.1.Values must not have a size greater than 150.
//
// An empty text where one of a length is wanted counts as missing. One failure
// stands on each line. If anything is missing, the error tells only that.
func (v *Violations) Parameters() { v.parameters = true }

// ParameterError returns the error of a check with [Violations.Parameters], or nil
// without violations.
func (v *Violations) ParameterError() *Error {
	switch {
	case len(v.missing) > 0:
		return Errorf(CodeMissingParameter, "%s", strings.Join(v.missing, "\n"))
	case v.count > 0:
		return Errorf(CodeInvalidValue, "%s", strings.Join(v.texts, "\n"))
	}
	return nil
}

// required reports a parameter that is missing.
func (v *Violations) required(member string) {
	v.count++
	if len(v.missing) < maxReported {
		v.missing = append(v.missing, "The parameter "+v.at(member)+" is required.")
	}
}

func (v *Violations) invalid(format string, args ...any) {
	v.count++
	if len(v.texts) < maxReported {
		v.texts = append(v.texts, fmt.Sprintf(format, args...))
	}
}

// element returns the path of an element of a list.
func (v *Violations) element(i int) []string {
	if v.parameters {
		return []string{"member", strconv.Itoa(i + 1)}
	}
	return []string{strconv.Itoa(i + 1), "member"}
}

func (v *Violations) stringParameter(member, s string, r *Rule) {
	name := v.at(member)
	switch text := r.stringLength(s); {
	case text == "":
	case s == "":
		v.required(member)
		return
	case text == r.minLength():
		v.invalid("The parameter %s must be longer than %d characters.", name, r.Min-1)
	default:
		v.invalid("The parameter %s must be shorter than %d characters.", name, r.Max+1)
	}
	if r.Pattern != nil && !r.Pattern.Match(s) {
		v.invalid("The value %s for parameter %s is invalid.", strings.Trim(quoted(s), "'"), name)
	}
	if r.Enum != nil && !slices.Contains(r.Enum, s) {
		v.invalid("The parameter %s must be a value in the set [ %s ].", name, strings.Join(r.Enum, ", "))
	}
}

func (v *Violations) stringParameters(member string, list []string, r *Rule) {
	for i, s := range list {
		if !r.ok(s) {
			v.path = append(v.path, member, "member")
			v.stringParameter(strconv.Itoa(i+1), s, r)
			v.path = v.path[:len(v.path)-2]
		}
	}
}

func (v *Violations) intParameter(member string, n int64, r *Rule) {
	switch {
	case r.HasMin && n < r.Min:
		v.invalid("The parameter %s must be greater than or equal to %d.", v.at(member), r.Min)
	case r.HasMax && n > r.Max:
		v.invalid("The parameter %s must be less than or equal to %d.", v.at(member), r.Max)
	}
}

func (v *Violations) collection(member string, n int64, r *Rule) {
	switch {
	case r.HasMin && n < r.Min:
		v.invalid("The collection %s must not have a size less than %d.", v.at(member), r.Min)
	case r.HasMax && n > r.Max:
		v.invalid("The collection %s must not have a size greater than %d.", v.at(member), r.Max)
	}
}
