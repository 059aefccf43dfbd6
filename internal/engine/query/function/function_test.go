package function_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/query/function"
	"github.com/cumulog/cumulog/internal/engine/query/plan"
)

// call computes a call; its arguments are constants of Go or values.
func call(t *testing.T, name string, args ...any) string {
	t.Helper()
	return callOf(t, name, function.Insights(name), args...)
}

// callOf is call of a function. Its name is for errors.
func callOf(t *testing.T, name string, f *plan.Function, args ...any) string {
	t.Helper()
	if f == nil {
		t.Fatalf("there is no function %s", name)
	}
	if len(args) < f.Min || len(args) > f.Max {
		t.Fatalf("%s takes %s", name, f.Arity())
	}
	vals := valuesOf(args)
	exprs := make([]plan.Expr, len(args))
	for i := range vals {
		exprs[i] = plan.Const{V: vals[i]}
	}
	eval, err := plan.Call{Func: f, Args: exprs}.Bound()
	if err != nil {
		return "error: " + err.Error()
	}
	v := eval(vals, &plan.Arena{})
	if v.Kind == plan.Null {
		return "null"
	}
	return string(v.AppendText(nil))
}

// valuesOf makes values of constants of Go; values stay as they are.
func valuesOf(args []any) []plan.Value {
	vals := make([]plan.Value, len(args))
	for i, x := range args {
		switch x := x.(type) {
		case nil:
		case int:
			vals[i] = plan.NumberValue(float64(x))
		case float64:
			vals[i] = plan.NumberValue(x)
		case bool:
			vals[i] = plan.Value{Kind: plan.Bool, Text: []byte("false")}
			if x {
				vals[i] = plan.Value{Kind: plan.Bool, Num: 1, Text: []byte("true")}
			}
		case string:
			vals[i] = plan.TextValue(x)
		case plan.Value:
			vals[i] = x
		}
	}
	return vals
}

func at(ms float64) plan.Value { return plan.Value{Kind: plan.Time, Num: ms} }

func num(s string) float64 {
	f, _ := plan.ParseNumber([]byte(s))
	return f
}

func list(s string) plan.Value { return plan.Value{Kind: plan.List, Text: []byte(s)} }

