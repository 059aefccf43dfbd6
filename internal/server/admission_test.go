package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/sync/semaphore"

	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

func TestAdmissionBoundsBodiesInMemory(t *testing.T) {
	room := semaphore.NewWeighted(2 * maxCallWeight)
	entered, leave := make(chan struct{}), make(chan struct{})
	h := admit(room, 2*maxCallWeight, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))
	done := make(chan struct{})
	call := func(ctx context.Context) {
		r := httptest.NewRequestWithContext(ctx, "POST", "/", nil)
		r.ContentLength = maxCallWeight
		h.ServeHTTP(httptest.NewRecorder(), r)
		done <- struct{}{}
	}
	go call(t.Context())
	<-entered
	go call(t.Context())
	<-entered
	if room.TryAcquire(1) {
		t.Fatal("two of the largest bodies leave room for more")
	}
	// A third one waits, and gives up with its client.
	ctx, cancel := context.WithCancel(t.Context())
	go call(ctx)
	cancel()
	<-done
	// Another one gets the room of one that ends.
	go call(t.Context())
	leave <- struct{}{}
	<-done
	<-entered
	leave <- struct{}{}
	leave <- struct{}{}
	<-done
	<-done
	if !room.TryAcquire(2 * maxCallWeight) {
		t.Error("room is still taken after all calls ended")
	}
}

func TestCallWeight(t *testing.T) {
	tests := []struct {
		length   int64
		encoding string
		want     int64
	}{
		{0, "", minCallWeight},
		{minCallWeight, "", minCallWeight},
		{minCallWeight + 1, "", minCallWeight + 1},
		{maxCallWeight, "", maxCallWeight},
		{1 << 40, "", maxCallWeight},
		{-1, "", maxCallWeight},
		{100, "identity", minCallWeight},
		{100, " Identity ", minCallWeight},
		{100, "gzip", maxCallWeight},
		{100, "GZIP", maxCallWeight},
		{100, "gzip, gzip", maxCallWeight},
	}
	for _, test := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.ContentLength = test.length
		r.Header.Set("Content-Encoding", test.encoding)
		if got := callWeight(r); got != test.want {
			t.Errorf("a body of %d bytes in encoding %q weighs %d, want %d", test.length, test.encoding, got, test.want)
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
