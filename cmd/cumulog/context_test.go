package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/cumulogtest"
)

// TestSurroundings runs contexts over a stream of 20 events, as the console API would answer.
func TestSurroundings(t *testing.T) {
	stream := make([]event, 20)
	for i := range stream {
		stream[i] = event{ID: fmt.Sprint(i), Stream: "s", Timestamp: int64(i), Message: fmt.Sprint("m", i)}
	}
	length := len(stream)
	read := func(_ context.Context, e event, before, after int) ([]event, error) {
		at := int(e.Timestamp)
		return slices.Clone(stream[max(0, at-before):min(length, at+1+after)]), nil
	}
	run := func(s *surroundings, matches ...int) string {
		t.Helper()
		var b bytes.Buffer
		s.print = &linePrinter{plain: true, json: "raw", out: bufio.NewWriter(&b)}
		for _, m := range matches {
			if err := s.show(t.Context(), stream[m]); err != nil {
				t.Fatal(err)
			}
		}
		s.print.out.Flush()
		return strings.ReplaceAll(strings.TrimSpace(b.String()), "\n", " ")
	}
	check := func(n int, want string, matches ...int) {
		t.Helper()
		if got := run(&surroundings{read: read, before: n, after: n}, matches...); got != want {
			t.Errorf("context %d of %v:\ngot  %s\nwant %s", n, matches, got, want)
		}
	}
	check(1, "m4 m5 m6", 5)
	check(2, "m0 m1 m2", 0)
	check(1, "m4 m5 m6 -- m9 m10 m11", 5, 10)
	check(1, "m4 m5 m6 m7 m8 m9", 5, 8)
	check(2, "m3 m4 m5 m6 m7 m8", 5, 6)

	// A match at the end waits for what follows it.
	length = 6
	s := &surroundings{read: read, before: 1, after: 2}
	if got := run(s, 5); got != "m4 m5" || len(s.waiting) != 1 {
		t.Fatalf("printed %s, %d wait", got, len(s.waiting))
	}
	length = 20
	var b bytes.Buffer
	s.print.out = bufio.NewWriter(&b)
	if err := s.catchUp(t.Context(), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	s.print.out.Flush()
	if b.String() != "m6\nm7\n" || len(s.waiting) != 0 {
		t.Errorf("later printed %q, %d wait", b.String(), len(s.waiting))
	}
	for range maxWaiting + 5 {
		length = 1
		run(s, 0)
	}
	if len(s.waiting) != maxWaiting {
		t.Errorf("%d matches wait, want %d", len(s.waiting), maxWaiting)
	}
}

// TestTailContext asks a server.
func TestTailContext(t *testing.T) {
	isolate(t)
	srv := cumulogtest.New(t)
	var messages []string
	for i := range 30 {
		messages = append(messages, fmt.Sprintf("line %d.", i))
	}
	base := time.Now().Add(-10 * time.Minute)
	loadEvents(t, srv, base, "g", "s", 0, messages...)
	loadEvents(t, srv, base, "g", "beside", 0, messages[:10]...)
	r := cumulog(t, "", "tail", "g", "--filter", `?"line 10." ?"line 13." ?"line 20."`, "--context", "1", "--plain", "--endpoint", srv.URL)
	want := "line 9.|line 10.|line 11.|line 12.|line 13.|line 14.|--|line 19.|line 20.|line 21.|"
	if got := strings.ReplaceAll(r.out, "\n", "|"); got != want {
		t.Errorf("printed %s\nwant    %s\n%s", got, want, r.err)
	}
}
