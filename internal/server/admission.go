package server

import (
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
)

// Weights of a call's body in memory. Handlers refuse larger bodies themselves.
const (
	minCallWeight   = 64 << 10
	firstCallWeight = 1<<20 + 256<<10 // what a handler may reserve before a byte has arrived
	maxCallWeight   = 32 << 20        // the largest body of any operation
)

// How long a body may take to arrive, so that a client that trickles holds its room no longer: the first part, and the rest.
const (
	firstTimeout = time.Minute
	restTimeout  = 2 * time.Minute
)

// admission bounds the bodies that are in memory at once. Calls beyond the bound wait, so a burst of clients costs them time and
// not the server its memory.
//
// Room is taken in two steps, from two rooms. Every call takes at most firstCallWeight of the first before its body is read. It
// takes the rest of the second once so much has arrived, or once a compressed body has arrived, of which nobody knows how much
// it becomes. So a client takes the room of a large body only by sending one, and what takes room in the second waits for no
// more: no two calls can wait for each other.
type admission struct {
	*rooms
	next http.Handler
}

// rooms is what the handlers of a server share.
type rooms struct {
	first, rest         *semaphore.Weighted
	firstSize, restSize int64
}

// newRooms makes the rooms of a server that aims to stay within memory bytes.
func newRooms(memory int64) *rooms {
	size := max(memory/8, maxCallWeight)
	return &rooms{semaphore.NewWeighted(size), semaphore.NewWeighted(size), size, size}
}

func (r *rooms) admit(next http.Handler) http.Handler {
	return &admission{r, next}
}

func (a *admission) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, rest := callWeights(r)
	if err := a.first.Acquire(r.Context(), min(first, a.firstSize)); err != nil {
		return // the client went away while it waited
	}
	if r.ContentLength == 0 {
		defer a.first.Release(min(first, a.firstSize))
		a.next.ServeHTTP(w, r)
		return
	}
	// A writer without deadlines (a recorder in a test) has no connection to protect.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(firstTimeout))
	rest = min(rest, a.restSize)
	body := &weighedBody{ReadCloser: r.Body, left: first, compressed: compressed(r), grown: rest == 0}
	body.grow = func() error {
		if err := a.rest.Acquire(r.Context(), rest); err != nil {
			return err
		}
		_ = control.SetReadDeadline(time.Now().Add(restTimeout))
		return nil
	}
	// net/http watches the connection while the handler works on; a deadline left on it would pass for a client that went away.
	body.ended = func() { _ = control.SetReadDeadline(time.Time{}) }
	body.leave = func() {
		if body.released {
			return
		}
		body.released = true
		a.first.Release(min(first, a.firstSize))
		if body.grown {
			a.rest.Release(rest)
		}
	}
	defer body.leave()
	r.Body = body
	a.next.ServeHTTP(w, r)
}

// callWeights is what a body takes of the two rooms. One that is larger than any operation allows is refused unread.
func callWeights(r *http.Request) (first, rest int64) {
	length := r.ContentLength
	switch {
	case length > maxCallWeight:
		return minCallWeight, 0
	case length < 0:
		return firstCallWeight, maxCallWeight
	}
	first = min(max(length, minCallWeight), firstCallWeight)
	if compressed(r) {
		return first, maxCallWeight
	}
	return first, max(0, length-first)
}

func compressed(r *http.Request) bool {
	encoding := strings.TrimSpace(r.Header.Get("Content-Encoding"))
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// weighedBody takes the second room when more than the first part has arrived, and for a compressed body at its end at the latest. It
// calls ended when nothing more of the body is awaited.
type weighedBody struct {
	io.ReadCloser
	grow       func() error
	ended      func()
	leave      func() // gives all room back
	released   bool
	left       int64 // of the first part
	compressed bool
	grown      bool
}

func (b *weighedBody) Read(p []byte) (int, error) {
	if b.left <= 0 && !b.grown {
		if err := b.takeRest(); err != nil {
			return 0, err
		}
	}
	if !b.grown && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if err == io.EOF && b.compressed && !b.grown { //nolint:errorlint // readers return the bare value
		if grow := b.takeRest(); grow != nil {
			return n, grow
		}
	}
	if err != nil {
		b.ended()
	}
	return n, err
}

// ReleaseRoom gives the room of the body back before the handler returns: an answer that goes on for hours needs it no more. Nothing
// is read of the body afterwards.
func (b *weighedBody) ReleaseRoom() { b.leave() }

func (b *weighedBody) takeRest() error {
	err := b.grow()
	b.grown = err == nil
	return err
}
