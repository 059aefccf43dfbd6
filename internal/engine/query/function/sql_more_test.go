package function_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

func TestRegexpsOfSQL(t *testing.T) {
	check := checker(t, "sql")
	check("2", "regexp_count", "Steven Jones and Stephen Smith", "Ste(v|ph)en")
	check("100", "regexp_extract", "100-200", `(\d+)-(\d+)`)
	check("200", "regexp_extract", "100-200", `(\d+)-(\d+)`, 2)
	check("100-200", "regexp_extract", "100-200", `(\d+)-(\d+)`, 0)
	check("", "regexp_extract", "x", `(\d+)`)
	check("100", "regexp_extract", "100-200", `\d+`)
	check("error: the regular expression has no group 3", "regexp_extract", "100-200", `(\d+)-(\d+)`, 3)
	check("null", "regexp_extract", "100-200", nil)
	check("error: invalid regular expression: error parsing regexp: missing closing ): `(`", "regexp_extract", "1", "(")
	check(`["100","300"]`, "regexp_extract_all", "100-200, 300-400", `(\d+)-(\d+)`, 1)
	check(`[]`, "regexp_extract_all", "x", `(\d+)-(\d+)`, 1)
	check("3", "regexp_instr", "ñb1", `\d`)
	check("0", "regexp_instr", "ab", `\d`)
	check("Stephen", "regexp_substr", "Mr Stephen", "Ste(v|ph)en")
	check("null", "regexp_substr", "x", "y")
	check("num-num", "regexp_replace", "100-200", `(\d+)`, "num")
	check("100-num", "regexp_replace", "100-200", `(\d+)`, "num", 4)
	check(`["one","two","three",""]`, "split", "oneAtwoBthreeC", "[ABC]")
	check(`["one","twoBthreeC"]`, "split", "oneAtwoBthreeC", "[ABC]", 2)
	check(`["one","two","three"]`, "split", "oneAtwoBthreeC", "[ABC]", 0)
	check(`["a","b"]`, "split", "ab", "")
	check(`[""]`, "split", "", ",")
}

func TestJSONOfSQL(t *testing.T) {
	check := checker(t, "sql")
	const doc = `{"a":{"b":[1,{"c":"x\ty"},null]},"d e":true,"n":1.50}`
	check("1", "get_json_object", doc, "$.a.b[0]")
	check("x\ty", "get_json_object", doc, "$.a.b[1].c")
	check(`[1,{"c":"x\ty"},null]`, "get_json_object", list(doc), "$.a.b")
	check("null", "get_json_object", doc, "$.a.b[2]")
	check("null", "get_json_object", doc, "$.x")
	check("true", "get_json_object", doc, "$['d e']")
	check("1.50", "get_json_object", doc, "$.n")
	check(doc, "get_json_object", doc, "$")
	check("[1,2]", "get_json_object", `[{"a":1},{"a":2},{"b":3}]`, "$[*].a")
	check("1", "get_json_object", `[{"a":1}]`, "$[*].a")
	check("null", "get_json_object", `[{"a":1}]`, "$.*.x")
	check("[1,2]", "get_json_object", `{"x":{"a":1},"y":{"a":2}}`, "$.*.a")
	check("null", "get_json_object", "no json", "$.a")
	check(`error: the path "a" does not begin with $`, "get_json_object", doc, "a")
	check(`error: the path "$.a[" is not valid`, "get_json_object", doc, "$.a[")
	check(`error: the path "$..a" is not valid`, "get_json_object", doc, "$..a")
	check(`error: the path has more than 100 steps`, "get_json_object", doc, "$"+strings.Repeat(".a", 101))
	check(`{"a":1}`, "from_json", `{"a":1}`, "a INT")
	check("null", "from_json", `{"a":1`, "a INT")
	check("3", "json_array_length", "[1,2,3]")
	check("null", "json_array_length", "{}")
	check(`["a","d e","n"]`, "json_object_keys", doc)
	check("null", "json_object_keys", "[1]")
	check("STRUCT<a: STRUCT<b: ARRAY<BIGINT>>, d e: BOOLEAN, n: DOUBLE>", "schema_of_json", doc)
	check(`{"a":1}`, "to_json", list(`{"a": 1}`))
	check(`"2025-10-05 00:00:00.000"`, "to_json", at(1759622400000))

	ppl := checker(t, "ppl")
	ppl("[1,2]", "json", "[1,2]")
	ppl("null", "json", "[1,2")
	ppl("true", "json_valid", "[1,2]")
	ppl("false", "json_valid", "[1,2")
	ppl("null", "json_valid", nil)
	ppl(`["a",1,true,null,[2]]`, "json_array", "a", 1, true, nil, list("[2]"))
	ppl("[]", "json_array")
	ppl(`{"a":1,"2":null}`, "json_object", "a", 1, 2, nil)
	ppl("error: a key has no value", "json_object", "a")
	ppl("null", "json_object", nil, 1)
	ppl("x\ty", "json_extract", doc, "$.a.b[1].c")
	ppl("1", "json_extract", doc, "a.b[0]")
	ppl("[1,null,true]", "json_extract", doc, "$.a.b[0]", "$.x", "$['d e']")
	ppl("null", "json_extract", doc, "$.a.b[0]", nil)
	ppl(`["a"]`, "json_keys", `{"a":1}`)
	ppl("[1,2]", "to_json_string", list("[1, 2]"))
	ppl("2", "array_length", list("[1, 2]"))
	ppl("true", "cidrmatch", "10.1.2.3", "10.0.0.0/8")
	ppl("false", "cidrmatch", "11.1.2.3", "10.0.0.0/8")
	ppl("null", "cidrmatch", nil, "10.0.0.0/8")
	ppl("null", "cidrmatch", "10.1.2.3", nil)
	ppl(`error: "10" is no subnet`, "cidrmatch", "10.1.2.3", "10")
}

