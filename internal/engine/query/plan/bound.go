package plan

import (
	"github.com/cumulog/cumulog/internal/engine/column"
)

// Bound is a condition on one field that blocks can be excluded by.
type Bound struct {
	Path    string // its name
	Present bool   // rows without the field do not match
	Op      CmpOp
	Num     float64
	Compare bool // Op and Num are set: the value must compare so
}

// Excludes reports whether no row of a block can match, given what is known
// about the path in it.
func (b *Bound) Excludes(c column.Bounds) bool {
	if c.Rows == 0 {
		return b.Present
	}
	if !b.Compare || !c.Numeric {
		return false
	}
	lo, hi := Decimal(c.Min, c.Scale), Decimal(c.Max, c.Scale)
	switch b.Op {
	case Eq:
		return b.Num < lo || b.Num > hi
	case Lt:
		return lo >= b.Num
	case Le:
		return lo > b.Num
	case Gt:
		return hi <= b.Num
	case Ge:
		return hi < b.Num
	}
	return false
}

// boundOf returns the condition that the predicate e puts on a path, if it
// reads exactly one.
func boundOf(e Expr) (Bound, bool) {
	path, one := "", true
	Fields(e, func(name string) {
		if IsSystem(name) || path != "" && path != name {
			one = false
		}
		path = name
	})
	if !one || path == "" {
		return Bound{}, false
	}
	b := Bound{Path: path}
	absent := fold(rewrite(e, func(x Expr) Expr {
		if _, ok := x.(Field); ok {
			return Const{}
		}
		return x
	}))
	if c, ok := absent.(Const); ok && !c.V.True() {
		b.Present = true
	}
	if c, ok := e.(Cmp); ok && c.Op != Ne {
		_, isField := c.A.(Field)
		k, isConst := c.B.(Const)
		if isField && isConst {
			switch k.V.Kind {
			case Number, Raw, Bool, Time:
				b.Op, b.Num, b.Compare = c.Op, k.V.Num, true
			}
		}
	}
	return b, b.Present || b.Compare
}
