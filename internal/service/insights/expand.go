package insights

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/logs"
)

// maxCalls bounds the saved queries that are put in one after another: the text of one may begin with
// the call of the next (ours).
const maxCalls = 5

// expansion is the text of a query with saved queries put in, and how its places lie in the
// text as it was sent. Call and put are characters: of the text that was replaced, from its start,
// and of what stands there now.
type expansion struct {
	sent, text string
	call, put  int
}

// expand puts the text of a saved query in where a query begins with a call: $Name(p="v", …) or
// $`A name`(…). Errors about the call have places in the query.
func (s *Service) expand(ctx context.Context, scope logs.Scope, query string) (expansion, error) {
	out := expansion{sent: query, text: query}
	for range maxCalls {
		start, ok := callStart(out.text)
		if !ok {
			return out, nil
		}
		c, err := parseCall(out.text, start)
		if err == nil {
			var text string
			if text, err = s.callText(ctx, scope, c); err == nil {
				rest := out.text[c.end:]
				if out.call == 0 {
					out.call = utf8.RuneCountInString(out.text[:c.end])
				}
				if rest != "" && strings.Contains(text, "#") { // a comment at its end must not hide the rest
					text += "\n"
				}
				out.text = text + rest
				out.put = utf8.RuneCountInString(out.text) - (utf8.RuneCountInString(query) - out.call)
				if n := utf8.RuneCountInString(out.text); n > MaxText {
					return out, parameterf("The query has %d characters after saved queries were put in; at most %d are allowed.", n, MaxText)
				}
				continue
			}
		}
		return out, out.place(err)
	}
	if _, more := callStart(out.text); more {
		return out, &MalformedError{0, out.call, fmt.Sprintf("saved queries call each other more than %d times", maxCalls)}
	}
	return out, nil
}

// place moves the place of an error in the expanded text to the query that was sent.
func (x *expansion) place(err error) error {
	m, ok := errors.AsType[*MalformedError](err)
	if !ok || x.call == 0 {
		return err
	}
	move := func(at int, inside int) int {
		if at >= x.put {
			return at - x.put + x.call
		}
		return inside
	}
	out := &MalformedError{move(m.Start, 0), move(m.End, x.call), m.Message}
	// A message about the saved query tells the place in that.
	if at := strings.LastIndex(m.Message, atLine); at >= 0 && m.Start >= x.put {
		sent := []rune(x.sent)
		out.Message = m.Message[:at] + placed(sent[:min(out.Start, len(sent))])
	}
	return out
}

const atLine = " at line "

// placed tells where a text ends, as messages do.
func placed(before []rune) string {
	line, from := 1, 0
	for i, r := range before {
		if r == '\n' {
			line, from = line+1, i+1
		}
	}
	return fmt.Sprintf("%s%d and position %d", atLine, line, len(before)-from)
}

// callStart returns where a query begins with a call, behind white space and comments.
func callStart(query string) (int, bool) {
	at := 0
	for at < len(query) {
		switch query[at] {
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			n := strings.IndexByte(query[at:], '\n')
			if n < 0 {
				return 0, false
			}
			at += n + 1
		case '$':
			return at, true
		default:
			return 0, false
		}
	}
	return 0, false
}

// call is a call of a saved query.
type call struct {
	name       string
	args       map[string]string
	start, end int // bytes of the text
	text       string
}

// refuse makes an error about a part of the text of a call.
func refuseCall(text string, from, to int, format string, args ...any) error {
	from, to = min(from, len(text)), min(max(from, to), len(text))
	at := utf8.RuneCountInString(text[:from])
	return &MalformedError{at, at + utf8.RuneCountInString(text[from:to]), fmt.Sprintf(format, args...)}
}

// parseCall reads the call that begins at a place of the text.
func parseCall(text string, start int) (*call, error) {
	c := &call{start: start, text: text, args: map[string]string{}}
	p := &callReader{text: text, at: start + 1}
	if p.accept('`') {
		n := strings.IndexByte(text[p.at:], '`')
		if n < 0 {
			return nil, refuseCall(text, start, len(text), "the name of a saved query has no end")
		}
		c.name = text[p.at : p.at+n]
		p.at += n + 1
	} else {
		c.name = p.word("/-.")
	}
	if c.name == "" {
		return nil, refuseCall(text, start, p.at+1, "the name of a saved query is missing")
	}
	c.end = p.at
	if p.blank(); !p.accept('(') {
		return c, nil // without parameters
	}
	for first := true; ; first = false {
		if p.blank(); p.accept(')') {
			c.end = p.at
			return c, nil
		}
		if !first && !p.accept(',') {
			return nil, p.unexpected()
		}
		p.blank()
		from := p.at
		name := p.word("")
		if p.blank(); name == "" || !p.accept('=') {
			return nil, p.unexpected()
		}
		p.blank()
		value, ok := p.value()
		if !ok {
			return nil, p.unexpected()
		}
		if _, twice := c.args[name]; twice {
			return nil, refuseCall(text, from, p.at, "the parameter %s is given twice", name)
		}
		c.args[name] = value
	}
}

// callText returns the text of the saved query with its parameters filled in.
func (s *Service) callText(ctx context.Context, scope logs.Scope, c *call) (string, error) {
	refuse := func(format string, args ...any) error { return refuseCall(c.text, c.start, c.end, format, args...) }
	d, err := s.definition(ctx, scope, c.name)
	switch {
	case errors.Is(err, ErrDefinitionNotFound):
		return "", refuse("there is no saved query with the name %s", c.name)
	case err != nil:
		return "", err
	case d.Language != CWLI:
		return "", refuse("the saved query %s is in the language %s", c.name, d.Language)
	}
	text := d.Query
	var pairs []string
	for _, p := range d.Parameters {
		value, given := c.args[p.Name]
		delete(c.args, p.Name)
		switch {
		case given:
		case p.Default != nil:
			value = *p.Default
		default:
			return "", refuse("the parameter %s of the saved query %s has no value", p.Name, c.name)
		}
		pairs = append(pairs, placeholder(p.Name), value)
	}
	if len(c.args) > 0 {
		return "", refuse("the saved query %s has no parameter %s", c.name, slices.Min(slices.Collect(maps.Keys(c.args))))
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}

// callReader reads the parts of a call.
type callReader struct {
	text string
	at   int
}

func (p *callReader) accept(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *callReader) blank() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// word reads letters, digits, '_' and the characters of more.
func (p *callReader) word(more string) string {
	from := p.at
	for p.at < len(p.text) {
		c := p.text[p.at]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '_' && strings.IndexByte(more, c) < 0 {
				break
			}
		}
		p.at++
	}
	return p.text[from:p.at]
}

// value reads a text in quotes, in which a backslash hides a quote or a backslash, or a word.
func (p *callReader) value() (string, bool) {
	quote := byte(0)
	for _, q := range []byte(`"'`) {
		if p.accept(q) {
			quote = q
		}
	}
	if quote == 0 {
		w := p.word(".-")
		return w, w != ""
	}
	var b strings.Builder
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == quote:
			return b.String(), true
		case c == '\\' && p.at < len(p.text) && (p.text[p.at] == quote || p.text[p.at] == '\\'):
			b.WriteByte(p.text[p.at])
			p.at++
		default:
			b.WriteByte(c)
		}
	}
	return "", false
}

func (p *callReader) unexpected() error {
	r, n := utf8.DecodeRuneInString(p.text[p.at:])
	found := "<EOF>"
	if n > 0 {
		found = string(r)
	}
	return refuseCall(p.text, p.at, p.at+n, "unexpected symbol found %s%s", found, placed([]rune(p.text[:p.at])))
}
