package pattern

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

// TestScripts runs testdata/*.txt. A script is a list of cases separated by
// blank lines:
//
//	pattern <the pattern, to the end of the line>
//	print <its canonical form>                       (optional)
//	+ <message that matches>
//	- <message that does not>
//
// or, for a pattern that is refused,
//
//	pattern <the pattern>
//	error <start>-<end> <the sentence>
//
// A pattern may be written as a Go string literal after "pattern!".
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		runScript(t, f, string(data))
	}
}

func runScript(t *testing.T, file, script string) {
	t.Helper()
	var (
		p       *Pattern
		err     error
		match   func([]byte) bool
		checked = true
	)
	for i, line := range strings.Split(script, "\n") {
		where := fmt.Sprintf("%s:%d", file, i+1)
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "", "#":
			continue
		case "pattern", "pattern!":
			if !checked {
				t.Errorf("%s: the case above expects nothing, got error %v", where, err)
			}
			if verb == "pattern!" {
				if _, e := fmt.Sscanf(rest, "%q", &rest); e != nil {
					t.Fatalf("%s: %v", where, e)
				}
			}
			p, err = Parse(rest)
			checked = false
			if err == nil {
				match = p.Compile()
				checkPrint(t, where, p)
			}
		case "print":
			if err != nil || p.String() != rest {
				t.Errorf("%s: printed %v (error %v), want %s", where, p, err, rest)
			}
			checked = true
		case "+", "-":
			if err != nil {
				t.Errorf("%s: the pattern was refused: %v", where, err)
			} else if got := match([]byte(rest)); got != (verb == "+") {
				t.Errorf("%s: pattern %s on %q: got %v", where, p, rest, got)
			}
			checked = true
		case "error":
			got := "nothing"
			var se *SyntaxError
			var ue *UnsupportedError
			if errors.As(err, &se) {
				got = fmt.Sprintf("%d-%d %s", se.Span.Start, se.Span.End, se.Text)
			} else if errors.As(err, &ue) {
				got = fmt.Sprintf("%d-%d %s", ue.Span.Start, ue.Span.End, ue.Error())
			}
			if got != rest {
				t.Errorf("%s: got error %s, want %s", where, got, rest)
			}
			checked = true
		default:
			t.Fatalf("%s: unknown line %q", where, line)
		}
	}
}

