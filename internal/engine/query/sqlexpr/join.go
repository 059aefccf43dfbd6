package sqlexpr

import (
	"github.com/cumulog/cumulog/internal/engine/query/insightsql"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// MaxJoinRows bounds the rows of the right side of a join.
const MaxJoinRows = 50_000

// Columns that a join makes for itself.
const (
	joinMatches = "$join"
	joinRow     = "$row"
)

// JoinSide is the right side of a join: its rows, and the rows of each key.
type JoinSide struct {
	partners *insightsql.Partners
	rows     *plan.Rows
}

// NewJoin takes the rows of the right side, whose first columns are the keys.
func NewJoin(rows *plan.Rows, keys int, outer bool) *JoinSide {
	j := &JoinSide{insightsql.NewPartners(outer), rows}
	j.partners.Load(rows.Cols[:keys], rows.Len, rows.Len)
	return j
}

// Steps are the steps that join rows on keys, which are expressions of the left side.
func (j *JoinSide) Steps(keys []plan.Expr) []plan.Step {
	return []plan.Step{
		plan.Extend{Cols: []plan.Named{{Expr: call(j.partners.Matches(len(keys)), keys...), As: joinMatches}}},
		plan.Unnest{X: plan.Field{Name: joinMatches}, As: joinRow},
	}
}

// Cell is the value of a column of the right side in a joined row.
func (j *JoinSide) Cell(column int) plan.Expr {
	return call(insightsql.RowCell(columnName("joined_", column), j.rows.Cols[column]), plan.Field{Name: joinRow})
}