func TestFunctions(t *testing.T) {
	check := func(want, name string, args ...any) {
		t.Helper()
		if got := call(t, name, args...); got != want {
			t.Errorf("%s(%v) = %q, want %q", name, args, got, want)
		}
	}
	check("2.5", "abs", -2.5)
	check("null", "abs", "x")
	check("2", "ceil", 1.2)
	check("0", "ceil", -0.5)
	check("-2", "floor", -1.2)
	check("3", "sqrt", 9)
	check("null", "sqrt", -1)
	check("0", "log", 1)
	check("3", "strlen", "añb")
	check("AÉ", "toUpper", "aé")
	check("ab", "tolower", "AB")
	check("5", "coalesce", nil, 5)
	check("a1", "concat", "a", 1, nil)
	check("1", "isempty", "")
	check("0", "isempty", " ")
	check("1", "isblank", " ")
	check("1", "isblank", nil)
	check("7", "greatest", 1, 7, 3)
	check("0.5", "least", 1, "0.5")
	check("null", "least", 1, "x")
	check("5", "tomillis", plan.Value{Kind: plan.Time, Num: 5})
	check("5", "frommillis", 5.5)
	check("x", "trim", "  x ")
	check("x ", "ltrim", "  x ")
	check(" x", "rtrim", " x \t\n")
	check("foo", "trim", "xyZxyfooxyxyZ", "xyZ")
	check("fooxyZ", "ltrim", "xyZxyfooxyZ", "xyZ")
	check("xyZfoo", "rtrim", "xyZfooxyxyZ", "xyZ")
	check("b", "trim", "ñbé", "éñ")
	check("null", "trim", nil)
	check("cdef", "substr", "abcdef", 2)
	check("foo", "substr", "xyZfooxyZ", 3, 3)
	check("ñb", "substr", "añbc", 1, 2)
	check("", "substr", "abc", 5)
	check("", "substr", "abc", 1, 0)
	check("null", "substr", "abc", -1)
	check("null", "substr", "abc", 0, -1)
	check("a-a", "replace", "a.a", ".", "-")
	check("a.a", "replace", "a.a", "", "-")
	check("xx", "replace", "aaaa", "aa", "x")
	check("null", "replace", "a", nil, "b")
	check("1", "strcontains", "abc", "b")
	check("0", "strcontains", "abc", "B")
	check("1", "strcontains", "aÉc", "éC", true)
	check("0", "strcontains", "abc", "B", false)
	check("1", "strcontains", "abc", "")
	check("0", "strcontains", nil, "")
	check("1", "startsWith", "abc", "ab")
	check("0", "startsWith", "abc", "bc")
	check("1", "endsWith", "abc", "bc")
	check("1", "endsWith", 123, 23)
	check("b", "if", 0, "a", "b")
	check("a", "if", 1, "a", "b")
	check("b", "if", nil, "a", "b")
	check("b", "case", 0, "a", 1, "b", "c")
	check("c", "case", 0, "a", 0, "b", "c")
	check("null", "case", 0, "a")
	check("1", "isnumeric", "1e3")
	check("1", "isnumeric", -1.5)
	check("0", "isnumeric", "1x")
	check("0", "isnumeric", nil)
	check("0", "isnumeric", true)
	check("0", "ispresent", nil)
	check("1", "ispresent", "")
	check("[1,2]", "jsonstringify", list("[1, 2]"))
	check(`"a\"b"`, "jsonstringify", `a"b`)
	check("[1,2]", "jsonparse", " [1,2] ")
	check("null", "jsonparse", "x")
	check("null", "jsonparse", "null")
	check("1.50", "jsonparse", "1.50")
	check("a\nb", "jsonparse", `"a\nb"`)
	check("1", "isvalidip", "::1")
	check("0", "isvalidip", "fe80::1%eth0")
	check("0", "isValidIpV4", "1.2.3.400")
	check("0", "isValidIpV4", "1.2.3.04")
	check("0", "isValidIpV4", "1.2.3")
	check("0", "isValidIpV4", "1.2.3.4.5")
	check("0", "isValidIpV4", "1.2.3.")
	check("1", "isValidIpV4", "1.2.3.4")
	check("0", "isValidIpV4", "::1")
	check("1", "isValidIpV6", "2001:db8::5")
	check("0", "isValidIpV6", nil)
	check("1", "isIpInSubnet", "2001:db8::5", "2001:db8::/32")
	check("1", "isIpv4InSubnet", "10.1.2.3", "10.1.0.0/16")
	check("0", "isIpv4InSubnet", "10.2.2.3", "10.1.0.0/16")
	check("0", "isIpv6InSubnet", "10.1.2.3", "::/0")
	check("1", "isIpInSubnet", "10.1.2.3", "0.0.0.0/0")
	check(`error: "10.1.0.0" is no subnet`, "isIpInSubnet", "10.1.2.3", "10.1.0.0")
	check(`error: "10.1.0.0/33" is no subnet`, "isIpInSubnet", "10.1.2.3", "10.1.0.0/33")
	check(`error: "::/0" is no subnet of IPv4`, "isIpv4InSubnet", "10.1.2.3", "::/0")
	check("256", "ipv4ToNumber", "0.0.1.0")
	check("1", "isPrivateIP", "10.0.0.1")
	check("0", "isPrivateIP", "8.8.8.8")
	check("1", "isPublicIP", "8.8.8.8")
	check("0", "isPublicIP", "192.0.2.1")
	check("1", "isReservedIP", "127.0.0.1")
	check("0", "isReservedIP", "10.0.0.1")
	check("3600000", "datefloor", at(3723000), "1h")
	check("7200000", "dateceil", at(3723000), "1h")
	check("3600000", "dateceil", at(3600000), "1h")
	check("60000", "datefloor", at(90000), "90s")
	check("null", "datefloor", "x", "1h")
	check("-259200000", "datefloor", at(0), "1w")
	check("345600000", "dateceil", at(0), "1w")
	check("1759276800000", "datefloor", at(1759622400000), "1mo")
	check("1759276800000", "datefloor", at(1759622400000), "1q")
	check("1735689600000", "datefloor", at(1759622400000), "1y")
	check("1767225600000", "dateceil", at(1759622400000), "1y")
	check("2.35", "round", 2.345, 2)
	check("3", "round", 2.5)
	check("-3", "round", -2.5)
	check("1200", "round", 1234, -2)
	check("1.01", "round", 1.005, 2)
	check("0", "round", 0.4)
	check("0", "round", 5, -400)
	check("10", "round", 9.99, 1)
	check("1e-07", "round", 1.4e-7, 7)
	check("1.5", "round", 1.5, 400)
	check("null", "round", "x")
	check("null", "round", 1, "x")
	check("877", "round", num(call(t, "haversine", 52.52, 13.405, 48.8566, 2.3522)))
	check("0", "haversine", 1, 2, 1, 2)
	check("null", "haversine", 1, 2, 1, 361)
	check("7", "toNumber", "007")
	check("null", "toNumber", " 7")
	check("-7", "toInt", "-7.9")
	check("2147483647", "toInt", 2147483647.5)
	check("null", "toInt", 2147483648)
	check("2147483648", "toLong", 2147483648.5)
	check("null", "toLong", 1e19)
	check("1.5", "toDouble", "1.5")
	check("a#b#", "regexReplace", "a1b22", "[0-9]+", "#")
	check("a#b#", "regex_replace", "a1b22", "[0-9]+", "#")
	check("ab", "regexReplace", "ab", "[0-9]+", "#")
	check("22-1", "regexReplace", "1-22", "(\\d+)-(\\d+)", "$2-$1")
	check("22-1", "regexReplace", "1-22", "(\\d+)-(\\d+)", "\\2-\\1")
	check("<1>$x$9", "regexReplace", "1", "(?<n>\\d)", "<${n}>$$x\\$9")
	check("10", "regexReplace", "1", "(\\d)", "$10")
	check("[]", "regexReplace", "1", "\\d", "[$1${n}${2}]")
	check("$", "regexReplace", "1", "\\d", "$")
	check("-a-b-", "regexReplace", "ab", "", "-")
	check("null", "regexReplace", nil, "a", "b")
	check("null", "regexReplace", "a", nil, "b")
	check("error: invalid regular expression: error parsing regexp: missing closing ): `(`", "regexReplace", "a", "(", "b")
	check(`["a","b",""]`, "split", "a,b,", ",")
	check(`["a","\"","ñ"]`, "split", "a\"ñ", "")
	check(`[""]`, "split", "", ",")
	check("[]", "split", "", "")
	check("null", "split", nil, ",")
	check("a%20b%2F%C3%A9-_.~", "urlencode", "a b/é-_.~")
	check("a b é", "urldecode", "a+b%20%C3%a9")
	check("null", "urldecode", "%4")
	check("null", "urldecode", "%4g")
	check("YWI=", "base64encode", "ab")
	check("ab", "base64decode", "YWI=")
	check("ab", "base64decode", "YWI")
	check("\xfb\xff", "base64decode", "-_8")
	check("null", "base64decode", "Y")
	check("AB", "hexToAscii", "4142")
	check("AB", "hexToAscii", "0x4142")
	check("null", "hexToAscii", "414")
	check("255", "hexToDec", "ff")
	check("-255", "hexToDec", "-0xFF")
	check("null", "hexToDec", "fg")
	check("null", "hexToDec", "")
	check("null", "hexToDec", "11111111111111111")
	check("0xff", "decToHex", 255)
	check("-0x1", "decToHex", -1)
	check("null", "decToHex", "x")
	check("0cc175b9c0f1b6a831c399e269772661", "md5", "a")
	check("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sha256", "")
	check("2", "jsonArraySize", "[1,2]")
	check("2", "jsonArraySize", list("[1,[2,3]]"))
	check("null", "jsonArraySize", list("{}"))
	check("null", "jsonArraySize", "[1")
	check("null", "jsonArraySize", 5)
	check("1", "jsonArrayContains", "[1,2]", 2)
	check("1", "jsonArrayContains", "[1,2]", "2")
	check("0", "jsonArrayContains", "[1,2]", 3)
	check("1", "jsonArrayContains", list(`["a","b\n"]`), "b\n")
	check("1", "jsonArrayContains", list(`[[1, 2]]`), list("[1,2]"))
	check("0", "jsonArrayContains", list(`[null]`), nil)
	check("0", "jsonArrayContains", nil, 1)
	check("1759622400000", "parseDate", "2025-10-05", "yyyy-MM-dd")
	check("1759615200000", "parseDate", "2025-10-05", "yyyy-MM-dd", "Europe/Berlin")
	check("1759622400000", "parseDate", "2025-10-05", "%Y-%m-%d")
	check("null", "parseDate", "2025-10-5x", "yyyy-MM-dd")
	check("error: invalid date format: unknown letters TT", "parseDate", "2025", "TT")
	check("error: invalid date format: VV can be written but not read", "parseDate", "2025", "VV")
	check(`error: invalid date format: unknown time zone "Mars"`, "parseDate", "2025", "yyyy", "Mars")
	check("null", "parseDate", "2025", nil)
	check("2025-10-05 02:00", "formatDate", at(1759622400000), "yyyy-MM-dd HH:mm", "Europe/Berlin")
	check("2025-10-05", "strftime", 1759622400000, "%Y-%m-%d")
	check("null", "strftime", "x", "%Y-%m-%d")
	if n := len(call(t, "concat", strings.Repeat("x", plan.MaxMade), "y")); n != plan.MaxMade {
		t.Errorf("concat makes %d bytes", n)
	}
}

