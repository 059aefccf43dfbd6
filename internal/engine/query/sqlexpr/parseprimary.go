package sqlexpr

import "strings"

func (p *Parser) primary() (Expr, error) {
	t := p.Peek()
	switch t.Kind {
	case String:
		p.pos++
		return &Literal{t.Span, StringLiteral, t.Text}, nil
	case Number:
		p.pos++
		return &Literal{t.Span, NumberLiteral, t.Text}, nil
	case Quoted:
		return p.Column()
	case Word:
		return p.word()
	}
	switch {
	case p.IsSign("[") && p.dialect == PPL && p.Subquery != nil:
		q, err := p.subquery("[", "]")
		if err != nil {
			return nil, err
		}
		return &Sub{Span: p.From(t), Query: q}, nil
	case p.IsSign("(") && p.startsQuery(1):
		q, err := p.subquery("(", ")")
		if err != nil {
			return nil, err
		}
		return &Sub{Span: p.From(t), Query: q}, nil
	case p.TakeSign("("):
		x, err := p.Expr()
		if err != nil {
			return nil, err
		}
		return x, p.WantSign(")")
	}
	return nil, p.Unexpected()
}

// bare are the functions that may be called without parentheses.
var bare = words("current_date current_timestamp current_timezone localtimestamp")

func (p *Parser) word() (Expr, error) {
	t, next := p.Peek(), p.PeekAt(1)
	name := strings.ToLower(t.Text)
	open := next.Kind == Sign && next.Text == "("
	switch {
	case name == "null":
		p.pos++
		return &Literal{t.Span, NullLiteral, name}, nil
	case name == "true" || name == "false":
		p.pos++
		return &Literal{t.Span, BoolLiteral, name}, nil
	case name == "case":
		return p.caseWhen()
	case name == "exists" && (open && p.startsQuery(2) || p.dialect == PPL && next.Kind == Sign && next.Text == "["):
		p.pos++
		brackets := [2]string{"(", ")"}
		if !open {
			brackets = [2]string{"[", "]"}
		}
		q, err := p.subquery(brackets[0], brackets[1])
		if err != nil {
			return nil, err
		}
		return &Sub{p.From(t), q, true}, nil
	case (name == "date" || name == "timestamp") && next.Kind == String:
		p.pos += 2
		return &Cast{Span: p.From(t), X: &Literal{next.Span, StringLiteral, next.Text}, Type: name}, nil
	case name == "interval" && (next.Kind == Number || next.Kind == String || open || next.Kind == Sign && next.Text == "-"):
		return p.interval()
	case open:
		return p.call()
	case next.Kind == Sign && next.Text == "->":
		return nil, p.Errorf(Span{t.Start, next.End}, "lambda functions are not supported")
	case bare[name] && !(next.Kind == Sign && next.Text == "."):
		p.pos++
		return &Call{Span: t.Span, Func: name}, nil
	}
	return p.Column()
}

func (p *Parser) interval() (Expr, error) {
	from := p.Next()
	if t := p.Peek(); t.Kind == String {
		number, unit, both := strings.Cut(strings.TrimSpace(t.Text), " ")
		x := Expr(&Literal{t.Span, NumberLiteral, strings.TrimPrefix(number, "-")})
		if !isNumber(strings.TrimPrefix(number, "-")) {
			return nil, p.Errorf(t.Span, "an interval needs a number")
		}
		if strings.HasPrefix(number, "-") {
			x = &Unary{t.Span, "-", x}
		}
		p.pos++
		if !both {
			unit = p.Next().Text
		}
		u := Unit(strings.TrimSpace(unit))
		if u == "" {
			return nil, p.Errorf(p.Last().Span, "%s is no unit of time", strings.TrimSpace(unit))
		}
		return &Interval{p.From(from), x, u}, nil
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	t := p.Next()
	u := Unit(t.Text)
	if t.Kind != Word || u == "" {
		return nil, p.Errorf(t.Span, "an interval needs a unit of time")
	}
	return &Interval{p.From(from), x, u}, nil
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == "" || len(s) > 2 && strings.Trim(s, "0123456789.") == "" && strings.Count(s, ".") == 1 &&
		s[0] != '.' && s[len(s)-1] != '.'
}

// Unit returns a unit of time in lower case and singular; "" when it is none.
func Unit(s string) string {
	u := strings.TrimSuffix(strings.ToLower(s), "s")
	switch u {
	case "microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year":
		return u
	}
	return ""
}

// caseWhen takes CASE … END; PPL also has case(condition, value, … else value).
func (p *Parser) caseWhen() (Expr, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	from := p.Next()
	c := &Case{}
	var err error
	if p.dialect == PPL && p.TakeSign("(") {
		return p.caseCall(from, c)
	}
	if !p.Peek().Is("when") {
		if c.X, err = p.Expr(); err != nil {
			return nil, err
		}
	}
	for p.TakeWord("when") {
		var w When
		if w.Cond, err = p.Expr(); err != nil {
			return nil, err
		}
		if err := p.WantWord("then"); err != nil {
			return nil, err
		}
		if w.Then, err = p.Expr(); err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, w)
	}
	if len(c.Whens) == 0 {
		return nil, p.Unexpected()
	}
	if p.TakeWord("else") {
		if c.Else, err = p.Expr(); err != nil {
			return nil, err
		}
	}
	if err := p.WantWord("end"); err != nil {
		return nil, err
	}
	c.Span = p.From(from)
	return c, nil
}

