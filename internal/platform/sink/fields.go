package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fields are the settings of one entry of the targets file. The methods that read settings note what is wrong and return
// the default; Err tells all of it. A text of the form "${NAME}" is the environment variable of that name.
type Fields struct {
	getenv func(string) string
	line   int // of the entry
	list   []field
	errs   []error
}

type field struct {
	name string
	line int
	raw  json.RawMessage
	read bool
}

// parseFile splits a targets file into its entries.
func parseFile(raw []byte, getenv func(string) string) ([]*Fields, error) {
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	p := fileParser{raw: raw, d: json.NewDecoder(bytes.NewReader(raw)), getenv: getenv}
	var all []*Fields
	err := p.object(func(name string, line int) error {
		if name != "targets" {
			return fmt.Errorf("line %d: there is no setting %q, only targets", line, name)
		}
		if all != nil {
			return fmt.Errorf("line %d: a second list of targets", line)
		}
		var err error
		all, err = p.targets()
		return err
	})
	if err != nil {
		return nil, err
	}
	if _, err := p.d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: something follows the object", p.lineAt(p.d.InputOffset()))
	}
	if all == nil {
		return nil, errors.New(`line 1: a list "targets" is missing`)
	}
	return all, nil
}

type fileParser struct {
	raw    []byte
	d      *json.Decoder
	getenv func(string) string
}

// lineAt returns the line of the first text after an offset.
func (p *fileParser) lineAt(offset int64) int {
	at := int(offset)
	for at < len(p.raw) && strings.IndexByte(" \t\r\n,:", p.raw[at]) >= 0 {
		at++
	}
	return 1 + bytes.Count(p.raw[:at], []byte("\n"))
}

// syntax says where JSON is wrong.
func (p *fileParser) syntax(err error) error {
	offset := p.d.InputOffset()
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = max(e.Offset-1, 0)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("line %d: the file ends early", 1+bytes.Count(p.raw, []byte("\n")))
	}
	return fmt.Errorf("line %d: %w", p.lineAt(offset), err)
}

func (p *fileParser) delim(want json.Delim) error {
	line := p.lineAt(p.d.InputOffset())
	t, err := p.d.Token()
	if err != nil {
		return p.syntax(err)
	}
	if t != want {
		return fmt.Errorf("line %d: expected %q, found %v", line, want.String(), t)
	}
	return nil
}

