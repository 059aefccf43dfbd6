package pattern

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/hint"
)

func TestGateIsTheNeed(t *testing.T) {
	g := maker{rand.New(rand.NewPCG(3, 4))}
	met, turned := 0, 0
	for range 2000 {
		text := g.pattern()
		p, err := Parse(text)
		if err != nil {
			continue
		}
		need := p.Need()
		gate := compileGate(need)
		for range 10 {
			message := g.message()
			want := need.Meets(message)
			if got := gate.open([]byte(message)); got != want {
				t.Fatalf("pattern %s on %q: open %v, want %v", text, message, got, want)
			}
			if want {
				met++
			} else {
				turned++
			}
		}
	}
	if met < 1000 || turned < 1000 {
		t.Errorf("%d messages met the need and %d did not: the test shows little", met, turned)
	}
	if never := compileGate(hint.Or()); never.open([]byte("x")) {
		t.Error("the gate of no message is open")
	}
}

func TestGateBound(t *testing.T) {
	texts := func(n int) hint.Need {
		var needs []hint.Need
		for i := range n {
			needs = append(needs, hint.Text(strings.Repeat("x", i+1)))
		}
		return hint.And(needs...)
	}
	message := []byte("y")
	if g := newGate(texts(maxGateTexts)); g.open(message) {
		t.Errorf("%d texts are not searched for", maxGateTexts)
	}
	if g := newGate(texts(maxGateTexts + 1)); !g.open(message) {
		t.Errorf("%d texts are searched for", maxGateTexts+1)
	}
}

// A pattern with more texts than a gate has still to be decided by the matcher.
func TestMatchBeyondTheGate(t *testing.T) {
	var conds, members []string
	for _, c := range "abcdefghijklmn" {
		conds = append(conds, "$."+string(c)+` = "`+string(c)+`"`)
		members = append(members, `"`+string(c)+`":"`+string(c)+`"`)
	}
	m := parse(t, "{"+strings.Join(conds, "&&")+"}").Compile()
	whole := "{" + strings.Join(members, ",") + "}"
	if !m.Match([]byte(whole)) {
		t.Error("a message with all fields does not match")
	}
	if m.Match([]byte(strings.Replace(whole, `"n":"n"`, `"n":"k"`, 1))) {
		t.Error("a message with another value matches")
	}
}

func TestScansKeepNoMessage(t *testing.T) {
	j := newJSONMatcher(parse(t, `{ $.a = 1 }`))
	if !j.match([]byte(`{"a":1}`)) {
		t.Fatal("no match")
	}
	s := j.pool.Get().(*jsonScan)
	for _, v := range s.values {
		if s.m != nil || v.text != nil {
			t.Errorf("a scan that is not in use refers to %q", v.text)
		}
	}
}
