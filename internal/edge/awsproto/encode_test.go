package awsproto_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
)

func TestAppendString(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		for shift := range 9 { // every alignment to the words that are read at once
			pad := strings.Repeat("-", shift)
			for _, tail := range []string{"", "-", "--------", "----------------"} {
				w := `"` + pad + want + tail + `"`
				if got := string(awsproto.AppendString(nil, pad+in+tail)); got != w {
					t.Errorf("AppendString(%q) = %s, want %s", pad+in+tail, got, w)
				}
				if got := string(awsproto.AppendString([]byte("x"), []byte(pad+in+tail))); got != "x"+w {
					t.Errorf("AppendString(bytes %q) = %s, want x%s", pad+in+tail, got, w)
				}
			}
		}
	}
	check("", "")
	check("plain text ~ </>&", "plain text ~ </>&")
	check(`a"b`, `a\"b`)
	check(`\`, `\\`)
	check("\n\r\t\b\f\x00\x1f\x7f", `\n\r\t\u0008\u000c\u0000\u001f`+"\x7f")
	check("é\u2028日本😀", "é\u2028日本😀")
	check("\xff", "\uFFFD")
	check("a\xc3", "a\uFFFD")
	check("\xe6\x97", "\uFFFD\uFFFD")
	check("\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD")
	check("\uFFFD", "\uFFFD")
	for c := range 256 {
		got := awsproto.AppendString(nil, string([]byte{'0', '1', '2', byte(c), '4', '5', '6', '7', '8'}))
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Errorf("byte %#x gives %q", c, got)
		}
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("plain")
	f.Add("\"\\\n\x00é\xff😀")
	f.Fuzz(func(t *testing.T, s string) {
		got := awsproto.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); utf8.ValidString(s) && back != want {
			t.Fatalf("%q became %q", s, back)
		}
		if want := string([]rune(s)); back != want { // one U+FFFD per bad byte
			t.Fatalf("%q became %q, want %q", s, back, want)
		}
	})
}

func TestAppendFloat(t *testing.T) {
	check := func(v float64, want string) {
		t.Helper()
		if got := string(awsproto.AppendFloat(nil, v)); got != want {
			t.Errorf("AppendFloat(%v) = %s, want %s", v, got, want)
		}
	}
	check(0, "0")
	check(-1.5, "-1.5")
	check(1e21, "1e+21")
	check(123456789, "123456789")
	check(1e-7, "1e-07")
	check(math.NaN(), `"NaN"`)
	check(math.Inf(1), `"Infinity"`)
	check(math.Inf(-1), `"-Infinity"`)
}

func TestErrorJSON(t *testing.T) {
	check := func(e *awsproto.Error, want string) {
		t.Helper()
		got, err := e.AppendJSON(nil)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v\nwant %s", got, err, want)
		}
	}
	check(awsproto.Errorf("A", "b %d %q", 1, "c"), `{"__type":"A","message":"b 1 \"c\""}`)
	check(&awsproto.Error{Code: "TooManyTagsException", Message: "m", Members: map[string]any{"resourceName": "arn", "count": 3, "message": "ignored"}},
		`{"__type":"TooManyTagsException","message":"m","count":3,"resourceName":"arn"}`)
	check(&awsproto.Error{Code: "A", Message: "m", Members: map[string]any{"cause": awsproto.Errorf("B", "n")}},
		`{"__type":"A","message":"m","cause":{"__type":"B","message":"n"}}`)
	if _, err := (&awsproto.Error{Members: map[string]any{"f": func() {}}}).AppendJSON(nil); err == nil {
		t.Error("a member that cannot be encoded: no error")
	}
}

func TestQueryErrorXML(t *testing.T) {
	got := string(awsproto.AppendQueryError(nil, "http://ns/", &awsproto.Error{Code: "C", Message: "<&>\x01", Status: 500}, "id"))
	want := "<ErrorResponse xmlns=\"http://ns/\"><Error><Type>Receiver</Type><Code>C</Code><Message>&lt;&amp;&gt;\uFFFD</Message></Error><RequestId>id</RequestId></ErrorResponse>\n"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func BenchmarkAppendString(b *testing.B) {
	run := func(name, text string) {
		b.Run(name, func(b *testing.B) {
			dst := make([]byte, 0, 8*len(text))
			message := []byte(text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				dst = awsproto.AppendString(dst[:0], message)
			}
		})
	}
	line := "2026-03-01T12:00:00.000Z INFO request finished path=/api/v1/orders status=200 took=12ms "
	run("ascii-short", line)
	run("ascii-long", strings.Repeat(line, 100))
	run("json-in-json", strings.Repeat(`{"level":"info","ts":"2026-03-01T12:00:00.000Z","msg":"request finished","status":200}`, 50))
	run("utf8", strings.Repeat("Grüße aus Köln, 日本語のログ ", 50))
	run("control", strings.Repeat("\x1b[31m red \x1b[0m\n", 50))
}

func ExampleAppendString() {
	fmt.Println(string(awsproto.AppendString(nil, "say \"hé\"\n")))
	// Output: "say \"hé\"\n"
}
