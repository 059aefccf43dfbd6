package plan_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func TestParseNumber(t *testing.T) {
	for _, s := range []string{"", "-", "+1", ".5", "1.", "1e", "1e+", "0x10", "1_0", " 1", "1 ", "NaN", "Inf", "1e999", "--1", "1.2.3", strings.Repeat("1", 401)} {
		if f, ok := plan.ParseNumber([]byte(s)); ok {
			t.Errorf("%q is %v, want no number", s, f)
		}
	}
	for _, s := range []string{"0", "-0", "007", "1.50", "-3", "1e3", "1E-7", "12345678901234567890", "0.1", "9007199254740993",
		"123456789012345.678", "0.00000000000000000000000001", strings.Repeat("9", 300)} {
		want, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		if f, ok := plan.ParseNumber([]byte(s)); !ok || f != want || math.Signbit(f) && f == 0 {
			t.Errorf("%q is %v %v, want %v", s, f, ok, want)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1", "-1.5e7", "00.10", "1e", "9999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := plan.ParseNumber([]byte(s))
		want, err := strconv.ParseFloat(s, 64)
		if ok && (err != nil || got != want) {
			t.Errorf("%q: %v, want %v %v", s, got, want, err)
		}
	})
}

func TestDecimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		n, scale := int64(rng.Uint64())>>rng.IntN(64), uint8(rng.IntN(30))
		text := plan.AppendDecimal(nil, n, scale)
		want, ok := plan.ParseNumber(text)
		if got := plan.Decimal(n, scale); !ok || got != want {
			t.Fatalf("%d scale %d: text %s, %v want %v", n, scale, text, got, want)
		}
		if n < math.MaxInt64 && plan.Decimal(n+1, scale) < plan.Decimal(n, scale) {
			t.Fatalf("%d scale %d: decreases", n, scale)
		}
	}
	for want, n := range map[string]int64{"-0.05": -5, "0.00": 0, "1.00": 100, "-92233720368547758.08": math.MinInt64} {
		if got := string(plan.AppendDecimal(nil, n, 2)); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func raw(s string) plan.Value {
	f, _ := plan.ParseNumber([]byte(s))
	return plan.Value{Kind: plan.Raw, Num: f, Text: []byte(s)}
}

// TestHolds has the table A19 of the language reference.
func TestHolds(t *testing.T) {
	yes := plan.Value{Kind: plan.Bool, Num: 1, Text: []byte("true")}
	list := plan.Value{Kind: plan.List, Text: []byte("[1]")}
	clock := plan.Value{Kind: plan.Time, Num: 1_759_622_400_000}
	text, num := plan.TextValue, plan.NumberValue
	check := func(a plan.Value, op plan.CmpOp, b plan.Value, want bool) {
		t.Helper()
		if got := plan.Holds(op, &a, &b); got != want {
			t.Errorf("%s %s %s is %v", a.AppendText(nil), op, b.AppendText(nil), got)
		}
		if got := plan.Holds(op.Swap(), &b, &a); got != want {
			t.Errorf("swapped: %s %s %s is %v", b.AppendText(nil), op.Swap(), a.AppendText(nil), got)
		}
	}
	check(raw("404"), plan.Eq, num(404), true)
	check(text("404"), plan.Eq, num(404), true)
	check(raw("404"), plan.Eq, text("404"), true)
	check(raw("404.0"), plan.Eq, num(404), true)
	check(text("10"), plan.Gt, num(9), true)
	check(text("abc"), plan.Gt, num(9), false)
	check(text("abc"), plan.Ne, num(9), true)
	check(text("10"), plan.Gt, text("9"), true)
	check(text("b"), plan.Gt, text("a"), true)
	check(text("Abc"), plan.Eq, text("abc"), false)
	check(text("010"), plan.Eq, text("10"), false)
	check(yes, plan.Eq, text("true"), true)
	check(yes, plan.Eq, num(1), true)
	check(yes, plan.Ne, text("false"), true)
	check(plan.Value{}, plan.Eq, plan.Value{}, false)
	check(plan.Value{}, plan.Ne, text("x"), true)
	check(plan.Value{}, plan.Lt, num(1), false)
	check(list, plan.Eq, text("[1]"), false)
	check(list, plan.Ne, text("[1]"), true)
	check(clock, plan.Gt, text("2025-10-05"), false)
	check(clock, plan.Gt, num(1), true)
}

// TestOrder has the example of A6 of the language reference.
func TestOrder(t *testing.T) {
	want := []string{"!:", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "01", "1", "2", "3"}
	got := slices.Clone(want)
	rng := rand.New(rand.NewPCG(1, 2))
	rng.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, func(a, b string) int {
		x, y := plan.TextValue(a), plan.TextValue(b)
		return plan.Order(&x, &y)
	})
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	null, zero := plan.Value{}, plan.NumberValue(0)
	if plan.Order(&null, &zero) >= 0 || plan.Order(&zero, &null) <= 0 || plan.Order(&null, &null) != 0 {
		t.Error("null is not first")
	}
}

func TestArithmetic(t *testing.T) {
	check := func(a plan.Value, op plan.ArithOp, b plan.Value, want string) {
		t.Helper()
		v := plan.Arithmetic(op, &a, &b)
		if got := string(v.AppendText(nil)); got != want {
			t.Errorf("%s %c %s is %q, want %q", a.AppendText(nil), op, b.AppendText(nil), got, want)
		}
	}
	n := plan.NumberValue
	check(n(7), '/', n(2), "3.5")
	check(n(7), '%', n(3), "1")
	check(n(-7), '%', n(3), "-1")
	check(n(2), '^', n(10), "1024")
	check(n(1), '+', plan.TextValue("2"), "3")
	check(n(1), '/', n(0), "")
	check(n(0), '*', n(-1), "0")
	check(n(1), '+', plan.TextValue("x"), "")
	check(n(1), '-', plan.Value{}, "")
	check(n(1e308), '*', n(10), "")
	check(n(0.1), '+', n(0.2), "0.30000000000000004")
}

func TestBinOf(t *testing.T) {
	for _, c := range [][3]int64{{0, 60, 0}, {59, 60, 0}, {60, 60, 60}, {-1, 60, -60}, {-60, 60, -60}, {1<<53 + 1, 1, 1<<53 + 1}} {
		if got := plan.BinOf(c[0], c[1]); got != c[2] {
			t.Errorf("bin(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}
