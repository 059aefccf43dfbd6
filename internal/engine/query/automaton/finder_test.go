package automaton

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

var finderPatterns = []string{"", "a", "abc", "a|b", "^abc", "abc$", "^$", "^", "$", `took \d\d ms`, `(?i)error`, `a.c`, `a\bb`, `(?m)^x$`, `(?s)a.b`,
	`[^a]b`, `(a|ab)(c|bcd)`, `x*`, `x+y?z{2,3}`, `^a*$`, `(^a|b$)`, `(^|x)a`, `a(b|$)`, `aab`, `(ab)*abc`, `é`, `[[:alpha:]]+\d`, `\x00`, `(a?){9}a{9}`,
	`(x|y|z)*x(x|y|z){12}`, `a$b`, `(?:$)x?`, `\z`, `[^\x00-\x7f]`, `.`, `(?U)a+`, `a(?:^b|c)`, `$0*^`}

var finderTexts = []string{"", "a", "b", "abc", "xabc", "abcx", "aaaaaaaaa", "it took 15 ms", "took 1 ms, took 22 ms", "ERROR", "errör", "a\nc", "ac", "ab", "b",
	"aaab", "aaaab", "abababc", "x", "xyzz", "xzzz", "\x00", "é", "\xff", "a\xffc", "12a3", "zzzzxyzxyzxyzxyzxyz", "x\nx\n"}

func TestFinderAgreesWithRegexp(t *testing.T) {
	for _, p := range finderPatterns {
		re := regexp.MustCompile(p)
		f := New(re)
		for _, s := range append(finderTexts, finderTexts...) {
			if got, want := f.match([]byte(s)), re.MatchString(s); got != want {
				t.Errorf("/%s/ in %q: %v, want %v", p, s, got, want)
			}
		}
	}
}

func TestFinderGivesUp(t *testing.T) {
	re := regexp.MustCompile(`(x|y)*x(x|y){12}z`) // 2^12 states
	f := New(re)
	rng := rand.New(rand.NewPCG(1, 1))
	text := make([]byte, 20_000)
	for i := range text {
		text[i] = "xy"[rng.IntN(2)]
	}
	if f.match(text) != re.Match(text) {
		t.Error("differs")
	}
	if f.prog != nil {
		t.Errorf("has %d states", len(f.sets))
	}
}

func FuzzFinder(f *testing.F) {
	for i, p := range finderPatterns {
		f.Add(p, finderTexts[i%len(finderTexts)])
	}
	f.Fuzz(func(t *testing.T, p, s string) {
		re, err := regexp.Compile(p)
		if err != nil || len(p) > 50 {
			return
		}
		m := New(re)
		for range 2 {
			if got, want := m.match([]byte(s)), re.MatchString(s); got != want {
				t.Errorf("/%s/ in %q: %v, want %v", p, s, got, want)
			}
		}
	})
}
