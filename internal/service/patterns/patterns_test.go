package patterns_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/patterns"
)

func TestTest(t *testing.T) {
	for _, c := range []struct {
		pattern  string
		messages []string
		want     []patterns.Match
	}{
		{"a", []string{"b", "ab", "a"}, []patterns.Match{{1, "ab", map[string]string{}}, {2, "a", map[string]string{}}}},
		{"{ $.a = 1 }", []string{`{"a":1}`}, []patterns.Match{{0, `{"a":1}`, map[string]string{}}}},
		{"[x, ...]", []string{"p q", ""}, []patterns.Match{{0, "p q", map[string]string{"$x": "p", "$2": "q"}}}},
		{"none", []string{"x"}, []patterns.Match{}},
	} {
		got, err := patterns.Test(c.pattern, c.messages)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.pattern, d)
		}
	}
	_, err := patterns.Test("{ $.a = }", []string{"x"})
	e, ok := errors.AsType[*patterns.Error](err)
	if !ok || e.Text != "Invalid filter pattern" || e.Reason == "" || e.Start != 8 || e.End != 8 {
		t.Errorf("a bad pattern: %#v", err)
	}
}

func TestTester(t *testing.T) {
	tester, err := patterns.NewTester(`{$.a=1&&$.b="x"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tester.Pattern(), `{ $.a = 1 && $.b = "x" }`; got != want {
		t.Errorf("printed %s, want %s", got, want)
	}
	values, ok := tester.Values([]byte(`{"a":1,"b":"x"}`))
	if d := cmp.Diff(map[string]string{"$.a": "1", "$.b": "x"}, values); !ok || d != "" {
		t.Errorf("values, %v (-want +got)\n%s", ok, d)
	}
	part := tester.Explain([]byte(`{"a":1,"b":"y"}`))
	if part.Matched || len(part.Parts) != 2 || !part.Parts[0].Matched || part.Parts[1].Reason == "" {
		t.Errorf("explanation %+v", part)
	}
	if got := part.Places(); got != nil {
		t.Errorf("places of a message that does not match: %v", got)
	}
	part = tester.Explain([]byte(`{"a":1,"b":"x"}`))
	if d := cmp.Diff([]patterns.Span{{5, 6}, {12, 13}}, part.Places()); d != "" {
		t.Errorf("places (-want +got)\n%s", d)
	}
}
