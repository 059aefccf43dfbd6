package insightsql

// The commands that look at rows together, or bring in others.
type (
	// Unmask shows what is masked.
	Unmask struct {
		Span
		Fields []*Field
	}
	// Lookup adds columns of a lookup table. With CIDR the table's column has
	// ranges of addresses.
	Lookup struct {
		Span
		Table Name
		Keys  []LookupKey
		Out   []LookupOut
		New   bool // only where the field is missing
		CIDR  bool
	}
	// Join adds the columns of another source.
	Join struct {
		Span
		Left       bool // rows without a partner are kept
		LeftAlias  Name
		RightAlias Name
		On         []JoinKey
		Sub        *Query
	}
	// AddTotals adds totals of rows and columns.
	AddTotals struct {
		Span
		As     string // "": Total
		NoRow  bool
		Col    bool
		Fields []*Field
	}
	// Accum is a running total.
	Accum struct {
		Span
		Field *Field
		As    *Name
	}
	// Autoregress adds the values of earlier rows, from First to Last rows before.
	Autoregress struct {
		Span
		Field       *Field
		As          *Name
		First, Last int
	}
	// AppendCols pastes the columns of a subquery beside the rows.
	AppendCols struct {
		Span
		Override bool
		Max      int // rows of the subquery; 0: 10,000
		Sub      *Query
	}
	// CountFrequent counts the most frequent values.
	CountFrequent struct {
		Span
		Fields []*Field
	}
	// Estimate asks how much a query would read.
	Estimate struct{ Span }
	// FillDown carries values down over missing ones.
	FillDown struct {
		Span
		Names []Name // with '*' for any text
	}
	// FillMissing adds the periods that have no row.
	FillMissing struct {
		Span
		With []Filling
	}
	// LogCompare compares patterns with those of a shifted range.
	LogCompare struct {
		Span
		Shift *Period
	}
	// Outlier removes or transforms outliers.
	Outlier struct {
		Span
		Remove   bool
		Param    float64
		UseLower bool
		Mark     bool
		Fields   []*Field
	}
	// RelevantFields explains what makes some rows special.
	RelevantFields struct {
		Span
		Fields []*Field
		Cond   Expr
	}
	// Sessionize groups rows by the gaps between them.
	Sessionize struct {
		Span
		Fields  []*Field
		MaxSpan *Period // nil: 30m
		As      *Name   // nil: session_id
	}
	// JSON picks values out of a text.
	JSON struct {
		Span
		Field *Field
		Picks []Pick
	}
)

// LookupKey is a column of a lookup table and the field that it has to equal.
type LookupKey struct {
	Column Name
	Field  *Field
}

// LookupOut is a column that a lookup adds.
type LookupOut struct {
	Column Name
	As     *Name
}

// JoinKey is an equality of a field of the left side and one of the right side.
type JoinKey struct {
	Left, Right *Field
}

// Filling is the value that columns of added rows get; without Fields all get it.
type Filling struct {
	Value  Expr
	Fields []*Field
}

// Pick is a path in a JSON text and the column that it makes.
type Pick struct {
	Path *String
	As   Name
}

func (*Unmask) name() string { return "unmask" }
func (c *Lookup) name() string {
	if c.CIDR {
		return "cidrlookup"
	}
	return "lookup"
}
func (*Join) name() string           { return "join" }
func (*AddTotals) name() string      { return "addtotals" }
func (*Accum) name() string          { return "accum" }
func (*Autoregress) name() string    { return "autoregress" }
func (*AppendCols) name() string     { return "appendcols" }
func (*CountFrequent) name() string  { return "countFrequent" }
func (*Estimate) name() string       { return "estimate" }
func (*FillDown) name() string       { return "filldown" }
func (*FillMissing) name() string    { return "fillmissing" }
func (*LogCompare) name() string     { return "logcompare" }
func (*Outlier) name() string        { return "outlier" }
func (*RelevantFields) name() string { return "relevantfields" }
func (*Sessionize) name() string     { return "sessionize" }
func (*JSON) name() string           { return "json" }
