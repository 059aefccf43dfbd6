package function

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

var sparkMath = slicesOf(
	[]*plan.Function{
		fixed("abs", 1, numeric(math.Abs)),
		fixed("acos", 1, numeric(math.Acos)),
		fixed("acosh", 1, numeric(math.Acosh)),
		fixed("asin", 1, numeric(math.Asin)),
		fixed("asinh", 1, numeric(math.Asinh)),
		fixed("atan", 1, numeric(math.Atan)),
		fixed("atanh", 1, numeric(math.Atanh)),
		fixed("atan2", 2, numeric2(math.Atan2)),
		fixed("cbrt", 1, numeric(math.Cbrt)),
		fixed("cos", 1, numeric(math.Cos)),
		fixed("cosh", 1, numeric(math.Cosh)),
		fixed("cot", 1, numeric(func(x float64) float64 { return 1 / math.Tan(x) })),
		fixed("csc", 1, numeric(func(x float64) float64 { return 1 / math.Sin(x) })),
		fixed("sec", 1, numeric(func(x float64) float64 { return 1 / math.Cos(x) })),
		fixed("degrees", 1, numeric(func(x float64) float64 { return x * 180 / math.Pi })),
		fixed("radians", 1, numeric(func(x float64) float64 { return x * math.Pi / 180 })),
		fixed("e", 0, func([]plan.Value, *plan.Arena) plan.Value { return plan.NumberValue(math.E) }),
		fixed("pi", 0, func([]plan.Value, *plan.Arena) plan.Value { return plan.NumberValue(math.Pi) }),
		fixed("exp", 1, numeric(math.Exp)),
		fixed("expm1", 1, numeric(math.Expm1)),
		fixed("factorial", 1, factorial),
		fixed("hypot", 2, numeric2(math.Hypot)),
		fixed("ln", 1, numeric(math.Log)),
		between("log", 1, 2, logarithm),
		fixed("log10", 1, numeric(math.Log10)),
		fixed("log1p", 1, numeric(math.Log1p)),
		fixed("log2", 1, numeric(math.Log2)),
		fixed("mod", 2, numeric2(math.Mod)),
		fixed("pmod", 2, numeric2(func(x, y float64) float64 { return math.Mod(math.Mod(x, y)+y, y) })),
		fixed("negative", 1, numeric(func(x float64) float64 { return -x })),
		fixed("positive", 1, numeric(same)),
		fixed("rint", 1, numeric(math.RoundToEven)),
		between("round", 1, 2, round(roundAt)),
		between("bround", 1, 2, round(roundEven)),
		fixed("sin", 1, numeric(math.Sin)),
		fixed("sinh", 1, numeric(math.Sinh)),
		fixed("sqrt", 1, numeric(math.Sqrt)),
		fixed("tan", 1, numeric(math.Tan)),
		fixed("tanh", 1, numeric(math.Tanh)),
		fixed("try_add", 2, arithmetic('+')),
		fixed("try_subtract", 2, arithmetic('-')),
		fixed("try_multiply", 2, arithmetic('*')),
		fixed("try_divide", 2, arithmetic('/')),
		fixed("width_bucket", 4, widthBucket),
		fixed("bin", 1, binary),
		fixed("hex", 1, hexOf),
		fixed("unhex", 1, textual(unhex)),
		fixed("conv", 3, conv),
		absent(between("greatest", 2, plan.MaxArgs, extremeOf(1))),
		absent(between("least", 2, plan.MaxArgs, extremeOf(-1))),
		absent(fixed("isnan", 1, isNaN)),
		absent(fixed("nanvl", 2, func(args []plan.Value, _ *plan.Arena) plan.Value { return args[0] })),
	},
	dated(
		fixed("crc32", 1, textNumber(func(t []byte) int { return int(crc32.ChecksumIEEE(t)) })),
		fixed("md5", 1, textual(md5Hex)),
		binding("sha2", 2, 2, sha2),
	),
	dated(alias(fixed("sha1", 1, textual(sha1Hex)), "sha")...),
	alias(between("ceil", 1, 2, rounded(math.Ceil)), "ceiling"),
	[]*plan.Function{between("floor", 1, 2, rounded(math.Floor))},
	alias(fixed("pow", 2, numeric2(math.Pow)), "power"),
	alias(fixed("sign", 1, numeric(sign)), "signum"),
	alias(random("rand", (*rand.Rand).Float64), "random"),
	[]*plan.Function{random("randn", (*rand.Rand).NormFloat64)},
)

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

