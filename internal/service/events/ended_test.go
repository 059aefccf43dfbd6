package events

import (
	"strconv"
	"testing"
)

func TestEndedTokensAreBounded(t *testing.T) {
	var e endedTokens
	for i := range maxEnded + 10 {
		e.add(strconv.Itoa(i))
		e.add(strconv.Itoa(i))
	}
	if len(e.set) != maxEnded || len(e.order) != maxEnded {
		t.Errorf("%d tokens are remembered in a ring of %d", len(e.set), len(e.order))
	}
	for i, want := range map[int]bool{0: false, 9: false, 10: true, maxEnded + 9: true} {
		if e.has(strconv.Itoa(i)) != want {
			t.Errorf("token %d: %v, want %v", i, !want, want)
		}
	}
}
