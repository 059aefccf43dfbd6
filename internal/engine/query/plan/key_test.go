package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKey(t *testing.T) {
	raw := func(s string) Value {
		f, _ := ParseNumber([]byte(s))
		return Value{Kind: Raw, Num: f, Text: []byte(s)}
	}
	yes := Value{Kind: Bool, Num: 1, Text: []byte("true")}
	instant := Value{Kind: Time, Num: 1.5e12}
	// Rows with the same key stand in one group, others do not.
	groups := [][][]Value{
		{{{}, {}}},
		{{{}, TextValue("")}},
		{{TextValue(""), {}}},
		{{NumberValue(7), TextValue("a")}, {TextValue("7"), TextValue("a")}, {raw("7"), TextValue("a")}},
		{{raw("7.0"), TextValue("a")}},
		{{TextValue("7a"), TextValue("")}},
		{{instant, {}}},
		{{NumberValue(1.5e12), {}}, {TextValue("1500000000000"), {}}},
		{{yes, {}}, {TextValue("true"), {}}},
		{{{Kind: List, Text: []byte("[1]")}, {}}, {TextValue("[1]"), {}}},
	}
	of := map[string]int{}
	for i, rows := range groups {
		for _, row := range rows {
			var key []byte
			for j := range row {
				key = AppendKey(key, &row[j])
			}
			if g, ok := of[string(key)]; ok && g != i {
				t.Errorf("%v has the key of group %d", row, g)
			}
			of[string(key)] = i
			got := KeyValues(key, nil)
			var want []Value
			for _, v := range row {
				switch v.Kind {
				case Null, Time:
				default:
					v = Value{Kind: Text, Text: v.AppendText(nil)}
				}
				want = append(want, v)
			}
			if d := cmp.Diff(want, got, cmp.Comparer(func(a, b []byte) bool { return string(a) == string(b) })); d != "" {
				t.Errorf("%v (-want +got):\n%s", row, d)
			}
		}
	}
	if len(of) != len(groups) {
		t.Errorf("%d keys for %d groups", len(of), len(groups))
	}
}
