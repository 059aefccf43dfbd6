package ppl

import (
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// unsupported are commands of PPL that the service does not have.
var unsupported = map[string]bool{
	"patterns": true, "lookup": true, "describe": true, "ad": true, "kmeans": true, "ml": true, "show": true, "explain": true,
	"appendcol": true, "append": true, "geoip": true, "reverse": true, "table": true, "timechart": true, "chart": true, "bin": true,
}

func (p *parser) command() (Command, error) {
	t := p.Next()
	if t.Kind != sqlexpr.Word {
		return nil, sqlexpr.Unexpected(p.Text, t)
	}
	switch name := strings.ToLower(t.Text); name {
	case "where":
		x, err := p.Expr()
		return &Where{p.From(t), x}, err
	case "fields":
		return p.fields(t)
	case "eval":
		items, err := sqlexpr.List(p.Parser, p.assign)
		return &Eval{p.From(t), items}, err
	case "stats", "eventstats":
		return p.stats(t, name == "eventstats")
	case "sort":
		return p.sort(t)
	case "head":
		return p.head(t)
	case "dedup":
		return p.dedup(t)
	case "rename":
		pairs, err := sqlexpr.List(p.Parser, p.pair)
		return &Rename{p.From(t), pairs}, err
	case "parse", "grok":
		return p.extract(t, name == "grok")
	case "top", "rare":
		return p.top(t, name == "rare")
	case "inner", "left", "join":
		return p.join(t)
	case "right", "full", "cross":
		if p.Peek().Is("join") || p.Peek().Is("outer") {
			return nil, p.Errorf(p.From(t), "the only joins are INNER and LEFT")
		}
	case "trendline":
		return p.trendline(t)
	case "flatten":
		return p.flatten(t)
	case "expand":
		return p.expand(t)
	case "fieldsummary":
		return p.fieldSummary(t)
	case "fillnull":
		return p.fillNull(t)
	default:
		if unsupported[name] {
			return nil, p.Errorf(t.Span, "the command %s is not supported", name)
		}
	}
	return nil, sqlexpr.Unexpected(p.Text, t)
}

func (p *parser) fields(t sqlexpr.Token) (Command, error) {
	f := &Fields{}
	if f.Drop = p.TakeSign("-"); !f.Drop {
		p.TakeSign("+")
	}
	var err error
	f.Names, err = sqlexpr.List(p.Parser, p.Column)
	f.Span = p.From(t)
	return f, err
}

func (p *parser) assign() (Assign, error) {
	n, err := p.Column()
	if err != nil {
		return Assign{}, err
	}
	if err := p.WantSign("="); err != nil {
		return Assign{}, err
	}
	x, err := p.Expr()
	return Assign{n, x}, err
}

func (p *parser) pair() (Pair, error) {
	from, err := p.Column()
	if err != nil {
		return Pair{}, err
	}
	if err := p.WantWord("as"); err != nil {
		return Pair{}, err
	}
	to, err := p.Column()
	return Pair{from, to}, err
}

// alias takes "as name", if it is there.
func (p *parser) alias() (string, error) {
	if !p.TakeWord("as") {
		return "", nil
	}
	n, err := p.Column()
	if err != nil {
		return "", err
	}
	return strings.Join(n.Parts, "."), nil
}

func (p *parser) stats(t sqlexpr.Token, event bool) (Command, error) {
	s := &Stats{Event: event}
	var err error
	if s.Items, err = sqlexpr.List(p.Parser, p.item); err != nil {
		return nil, err
	}
	if p.TakeWord("by") {
		if s.By, err = sqlexpr.List(p.Parser, p.key); err != nil {
			return nil, err
		}
	}
	s.Span = p.From(t)
	return s, nil
}

func (p *parser) item() (Item, error) {
	x, err := p.Expr()
	if err != nil {
		return Item{}, err
	}
	i := Item{X: x}
	if i.As, err = p.alias(); err != nil {
		return Item{}, err
	}
	if i.name = i.As; i.name == "" {
		i.name = p.written(x)
	}
	return i, nil
}

// written is an expression as it stands in the query; a name is without back-ticks.
func (p *parser) written(x sqlexpr.Expr) string {
	if n, ok := x.(*sqlexpr.Name); ok {
		return strings.Join(n.Parts, ".")
	}
	return strings.Join(strings.Fields(p.Text[x.At().Start:x.At().End]), " ")
}

func (p *parser) key() (Key, error) {
	from := p.Peek()
	k := Key{}
	var err error
	if n := p.PeekAt(1); from.Is("span") && n.Kind == sqlexpr.Sign && n.Text == "(" {
		err = p.span(&k)
		k.name = p.Text[from.Start:p.Last().End]
	} else {
		if k.X, err = p.Expr(); err == nil {
			k.name = p.written(k.X)
		}
	}
	if err != nil {
		return Key{}, err
	}
	if k.As, err = p.alias(); err == nil && k.As != "" {
		k.name = k.As
	}
	return k, err
}

// units of span.
var units = map[string]string{"ms": "millisecond", "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "M": "month", "q": "quarter", "y": "year"}

// span takes span(x, number [unit]).
func (p *parser) span(k *Key) error {
	p.Next()
	p.Next()
	var err error
	if k.X, err = p.Expr(); err != nil {
		return err
	}
	if err := p.WantSign(","); err != nil {
		return err
	}
	t := p.Peek()
	if t.Kind != sqlexpr.Number {
		return p.Unexpected()
	}
	p.Next()
	if k.Every, err = strconv.ParseFloat(t.Text, 64); err != nil || k.Every <= 0 || k.Every > 1e15 {
		return p.Errorf(t.Span, "the width of a span must be more than 0")
	}
	if u := p.Peek(); u.Kind == sqlexpr.Word {
		p.Next()
		if k.Unit = units[u.Text]; k.Unit == "" {
			k.Unit = units[strings.ToLower(u.Text)]
		}
		if k.Unit == "" {
			k.Unit = sqlexpr.Unit(u.Text)
		}
		if k.Unit == "" || k.Unit == "microsecond" {
			return p.Errorf(u.Span, "%s is no unit of time", u.Text)
		}
		if k.Every != float64(int64(k.Every)) {
			return p.Errorf(t.Span, "the width of a span of time must be an integer")
		}
	}
	return p.WantSign(")")
}

func (p *parser) sort(t sqlexpr.Token) (Command, error) {
	keys, err := sqlexpr.List(p.Parser, p.sortKey)
	return &Sort{p.From(t), keys}, err
}

func (p *parser) sortKey() (SortKey, error) {
	k := SortKey{}
	if k.Desc = p.TakeSign("-"); !k.Desc {
		p.TakeSign("+")
	}
	t, n := p.Peek(), p.PeekAt(1)
	var err error
	if w := strings.ToLower(t.Text); t.Kind == sqlexpr.Word && n.Kind == sqlexpr.Sign && n.Text == "(" && (w == "auto" || w == "num" || w == "str" || w == "ip") {
		p.Next()
		p.Next()
		if w != "auto" {
			k.As = w
		}
		if k.Name, err = p.Column(); err != nil {
			return k, err
		}
		err = p.WantSign(")")
	} else {
		k.Name, err = p.Column()
	}
	if err != nil {
		return k, err
	}
	switch {
	case p.TakeWord("desc"), p.TakeWord("d"):
		k.Desc = true
	case p.TakeWord("asc"), p.TakeWord("a"):
		k.Desc = false
	}
	return k, nil
}

func (p *parser) head(t sqlexpr.Token) (Command, error) {
	h := &Head{N: 10}
	var err error
	if p.Peek().Kind == sqlexpr.Number {
		if h.N, err = p.Integer("the number of rows", 1, maxRows); err != nil {
			return nil, err
		}
	}
	if p.TakeWord("from") {
		if h.From, err = p.Integer("the offset", 0, maxRows); err != nil {
			return nil, err
		}
	}
	h.Span = p.From(t)
	return h, nil
}

// maxRows bounds the rows that head asks for.
const maxRows = 100_000

// option takes name = true or false.
func (p *parser) option(name string) (value, given bool, err error) {
	if n := p.PeekAt(1); !p.Peek().Is(name) || n.Kind != sqlexpr.Sign || n.Text != "=" {
		return false, false, nil
	}
	p.Next()
	p.Next()
	switch {
	case p.TakeWord("true"):
		return true, true, nil
	case p.TakeWord("false"):
		return false, true, nil
	}
	return false, true, p.Unexpected()
}

func (p *parser) dedup(t sqlexpr.Token) (Command, error) {
	d := &Dedup{N: 1}
	var err error
	if p.Peek().Kind == sqlexpr.Number {
		if d.N, err = p.Integer("the number of rows", 1, maxRows); err != nil {
			return nil, err
		}
	}
	if d.Names, err = sqlexpr.List(p.Parser, p.Column); err != nil {
		return nil, err
	}
	for {
		at := p.Peek()
		value, given, err := p.option("keepempty")
		if err != nil {
			return nil, err
		}
		if given {
			d.KeepEmpty = value
			continue
		}
		if value, given, err = p.option("consecutive"); err != nil {
			return nil, err
		}
		if value {
			return nil, p.Errorf(p.From(at), "consecutive=true is not supported")
		}
		if !given {
			break
		}
	}
	d.Span = p.From(t)
	return d, nil
}

func (p *parser) extract(t sqlexpr.Token, grok bool) (Command, error) {
	x, err := p.Column()
	if err != nil {
		return nil, err
	}
	pat := p.Peek()
	if pat.Kind != sqlexpr.String {
		return nil, p.Unexpected()
	}
	p.Next()
	if grok {
		return &Grok{p.From(t), x, pat.Text, pat.Span}, nil
	}
	return &Extract{p.From(t), x, pat.Text, pat.Span}, nil
}

func (p *parser) top(t sqlexpr.Token, rare bool) (Command, error) {
	c := &Top{Rare: rare, N: 10}
	var err error
	if p.Peek().Kind == sqlexpr.Number {
		if c.N, err = p.Integer("the number of values", 1, maxRows); err != nil {
			return nil, err
		}
	}
	if c.Names, err = sqlexpr.List(p.Parser, p.Column); err != nil {
		return nil, err
	}
	if p.TakeWord("by") {
		if c.By, err = sqlexpr.List(p.Parser, p.Column); err != nil {
			return nil, err
		}
	}
	c.Span = p.From(t)
	return c, nil
}
