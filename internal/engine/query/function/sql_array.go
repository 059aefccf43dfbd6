package function

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// Elements of arrays are equal when they are the same text, truth value or number,
// or lists that are written alike; null is equal to null.

var sparkArrays = slicesOf(
	[]*plan.Function{
		absent(between("array", 0, plan.MaxArgs, jsonArray)),
		absent(fixed("array_append", 2, withElement(false))),
		absent(fixed("array_prepend", 2, withElement(true))),
		fixed("array_compact", 1, onElements(func(all [][]byte) [][]byte {
			return slices.DeleteFunc(all, func(b []byte) bool { return b[0] == 'n' })
		})),
		fixed("array_contains", 2, arrayContains),
		fixed("array_distinct", 1, onElements(distinct)),
		fixed("array_except", 2, onArrays(func(x, y [][]byte) [][]byte { return distinct(chosen(x, y, false)) })),
		fixed("array_intersect", 2, onArrays(func(x, y [][]byte) [][]byte { return distinct(chosen(x, y, true)) })),
		fixed("array_union", 2, onArrays(func(x, y [][]byte) [][]byte { return distinct(append(x, y...)) })),
		absent(fixed("array_insert", 3, arrayInsert)),
		between("array_join", 2, 3, arrayJoin),
		fixed("array_max", 1, arrayExtreme(1)),
		fixed("array_min", 1, arrayExtreme(-1)),
		fixed("array_position", 2, arrayPosition),
		fixed("array_remove", 2, arrayRemove),
		absent(fixed("array_repeat", 2, arrayRepeat)),
		fixed("arrays_overlap", 2, arraysOverlap),
		anyNumber("arrays_zip", false, arraysZip),
		fixed("flatten", 1, flatten),
		fixed("get", 2, get(0)),
		fixed("element_at", 2, elementAt),
		between("sequence", 2, 3, sequence),
		fixed("slice", 3, sliceArray),
		between("sort_array", 1, 2, sortArray),
		shuffleFunction(),
	},
	alias(absent(fixed("size", 1, size)), "cardinality"),
	[]*plan.Function{fixed("array_size", 1, jsonArraySize)},
)

// elements returns the elements of an array as they are written.
func elements(b []byte) [][]byte {
	var all [][]byte
	for it := jsontext.Of(b); it.Next(); {
		all = append(all, it.Value)
	}
	return all
}

// arrayOf makes an array of elements.
func arrayOf(all [][]byte, a *plan.Arena) plan.Value {
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for _, b := range all {
		if a.Bytes = appendElement(a.Bytes, from, b); full(a, from) {
			break
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// onElements is a function of the elements of an array.
func onElements(f func(all [][]byte) [][]byte) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		b := array(&args[0])
		if b == nil {
			return plan.Value{}
		}
		return arrayOf(f(elements(b)), a)
	}
}

func onArrays(f func(x, y [][]byte) [][]byte) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		x, y := array(&args[0]), array(&args[1])
		if x == nil || y == nil {
			return plan.Value{}
		}
		return arrayOf(f(elements(x), elements(y)), a)
	}
}

// reverseArray turns the elements of an array around.
func reverseArray(args []plan.Value, a *plan.Arena) plan.Value {
	return onElements(func(all [][]byte) [][]byte { slices.Reverse(all); return all })(args, a)
}

// withElement adds an element, which may be Null, at an end of an array.
func withElement(front bool) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		b := array(&args[0])
		if b == nil {
			return plan.Value{}
		}
		e := appendJSONTime(nil, &args[1])
		if front {
			return arrayOf(append([][]byte{e}, elements(b)...), a)
		}
		return arrayOf(append(elements(b), e), a)
	}
}

// maxElements bounds the elements of an array that a function makes of numbers.
const maxElements = 1 << 18

// arrayInsert puts an element at a place, counted from 1, or from the end when it
// is negative; null fills what is between.
func arrayInsert(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	pos, ok := whole(&args[1])
	if b == nil || !ok || args[1].Kind == plan.Null || pos == 0 || pos > maxElements || pos < -maxElements {
		return plan.Value{}
	}
	all, e := elements(b), appendJSONTime(nil, &args[2])
	between := func(n int) [][]byte { return slices.Repeat([][]byte{[]byte("null")}, max(n, 0)) }
	if pos < 0 {
		all = append(between(-pos-1-len(all)), all...)
		return arrayOf(slices.Insert(all, len(all)+pos+1, e), a)
	}
	all = append(all, between(pos-1-len(all))...)
	return arrayOf(slices.Insert(all, pos-1, e), a)
}

// arrayJoin joins elements with a text between them; null is left out unless there
// is a text for it.
func arrayJoin(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	sep, ok := textOf(&args[1], a)
	var null []byte
	ok1 := false
	if len(args) == 3 {
		if null, ok1 = textOf(&args[2], a); !ok1 {
			return plan.Value{}
		}
	}
	if b == nil || !ok {
		return plan.Value{}
	}
	from, first := len(a.Bytes), true
	for it := jsontext.Of(b); it.Next() && !full(a, from); {
		isNull := it.Value[0] == 'n'
		if isNull && !ok1 {
			continue
		}
		if !first {
			a.Bytes = append(a.Bytes, sep...)
		}
		first = false
		if isNull {
			a.Bytes = append(a.Bytes, null...)
		} else {
			a.Bytes = appendPlain(a.Bytes, it.Value)
		}
	}
	return made(a, from)
}

