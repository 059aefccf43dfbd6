package clients_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/test/process"
)

// message is what boto3/send.py writes.
type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

// read runs boto3/read.py and checks that both ways of reading agree.
func read(t *testing.T, python string, env []string, group, stream string) []message {
	t.Helper()
	var got struct{ Get, Filter []message }
	raw := run(t, t.TempDir(), env, python, script(t, "boto3", "read.py"), group, stream)
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatalf("read.py printed %q: %v", raw, err)
	}
	if len(got.Get) != len(got.Filter) {
		t.Fatalf("GetLogEvents gave %d events, FilterLogEvents %d", len(got.Get), len(got.Filter))
	}
	for i, m := range got.Get {
		if m != got.Filter[i] {
			t.Errorf("event %d is %v by GetLogEvents, %v by FilterLogEvents", i, m, got.Filter[i])
		}
		if want := fmt.Sprintf("message %d – grüße, 世界 \"quoted\"\n\ttab", m.N); m.Text != want {
			t.Errorf("event %d has the text %q, want %q", i, m.Text, want)
		}
	}
	return got.Get
}

// exactly checks that the messages carry the numbers first to last, each once and in order.
func exactly(t *testing.T, got []message, first, last int) {
	t.Helper()
	if len(got) != last-first+1 {
		t.Errorf("%d messages, want %d", len(got), last-first+1)
		return
	}
	for i, m := range got {
		if m.N != first+i {
			t.Errorf("message %d has the number %d, want %d", i, m.N, first+i)
			return
		}
	}
}

func TestScriptA(t *testing.T) {
	python := program(t, "python")
	s := process.Run(t, process.Options{})
	env := process.ClientEnvironment(s.URL)
	send := func(args ...string) {
		t.Helper()
		run(t, t.TempDir(), env, python, append([]string{script(t, "boto3", "send.py")}, args...)...)
	}

	t.Run("twice in a row", func(t *testing.T) {
		send("my-log-group", "my-log-stream", "0", "20")
		send("my-log-group", "my-log-stream", "20", "20")
		exactly(t, read(t, python, env, "my-log-group", "my-log-stream"), 0, 39)
	})
	t.Run("tokens", func(t *testing.T) {
		send("tokens", "s", "0", "3")
		send("tokens", "s", "3", "3", "49590302938174661093417434912345678901234567890123456789") // never issued
		send("tokens", "s", "6", "3", "invented by hand")
		exactly(t, read(t, python, env, "tokens", "s"), 0, 8)
	})
	t.Run("four processes at once", func(t *testing.T) {
		const processes, each = 4, 25
		var wg sync.WaitGroup
		for p := range processes {
			wg.Go(func() { send("parallel", "shared", fmt.Sprint(p*each), fmt.Sprint(each)) })
		}
		wg.Wait()
		got := read(t, python, env, "parallel", "shared")
		if len(got) != processes*each {
			t.Fatalf("%d messages, want %d", len(got), processes*each)
		}
		next := map[int]int{} // per process, numbers rise
		for i, m := range got {
			p := m.N / each
			if m.N%each != next[p] {
				t.Fatalf("message %d of process %d comes where number %d was expected (event %d)", m.N%each, p, next[p], i)
			}
			next[p]++
		}
	})
}
