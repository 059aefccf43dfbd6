package pattern

import (
	"strconv"
	"strings"
)

// String prints the pattern in its canonical form: one blank between items and
// around operators, quotes only where they are needed, parentheses only where
// precedence asks for them. Parsing that gives the same pattern, but for spans.
func (p *Pattern) String() string {
	var b strings.Builder
	switch p.Kind {
	case Terms:
		for i, it := range p.Items {
			if i > 0 {
				b.WriteByte(' ')
			}
			switch it.Op {
			case Optional:
				b.WriteByte('?')
			case Exclude:
				b.WriteByte('-')
			}
			if isWord(it.Text) {
				b.WriteString(it.Text)
			} else {
				writeQuoted(&b, it.Text)
			}
		}
	case Regex:
		b.WriteString("%" + p.Regexp.Source + "%")
	case JSON:
		b.WriteString("{ ")
		writeCond(&b, p.Cond, "", false)
		b.WriteString(" }")
	case Delimited:
		b.WriteByte('[')
		for i := range p.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			f := &p.Fields[i]
			if i > 0 && f.Kind != Unnamed {
				b.WriteByte(' ')
			}
			f.write(&b)
		}
		b.WriteByte(']')
	}
	return b.String()
}

func (f *Field) write(b *strings.Builder) {
	switch {
	case f.Kind == Ellipsis:
		b.WriteString("...")
	case f.Cond != nil:
		writeCond(b, f.Cond, f.Name, false)
	default:
		b.WriteString(f.Name)
	}
}

// writeCond writes a condition; name is the field that comparisons of a delimited
// pattern are about, inner says that the condition is an operand.
func writeCond(b *strings.Builder, c Cond, name string, inner bool) {
	list := func(x []Cond, op string) {
		if inner {
			b.WriteByte('(')
		}
		for i, k := range x {
			if i > 0 {
				b.WriteString(op)
			}
			writeCond(b, k, name, true)
		}
		if inner {
			b.WriteByte(')')
		}
	}
	switch c := c.(type) {
	case *And:
		list(c.X, " && ")
	case *Or:
		list(c.X, " || ")
	case *Compare:
		if c.Sel != nil {
			b.WriteString(c.Sel.String())
		} else {
			b.WriteString(name)
		}
		b.WriteString(" " + c.Op.String() + " ")
		c.Operand.write(b)
	case *Is:
		b.WriteString(c.Sel.String() + " IS " + c.What.String())
	case *NotExists:
		b.WriteString(c.Sel.String() + " NOT EXISTS")
	}
}

func (v *Operand) write(b *strings.Builder) {
	switch v.Kind {
	case NumberOperand:
		b.WriteString(v.Text)
		return
	case RegexOperand:
		b.WriteString("%" + v.Regexp.Source + "%")
		return
	}
	text := v.Text
	switch {
	case v.Before && v.After && text == "":
		text = "*"
	default:
		if v.Before {
			text = "*" + text
		}
		if v.After {
			text += "*"
		}
	}
	if v.Quoted {
		writeQuoted(b, text)
	} else {
		b.WriteString(text)
	}
}

// String returns the selector as it is written, names in brackets where they
// have to be.
func (s Selector) String() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, step := range s {
		switch {
		case step.Elem && step.Any:
			b.WriteString("[*]")
		case step.Elem:
			b.WriteString("[" + strconv.Itoa(step.Index) + "]")
		case step.Any:
			b.WriteString(".*")
		case isName(step.Name):
			b.WriteString("." + step.Name)
		case strings.IndexByte(step.Name, '\'') >= 0:
			b.WriteString(`.["` + step.Name + `"]`)
		default:
			b.WriteString(".['" + step.Name + "']")
		}
	}
	return b.String()
}

func isName(s string) bool {
	for i := range len(s) {
		if !isNameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func writeQuoted(b *strings.Builder, text string) {
	b.WriteByte('"')
	for i := range len(text) {
		if c := text[i]; c == '"' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	b.WriteByte('"')
}
