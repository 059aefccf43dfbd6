package pattern

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// The rules of the language are scripts in ../querytest/testdata/pattern.

func parse(t testing.TB, text string) *Pattern {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

// samePattern compares all but the spans.
var samePattern = cmp.Options{cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Span" }, cmp.Ignore())}

// checkPrint allows for one loss: escaping may push the printed form over the
// length limit.
func checkPrint(t *testing.T, p *Pattern) {
	t.Helper()
	text := p.String()
	if len([]rune(text)) > MaxLength {
		return
	}
	back, err := Parse(text)
	if err != nil {
		t.Fatalf("the printed form %q is refused: %v", text, err)
	}
	if d := cmp.Diff(p, back, samePattern); d != "" {
		t.Fatalf("the printed form %q reads back differently:\n%s", text, d)
	}
}

func TestPrint(t *testing.T) {
	for text, want := range map[string]string{
		`ERROR   -"disk full"  ?"x"`:          `ERROR -"disk full" ?x`,
		`%a|b%`:                               `%a|b%`,
		`{$.a=1&&($.b!="x y"||$.c IS  NULL)}`: `{ $.a = 1 && ($.b != "x y" || $.c IS NULL) }`,
		`{ (($.a.b[0][*] NOT   EXISTS)) || $['x y']["it's"]=*a* }`: `{ $.a.b[0][*] NOT EXISTS || $.['x y'].["it's"] = *a* }`,
		`[ a,b=2*&&b!="c d",...,, (e>1||e<-1e3) ]`:                 `[a, b = 2* && b != "c d", ...,, e > 1 || e < -1e3]`,
		`[]`:   `[]`,
		`[,]`:  `[,]`,
		`[a,]`: `[a,]`,
	} {
		p := parse(t, text)
		if got := p.String(); got != want {
			t.Errorf("%s is printed\n%s, want\n%s", text, got, want)
		}
		checkPrint(t, p)
	}
}

func TestLengthBound(t *testing.T) {
	if _, err := Parse(strings.Repeat("é", MaxLength)); err != nil {
		t.Errorf("%d characters: %v", MaxLength, err)
	}
	if _, err := Parse(strings.Repeat("é", MaxLength+1)); err == nil {
		t.Errorf("%d characters were accepted", MaxLength+1)
	}
}

func TestDepthBound(t *testing.T) {
	nested := func(n int) string {
		return "{" + strings.Repeat("(", n) + "$.a=1" + strings.Repeat(")", n) + "}"
	}
	if _, err := Parse(nested(maxDepth)); err != nil {
		t.Errorf("%d parentheses: %v", maxDepth, err)
	}
	if _, err := Parse(nested(maxDepth + 1)); err == nil {
		t.Errorf("%d parentheses were accepted", maxDepth+1)
	}
}

func TestNeed(t *testing.T) {
	a, b := hint.Text("a"), hint.Text("b c")
	key := hint.JSONText
	for s, want := range map[string]hint.Need{
		"": {}, `" "`: {}, "a": a, `a "b c"`: hint.And(a, b), `?a ?"b c"`: hint.Or(a, b),
		"?x a": a, "a -x": a, "-x": {}, "?a -x": {}, `""`: {},
		`%a\d%`: a, `%a|b c%`: hint.Or(a, b), `%[ab]*%`: {},
		`{ $.k = "v" }`:                  hint.And(key("k"), key("v")),
		`{ $.k != "v" }`:                 key("k"),
		`{ $.k = 1 || $.l IS TRUE }`:     hint.Or(key("k"), hint.And(key("l"), hint.Text("true"))),
		`{ $.k[*].m = "*v*" }`:           hint.And(key("m"), key("v")),
		`{ $.k NOT EXISTS }`:             {},
		`[x, y = a || y = "b c", z = 1]`: hint.Or(a, b),
	} {
		if d := cmp.Diff(want, parse(t, s).Need()); d != "" {
			t.Errorf("%s (-want +got):\n%s", s, d)
		}
	}
}

var families = []struct{ name, pattern string }{
	{"term", "ERROR"},
	{"phrase", `"upstream timeout"`},
	{"terms", "ERROR timeout -debug"},
	{"optional", "?ERROR ?WARN ?FATAL"},
	{"excluded", "-healthz"},
	{"regex", `%orders/\d+%`},
	{"regex without prefix", `%[0-9]+ bytes in%`},
	{"json text", `{ $.level = "error" }`},
	{"json two fields", `{ $.level = "info" && $.http.status = 200 }`},
	{"json number", `{ $.duration_ms > 20 }`},
	{"json wildcard", `{ $.tags[*] = "blue" }`},
	{"json regex", `{ $.path = %^/api/v[0-9]% }`},
	{"delimited", `[time, level = INFO, ..., unit = ms]`},
}

func TestMatcherIsConcurrentAndAllocatesNothing(t *testing.T) {
	for _, f := range families {
		m := parse(t, f.pattern).Compile()
		var wg sync.WaitGroup
		want := [2]bool{m.Match(jsonMessage), m.Match(textMessage)}
		for range 4 {
			wg.Go(func() {
				for range 200 {
					if got := [2]bool{m.Match(jsonMessage), m.Match(textMessage)}; got != want {
						t.Errorf("%s: %v, and then %v", f.pattern, want, got)
						return
					}
				}
			})
		}
		wg.Wait()
		if testing.Short() { // the race detector lets pools forget
			continue
		}
		if n := testing.AllocsPerRun(100, func() { m.Match(jsonMessage); m.Match(textMessage) }); n >= 1 {
			t.Errorf("%s: %v allocations", f.pattern, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", `" "`, `ERROR -"disk full" ?x`, `"a\"\\b"`, `{ $.a = 1 && ($.b IS NULL || $['c'][*] != "*x") }`,
		`[a, b = 4* && b > 1e3, ..., c = "x y"]`, `%^[a-z]{2,3}\x28|\d+$%`, "-", "über", `a"b`, `{ $.a.* = %x% }`} {
		f.Add(s)
	}
	for _, s := range scriptPatterns(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := Parse(s)
		if err == nil {
			checkPrint(t, p)
			p.Compile()
			return
		}
		var e *SyntaxError
		if !errors.As(err, &e) || e.Text == "" || e.Reason == "" {
			t.Fatalf("%q: error %#v", s, err)
		}
		if e.Span.Start < 0 || e.Span.End > len(s) || e.Span.Start > e.Span.End {
			t.Fatalf("%q: span %v lies outside", s, e.Span)
		}
	})
}

var (
	jsonMessage = []byte(`{"ts":"2026-01-02T03:04:05.678Z","level":"info","service":"checkout","request_id":"7f3c9a52-11aa-4b0e-9c61-aa0b4f1c2d3e","path":"/api/v1/orders/18273","http":{"method":"GET","status":200},"duration_ms":37,"tags":["red","blue"],"msg":"request finished","user":"u-81723"}`)
	textMessage = []byte(`2026-01-02T03:04:05.678 INFO [worker-17] com.example.orders.OrderService - order 18273 stored in 37 ms`)
)

func BenchmarkMatch(b *testing.B) {
	for _, f := range families {
		match := parse(b, f.pattern).Compile().Match
		for name, m := range map[string][]byte{"json": jsonMessage, "text": textMessage} {
			b.Run(strings.ReplaceAll(f.name, " ", "_")+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(m)))
				b.ReportAllocs()
				for b.Loop() {
					match(m)
				}
			})
		}
	}
}
