package awsproto

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a form.
const (
	maxParameters = 1 << 18
	maxNodes      = 2 * maxParameters // names at all levels
	maxFormDepth  = 16                // PutMetricData goes to 10
)

// Form is the body of a Query request as a tree: the parameter
// MetricData.member.1.Value is the value of a node three levels below the root. It
// is immutable once parsed.
type Form struct{ root formNode }

type formNode struct {
	name   string
	value  string
	offset int // in the body, of the parameter that made the node
	set    bool
	kids   []*formNode
	index  map[string]*formNode // of kids, once there are many
}

// fewKids is how many children are searched one by one.
const fewKids = 8

// kid returns the child of that name, nil if there is none. Clients write the
// parameters of a structure one after the other, so the last one is tried first.
func (n *formNode) kid(name string) *formNode {
	if n.index != nil {
		return n.index[name]
	}
	for _, k := range slices.Backward(n.kids) {
		if k.name == name {
			return k
		}
	}
	return nil
}

func (n *formNode) add(name string, offset int) *formNode {
	k := &formNode{name: name, offset: offset}
	n.kids = append(n.kids, k)
	switch {
	case n.index != nil:
		n.index[name] = k
	case len(n.kids) > fewKids:
		n.index = make(map[string]*formNode, 2*len(n.kids))
		for _, k := range n.kids {
			n.index[k.name] = k
		}
	}
	return k
}

// ParseForm parses a form body or a query string. Every error is a *DecodeError. A
// parameter that comes twice is refused.
func ParseForm(text string) (*Form, error) {
	f := new(Form)
	count, nodes := 0, 0
	for at := 0; at < len(text); {
		part, _, _ := strings.Cut(text[at:], "&")
		offset := at
		at += len(part) + 1
		if part == "" {
			continue
		}
		fail := func(format string, args ...any) error {
			return &DecodeError{Offset: offset, Reason: fmt.Sprintf(format, args...)}
		}
		if count++; count > maxParameters {
			return nil, fail("more than %d parameters", maxParameters)
		}
		key, value, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		switch {
		case err != nil:
			return nil, fail("%s", err)
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			return nil, fail("invalid UTF-8")
		}
		n := &f.root
		for depth := 0; key != ""; depth++ {
			if depth == maxFormDepth {
				return nil, fail("nesting deeper than %d", maxFormDepth)
			}
			name, rest, more := strings.Cut(key, ".")
			if name == "" || more && rest == "" {
				return nil, fail("malformed parameter name '%s'", clip(key))
			}
			k := n.kid(name)
			if k == nil {
				if nodes++; nodes > maxNodes {
					return nil, fail("more than %d names in parameters", maxNodes)
				}
				k = n.add(name, offset)
			}
			n, key = k, rest
		}
		if n == &f.root {
			return nil, fail("a parameter without a name")
		}
		if n.set {
			return nil, fail("the parameter comes twice (member '%s')", clip(n.name))
		}
		n.set, n.value = true, value
	}
	return f, nil
}

// Get returns the value of a parameter at the top, "" when it is absent.
func (f *Form) Get(name string) string {
	if n := f.root.kid(name); n != nil {
		return n.value
	}
	return ""
}

// Source returns a new source of the whole form.
func (f *Form) Source() Source { return &formSource{node: &f.root} }

// formSource reads a form. Lists are name.member.N and maps are name.entry.N.key and .value,
// in the order of N, which may have gaps. An empty value stands for an empty list, map or
// structure as well.
type formSource struct{ node *formNode }

// at runs fn with n as the next value.
func (s *formSource) at(n *formNode, fn func() error) error {
	outer := s.node
	s.node = n
	err := fn()
	s.node = outer
	return err
}

func (s *formSource) Fail(reason string) error {
	return &DecodeError{Offset: s.node.offset, Reason: reason}
}

func (s *formSource) Object(member func(name []byte) error) error {
	if s.node.value != "" {
		return s.Fail("expected a structure, found a value")
	}
	for _, k := range s.node.kids {
		if err := s.at(k, func() error { return member([]byte(k.name)) }); err != nil {
			return within(err, k.name)
		}
	}
	return nil
}

