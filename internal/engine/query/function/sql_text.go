package function

import (
	"bytes"
	"math"
	"time"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// appendTime appends a time, in ms, as results show it; nothing when it is out of bounds.
func appendTime(dst []byte, ms float64) []byte {
	if math.Abs(ms) > maxTime {
		return dst
	}
	return time.UnixMilli(int64(math.Floor(ms))).UTC().AppendFormat(dst, "2006-01-02 15:04:05.000")
}

var sparkTexts = slicesOf(
	dated(
		fixed("ascii", 1, textNumber(ascii)),
		fixed("bit_length", 1, textNumber(func(t []byte) int { return 8 * len(t) })),
		fixed("octet_length", 1, textNumber(func(t []byte) int { return len(t) })),
		between("btrim", 1, 2, trim(spaces(true, true), bytes.Trim)),
		between("ltrim", 1, 2, trim(spaces(true, false), bytes.TrimLeft)),
		between("rtrim", 1, 2, trim(spaces(false, true), bytes.TrimRight)),
		between("trim", 1, 2, trim(spaces(true, true), bytes.Trim)),
		absent(anyNumber("concat_ws", true, concatWith)),
		fixed("contains", 2, textTruth(bytes.Contains)),
		fixed("startswith", 2, textTruth(bytes.HasPrefix)),
		fixed("endswith", 2, textTruth(bytes.HasSuffix)),
		fixed("find_in_set", 2, findInSet),
		fixed("initcap", 1, textual(initCap)),
		fixed("instr", 2, locate(1, 0)),
		between("locate", 2, 3, locate(0, 1)),
		between("position", 2, 3, locate(0, 1)),
		fixed("left", 2, left),
		fixed("right", 2, right),
		between("levenshtein", 2, 3, levenshtein),
		between("lpad", 2, 3, padded(true)),
		between("rpad", 2, 3, padded(false)),
		fixed("luhn_check", 1, luhn),
		absent(between("mask", 1, 5, mask)),
		between("overlay", 3, 4, overlay),
		fixed("repeat", 2, repeat),
		between("replace", 2, 3, replaceOr),
		fixed("soundex", 1, textual(soundex)),
		fixed("split_part", 3, splitPart),
		fixed("substring_index", 3, substringIndex),
		fixed("translate", 3, translate),
		fixed("base64", 1, textual(base64Encode)),
		fixed("unbase64", 1, textual(base64Decode)),
		fixed("sentences", 1, sentences),
		fixed("reverse", 1, reverse),
		anyNumber("concat", false, concatAll),
		fixed("strcmp", 2, strcmp),
		absent(between("elt", 2, plan.MaxArgs, elt)),
	),
	dated(alias(between("substring", 2, 3, substring), "substr", "mid")...),
	dated(alias(fixed("length", 1, strlen), "len", "char_length", "character_length")...),
	dated(alias(fixed("lower", 1, cased(bytes.ToLower, 'A', 'Z')), "lcase")...),
	dated(alias(fixed("upper", 1, cased(bytes.ToUpper, 'a', 'z')), "ucase")...),
	alias(fixed("chr", 1, chr), "char"),
	[]*plan.Function{fixed("space", 1, space)},
)

func slicesOf(lists ...[]*plan.Function) []*plan.Function {
	var all []*plan.Function
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// textNumber is a number of a text.
func textNumber(f func(t []byte) int) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		if !ok {
			return plan.Value{}
		}
		return plan.NumberValue(float64(f(t)))
	}
}

// textTruth is whether two texts are in a relation.
func textTruth(f func(t, of []byte) bool) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		of, ok1 := textOf(&args[1], a)
		if !ok || !ok1 {
			return plan.Value{}
		}
		return truth(f(t, of))
	}
}

func ascii(t []byte) int {
	if len(t) == 0 {
		return 0
	}
	r, _ := utf8.DecodeRune(t)
	return int(r)
}

// spaces removes blanks, and no other white space, from the ends of a text.
func spaces(front, back bool) func([]byte) []byte {
	return func(t []byte) []byte {
		for front && len(t) > 0 && t[0] == ' ' {
			t = t[1:]
		}
		for back && len(t) > 0 && t[len(t)-1] == ' ' {
			t = t[:len(t)-1]
		}
		return t
	}
}

// chr is the character of the last byte of a number; nothing for a negative one.
func chr(args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := whole(&args[0])
	if !ok {
		return plan.Value{}
	}
	from := len(a.Bytes)
	if n >= 0 {
		a.Bytes = utf8.AppendRune(a.Bytes, rune(n&255))
	}
	return made(a, from)
}