// object calls member for each member of the object that follows; member reads its value.
func (p *fileParser) object(member func(name string, line int) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.d.More() {
		line := p.lineAt(p.d.InputOffset())
		t, err := p.d.Token()
		if err != nil {
			return p.syntax(err)
		}
		if err := member(t.(string), line); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p *fileParser) targets() ([]*Fields, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	all := []*Fields{}
	for p.d.More() {
		if len(all) == MaxTargets {
			return nil, fmt.Errorf("line %d: at most %d targets are possible", p.lineAt(p.d.InputOffset()), MaxTargets)
		}
		f := &Fields{getenv: p.getenv, line: p.lineAt(p.d.InputOffset())}
		err := p.object(func(name string, line int) error {
			if f.find(name) != nil {
				f.errs = append(f.errs, fmt.Errorf("line %d: %s: is set twice", line, name))
			}
			v := field{name: name, line: line, read: f.find(name) != nil}
			if err := p.d.Decode(&v.raw); err != nil {
				return p.syntax(err)
			}
			f.list = append(f.list, v)
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, p.delim(']')
}

func (f *Fields) find(name string) *field {
	for i := range f.list {
		if f.list[i].name == name {
			return &f.list[i]
		}
	}
	return nil
}

// Fail notes what is wrong with a setting.
func (f *Fields) Fail(name, format string, args ...any) {
	line := f.line
	if v := f.find(name); v != nil {
		line = v.line
	}
	f.errs = append(f.errs, fmt.Errorf("line %d: %s: %s", line, name, fmt.Sprintf(format, args...)))
}

// forgive makes Err not mention settings that nobody read.
func (f *Fields) forgive() {
	for i := range f.list {
		f.list[i].read = true
	}
}

// Err returns all that is wrong: what was noted, and settings that nobody read.
func (f *Fields) Err() error {
	for i := range f.list {
		if v := &f.list[i]; !v.read {
			f.errs = append(f.errs, fmt.Errorf("line %d: %s: there is no such setting here", v.line, v.name))
		}
	}
	return errors.Join(f.errs...)
}

// Has says whether a setting is given.
func (f *Fields) Has(name string) bool { return f.find(name) != nil }

// decode reads a setting into v; false when it is not given or not of the type, which kind names.
func (f *Fields) decode(name, kind string, v any) bool {
	x := f.find(name)
	if x == nil {
		return false
	}
	x.read = true
	if err := json.Unmarshal(x.raw, v); err != nil || string(x.raw) == "null" {
		f.Fail(name, "is not %s", kind)
		return false
	}
	return true
}

var reference = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// expand replaces a reference to an environment variable.
func (f *Fields) expand(name, text string) string {
	m := reference.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	value := f.getenv(m[1])
	if value == "" {
		f.Fail(name, "the environment variable %s is not set", m[1])
	}
	return value
}

// Text returns a text, or def when it is not given.
func (f *Fields) Text(name, def string) string {
	var s string
	if !f.decode(name, "a text", &s) {
		return def
	}
	return f.expand(name, s)
}

// Required returns a text that must be given and not be empty.
func (f *Fields) Required(name string) string {
	if !f.Has(name) {
		f.Fail(name, "is missing")
		return ""
	}
	before := len(f.errs)
	s := f.Text(name, "")
	if s == "" && len(f.errs) == before {
		f.Fail(name, "is empty")
	}
	return s
}

// OneOf returns one of the allowed texts; the first is the default.
func (f *Fields) OneOf(name string, allowed ...string) string {
	s := f.Text(name, allowed[0])
	if !slices.Contains(allowed, s) {
		f.Fail(name, "%q is none of %s", s, strings.Join(allowed, ", "))
		return allowed[0]
	}
	return s
}

// Number returns a number of [low, high].
func (f *Fields) Number(name string, def, low, high int) int {
	var n int
	if !f.decode(name, "a whole number", &n) {
		return def
	}
	if n < low || n > high {
		f.Fail(name, "%d is outside %d to %d", n, low, high)
		return def
	}
	return n
}

// Flag returns true or false; false is the default.
func (f *Fields) Flag(name string) bool {
	var b bool
	f.decode(name, "true or false", &b)
	return b
}

// Duration returns a duration of [low, high], written such as "30s".
func (f *Fields) Duration(name string, def, low, high time.Duration) time.Duration {
	var s string
	if !f.decode(name, `a duration such as "30s"`, &s) {
		return def
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		f.Fail(name, `%q is not a duration such as "30s"`, s)
		return def
	}
	if d < low || d > high {
		f.Fail(name, "%s is outside %s to %s", d, low, high)
		return def
	}
	return d
}

// Map returns texts by name.
func (f *Fields) Map(name string) map[string]string {
	var m map[string]string
	f.decode(name, "an object of texts", &m)
	for k, v := range m {
		m[k] = f.expand(name, v)
	}
	return m
}

// URL returns an absolute URL with one of the schemes, which must be given; nil when it is not usable. Place is how to show it
// to people: without user, path and query, which may be secret.
func (f *Fields) URL(name string, schemes ...string) (u *url.URL, place string) {
	s := f.Required(name)
	if s == "" {
		return nil, ""
	}
	u, err := url.Parse(s)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" {
		f.Fail(name, "is not a URL that begins with %s://", strings.Join(schemes, ":// or "))
		return nil, ""
	}
	place = u.Scheme + "://" + u.Host
	if u.Path != "" && u.Path != "/" {
		place += "/…"
	}
	return u, place
}
