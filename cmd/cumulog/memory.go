package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	trimEvery = 20 * time.Second
	// trimAbove is how much memory the heap may keep unused. The runtime gives such memory back by itself, but on an idle server it
	// takes many minutes over it.
	trimAbove = 24 << 20
)

// trimmer decides when unused memory goes back to the operating system: when it was unused at two looks in a row, so that a server
// under load keeps what it will need again at once.
type trimmer struct{ last uint64 }

// due takes the bytes that are unused now.
func (t *trimmer) due(unused uint64) bool {
	lasting := min(t.last, unused)
	t.last = unused
	return lasting > trimAbove
}

// trimMemory runs until ctx ends.
func trimMemory(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	var t trimmer
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.due(unusedMemory()) {
				debug.FreeOSMemory()
				t = trimmer{}
			}
		}
	}
}

// unusedMemory is what the heap holds and neither uses nor has given back, garbage included.
func unusedMemory() uint64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(s)
	n := s[0].Value.Uint64() + s[1].Value.Uint64()
	if objects, live := s[2].Value.Uint64(), s[3].Value.Uint64(); objects > live {
		n += objects - live
	}
	return n
}
