package skip_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
)

// TestManyUnits reads and moves the index of a part of very many units, whose tokens are in two of them each.
func TestManyUnits(t *testing.T) {
	const tokens = 4
	n := 1 << 17
	if testing.Short() {
		n = 1 << 13
	}
	b := skip.NewBuilder()
	var e skip.Evidence
	var text []byte
	for u := range n {
		text = text[:0]
		for k := range tokens {
			text = fmt.Appendf(text, "t%d ", u/2*tokens+k)
		}
		e.Reset()
		e.Tokens(text)
		if err := b.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	tix, tri := encode(t, b, nil)
	x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Verify(context.Background()); err != nil {
		t.Fatal(err)
	}
	moved := skip.NewBuilder()
	to := make([]int32, n)
	for i := range to {
		to[i] = int32(i)
	}
	if err := moved.AddMoved(x, to); err != nil {
		t.Fatal(err)
	}
	again, _ := encode(t, moved, nil)
	same(t, "moved", again, tix)
}

// TestEvidenceForgets: the memory of a unit of very many tokens is not kept for small ones.
func TestEvidenceForgets(t *testing.T) {
	e := new(skip.Evidence)
	var text []byte
	for i := range 1 << 20 {
		text = fmt.Appendf(text, "%x ", i)
	}
	e.Tokens(text)
	e.Reset()
	e.Tokens([]byte("a few words"))
	e.Reset()
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	runtime.KeepAlive(e)
	e = new(skip.Evidence)
	runtime.GC()
	runtime.ReadMemStats(&without)
	kept := int64(with.HeapAlloc) - int64(without.HeapAlloc)
	t.Logf("%d bytes", kept)
	if kept > 1<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
}

// TestForgedPairs: an index that claims more pairs than there are bytes is refused when the bytes are known, and what
// it has more than it says, always.
func TestForgedPairs(t *testing.T) {
	const n = 512
	b := skip.NewBuilder()
	var e skip.Evidence
	var text []byte
	for i := range 1000 {
		text = fmt.Appendf(text, "%x ", i)
	}
	e.Tokens(text)
	e.Trigrams(text)
	for u := range n {
		if err := b.AddUnit(u, &e); err != nil {
			t.Fatal(err)
		}
	}
	tix, tri := encode(t, b, nil)
	x, err := skip.Open(bytes.NewReader(tix), bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.CheckBytes(int64(n * len(text))); err != nil {
		t.Error(err)
	}
	for _, bytes := range []int64{0, -1, int64(len(tix)), int64(n*1000 - 1)} {
		if err := x.CheckBytes(bytes); !errors.Is(err, skip.ErrDamaged) {
			t.Errorf("%d bytes of messages: %v", bytes, err)
		}
	}
	// A trailer that says less.
	at := len(tix) - 40 + 24
	binary.LittleEndian.PutUint64(tix[at:], 1000)
	x, err = skip.Open(bytes.NewReader(sealed(tix, 10)), bytes.NewReader(tri), n)
	if err != nil {
		t.Fatal(err)
	}
	to := make([]int32, n)
	for i := range to {
		to[i] = int32(i)
	}
	moved := skip.NewBuilder()
	if err := moved.AddMoved(x, to); err != nil {
		t.Fatal(err)
	}
	if _, err := moved.EncodeTo(nil, io.Discard, io.Discard); !errors.Is(err, skip.ErrDamaged) {
		t.Errorf("moving more pairs than there are: %v", err)
	}
}

// TestLargestPage: no page that is written is larger than readers accept.
func TestLargestPage(t *testing.T) {
	if size, limit := skip.LargestPage(); size > limit {
		t.Errorf("a page of %d bytes, at most %d are read", size, limit)
	}
}