func TestArraysOfSQL(t *testing.T) {
	check := checker(t, "sql")
	l := list(`["b",1,null,"b",1.0,[2],[ 2 ],"a"]`)
	check(`[1,"a",null]`, "array", 1, "a", nil)
	check(`[]`, "array")
	check(`[1,null]`, "array_append", list("[1]"), nil)
	check(`["x",1]`, "array_prepend", list("[1]"), "x")
	check("null", "array_append", nil, 1)
	check(`["b",1,"b",1.0,[2],[ 2 ],"a"]`, "array_compact", l)
	check(`["b",1,null,[2],"a"]`, "array_distinct", l)
	check("true", "array_contains", l, "a")
	check("true", "array_contains", l, 1)
	check("null", "array_contains", l, "x")
	check("false", "array_contains", list("[1]"), "x")
	check("[2]", "array_except", list("[1,2,1,2]"), list("[1.0]"))
	check("[1]", "array_intersect", list("[1,2,1]"), list("[1,3]"))
	check("[1,2,3]", "array_union", list("[1,2,1]"), list("[1,3]"))
	check("[1,9,2]", "array_insert", list("[1,2]"), 2, 9)
	check("[1,null,null,9]", "array_insert", list("[1]"), 4, 9)
	check("[1,2,9]", "array_insert", list("[1,2]"), -1, 9)
	check("[9,null,1]", "array_insert", list("[1]"), -3, 9)
	check("null", "array_insert", list("[1]"), 0, 9)
	check("b,1,b,1.0,a", "array_join", list(`["b",1,null,"b",1.0,"a"]`), ",")
	check("b,-,a", "array_join", list(`["b",null,"a"]`), ",", "-")
	check("20", "array_max", list("[1,20,null,3]"))
	check("1", "array_min", list("[1,20,null,3]"))
	check("null", "array_min", list("[]"))
	check("2", "array_position", l, 1)
	check("0", "array_position", l, "x")
	check(`["b",null,"b",[2],[ 2 ],"a"]`, "array_remove", l, 1)
	check(`["a","a"]`, "array_repeat", "a", 2)
	check(`[]`, "array_repeat", "a", -2)
	check("null", "array_repeat", "a", 1e6)
	check("true", "arrays_overlap", list("[1,2]"), list("[2,3]"))
	check("null", "arrays_overlap", list("[1,null]"), list("[3]"))
	check("false", "arrays_overlap", list("[1]"), list("[3]"))
	check(`[{"0":1,"1":"a"},{"0":2,"1":null}]`, "arrays_zip", list("[1,2]"), list(`["a"]`))
	check("[1,2,[3]]", "flatten", list("[[1],[2,[3]]]"))
	check("null", "flatten", list("[1]"))
	check("b", "get", list(`["a","b"]`), 1)
	check("null", "get", list(`["a","b"]`), 2)
	check("b", "element_at", list(`["a","b"]`), -1)
	check("a", "element_at", list(`["a","b"]`), 1)
	check("[1,2,3]", "sequence", 1, 3)
	check("[5,3,1]", "sequence", 5, 1, -2)
	check("[2]", "sequence", 2, 2, 0)
	check(`["2025-10-05 00:00:00.000","2025-10-06 00:00:00.000"]`, "sequence", at(1759622400000), at(1759622400000+100_000_000))
	check(`["2025-10-05 00:00:00.000"]`, "sequence", at(1759622400000), at(1759622400000))
	check("null", "sequence", 1, 3, -1)
	check("null", "sequence", 1, 1e9)
	check("2", "size", list(`{"a":1,"b":2}`))
	check("-1", "size", nil)
	check("[2,3]", "slice", list("[1,2,3,4]"), 2, 2)
	check("[3,4]", "slice", list("[1,2,3,4]"), -2, 2)
	check("[]", "slice", list("[1,2,3,4]"), 5, 2)
	check("null", "slice", list("[1,2,3,4]"), 0, 2)
	check(`[null,"a","b",2,10]`, "sort_array", list(`["b",10,null,"a",2]`))
	check(`[10,2,"b","a",null]`, "sort_array", list(`["b",10,null,"a",2]`), false)
	check("[[1]]", "shuffle", list("[[1]]"))
	check("null", "sort_array", "x")
}

