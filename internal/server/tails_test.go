package server_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
)

// A stop ends live tail sessions and does not wait for them; there are no more than were asked for.
func TestTailsEndWithTheServer(t *testing.T) {
	cfg := testConfig(t)
	cfg.LiveTailSessions = 1
	s := start(t, cfg)
	call(t, s.URL(), "CreateLogGroup", `{"logGroupName":"g"}`)
	tail := func() *http.Response {
		t.Helper()
		resp, err := http.Post(s.URL()+"/_/api/Tail", "application/json", strings.NewReader(`{"logGroupIdentifiers":["g"]}`))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	lines := bufio.NewReader(tail().Body)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "sessionId") {
		t.Fatalf("the tail begins with %q, %v", line, err)
	}
	if refused := tail(); refused.StatusCode != http.StatusBadRequest {
		t.Errorf("a second session of one: %s", refused.Status)
	}
	if _, body := get(t, s.URL()+"/_/metrics"); !strings.Contains(body, "\ncumulog_live_tail_sessions 1\n") {
		t.Error("the metrics lack the session")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		last = line
	}
	if want := `{"__type":"SessionStreamingException","message":"Live Tail session was ended by the server."}` + "\n"; last != want {
		t.Errorf("the tail ends with %q, want %q", last, want)
	}
}
