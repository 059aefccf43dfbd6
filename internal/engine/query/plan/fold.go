package plan

import (
	"bytes"
	"math"
)

// fold replaces what does not depend on a row by its value and brings
// comparisons into the form "expression op constant".
func fold(e Expr) Expr { return rewrite(e, foldNode) }

func foldNode(e Expr) Expr {
	switch e := e.(type) {
	case And:
		return foldList(e.X, true)
	case Or:
		return foldList(e.X, false)
	case Not:
		if c, ok := e.X.(Const); ok {
			return Const{BoolValue(!c.V.True())}
		}
		if n, ok := e.X.(Not); ok && predicate(n.X) {
			return n.X
		}
	case Cmp:
		a, okA := e.A.(Const)
		b, okB := e.B.(Const)
		switch {
		case okA && okB:
			return Const{BoolValue(Holds(e.Op, &a.V, &b.V))}
		case okA && nothing(&a.V) || okB && nothing(&b.V):
			return Const{BoolValue(e.Op == Ne)}
		case okA:
			return Cmp{e.Op.Swap(), e.B, e.A}
		}
	case In:
		if c, ok := e.X.(Const); ok {
			return Const{BoolValue(InList(&c.V, e.List))}
		}
		if len(e.List) == 0 {
			return Const{BoolValue(false)}
		}
		if len(e.List) == 1 {
			return foldNode(Cmp{Eq, e.X, Const{e.List[0]}})
		}
	case Arith:
		a, okA := e.A.(Const)
		b, okB := e.B.(Const)
		switch {
		case okA && okB:
			return Const{Arithmetic(e.Op, &a.V, &b.V)}
		case okA && nothing(&a.V) || okB && nothing(&b.V):
			return Const{}
		}
	case Contains:
		if c, ok := e.X.(Const); ok {
			return Const{BoolValue(HasText(&c.V) && bytes.Contains(c.V.AppendText(nil), []byte(e.Sub)))}
		}
	case Match:
		if c, ok := e.X.(Const); ok {
			return Const{BoolValue(HasText(&c.V) && e.Re.Match(c.V.AppendText(nil)))}
		}
	case Present:
		if c, ok := e.X.(Const); ok {
			return Const{BoolValue(c.V.Kind != Null)}
		}
		if predicate(e.X) {
			return Const{BoolValue(true)}
		}
	case Bin:
		if c, ok := e.X.(Const); ok {
			return Const{BinValue(&c.V, e.Every)}
		}
	case Call:
		return foldCall(e)
	case Extract:
		if c, ok := e.X.(Const); ok {
			return Const{ExtractValue(e.By.New(), &c.V, e.Part, e.By.Parts)}
		}
	}
	return e
}

// nothing reports whether a constant is equal to nothing and no number.
func nothing(v *Value) bool { return v.Kind == Null || v.Kind == List }

// HasText reports whether a value has text to search in.
func HasText(v *Value) bool { return v.Kind != Null && v.Kind != List }

// InList reports whether v is equal to one of list.
func InList(v *Value, list []Value) bool {
	for i := range list {
		if Holds(Eq, v, &list[i]) {
			return true
		}
	}
	return false
}

// BinValue computes Bin.
func BinValue(v *Value, every int64) Value {
	f, ok := v.Float()
	if !ok || math.Abs(f) > 1<<53 {
		return Value{}
	}
	return Value{Kind: Time, Num: float64(BinOf(int64(math.Floor(f)), every))}
}

// predicate reports whether e is 1 or 0 for every row.
func predicate(e Expr) bool {
	switch e := e.(type) {
	case And, Or, Not, Cmp, In, Contains, Match, Test, Present:
		return true
	case Call:
		return e.Func.Predicate
	}
	return false
}

// ExtractValue computes one part of Extract for a value.
func ExtractValue(find func(text []byte, out [][]byte) bool, v *Value, part, parts int) Value {
	if !HasText(v) {
		return Value{}
	}
	out := make([][]byte, parts)
	if !find(v.AppendText(nil), out) || out[part] == nil {
		return Value{}
	}
	return Value{Kind: Text, Text: bytes.Clone(out[part])}
}

// foldList simplifies an And (all) or an Or. A list of one keeps its operand's
// truth, so a single operand that is no predicate stays in the list.
func foldList(x []Expr, all bool) Expr {
	var kept []Expr
	for _, k := range x {
		switch k := k.(type) {
		case Const:
			if k.V.True() != all {
				return Const{BoolValue(!all)}
			}
			continue
		case And:
			if all {
				kept = append(kept, k.X...)
				continue
			}
		case Or:
			if !all {
				kept = append(kept, k.X...)
				continue
			}
		}
		kept = append(kept, k)
	}
	switch {
	case len(kept) == 0:
		return Const{BoolValue(all)}
	case len(kept) == 1 && predicate(kept[0]):
		return kept[0]
	case all:
		return And{kept}
	}
	return Or{kept}
}

// conjuncts splits a folded condition into parts that must all hold.
func conjuncts(e Expr, dst []Expr) []Expr {
	switch x := e.(type) {
	case And:
		for _, k := range x.X {
			dst = conjuncts(k, dst)
		}
		return dst
	case Not:
		if o, ok := x.X.(Or); ok {
			for _, k := range o.X {
				dst = conjuncts(foldNode(Not{k}), dst)
			}
			return dst
		}
	case Const:
		if x.V.True() {
			return dst
		}
	}
	return append(dst, e)
}
