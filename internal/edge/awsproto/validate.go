package awsproto

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxReported bounds the violations that one message lists; the count in
	// the message is exact.
	maxReported = 20
	// maxValue bounds the code points of a value that a message repeats.
	maxValue = 4096
)

// Violations collects the constraint failures of one request. The zero value
// is ready; it serves one goroutine.
type Violations struct {
	count int
	texts []string
	path  []string

	parameters bool // in the words of operations with parameter errors
	missing    []string
}

// Len returns the number of violations.
func (v *Violations) Len() int { return v.count }

// Error returns the error that AWS answers with, or nil without violations:
//
//	1 validation error detected: Value 'X' at 'logGroupName' failed to satisfy constraint: Member must …
//
// Several are joined with "; ". They stand in the order of the members in the
// model, and for one member in the order null, length, pattern, enum, value;
// AWS promises no order.
func (v *Violations) Error(code string) *Error {
	if v.count == 0 {
		return nil
	}
	noun := "errors"
	if v.count == 1 {
		noun = "error"
	}
	return Errorf(code, "%d validation %s detected: %s", v.count, noun, strings.Join(v.texts, "; "))
}

// add records a violation; value is the text to show, with its quotes.
func (v *Violations) add(member string, value func() string, constraint string) {
	if v.parameters {
		v.invalid("The value %s for parameter %s is invalid.", strings.Trim(value(), "'"), v.at(member))
		return
	}
	v.count++
	if len(v.texts) >= maxReported {
		return
	}
	v.texts = append(v.texts, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: %s", value(), v.at(member), constraint))
}

// at returns the path of member: camel case, list indexes from 1.
func (v *Violations) at(member string) string {
	member = v.name(member)
	if len(v.path) == 0 {
		return member
	}
	return strings.Join(v.path, ".") + "." + member
}

// name returns a member as paths spell it.
func (v *Violations) name(member string) string {
	if v.parameters {
		return member
	}
	return strings.ToLower(member[:1]) + member[1:]
}

func null() string { return "null" }

func quoted(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxValue {
			return "'" + s[:i] + "…'"
		}
	}
	return "'" + s + "'"
}

// Rule holds the constraints of one shape. A rule is immutable.
type Rule struct {
	// HasMin and HasMax tell which bound applies: to the code points of a
	// string, the elements of a list or map, the bytes of a blob, the value of
	// a number.
	HasMin, HasMax bool
	Min, Max       int64
	Pattern        *Pattern
	Enum           []string
}

// length returns the text of the violated bound, or "".
func (r *Rule) length(n int64) string {
	switch {
	case r.HasMin && n < r.Min:
		return r.minLength()
	case r.HasMax && n > r.Max:
		return r.maxLength()
	}
	return ""
}

func (r *Rule) minLength() string {
	return "Member must have length greater than or equal to " + strconv.FormatInt(r.Min, 10)
}

func (r *Rule) maxLength() string {
	return "Member must have length less than or equal to " + strconv.FormatInt(r.Max, 10)
}

func (r *Rule) pattern() string {
	return "Member must satisfy regular expression pattern: " + r.Pattern.Source
}

func (r *Rule) enum() string {
	return "Member must satisfy enum value set: [" + strings.Join(r.Enum, ", ") + "]"
}

// stringLength checks the bounds of a string, which is counted only when its
// size in bytes does not decide.
func (r *Rule) stringLength(s string) string {
	n := int64(len(s))
	if (r.HasMin && n < utf8.UTFMax*r.Min) || (r.HasMax && n > r.Max) {
		n = int64(utf8.RuneCountInString(s))
	}
	return r.length(n)
}

// ok tells whether a string satisfies all constraints.
func (r *Rule) ok(s string) bool {
	return r.stringLength(s) == "" && (r.Pattern == nil || r.Pattern.Match(s)) && (r.Enum == nil || slices.Contains(r.Enum, s))
}

