package alarms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/alarms"
)

// states are the alarms that rules of tests name: a and b in ALARM, o in OK, i without data.
func states(name string) string {
	switch name {
	case "a", "b", "my alarm", `q"u\o`:
		return alarms.Alarming
	case "o":
		return alarms.OK
	case "i":
		return alarms.Insufficient
	}
	return ""
}

func TestRule(t *testing.T) {
	f := func(text string, want bool, canonical string, children ...string) {
		t.Helper()
		r, err := alarms.ParseRule(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		if got := r.Holds(states); got != want {
			t.Errorf("%s is %v", text, got)
		}
		if got := r.String(); got != canonical {
			t.Errorf("%s prints %s, want %s", text, got, canonical)
		}
		if d := cmp.Diff(children, r.Children()); d != "" {
			t.Errorf("%s: children (-want +got):\n%s", text, d)
		}
	}
	f("TRUE", true, "TRUE")
	f(" false ", false, "FALSE")
	f("ALARM(a)", true, `ALARM("a")`, "a")
	f("alarm ( a )", true, `ALARM("a")`, "a")
	f(`OK("o")`, true, `OK("o")`, "o")
	f("OK(a)", false, `OK("a")`, "a")
	f("INSUFFICIENT_DATA(i)", true, `INSUFFICIENT_DATA("i")`, "i")
	f("NOT ALARM(a)", false, `NOT ALARM("a")`, "a")
	f("NOT NOT TRUE", true, "NOT NOT TRUE")
	f("ALARM(none)", false, `ALARM("none")`, "none")
	f("ALARM(a) AND ALARM(o)", false, `ALARM("a") AND ALARM("o")`, "a", "o")
	f("ALARM(a) OR ALARM(o)", true, `ALARM("a") OR ALARM("o")`, "a", "o")
	f("TRUE OR TRUE AND FALSE", true, "TRUE OR TRUE AND FALSE")
	f("(TRUE OR TRUE) AND FALSE", false, "(TRUE OR TRUE) AND FALSE")
	f("NOT FALSE AND FALSE", false, "NOT FALSE AND FALSE")
	f("NOT (FALSE AND FALSE)", true, "NOT (FALSE AND FALSE)")
	f("TRUE AND (FALSE OR (TRUE))", true, "TRUE AND (FALSE OR TRUE)")
	f("TRUE OR (FALSE OR TRUE)", true, "TRUE OR (FALSE OR TRUE)")
	f(`ALARM("my alarm")`, true, `ALARM("my alarm")`, "my alarm")
	f(`ALARM("q\"u\\o")`, true, `ALARM("q\"u\\o")`, `q"u\o`)
	f("(ALARM(a) OR ALARM(b)) AND OK(o) AND NOT OK(a)", true, `(ALARM("a") OR ALARM("b")) AND OK("o") AND NOT OK("a")`, "a", "b", "o")
	f("AT_LEAST(2, ALARM, (a, o, b))", true, `AT_LEAST(2, ALARM, ("a", "o", "b"))`, "a", "o", "b")
	f("AT_LEAST(3,ALARM,(a,o,b))", false, `AT_LEAST(3, ALARM, ("a", "o", "b"))`, "a", "o", "b")
	f("AT_LEAST(60%, NOT OK, (a, o, b))", true, `AT_LEAST(60%, NOT OK, ("a", "o", "b"))`, "a", "o", "b")
	f("AT_LEAST(67%, NOT OK, (a, o, b))", false, `AT_LEAST(67%, NOT OK, ("a", "o", "b"))`, "a", "o", "b")
	f("AT_LEAST(1, NOT OK, (none))", false, `AT_LEAST(1, NOT OK, ("none"))`, "none")
	f("AT_LEAST(1, INSUFFICIENT_DATA, (i)) AND NOT ALARM(o)", true, `AT_LEAST(1, INSUFFICIENT_DATA, ("i")) AND NOT ALARM("o")`, "i", "o")

	bad := func(text string, offset int, message string) {
		t.Helper()
		_, err := alarms.ParseRule(text)
		e, ok := errors.AsType[*alarms.RuleError](err)
		if !ok || e.Offset != offset || !strings.Contains(e.Message, message) {
			t.Errorf("%.60s: got %v, want offset %d and %q", text, err, offset, message)
		}
	}
	bad("", 0, "found end of the rule")
	bad("ALARM", 5, `expected "("`)
	bad("ALARM()", 6, "expected the name")
	bad(`ALARM("")`, 6, "expected the name")
	bad(`ALARM("a)`, 6, "the quote does not end")
	bad(`ALARM("a\`, 6, "the quote does not end")
	bad("ALARM(a b)", 8, `expected ")"`)
	bad("ALARM(a", 7, `expected ")"`)
	bad("ALARM(a) ALARM(b)", 9, `unexpected "ALARM"`)
	bad("ALARM(a) AND", 12, "found end of the rule")
	bad("ALARM(a) XOR OK(b)", 9, `unexpected "XOR"`)
	bad("WARN(a)", 0, `found "WARN"`)
	bad("(TRUE", 5, `expected ")"`)
	bad("TRUE)", 4, `unexpected ")"`)
	bad("AT_LEAST(0, ALARM, (a))", 9, "expected a number")
	bad("AT_LEAST(x, ALARM, (a))", 9, "expected a number")
	bad("AT_LEAST(2, ALARM, (a))", 9, "at least 2 of 1")
	bad("AT_LEAST(101%, ALARM, (a))", 9, "at most 100")
	bad("AT_LEAST(1, WARN, (a))", 12, "expected ALARM, OK")
	bad("AT_LEAST(1, ALARM, a)", 19, `expected "("`)
	bad("AT_LEAST(1, ALARM, (a, a))", 22, "named twice")

	// Bounds.
	many := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, " OR ")
	}
	name := func(i int) string { return fmt.Sprintf("OK(n%d)", i) }
	if _, err := alarms.ParseRule(many(100, name)); err != nil {
		t.Error(err)
	}
	bad(many(101, name), strings.Index(many(101, name), "n100"), "more than 100 alarms")
	constant := func(int) string { return "TRUE" }
	if _, err := alarms.ParseRule(many(500, constant)); err != nil {
		t.Error(err)
	}
	bad(many(501, constant), len(many(501, constant)), "more than 500 elements")
	if _, err := alarms.ParseRule(strings.Repeat("(", 499) + "TRUE" + strings.Repeat(")", 499)); err != nil {
		t.Error(err)
	}
	bad(strings.Repeat("NOT ", 600)+"TRUE", 501*4-1, "nested too deeply")
	if _, err := alarms.ParseRule("TRUE" + strings.Repeat(" ", alarms.MaxRule-4)); err != nil {
		t.Error(err)
	}
	bad("TRUE"+strings.Repeat(" ", alarms.MaxRule-3), alarms.MaxRule, "more than 10240 characters")
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{
		"TRUE", `ALARM("my alarm") AND NOT OK(b)`, "(ALARM(a) OR ALARM(b)) AND OK(o)", "AT_LEAST(60%, NOT OK, (a, o, b))",
		`INSUFFICIENT_DATA("q\"u\\o")`, "NOT NOT FALSE", "ALARM(", "AT_LEAST(2, ALARM, (a))",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := alarms.ParseRule(text)
		if err != nil {
			if _, ok := errors.AsType[*alarms.RuleError](err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		printed := r.String()
		if len(printed) > alarms.MaxRule {
			return
		}
		again, err := alarms.ParseRule(printed)
		if err != nil {
			t.Fatalf("%q prints %q: %v", text, printed, err)
		}
		if again.String() != printed || again.Holds(states) != r.Holds(states) || cmp.Diff(again.Children(), r.Children()) != "" {
			t.Fatalf("%q prints %q, which prints %q", text, printed, again)
		}
	})
}
