package function

import (
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// elements returns the elements of an array as they are written.
func elements(b []byte) [][]byte {
	var all [][]byte
	for it := jsontext.Of(b); it.Next(); {
		all = append(all, it.Value)
	}
	return all
}

func reverseArray(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	if b == nil {
		return plan.Value{}
	}
	all := elements(b)
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for i := len(all) - 1; i >= 0; i-- {
		a.Bytes = appendElement(a.Bytes, from, all[i])
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}
