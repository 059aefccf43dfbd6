package function

import (
	"bytes"
	"math"
	"time"
	"unicode"
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

// findInSet is the place, from 1, of a text in a list that is separated by commas.
func findInSet(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	set, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.Value{}
	}
	if bytes.IndexByte(t, ',') >= 0 {
		return plan.NumberValue(0)
	}
	for n := 1; ; n++ {
		one, rest, more := bytes.Cut(set, []byte{','})
		if bytes.Equal(one, t) {
			return plan.NumberValue(float64(n))
		}
		if set = rest; !more {
			return plan.NumberValue(0)
		}
	}
}

// initCap makes the first letter of each word a capital and the others small.
func initCap(dst, t []byte) ([]byte, bool) {
	begin := true
	for i := 0; i < len(t); {
		r, n := utf8.DecodeRune(t[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, t[i])
			i++
			continue
		}
		if begin {
			dst = utf8.AppendRune(dst, unicode.ToTitle(r))
		} else {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
		begin = unicode.IsSpace(r)
		i += n
	}
	return dst, true
}

// locate is the place, from 1, of a text in another, 0 when it is not there. what
// and in are the arguments; a third one is where to begin.
func locate(what, in int) plan.Eval {
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		sub, ok := textOf(&args[what], a)
		t, ok1 := textOf(&args[in], a)
		if !ok || !ok1 {
			return plan.Value{}
		}
		start := 1
		if len(args) == 3 {
			if start, ok = whole(&args[2]); !ok {
				return plan.Value{}
			}
		}
		if start < 1 {
			return plan.NumberValue(0)
		}
		from := runes(t, start-1)
		at := bytes.Index(t[from:], sub)
		if at < 0 || start-1 > utf8.RuneCount(t) {
			return plan.NumberValue(0)
		}
		return plan.NumberValue(float64(start + utf8.RuneCount(t[from:from+at])))
	}
}

func left(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	n, ok1 := whole(&args[1])
	if !ok || !ok1 {
		return plan.Value{}
	}
	return text(t[:runes(t, n)])
}

func right(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	n, ok1 := whole(&args[1])
	if !ok || !ok1 {
		return plan.Value{}
	}
	return text(t[runes(t, utf8.RuneCount(t)-max(n, 0)):])
}

// substring takes characters from a place, counted from 1, or from the end when
// it is negative.
func substring(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	pos, ok1 := whole(&args[1])
	n := math.MaxInt32
	if len(args) == 3 {
		var ok2 bool
		n, ok2 = whole(&args[2])
		ok1 = ok1 && ok2
	}
	if !ok || !ok1 {
		return plan.Value{}
	}
	start := pos - 1
	switch {
	case pos == 0:
		start = 0
	case pos < 0:
		start = utf8.RuneCount(t) + pos
	}
	end := start + min(max(n, 0), math.MaxInt32)
	t = t[:runes(t, end)]
	return text(t[runes(t, start):])
}

// substringIndex is what stands before the nth delimiter, or behind the nth from
// the end.
func substringIndex(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	sep, ok1 := textOf(&args[1], a)
	n, ok2 := whole(&args[2])
	if !ok || !ok1 || !ok2 {
		return plan.Value{}
	}
	if n == 0 || len(sep) == 0 {
		return text(t[:0])
	}
	if n > 0 {
		at := 0
		for ; n > 0; n-- {
			i := bytes.Index(t[at:], sep)
			if i < 0 {
				return text(t)
			}
			if n == 1 {
				return text(t[:at+i])
			}
			at += i + len(sep)
		}
	}
	end := len(t)
	for ; n < 0; n++ {
		i := bytes.LastIndex(t[:end], sep)
		if i < 0 {
			return text(t)
		}
		end = i
	}
	return text(t[end+len(sep):])
}