func space(args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := whole(&args[0])
	if !ok {
		return plan.Value{}
	}
	from := len(a.Bytes)
	for range min(n, plan.MaxMade) {
		a.Bytes = append(a.Bytes, ' ')
	}
	return made(a, from)
}

// concatAll joins texts, or arrays when all are arrays; Null when one is Null.
func concatAll(args []plan.Value, a *plan.Arena) plan.Value {
	if args[0].Kind == plan.List {
		return joinArrays(args, a)
	}
	at := len(a.Bytes)
	for i := range args {
		if !plan.HasText(&args[i]) {
			a.Bytes = a.Bytes[:at]
			return plan.Value{}
		}
		if !full(a, at) {
			a.Bytes = args[i].AppendText(a.Bytes)
		}
	}
	return made(a, at)
}

// joinArrays makes one array of several.
func joinArrays(args []plan.Value, a *plan.Arena) plan.Value {
	for i := range args {
		if array(&args[i]) == nil {
			return plan.Value{}
		}
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, '[')
	for i := range args {
		for it := jsontext.Of(args[i].Text); it.Next() && !full(a, from); {
			a.Bytes = appendElement(a.Bytes, from, it.Value)
		}
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}

// appendElement appends an element to the array that begins at from.
func appendElement(dst []byte, from int, b []byte) []byte {
	if len(dst) > from+1 {
		dst = append(dst, ',')
	}
	return append(dst, b...)
}

// concatWith joins the texts and the elements of arrays behind the first argument
// with it between them, without those that are Null.
func concatWith(args []plan.Value, a *plan.Arena) plan.Value {
	sep, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	from, first := len(a.Bytes), true
	next := func() {
		if !first {
			a.Bytes = append(a.Bytes, sep...)
		}
		first = false
	}
	for i := range args[1:] {
		v := &args[i+1]
		if v.Kind != plan.List || array(v) == nil {
			if v.Kind != plan.Null && !full(a, from) {
				next()
				a.Bytes = v.AppendText(a.Bytes)
			}
			continue
		}
		for it := jsontext.Of(v.Text); it.Next() && !full(a, from); {
			if it.Value[0] != 'n' {
				next()
				a.Bytes = appendPlain(a.Bytes, it.Value)
			}
		}
	}
	return made(a, from)
}

// appendPlain appends the text of a piece of JSON: what a string means, anything
// else as it is written.
func appendPlain(dst, b []byte) []byte {
	if b[0] == '"' {
		return column.AppendUnescaped(dst, b[1:len(b)-1])
	}
	return append(dst, b...)
}

// replaceOr is replace; without a third argument what is found is removed.
func replaceOr(args []plan.Value, a *plan.Arena) plan.Value {
	if len(args) == 3 {
		return replace(args, a)
	}
	var all [3]plan.Value
	all[0], all[1], all[2] = args[0], args[1], text(nil)
	return replace(all[:], a)
}

// repeat writes a text n times.
func repeat(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	n, ok1 := whole(&args[1])
	if !ok || !ok1 {
		return plan.Value{}
	}
	from := len(a.Bytes)
	for ; n > 0 && len(t) > 0 && !full(a, from); n-- {
		a.Bytes = append(a.Bytes, t...)
	}
	return made(a, from)
}

// reverse turns the characters of a text, or the elements of an array, around.
func reverse(args []plan.Value, a *plan.Arena) plan.Value {
	if args[0].Kind == plan.List {
		return reverseArray(args, a)
	}
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	from := len(a.Bytes)
	for len(t) > 0 {
		_, n := utf8.DecodeLastRune(t)
		a.Bytes = append(a.Bytes, t[len(t)-n:]...)
		t = t[:len(t)-n]
	}
	return made(a, from)
}

// padded fills a text up to n characters, and cuts it to them.
func padded(front bool) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		n, ok1 := whole(&args[1])
		fill := []byte{' '}
		if len(args) == 3 {
			var ok2 bool
			fill, ok2 = textOf(&args[2], a)
			ok1 = ok1 && ok2
		}
		if !ok || !ok1 {
			return plan.Value{}
		}
		n = min(n, plan.MaxMade)
		missing := n - utf8.RuneCount(t)
		if missing <= 0 || len(fill) == 0 {
			return text(t[:runes(t, n)])
		}
		from := len(a.Bytes)
		if !front {
			a.Bytes = append(a.Bytes, t...)
		}
		for width := utf8.RuneCount(fill); missing > 0 && !full(a, from); missing -= width {
			a.Bytes = append(a.Bytes, fill[:runes(fill, missing)]...)
		}
		if front {
			a.Bytes = append(a.Bytes, t...)
		}
		return made(a, from)
	}
}