func arithmetic(op plan.ArithOp) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		return plan.Arithmetic(op, &args[0], &args[1])
	}
}

// factorial is that of 0 to 20.
func factorial(args []plan.Value, _ *plan.Arena) plan.Value {
	n, ok := whole(&args[0])
	if !ok || n < 0 || n > 20 {
		return plan.Value{}
	}
	f := 1.0
	for ; n > 1; n-- {
		f *= float64(n)
	}
	return plan.NumberValue(f)
}

// logarithm is the natural one, or the second argument's to the base of the first.
func logarithm(args []plan.Value, _ *plan.Arena) plan.Value {
	x, ok := args[0].Float()
	if !ok {
		return plan.Value{}
	}
	if len(args) == 1 {
		return plan.NumberValue(math.Log(x) + 0)
	}
	y, ok := args[1].Float()
	if !ok || x <= 0 || y <= 0 {
		return plan.Value{}
	}
	switch x {
	case 2:
		return plan.NumberValue(math.Log2(y) + 0)
	case 10:
		return plan.NumberValue(math.Log10(y) + 0)
	}
	return plan.NumberValue(math.Log(y)/math.Log(x) + 0)
}

// rounded is f at a number of digits after the point, none when it is not said.
func rounded(f func(float64) float64) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		x, ok := args[0].Float()
		if !ok {
			return plan.Value{}
		}
		if len(args) == 1 {
			return plan.NumberValue(f(x) + 0)
		}
		digits, ok := whole(&args[1])
		if !ok || digits < -300 || digits > 300 {
			return plan.Value{}
		}
		if y := roundAt(x, digits); y == x {
			return plan.NumberValue(x)
		}
		by := math.Pow10(digits)
		return plan.NumberValue(roundAt(f(x*by)/by, digits))
	}
}

// extremeOf returns the greatest (sign 1) or least (sign -1) of the arguments that
// are not Null, in the order of sort.
func extremeOf(sign int) plan.Eval {
	return func(args []plan.Value, _ *plan.Arena) plan.Value {
		var best *plan.Value
		for i := range args {
			if v := &args[i]; v.Kind != plan.Null && (best == nil || sign*plan.Order(v, best) > 0) {
				best = v
			}
		}
		if best == nil {
			return plan.Value{}
		}
		return *best
	}
}

// isNaN holds for the text NaN only: numbers always are some.
func isNaN(args []plan.Value, _ *plan.Arena) plan.Value {
	return truth(args[0].Kind == plan.Text && strings.EqualFold(view(args[0].Text), "nan"))
}

// widthBucket is the number, from 1, of the part of a range cut into equal ones
// that a number lies in; 0 before it, the number of parts and one behind it.
func widthBucket(args []plan.Value, _ *plan.Arena) plan.Value {
	x, ok := args[0].Float()
	lo, ok1 := args[1].Float()
	hi, ok2 := args[2].Float()
	n, ok3 := whole(&args[3])
	if !ok || !ok1 || !ok2 || !ok3 || n < 1 || lo == hi {
		return plan.Value{}
	}
	if lo > hi {
		x, lo, hi = -x, -lo, -hi
	}
	switch {
	case x < lo:
		return plan.NumberValue(0)
	case x >= hi:
		return plan.NumberValue(float64(n) + 1)
	}
	return plan.NumberValue(math.Floor(float64(n)*(x-lo)/(hi-lo)) + 1)
}

// long returns an integer of 64 bits.
func long(v *plan.Value) (int64, bool) {
	x, ok := v.Float()
	if x = math.Trunc(x); !ok || x < -1<<63 || x >= 1<<63 {
		return 0, false
	}
	return int64(x), true
}

// binary is an integer in base 2, negative ones as 64 bits.
func binary(args []plan.Value, a *plan.Arena) plan.Value {
	n, ok := long(&args[0])
	if !ok {
		return plan.Value{}
	}
	from := len(a.Bytes)
	a.Bytes = strconv.AppendUint(a.Bytes, uint64(n), 2)
	return made(a, from)
}

// hexOf is an integer in base 16, or the bytes of a text that is none.
func hexOf(args []plan.Value, a *plan.Arena) plan.Value {
	from := len(a.Bytes)
	if v := &args[0]; v.Kind == plan.Text {
		if len(v.Text) > plan.MaxMade {
			return plan.Value{}
		}
		for _, c := range v.Text {
			a.Bytes = append(a.Bytes, upperHex[c>>4], upperHex[c&15])
		}
		return made(a, from)
	}
	n, ok := long(&args[0])
	if !ok {
		return plan.Value{}
	}
	a.Bytes = strconv.AppendUint(a.Bytes, uint64(n), 16)
	for i, c := range a.Bytes[from:] {
		if c >= 'a' {
			a.Bytes[from+i] = c &^ 0x20
		}
	}
	return made(a, from)
}

