package column_test

import (
	"encoding/json"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/column"
)

func TestFind(t *testing.T) {
	for _, c := range []struct{ doc, name, want string }{
		{`{"a":1}`, "a", "1"},
		{` {"a" : {"b" : "x\"y" } } `, "a.b", `"x\"y"`},
		{`{"a.b":1}`, "a.b", "1"},
		{`{"a":{"b.c":{"d":1}}}`, "a.b.c.d", "1"},
		{`{"a.b":{"c":1},"a":{"b.c":2}}`, "a.b.c", "1"},
		{`{"a":{"b.c":2},"a.b":{"c":1}}`, "a.b.c", "2"},
		{`{"a":{"b":null},"a.b":1}`, "a.b", "1"},
		{`{"a":{"b":{}},"a.b":1}`, "a.b", "1"},
		{`{"a":1,"a":2}`, "a", "2"},
		{`{"a":1,"a":null}`, "a", "null"},
		{`{"a":{"b":1},"a.b":3,"a":{"b":2}}`, "a.b", "2"},
		{`{"a":{}}`, "a", ""},
		{`{"a":null}`, "a", ""},
		{`{"a":[]}`, "a", "[]"},
		{`{"a":[1,{"b":[true]}]}`, "a.1.b.0", "true"},
		{`{"a":[1,{"b":[true]}]}`, "a.1.b.1", ""},
		{`{"a":[1,2]}`, "a.01", ""},
		{`{"a":[1,2]}`, "a.x", ""},
		{`{"a":[1,2]}`, "a.", ""},
		{`{"a":[1,2]}`, "a.1.0", ""},
		{`{"a":{"0":"key"}}`, "a.0", `"key"`},
		{`[{"x":-1.5e3},[7]]`, "0.x", "-1.5e3"},
		{`[{"x":1},[7]]`, "1.0", "7"},
		{`[{"x":1},[7]]`, "1", "[7]"},
		{`{"\u0061b":1}`, "ab", "1"},
		{`{"a":{"":1}}`, "a.", "1"},
		{`[INFO] text`, "0", ""},
		{`[0] text`, "0", ""},
		{`[INFO]`, "0", ""},
		{`[01]`, "0", ""},
		{`[1.]`, "0", ""},
		{`{"a":1`, "a", ""},
		{`{"a":1}}`, "a", ""},
		{`{"a" 1}`, "a", ""},
		{`{a:1}`, "a", ""},
		{`{"a":1,}`, "a", ""},
		{`"a"`, "a", ""},
		{``, "a", ""},
	} {
		got, ok := column.Find([]byte(c.doc), c.name)
		if string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%s of %s: %q %v, want %q", c.name, c.doc, got, ok, c.want)
		}
	}
}

// TestFindLooksSoDeep: 64 levels are looked into, 65 are not.
func TestFindLooksSoDeep(t *testing.T) {
	doc, name := "1", ""
	for i := range 65 {
		doc = `{"a":` + doc + "}"
		if name = "a" + name; i > 0 {
			name = "a." + name[1:]
		}
		if _, ok := column.Find([]byte(doc), name); ok != (i < 64) {
			t.Errorf("%d levels: %v", i+1, ok)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{`{"a":{"b.c":[1,{"d":"x"}]},"a.b":{"c":null}}`, `[{"x":1},[7]]`, `[INFO] x`, `{"a":[[[{}]]]`} {
		f.Add([]byte(s), "a.b.c.1.d")
	}
	f.Fuzz(func(t *testing.T, doc []byte, name string) {
		if v, ok := column.Find(doc, name); ok && json.Valid(doc) && !json.Valid(v) {
			t.Errorf("%q of %q is %q", name, doc, v)
		}
	})
}
