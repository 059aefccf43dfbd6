package pattern

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxRegexProgram bounds the instructions that a regular expression becomes.
const maxRegexProgram = 10_000

// regexSymbols may stand for themselves, beside letters and digits.
const regexSymbols = ":_#=@/;,- "

// regexOperators stand for themselves behind a backslash.
const regexOperators = `^$?[]{}|\*+.`

// regexp reads the regular expression at pos, from % to %.
func (s *scanner) regexp() (*Regexp, error) {
	open := s.pos
	n := strings.IndexByte(s.text[open+1:], '%')
	if n < 0 {
		return nil, invalid(Span{open, len(s.text)}, "the regular expression is not closed by %", `a percent sign in it is written \x25`)
	}
	at := Span{open, open + n + 2}
	if s.regexps++; s.regexps > maxRegexps {
		return nil, invalid(at, "a pattern can have two regular expressions at most", "")
	}
	source := s.text[open+1 : open+1+n]
	if source == "" {
		return nil, invalid(at, "the regular expression is empty", "")
	}
	t := regexTranslator{source: source, at: open + 1}
	if err := t.run(); err != nil {
		return nil, err
	}
	re := &Regexp{Source: source, Go: t.out.String(), Span: at}
	if err := checkRegexp(re); err != nil {
		return nil, err
	}
	s.pos = at.End
	return re, nil
}