// numbered is a child whose name is a number.
type numbered struct {
	n    int
	node *formNode
}

// elements returns the children of the only child, which must have the given name,
// in order.
func (s *formSource) elements(kind, name string) ([]numbered, error) {
	if s.node.value != "" {
		return nil, s.Fail("expected " + kind + ", found a value")
	}
	if len(s.node.kids) == 0 {
		return nil, nil
	}
	list := s.node.kid(name)
	if list == nil || len(s.node.kids) > 1 {
		return nil, s.Fail("expected " + kind + ", whose parameters go on with '." + name + ".' and a number")
	}
	out := make([]numbered, 0, len(list.kids))
	for _, k := range list.kids {
		n, err := strconv.ParseUint(k.name, 10, 31)
		if err != nil || n == 0 || k.name[0] == '0' || k.name[0] == '+' {
			return nil, s.Fail("'" + clip(k.name) + "' is no number of an element; they count from 1")
		}
		out = append(out, numbered{int(n), k})
	}
	if len(out) == 0 || list.set {
		return nil, s.Fail("expected " + kind + ", whose parameters go on with '." + name + ".' and a number")
	}
	slices.SortFunc(out, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	return out, nil
}

func (s *formSource) List(elem func(i int) error) error {
	list, err := s.elements("a list", "member")
	if err != nil {
		return err
	}
	for i, e := range list {
		if err := s.at(e.node, func() error { return elem(i) }); err != nil {
			return within(err, "member", strconv.Itoa(e.n))
		}
	}
	return nil
}

func (s *formSource) Map(value func(key string) error) error {
	list, err := s.elements("a map", "entry")
	if err != nil {
		return err
	}
	for _, e := range list {
		key, val := e.node.kid("key"), e.node.kid("value")
		if key == nil || val == nil || len(key.kids) > 0 {
			return within(s.Fail("expected '.key' and '.value' behind the number"), "entry", strconv.Itoa(e.n))
		}
		if err := s.at(val, func() error { return value(key.value) }); err != nil {
			return within(err, "entry", strconv.Itoa(e.n), "value")
		}
	}
	return nil
}

func (s *formSource) Skip() error { return nil }

// scalar returns the value of a node that must have no children.
func (s *formSource) scalar(want string) (string, error) {
	if len(s.node.kids) > 0 {
		return "", s.Fail("expected " + want + ", found a structure")
	}
	return s.node.value, nil
}

func (s *formSource) Text() (string, error) { return s.scalar("a string") }

func (s *formSource) Bool() (bool, error) {
	text, err := s.scalar("a boolean")
	switch {
	case err != nil:
		return false, err
	case text == "true":
		return true, nil
	case text == "false":
		return false, nil
	}
	return false, s.Fail("expected true or false")
}

func (s *formSource) Int() (int64, error) {
	text, err := s.scalar("an integer")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		if text != "" && strings.Trim(text, "0123456789") == "" {
			return 0, s.Fail(reasonRange)
		}
		return 0, s.Fail("expected an integer")
	}
	return n, nil
}

func (s *formSource) Float() (float64, error) {
	text, err := s.scalar("a number")
	if err != nil {
		return 0, err
	}
	v, reason := parseFloat(text)
	if reason != "" {
		return 0, s.Fail(reason)
	}
	return v, nil
}

func (s *formSource) Time() (Millis, error) {
	text, err := s.scalar("a time")
	if err != nil {
		return 0, err
	}
	t, ok := parseTime(text)
	if !ok {
		return 0, s.Fail(reasonTime)
	}
	return t, nil
}

func (s *formSource) Blob() ([]byte, error) {
	text, err := s.scalar("a blob")
	if err != nil {
		return nil, err
	}
	blob, ok := decodeBase64(text)
	if !ok {
		return nil, s.Fail("expected base64")
	}
	return blob, nil
}
