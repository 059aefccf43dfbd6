package sql

import (
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Limits of the language.
const (
	maxRows = 100_000 // of LIMIT and OFFSET
	maxSets = 20      // queries that UNION and the like combine
)

// parser adds statements to the words and expressions of sqlexpr.
type parser struct {
	*sqlexpr.Parser
	level int // of subqueries
	sets  int
	data  sqlexpr.Span // the first data source, if there is one
	sub   sqlexpr.Span // the first subquery or join
}

// Parse parses a statement. The error is an *insightsql.Error.
func Parse(text string) (*Query, error) {
	sp, err := sqlexpr.NewParser(text, sqlexpr.SQL)
	if err != nil {
		return nil, err
	}
	p := &parser{Parser: sp}
	sp.Subquery = func() (sqlexpr.Subquery, error) { return p.subquery() }
	if err := p.supported(); err != nil {
		return nil, err
	}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	end := p.Peek()
	if p.TakeSign(";") && p.Peek().Kind != sqlexpr.End {
		return nil, p.Errorf(sqlexpr.Span{Start: end.Start, End: len(text)}, "a query has one statement only")
	}
	if p.Peek().Kind != sqlexpr.End {
		return nil, p.rest()
	}
	if p.data.End > 0 && p.sub.End > 0 {
		return nil, p.Errorf(p.sub, "a join or subquery of data sources is not supported")
	}
	return q, check(q)
}

// statements that the service does not have.
var statements = map[string]string{
	"with": "WITH", "explain": "EXPLAIN", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE", "merge": "MERGE", "create": "CREATE", "drop": "DROP",
	"alter": "ALTER", "truncate": "TRUNCATE", "describe": "DESCRIBE", "show": "SHOW", "set": "SET", "use": "USE", "values": "VALUES", "call": "CALL",
}

// supported refuses what begins like another statement than SELECT.
func (p *parser) supported() error {
	t := p.Peek()
	if name := statements[strings.ToLower(t.Text)]; name != "" && t.Kind == sqlexpr.Word {
		return p.Errorf(t.Span, "%s is not supported", name)
	}
	return nil
}

// rest is the error about what stands behind a query.
func (p *parser) rest() error {
	t := p.Peek()
	for _, w := range []string{"pivot", "unpivot", "lateral", "window", "cluster", "distribute", "fetch", "tablesample"} {
		if t.Is(w) {
			return p.Errorf(t.Span, "%s is not supported", strings.ToUpper(w))
		}
	}
	return p.Unexpected()
}

// subquery reads a query inside of another one.
func (p *parser) subquery() (*Query, error) {
	t := p.Peek()
	if err := p.supported(); err != nil {
		return nil, err
	}
	if p.level > 0 {
		return nil, p.Errorf(t.Span, "a subquery inside of a subquery is not supported")
	}
	p.level++
	q, err := p.query()
	p.level--
	if err == nil && p.sub.End == 0 {
		p.sub = q.Span
	}
	return q, err
}

// query reads selects, what combines them, and their order and limit.
func (p *parser) query() (*Query, error) {
	from := p.Peek()
	q := &Query{Limit: -1, text: p.Text}
	var err error
	if q.Body, err = p.union(); err != nil {
		return nil, err
	}
	if p.TakeWord("order", "by") || p.TakeWord("sort", "by") {
		if q.Order, err = sqlexpr.List(p.Parser, p.OrderKey); err != nil {
			return nil, err
		}
	}
	if p.TakeWord("limit") {
		if q.Limit, err = p.Integer("LIMIT", 0, maxRows); err != nil {
			return nil, err
		}
	}
	if t := p.Peek(); p.TakeWord("offset") {
		if q.Limit < 0 {
			return nil, p.Errorf(t.Span, "OFFSET needs LIMIT")
		}
		if q.Offset, err = p.Integer("OFFSET", 0, maxRows); err != nil {
			return nil, err
		}
	}
	q.Span = p.From(from)
	return q, nil
}

// union reads queries with UNION and EXCEPT between them, left to right.
func (p *parser) union() (Body, error) {
	return p.set(p.intersect, map[string]string{"union": "union", "except": "except", "minus": "except"})
}

// intersect reads queries with INTERSECT between them, which binds stronger.
func (p *parser) intersect() (Body, error) {
	return p.set(p.operand, map[string]string{"intersect": "intersect"})
}

func (p *parser) set(operand func() (Body, error), ops map[string]string) (Body, error) {
	from := p.Peek()
	a, err := operand()
	if err != nil {
		return nil, err
	}
	for {
		t := p.Peek()
		op := ops[strings.ToLower(t.Text)]
		if t.Kind != sqlexpr.Word || op == "" {
			return a, nil
		}
		if p.sets++; p.sets >= maxSets {
			return nil, p.Errorf(t.Span, "more than %d queries are combined", maxSets)
		}
		p.Next()
		s := &Set{Op: op, A: a}
		if s.All = p.TakeWord("all"); !s.All {
			p.TakeWord("distinct")
		}
		if s.B, err = operand(); err != nil {
			return nil, err
		}
		s.Span = p.From(from)
		a = s
	}
}

func (p *parser) operand() (Body, error) {
	if p.IsSign("(") {
		if err := p.Enter(); err != nil {
			return nil, err
		}
		defer p.Leave()
		p.Next()
		q, err := p.query()
		if err != nil {
			return nil, err
		}
		return q, p.WantSign(")")
	}
	return p.selectBody()
}

func (p *parser) selectBody() (*Select, error) {
	from := p.Peek()
	if err := p.WantWord("select"); err != nil {
		return nil, err
	}
	s := &Select{}
	if s.Distinct = p.TakeWord("distinct"); !s.Distinct {
		p.TakeWord("all")
	}
	var err error
	if s.Items, err = sqlexpr.List(p.Parser, p.item); err != nil {
		return nil, err
	}
	if t := p.Peek(); !p.TakeWord("from") {
		if t.Kind == sqlexpr.End || p.IsSign(";") || p.IsSign(")") {
			return nil, p.Errorf(p.From(from), "a query without FROM is not supported")
		}
		return nil, p.Unexpected()
	}
	if s.From, err = p.table(); err != nil {
		return nil, err
	}
	if err := p.joins(s); err != nil {
		return nil, err
	}
	if p.TakeWord("where") {
		if s.Where, err = p.Expr(); err != nil {
			return nil, err
		}
	}
	if p.TakeWord("group", "by") {
		if s.Group, err = sqlexpr.List(p.Parser, p.Expr); err != nil {
			return nil, err
		}
	}
	if p.TakeWord("having") {
		if s.Having, err = p.Expr(); err != nil {
			return nil, err
		}
	}
	s.Span = p.From(from)
	return s, nil
}

func (p *parser) item() (Item, error) {
	from := p.Peek()
	i := Item{}
	dot, star := p.PeekAt(1), p.PeekAt(2)
	switch {
	case p.TakeSign("*"):
		i.Span = p.From(from)
		return i, nil
	case dot.Kind == sqlexpr.Sign && dot.Text == "." && star.Kind == sqlexpr.Sign && star.Text == "*":
		name, err := p.Name()
		if err != nil {
			return i, err
		}
		p.Next()
		p.Next()
		i.Table, i.Span = name, p.From(from)
		return i, nil
	}
	var err error
	if i.X, err = p.Expr(); err != nil {
		return i, err
	}
	i.As, err = p.alias()
	i.Span = p.From(from)
	return i, err
}

// alias takes [AS] name, if it is there.
func (p *parser) alias() (string, error) {
	if p.TakeWord("as") {
		return p.Name()
	}
	if t := p.Peek(); t.Kind == sqlexpr.Quoted || t.Kind == sqlexpr.Word && !sqlexpr.IsReserved(sqlexpr.SQL, t.Text) {
		return p.Name()
	}
	return "", nil
}

// joins reads [INNER | LEFT [OUTER]] JOIN table ON condition.
func (p *parser) joins(s *Select) error {
	for {
		t := p.Peek()
		switch {
		case t.Kind == sqlexpr.Sign && t.Text == ",":
			return p.Errorf(t.Span, "a list of tables is not supported")
		case t.Is("right"), t.Is("full"), t.Is("cross"), t.Is("natural"):
			return p.Errorf(t.Span, "the only joins are INNER JOIN and LEFT JOIN")
		case t.Is("lateral"), t.Is("pivot"), t.Is("unpivot"):
			return p.rest()
		case !t.Is("inner") && !t.Is("left") && !t.Is("join"):
			return nil
		}
		if s.Join != nil {
			return p.Errorf(t.Span, "a query has at most one join")
		}
		j := &Join{Outer: p.TakeWord("left")}
		switch {
		case j.Outer:
			p.TakeWord("outer")
			if n := p.Peek(); n.Is("semi") || n.Is("anti") {
				return p.Errorf(n.Span, "the only joins are INNER JOIN and LEFT JOIN")
			}
		default:
			p.TakeWord("inner")
		}
		if err := p.WantWord("join"); err != nil {
			return err
		}
		if p.Peek().Is("lateral") {
			return p.rest()
		}
		var err error
		if j.Right, err = p.table(); err != nil {
			return err
		}
		switch {
		case p.TakeWord("on"):
			j.On, err = p.Expr()
		case p.TakeWord("using"):
			j.Using, err = p.using()
		default:
			err = p.Unexpected()
		}
		if err != nil {
			return err
		}
		j.Span = p.From(t)
		if p.sub.End == 0 {
			p.sub = j.Span
		}
		s.Join = j
	}
}

func (p *parser) using() ([]string, error) {
	if err := p.WantSign("("); err != nil {
		return nil, err
	}
	names, err := sqlexpr.List(p.Parser, func() (string, error) {
		n, err := p.Column()
		if err != nil {
			return "", err
		}
		return strings.Join(n.Parts, "."), nil
	})
	if err != nil {
		return nil, err
	}
	return names, p.WantSign(")")
}

// table reads one table of FROM and its alias.
func (p *parser) table() (Table, error) {
	from := p.Peek()
	t := Table{}
	var err error
	if p.TakeSign("(") {
		if err := p.Enter(); err != nil {
			return t, err
		}
		defer p.Leave()
		if t.Query, err = p.subquery(); err != nil {
			return t, err
		}
		if err := p.WantSign(")"); err != nil {
			return t, err
		}
	} else {
		var n *sqlexpr.Name
		if n, err = p.Column(); err != nil {
			return t, err
		}
		if p.IsSign("(") {
			return t, p.Errorf(from.Span, "put what selects log groups into back-ticks")
		}
		t.Name = strings.Join(n.Parts, ".")
		if err := p.selectors(&t, n.Span); err != nil {
			return t, err
		}
	}
	t.Span = p.From(from)
	t.Alias, err = p.alias()
	return t, err
}

// selectors finds out which log groups a table is.
func (p *parser) selectors(t *Table, at sqlexpr.Span) error {
	if !isSelector(t.Name) {
		t.sources = []insightsql.Source{{Span: insightsql.Span(at), Names: []string{t.Name}}}
		return nil
	}
	s := selector{text: t.Name, at: at, table: t}
	if bad := s.parse(); bad != "" {
		return p.Errorf(s.place(), "%s", bad)
	}
	for _, k := range t.sources {
		if k.Kind == insightsql.SourceDataSource && p.data.End == 0 {
			p.data = at
		}
	}
	return nil
}
