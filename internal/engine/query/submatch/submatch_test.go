package submatch_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/submatch"
)

const line = `10.0.0.7 - ann [10/Oct/2025:13:25:15 -0700] "GET /shop/index.html?q=1 HTTP/1.1" 404 1534 "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"`

var patterns = []string{
	`"(\w+) ([^ "]+) [^"]*" (\d+) (\d+)`,
	`^(\S+) \S+ (\S+) \[([^\]]+)\] "(\S+) (\S+) (\S+)" (\d{3}) (\d+|-)`,
	`(?P<ip>\d+\.\d+\.\d+\.\d+).*" (?P<code>\d\d\d) `,
	`(.*?) - (.*) "(.*)" (.*?)$`, `user=(\w+).*took (\d+) ms`, `(?i)get (\S+)`, `(GET|POST|PUT) (\S+)`, `(a|ab)(c|bcd)(d*)`,
	`x(y)?(z)?`, `(\d+)-(\d+)`, `(\w+)=(\w+)`, `\b(\w+)\b$`, `(?:(\d+),)*(\d+)`, `(a+)(a+)`, `(a*)(a+)b`, `(a+?)(a*)`, `^$`, ``, `a|`, `(|a)+`,
	`(a{2,3})(a{1,2}?)`, `(ab){2,3}`, `[^x]*x(.)`, `\[(.*?)\] (.*)`, `(?m)^(\w+)$`, `(?s)a.b`, `k`, `(?i)k+s`, `é(.)`, `[é-ü]a`, `(a|b)*?c`, `(?:a?){3}a{3}`,
	`\d+$`, `\S+\s*$`, `(\d*)\.(\d*)`, `.{3}`, `(.{0,5})x`, `\x00(.)`,
}

var texts = []string{
	line, "", "a", "ab", "abcd", "xz", "xyz", "x", "3-9", "a=1 b=2", "user=ann something took 15 ms", "user=a took x user=b took 7 ms",
	"1,2,3", "aaaa", "aaab", "aaaaaaab", "[a] [b] c", "one\ntwo\nthree", "a\nb", "Kk\u212asſ", "éx", "xé", "büa", "abababab", "GET\n/", "\x00\x01", "a\xffb", "x \t", "..", "1.",
	strings.Repeat("a", 300), strings.Repeat("ab", 200) + "c",
}

func same(t *testing.T, re *regexp.Regexp, text string) {
	t.Helper()
	f := submatch.New(re).Finder()
	want := re.FindStringSubmatchIndex(text)
	for range 2 { // what is left of the first search does not matter
		if got := f.Find([]byte(text)); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Fatalf("%s in %q: got %v, want %v", re, text, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	for _, p := range patterns {
		re := regexp.MustCompile(p)
		for _, text := range texts {
			same(t, re, text)
		}
	}
}

func TestFast(t *testing.T) {
	for p, want := range map[string]bool{
		patterns[0]: true, patterns[1]: true, patterns[2]: true, `(?:ab)+`: true, `(?:a*)+`: false, `(GET|POST) (\S+)`: true,
		strings.Repeat("a?", 1000): true, strings.Repeat("(?:ab)?", 1000): false,
	} {
		if got := submatch.New(regexp.MustCompile(p)).Fast(); got != want {
			t.Errorf("%.40s: %v", p, got)
		}
	}
}

func TestLongTexts(t *testing.T) {
	for _, p := range []string{`(?:(a)|b)+c`, `(a*)(a*)(a*)b`, `(\S+)=(\S+)$`} {
		re := regexp.MustCompile(p)
		same(t, re, strings.Repeat("a", 30_000)+"c")
		same(t, re, strings.Repeat("a=", 10_000)+" ")
	}
}

// TestRandom makes expressions and texts of few characters, so that many match.
func TestRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	n := 20_000
	if testing.Short() {
		n = 2000
	}
	for range n {
		re, err := regexp.Compile(expression(rng, 3))
		if err != nil {
			continue
		}
		for range 5 {
			var b strings.Builder
			for range rng.IntN(12) {
				b.WriteByte("aabbc \n1"[rng.IntN(8)])
			}
			same(t, re, b.String())
		}
	}
}

func expression(rng *rand.Rand, depth int) string {
	if depth == 0 || rng.IntN(4) == 0 {
		return []string{"a", "b", "c", "ab", ".", `\w`, `\s`, "[^a]", "[ab]", `\d`, "^", "$", `\b`, "1", " "}[rng.IntN(15)]
	}
	inner := func() string { return expression(rng, depth-1) }
	switch rng.IntN(7) {
	case 0, 1:
		return inner() + inner()
	case 2:
		return inner() + inner() + inner()
	case 3:
		return "(" + inner() + ")"
	case 4:
		return "(?:" + inner() + "|" + inner() + ")"
	}
	return "(?:" + inner() + ")" + []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{2,}?"}[rng.IntN(9)]
}

func FuzzFind(f *testing.F) {
	for _, p := range patterns {
		for _, text := range texts[:8] {
			f.Add(p, text)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 100 || len(text) > 1000 {
			return
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		same(t, re, text)
	})
}

func BenchmarkFind(b *testing.B) {
	for i, p := range patterns[:4] {
		re := regexp.MustCompile(p)
		text := []byte(line)
		b.Run("fast/"+string(rune('a'+i)), func(b *testing.B) {
			f := submatch.New(re).Finder()
			b.ReportAllocs()
			for b.Loop() {
				if f.Find(text) == nil {
					b.Fatal("nothing found")
				}
			}
		})
		b.Run("regexp/"+string(rune('a'+i)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if re.FindSubmatchIndex(text) == nil {
					b.Fatal("nothing found")
				}
			}
		})
	}
}
