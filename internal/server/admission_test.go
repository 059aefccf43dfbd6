package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// admitted is a request whose body arrives as it is written to the pipe, to a handler that reads it and waits.
type admitted struct {
	body   *io.PipeWriter
	cancel context.CancelFunc
	read   chan int64    // bytes that the handler got, or -1 when its body broke off
	leave  chan struct{} // lets the handler return
	done   chan struct{}
}

func send(t *testing.T, h func(http.Handler) http.Handler, length int64, encoding string) *admitted {
	t.Helper()
	in, out := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	c := &admitted{body: out, cancel: cancel, read: make(chan int64, 1), leave: make(chan struct{}), done: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, "POST", "/", in)
	r.ContentLength = length
	r.Header.Set("Content-Encoding", encoding)
	go func() {
		defer close(c.done)
		h(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				n = -1
			}
			c.read <- n
			<-c.leave
		})).ServeHTTP(httptest.NewRecorder(), r)
	}()
	return c
}

func (c *admitted) write(t *testing.T, n int) {
	t.Helper()
	if _, err := c.body.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

func (c *admitted) end() {
	close(c.leave)
	<-c.done
}

// free demands that nothing is taken.
func (r *rooms) free(t *testing.T) {
	t.Helper()
	if !r.first.TryAcquire(r.firstSize) || !r.rest.TryAcquire(r.restSize) {
		t.Error("room is still taken after all calls ended")
	}
}

func TestAdmissionBoundsLargeBodies(t *testing.T) {
	rooms := newRooms(0)
	// The headers of a large body take little: clients that announce one and stall do not keep others out.
	var stalled []*admitted
	for range 5 {
		c := send(t, rooms.admit, maxCallWeight, "")
		c.write(t, 1)
		stalled = append(stalled, c)
	}
	large := send(t, rooms.admit, maxCallWeight, "")
	large.write(t, maxCallWeight)
	large.body.Close()
	if n := <-large.read; n != maxCallWeight {
		t.Fatalf("the handler read %d bytes", n)
	}
	// The room of large bodies is taken; small ones pass.
	small := send(t, rooms.admit, 10, "")
	small.write(t, 10)
	small.body.Close()
	if n := <-small.read; n != 10 {
		t.Fatalf("the handler read %d bytes beside a large body", n)
	}
	small.end()
	// Another large one gets as far as its first part, and on when the one before ends.
	next := send(t, rooms.admit, maxCallWeight, "")
	next.write(t, firstCallWeight)
	if rooms.rest.TryAcquire(maxCallWeight - firstCallWeight) {
		t.Error("a large body in memory leaves room for another")
	}
	// A third gives up with its client.
	gone := send(t, rooms.admit, maxCallWeight, "")
	gone.write(t, firstCallWeight)
	gone.cancel()
	if n := <-gone.read; n != -1 {
		t.Errorf("a call whose client went away read %d bytes", n)
	}
	gone.end()
	large.end()
	next.write(t, maxCallWeight-firstCallWeight)
	next.body.Close()
	if n := <-next.read; n != maxCallWeight {
		t.Errorf("the handler read %d bytes once there was room", n)
	}
	next.end()
	for _, c := range stalled {
		c.body.CloseWithError(io.ErrUnexpectedEOF)
		if n := <-c.read; n != -1 {
			t.Errorf("a body that broke off was read as %d bytes", n)
		}
		c.end()
	}
	rooms.free(t)
}

// A small compressed body may become the largest.
func TestAdmissionBoundsCompressedBodies(t *testing.T) {
	rooms := newRooms(0)
	one := send(t, rooms.admit, 10, "gzip")
	one.write(t, 10)
	one.body.Close()
	if n := <-one.read; n != 10 {
		t.Fatalf("the handler read %d bytes", n)
	}
	if rooms.rest.TryAcquire(1) {
		t.Error("a compressed body left room for another")
	}
	other := send(t, rooms.admit, 10, "gzip")
	other.write(t, 10)
	other.body.Close()
	one.end()
	if n := <-other.read; n != 10 {
		t.Errorf("the handler read %d bytes", n)
	}
	other.end()
	rooms.free(t)
}

func TestCallWeights(t *testing.T) {
	tests := []struct {
		length      int64
		encoding    string
		first, rest int64
	}{
		{0, "", minCallWeight, 0},
		{minCallWeight, "", minCallWeight, 0},
		{minCallWeight + 1, "", minCallWeight + 1, 0},
		{firstCallWeight, "", firstCallWeight, 0},
		{firstCallWeight + 1, "", firstCallWeight, 1},
		{maxCallWeight, "", firstCallWeight, maxCallWeight - firstCallWeight},
		{maxCallWeight + 1, "", minCallWeight, 0},
		{-1, "", firstCallWeight, maxCallWeight},
		{100, "identity", minCallWeight, 0},
		{100, " Identity ", minCallWeight, 0},
		{100, "gzip", minCallWeight, maxCallWeight},
		{100, "GZIP", minCallWeight, maxCallWeight},
		{100, "gzip, gzip", minCallWeight, maxCallWeight},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.ContentLength = test.length
		r.Header.Set("Content-Encoding", test.encoding)
		if first, rest := callWeights(r); first != test.first || rest != test.rest {
			t.Errorf("a body of %d bytes in encoding %q weighs %d and %d, want %d and %d", test.length, test.encoding, first, rest, test.first, test.rest)
		}
	}
}

// The bound holds only if no body can be larger in memory than what it weighs.
func TestNoBodyOutweighsItsWeight(t *testing.T) {
	for _, name := range logswire.Operations() {
		if o, _ := logswire.Lookup(name); o.BodyLimit > maxCallWeight {
			t.Errorf("%s takes bodies of %d bytes, weighed as %d", name, o.BodyLimit, maxCallWeight)
		}
	}
}

// deadlines notes the read deadlines that a connection gets.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// TestNoDeadlineOutlastsTheBody: net/http takes a deadline that passes while the handler works for a client that went away, and
// would end a long search.
func TestNoDeadlineOutlastsTheBody(t *testing.T) {
	for _, c := range []struct {
		length   int64
		bytes    int64 // that really come
		encoding string
		set      int // deadlines before the last, which lifts them
	}{
		{0, 0, "", 0},
		{100, 100, "", 1},
		{firstCallWeight + 1, firstCallWeight + 1, "", 2},
		{-1, 10, "", 1},
		{100, 100, "gzip", 2},
	} {
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", io.LimitReader(zeros{}, c.bytes))
		r.ContentLength = c.length
		r.Header.Set("Content-Encoding", c.encoding)
		newRooms(0).admit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			if c.set == 0 && len(w.set) > 0 || c.set > 0 && (len(w.set) != c.set+1 || !w.set[c.set].IsZero() || w.set[0].IsZero()) {
				t.Errorf("length %d, encoding %q: the handler works under the deadlines %v", c.length, c.encoding, w.set)
			}
		})).ServeHTTP(w, r)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
