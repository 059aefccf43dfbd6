package events

import (
	"strconv"
	"testing"
)

func TestEndedTokensAreBounded(t *testing.T) {
	e := newEndedTokens()
	check := func(i int, want bool) {
		t.Helper()
		if got := e.has(strconv.Itoa(i)); got != want {
			t.Errorf("token %d: %v, want %v", i, got, want)
		}
	}
	for i := range 3 * maxEnded {
		e.add(strconv.Itoa(i))
		e.add(strconv.Itoa(i))
		check(0, true) // it is used all the time
		if n := len(e.young) + len(e.old); n > maxEnded {
			t.Fatalf("%d tokens are remembered", n)
		}
	}
	for i := range maxEnded / 2 {
		check(3*maxEnded-1-i, true)
	}
	check(1, false)
	check(3*maxEnded, false)
}
