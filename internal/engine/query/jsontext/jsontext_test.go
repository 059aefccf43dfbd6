package jsontext_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
)

func TestValid(t *testing.T) {
	for _, s := range []string{`{}`, `[]`, ` [ 1 , -2.5e+3, "a\"b", true,false , null ] `, `{"a":{"b":[[],{}]},"c":[{"d":1}]}`,
		`0`, `-0.5`, `"x"`, `"\\"`, `[[[]],[]]`, `{"a":[1,{"b":2}],"c":3}`, strings.Repeat("[", 1024) + strings.Repeat("]", 1024)} {
		if !jsontext.Valid([]byte(s)) {
			t.Errorf("%.40s is JSON", s)
		}
	}
	for _, s := range []string{``, ` `, `{`, `[`, `[1,]`, `[,1]`, `{,}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `01`, `1.`, `.5`, `+1`, `1e`, `-`, `tru`, `"x`, `"\"`,
		`[1] 2`, `{"a":1]`, `[1}`, `[1 2]`, strings.Repeat("[", 1025) + strings.Repeat("]", 1025)} {
		if jsontext.Valid([]byte(s)) {
			t.Errorf("%.40s is no JSON", s)
		}
	}
}

func TestItems(t *testing.T) {
	list := func(s string) string {
		var out []string
		it := jsontext.Of([]byte(s))
		for it.Next() {
			out = append(out, string(it.Key)+"="+string(it.Value))
		}
		return strings.Join(out, "|")
	}
	for s, want := range map[string]string{
		`{"a":1, "b" : [1, 2] ,"c":{"d":"}"}}`: `a=1|b=[1, 2]|c={"d":"}"}`,
		`[1,"a", null,[]]`:                     `=1|="a"|=null|=[]`,
		`{}`:                                   ``, `[ ]`: ``, `7`: ``, `{"a":1,"b"`: `a=1`, `[1,,2]`: `=1`, `{"a":1]`: `a=1`,
	} {
		if got := list(s); got != want {
			t.Errorf("%s has %s, want %s", s, got, want)
		}
	}
}

func TestCompact(t *testing.T) {
	in := "{ \"a b\" : [ 1 ,\n\t2 ] , \"c\":\"\\\" x\" } "
	if got := string(jsontext.Compact(nil, []byte(in))); got != `{"a b":[1,2],"c":"\" x"}` {
		t.Errorf("got %s", got)
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":"\u00e9\\"}],"c":-1.5e3}`, `[[],{},[{}]]`, `{"a":1]`, `"\"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ok := jsontext.Valid(b)
		if json.Valid(b) && !ok && !strings.Contains(string(b), strings.Repeat("[", 500)) {
			t.Fatalf("%q is JSON", b)
		}
		for it := jsontext.Of(b); it.Next(); {
			if !jsontext.Valid(it.Value) {
				t.Fatalf("%q has the item %q", b, it.Value)
			}
		}
		if c := jsontext.Compact(nil, b); ok && !jsontext.Valid(c) {
			t.Fatalf("%q becomes %q", b, c)
		}
	})
}

func BenchmarkValue(b *testing.B) {
	text := []byte(`{"time":"2025-10-05T13:45:07.123Z","level":"INFO","msg":"request done","user":{"id":"u-1234","roles":["a","b"]},"ms":12.5,"status":200}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if !jsontext.Valid(text) {
			b.Fatal("not JSON")
		}
	}
}
