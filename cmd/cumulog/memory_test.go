package main

import "testing"

func TestTrimmer(t *testing.T) {
	var tr trimmer
	for i, c := range []struct {
		unused uint64
		want   bool
	}{
		{trimAbove + 1, false}, // might be needed again at once
		{trimAbove, false},     // the bound itself stays
		{trimAbove + 5, false},
		{trimAbove + 1, true},
	} {
		if got := tr.due(c.unused); got != c.want {
			t.Errorf("look %d, %d bytes: got %v, want %v", i, c.unused, got, c.want)
		}
	}
	if n := unusedMemory(); n > 1<<40 {
		t.Errorf("%d bytes are unused", n)
	}
}
