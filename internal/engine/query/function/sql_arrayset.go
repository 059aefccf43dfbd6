package function

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendKey appends what equal elements have in common.
func appendKey(dst, b []byte) []byte {
	switch b[0] {
	case '"':
		return appendPlain(append(dst, '"'), b)
	case '[', '{':
		return jsontext.Compact(dst, b)
	case 'n', 't', 'f':
		return append(dst, b...)
	}
	if f, ok := plan.ParseNumber(b); ok {
		return plan.AppendNumber(dst, f)
	}
	return append(dst, b...)
}

// keyOf is appendKey of a value; false for Null.
func keyOf(v *plan.Value) (key []byte, ok bool) {
	if v.Kind == plan.Null {
		return nil, false
	}
	return appendKey(nil, appendJSONTime(nil, v)), true
}

func distinct(all [][]byte) [][]byte {
	seen := map[string]bool{}
	var key []byte
	return slices.DeleteFunc(all, func(b []byte) bool {
		key = appendKey(key[:0], b)
		if seen[string(key)] {
			return true
		}
		seen[string(key)] = true
		return false
	})
}

// chosen are the elements of x that are, or are not, in y.
func chosen(x, y [][]byte, in bool) [][]byte {
	seen := map[string]bool{}
	var key []byte
	for _, b := range y {
		key = appendKey(key[:0], b)
		seen[string(key)] = true
	}
	return slices.DeleteFunc(x, func(b []byte) bool {
		key = appendKey(key[:0], b)
		return seen[string(key)] != in
	})
}

// arrayContains is Null where the value is not found but null is.
func arrayContains(args []plan.Value, _ *plan.Arena) plan.Value {
	b := array(&args[0])
	want, ok := keyOf(&args[1])
	if b == nil || !ok {
		return plan.Value{}
	}
	null := false
	var key []byte
	for it := jsontext.Of(b); it.Next(); {
		if key = appendKey(key[:0], it.Value); bytes.Equal(key, want) {
			return truth(true)
		}
		null = null || it.Value[0] == 'n'
	}
	if null {
		return plan.Value{}
	}
	return truth(false)
}

// arrayPosition is the place of an element, from 1; 0 when it is not there.
func arrayPosition(args []plan.Value, _ *plan.Arena) plan.Value {
	b := array(&args[0])
	want, ok := keyOf(&args[1])
	if b == nil || !ok {
		return plan.Value{}
	}
	var key []byte
	for it := jsontext.Of(b); it.Next(); {
		if key = appendKey(key[:0], it.Value); bytes.Equal(key, want) {
			return plan.NumberValue(float64(it.Index + 1))
		}
	}
	return plan.NumberValue(0)
}

func arrayRemove(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	want, ok := keyOf(&args[1])
	if b == nil || !ok {
		return plan.Value{}
	}
	var key []byte
	return arrayOf(slices.DeleteFunc(elements(b), func(b []byte) bool {
		key = appendKey(key[:0], b)
		return bytes.Equal(key, want)
	}), a)
}

// arrayExtreme is the greatest (sign 1) or least (sign -1) element that is not
// null, in the order of sort.
func arrayExtreme(sign int) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		var best plan.Value
		for it := jsontext.Of(array(&args[0])); it.Next(); {
			v := fromJSON(it.Value, a)
			if v.Kind != plan.Null && (best.Kind == plan.Null || sign*plan.Order(&v, &best) > 0) {
				best = v
			}
		}
		return best
	}
}

// arraysOverlap is Null where nothing is found in both but null is in one.
func arraysOverlap(args []plan.Value, _ *plan.Arena) plan.Value {
	x, y := array(&args[0]), array(&args[1])
	if x == nil || y == nil {
		return plan.Value{}
	}
	isNull := func(b []byte) bool { return b[0] == 'n' }
	p, q := elements(x), elements(y)
	null := len(p) > 0 && len(q) > 0 && (slices.ContainsFunc(p, isNull) || slices.ContainsFunc(q, isNull))
	both := chosen(slices.DeleteFunc(p, isNull), q, true)
	if len(both) == 0 && null {
		return plan.Value{}
	}
	return truth(len(both) > 0)
}

// sortArray sorts in the order of sort, null first; a second argument that does
// not hold turns it around.
func sortArray(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	if b == nil || len(args) == 2 && args[1].Kind == plan.Null {
		return plan.Value{}
	}
	sign := 1
	if len(args) == 2 && !args[1].True() {
		sign = -1
	}
	type element struct {
		v   plan.Value
		raw []byte
	}
	var all []element
	scratch := &plan.Arena{}
	for it := jsontext.Of(b); it.Next(); {
		all = append(all, element{fromJSON(it.Value, scratch), it.Value})
	}
	slices.SortStableFunc(all, func(x, y element) int { return sign * cmp.Compare(plan.Order(&x.v, &y.v), 0) })
	raw := make([][]byte, len(all))
	for i := range all {
		raw[i] = all[i].raw
	}
	return arrayOf(raw, a)
}
