package insightsql

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// apply computes a function of one text.
func apply(t *testing.T, f *plan.Function, args ...plan.Value) string {
	t.Helper()
	exprs := make([]plan.Expr, len(args))
	for i := range args {
		exprs[i] = plan.Field{Name: "x"}
	}
	eval, err := plan.Call{Func: f, Args: exprs}.Bound()
	if err != nil {
		t.Fatal(err)
	}
	v := eval(args, &plan.Arena{})
	if v.Kind == plan.Null {
		return "null"
	}
	return string(v.AppendText(nil))
}

func TestLogfmt(t *testing.T) {
	is := func(text, want string) {
		t.Helper()
		if got := apply(t, logfmt, plan.TextValue(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	is(`lvl=info msg="a b"`, `{"lvl":"info","msg":"a b"}`)
	is(`time stamp a=1  b= c="x\"y\n\\z" d`, `{"a":"1","b":"","c":"x\"y\n\\z"}`)
	is(`a="open b=1`, `{"a":"open b=1"}`)
	is(`a="x"y b=1`, `{"a":"x","b":"1"}`)
	is(`=1 a=b=c`, `{"a":"b=c"}`)
	is("nothing here", "null")
	is("", "null")
	is("a=\xff", "{\"a\":\"\uFFFD\"}")
	is("a="+strings.Repeat("x", plan.MaxMade), "null")
	if got := apply(t, logfmt, plan.Value{}); got != "null" {
		t.Error(got)
	}
}

func TestXML(t *testing.T) {
	is := func(text, want string) {
		t.Helper()
		if got := apply(t, xmlStructure, plan.TextValue(text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	is(`<a>x</a>`, `{"a":"x"}`)
	is(`<?xml version="1.0"?><r id="7"><k>1</k><k>2</k> text <e/></r>`, `{"r":{"@id":"7","k":["1","2"],"e":"","#text":"text"}}`)
	is(`<a><b></a>`, "null")
	is(`<a`, "null")
	is("no xml", "null")
	is(strings.Repeat("<a>", maxXMLDepth)+strings.Repeat("</a>", maxXMLDepth), strings.Repeat(`{"a":`, maxXMLDepth)+`""`+strings.Repeat("}", maxXMLDepth))
	is(strings.Repeat("<a>", maxXMLDepth+1)+strings.Repeat("</a>", maxXMLDepth+1), "null")
}

// parts shows what an extractor finds.
func parts(x *plan.Extractor, text string) string {
	out := make([][]byte, x.Parts)
	if !x.New()([]byte(text), out) {
		return "none"
	}
	s := make([]string, len(out))
	for i, p := range out {
		if s[i] = string(p); p == nil {
			s[i] = "null"
		}
	}
	return strings.Join(s, "|")
}

func TestExtractors(t *testing.T) {
	is := func(x *plan.Extractor, text, want string) {
		t.Helper()
		if got := parts(x, text); got != want {
			t.Errorf("%s of %q: got %s, want %s", x.Name, text, got, want)
		}
	}
	is(globExtractor("[*] *"), "[WARN] low space", "WARN|low space")
	is(globExtractor("a=*,"), "a=1,b=2", "1")
	is(globExtractor("a=*"), "pre a=1,b=2", "1,b=2")
	is(globExtractor("*:*"), "a:b:c", "a|b:c")
	is(globExtractor("a=* b=*"), "a=1 c=2", "none")
	is(globExtractor("**"), "xy", "|xy")
	is(globExtractor("*"), "", "")
	is(globExtractor("* x"), "a x b x", "a")
	is(csvExtractor(3), `a,"b ""q"", c",d,e`, `a|b "q", c|d`)
	is(csvExtractor(3), `a,`, "a||null")
	is(csvExtractor(2), `"open,x`, "open,x|null")
	is(csvExtractor(4), `"a"x,"b","c",`, "a|b|c|")
	re := func(source string, groups ...int) *plan.Extractor {
		r, err := compileRegex(source)
		if err != nil {
			t.Fatal(err)
		}
		return regexExtractor(&Regex{Source: source, Re: r}, groups)
	}
	is(re(`id=(\d+)`, 1), "id=7 id=8", "7")
	is(re(`x(y)?(z)?`, 1, 2), "xz", "null|z")
	is(re(`id=(\d+)`, 1), "x", "none")
	if d := cmp.Diff([]string{"id="}, re(`id=(\d+)`, 1).Literals); d != "" {
		t.Error(d)
	}
}

// values are values of all kinds, many of them equal to others.
func someValues() []plan.Value {
	v := []plan.Value{{}, {Kind: plan.List, Text: []byte("[1]")}, boolValue(true), boolValue(false), plan.TextValue("true"), plan.TextValue("")}
	for _, n := range []float64{0, 1, 2, 404, 1.5} {
		v = append(v, plan.NumberValue(n), plan.Value{Kind: plan.Time, Num: n},
			plan.Value{Kind: plan.Raw, Num: n, Text: fmt.Appendf(nil, "%.1f", n)},
			plan.TextValue(fmt.Sprint(n)), plan.TextValue(fmt.Sprintf("%.2f", n)))
	}
	return v
}

// TestValueSet compares a set with the comparisons of the plan.
func TestValueSet(t *testing.T) {
	all := someValues()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		set := newValueSet()
		var list []plan.Value
		for range rng.IntN(5) {
			v := all[rng.IntN(len(all))]
			list = append(list, v)
			set.add(&v)
		}
		for _, v := range all {
			want := plan.InList(&v, list)
			if set.has(&v) != want || plan.InList(&v, set.list) != want {
				t.Fatalf("%+v in %+v: %v, %v, want %v", v, list, set.has(&v), plan.InList(&v, set.list), want)
			}
		}
	}
}

func TestJoinSide(t *testing.T) {
	rows := &plan.Rows{Names: []string{"k", "v"}, Len: 6, Cols: [][]plan.Value{
		{plan.TextValue("a"), plan.NumberValue(404), plan.TextValue("a"), {}, {Kind: plan.List, Text: []byte("[]")}, plan.TextValue("z")},
		{plan.TextValue("0"), plan.TextValue("1"), plan.TextValue("2"), plan.TextValue("3"), plan.TextValue("4"), {}},
	}}
	for _, outer := range []bool{false, true} {
		side := newJoinSide(outer)
		if !side.load(rows, []string{"k"}) {
			t.Fatal("too many keys")
		}
		none := "null"
		if outer {
			none = "-1"
		}
		for _, c := range []struct {
			key  plan.Value
			want string
		}{
			{plan.TextValue("a"), "[0,2]"}, {plan.TextValue("404"), "1"}, {plan.Value{Kind: plan.Raw, Num: 404, Text: []byte("404.0")}, "1"},
			{plan.TextValue("b"), none}, {plan.Value{}, none}, {plan.Value{Kind: plan.List, Text: []byte("[]")}, none},
		} {
			if got := apply(t, side.Matches(1), c.key); got != c.want {
				t.Errorf("%+v: got %s, want %s", c.key, got, c.want)
			}
		}
		for row, want := range map[float64]string{-1: "null", 0: "0", 2: "2", 5: "null", 6: "null"} {
			if got := apply(t, side.cell("v"), plan.NumberValue(row)); got != want {
				t.Errorf("row %v: got %s, want %s", row, got, want)
			}
		}
		if got := apply(t, side.cell("w"), plan.NumberValue(0)); got != "null" {
			t.Error(got)
		}
	}
	many := &plan.Rows{Names: []string{"k"}, Len: MaxJoinKeys + 1, Cols: [][]plan.Value{make([]plan.Value, MaxJoinKeys+1)}}
	for i := range many.Len {
		many.Cols[0][i] = plan.NumberValue(float64(i))
	}
	if newJoinSide(false).load(many, []string{"k"}) {
		t.Error("one key too many")
	}
	many.Len--
	if !newJoinSide(false).load(many, []string{"k"}) {
		t.Error("as many keys as there can be")
	}
}

func TestJoinKeys(t *testing.T) {
	same := func(a, b plan.Value, want bool) {
		t.Helper()
		x, ok := appendKey(nil, []plan.Value{a})
		y, ok2 := appendKey(nil, []plan.Value{b})
		if got := ok && ok2 && string(x) == string(y); got != want {
			t.Errorf("%s and %s: %v, want %v", a.AppendText(nil), b.AppendText(nil), got, want)
		}
	}
	n, s := plan.NumberValue, plan.TextValue
	same(n(1), n(1), true)
	same(n(1), s("1"), true)
	same(plan.Value{Kind: plan.Raw, Num: 1, Text: []byte("1.0")}, n(1), true)
	same(s("a"), s("a"), true)
	same(s("01"), s("1"), false)
	same(plan.Value{}, plan.Value{}, false)
	two, _ := appendKey(nil, []plan.Value{s("a"), s("b")})
	other, _ := appendKey(nil, []plan.Value{s("ab"), s("")})
	if string(two) == string(other) {
		t.Error("the ends of values are no part of a key")
	}
}

func TestLookupTables(t *testing.T) {
	table := &Table{Key: "v1", Fields: []string{"id", "net", "owner"}, Rows: [][]string{
		{"1", "10.0.0.0/8", "ten"}, {"2", "10.1.0.0/16", "ten-one"}, {"2", "10.1.2.3", "host"}, {"x", "2001:db8::/32", "doc"}, {"short"}, {"1", "10.0.0.0/8", "again"},
	}}
	owner := func(x *Lookup, find func() finder, v plan.Value) string {
		return apply(t, tableCell(x, table, find, 2), v)
	}
	byID := &Lookup{Keys: make([]LookupKey, 1)}
	for _, c := range []struct {
		v    plan.Value
		want string
	}{{plan.NumberValue(1), "ten"}, {plan.TextValue("2"), "ten-one"}, {plan.TextValue("X"), "null"}, {plan.TextValue("short"), "null"}, {plan.Value{}, "null"}} {
		if got := owner(byID, byValue(table, []int{0}), c.v); got != c.want {
			t.Errorf("%+v: got %s, want %s", c.v, got, c.want)
		}
	}
	byNet := &Lookup{Keys: make([]LookupKey, 1), CIDR: true}
	for ip, want := range map[string]string{"10.9.9.9": "ten", "10.1.9.9": "ten-one", "10.1.2.3": "host", "::ffff:10.1.2.3": "host",
		"2001:db8::1": "doc", "11.0.0.1": "null", "none": "null", "": "null", strings.Repeat("1", 65): "null"} {
		if got := owner(byNet, byRange(table, 1), plan.TextValue(ip)); got != want {
			t.Errorf("%s: got %s, want %s", ip, got, want)
		}
	}
}

func TestText(t *testing.T) {
	is := func(v plan.Value, want string) {
		t.Helper()
		if got := string(AppendText([]byte("<"), &v)); got != "<"+want {
			t.Errorf("%+v: got %s, want %s", v, got, want)
		}
	}
	is(plan.NumberValue(5), "5")
	is(plan.NumberValue(100.66666666), "100.6667")
	is(plan.NumberValue(-0.00001), "0")
	is(plan.NumberValue(0.1), "0.1")
	is(plan.NumberValue(1<<53), "9007199254740992")
	is(plan.NumberValue(1e21), "1e+21")
	is(plan.NumberValue(math.MaxFloat64), "1.7976931348623157e+308")
	is(plan.Value{Kind: plan.Raw, Num: 1.5, Text: []byte("1.50000")}, "1.50000")
	is(plan.Value{Kind: plan.Time, Num: 1759622700123}, "2025-10-05 00:05:00.123")
	is(boolValue(true), "1")
	is(boolValue(false), "0")
	is(plan.TextValue("x"), "x")
	is(plan.Value{}, "")
}

func BenchmarkExtractors(b *testing.B) {
	line := []byte(`10.0.0.7 - ann [10/Oct/2025:13:25:15 -0700] "GET /shop/index.html HTTP/1.1" 404 1534`)
	re, err := compileRegex(`"(\w+) ([^ "]+) [^"]*" (\d+) (\d+)`)
	if err != nil {
		b.Fatal(err)
	}
	for name, x := range map[string]*plan.Extractor{
		"glob":  globExtractor(`* - * [*] "* * *" * *`),
		"regex": regexExtractor(&Regex{Source: re.String(), Re: re}, []int{1, 2, 3, 4}),
	} {
		b.Run(name, func(b *testing.B) {
			find, out := x.New(), make([][]byte, x.Parts)
			b.ReportAllocs()
			for b.Loop() {
				if !find(line, out) {
					b.Fatal("nothing found")
				}
			}
		})
	}
}

// TestSetsOfSubqueries: large sets are functions with names of their own, wherever they stand.
func TestSetsOfSubqueries(t *testing.T) {
	q, err := Parse("stats sum(a in (fields b)) as x, sum(a in (fields c)) as y, sum(d not in (fields e)) / count(*) as z")
	if err != nil {
		t.Fatal(err)
	}
	out, err := q.Compile(t.Context(), Env{End: 1, Run: func(_ context.Context, sub Sub) (*plan.Rows, error) {
		rows := &plan.Rows{Names: []string{strings.TrimPrefix(sub.Query.String(), "fields ")}, Len: fewValues + 1, Cols: make([][]plan.Value, 1)}
		for i := range rows.Len {
			rows.Cols[0] = append(rows.Cols[0], plan.NumberValue(float64(i)))
		}
		return rows, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := out.Steps[0].String()
	for _, want := range []string{"sum(subquery[1](a))", "sum(subquery[2](a))", "sum(not subquery[3](d))"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
