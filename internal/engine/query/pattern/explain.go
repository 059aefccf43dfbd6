package pattern

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/column"
)

// Part says how one part of a pattern fared with a message.
type Part struct {
	Text    string // the part in its canonical form
	Span    Span   // where it stands in the parsed text
	Matched bool
	Ignored bool   // the part has no say; see Reason
	At      []Span // where in the message it matched, or what it was compared with
	Reason  string // why it did not match, or is ignored: a sentence without a full stop
	Parts   []Part // of && and ||, of the fields of a line, of several terms
}

const (
	maxPlaces = 100 // of one part in a message
	maxShown  = 100 // bytes of a value in a reason
)

// Explain says of every part of the pattern whether, where and why it matched.
// The part it returns is the whole pattern; its Matched is what Match says.
func (m *Matcher) Explain(message []byte) Part {
	p := m.pattern
	whole := Part{Text: p.String(), Matched: m.Match(message)}
	switch p.Kind {
	case Terms:
		whole.explainTerms(p, message)
	case Regex:
		whole.Span = p.Regexp.Span
		whole.At = foundBy(p.Regexp, message)
		if !whole.Matched {
			whole.Reason = "the regular expression is not found"
		}
	case JSON:
		e := jsonExplainer{m: message}
		var o object
		if !o.read(message, &paths{slot: -1}, 0) {
			whole.Reason = fmt.Sprintf("the message is not a JSON object: it cannot be read at byte %d", o.pos)
			return whole
		}
		whole = e.cond(p.Cond)
	case Delimited:
		whole.explainFields(m.fields, message)
	}
	return whole
}

func (w *Part) explainTerms(p *Pattern, message []byte) {
	if p.All() {
		return
	}
	required := 0
	for _, it := range p.Items {
		if it.Op != Optional {
			required++
		}
	}
	for _, it := range p.Items {
		part := Part{Text: (&Pattern{Items: []Item{it}}).String(), Span: it.Span, At: places(message, []byte(it.Text))}
		found := len(part.At) > 0
		switch {
		case it.Op == Optional && required > 0:
			part.Ignored, part.Matched = true, found
			part.Reason = "optional terms are ignored beside other terms"
		case it.Op == Exclude:
			if part.Matched = !found; found {
				part.Reason = "the excluded text is found"
			}
		default:
			if part.Matched = found; !found {
				part.Reason = "the text is not found"
			}
		}
		w.Parts = append(w.Parts, part)
	}
	if w.Matched {
		return
	}
	w.Reason = "not all of its terms hold"
	if required == 0 {
		w.Reason = "none of the optional terms is found"
	}
}

// places returns where a text occurs.
func places(m, text []byte) (at []Span) {
	for from := 0; len(text) > 0 && len(at) < maxPlaces; {
		i := bytes.Index(m[from:], text)
		if i < 0 {
			break
		}
		at = append(at, Span{from + i, from + i + len(text)})
		from += i + len(text)
	}
	return at
}

func foundBy(re *Regexp, m []byte) (at []Span) {
	for _, i := range regexp.MustCompile(re.Go).FindAllIndex(m, maxPlaces) {
		at = append(at, Span{i[0], i[1]})
	}
	return at
}

// jsonExplainer explains conditions on a message that is a JSON object.
type jsonExplainer struct{ m []byte }

func (e *jsonExplainer) cond(c Cond) Part {
	p := Part{Text: condText(c, ""), Span: c.Where()}
	switch c := c.(type) {
	case *And:
		p.all(c.X, e.cond)
	case *Or:
		p.any(c.X, e.cond)
	case *Compare:
		e.leaf(&p, c.Sel, newCompare(c), func(v value) string { return differs(c, v) })
	case *Is:
		e.leaf(&p, c.Sel, newIs(c), func(v value) string { return "the value is " + shown(v) + ", not " + strings.ToLower(c.What.String()) })
	case *NotExists:
		p.Matched = true
		e.values(c.Sel, true, func(v value) {
			p.Matched, p.Reason = false, "the field exists"
			p.At = e.place(p.At, v)
		})
	}
	return p
}

func (p *Part) all(x []Cond, explain func(Cond) Part) {
	p.Matched = true
	for _, k := range x {
		part := explain(k)
		p.Matched = p.Matched && part.Matched
		p.Parts = append(p.Parts, part)
	}
	if !p.Matched {
		p.Reason = "not all of its conditions hold"
	}
}

func (p *Part) any(x []Cond, explain func(Cond) Part) {
	for _, k := range x {
		part := explain(k)
		p.Matched = p.Matched || part.Matched
		p.Parts = append(p.Parts, part)
	}
	if !p.Matched {
		p.Reason = "none of its conditions holds"
	}
}

