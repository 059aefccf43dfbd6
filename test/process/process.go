// Package process starts the real server binary for tests and benchmarks that need a whole process: real clients, kills,
// restarts, memory and CPU figures. Tests that only need a server use cumulogtest.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// startTimeout bounds how long a server may take to answer.
const startTimeout = 2 * time.Minute

// Options describe one server process.
type Options struct {
	Binary string   // path of the cumulog binary; see Build
	Data   string   // data directory
	Args   []string // further flags of serve; --listen defaults to a free loopback port
	Env    []string // added to a clean environment without AWS or CUMULOG variables
}

// Server is a running server process. Its methods may be called from several goroutines.
type Server struct {
	URL  string
	Data string

	cmd   *exec.Cmd
	log   *tail
	ended chan struct{}
	err   error // of Wait; read after ended
	ready time.Duration
}

// Start runs `cumulog serve` and returns when it answers. ctx bounds the start; the process lives until Stop or Kill.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "cumulog-ready-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for the ready file: %w", err)
	}
	defer os.RemoveAll(dir)
	ready := filepath.Join(dir, "ready")
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", o.Data, "--ready-file", ready}, o.Args...)
	s := &Server{Data: o.Data, log: &tail{}, ended: make(chan struct{})}
	s.cmd = exec.Command(o.Binary, args...)
	s.cmd.Env = append(cleanEnvironment(), o.Env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", o.Binary, err)
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	for {
		raw, err := os.ReadFile(ready)
		if err == nil {
			s.URL, s.ready = strings.TrimSpace(string(raw)), time.Since(begin)
			return s, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			s.Kill()
			return nil, fmt.Errorf("reading the ready file: %w", err)
		}
		select {
		case <-s.ended:
			return nil, &ExitError{Code: s.cmd.ProcessState.ExitCode(), Output: s.log.String()}
		case <-ctx.Done():
			s.Kill()
			return nil, fmt.Errorf("waiting for the server: %w; it printed:\n%s", ctx.Err(), s.log)
		case <-time.After(time.Millisecond):
		}
	}
}

// ExitError says that a server ended before it answered.
type ExitError struct {
	Code   int
	Output string
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("the server ended with code %d before it answered; it printed:\n%s", e.Code, e.Output)
}

// PID is the process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Ready is how long the process took from exec to its first answer, to a millisecond.
func (s *Server) Ready() time.Duration { return s.ready }

// Log is the end of what the server printed.
func (s *Server) Log() string { return s.log.String() }

// Stop asks the server to end as an operator would and returns an error unless it ended with code 0.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling the server: %w", err)
	}
	select {
	case <-s.ended:
	case <-time.After(startTimeout):
		s.Kill()
		return fmt.Errorf("the server did not end within %s of SIGTERM; it printed:\n%s", startTimeout, s.log)
	}
	if s.err != nil {
		return fmt.Errorf("the server ended badly: %w; it printed:\n%s", s.err, s.log)
	}
	return nil
}

// Kill ends the process at once (SIGKILL) and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // an error means that it ended already
	<-s.ended
}

// cleanEnvironment is the environment without what would point a server or a client elsewhere.
func cleanEnvironment() []string {
	var out []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") && !strings.HasPrefix(kv, "CUMULOG_") {
			out = append(out, kv)
		}
	}
	return out
}

// ClientEnvironment is the environment in which a program uses the server and cannot reach anything else: no profile, no
// metadata service, an unroutable proxy for every other host.
func ClientEnvironment(url string) []string {
	return append(cleanEnvironment(),
		"AWS_ENDPOINT_URL="+url,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_PAGER=", "HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost",
	)
}

// tail keeps the last bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*tailBytes {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-tailBytes:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.ToValidUTF8(t.buf, []byte("?")))
}
