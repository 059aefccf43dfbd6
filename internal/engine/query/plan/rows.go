package plan

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Unnest replaces each row by one row for each element of the list X, which is
// the column As of it. A value that is no list counts as a list of one, Null and
// a list of none make no row.
type Unnest struct {
	X  Expr
	As string
}

// Dedup keeps the first N rows of each combination of Keys, in the order that the
// rows have: after a Sort that one, else newest first. It leaves that order.
type Dedup struct {
	Keys []Expr
	N    int
	Null DedupNull // what becomes of rows where one of the keys is Null

	// Optimize sets these: the order of the rows when it is not newest first, and how
	// many of those kept are wanted; 0 means all.
	By    []SortKey
	Limit int
}

// DedupNull says what Dedup does with rows where a key is Null.
type DedupNull uint8

// The choices.
const (
	KeepNull DedupNull = iota // keep all of them
	DropNull                  // drop all of them
	SameNull                  // Null is a value like others
)

// Cluster groups the texts of X by what they have in common. It makes the
// columns @pattern, @sampleCount, @ratio and @severityLabel, one row for each
// pattern, most frequent first. Rows where X has no text are left out.
type Cluster struct {
	X Expr
	// Values adds the column @tokens: JSON of the tokens that have few values, and of
	// these values with their counts.
	Values bool
}

// ClusterColumns are the columns that every Cluster makes.
func ClusterColumns() []string {
	return []string{"@pattern", "@sampleCount", "@ratio", "@severityLabel"}
}

// TokensColumn is the column that a Cluster with Values makes, last.
const TokensColumn = "@tokens"

// Columns are the columns that s makes.
func (s Cluster) Columns() []string {
	if s.Values {
		return append(ClusterColumns(), TokensColumn)
	}
	return ClusterColumns()
}

// RatioValue returns the share that part has of all, with the four decimals that
// results show.
func RatioValue(part, all int64) Value {
	if all == 0 {
		return Value{}
	}
	text := strconv.AppendFloat(nil, float64(part)/float64(all), 'f', 4, 64)
	f, _ := ParseNumber(text)
	return Value{Kind: Raw, Num: f, Text: text}
}

// Transform computes rows from all rows together, in their order.
type Transform struct {
	Name string // one line of Explain

	// Reads are the columns it reads; All says that it reads every column there is.
	Reads []string
	All   bool

	// Columns returns the columns it makes of those it gets. There are no others
	// afterwards, unless rows stay Events: then fields and columns that it did not get
	// are still there, and without All those that it got and did not make.
	Columns func(in []string) []string

	// Apply makes new rows, without changing those it gets. An error ends the query.
	Apply func(ctx context.Context, in *Rows) (*Rows, error)

	// Events says that each row it makes comes from one row it gets (Rows.From), and
	// stays the event that this one is.
	Events bool
}

// Rows are rows in memory, column by column.
type Rows struct {
	Names []string
	Cols  [][]Value // each of Len values
	Len   int
	From  []int // of the rows that a Transform made: the row that each comes from

	// Grow counts memory, in bytes, that a Transform is about to use; it fails
	// when the query has no more. It is nil in rows that a Transform made.
	Grow func(bytes int) error
}

// Column returns the values of a column; nil when there is none of that name.
func (r *Rows) Column(name string) []Value {
	for i, n := range r.Names {
		if n == name {
			return r.Cols[i]
		}
	}
	return nil
}

func (s Unnest) String() string { return "unnest " + s.X.String() + " as " + s.As }
func (s Cluster) String() string {
	if s.Values {
		return "pattern " + s.X.String() + " with values"
	}
	return "pattern " + s.X.String()
}
func (s Transform) String() string { return s.Name }
func (s Dedup) String() string {
	k := make([]string, len(s.Keys))
	for i, x := range s.Keys {
		k[i] = x.String()
	}
	text := "dedup " + strings.Join(k, ", ")
	if s.N > 1 {
		text += " keep " + strconv.Itoa(s.N)
	}
	text += [...]string{"", " without null", " with null as value"}[s.Null]
	if len(s.By) > 0 || s.Limit > 0 {
		text += strings.TrimPrefix(Sort{s.By, s.Limit}.String(), "sort")
	}
	return text
}

func (s Unnest) exprs() []Expr  { return []Expr{s.X} }
func (s Cluster) exprs() []Expr { return []Expr{s.X} }
func (s Dedup) exprs() []Expr   { return append(slices.Clone(s.Keys), Sort{Keys: s.By}.exprs()...) }
func (s Transform) exprs() []Expr {
	e := make([]Expr, len(s.Reads))
	for i, n := range s.Reads {
		e[i] = Field{n}
	}
	return e
}

func (s Unnest) withExprs(e []Expr) Step  { return Unnest{e[0], s.As} }
func (s Cluster) withExprs(e []Expr) Step { return Cluster{e[0], s.Values} }
func (s Dedup) withExprs(e []Expr) Step {
	n := len(s.Keys)
	s.By = Sort{Keys: s.By}.withExprs(e[n:]).(Sort).Keys
	s.Keys = e[:n:n]
	return s
}
func (s Transform) withExprs([]Expr) Step { return s }

func checkRows(s Step) error {
	switch s := s.(type) {
	case Unnest:
		if s.As == "" {
			return invalid("unnest makes a column without a name")
		}
	case Dedup:
		if s.N < 1 || s.Null > SameNull {
			return invalid("dedup keeps %d rows of each", s.N)
		}
		if s.Limit != 0 || s.By != nil {
			return invalid("a dedup has an order or a limit of its own")
		}
	case Transform:
		if s.Apply == nil || s.Columns == nil {
			return invalid("%s does nothing", s.Name)
		}
	}
	return nil
}