func TestElement(t *testing.T) {
	check := func(want, value string, path ...any) {
		t.Helper()
		args := []plan.Value{{Kind: plan.List, Text: []byte(value)}}
		for _, p := range path {
			switch p := p.(type) {
			case int:
				args = append(args, plan.NumberValue(float64(p)))
			case string:
				args = append(args, plan.TextValue(p))
			}
		}
		eval, err := plan.Call{Func: function.Element, Args: make([]plan.Expr, len(args))}.Bound()
		if err != nil {
			t.Fatal(err)
		}
		v := eval(args, &plan.Arena{})
		got := string(v.AppendText(nil))
		if v.Kind == plan.Null {
			got = "null"
		}
		if got != want {
			t.Errorf("%v of %s is %q, want %q", path, value, got, want)
		}
	}
	check("1", `{"a":1}`, "a")
	check("null", `{"a":1}`, "b")
	check("2", `{"a":1,"a":2}`, "a")
	check(`{"b":[1,{"c":"x"}]}`, `{"a":{"b":[1,{"c":"x"}]}}`, "a")
	check("x", `{"a":{"b":[1,{"c":"x"}]}}`, "a", "b", 1, "c")
	check("x", `{"a":{"b":[1,{"c":"x"}]}}`, "a", "b", "1", "c")
	check("null", `[1,2]`, 2)
	check("null", `[1,2]`, -1)
	check("null", `[1,2]`, "a")
	check("2", `[1,2]`, 1)
	check("null", `{"a":null}`, "a")
	check("null", `{"0":5}`, 0)
	check("5", `{"0":5}`, "0")
	check("1", `{"user.id":1,"user":{"id":2}}`, "user.id")
	check("a\tb", `{"\u0061":"a\tb"}`, "a")
	check("true", `{"a":true}`, "a")
	check("null", `{"a":1`, "b")
}