func (p *Parser) caseCall(from Token, c *Case) (Expr, error) {
	for {
		var w When
		var err error
		if w.Cond, err = p.Expr(); err != nil {
			return nil, err
		}
		if err := p.WantSign(","); err != nil {
			return nil, err
		}
		if w.Then, err = p.Expr(); err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, w)
		if p.TakeWord("else") {
			if c.Else, err = p.Expr(); err != nil {
				return nil, err
			}
			break
		}
		if !p.TakeSign(",") {
			break
		}
	}
	if err := p.WantSign(")"); err != nil {
		return nil, err
	}
	c.Span = p.From(from)
	return c, nil
}

// call takes a call of a function and the special forms of some.
func (p *Parser) call() (Expr, error) {
	if err := p.Enter(); err != nil {
		return nil, err
	}
	defer p.Leave()
	from := p.Next()
	p.pos++
	name := strings.ToLower(from.Text)
	c := &Call{Func: name}
	var err error
	switch name {
	case "cast", "try_cast":
		return p.cast(from, name == "try_cast")
	case "extract":
		err = p.extract(c)
	case "trim":
		err = p.trim(c)
	case "position":
		err = p.twoWith(c, "in")
	case "substring", "substr":
		err = p.withWords(c, "from", "for")
	case "overlay":
		err = p.withWords(c, "placing", "from", "for")
	default:
		err = p.args(c)
	}
	if err != nil {
		return nil, err
	}
	if err := p.WantSign(")"); err != nil {
		return nil, err
	}
	if p.dialect == SQL {
		if err := p.behind(c); err != nil {
			return nil, err
		}
	}
	c.Span = p.From(from)
	return c, nil
}

func (p *Parser) args(c *Call) error {
	if p.IsSign(")") {
		return nil
	}
	if p.IsSign("*") && p.PeekAt(1).Text == ")" {
		p.pos++
		c.Star = true
		return nil
	}
	c.Distinct = p.TakeWord("distinct")
	if !c.Distinct {
		p.TakeWord("all")
	}
	var err error
	c.Args, err = List(p, p.Expr)
	if err == nil && p.TakeWord("ignore", "nulls") {
		c.Nulls = "ignore"
	}
	if err == nil && p.TakeWord("respect", "nulls") {
		c.Nulls = "respect"
	}
	return err
}

func (p *Parser) cast(from Token, try bool) (Expr, error) {
	x, err := p.Expr()
	if err != nil {
		return nil, err
	}
	if err := p.WantWord("as"); err != nil {
		return nil, err
	}
	t := p.Next()
	name := strings.ToLower(t.Text)
	if t.Kind != Word || !isType[name] {
		return nil, p.Errorf(t.Span, "there is no type %s", t.Text)
	}
	if name == "decimal" && p.TakeSign("(") { // its digits do not matter: numbers are doubles
		if _, err := p.Integer("the precision", 1, 38); err != nil {
			return nil, err
		}
		if p.TakeSign(",") {
			if _, err := p.Integer("the scale", 0, 38); err != nil {
				return nil, err
			}
		}
		if err := p.WantSign(")"); err != nil {
			return nil, err
		}
	}
	if err := p.WantSign(")"); err != nil {
		return nil, err
	}
	return &Cast{p.From(from), x, name, try}, nil
}

var isType = words("bigint binary bool boolean byte date decimal double float int integer long real short smallint string text timestamp tinyint varchar")

// extract takes EXTRACT(unit FROM x); the unit becomes a text.
func (p *Parser) extract(c *Call) error {
	t := p.Next()
	if t.Kind != Word && t.Kind != String {
		return Unexpected(p.Text, t)
	}
	if err := p.WantWord("from"); err != nil {
		return err
	}
	x, err := p.Expr()
	c.Args = []Expr{&Literal{t.Span, StringLiteral, strings.ToLower(t.Text)}, x}
	return err
}

// trim takes TRIM([BOTH | LEADING | TRAILING] [chars] FROM x), which becomes
// btrim, ltrim or rtrim with x first.
func (p *Parser) trim(c *Call) error {
	side := ""
	for word, name := range map[string]string{"both": "btrim", "leading": "ltrim", "trailing": "rtrim"} {
		if n := p.PeekAt(1); p.Peek().Is(word) && !(n.Kind == Sign && n.Text != "(") {
			p.pos++
			side = name
			break
		}
	}
	if side == "" {
		if err := p.args(c); err != nil || !p.TakeWord("from") {
			return err
		}
		side = "btrim"
		if len(c.Args) != 1 {
			return p.Unexpected()
		}
	} else {
		if !p.Peek().Is("from") {
			x, err := p.Expr()
			if err != nil {
				return err
			}
			c.Args = []Expr{x}
		}
		if err := p.WantWord("from"); err != nil {
			return err
		}
	}
	x, err := p.Expr()
	c.Func, c.Args = side, append([]Expr{x}, c.Args...)
	return err
}

// twoWith takes f(a word b), besides f(a, b).
func (p *Parser) twoWith(c *Call, word string) error {
	x, err := p.sum()
	if err != nil {
		return err
	}
	c.Args = []Expr{x}
	if p.TakeWord(word) {
		y, err := p.Expr()
		c.Args = append(c.Args, y)
		return err
	}
	for p.TakeSign(",") {
		y, err := p.Expr()
		if err != nil {
			return err
		}
		c.Args = append(c.Args, y)
	}
	return nil
}

// withWords takes f(a from b for c), besides f(a, b, c).
func (p *Parser) withWords(c *Call, words ...string) error {
	if err := p.args(c); err != nil || len(c.Args) != 1 {
		return err
	}
	for _, w := range words {
		if p.TakeWord(w) {
			x, err := p.Expr()
			if err != nil {
				return err
			}
			c.Args = append(c.Args, x)
		}
	}
	return nil
}
