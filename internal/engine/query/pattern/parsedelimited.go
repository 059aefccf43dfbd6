package pattern

import "strings"

// parseDelimited reads what stands between the brackets.
func parseDelimited(text string, from, to int) (*Pattern, error) {
	p := &Pattern{Kind: Delimited}
	c := condParser{scanner: scanner{text: text[:to], pos: from}, delimited: true}
	if c.done() {
		return p, nil
	}
	seen := map[string]bool{}
	ellipsis := false
	for {
		f, err := c.delimitedField()
		if err != nil {
			return nil, err
		}
		switch {
		case f.Kind == Ellipsis && ellipsis:
			return nil, invalid(f.Span, "a pattern can have one ellipsis only", "")
		case f.Kind == Named && seen[f.Name]:
			return nil, invalid(f.Span, "two fields have the name "+f.Name, "")
		}
		ellipsis = ellipsis || f.Kind == Ellipsis
		seen[f.Name] = true
		p.Fields = append(p.Fields, f)
		if c.done() {
			return p, nil
		}
		if !c.take(",") {
			return nil, invalid(c.here(), "a comma is missing between fields", "values with blanks or punctuation have to be in double quotes")
		}
		if c.done() { // a comma at the end is followed by a field without a name
			p.Fields = append(p.Fields, Field{Span: Span{c.pos, c.pos}})
			return p, nil
		}
	}
}

func (p *condParser) delimitedField() (Field, error) {
	p.space()
	start := p.pos
	if p.pos == len(p.text) || p.text[p.pos] == ',' {
		return Field{Span: Span{start, start}}, nil
	}
	if p.take("...") {
		return Field{Kind: Ellipsis, Span: Span{start, p.pos}}, nil
	}
	f := Field{Kind: Named}
	// The name comes first, behind parentheses at most.
	for p.take("(") {
		p.space()
	}
	at := p.pos
	f.Name = p.run(isNameByte)
	if f.Name == "" {
		return f, invalid(p.at(at), "the name of a field is missing here", "letters, digits, _ and -")
	}
	if strings.Trim(f.Name, "0123456789") == "" {
		return f, invalid(p.at(at), "the name of a field has digits only, as fields without a name are called by their number", "f"+f.Name)
	}
	end := p.pos
	p.space()
	if at == start && (p.pos == len(p.text) || p.text[p.pos] == ',') {
		f.Span = Span{start, end}
		return f, nil
	}
	if at == start && p.text[p.pos] != '=' && p.text[p.pos] != '!' && p.text[p.pos] != '<' && p.text[p.pos] != '>' {
		return f, invalid(p.here(), "a comma or an operator is missing after the name of the field", "")
	}
	p.pos, p.field = start, f.Name
	c, _, err := p.or(0)
	if err != nil {
		return f, err
	}
	f.Cond, f.Span = c, Span{start, p.pos}
	return f, nil
}

// fieldTerm reads one comparison of a field.
func (p *condParser) fieldTerm() (Cond, error) {
	start := p.pos
	name := p.run(isNameByte)
	switch {
	case name == "":
		return nil, invalid(p.here(), "the name of the field is missing here", "")
	case name != p.field:
		hint := "put a comma between fields"
		if _, ok := number(name); ok {
			hint = "name the field in each comparison: " + p.field + " = " + name
		}
		return nil, invalid(Span{start, p.pos}, "a condition of the field "+p.field+" cannot be about another field", hint)
	}
	return p.compare(nil, start)
}