// leaf explains a condition on the values of a selector.
func (e *jsonExplainer) leaf(p *Part, sel Selector, t *test, why func(value) string) {
	var buf []byte
	var at []Span // of values that do not match
	var last value
	n := 0
	e.values(sel, false, func(v value) {
		n, last = n+1, v
		if t.holds(v, &buf) {
			p.Matched = true
			p.At = e.place(p.At, v)
		} else {
			at = e.place(at, v)
		}
	})
	if p.Matched {
		return
	}
	p.At = at
	switch n {
	case 0:
		p.Reason = "the field " + sel.String() + " is missing"
	case 1:
		p.Reason = why(last)
	default:
		p.Reason = fmt.Sprintf("none of its %d values matches", n)
	}
}

// values calls yield for the values that decide a condition; all: for everything
// that is there. An object that decides nothing is given where nothing else is
// there.
func (e *jsonExplainer) values(sel Selector, all bool, yield func(value)) {
	root, slots := paths{slot: -1}, 0
	keys := sel.keys()
	rest, wild := sel[len(keys):], false
	for _, s := range rest {
		wild = wild || s.Any
	}
	var o object
	last := value{}
	collect := func(v value) bool {
		switch {
		case all || wild:
			yield(v)
		case v.kind != objectValue || last.kind == noValue:
			last = v
		}
		return true
	}
	if len(rest) > 0 && !rest[0].Elem {
		o.read(e.m, &root, 0)
		o.walk(value{objectValue, trimSpace(e.m)}, sel, collect)
	} else {
		slot := root.add(keys, &slots)
		o.read(e.m, &root, slots)
		v := o.values[slot]
		switch {
		case len(rest) > 0:
			o.walk(v, rest, collect)
		case v.kind != noValue:
			last = v
		case o.exists[slot]:
			last = value{kind: objectValue}
		}
	}
	if last.kind != noValue {
		yield(last)
	}
}

// place appends where a value stands in the message, unless there are enough.
// The place of an empty string is empty.
func (e *jsonExplainer) place(at []Span, v value) []Span {
	if v.text == nil || len(at) == maxPlaces {
		return at
	}
	from := cap(e.m) - cap(v.text)
	return append(at, Span{from, from + len(v.text)})
}

// differs says why a comparison does not hold for a value.
func differs(c *Compare, v value) string {
	is := "the value is " + shown(v)
	v0 := &c.Operand
	switch {
	case !v.scalar():
		return is + ", which cannot be compared"
	case c.Op == Ne && (v0.Kind == RegexOperand || v0.Before || v0.After):
		var b strings.Builder
		v0.write(&b)
		return is + ", which matches " + b.String()
	case c.Op == Ne:
		return is + ", which is equal"
	case c.Op > Ne && v.kind == stringValue:
		return is + ", a text, which is no number"
	case v0.Kind == NumberOperand:
		if _, ok := parseNumber(v.text); !ok {
			return is + ", which is no number"
		}
		return is + ", which is not " + c.Op.String() + " " + v0.Text
	}
	var b strings.Builder
	v0.write(&b)
	return is + ", which does not match " + b.String()
}

// shown returns a value for people.
func shown(v value) string {
	text := v.text
	switch v.kind {
	case objectValue:
		return "an object"
	case arrayValue:
		return "an array"
	case stringValue:
		if bytes.IndexByte(text, '\\') >= 0 {
			text = column.AppendUnescaped(nil, text)
		}
	}
	more := ""
	if len(text) > maxShown {
		n := maxShown
		for n > maxShown-utf8.UTFMax && !utf8.RuneStart(text[n]) {
			n--
		}
		text, more = text[:n], " …"
	}
	s := strings.ToValidUTF8(string(text), string(utf8.RuneError)) + more
	if v.kind == stringValue || v.kind == tokenValue {
		return strconv.Quote(s)
	}
	return s
}

func (w *Part) explainFields(f *fieldMatcher, message []byte) {
	all := tokens(message, nil, 1<<30)
	if len(all) < f.least {
		w.Reason = fmt.Sprintf("the line has %d tokens, and the pattern needs %d", len(all), f.least)
		return
	}
	for i := range f.fields {
		field := &f.fields[i]
		if field.Cond == nil {
			continue
		}
		n := f.token(i, len(all))
		at := all[n]
		v := value{tokenValue, message[at.Start:at.End]}
		var explain func(c Cond) Part
		explain = func(c Cond) Part {
			p := Part{Text: condText(c, field.Name), Span: c.Where()}
			switch c := c.(type) {
			case *And:
				p.all(c.X, explain)
			case *Or:
				p.any(c.X, explain)
			case *Compare:
				var buf []byte
				p.At = []Span{at}
				if p.Matched = newCompare(c).holds(v, &buf); !p.Matched {
					p.Reason = strings.Replace(differs(c, v), "the value", fmt.Sprintf("token %d", n+1), 1)
				}
			}
			return p
		}
		w.Parts = append(w.Parts, explain(field.Cond))
	}
	if !w.Matched {
		w.Reason = "not all of its fields match"
	}
}

func condText(c Cond, name string) string {
	var b strings.Builder
	writeCond(&b, c, name, false)
	return b.String()
}
