package subscriptions

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/engine/store"
	"github.com/cumulog/cumulog/internal/logs"
	"github.com/cumulog/cumulog/internal/platform/catalog"
	"github.com/cumulog/cumulog/internal/platform/sink"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
	"github.com/cumulog/cumulog/internal/service/ingest"
)

var (
	scope    = logs.Scope{Account: "000000000000", Region: "us-east-1"}
	function = "arn:aws:lambda:us-east-1:000000000000:function:f"
	stream   = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	role     = "arn:aws:iam::000000000000:role/r"
)

// target is a sink that keeps what it gets and fails on purpose.
type target struct {
	info sink.Target
	// fail is asked before messages are taken; it says how many are and with what error.
	fail  func(messages []sink.Message) (taken int, err error)
	check func() error

	mu       sync.Mutex
	messages []sink.Message
	checks   []sink.Message
	calls    int
	arrived  chan struct{} // gets something when something arrives
}

func newTarget() *target { return &target{arrived: make(chan struct{}, 1)} }

func (t *target) Send(ctx context.Context, messages []sink.Message) error {
	t.mu.Lock()
	fail := t.fail
	t.calls++
	t.mu.Unlock()
	n, err := len(messages), error(nil)
	if fail != nil {
		if n, err = fail(messages); err == nil {
			n = len(messages)
		}
	}
	t.mu.Lock()
	for _, m := range messages[:n] {
		m.Events = append([]sink.Event(nil), m.Events...)
		for i := range m.Events {
			m.Events[i].Message = bytes.Clone(m.Events[i].Message)
		}
		t.messages = append(t.messages, m)
	}
	t.mu.Unlock()
	if n > 0 {
		select {
		case t.arrived <- struct{}{}:
		default:
		}
	}
	if err != nil {
		e := *sink.Failure(err)
		e.Sent = n
		return &e
	}
	return nil
}

func (t *target) Check(_ context.Context, m sink.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.checks = append(t.checks, m)
	if t.check != nil {
		return t.check()
	}
	return nil
}

func (t *target) Close() error { return nil }

// asked returns how often Send was called, got what was taken.
func (t *target) asked() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls
}

func (t *target) got() []sink.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.messages
}

func (t *target) set(fail func([]sink.Message) (int, error)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = fail
}

// data is a payload as receivers read it.
type data struct {
	MessageType         string   `json:"messageType"`
	Owner               string   `json:"owner"`
	LogGroup            string   `json:"logGroup"`
	LogStream           string   `json:"logStream"`
	SubscriptionFilters []string `json:"subscriptionFilters"`
	LogEvents           []struct {
		ID        string            `json:"id"`
		Timestamp int64             `json:"timestamp"`
		Message   string            `json:"message"`
		Fields    map[string]string `json:"extractedFields"`
	} `json:"logEvents"`
	PolicyLevel string `json:"policyLevel"`
}

func unzip(t *testing.T, body []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("payload is no gzip: %v", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatalf("payload: %v", err)
	}
	return string(raw)
}

func parse(t *testing.T, m sink.Message) (d data) {
	t.Helper()
	j := json.NewDecoder(bytes.NewReader([]byte(unzip(t, m.Body))))
	j.DisallowUnknownFields()
	if err := j.Decode(&d); err != nil {
		t.Fatalf("payload: %v", err)
	}
	return d
}

// texts returns the messages of all events in the order in which they came.
func (t *target) texts(tb *testing.T) []string {
	tb.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []string{}
	for _, m := range t.messages {
		for _, e := range m.Events {
			out = append(out, string(e.Message))
		}
		if m.Events == nil {
			for _, e := range parse(tb, m).LogEvents {
				out = append(out, e.Message)
			}
		}
	}
	return out
}

// targets finds fake targets by ARN.
type targets map[string]*target

func (t targets) Find(arn string) (sink.Sink, sink.Target, bool) {
	x, ok := t[arn]
	if !ok {
		return nil, sink.Target{}, false
	}
	info := x.info
	info.ARN = arn
	return x, info, true
}

// stack is the service with what it stands on.
type stack struct {
	t       *testing.T
	fs      *vfs.Mem
	dir     string
	db      *catalog.DB
	store   *store.Store
	groups  *groups.Service
	ingest  *ingest.Service
	targets targets
	*Service
	options Options
	stop    func()
}

func newStack(t *testing.T, change ...func(*Options)) *stack {
	t.Helper()
	s := &stack{t: t, fs: vfs.NewMem(), dir: t.TempDir(), targets: targets{function: newTarget(), stream: newTarget()}}
	s.options = Options{Targets: s.targets}
	s.options.tune.retryMin = time.Millisecond
	s.options.tune.retryMax = 5 * time.Millisecond
	s.options.tune.gather = time.Millisecond
	for _, c := range change {
		c(&s.options)
	}
	s.open()
	t.Cleanup(s.close)
	return s
}

// open opens everything on the data that is there; Run does not run.
func (s *stack) open() {
	s.t.Helper()
	ctx := context.Background()
	var err error
	ok := func() {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.db, err = catalog.Open(ctx, filepath.Join(s.dir, "catalog.db"), catalog.Options{Now: s.options.Now})
	ok()
	s.store, err = store.Open(ctx, store.Options{FS: s.fs, Dir: "data", Manifest: s.db, Memory: 16 << 20, Now: s.options.Now})
	ok()
	s.groups, err = groups.New(groups.Options{Catalog: s.db, Store: s.store, Now: s.options.Now})
	ok()
	s.ingest = ingest.New(ingest.Options{Directory: s.groups, Store: s.store, Now: s.options.Now})
	o := s.options
	o.Catalog, o.Directory, o.Feed = s.db, s.groups, s.store
	s.Service, err = New(o)
	ok()
	s.stop = func() {}
}

func (s *stack) close() {
	s.stop()
	s.stop = func() {}
	if err := errors.Join(s.store.Close(), s.db.Close()); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// run starts Run; stop ends it.
func (s *stack) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	s.stop = func() {
		cancel()
		<-done
	}
}

func (s *stack) group(name string, streams ...string) {
	s.t.Helper()
	ctx := context.Background()
	if err := s.groups.Create(ctx, scope, groups.CreateRequest{Name: name}); err != nil {
		s.t.Fatal(err)
	}
	for _, st := range streams {
		if err := s.groups.CreateStream(ctx, scope, name, st); err != nil {
			s.t.Fatal(err)
		}
	}
}

// put stores messages, all with the present time.
func (s *stack) put(group, stream string, messages ...string) {
	s.t.Helper()
	var b ingest.Batch
	for _, m := range messages {
		b.Append(s.nowMS(), []byte(m))
	}
	if _, err := s.ingest.Put(context.Background(), scope, group, stream, b); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) filter(group, name string, spec Spec) {
	s.t.Helper()
	if spec.Destination == "" {
		spec.Destination = function
	}
	if err := s.PutFilter(context.Background(), scope, group, name, spec); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until a target has events of n messages.
func (s *stack) await(x *target, n int) []string {
	s.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for {
		got := x.texts(s.t)
		if len(got) >= n {
			return got
		}
		select {
		case <-x.arrived:
		case <-limit.C:
			s.t.Fatalf("the target has %d events, want %d", len(got), n)
		}
	}
}

func numbered(prefix string, from, to int) []string {
	out := make([]string, 0, to-from)
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("%s%06d", prefix, i))
	}
	return out
}
