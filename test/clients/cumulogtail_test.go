package clients_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cumulog/cumulog/test/process"
)

// TestCumulogTail follows with the built command across a restart of the server: nothing is lost, nothing comes twice, one message says
// that the server was away, and an interrupt is success.
func TestCumulogTail(t *testing.T) {
	t.Parallel()
	binary, data := process.Binary(t), t.TempDir()
	s := process.Run(t, process.Options{Data: data})
	address := strings.TrimPrefix(s.URL, "http://")
	env := process.ClientEnvironment(s.URL)
	put := func(text string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, binary, "put", "g", "s", "--create", "-q", "--endpoint", "http://"+address)
		cmd.Env, cmd.Stdin = env, strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("put: %v\n%s", err, out)
		}
	}
	put("one\ntwo\n")

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tail := exec.CommandContext(ctx, binary, "tail", "g", "-f", "--plain", "--endpoint", "http://"+address)
	tail.Env = env
	out, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	warned, err := tail.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	lines, warnings := bufio.NewScanner(out), bufio.NewScanner(warned)
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if !lines.Scan() || lines.Text() != w {
				t.Fatalf("tail printed %q, want %q: %v", lines.Text(), w, lines.Err())
			}
		}
	}
	expect("one", "two")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	if !warnings.Scan() || !strings.HasPrefix(warnings.Text(), "cumulog: ") || !warnings.Scan() || warnings.Text() != "  following goes on when it is back" {
		t.Errorf("tail says %q about a server that is away", warnings.Text())
	}
	process.Run(t, process.Options{Data: data, Args: []string{"--listen", address}})
	put("three\nfour\n")
	expect("three", "four")
	if err := tail.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if lines.Scan() || warnings.Scan() {
		t.Errorf("tail printed %q and %q more", lines.Text(), warnings.Text())
	}
	if err := tail.Wait(); err != nil {
		t.Errorf("interrupted, tail ends with %v", err)
	}

	// A reader that has seen enough is no error.
	var said bytes.Buffer
	short := exec.CommandContext(ctx, "sh", "-c", `"$0" tail g --since 1h --plain --endpoint "$1" | head -n 1`, binary, "http://"+address)
	short.Env, short.Stderr = env, &said
	if got, err := short.Output(); err != nil || string(got) != "one\n" || said.Len() != 0 {
		t.Errorf("tail | head printed %q and %q: %v", got, said.String(), err)
	}
}