func checkPrint(t *testing.T, where string, p *Pattern) {
	t.Helper()
	back, err := Parse(p.String())
	if err != nil {
		t.Errorf("%s: the printed form %s is refused: %v", where, p, err)
		return
	}
	if d := cmp.Diff(p, back, cmpopts.IgnoreFields(Item{}, "Span"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s: printed form %s reads back differently:\n%s", where, p, d)
	}
}

func TestUnsupportedIsTold(t *testing.T) {
	for _, s := range []string{"{ $.a = 1 }", "[a, b]", "%x%", " {} "} {
		if _, err := Parse(s); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: got %v, want ErrUnsupported", s, err)
		}
	}
	if _, err := Parse(`"open`); errors.Is(err, ErrUnsupported) {
		t.Errorf("a syntax error matches ErrUnsupported: %v", err)
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

// naive is the rule book written down plainly.
func naive(p *Pattern, m string) bool {
	if p.All() {
		return true
	}
	var others, optional, hit int
	for _, it := range p.Items {
		has := strings.Contains(m, it.Text)
		switch it.Op {
		case Optional:
			optional++
			if has {
				hit++
			}
			continue
		case Require:
			if !has {
				return false
			}
		case Exclude:
			if has {
				return false
			}
		}
		others++
	}
	return others > 0 || optional == 0 || hit > 0
}

func TestCompileAgreesWithNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	word := func() string {
		b := make([]byte, 1+rng.IntN(4))
		for i := range b {
			b[i] = "abcé \""[rng.IntN(7)]
		}
		return strings.ToValidUTF8(string(b), "_")
	}
	for range 30_000 {
		p := &Pattern{}
		for range 1 + rng.IntN(4) {
			p.Items = append(p.Items, Item{Op: Op(rng.IntN(3)), Text: word()})
		}
		m := ""
		for range rng.IntN(30) {
			m += word()
		}
		if got, want := p.Compile()([]byte(m)), naive(p, m); got != want {
			t.Fatalf("pattern %s on %q: got %v, want %v", p, m, got, want)
		}
	}
}

func TestNeedIsMetByWhatMatches(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	word := func() string {
		b := make([]byte, 1+rng.IntN(3))
		for i := range b {
			b[i] = "abc \""[rng.IntN(5)]
		}
		return string(b)
	}
	matches, met := 0, 0
	for range 30_000 {
		p := &Pattern{}
		for range rng.IntN(4) {
			p.Items = append(p.Items, Item{Op: Op(rng.IntN(3)), Text: word()})
		}
		m := ""
		for range rng.IntN(12) {
			m += word()
		}
		match, meets := p.Compile()([]byte(m)), p.Need().Meets(m)
		if match && !meets {
			t.Fatalf("pattern %s matches %q, which does not meet %+v", p, m, p.Need())
		}
		if match {
			matches++
		}
		if meets {
			met++
		}
	}
	// Only excluded items make the difference.
	if matches < 5_000 || met > 3*matches {
		t.Errorf("%d messages matched, %d met the need", matches, met)
	}
}

func TestNeed(t *testing.T) {
	a, b := hint.Text("a"), hint.Text("b c")
	for s, want := range map[string]hint.Need{
		"": {}, `" "`: {}, "a": a, `a "b c"`: hint.And(a, b), `?a ?"b c"`: hint.Or(a, b),
		"?x a": a, "a -x": a, "-x": {}, "?a -x": {}, `""`: {},
	} {
		p, err := Parse(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if d := cmp.Diff(want, p.Need()); d != "" {
			t.Errorf("%s (-want +got):\n%s", s, d)
		}
	}
}

func TestMatcherIsConcurrentAndAllocatesNothing(t *testing.T) {
	p, err := Parse(`ERROR "disk full" -debug`)
	if err != nil {
		t.Fatal(err)
	}
	match := p.Compile()
	m := []byte("10:00 ERROR no space: disk full on /dev/sda")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				if !match(m) {
					t.Error("no match")
					return
				}
			}
		})
	}
	wg.Wait()
	if n := testing.AllocsPerRun(100, func() { match(m) }); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", `" "`, `ERROR -"disk full" ?x`, `"a\"\\b"`, "{ $.a = 1 }", "[a]", "%x%", "-", "über", `a"b`} {
		f.Add(s, "some message with ERROR and disk full")
	}
	f.Fuzz(func(t *testing.T, s, m string) {
		p, err := Parse(s)
		if err != nil {
			var se *SyntaxError
			if errors.As(err, &se) && (se.Span.Start < 0 || se.Span.End > len(s) || se.Span.Start > se.Span.End) {
				t.Fatalf("%q: span %v lies outside", s, se.Span)
			}
			return
		}
		checkPrintFuzz(t, p)
		if got, want := p.Compile()([]byte(m)), naive(p, m); got != want {
			t.Fatalf("%q on %q: got %v, want %v", s, m, got, want)
		}
	})
}

// checkPrintFuzz allows for one loss: escaping may push the printed form over
// the length limit.
func checkPrintFuzz(t *testing.T, p *Pattern) {
	t.Helper()
	if len([]rune(p.String())) <= MaxLength {
		checkPrint(t, p.String(), p)
	}
}

func BenchmarkMatch(b *testing.B) {
	messages := map[string][]byte{
		"json": []byte(`{"ts":"2026-01-02T03:04:05.678Z","level":"info","service":"checkout","request_id":"7f3c9a52-11aa-4b0e-9c61-aa0b4f1c2d3e","path":"/api/v1/orders/18273","status":200,"duration_ms":37,"msg":"request finished","user":"u-81723"}`),
		"text": []byte(`2026-01-02 03:04:05,678 INFO [worker-17] com.example.orders.OrderService - order 18273 stored in 37 ms`),
		"64k":  bytes.Repeat([]byte("2026-01-02 03:04:05,678 INFO [worker-17] order 18273 stored "), 1100),
	}
	for _, text := range []string{"ERROR", `"upstream timeout"`, "ERROR timeout -debug", "?ERROR ?WARN ?FATAL", "-healthz"} {
		p, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		match := p.Compile()
		for name, m := range messages {
			b.Run(strings.ReplaceAll(text, " ", "_")+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(m)))
				b.ReportAllocs()
				for b.Loop() {
					match(m)
				}
			})
		}
	}
}