func TestFormatsOfSQL(t *testing.T) {
	check := checker(t, "sql")
	check("Hello World 100 days", "format_string", "Hello World %d %s", 100, "days")
	check("b a%\n", "printf", "%2$s %1$s%%%n", "a", "b")
	check("[  7|7  |007|+7|-7|(7)|1,234,567]", "printf", "[%3d|%-3d|%03d|%+d|%d|%(d|%,d]", 7, 7, 7, 7, -7, -7, 1234567)
	check("ff|FF|0xff|17", "printf", "%x|%X|%#x|%o", 255, 255, 255, 15)
	check("3.142|  3.1|003.1|3.141590e+00|3.14159|1,234.50", "printf", "%.3f|%5.1f|%05.1f|%e|%g|%,.2f", 3.14159, 3.14159, 3.14159, 3.14159, 3.14159, 1234.5)
	check("ab|    abc|ABC|A|true|false|null", "printf", "%.2s|%7s|%S|%c|%b|%b|%s", "abc", "abc", "abc", 65, "x", nil, nil)
	check("null", "printf", "%d", "x")
	check("error: the format needs more than 1 values", "printf", "%d %d", 1)
	check("error: unknown %q in the format", "printf", "%q", 1)
	check(`error: the format "%" is not valid`, "printf", "%", 1)
	check(`error: the format "%1001d" is not valid`, "printf", "%1001d", 1)
	check("12,332.1235", "format_number", 12332.123456, 4)
	check("12,332", "format_number", 12332.123456, 0)
	check("-1,234.50", "format_number", -1234.5, "#,##0.00")
	check("12332.12", "format_number", 12332.123456, "##################.##")
	check("-0.1", "format_number", -0.125, "0.#")
	check("0", "format_number", -0.001, "0.#")
	check("007", "format_number", 7, "000")
	check("error: the number of digits is not from 0 to 100", "format_number", 1, -1)
	check(`error: the format "x" is not valid`, "format_number", 1, "x")
	check("454", "to_char", 454, "999")
	check("454.00", "to_char", 454, "000D00")
	check("12,454", "to_char", 12454, "99G999")
	check("$78.12", "to_char", 78.12, "$99.99")
	check("12,454.8-", "to_char", -12454.8, "99G999D9S")
	check("<12>", "to_char", -12, "99PR")
	check("  7", "to_char", 7, "999")
	check("###", "to_char", 1234, "999")
	check("2025", "to_char", at(1759622400000), "yyyy")
	check(`error: the format "9x" is not valid`, "to_char", 1, "9x")
	check("454", "to_number", "454", "999")
	check("454", "to_number", "454.00", "000.00")
	check("12454", "to_number", "12,454", "99,999")
	check("78.12", "to_number", "$78.12", "$99.99")
	check("-12454.8", "to_number", "12,454.8-", "99,999.9S")
	check("-12", "to_number", "<12>", "99PR")
	check("null", "to_number", "1234", "999")
	check("null", "to_number", "x", "999")
	check("abc", "decode", "abc", "utf-8")
	check("é", "decode", "\xe9", "ISO-8859-1")
	check("\xe9", "encode", "é", "ISO-8859-1")
	check("?", "encode", "é", "US-ASCII")
	check(`error: unknown character set "x"`, "encode", "é", "x")
	check("Southlake", "decode", 2, 1, "San Francisco", 2, "Southlake", "Non domestic")
	check("Non domestic", "decode", 9, 1, "San Francisco", 2, "Southlake", "Non domestic")
	check("null", "decode", 9, 1, "San Francisco")
	check("none", "decode", nil, 1, "one", nil, "none")
	check("abc", "to_binary", "abc", "utf-8")
	check("AB", "to_binary", "4142")
	check("ab", "to_binary", "YWI=", "base64")
	check(`error: unknown format "x" of bytes`, "to_binary", "a", "x")
}

