package server

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

// Weights of a call's body in memory: what it announces, within these bounds. Handlers refuse larger bodies themselves. A body
// whose size in memory its headers do not tell, since it is compressed or has no Content-Length, counts as the largest.
const (
	minCallWeight = 64 << 10
	maxCallWeight = 32 << 20 // the largest body of any operation
)

// admission bounds the bodies that are in memory at once, and how long one may take to arrive. Calls beyond the bound wait before
// their body is read, so a burst of clients costs them time and not the server its memory.
type admission struct {
	room *semaphore.Weighted
	size int64
	next http.Handler
}

func admit(room *semaphore.Weighted, size int64, next http.Handler) http.Handler {
	return &admission{room: room, size: size, next: next}
}

// bodyBytes is how much memory bodies may take of a server that aims to stay within memory bytes.
func bodyBytes(memory int64) int64 { return max(memory/4, 2*maxCallWeight) }

func (a *admission) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	weight := min(callWeight(r), a.size)
	if err := a.room.Acquire(r.Context(), weight); err != nil {
		return // the client went away while it waited
	}
	defer a.room.Release(weight)
	// A writer without deadlines (a recorder in a test) has no connection to protect.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(callTimeout))
	a.next.ServeHTTP(w, r)
}

func callWeight(r *http.Request) int64 {
	encoding := strings.TrimSpace(r.Header.Get("Content-Encoding"))
	if r.ContentLength < 0 || encoding != "" && !strings.EqualFold(encoding, "identity") {
		return maxCallWeight
	}
	return min(max(r.ContentLength, minCallWeight), maxCallWeight)
}