// splitPart is the nth part between delimiters, from the end when n is negative;
// nothing when there are fewer.
func splitPart(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	sep, ok1 := textOf(&args[1], a)
	n, ok2 := whole(&args[2])
	if !ok || !ok1 || !ok2 || n == 0 {
		return plan.Value{}
	}
	if len(sep) == 0 {
		if n == 1 || n == -1 {
			return text(t)
		}
		return text(t[:0])
	}
	for ; n < -1; n++ {
		i := bytes.LastIndex(t, sep)
		if i < 0 {
			return text(t[:0])
		}
		t = t[:i]
	}
	if n == -1 {
		if i := bytes.LastIndex(t, sep); i >= 0 {
			t = t[i+len(sep):]
		}
		return text(t)
	}
	for ; n > 1; n-- {
		i := bytes.Index(t, sep)
		if i < 0 {
			return text(t[:0])
		}
		t = t[i+len(sep):]
	}
	if i := bytes.Index(t, sep); i >= 0 {
		t = t[:i]
	}
	return text(t)
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

// overlay replaces characters from a place, counted from 1, by a text: as many as
// it has when no length is said.
func overlay(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	by, ok1 := textOf(&args[1], a)
	pos, ok2 := whole(&args[2])
	n := -1
	if len(args) == 4 {
		var ok3 bool
		n, ok3 = whole(&args[3])
		ok2 = ok2 && ok3
	}
	if !ok || !ok1 || !ok2 {
		return plan.Value{}
	}
	if n < 0 {
		n = utf8.RuneCount(by)
	}
	from := len(a.Bytes)
	a.Bytes = append(a.Bytes, t[:runes(t, pos-1)]...)
	a.Bytes = append(a.Bytes, by...)
	a.Bytes = append(a.Bytes, t[runes(t, pos-1+min(n, math.MaxInt32)):]...)
	return made(a, from)
}

// translate replaces characters by those at the same place of another text; those
// without one are removed.
func translate(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	what, ok1 := textOf(&args[1], a)
	by, ok2 := textOf(&args[2], a)
	if !ok || !ok1 || !ok2 || len(what) > maxPattern {
		return plan.Value{}
	}
	from := len(a.Bytes)
	for len(t) > 0 && !full(a, from) {
		_, n := utf8.DecodeRune(t)
		c := t[:n]
		t = t[n:]
		at := bytes.Index(what, c)
		if at < 0 {
			a.Bytes = append(a.Bytes, c...)
			continue
		}
		to := by[runes(by, utf8.RuneCount(what[:at])):]
		_, m := utf8.DecodeRune(to)
		a.Bytes = append(a.Bytes, to[:m]...)
	}
	return made(a, from)
}

// strcmp is -1, 0 or 1, as the first text is before, equal to or behind the second.
func strcmp(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	u, ok1 := textOf(&args[1], a)
	if !ok || !ok1 {
		return plan.Value{}
	}
	return plan.NumberValue(float64(bytes.Compare(t, u)))
}

// elt is the argument that the first one counts, from 1.
func elt(args []plan.Value, _ *plan.Arena) plan.Value {
	n, ok := whole(&args[0])
	if !ok || n < 1 || n >= len(args) {
		return plan.Value{}
	}
	return args[n]
}

// luhn reports whether digits have the check digit of Luhn's algorithm.
func luhn(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	sum := 0
	for i, c := range t {
		d := int(c - '0')
		if c-'0' > 9 {
			return truth(false)
		}
		if (len(t)-i)%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return truth(len(t) > 0 && sum%10 == 0)
}

// mask replaces capitals, small letters, digits and other characters, by X, x, n
// and themselves when the arguments do not say otherwise; Null leaves them.
func mask(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	by := [4][]byte{[]byte("X"), []byte("x"), []byte("n"), nil}
	for i := range args[1:] {
		m, ok := textOf(&args[i+1], a)
		if by[i] = m; ok && len(m) == 0 {
			return plan.Value{}
		}
	}
	from := len(a.Bytes)
	for len(t) > 0 && !full(a, from) {
		r, n := utf8.DecodeRune(t)
		kind := 3
		switch {
		case unicode.IsUpper(r):
			kind = 0
		case unicode.IsLower(r):
			kind = 1
		case unicode.IsDigit(r):
			kind = 2
		}
		if by[kind] != nil {
			a.Bytes = append(a.Bytes, by[kind]...)
		} else {
			a.Bytes = append(a.Bytes, t[:n]...)
		}
		t = t[n:]
	}
	return made(a, from)
}

// soundex is the code of how an English word sounds; a text that does not begin
// with a letter stays as it is.
func soundex(dst, t []byte) ([]byte, bool) {
	if len(t) == 0 || t[0]|0x20 < 'a' || t[0]|0x20 > 'z' {
		return append(dst, t...), true
	}
	const codes = "01230127022455012623010202" // 7: h and w, which do not part equal codes
	from := len(dst)
	last := codes[t[0]|0x20-'a']
	dst = append(dst, t[0]&^0x20)
	for _, c := range t[1:] {
		if c |= 0x20; c < 'a' || c > 'z' {
			last = '0'
			continue
		}
		code := codes[c-'a']
		if c == 'h' || c == 'w' {
			continue
		}
		if code != '0' && code != last {
			if dst = append(dst, code); len(dst)-from == 4 {
				return dst, true
			}
		}
		last = code
	}
	for len(dst)-from < 4 {
		dst = append(dst, '0')
	}
	return dst, true
}

// maxEdits bounds the product of the lengths of texts that levenshtein compares;
// longer ones are Null (ours).
const maxEdits = 1 << 20

// levenshtein is the number of changes of a character that make one text the
// other; -1 when it is more than a third argument.
func levenshtein(args []plan.Value, a *plan.Arena) plan.Value {
	s, ok := textOf(&args[0], a)
	t, ok1 := textOf(&args[1], a)
	limit := math.MaxInt32
	if len(args) == 3 {
		var ok2 bool
		limit, ok2 = whole(&args[2])
		ok1 = ok1 && ok2
	}
	if !ok || !ok1 || len(s)*len(t) > maxEdits {
		return plan.Value{}
	}
	x, y := []rune(string(s)), []rune(string(t))
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, q := range y {
			cost := diagonal
			if r != q {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	if d := row[len(y)]; d <= limit {
		return plan.NumberValue(float64(d))
	}
	return plan.NumberValue(-1)
}

// sentences cuts a text into sentences and these into words: an array of arrays.
func sentences(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	if !ok {
		return plan.Value{}
	}
	from, inside := len(a.Bytes), false
	a.Bytes = append(a.Bytes, '[')
	for len(t) > 0 && !full(a, from) {
		n := 0
		for n < len(t) {
			r, m := utf8.DecodeRune(t[n:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '_' {
				break
			}
			n += m
		}
		if n > 0 {
			switch {
			case inside:
				a.Bytes = append(a.Bytes, ',')
			case len(a.Bytes) > from+1:
				a.Bytes = append(a.Bytes, ",["...)
			default:
				a.Bytes = append(a.Bytes, '[')
			}
			inside = true
			a.Bytes = jsontext.Quote(a.Bytes, t[:n])
			t = t[n:]
			continue
		}
		if c := t[0]; inside && (c == '.' || c == '!' || c == '?') {
			a.Bytes = append(a.Bytes, ']')
			inside = false
		}
		_, m := utf8.DecodeRune(t)
		t = t[m:]
	}
	if inside {
		a.Bytes = append(a.Bytes, ']')
	}
	a.Bytes = append(a.Bytes, ']')
	return madeList(a, from)
}
