package main

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/service/patterns"
)

// printed is what p prints of a message, plain unless p says otherwise.
func printed(t *testing.T, p linePrinter, message string) string {
	t.Helper()
	var b bytes.Buffer
	p.out = bufio.NewWriter(&b)
	if p.json == "" {
		p.json = "raw"
	}
	if err := p.print(event{Group: "g", Stream: "s", Timestamp: 1_700_000_000_123, Ingestion: 2, ID: "7", Message: message}); err != nil {
		t.Fatal(err)
	}
	p.out.Flush()
	return strings.ReplaceAll(b.String(), "\x1b[", "<")
}

func TestPrintLine(t *testing.T) {
	tester, err := patterns.NewTester(`"refused" -other`)
	if err != nil {
		t.Fatal(err)
	}
	check := func(p linePrinter, message, want string) {
		t.Helper()
		if got := printed(t, p, message); got != want {
			t.Errorf("printed %q\ngot  %q\nwant %q", message, got, want)
		}
	}
	check(linePrinter{utc: true}, "m", "2023-11-14T22:13:20.123Z s m\n")
	check(linePrinter{utc: true, withGroup: true}, "m", "2023-11-14T22:13:20.123Z g s m\n")
	check(linePrinter{plain: true}, "a\x1b[31mb", "a<31mb\n")
	check(linePrinter{plain: true, safe: true}, "a\x1b[2J\tb\x07\r\x7f", "a^[[2J\tb^G^M^?\n")
	check(linePrinter{plain: true, safe: true}, "a\u009b31m\u202e\xffü", `a\xc2\x9b31m\xe2\x80\xae\xff`+"ü\n")
	check(linePrinter{plain: true, color: true}, "ERROR x", "<31mERROR x<0m\n")
	check(linePrinter{plain: true, color: true}, "INFO x", "INFO x\n")
	check(linePrinter{plain: true, color: true, highlights: []*regexp.Regexp{regexp.MustCompile(`o+`), regexp.MustCompile(`oob?`)}}, "foob o", "f<1;7moob<0m <1;7mo<0m\n")
	check(linePrinter{plain: true, color: true, highlights: []*regexp.Regexp{regexp.MustCompile(`x*`)}}, "WARN x", "<33mWARN <0m<1;7;33mx<0m\n")
	check(linePrinter{plain: true, color: true, tester: tester}, "conn refused!", "conn <1;7mrefused<0m!\n")
	check(linePrinter{plain: true, json: "compact"}, ` { "a" : "b:\"c" } `, `{"a":"b:\"c"}`+"\n")
	check(linePrinter{plain: true, json: "compact", color: true}, `{"a": {"b\"": 1}}`, `{<36m"a"<0m:{<36m"b\""<0m:1}}`+"\n")
	check(linePrinter{plain: true, json: "pretty"}, `{"a":[1,{}]}`, "{\n  \"a\": [\n    1,\n    {}\n  ]\n}\n")
	check(linePrinter{plain: true, json: "pretty"}, `{"a":`, "{\"a\":\n")
	check(linePrinter{plain: true, fields: []string{"level", "http.status", "a.b", "none", "list", "msg"}},
		`{"level":"info","http":{"status":200},"a.b":"x y","list":[1, 2],"msg":""}`, `level=info http.status=200 a.b="x y" list=[1,2] msg=""`+"\n")
	check(linePrinter{plain: true, fields: []string{"level"}}, "no json", "no json\n")
	check(linePrinter{object: true}, `<ERROR> "x"`+"\x1b",
		`{"logGroupName":"g","logStreamName":"s","timestamp":1700000000123,"ingestionTime":2,"eventId":"7","message":"<ERROR> \"x\"\u001b","time":"2023-11-14T22:13:20.123Z","level":"error"}`+"\n")
	long := strings.Repeat("x", 2<<20)
	check(linePrinter{plain: true, safe: true}, long, long+"\n")
}

func TestLevels(t *testing.T) {
	check := func(message string, want level) {
		t.Helper()
		if got := levelOf(message); got != want {
			t.Errorf("level of %q is %q, want %q", message, got, want)
		}
	}
	check(`{"level":"error"}`, levelError)
	check(`{"severity":"WARNING"}`, levelWarn)
	check(`{"lvl":"dbg"}`, levelDebug)
	check(`{"log.level":"info"}`, levelInfo)
	check(`{"log":{"level":"fatal"}}`, levelFatal)
	check(`{"level":50}`, levelError)
	check(`{"level":10}`, levelTrace)
	check(`{"level":5}`, levelNone)
	check(`{"level":null}`, levelNone)
	check(`{"message":"ERROR"}`, levelNone)
	check("2026-01-01 12:00:00,123 ERROR [main] x", levelError)
	check("[warn] x", levelWarn)
	check(`time=1 level=debug msg="x"`, levelDebug)
	check(`time=1 level="error" msg="x"`, levelError)
	check("an error happened", levelNone)
	check("TRACE", levelTrace)
	check(strings.Repeat(".", levelWindow)+"ERROR", levelNone)
	check("", levelNone)
}

func TestNameStyleIsStable(t *testing.T) {
	if a, b := nameStyle("web-1"), nameStyle("web-1"); a != b || a == "" {
		t.Errorf("the colour of a name is %q, then %q", a, b)
	}
}

// FuzzPrintLine: nothing of a message reaches a terminal as a command, and colours lose nothing of a text.
func FuzzPrintLine(f *testing.F) {
	for _, s := range []string{"ERROR \x1b]0;x\x07", `{"a":{"b":"\u001b"}}`, "\xff\u009b", "{", `{"level":50}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, message string) {
		for _, mode := range []string{"raw", "compact", "pretty"} {
			plain := printed(t, linePrinter{plain: true, safe: true, json: mode}, message)
			for _, r := range plain {
				if r < 0x20 && r != '\t' && r != '\n' || r >= 0x7f && r < 0xa0 {
					t.Fatalf("%q prints the control character %q", message, r)
				}
			}
			colored := printed(t, linePrinter{plain: true, safe: true, json: mode, color: true, highlights: []*regexp.Regexp{regexp.MustCompile("[a-m]+")}}, message)
			if got := regexp.MustCompile(`<[0-9;]+m`).ReplaceAllString(colored, ""); got != regexp.MustCompile(`<[0-9;]+m`).ReplaceAllString(plain, "") {
				t.Fatalf("%q coloured is %q, plain %q", message, got, plain)
			}
		}
	})
}
