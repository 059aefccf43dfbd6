package pattern

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// scriptPatterns returns the patterns of the scripts, refused ones too.
func scriptPatterns(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../querytest/testdata/pattern/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(data), "\n") {
			switch verb, rest, _ := strings.Cut(line, " "); verb {
			case "filter", "refuse":
				all = append(all, rest)
			case "filter!", "refuse!":
				s, err := strconv.Unquote(strings.TrimSpace(rest))
				if err != nil {
					t.Fatalf("%s: %s: %v", f, line, err)
				}
				all = append(all, s)
			}
		}
	}
	if len(all) < 150 {
		t.Fatalf("%d patterns in %d scripts", len(all), len(files))
	}
	return all
}

func TestPrintedScriptsReadBack(t *testing.T) {
	printed := 0
	for _, s := range scriptPatterns(t) {
		p, err := Parse(s)
		if err != nil {
			continue
		}
		checkPrint(t, p)
		if again := parse(t, p.String()).String(); again != p.String() {
			t.Errorf("%s is printed %s, and that %s", s, p, again)
		}
		printed++
	}
	if printed < 100 {
		t.Errorf("%d patterns were accepted", printed)
	}
}

// TestErrors is about what people are told; the sentences of the service are in
// the scripts. want is: the bytes pointed at, the reason, the hint.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ pattern, at, reason, hint string }{
		{`{ $.a == 1 }`, `=`, "there is no such operator", "one of ="},
		{`{ $.a <> 1 }`, `>`, "there is no such operator", "one of ="},
		{`{ $.a = $.b }`, `$`, "a field cannot be compared with another field", "double quotes"},
		{`{ $.a = 1 AND $.b = 2 }`, `AND`, "conditions are joined by && and ||", "write &&"},
		{`{ $.a = 1 or $.b = 2 }`, `or`, "conditions are joined by && and ||", "write ||"},
		{`{ $.a = 1 & $.b = 2 }`, `&`, "conditions are joined by && and ||", "write &&"},
		{`{ $.a IS NOT NULL }`, `NOT`, "there is no condition IS NOT", "= *"},
		{`{ $.a EXISTS }`, `EXISTS`, "there is no condition EXISTS", "= *"},
		{`{ $.a is NULL }`, `is`, "keywords are written in upper case", "IS"},
		{`{ a-b.c = 1 }`, `a`, "a condition begins with a selector", "write $.a-b"},
		{`{ !($.a = 1) }`, `!`, "conditions cannot be negated", "!="},
		{`{ ($.a = 1 }`, `(`, "this parenthesis is not closed", ""},
		{`{ $.a = 1) }`, `)`, "there is no opening parenthesis for this one", ""},
		{`{ $.a > "4" }`, `"4"`, "> compares numbers, and this is none", "use ="},
		{`[code = 404 || 410]`, `410`, "a condition of the field code cannot be about another field", "code = 410"},
		{`%[[:alpha:]]%`, `]`, "nothing was opened that ] closes", `\]`},
		{`%a}%`, `}`, "nothing was opened that } closes", `\}`},
		{`%a(b)%`, `(`, "regular expressions cannot hold '('", `\x28`},
		{`%a{+1}%`, `{+1}`, "a repetition is {m}, {m,}, {,n} or {m,n}", ""},
		{`%a{1,-0}%`, `{1,-0}`, "a repetition is {m}, {m,}, {,n} or {m,n}", ""},
	} {
		_, err := Parse(c.pattern)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v", c.pattern, err)
			continue
		}
		if at := c.pattern[e.Span.Start:e.Span.End]; at != c.at || e.Reason != c.reason || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%s: got %q, %q, %q\nwant %q, %q, %q", c.pattern, at, e.Reason, e.Hint, c.at, c.reason, c.hint)
		}
	}
}

