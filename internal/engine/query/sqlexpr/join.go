package sqlexpr

import (
	"encoding/binary"
	"strconv"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// MaxJoinRows bounds the rows of the right side of a join.
const MaxJoinRows = 50_000

// Columns that a join makes for itself.
const (
	joinMatches = "$join"
	joinRow     = "$row"
)

// JoinSide is the right side of a join: its rows by their keys. The left side streams
// past it: each row gets the list of its partners, which is unnested.
type JoinSide struct {
	outer bool // rows without a partner stay
	rows  *plan.Rows
	byKey map[string][]int
	lists map[string][]byte // JSON arrays of the rows of keys that have several
}

// NewJoin takes the rows of the right side, whose first columns are the keys.
func NewJoin(rows *plan.Rows, keys int, outer bool) *JoinSide {
	j := &JoinSide{outer: outer, rows: rows, byKey: map[string][]int{}, lists: map[string][]byte{}}
	vals := make([]plan.Value, keys)
	var key []byte
	for r := range rows.Len {
		for i := range vals {
			vals[i] = rows.Cols[i][r]
		}
		var ok bool
		if key, ok = joinKey(key[:0], vals); ok {
			j.byKey[string(key)] = append(j.byKey[string(key)], r)
		}
	}
	for k, list := range j.byKey {
		if len(list) < 2 {
			continue
		}
		text := []byte{'['}
		for i, r := range list {
			if i > 0 {
				text = append(text, ',')
			}
			text = strconv.AppendInt(text, int64(r), 10)
		}
		j.lists[k] = append(text, ']')
	}
	return j
}

// joinKey appends what equal values have in common; ok is false when one of them is
// equal to nothing.
func joinKey(dst []byte, vals []plan.Value) (key []byte, ok bool) {
	for i := range vals {
		v := &vals[i]
		from := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		switch f, number := v.Float(); {
		case v.Kind == plan.Null || v.Kind == plan.List:
			return dst, false
		case number && (v.Kind != plan.Text || canonicalNumber(v.Text, f)):
			dst = plan.AppendNumber(dst, f)
		default:
			dst = append(dst, v.Text...)
		}
		binary.LittleEndian.PutUint32(dst[from:], uint32(len(dst)-from-4))
	}
	return dst, true
}

// canonicalNumber reports whether a text is the shortest one of a number.
func canonicalNumber(t []byte, f float64) bool {
	var buf [32]byte
	return string(plan.AppendNumber(buf[:0], f)) == string(t)
}

// Steps are the steps that join rows on keys, which are expressions of the left side.
func (j *JoinSide) Steps(keys []plan.Expr) []plan.Step {
	matches := &plan.Function{Name: "join", Min: len(keys), Max: len(keys), Absent: true, Bind: func([]*plan.Value) (plan.Eval, error) {
		var key []byte
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			var ok bool
			key, ok = joinKey(key[:0], args)
			list := j.byKey[string(key)]
			switch {
			case ok && len(list) == 1:
				return plan.NumberValue(float64(list[0]))
			case ok && len(list) > 1:
				return plan.Value{Kind: plan.List, Text: j.lists[string(key)]}
			case j.outer:
				return plan.NumberValue(-1)
			}
			return plan.Value{}
		}, nil
	}}
	return []plan.Step{
		plan.Extend{Cols: []plan.Named{{Expr: call(matches, keys...), As: joinMatches}}},
		plan.Unnest{X: plan.Field{Name: joinMatches}, As: joinRow},
	}
}

// Cell is the value of a column of the right side in a joined row.
func (j *JoinSide) Cell(column int) plan.Expr {
	col := j.rows.Cols[column]
	f := &plan.Function{Name: columnName("joined_", column), Min: 1, Max: 1, Eval: func(args []plan.Value, _ *plan.Arena) plan.Value {
		f, ok := args[0].Float()
		if !ok || f < 0 || int(f) >= len(col) {
			return plan.Value{}
		}
		return col[int(f)]
	}}
	return call(f, plan.Field{Name: joinRow})
}