// all returns every constraint of the rule, as AWS lists them for the
// elements of lists and maps.
func (r *Rule) all() string {
	var list []string
	if r.HasMax {
		list = append(list, r.maxLength())
	}
	if r.HasMin {
		list = append(list, r.minLength())
	}
	if r.Pattern != nil {
		list = append(list, r.pattern())
	}
	if r.Enum != nil {
		list = append(list, r.enum())
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// Required reports a member that is absent.
func (v *Violations) Required(member string, present bool) {
	switch {
	case present:
	case v.parameters:
		v.required(member)
	default:
		v.add(member, null, "Member must not be null")
	}
}

// String checks a string member; an absent one is fine.
func (v *Violations) String(member string, s *string, r *Rule) {
	if s == nil || r.ok(*s) {
		return
	}
	if v.parameters {
		v.stringParameter(member, *s, r)
		return
	}
	value := func() string { return quoted(*s) }
	if text := r.stringLength(*s); text != "" {
		v.add(member, value, text)
	}
	if r.Pattern != nil && !r.Pattern.Match(*s) {
		v.add(member, value, r.pattern())
	}
	if r.Enum != nil && !slices.Contains(r.Enum, *s) {
		v.add(member, value, r.enum())
	}
}

// Int checks an integer member; an absent one is fine.
func Int[T int32 | int64](v *Violations, member string, n *T, r *Rule) {
	if n == nil {
		return
	}
	if v.parameters {
		v.intParameter(member, int64(*n), r)
		return
	}
	value := func() string { return "'" + strconv.FormatInt(int64(*n), 10) + "'" }
	switch {
	case r.HasMin && int64(*n) < r.Min:
		v.add(member, value, "Member must have value greater than or equal to "+strconv.FormatInt(r.Min, 10))
	case r.HasMax && int64(*n) > r.Max:
		v.add(member, value, "Member must have value less than or equal to "+strconv.FormatInt(r.Max, 10))
	}
}

// Blob checks the size of a blob member; an absent one is fine.
func (v *Violations) Blob(member string, b []byte, r *Rule) {
	if b == nil {
		return
	}
	if text := r.length(int64(len(b))); text != "" {
		v.add(member, func() string { return "'<blob>'" }, text)
	}
}

// Size checks the number of elements of a list or map that is present; show
// renders it as AWS prints it.
func (v *Violations) size(member string, n int, r *Rule, show func() string) {
	if r == nil {
		return
	}
	if v.parameters {
		v.collection(member, int64(n), r)
		return
	}
	if text := r.length(int64(n)); text != "" {
		v.add(member, show, text)
	}
}

// Strings checks a list of strings: its size by list, its elements by elem,
// either of which may be nil. All bad elements make one violation, which
// lists every constraint of the element, as AWS words it:
//
//	Value '[a:b]' at 'logStreamNames' failed to satisfy constraint: Member must satisfy constraint: [Member must have …, Member must …]
func (v *Violations) Strings(member string, s []string, list, elem *Rule) {
	if s == nil {
		return
	}
	show := func() string { return quoted("[" + strings.Join(s[:min(len(s), maxValue)], ", ") + "]") }
	v.size(member, len(s), list, show)
	if v.parameters && elem != nil {
		v.stringParameters(member, s, elem)
		return
	}
	if elem != nil && slices.ContainsFunc(s, func(e string) bool { return !elem.ok(e) }) {
		v.add(member, show, "Member must satisfy constraint: "+elem.all())
	}
}

// Map checks a map from string to string: its size, its keys and its values,
// each rule of which may be nil.
func (v *Violations) Map(member string, m map[string]string, size, key, value *Rule) {
	if m == nil {
		return
	}
	show := func() string {
		pairs := make([]string, 0, len(m))
		for k, e := range m {
			pairs = append(pairs, k+"="+e)
		}
		slices.Sort(pairs)
		return quoted("{" + strings.Join(pairs, ", ") + "}")
	}
	v.size(member, len(m), size, show)
	badKey, badValue := false, false
	for k, e := range m {
		badKey = badKey || key != nil && !key.ok(k)
		badValue = badValue || value != nil && !value.ok(e)
	}
	if badKey {
		v.add(member, show, "Map keys must satisfy constraint: "+key.all())
	}
	if badValue {
		v.add(member, show, "Map value must satisfy constraint: "+value.all())
	}
}

// IntMap checks a map from string to integer, of which only size and keys are
// constrained.
func (v *Violations) IntMap(member string, m map[string]int64, size, key *Rule) {
	if m == nil {
		return
	}
	show := func() string { return "'<map>'" }
	v.size(member, len(m), size, show)
	for k := range m {
		if key != nil && !key.ok(k) {
			v.add(member, show, "Map keys must satisfy constraint: "+key.all())
			return
		}
	}
}

// Struct checks a nested structure; an absent one is fine.
func Struct[T any](v *Violations, member string, s *T, validate func(*T, *Violations)) {
	if s == nil {
		return
	}
	v.path = append(v.path, v.name(member))
	validate(s, v)
	v.path = v.path[:len(v.path)-1]
}

// Structs checks a list of structures: its size by r, which may be nil, and
// each element, whose path is member, its index from 1, and "member".
func Structs[T any](v *Violations, member string, s []T, r *Rule, validate func(*T, *Violations)) {
	if s == nil {
		return
	}
	v.size(member, len(s), r, func() string {
		if len(s) == 0 {
			return "'[]'"
		}
		return "'[" + strconv.Itoa(len(s)) + " elements]'"
	})
	if validate == nil {
		return
	}
	depth := len(v.path)
	for i := range s {
		v.path = append(v.path, v.name(member))
		v.path = append(v.path, v.element(i)...)
		validate(&s[i], v)
		v.path = v.path[:depth]
	}
}
