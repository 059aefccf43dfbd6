package function_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// hot are calls of functions that queries make for each row.
var hot = []struct {
	lang, name string
	args       []any
	columns    int // the first arguments that differ from row to row
}{
	{"insights", "abs", []any{-2.5}, 1},
	{"insights", "round", []any{2.345, 2}, 1},
	{"insights", "strlen", []any{"GET /index.html"}, 1},
	{"insights", "tolower", []any{"GET /Index.HTML"}, 1},
	{"insights", "trim", []any{"  GET /index.html "}, 1},
	{"insights", "substr", []any{"GET /index.html", 4, 6}, 1},
	{"insights", "concat", []any{"GET", " ", "/index.html"}, 3},
	{"insights", "replace", []any{"GET /index.html", "index", "page"}, 1},
	{"insights", "strcontains", []any{"GET /index.html", "html"}, 1},
	{"insights", "startswith", []any{"GET /index.html", "GET"}, 1},
	{"insights", "isipv4insubnet", []any{"10.1.2.3", "10.0.0.0/8"}, 1},
	{"insights", "isvalidipv6", []any{"2001:db8::5"}, 1},
	{"insights", "jsonparse", []any{`{"level":"INFO","ms":12}`}, 1},
	{"insights", "split", []any{"a,b,c", ","}, 1},
	{"insights", "datefloor", []any{at(1759665600000), "1mo"}, 1},
	{"insights", "formatdate", []any{at(1759665600000), "yyyy-MM-dd HH:mm", "Europe/Berlin"}, 1},
	{"insights", "parsedate", []any{"2025-10-05 12:00", "yyyy-MM-dd HH:mm"}, 1},
	{"insights", "urldecode", []any{"a%20b+c"}, 1},
	{"insights", "md5", []any{"GET /index.html"}, 1},
	{"insights", "if", []any{1, "a", "b"}, 3},
	{"insights", "coalesce", []any{nil, "b"}, 2},
	{"sql", "upper", []any{"GET /index.html"}, 1},
	{"sql", "substring", []any{"GET /index.html", 5, 6}, 1},
	{"sql", "regexp_extract", []any{"GET /users/1234/orders/99 200", `/users/(\d+)/`, 1}, 1},
	{"insights", "regexreplace", []any{"GET /users/1234/orders/99 200", `\d+`, "N"}, 1},
	{"sql", "hour", []any{at(1759665600000)}, 1},
	{"sql", "year", []any{"2025-10-05 12:00:00"}, 1},
	{"sql", "date_trunc", []any{"month", at(1759665600000)}, 0},
	{"sql", "date_format", []any{at(1759665600000), "yyyy-MM-dd"}, 1},
	{"sql", "get_json_object", []any{`{"level":"INFO","user":{"id":7}}`, "$.user.id"}, 1},
	{"sql", "json_array_length", []any{"[1,2,3]"}, 1},
	{"sql", "split_part", []any{"GET /index.html", " ", 2}, 1},
	{"ppl", "concat", []any{"GET", " ", "/index.html"}, 3},
	{"ppl", "length", []any{"GET /index.html"}, 1},
	{"ppl", "json_extract", []any{`{"level":"INFO","user":{"id":7}}`, "user.id"}, 1},
	{"ppl", "cidrmatch", []any{"10.1.2.3", "10.0.0.0/8"}, 1},
}

// bound returns a call that is ready to compute.
func bound(t testing.TB, lang, name string, args []any, columns int) (plan.Eval, []plan.Value) {
	vals := valuesOf(args)
	exprs := make([]plan.Expr, len(vals))
	for i := range vals {
		exprs[i] = plan.Field{Name: "x"}
		if i >= columns {
			exprs[i] = plan.Const{V: vals[i]}
		}
	}
	eval, err := plan.Call{Func: tables[lang].get(name), Args: exprs}.Bound()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return eval, vals
}

func TestHotFunctionsDoNotAllocate(t *testing.T) {
	for _, h := range hot {
		eval, vals := bound(t, h.lang, h.name, h.args, h.columns)
		a := &plan.Arena{Bytes: make([]byte, 0, 4096)}
		if n := testing.AllocsPerRun(100, func() { a.Bytes = a.Bytes[:0]; eval(vals, a) }); n > 0 {
			t.Errorf("%s of %s allocates %v times", h.name, h.lang, n)
		}
	}
}

func BenchmarkFunctions(b *testing.B) {
	for _, h := range hot {
		b.Run(h.lang+"/"+h.name, func(b *testing.B) {
			eval, vals := bound(b, h.lang, h.name, h.args, h.columns)
			a := &plan.Arena{Bytes: make([]byte, 0, 4096)}
			b.ReportAllocs()
			for b.Loop() {
				a.Bytes = a.Bytes[:0]
				eval(vals, a)
			}
		})
	}
}

func BenchmarkRegexReplace(b *testing.B) {
	for name, text := range map[string]string{"match": "GET /users/1234/orders/99 200", "none": "GET /index.html ok"} {
		b.Run(name, func(b *testing.B) {
			eval, vals := bound(b, "insights", "regexreplace", []any{text, `\d+`, "N"}, 1)
			a := &plan.Arena{}
			b.ReportAllocs()
			for b.Loop() {
				a.Bytes = a.Bytes[:0]
				eval(vals, a)
			}
		})
	}
}
