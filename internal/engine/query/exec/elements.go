package exec

import (
	"bytes"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendElements appends the elements of a JSON array. What is no array is an
// element itself. Texts share memory with list or are in the arena.
func appendElements(dst []plan.Value, list []byte, a *arena) []plan.Value {
	it := jsontext.Of(bytes.TrimLeft(list, " \t\r\n"))
	if !it.Array() {
		return append(dst, plan.Value{Kind: plan.List, Text: list})
	}
	for it.Next() {
		if e := it.Value; e[0] == '"' {
			dst = append(dst, textValue(e[1:len(e)-1], true, true, a))
		} else {
			dst = append(dst, textValue(e, false, false, a))
		}
	}
	return dst
}
