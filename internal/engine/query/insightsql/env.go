package insightsql

import (
	"context"
	"errors"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
	"github.com/cumulog/cumulog/internal/logs"
)

// Env is what a query needs from outside. Its functions are safe for concurrent use.
type Env struct {
	Now        int64 // ms: when the query was started
	Start, End int64 // ms: the range of the query, [Start, End)
	Limit      int   // rows that the request asks for; 0: DefaultLimit

	StreamName func(logs.StreamID) string
	GroupName  func(logs.GroupID) string         // what @log shows: "<account>:<name>"
	StreamIDs  func(name string) []logs.StreamID // streams of the scanned groups
	GroupIDs   func(name string) []logs.GroupID  // scanned groups, by what @log shows

	// Lookup returns a lookup table. Its error is ErrNoTable when there is none.
	Lookup func(ctx context.Context, table string) (*Table, error)

	// Run returns the rows of another query.
	Run func(ctx context.Context, sub Sub) (*plan.Rows, error)
}

// DefaultLimit is the number of rows of a result when nothing asks for another.
const DefaultLimit = 10_000

// ErrNoTable says that there is no lookup table of a name.
var ErrNoTable = errors.New("there is no such lookup table")

// Sub is a query within a query: a subquery, one side of a join, or the same
// query over an earlier time.
type Sub struct {
	Query      *Query   // without Sources it reads the groups of the query around it
	Other      Language // set, and Query is nil, when it is of another language
	Start, End int64    // ms
	MaxRows    int      // no more rows than these are made
}

// Language is a parsed query of another language.
type Language interface {
	Selectors() []Source // none: it reads the groups of the query around it
	Compile(ctx context.Context, env Env) (*Compiled, error)
}

// Selectors makes a Query a Language.
func (q *Query) Selectors() []Source { return q.Sources }

// Table is a lookup table.
type Table struct {
	Fields []string
	Rows   [][]string
	Key    string // tells the table, and its version, from all others
}

// Compiled is a query as steps of a plan.
type Compiled struct {
	Steps    []plan.Step
	Columns  []string    // of the result, in order
	Events   bool        // rows are single events: they end with @ptr
	Estimate bool        // the query only wants to know how much it would read
	Unmask   bool        // the query shows what is masked
	Index    []IndexCond // groups without these field indexes are not read

	// Discover says that rows, which have the column @message, show the fields found
	// in it too, after Columns, but those of Except. When Except has @message itself,
	// that column is only there for this.
	Discover bool
	Except   []string
}

// IndexCond is a condition of filterIndex.
type IndexCond struct {
	Field  string
	Values []string
}
