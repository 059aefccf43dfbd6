package plan_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/column"
	"github.com/cumulog/cumulog/internal/engine/hint"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func f(name string) plan.Expr { return plan.Field{Name: name} }

func eq(a plan.Expr, b plan.Expr) plan.Expr { return plan.Cmp{Op: plan.Eq, A: a, B: b} }

func match(x plan.Expr, re string) plan.Expr { return plan.Match{X: x, Re: regexp.MustCompile(re)} }

func TestNeeds(t *testing.T) {
	or := func(s ...string) hint.Need {
		var n []hint.Need
		for _, x := range s {
			n = append(n, hint.Text(x))
		}
		return hint.Or(n...)
	}
	message := f(plan.Message)
	check := func(e plan.Expr, want hint.Need) {
		t.Helper()
		if d := cmp.Diff(want, plan.NeedOf(e)); d != "" {
			t.Errorf("%s (-want +got):\n%s", e, d)
		}
	}
	check(plan.Contains{X: message, Sub: `a"b`}, hint.Text(`a"b`))
	check(eq(f("level"), plan.Str("ERROR")), or("ERROR", `\u00`))
	check(eq(f("p"), plan.Str("/x")), or("/x", `\u00`, `\/`))
	check(eq(f("p"), plan.Str("é")), or("é", `\u`))
	check(eq(f("p"), plan.Str("ab\"cde\nf")), or("cde", `\u00`))
	check(eq(f("p"), plan.Str("\"")), hint.Need{})
	check(eq(f("p"), plan.Str("")), hint.Need{})
	check(eq(f("p"), plan.Str("404")), hint.Need{})
	check(eq(f("p"), plan.Num(404)), hint.Need{})
	check(eq(f(plan.LogStream), plan.Str("x")), hint.Need{})
	check(eq(f("@requestId"), plan.Str("x-y")), or("x-y", `\u00`))
	check(plan.Contains{X: f("@memorySize"), Sub: "000000"}, hint.Need{})
	check(eq(f("@@x"), plan.Str("y")), or("y", `\u00`))
	check(plan.Cmp{Op: plan.Ne, A: f("p"), B: plan.Str("x")}, hint.Need{})
	check(plan.Not{X: plan.Contains{X: message, Sub: "x"}}, hint.Need{})
	check(plan.In{X: f("p"), List: []plan.Value{plan.TextValue("a"), plan.TextValue("b")}}, or("a", `\u00`, "b", `\u00`))
	check(match(message, `foo\d+bar`), hint.And(hint.Text("foo"), hint.Text("bar")))
	check(match(message, `(foo|bar)x*`), or("foo", "bar"))
	check(match(message, `(?i)foo`), hint.Need{})
	check(match(message, `x?y*`), hint.Need{})
	check(match(message, `(ab){2,3}`), hint.And(hint.Text("ab"), hint.Text("ab")))
	check(plan.Num(0), hint.Or())
}

// TestNeedsAreSound spells texts in JSON in every way and checks that what
// matches meets the need.
func TestNeedsAreSound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	alphabet := []rune("ab/\"\\\n é€😀1")
	word := func(n int) string {
		var b strings.Builder
		for range rng.IntN(n) {
			b.WriteRune(alphabet[rng.IntN(len(alphabet))])
		}
		return b.String()
	}
	matched := 0
	for range 30_000 {
		text := word(6)
		var spelled strings.Builder
		for _, r := range text {
			plain, _ := json.Marshal(string(r))
			switch {
			case rng.IntN(4) == 0:
				for _, u := range utf16.Encode([]rune{r}) {
					fmt.Fprintf(&spelled, `\u%04x`, u)
				}
			case r == '/' && rng.IntN(2) == 0:
				spelled.WriteString(`\/`)
			default:
				spelled.Write(plain[1 : len(plain)-1])
			}
		}
		message := `{"p":"` + spelled.String() + `"}`
		value := plan.TextValue(text)
		sub := word(4)
		for _, c := range []struct {
			e     plan.Expr
			holds bool
		}{
			{eq(f("p"), plan.Str(sub)), text == sub},
			{plan.Contains{X: f("p"), Sub: sub}, strings.Contains(text, sub)},
			{plan.In{X: f("p"), List: []plan.Value{plan.TextValue("zz"), plan.TextValue(sub)}}, text == sub},
			{match(f("p"), "(?:"+regexp.QuoteMeta(sub)+")+"), strings.Contains(string(value.Text), sub)},
		} {
			if c.holds {
				matched++
				if n := plan.NeedOf(c.e); !n.Meets(message) {
					t.Fatalf("%s holds for %s, which does not meet its need", c.e, message)
				}
			}
		}
	}
	if matched < 1000 {
		t.Errorf("%d matches only", matched)
	}
}

func TestBoundsExcludeOnlyWhatCannotMatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	excluded := 0
	for range 20_000 {
		lo := int64(rng.IntN(20) - 10)
		c := column.Bounds{Rows: 1, Numeric: true, Min: lo, Max: lo + int64(rng.IntN(5)), Scale: uint8(rng.IntN(2))}
		b := plan.Bound{Compare: true, Op: plan.CmpOp(rng.IntN(6)), Num: float64(rng.IntN(40)-20) / 4}
		k := plan.NumberValue(b.Num)
		some := false
		for n := c.Min; n <= c.Max; n++ {
			v := plan.NumberValue(plan.Decimal(n, c.Scale))
			some = some || plan.Holds(b.Op, &v, &k)
		}
		if b.Excludes(c) {
			excluded++
			if some {
				t.Fatalf("%+v excludes %+v", b, c)
			}
		}
	}
	if excluded < 1000 {
		t.Errorf("%d excluded only", excluded)
	}
	absent := plan.Bound{Present: true}
	if !absent.Excludes(column.Bounds{}) || absent.Excludes(column.Bounds{Rows: 1}) {
		t.Error("absent paths")
	}
}
