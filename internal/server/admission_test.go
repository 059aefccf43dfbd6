package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"golang.org/x/sync/semaphore"
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
	for length, want := range map[int64]int64{-1: unknownCallWeight, 0: minCallWeight, minCallWeight + 1: minCallWeight + 1, maxCallWeight: maxCallWeight, 1 << 40: maxCallWeight} {
		if got := callWeight(length); got != want {
			t.Errorf("a body of %d bytes weighs %d, want %d", length, got, want)
		}
	}
}
