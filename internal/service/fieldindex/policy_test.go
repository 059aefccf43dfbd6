package fieldindex_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/fieldindex"
)

func TestParsePolicy(t *testing.T) {
	f := func(document string, want ...string) {
		t.Helper()
		fields, err := fieldindex.ParsePolicy(document)
		if err != nil {
			t.Errorf("%s: %v", document, err)
			return
		}
		var got []string
		for _, x := range fields {
			got = append(got, x.Name+" "+x.Type)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", document, d)
		}
	}
	f(`{"Fields":["b","a.b.c"]}`, "b FIELD_INDEX", "a.b.c FIELD_INDEX")
	f(` {"FieldsV2":{"z":{"type":"FACET"},"y":{"type":"FIELD_INDEX"}},"Fields":["x"]} `, "x FIELD_INDEX", "y FIELD_INDEX", "z FACET")
	f(`{"Fields":["@requestId","@@mine","@ingestionTime"]}`, "@requestId FIELD_INDEX", "@@mine FIELD_INDEX", "@ingestionTime FIELD_INDEX")
	f(`{"Fields":["a","A"]}`, "a FIELD_INDEX", "A FIELD_INDEX")
	long := strings.Repeat("ü", 100)
	f(`{"Fields":["`+long+`"]}`, long+" FIELD_INDEX")

	bad := func(document, message string) {
		t.Helper()
		if fields, err := fieldindex.ParsePolicy(document); err == nil || err.Error() != message {
			t.Errorf("%.60s: got %v %v, want %s", document, fields, err, message)
		}
	}
	const shape = "Policy document is not valid: Fields must be a list of names and FieldsV2 an object of objects with a type."
	bad(``, "Policy document is not valid: the JSON ends early.")
	bad(`{"Fields":["a"`, "Policy document is not valid: the JSON ends early.")
	bad(`x`, "Policy document is not valid: invalid character 'x' looking for beginning of value.")
	bad(`[]`, shape)
	bad(`{"Fields":"a"}`, shape)
	bad(`{"Fields":[1]}`, shape)
	bad(`{"FieldsV2":{"a":"FACET"}}`, shape)
	bad(`{"Fields":["a"],"Extra":1}`, `Policy document is not valid: unknown field "Extra".`)
	bad(`{"Fields":["a"]}{}`, "Policy document is not valid: something follows the JSON object.")
	bad(`{"FieldsV2":{"a":{}}}`, "Policy document is not valid: the field a of FieldsV2 has no type.")
	bad(`{"FieldsV2":{"a":{"type":"x"}}}`, "Policy document is not valid: the type of the field a must be FIELD_INDEX or FACET.")
	bad(`{}`, "Policy document contains no fields.")
	bad(`null`, "Policy document contains no fields.")
	bad(`{"Fields":[]}`, "Policy document contains no fields.")
	bad(`{"Fields":["a","a"]}`, "Policy document contains the field a twice.")
	bad(`{"Fields":["a"],"FieldsV2":{"a":{"type":"FACET"}}}`, "Policy document contains the field a twice.")
	bad(`{"Fields":[""]}`, "Policy document contains a field without a name.")
	bad(`{"Fields":["`+long+`x"]}`, "Policy document contains a field with more than 100 characters.")
	for _, name := range []string{"@message", "@timestamp", "@log", "@mine", "@"} {
		bad(`{"Fields":["`+name+`"]}`, "The field "+name+" cannot be indexed. A field of messages that begins with @ is written with @@.")
	}
	var names []string
	for i := range 21 {
		names = append(names, fmt.Sprintf("%q", fmt.Sprint("f", i)))
	}
	bad(`{"Fields":[`+strings.Join(names, ",")+`]}`, "Policy document contains more than 20 fields.")
	if fields, err := fieldindex.ParsePolicy(`{"Fields":[` + strings.Join(names[:19], ",") + `],"FieldsV2":{"v":{"type":"FACET"}}}`); err != nil || len(fields) != 20 {
		t.Errorf("20 fields: %v, %v", fields, err)
	}
	pad := func(n int) string { return `{"Fields":["a"]}` + strings.Repeat(" ", n-16) }
	f(pad(fieldindex.MaxDocument), "a FIELD_INDEX")
	bad(pad(fieldindex.MaxDocument+1), "Policy document has more than 51200 characters.")
}

func FuzzParsePolicy(f *testing.F) {
	for _, s := range []string{`{"Fields":["a"]}`, `{"FieldsV2":{"a":{"type":"FACET"}}}`, `{"Fields":[null]}`, `[`, ``} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, document string) {
		fields, err := fieldindex.ParsePolicy(document)
		if err == nil && (len(fields) == 0 || len(fields) > fieldindex.MaxFields) {
			t.Fatalf("%q: %d fields", document, len(fields))
		}
	})
}
