package hint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

func TestSimplifies(t *testing.T) {
	a, b, c := hint.Text("a"), hint.Text("b"), hint.Text("c")
	never := hint.Or()
	same := func(got, want hint.Need) {
		t.Helper()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	same(hint.Text(""), hint.Need{})
	same(hint.And(), hint.Need{})
	same(hint.And(a), a)
	same(hint.And(a, hint.Need{}), a)
	same(hint.And(a, never), never)
	same(hint.And(hint.And(a, b), c), hint.Need{Op: hint.All, Kids: []hint.Need{a, b, c}})
	same(hint.Or(a), a)
	same(hint.Or(a, hint.Need{}), hint.Need{})
	same(hint.Or(a, never), a)
	same(hint.Or(hint.Or(a, b), c), hint.Need{Op: hint.OneOf, Kids: []hint.Need{a, b, c}})
}

func TestMeets(t *testing.T) {
	n := hint.And(hint.Text("err"), hint.Or(hint.Text("disk"), hint.Text("net")))
	for message, want := range map[string]bool{
		"err disk": true, "net err": true, "err": false, "disk net": false, "": false,
	} {
		if got := n.Meets(message); got != want {
			t.Errorf("%q: %v, want %v", message, got, want)
		}
	}
	if hint.Or().Meets("x") || !(hint.Need{}).Meets("") {
		t.Error("never and any")
	}
}