func arrayRepeat(args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := whole(&args[1])
	if !ok || args[1].Kind == plan.Null || n > maxElements {
		return plan.Value{}
	}
	return arrayOf(slices.Repeat([][]byte{appendJSONTime(nil, &args[0])}, max(n, 0)), a)
}

// arraysZip makes an array of objects of arrays: the nth has the nth elements, by
// the number of their array from 0.
func arraysZip(args []plan.Value, a *plan.Arena) plan.Value {
	lists := make([][][]byte, len(args))
	most := 0
	for i := range args {
		b := array(&args[i])
		if b == nil {
			return plan.Value{}
		}
		lists[i] = elements(b)
		most = max(most, len(lists[i]))
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for n := range most {
		if n > 0 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = append(a.Bytes, '{')
		for i, l := range lists {
			if i > 0 {
				a.Bytes = append(a.Bytes, ',')
			}
			a.Bytes = append(plan.AppendNumber(append(a.Bytes, '"'), float64(i)), '"', ':')
			if n < len(l) {
				a.Bytes = append(a.Bytes, l[n]...)
			} else {
				a.Bytes = append(a.Bytes, "null"...)
			}
		}
		if a.Bytes = append(a.Bytes, '}'); full(a, from) {
			break
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// flatten makes one array of an array of arrays; Null when an element is none.
func flatten(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	if b == nil {
		return plan.Value{}
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for it := jsontext.Of(b); it.Next() && !full(a, from); {
		if it.Value[0] != '[' {
			a.Bytes = a.Bytes[:from]
			return plan.Value{}
		}
		for in := jsontext.Of(it.Value); in.Next() && !full(a, from); {
			a.Bytes = appendElement(a.Bytes, from, in.Value)
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// get is an element by its place, from first; what is not there is Null.
func get(first int) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		n, ok := whole(&args[1])
		for it := jsontext.Of(array(&args[0])); ok && it.Next(); {
			if it.Index == n-first {
				return fromJSON(it.Value, a)
			}
		}
		return plan.Value{}
	}
}

// elementAt counts from 1, or from the end when the place is negative.
func elementAt(args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := whole(&args[1])
	b := array(&args[0])
	if !ok || b == nil || n >= 0 {
		return get(1)(args, a)
	}
	if all := elements(b); -n <= len(all) {
		return fromJSON(all[len(all)+n], a)
	}
	return plan.Value{}
}

// sequence counts from a number to another by steps, 1 or -1 when it is not said, or
// from a time to another, a day when it is not said and else ms (ours); Null where it
// would never arrive or be longer than an array may be.
func sequence(args []plan.Value, a *plan.Arena) plan.Value {
	lo, ok := args[0].Float()
	hi, ok1 := args[1].Float()
	step := 1.0
	kind := plan.Number
	if args[0].Kind == plan.Time && args[1].Kind == plan.Time { // a day at a time
		kind, step = plan.Time, 24*60*60*1000
	}
	if hi < lo {
		step = -step
	}
	if len(args) == 3 {
		var ok2 bool
		step, ok2 = args[2].Float()
		ok1 = ok1 && ok2
	}
	n := math.Floor((hi - lo) / step)
	if !ok || !ok1 || step == 0 && lo != hi || n < 0 || n > maxElements {
		return plan.Value{}
	}
	if lo == hi {
		n = 0
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for i := range int(n) + 1 {
		if i > 0 {
			a.Bytes = append(a.Bytes, ',')
		}
		a.Bytes = appendJSONTime(a.Bytes, &plan.Value{Kind: kind, Num: lo + float64(i)*step})
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// sliceArray takes elements from a place, counted from 1, or from the end when it is negative.
func sliceArray(args []plan.Value, a *plan.Arena) plan.Value {
	b := array(&args[0])
	from, ok := whole(&args[1])
	n, ok1 := whole(&args[2])
	if b == nil || !ok || !ok1 || from == 0 || n < 0 {
		return plan.Value{}
	}
	all := elements(b)
	if from < 0 {
		from += len(all) + 1
	}
	if from < 1 || from > len(all) {
		return arrayOf(nil, a)
	}
	return arrayOf(all[from-1:min(len(all), from-1+min(n, len(all)))], a)
}

// size is the number of elements or members; -1 of Null.
func size(args []plan.Value, _ *plan.Arena) plan.Value {
	if args[0].Kind == plan.Null {
		return plan.NumberValue(-1)
	}
	b := listOf(&args[0])
	if b == nil {
		return plan.Value{}
	}
	n := 0
	for it := jsontext.Of(b); it.Next(); {
		n++
	}
	return plan.NumberValue(float64(n))
}

func shuffleFunction() *plan.Function {
	f := fixed("shuffle", 1, onElements(func(all [][]byte) [][]byte {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all
	}))
	f.Volatile = true
	return f
}
