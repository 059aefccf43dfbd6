package function

import (
	"bytes"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

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

// maxTranslated bounds the characters that translate replaces, in bytes; with
// more of them it is Null (ours).
const maxTranslated = 1024

// translate replaces characters by those at the same place of another text; those
// without one are removed.
func translate(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	what, ok1 := textOf(&args[1], a)
	by, ok2 := textOf(&args[2], a)
	if !ok || !ok1 || !ok2 || len(what) > maxTranslated {
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