func TestSpansOfConditions(t *testing.T) {
	for text, want := range map[string][]string{
		`{ $.a = 1 }`:                            {`$.a = 1`},
		`{ ($.a = 1) && ( $.b=2 ) }`:             {`($.a = 1) && ( $.b=2 )`, `$.a = 1`, `$.b=2`},
		`{ (($.a IS NULL) || $.b NOT EXISTS) }`:  {`($.a IS NULL) || $.b NOT EXISTS`, `$.a IS NULL`, `$.b NOT EXISTS`},
		`{ $.a=1||($.b=2&&$.c=%x%)&&$.d="y z" }`: {`$.a=1||($.b=2&&$.c=%x%)&&$.d="y z"`, `$.a=1`, `($.b=2&&$.c=%x%)&&$.d="y z"`, `$.b=2&&$.c=%x%`, `$.b=2`, `$.c=%x%`, `$.d="y z"`},
	} {
		var got []string
		var walk func(c Cond)
		walk = func(c Cond) {
			at := c.Where()
			got = append(got, text[at.Start:at.End])
			switch c := c.(type) {
			case *And:
				for _, x := range c.X {
					walk(x)
				}
			case *Or:
				for _, x := range c.X {
					walk(x)
				}
			}
		}
		walk(parse(t, text).Cond)
		if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%s: spans\n%q, want\n%q", text, got, want)
		}
	}
}

func TestRegexTranslation(t *testing.T) {
	for source, want := range map[string]string{
		`[a\-z]`: `(?s)[a\-z]`, `[\w-.]`: `(?s)[\w-\.]`, `a{,3}b{2,}c{4}`: `(?s)a{0,3}b{2,}c{4}`, `\x28.\x41`: `(?s)\x28.\x41`,
		`^a\.b$`: `(?s)^a\.b$`, `[^$.[]`: `(?s)[^\$\.\[]`,
	} {
		re := parse(t, "%"+source+"%").Regexp
		if re.Go != want || re.Source != source {
			t.Errorf("%s: got %s, want %s", source, re.Go, want)
		}
	}
	for _, c := range []struct{ source, in, out string }{
		{`^[a\-z]$`, "-", "m"}, {`^[\-a]$`, "-", "b"}, {`^[a-c\-]$`, "-", "d"}, {`^[\^]$`, "^", "x"}, {`^[\]\[]$`, "[", "x"},
		{`^[^\s]$`, "x", "\t"}, {`^[\S]$`, "é", "\n"}, {`^a.b$`, "a\nb", "ab"}, {`^\s$`, "\n", "\u00a0"}, {`^\d$`, "7", "٣"},
		{`^[\w-]$`, "-", "."}, {`^x{,2}$`, "", "xxx"}, {`^\-\/\:$`, "-/:", `\-\/\:`},
	} {
		re := regexp.MustCompile(parse(t, "%"+c.source+"%").Regexp.Go)
		if !re.MatchString(c.in) || re.MatchString(c.out) {
			t.Errorf("%s: matches %q: %v, %q: %v", c.source, c.in, re.MatchString(c.in), c.out, re.MatchString(c.out))
		}
	}
}

func TestBounds(t *testing.T) {
	for text, ok := range map[string]bool{
		`%a{1000}%`: true, `%a{1001}%`: false, `%a{,1001}%`: false, `%a{1001,}%`: false, `%a{99999999999999999999}%`: false,
		"%" + strings.Repeat("a{1000}", 9) + "%":                true,
		"%" + strings.Repeat("a{1000}", 10) + "%":               false,
		`{ $.a = %a% && $.b = %b% }`:                            true,
		`{ $.a = %a% && $.b = %b% || $.c != %c% }`:              false,
		`[a = %a% && a = %b%, c = %c%]`:                         false,
		`{ $.*=1 && $.a[*]=1 && $.b.*=1 }`:                      true,
		`{ $.*=1 && $.a[*]=1 && $.b.*=1 && $.c[*] NOT EXISTS }`: false,
		`{ $.a[*].* = 1 }`:                                      false,
		`{ $.a[2147483647] = 1 }`:                               true,
		`{ $.a[2147483648] = 1 }`:                               false,
		"[" + strings.Repeat("(", maxDepth) + "a=1" + strings.Repeat(")", maxDepth) + "]":     true,
		"[" + strings.Repeat("(", maxDepth+1) + "a=1" + strings.Repeat(")", maxDepth+1) + "]": false,
		"[2, , x]":   false, // $2 is the second field
		"[a2, , 3x]": true,
		"[" + strings.Repeat(",", MaxLength-2) + "]": true,
	} {
		if _, err := Parse(text); (err == nil) != ok {
			t.Errorf("%s: error %v", text, err)
		}
	}
}
