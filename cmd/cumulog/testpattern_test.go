package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestTestPattern(t *testing.T) {
	lines := `{"level":"error","n":1}` + "\n" + `{"level":"info","n":2}` + "\nplain\n"
	access := "10.0.0.7 - ann \"GET /\" 404\n"
	for _, c := range []struct {
		name   string
		args   []string
		in     string
		code   int
		out    string
		errOut string
	}{
		{"matches", []string{`{ $.level = "error" }`}, lines, 0, `{"level":"error","n":1}` + "\n", ""},
		{"none", []string{"nothing"}, lines, 1, "", ""},
		{"count", []string{"-c", "level"}, lines, 0, "2\n", ""},
		{"count none", []string{"-c", "nothing"}, lines, 1, "0\n", ""},
		{"all", []string{"--all", "plain"}, lines, 0, "no   {\"level\":\"error\",\"n\":1}\nno   {\"level\":\"info\",\"n\":2}\nyes  plain\n", ""},
		{"colour", []string{"--color", "always", "info"}, lines, 0, "{\"level\":\"\x1b[" + string(styleMark) + "minfo\x1b[0m\",\"n\":2}\n", ""},
		{"values", []string{"--values", "[ip, ..., code]"}, access, 0, access + "     $2 = -\n     $3 = ann\n     $4 = GET /\n     $code = 404\n     $ip = 10.0.0.7\n", ""},
		{"explain", []string{"--explain", `{ $.n > 1 && $.x = 1 }`}, `{"n":2}` + "\n", 1,
			"no   {\"n\":2}\n     ✗ $.n > 1 && $.x = 1: not all of its conditions hold\n       ✓ $.n > 1\n       ✗ $.x = 1: the field $.x is missing\n", ""},
		{"json", []string{"-o", "json", "[a]"}, "x\n", 0, `{"line":1,"message":"x","matched":true,"values":{"$a":"x"}}` + "\n", ""},
		{"bad pattern", []string{"{ $.a = }"}, lines, 2, "", "        ^ a value is missing here"},
		{"bad flag", []string{"--color", "blue", "x"}, lines, 2, "", "--color is auto"},
		{"no pattern", nil, lines, 2, "", "needs a filter pattern"},
		{"longest line", []string{"-c", "x"}, strings.Repeat("x", maxTestLine) + "\n", 0, "1\n", ""},
		{"longest line with CR", []string{"-c", "x"}, strings.Repeat("x", maxTestLine) + "\r\n", 0, "1\n", ""},
		{"what came before a line too long", []string{"x"}, "a x\n" + strings.Repeat("x", maxTestLine+1) + "\nb x\n", 1, "a x\n", "line 2 is longer"},
		{"line too long", []string{"-c", "x"}, "x\n" + strings.Repeat("x", maxTestLine+1) + "\n", 1, "", "line 2 is longer than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			code := run(t.Context(), append([]string{"test-pattern"}, c.args...), strings.NewReader(c.in), &out, &errOut)
			if code != c.code || out.String() != c.out || !strings.Contains(errOut.String(), c.errOut) || c.errOut == "" && errOut.Len() > 0 {
				t.Errorf("code %d, want %d\nout  %q\nwant %q\nerrors %q, want %q", code, c.code, out.String(), c.out, errOut.String(), c.errOut)
			}
		})
	}
}