func TestBoundsOfSQL(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	for _, c := range []struct {
		name string
		args []any
		want int
	}{
		{"repeat", []any{long, 100}, plan.MaxMade},
		{"lpad", []any{"a", 1e15}, plan.MaxMade},
		{"space", []any{1e15}, plan.MaxMade},
		{"regexp_replace", []any{strings.Repeat("a", 10_000), "a", strings.Repeat("b", 1000)}, plan.MaxMade},
		{"translate", []any{long, "a", "bc"}, 1 << 20},
		{"concat_ws", []any{"", long, long, long, long, long}, plan.MaxMade},
		{"translate", []any{"a", strings.Repeat("a", 1024), "b"}, 1},
		{"translate", []any{"a", strings.Repeat("a", 1025), "b"}, len("null")},
		{"array_insert", []any{list("[1]"), -1 << 18, 7}, len("[7,1]") + 5*(1<<18-2)},
		{"array_insert", []any{list("[1]"), -1<<18 - 1, 7}, len("null")},
		{"regexp_replace", []any{strings.Repeat("a", 1<<16+5), "a", "bb"}, 2<<16 + 5},
		{"array_repeat", []any{long, 10}, len("null")},
		{"levenshtein", []any{strings.Repeat("a", 1025), strings.Repeat("b", 1024)}, len("null")},
		{"levenshtein", []any{strings.Repeat("a", 1024), strings.Repeat("b", 1024)}, len("1024")},
		{"split", []any{long, ""}, 4<<20 + 1},
	} {
		got := callOf(t, c.name, tables["sql"].get(c.name), c.args...)
		if c.name == "split" {
			if got != "null" && len(got) > plan.MaxMade+2 {
				t.Errorf("%s makes %d bytes", c.name, len(got))
			}
			continue
		}
		if len(got) != c.want {
			t.Errorf("%s makes %d bytes, want %d", c.name, len(got), c.want)
		}
	}
}

// Short texts are searched in another way than long ones.
func TestReplacesAsRegexp(t *testing.T) {
	long := strings.Repeat("é", 1100)
	for _, pattern := range []string{"a", "a*", "a+?", "(a)|b", "", "a??", "[^a]", "(a*)(b?)", `\d*`, "x*$", "^a", `\b`, "(?i)B", "é*", "a|", "(?:)", ".", "b$"} {
		re := regexp.MustCompile(pattern)
		for _, s := range []string{"", "a", "aab", "baaab", "xaxa1", "éaé", "aéb", "\xffa", "1 22 a", "abababab\n"} {
			for _, text := range []string{s, s + long} {
				want := re.ReplaceAllString(text, "<${0}>")
				if got := call(t, "regexreplace", text, pattern, "<${0}>"); got != want {
					t.Errorf("%q in %.20q gives %.60q, want %.60q", pattern, text, got, want)
				}
			}
		}
	}
}