func checkRegexp(re *Regexp) error {
	if _, err := regexp.Compile(re.Go); err != nil {
		reason := "the regular expression is malformed"
		if e, ok := err.(*syntax.Error); ok {
			reason = "the regular expression is malformed: " + e.Code.String()
		}
		return invalid(re.Span, reason, "")
	}
	tree, err := syntax.Parse(re.Go, syntax.Perl)
	if err != nil {
		return invalid(re.Span, "the regular expression is malformed", "")
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxRegexProgram {
		return invalid(re.Span, "the regular expression is too large", "use smaller repetitions")
	}
	return nil
}

// regexTranslator checks that a regular expression is of the subset and writes
// it for package regexp, in which ^ and $ are the ends of the text, and . is any
// character with (?s).
type regexTranslator struct {
	source string
	at     int // where source begins in the pattern
	pos    int
	out    strings.Builder
	item   bool // something that can be repeated was read last
	copies int  // that all repetitions make, so that too large a program is not made at all
}

func (t *regexTranslator) span(from, to int) Span { return Span{t.at + from, t.at + to} }

func (t *regexTranslator) run() error {
	t.out.WriteString("(?s)")
	for t.pos < len(t.source) {
		if err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

func (t *regexTranslator) next() error {
	from := t.pos
	c := t.source[t.pos]
	switch {
	case c == '\\':
		atom, err := t.escape()
		if err != nil {
			return err
		}
		t.out.WriteString(atom)
		t.item = true
		return nil
	case c == '[':
		return t.class()
	case c == '{':
		return t.repeat()
	case c == '*' || c == '+' || c == '?':
		if !t.item {
			return invalid(t.span(from, from+1), "there is nothing before "+string(c)+" to repeat", `write the character itself as \`+string(c))
		}
		t.item = false
	case c == '|' || c == '^' || c == '$':
		t.item = false
	case c == '.':
		t.item = true
	case isAlnum(c) || strings.IndexByte(regexSymbols, c) >= 0:
		t.item = true
	default:
		return t.unsupported()
	}
	t.out.WriteByte(c)
	t.pos++
	return nil
}

func isAlnum(c byte) bool { return isDigit(c) || isWordByte(c) }

// unsupported is the error for the character at pos.
func (t *regexTranslator) unsupported() error {
	r, n := utf8.DecodeRuneInString(t.source[t.pos:])
	hint := ""
	switch {
	case r == ']' || r == '}':
		return invalid(t.span(t.pos, t.pos+n), "nothing was opened that "+string(r)+" closes", `write the character itself as \`+string(r))
	case r < utf8.RuneSelf:
		hint = fmt.Sprintf(`write it as \x%02X`, r)
	}
	return &SyntaxError{
		Span: t.span(t.pos, t.pos+n), Text: fmt.Sprintf(textCharacter, t.source),
		Reason: fmt.Sprintf("regular expressions cannot hold %q", r), Hint: hint,
	}
}

// escape reads a backslash and what it escapes, and returns how package regexp
// writes it.
func (t *regexTranslator) escape() (string, error) {
	from := t.pos
	if t.pos++; t.pos == len(t.source) {
		return "", invalid(t.span(from, t.pos), "there is nothing after the backslash", "")
	}
	c := t.source[t.pos]
	t.pos++
	switch c {
	case 'd', 'D', 'w', 'W':
		return `\` + string(c), nil
	case 's':
		return `[\t\n ]`, nil
	case 'S':
		return `[^\t\n ]`, nil
	case 'x':
		if t.pos+2 > len(t.source) {
			return "", invalid(t.span(from, len(t.source)), `\x is followed by two hexadecimal digits`, "")
		}
		n, err := strconv.ParseUint(t.source[t.pos:t.pos+2], 16, 8)
		if err != nil || n >= utf8.RuneSelf {
			return "", invalid(t.span(from, t.pos+2), `\x is followed by two hexadecimal digits of an ASCII character`, "")
		}
		t.pos += 2
		return fmt.Sprintf(`\x%02x`, n), nil
	}
	if c == '-' {
		return `\-`, nil // in a class a bare one would make a range
	}
	if strings.IndexByte(regexOperators, c) >= 0 || strings.IndexByte(regexSymbols, c) >= 0 {
		return regexp.QuoteMeta(string(c)), nil
	}
	t.pos--
	if isAlnum(c) {
		return "", invalid(t.span(from, t.pos+1), `there is no escape \`+string(c), `\d \D \s \S \w \W and \xHH exist`)
	}
	return "", t.unsupported()
}

// class reads […].
func (t *regexTranslator) class() error {
	open := t.pos
	t.out.WriteByte('[')
	t.pos++
	if t.pos < len(t.source) && t.source[t.pos] == '^' {
		t.out.WriteByte('^')
		t.pos++
	}
	for first := true; ; first = false {
		if t.pos == len(t.source) {
			return invalid(t.span(open, t.pos), "the class is not closed by ]", `write the bracket itself as \[`)
		}
		c := t.source[t.pos]
		switch {
		case c == ']' && first:
			return invalid(t.span(open, t.pos+1), "the class is empty", "")
		case c == ']':
			t.out.WriteByte(']')
			t.pos++
			t.item = true
			return nil
		case c == '\\':
			atom, err := t.escape()
			if err != nil {
				return err
			}
			if atom == `[\t\n ]` {
				atom = `\t\n `
			}
			if strings.HasPrefix(atom, "[^") {
				atom = `\x00-\x08\x0b-\x1f!-\x{10FFFF}`
			}
			t.out.WriteString(atom)
			continue
		case isAlnum(c) || strings.IndexByte(regexSymbols, c) >= 0:
			t.out.WriteByte(c)
		case strings.IndexByte("^$?{}|*+.", c) >= 0:
			t.out.WriteString(regexp.QuoteMeta(string(c)))
		case c == '[':
			t.out.WriteString(`\[`)
		default:
			return t.unsupported()
		}
		t.pos++
	}
}

// count reads a bound of a repetition: digits, no sign.
func count(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

// repeat reads {m}, {m,}, {,n} or {m,n}.
func (t *regexTranslator) repeat() error {
	from := t.pos
	end := strings.IndexByte(t.source[from:], '}')
	if end < 0 {
		return invalid(t.span(from, len(t.source)), "the repetition is not closed by }", `write the brace itself as \{`)
	}
	t.pos = from + end + 1
	at := t.span(from, t.pos)
	least, most, list := strings.Cut(t.source[from+1:t.pos-1], ",")
	if !t.item {
		return invalid(at, "there is nothing before { to repeat", `write the brace itself as \{`)
	}
	t.item = false
	if least == "" && list && most != "" {
		least = "0"
	}
	low, err := count(least)
	high := low
	if err == nil && list {
		if high = 1000; most != "" {
			high, err = count(most)
		}
	}
	switch {
	case err != nil:
		return invalid(at, "a repetition is {m}, {m,}, {,n} or {m,n}", "")
	case low > 1000 || high > 1000:
		return invalid(at, "a repetition can be 1000 at most", "")
	case low > high:
		return invalid(at, "the repetition has more at least than at most", "")
	}
	if most == "" {
		t.copies += low
	} else {
		t.copies += high
	}
	switch {
	case t.copies > maxRegexProgram:
		return invalid(at, "the repetitions of the regular expression are too many together", "use smaller ones")
	case !list:
		fmt.Fprintf(&t.out, "{%d}", low)
	case most == "":
		fmt.Fprintf(&t.out, "{%d,}", low)
	default:
		fmt.Fprintf(&t.out, "{%d,%d}", low, high)
	}
	return nil
}
