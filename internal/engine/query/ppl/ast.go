package ppl

import (
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/sqlexpr"
)

// Query is a parsed query.
type Query struct {
	Sources  []insightsql.Source
	Index    []Index // indexed fields that the source clause asks for
	Commands []Command

	named bool   // there was a source clause
	text  string // all of it, which spans point into
}

// Index is a condition on an indexed field in a source clause.
type Index struct {
	Field  *sqlexpr.Name
	Values []string // none: the field is indexed
}

// Command is one command of a query.
type Command interface {
	At() sqlexpr.Span
	String() string
}

// The commands.
type (
	// Where keeps the rows for which Cond is true.
	Where struct {
		sqlexpr.Span
		Cond sqlexpr.Expr
	}
	// Fields keeps columns, or drops them.
	Fields struct {
		sqlexpr.Span
		Drop  bool
		Names []*sqlexpr.Name
	}
	// Eval computes columns; each sees those before it.
	Eval struct {
		sqlexpr.Span
		Items []Assign
	}
	// Stats aggregates; Eventstats adds the aggregates to the rows.
	Stats struct {
		sqlexpr.Span
		Items []Item
		By    []Key
		Event bool
	}
	// Sort orders rows.
	Sort struct {
		sqlexpr.Span
		Keys []SortKey
	}
	// Head keeps N rows after the first From.
	Head struct {
		sqlexpr.Span
		N, From int
	}
	// Dedup keeps N rows of each combination of values.
	Dedup struct {
		sqlexpr.Span
		N         int
		Names     []*sqlexpr.Name
		KeepEmpty bool
	}
	// Rename gives columns other names.
	Rename struct {
		sqlexpr.Span
		Pairs []Pair
	}
	// Extract, the command parse, makes columns of the groups of a regular expression that matches all
	// of a text.
	Extract struct {
		sqlexpr.Span
		X       sqlexpr.Expr
		Pattern string
		at      sqlexpr.Span // of the pattern
	}
	// Grok extracts columns by a pattern of named patterns.
	Grok struct {
		sqlexpr.Span
		X       sqlexpr.Expr
		Pattern string
		at      sqlexpr.Span
	}
	// Top keeps the most frequent, or rarest, combinations of values.
	Top struct {
		sqlexpr.Span
		Rare  bool
		N     int
		Names []*sqlexpr.Name
		By    []*sqlexpr.Name
	}
	// Join joins rows with those of another source.
	Join struct {
		sqlexpr.Span
		Outer       bool // a left outer join
		Left, Right string
		On          sqlexpr.Expr
		Query       *Query
	}
	// Trendline adds moving averages.
	Trendline struct {
		sqlexpr.Span
		Sort  *SortKey
		Items []Trend
	}
	// Flatten makes columns of the members of an object.
	Flatten struct {
		sqlexpr.Span
		Name *sqlexpr.Name
		As   []string
	}
	// Expand makes a row of each element of a list.
	Expand struct {
		sqlexpr.Span
		Name *sqlexpr.Name
		As   *sqlexpr.Name
	}
	// FieldSummary describes the values of a column.
	FieldSummary struct {
		sqlexpr.Span
		Name  *sqlexpr.Name
		Nulls bool
	}
	// FillNull replaces Null in columns.
	FillNull struct {
		sqlexpr.Span
		With  sqlexpr.Expr // for Names
		Names []*sqlexpr.Name
		Using []Assign // when With is nil
	}
)

// Assign is name = expression.
type Assign struct {
	Name *sqlexpr.Name
	X    sqlexpr.Expr
}

// Item is an expression of aggregates and the name of its column.
type Item struct {
	X    sqlexpr.Expr
	As   string // "": the column is named as the expression is written
	name string
}

// Key is a group key: an expression, or a span of it when Every is not 0.
type Key struct {
	X     sqlexpr.Expr
	Every float64
	Unit  string // of time; "" for numbers
	As    string
	name  string
}

// SortKey is one key of Sort.
type SortKey struct {
	Name *sqlexpr.Name
	Desc bool
	As   string // "auto", "num", "str" or "ip"; "" is auto
}

// Pair is one renaming.
type Pair struct{ From, To *sqlexpr.Name }

// Trend is one moving average of Trendline.
type Trend struct {
	Weighted bool // wma, else sma
	N        int
	Name     *sqlexpr.Name
	As       string
}