func TestPeriod(t *testing.T) {
	for text, want := range map[string]string{
		"5m": "5m", "300s": "60s", "1 h": "", "25h": "24h", "2000ms": "1000ms", "99999999999999999999s": "60s", "99999999999999999999d": "",
		"1Days": "1d", "2weeks": "2w", "3mons": "3mo", "1qtr": "1q", "1yrs": "1y", "0m": "", "m": "", "5": "", "5x": "", "1ss": "", "5mss": "5ms",
		"10000d": "10000d", "10001d": "", "-1m": "", "1millisecond": "1ms", "": "",
	} {
		p, err := function.ParsePeriod(text)
		if want == "" {
			if !errors.Is(err, function.ErrPeriod) {
				t.Errorf("%q is %v, %v", text, p, err)
			}
		} else if err != nil || p.String() != want {
			t.Errorf("%q is %v, %v; want %s", text, p, err, want)
		}
	}
	if ms, fixed := (function.Period{N: 5, Unit: function.Minute}).Millis(); ms != 300_000 || !fixed {
		t.Errorf("5m is %d ms, %v", ms, fixed)
	}
	for _, u := range []string{"7ms", "5s", "3m", "24h", "10d", "1w", "3w", "1mo", "5mo", "2q", "1y", "100y"} {
		p, err := function.ParsePeriod(u)
		if err != nil {
			t.Fatal(err)
		}
		for ms := int64(-70_000_000_000); ms < 4_000_000_000_000; ms += 40_123_456_789 {
			from := p.Floor(ms)
			if next := p.Next(from); from > ms || next <= ms || p.Floor(from) != from || p.Floor(next) != next || p.Floor(next-1) != from {
				t.Fatalf("%s: %d is from %d to %d", u, ms, from, next)
			}
			if c := p.Ceil(ms); c < ms || p.Floor(c) != c || c != from && c != p.Next(from) {
				t.Fatalf("%s: the ceiling of %d is %d", u, ms, c)
			}
		}
	}
}
