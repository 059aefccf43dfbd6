package sql

import (
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Query is a parsed statement, or a subquery.
type Query struct {
	sqlexpr.Span
	Body   Body
	Order  []sqlexpr.Order
	Limit  int // -1: none
	Offset int

	text  string   // all of it, which spans point into
	outer []string // aliases of tables of the query around it
}

// Body is a *Select, a *Set, or a *Query in parentheses.
type Body interface {
	At() sqlexpr.Span
	String() string
}

// Set combines the rows of two queries.
type Set struct {
	sqlexpr.Span
	Op   string // "union", "intersect" or "except"
	All  bool
	A, B Body
}

// Select is SELECT … FROM … WHERE … GROUP BY … HAVING ….
type Select struct {
	sqlexpr.Span
	Distinct bool
	Items    []Item
	From     Table
	Join     *Join
	Where    sqlexpr.Expr
	Group    []sqlexpr.Expr
	Having   sqlexpr.Expr
}

// Item is one column of a Select.
type Item struct {
	sqlexpr.Span
	X     sqlexpr.Expr // nil for a star
	Table string       // of a star: the alias before it
	As    string       // "": the column is named as the expression is written
	name  string
}

// Table is what rows are read from: log groups, or a subquery.
type Table struct {
	sqlexpr.Span
	Name  string // as written, without back-ticks
	Query *Query // a subquery instead
	Alias string

	sources []insightsql.Source
	index   []indexCond
}

// indexCond is one condition of filterIndex.
type indexCond struct {
	field  string
	values []string
}

// Join is the second table of a Select.
type Join struct {
	sqlexpr.Span
	Outer bool // LEFT
	Right Table
	On    sqlexpr.Expr
	Using []string
}

// Selectors returns the selectors of the log groups that the first Select reads;
// those of the others are read on their own.
func (q *Query) Selectors() []insightsql.Source {
	return first(q).From.leaf().sources
}

// first is the Select whose rows the plan of a query reads.
func first(b Body) *Select {
	for {
		switch x := b.(type) {
		case *Query:
			b = x.Body
		case *Set:
			b = x.A
		case *Select:
			return x
		}
	}
}

// alias is what may stand before the columns of a table. The name of a log group
// can; implied says that it is one, and so may be a part of the name of a field.
func (t *Table) alias() (name string, implied bool) {
	if t.Alias == "" && t.Query == nil && !isSelector(t.Name) {
		return t.Name, true
	}
	return t.Alias, false
}

// leaf is the table of log groups that a table reads in the end.
func (t *Table) leaf() *Table {
	for t.Query != nil {
		t = &first(t.Query).From
	}
	return t
}
