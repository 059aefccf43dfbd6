package insightsql

import "regexp"

// Span is a part of the text of a query, in bytes from Start to before End.
type Span struct{ Start, End int }

// Query is a parsed query.
type Query struct {
	Sources  []Source
	Commands []Command

	text string // all of it, which spans point into
}

// SourceKind tells the selectors of SOURCE apart.
type SourceKind uint8

// The selectors.
const (
	SourceNames      SourceKind = iota // names or ARNs of groups
	SourceLogGroups                    // logGroups(…)
	SourceDataSource                   // dataSource([…])
	SourceTags                         // logGroupTags([…])
)

// Source selects log groups. Several of them are intersected.
type Source struct {
	Span
	Kind     SourceKind
	Names    []string    // names, prefixes of names, or data sources
	Accounts []string    // of logGroups
	Class    string      // of logGroups: STANDARD, INFREQUENT_ACCESS; "" is STANDARD
	Tags     []TagFilter // of logGroupTags

	// From and To shift the range of the query when they are set: ms before now.
	From, To *int64
}

// TagFilter wants a group to have a tag.
type TagFilter struct {
	Key    string
	Values []string // with '*', and '!' before what is not wanted
}

// Command is one command of a query.
type Command interface {
	where() Span
	set(at Span)
	name() string
	print(b *printer)
}

// Item is an expression and the name of its column.
type Item struct {
	Span
	Expr  Expr
	Alias string // "": the column is named as the expression is written
	name  string // what the column is called
	as    Span   // of what names it: the alias, or the expression
}

// Name returns the name of the column.
func (i *Item) Name() string { return i.name }

// Name is a name in a query, such as an alias.
type Name struct {
	Span
	Text string
}

// The commands.
type (
	// Fields chooses columns and computes new ones; Display is the final list.
	Fields struct {
		Span
		Items   []Item
		Display bool
		implied bool // it is not in the text
	}
	// Filter keeps the rows for which Cond holds.
	Filter struct {
		Span
		Cond Expr
	}
	// FilterIndex keeps the events of indexed groups whose field has one of the values.
	FilterIndex struct {
		Span
		Field  *Field
		Values []Expr
	}
	// Extract is the parse command: it takes fields out of a text.
	Extract struct {
		Span
		X     Expr // nil: @message
		Mode  ParseMode
		Glob  *String
		Regex *Regex
		Multi bool
		As    []Name
	}
	// Stats aggregates.
	Stats struct {
		Span
		Items  []Item
		By     []Item
		Offset *Period
	}
	// Sort orders rows.
	Sort struct {
		Span
		Keys []SortKey
	}
	// Limit caps the number of rows.
	Limit struct {
		Span
		N   int
		Any bool
	}
	// Dedup keeps one row for each combination of values.
	Dedup struct {
		Span
		Fields []*Field
	}
	// Pattern clusters texts.
	Pattern struct {
		Span
		X Expr

		// Values is set by the compiler: anomaly comes later, which compares the values of
		// tokens.
		Values bool
	}
	// Diff compares patterns with those of an earlier range.
	Diff struct {
		Span
		Before string // previousDay, previousWeek, previousMonth or ""
	}
	// Anomaly marks unusual patterns.
	Anomaly struct{ Span }
	// Unnest makes a row of each element of a list.
	Unnest struct {
		Span
		X  Expr
		As Name
	}
	// Expand is Unnest of a field that keeps its name.
	Expand struct {
		Span
		Field *Field
	}
)

// ParseMode is a kind of the parse command.
type ParseMode uint8

// The kinds.
const (
	ParseGlob ParseMode = iota
	ParseRegex
	ParseLogfmt
	ParseCSV
	ParseXML
)

var parseModes = [...]string{"", "", "logfmt", "csv", "xml"}

// SortKey is one key of a Sort.
type SortKey struct {
	Expr Expr
	Desc bool
}

func (s Span) where() Span { return s }

func (s *Span) set(at Span) { *s = at }

func (c *Fields) name() string {
	if c.Display {
		return "display"
	}
	return "fields"
}
func (*Filter) name() string      { return "filter" }
func (*FilterIndex) name() string { return "filterIndex" }
func (*Extract) name() string     { return "parse" }
func (*Stats) name() string       { return "stats" }
func (*Sort) name() string        { return "sort" }
func (*Limit) name() string       { return "limit" }
func (*Dedup) name() string       { return "dedup" }
func (*Pattern) name() string     { return "pattern" }
func (*Diff) name() string        { return "diff" }
func (*Anomaly) name() string     { return "anomaly" }
func (*Unnest) name() string      { return "unnest" }
func (*Expand) name() string      { return "expand" }

// Expr is an expression.
type Expr interface {
	where() Span
	set(at Span)
	level() int // how strongly it binds, for the printer
	print(b *printer)
}

// The expressions.
type (
	// Field is a field of an event or a column of a row.
	Field struct {
		Span
		Path []string
	}
	// Number is a number as it is written.
	Number struct {
		Span
		Value float64
		Text  string
	}
	// String is a text.
	String struct {
		Span
		Value string
	}
	// Bool is true or false.
	Bool struct {
		Span
		Value bool
	}
	// Regex is a regular expression.
	Regex struct {
		Span
		Source string
		Re     *regexp.Regexp
	}
	// Period is a length of time.
	Period struct {
		Span
		N    int64
		Unit Unit
	}
	// Negative is -X.
	Negative struct {
		Span
		X Expr
	}
	// Arith computes; Op is one of + - * / % ^.
	Arith struct {
		Span
		Op   byte
		A, B Expr
	}
	// Compare compares; Op is one of = != < <= > >=.
	Compare struct {
		Span
		Op   string
		A, B Expr
	}
	// Like looks for a text, or what a regular expression matches.
	Like struct {
		Span
		X     Expr
		Not   bool
		Sub   *String
		Regex *Regex
	}
	// In looks for a value in a list, or among the rows of a query.
	In struct {
		Span
		X    Expr
		Not  bool
		List []Expr
		Sub  *Query
	}
	// Not, And and Or are logic.
	Not struct {
		Span
		X Expr
	}
	And struct {
		Span
		X []Expr
	}
	Or struct {
		Span
		X []Expr
	}
	// Call is a call of a function.
	Call struct {
		Span
		Name string // as written
		Func string // in the spelling of the tables: lower case, without '_'
		Args []Expr
		Star bool // f(*)
	}
	// Element is a part of a structure that an expression makes.
	Element struct {
		Span
		X    Expr
		Path []string
	}
)
