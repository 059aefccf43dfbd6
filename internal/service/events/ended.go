package events

import (
	"hash/maphash"
	"sync"
)

// maxEnded bounds the tokens that are remembered; at least half as many are.
const maxEnded = 10_000

// endedTokens remembers the tokens that led to the end of their session, those that
// were used last. It keeps their hashes in two generations: what is used of the old one
// moves to the young one, and the old one is dropped when the young one is full.
type endedTokens struct {
	seed maphash.Seed

	mu         sync.Mutex
	young, old map[uint64]struct{}
}

func newEndedTokens() *endedTokens {
	return &endedTokens{seed: maphash.MakeSeed(), young: map[uint64]struct{}{}}
}

func (e *endedTokens) has(token string) bool {
	h := maphash.String(e.seed, token)
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.young[h]; ok {
		return true
	}
	_, ok := e.old[h]
	if ok {
		e.put(h)
	}
	return ok
}

func (e *endedTokens) add(token string) {
	h := maphash.String(e.seed, token)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.put(h)
}

// put is called with mu held.
func (e *endedTokens) put(h uint64) {
	if _, ok := e.young[h]; ok {
		return
	}
	if len(e.young) == maxEnded/2 {
		e.young, e.old = make(map[uint64]struct{}), e.young
	}
	e.young[h] = struct{}{}
}
