package function

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// charset is a character set: what turns its bytes into UTF-8, and back.
type charset struct {
	decode, encode func(dst, t []byte) []byte
}

func charsetOf(name string) (charset, error) {
	plain := func(dst, t []byte) []byte { return append(dst, t...) }
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return charset{plain, plain}, nil
	case "US-ASCII":
		return charset{func(dst, t []byte) []byte { return fromBytes(dst, t, 127) }, func(dst, t []byte) []byte { return toBytes(dst, t, 127) }}, nil
	case "ISO-8859-1":
		return charset{func(dst, t []byte) []byte { return fromBytes(dst, t, 255) }, func(dst, t []byte) []byte { return toBytes(dst, t, 255) }}, nil
	}
	return charset{}, fmt.Errorf("unknown character set %.40q", name)
}

// fromBytes reads each byte as a character; those above most are U+FFFD.
func fromBytes(dst, t []byte, most byte) []byte {
	for _, c := range t {
		r := rune(c)
		if c > most {
			r = utf8.RuneError
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// toBytes writes each character as a byte; those above most are question marks.
func toBytes(dst, t []byte, most byte) []byte {
	for len(t) > 0 {
		r, n := utf8.DecodeRune(t)
		if r > rune(most) {
			r = '?'
		}
		dst, t = append(dst, byte(r)), t[n:]
	}
	return dst
}

// recode is decode or encode with the character set that the second argument is.
func recode(consts []*plan.Value, of func(charset) func(dst, t []byte) []byte) (plan.Eval, error) {
	find, err := constant(consts[1], charsetOf)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		set, ok := find(&args[1], a)
		t, ok1 := textOf(&args[0], a)
		if !ok || !ok1 || len(t) > plan.MaxMade {
			return plan.Value{}
		}
		from := len(a.Bytes)
		a.Bytes = of(set)(a.Bytes, t)
		return made(a, from)
	}, nil
}

func encode(consts []*plan.Value) (plan.Eval, error) {
	return recode(consts, func(c charset) func(dst, t []byte) []byte { return c.encode })
}

// decode with two arguments reads the bytes of a text in a character set. With
// more it compares the first with the second, fourth and so on, Null being equal
// to Null, and is the argument behind the equal one, else the last one without a pair.
func decode(consts []*plan.Value) (plan.Eval, error) {
	if len(consts) == 2 {
		return recode(consts, func(c charset) func(dst, t []byte) []byte { return c.decode })
	}
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, rest := &args[0], args[1:]
		for ; len(rest) > 1; rest = rest[2:] {
			if x.Kind == plan.Null && rest[0].Kind == plan.Null || plan.Holds(plan.Eq, x, &rest[0]) {
				return rest[1]
			}
		}
		if len(rest) == 1 {
			return rest[0]
		}
		return plan.Value{}
	}, nil
}

// toBinary are the bytes that a text writes in hexadecimal digits, in base 64 or
// as it stands.
func toBinary(consts []*plan.Value) (plan.Eval, error) {
	of := func(name string) (func(dst, t []byte) ([]byte, bool), error) {
		switch strings.ToLower(name) {
		case "hex":
			return unhex, nil
		case "base64":
			return base64Decode, nil
		case "utf-8", "utf8":
			return func(dst, t []byte) ([]byte, bool) { return append(dst, t...), true }, nil
		}
		return nil, fmt.Errorf("unknown format %.40q of bytes", name)
	}
	if len(consts) == 1 {
		return textual(unhex), nil
	}
	find, err := constant(consts[1], of)
	if err != nil {
		return nil, err
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		f, ok := find(&args[1], a)
		if !ok {
			return plan.Value{}
		}
		return textual(f)(args, a)
	}, nil
}
