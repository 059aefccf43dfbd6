package wal_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/wal"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dir = "/wal"

// smallFile makes the log rotate often.
const smallFile = 64 << 10

type record struct {
	lsn     uint64
	typ     byte
	payload string
}

// harness is an open log with what it replayed and applied.
type harness struct {
	t        testing.TB
	log      *wal.Log
	recovery wal.Recovery
	replayed []record

	mu      sync.Mutex
	applied []uint64
	tags    []any
}

// options returns options with small files on fsys.
func options(fsys vfs.FS) wal.Options {
	return wal.Options{FS: fsys, Dir: dir, FileSize: smallFile, Reserve: -1}
}

// tryOpen opens a log; the caller closes it.
func tryOpen(t testing.TB, o wal.Options) (*harness, error) {
	t.Helper()
	h := &harness{t: t}
	o.Replay = func(lsn uint64, typ byte, payload []byte) error {
		h.replayed = append(h.replayed, record{lsn, typ, string(payload)})
		return nil
	}
	o.Apply = func(batch []*wal.Pending) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, p := range batch {
			h.applied = append(h.applied, p.LSN)
			h.tags = append(h.tags, p.Tag)
		}
	}
	var err error
	h.log, h.recovery, err = wal.Open(context.Background(), o)
	return h, err
}

func open(t testing.TB, o wal.Options) *harness {
	t.Helper()
	h, err := tryOpen(t, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return h
}

func (h *harness) close() {
	h.t.Helper()
	if err := h.log.Close(); err != nil {
		h.t.Fatalf("close: %v", err)
	}
}

// put appends a record and returns it as replay should give it.
func (h *harness) put(payload string) record {
	h.t.Helper()
	lsn, err := h.log.Append(context.Background(), 1, payload, []byte(payload))
	if err != nil {
		h.t.Fatalf("append: %v", err)
	}
	return record{lsn, 1, payload}
}

func (h *harness) replays(want []record) {
	h.t.Helper()
	if !slices.Equal(h.replayed, want) {
		h.t.Fatalf("replayed %s, want %s", brief(h.replayed), brief(want))
	}
}

// brief prints records so that differences show.
func brief(rs []record) string {
	s := fmt.Sprintf("%d records:", len(rs))
	for i, r := range rs {
		if i == 40 {
			return s + " …"
		}
		f := fnv.New32a()
		f.Write([]byte(r.payload))
		s += fmt.Sprintf(" %d/%d:%x", r.lsn, len(r.payload), f.Sum32())
	}
	return s
}

// message returns text of n bytes that compresses somewhat.
func message(rng *rand.Rand, n int) string {
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = fmt.Appendf(b, "level=info id=%06x ", rng.Uint32N(1<<24))
	}
	return string(b[:n])
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }
