package insightsql

import (
	"strings"
)

// Limits of selectors.
const (
	maxPrefixes    = 5
	maxAccounts    = 20
	maxDataSources = 10
	maxTags        = 5
	maxTagValues   = 5
	maxNames       = 50
)

// sources reads what follows SOURCE.
func (p *parser) sources(q *Query) {
	for {
		s := Source{}
		from := p.tok.at.Start
		switch {
		case p.tok.kind == tokString || p.isOp("["):
			s.Names = p.texts()
			p.most(from, len(s.Names), maxNames, "names")
		case p.word("logGroups"):
			s.Kind = SourceLogGroups
			p.logGroups(&s)
		case p.word("dataSource"):
			s.Kind = SourceDataSource
			p.expect("(")
			s.Names = p.texts()
			p.most(from, len(s.Names), maxDataSources, "data sources")
			p.expect(")")
		case p.word("logGroupTags"):
			s.Kind = SourceTags
			p.expect("(")
			p.tags(&s)
			p.expect(")")
		default:
			p.unexpected()
		}
		s.From, s.To = p.shift("start"), p.shift("end")
		s.Span = p.from(from)
		q.Sources = append(q.Sources, s)
		p.bound(len(q.Sources))
		if p.tok.kind == tokEOF || p.isOp("|") || p.isOp(")") {
			return
		}
	}
}

func (p *parser) most(from, n, most int, what string) {
	if n > most {
		p.fail(refused(p.from(from), "SOURCE takes at most %d %s", most, what))
	}
}

// shift reads "start=-1d" or "end=now".
func (p *parser) shift(word string) *int64 {
	if !p.word(word) {
		return nil
	}
	p.expect("=")
	ms := int64(0)
	if p.word("now") {
		return &ms
	}
	negative := p.accept("-")
	x, ok := Period{}, p.tok.kind == tokPeriod
	if ok {
		x, ok = parsePeriod(p.tok.text)
	}
	if ms, fixed := x.Millis(); ok && fixed && (negative || ms == 0) {
		p.advance()
		return &ms
	}
	p.unexpected()
	return nil
}

// logGroups reads (namePrefix: […], accountIdentifiers: […], class: […]).
func (p *parser) logGroups(s *Source) {
	p.expect("(")
	var seen []string
	for !p.isOp(")") && p.err == nil {
		from := p.tok.at.Start
		key := p.oneOf("namePrefix", "accountIdentifiers", "accountIdentifier", "logGroupClass", "class")
		if key == "" {
			p.unexpected()
			return
		}
		p.expect(":")
		list := p.texts()
		var kind string
		switch {
		case key == "namePrefix":
			kind = "prefix"
			s.Names = list
			p.most(from, len(list), maxPrefixes, "prefixes")
		case strings.HasPrefix(key, "account"):
			kind = "account"
			s.Accounts = list
			p.most(from, len(list), maxAccounts, "accounts")
		default:
			kind = "class"
			if len(list) != 1 || !strings.EqualFold(list[0], "STANDARD") && !strings.EqualFold(list[0], "INFREQUENT_ACCESS") {
				p.fail(refused(p.from(from), "the class of log groups is STANDARD or INFREQUENT_ACCESS"))
				return
			}
			s.Class = strings.ToUpper(list[0])
		}
		for _, k := range seen {
			if k == kind {
				p.fail(refused(p.from(from), "%s is given twice", key))
			}
		}
		seen = append(seen, kind)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
}

// tags reads [{"key":"k","values":["v", …]}, …].
func (p *parser) tags(s *Source) {
	from := p.tok.at.Start
	p.expect("[")
	for p.err == nil {
		var f TagFilter
		p.expect("{")
		for p.err == nil {
			switch key := p.text(); key.Value {
			case "key":
				p.expect(":")
				f.Key = p.text().Value
			case "values":
				p.expect(":")
				at := p.tok.at.Start
				f.Values = p.texts()
				p.most(at, len(f.Values), maxTagValues, "values of a tag")
			default:
				p.fail(unexpected(key.Span, p.lex.text[key.Start:key.End]))
			}
			if !p.accept(",") {
				break
			}
		}
		if p.err == nil && f.Key == "" {
			p.unexpected()
		}
		p.expect("}")
		s.Tags = append(s.Tags, f)
		if !p.accept(",") {
			break
		}
	}
	p.expect("]")
	p.most(from, len(s.Tags), maxTags, "tags")
}

func (b *printer) source(s *Source) {
	texts := func(list []string) {
		b.add("[")
		for i, t := range list {
			if i > 0 {
				b.add(", ")
			}
			b.add(quoteText(t))
		}
		b.add("]")
	}
	switch s.Kind {
	case SourceNames:
		texts(s.Names)
	case SourceDataSource:
		b.add("dataSource(")
		texts(s.Names)
		b.add(")")
	case SourceLogGroups:
		b.add("logGroups(")
		sep := ""
		part := func(key string, list []string) {
			if len(list) > 0 {
				b.add(sep, key, ": ")
				texts(list)
				sep = ", "
			}
		}
		part("namePrefix", s.Names)
		part("accountIdentifiers", s.Accounts)
		if s.Class != "" {
			part("class", []string{s.Class})
		}
		b.add(")")
	case SourceTags:
		b.add("logGroupTags([")
		for i, t := range s.Tags {
			if i > 0 {
				b.add(", ")
			}
			b.add(`{"key": `, quoteText(t.Key), `, "values": `)
			texts(t.Values)
			b.add("}")
		}
		b.add("])")
	}
	b.shift("start", s.From)
	b.shift("end", s.To)
}

func (b *printer) shift(word string, ms *int64) {
	switch {
	case ms == nil:
	case *ms == 0:
		b.add(" ", word, "=now")
	default:
		p := Period{N: *ms, Unit: Millisecond}
		for u := Week; u > Millisecond; u-- {
			if *ms%unitMillis[u] == 0 {
				p = Period{N: *ms / unitMillis[u], Unit: u}
				break
			}
		}
		b.add(" ", word, "=-")
		p.print(b)
	}
}
