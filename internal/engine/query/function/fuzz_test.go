package function_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/jsontext"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// tables are the functions of all languages.
var tables = map[string]struct {
	names func() []string
	get   func(string) *plan.Function
}{
	"insights": {function.InsightsNames, function.Insights},
	"sql":      {function.SQLNames, function.SQL},
	"ppl":      {function.PPLNames, function.PPL},
}

var pieces = []string{"", "a", "é", "\xff", "0", "-1", "12", "3.5", "1e3", " ", ",", ".", "/", ":", "%", "%Y-%m-%d", "yyyy-MM-dd", "2025-10-05", "10:20:30", "[", "]", "[1,2]", `{"a":[1,{"b":null}]}`,
	`"x\n"`, "(", "(a)|b", "[a-z]+", "$1", "\\1", "{", "}", "10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0xff", "YWI=", "1h", "month", "UTC", "Europe/Berlin", "$.a[0].b", "$", "#,##0.00", "%s %d %5.2f", "true", "null", "INT"}

func randomValue(r *rand.Rand, extra string) plan.Value {
	switch r.IntN(14) {
	case 0:
		return plan.Value{}
	case 1:
		return plan.NumberValue(float64(r.IntN(20) - 5))
	case 2:
		return plan.NumberValue([]float64{0.5, -2.5, 1.25, 99.9, -1e300, math.SmallestNonzeroFloat64, 1000, 70000, []float64{1e15, -1e15, 1 << 53, 1 << 62, 1759622400123, 5e6}[r.IntN(6)]}[r.IntN(9)])
	case 3:
		return plan.Value{Kind: plan.Time, Num: []float64{0, -5, 1759622400123, 1e14, -1e14, 1 << 53}[r.IntN(6)]}
	case 4:
		return plan.Value{Kind: plan.Bool, Num: 1, Text: []byte("true")}
	case 5:
		return plan.Value{Kind: plan.Raw, Num: 1.5, Text: []byte("1.50")}
	case 6:
		return list([]string{"[]", "{}", "[1,\"a\",null,[2],{\"b\":1}]", `{"a":[1,{"b":"\u00e9"}]}`, "[1, 2, 2, 1]", "[[1,2],[3]]", `["b","a"]`, "[1", `[3.5,"x"`}[r.IntN(9)])
	case 7:
		return plan.TextValue(extra)
	}
	var b strings.Builder
	for range 1 + r.IntN(3) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return plan.TextValue(b.String())
}

// try calls a function with random arguments, some of them constant, some rows
// after each other, and checks what every function promises.
func try(t *testing.T, f *plan.Function, r *rand.Rand, extra string) {
	t.Helper()
	n := f.Min
	if most := min(f.Max, f.Min+4); most > f.Min {
		n += r.IntN(most - f.Min + 1)
	}
	args, exprs := make([]plan.Value, n), make([]plan.Expr, n)
	fixed := make([]bool, n)
	for i := range args {
		args[i] = randomValue(r, extra)
		exprs[i] = plan.Field{Name: "x"}
		if fixed[i] = r.IntN(2) == 0; fixed[i] {
			exprs[i] = plan.Const{V: args[i]}
		}
	}
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%s%s panics: %v", f.Name, describe(args, fixed), p)
		}
	}()
	eval, err := plan.Call{Func: f, Args: exprs}.Bound()
	if err != nil {
		return
	}
	a := &plan.Arena{Bytes: []byte("kept")}
	for range 3 {
		for i := range args {
			if !fixed[i] {
				args[i] = randomValue(r, extra)
			}
		}
		before := make([]plan.Value, n)
		null := false
		for i := range args {
			before[i] = args[i].Clone()
			null = null || args[i].Kind == plan.Null
		}
		v := eval(args, a)
		text := string(v.AppendText(nil))
		switch {
		case math.IsNaN(v.Num) || math.IsInf(v.Num, 0):
			t.Fatalf("%s%s is not finite", f.Name, describe(args, fixed))
		case f.Predicate && (v.Kind != plan.Number || v.Num != 0 && v.Num != 1):
			t.Fatalf("%s%s is %q, not 1 or 0", f.Name, describe(args, fixed), text)
		case null && !f.Absent && v.Kind != plan.Null:
			t.Fatalf("%s%s is %q, not null", f.Name, describe(args, fixed), text)
		case string(a.Bytes[:4]) != "kept":
			t.Fatalf("%s%s overwrites the arena", f.Name, describe(args, fixed))
		case len(text) > plan.MaxMade+64:
			t.Fatalf("%s%s makes %d bytes", f.Name, describe(args, fixed), len(text))
		}
		for i := range args {
			if before[i].Kind != args[i].Kind || string(before[i].Text) != string(args[i].Text) {
				t.Fatalf("%s%s changes argument %d", f.Name, describe(args, fixed), i)
			}
		}
		if again := eval(args, &plan.Arena{}); !f.Volatile && string(again.AppendText(nil)) != text {
			t.Fatalf("%s%s is %q, then %q", f.Name, describe(args, fixed), text, again.AppendText(nil))
		}
		if v.Kind == plan.List && !jsontext.Valid(v.Text) && !broken(args) {
			t.Fatalf("%s%s is %q: no JSON", f.Name, describe(args, fixed), text)
		}
	}
}

// broken reports whether a list is no JSON.
func broken(args []plan.Value) bool {
	for i := range args {
		if args[i].Kind == plan.List && !jsontext.Valid(args[i].Text) {
			return true
		}
	}
	return false
}

func describe(args []plan.Value, fixed []bool) string {
	s := make([]string, len(args))
	for i := range args {
		s[i] = fmt.Sprintf("%d:%.60q", args[i].Kind, args[i].AppendText(nil))
		if fixed[i] {
			s[i] = "const " + s[i]
		}
	}
	return "(" + strings.Join(s, ", ") + ")"
}

func TestRandomArguments(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	for lang, table := range tables {
		t.Run(lang, func(t *testing.T) {
			if table.get("nope") != nil {
				t.Error("there is a function nope")
			}
			r := rand.New(rand.NewPCG(1, 2))
			for _, name := range table.names() {
				f := table.get(strings.ToUpper(name))
				if f == nil {
					t.Fatalf("there is no function %s", name)
				}
				if lang == "ppl" && f == function.SQL(name) {
					continue
				}
				for range rounds {
					try(t, f, r, "x")
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds {
		try(t, function.Element, r, "a")
		try(t, function.MessageSize, r, "a")
	}
}

func FuzzFunctions(f *testing.F) {
	for i, p := range pieces {
		f.Add(uint64(i), p)
	}
	f.Fuzz(func(t *testing.T, seed uint64, extra string) {
		r := rand.New(rand.NewPCG(seed, 1))
		for _, table := range tables {
			names := table.names()
			try(t, table.get(names[r.IntN(len(names))]), r, extra)
		}
	})
}