func unhex(dst, t []byte) ([]byte, bool) {
	if len(t)&1 == 1 {
		d := nibble(t[0])
		if d > 15 {
			return dst, false
		}
		dst, t = append(dst, d), t[1:]
	}
	for ; len(t) > 1; t = t[2:] {
		hi, lo := nibble(t[0]), nibble(t[1])
		if hi|lo > 15 {
			return dst, false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

// conv writes a number of one base in another one, 2 to 36. It reads the digits
// that are there; a negative base to write in keeps the sign.
func conv(args []plan.Value, a *plan.Arena) plan.Value {
	t, ok := textOf(&args[0], a)
	from, ok1 := whole(&args[1])
	to, ok2 := whole(&args[2])
	if !ok || !ok1 || !ok2 || from < 2 || from > 36 || to > 36 || to < -36 || to > -2 && to < 2 {
		return plan.Value{}
	}
	t = spaces(true, true)(t)
	negative := len(t) > 0 && t[0] == '-'
	if negative {
		t = t[1:]
	}
	var n uint64
	for _, c := range t {
		d := 36
		switch {
		case c-'0' <= 9:
			d = int(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			d = int(c|0x20-'a') + 10
		}
		if d >= from {
			break
		}
		if n > (math.MaxUint64-uint64(d))/uint64(from) {
			n = math.MaxUint64
			break
		}
		n = n*uint64(from) + uint64(d)
	}
	at := len(a.Bytes)
	switch {
	case negative && to > 0:
		n = -n
	case negative && n > 0:
		a.Bytes = append(a.Bytes, '-')
	case to < 0 && n > math.MaxInt64:
		a.Bytes = append(a.Bytes, '-')
		n = -n
	}
	a.Bytes = strconv.AppendUint(a.Bytes, n, max(to, -to))
	for i, c := range a.Bytes[at:] {
		if c >= 'a' {
			a.Bytes[at+i] = c &^ 0x20
		}
	}
	return made(a, at)
}

func sha1Hex(dst, t []byte) ([]byte, bool) {
	sum := sha1.Sum(t)
	return appendHex(dst, sum[:]), true
}

// sha2 is the digest of a text of 224, 256, 384 or 512 bits; 0 is 256.
func sha2(consts []*plan.Value) (plan.Eval, error) {
	if c := consts[1]; c != nil && c.Kind != plan.Null {
		if n, ok := whole(c); !ok || !sha2Bits(n) {
			return nil, fmt.Errorf("the number of bits is 224, 256, 384 or 512")
		}
	}
	return func(args []plan.Value, a *plan.Arena) plan.Value {
		t, ok := textOf(&args[0], a)
		n, ok1 := whole(&args[1])
		if !ok || !ok1 || !sha2Bits(n) {
			return plan.Value{}
		}
		from := len(a.Bytes)
		switch n {
		case 224:
			sum := sha256.Sum224(t)
			a.Bytes = appendHex(a.Bytes, sum[:])
		case 384:
			sum := sha512.Sum384(t)
			a.Bytes = appendHex(a.Bytes, sum[:])
		case 512:
			sum := sha512.Sum512(t)
			a.Bytes = appendHex(a.Bytes, sum[:])
		default:
			sum := sha256.Sum256(t)
			a.Bytes = appendHex(a.Bytes, sum[:])
		}
		return made(a, from)
	}, nil
}

func sha2Bits(n int) bool { return n == 0 || n == 224 || n == 256 || n == 384 || n == 512 }

// random makes numbers by chance, the same ones in each run when there is a seed.
func random(name string, next func(*rand.Rand) float64) *plan.Function {
	f := binding(name, 0, 1, func(consts []*plan.Value) (plan.Eval, error) {
		var r *rand.Rand
		return func(args []plan.Value, _ *plan.Arena) plan.Value {
			if r == nil {
				seed := rand.Uint64()
				if len(args) == 1 {
					n, ok := long(&args[0])
					if !ok {
						return plan.Value{}
					}
					seed = uint64(n)
				}
				r = rand.New(rand.NewPCG(seed, 0))
			}
			return plan.NumberValue(next(r))
		}, nil
	})
	f.Volatile = true
	return absent(f)
}
