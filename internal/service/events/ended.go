package events

import "sync"

// maxEnded bounds the tokens that are remembered.
const maxEnded = 10_000

// endedTokens remembers the last tokens that led to the end of their session.
type endedTokens struct {
	mu    sync.Mutex
	set   map[string]struct{}
	order []string // a ring, once it is full
	next  int
}

func (e *endedTokens) has(token string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.set[token]
	return ok
}

func (e *endedTokens) add(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.set[token]; ok {
		return
	}
	if e.set == nil {
		e.set = make(map[string]struct{})
	}
	e.set[token] = struct{}{}
	if len(e.order) < maxEnded {
		e.order = append(e.order, token)
		return
	}
	delete(e.set, e.order[e.next])
	e.order[e.next] = token
	e.next = (e.next + 1) % maxEnded
}
