package store

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/cumulog/cumulog/internal/logs"
)

// TestScansDoNotWaitForOneAnother: many scans at once, each far within its share,
// come to an end.
func TestScansDoNotWaitForOneAnother(t *testing.T) {
	s, o := overlapping(t, 16, 4<<20)
	s.budget.patience = time.Second
	want := o.scan(Query{Group: 1, End: math.MaxInt64})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			n := 0
			_, err := s.Scan(t.Context(), Query{Group: 1, End: math.MaxInt64}, func(logs.Event) bool {
				if n++; n%50 == 0 {
					time.Sleep(time.Millisecond)
				}
				return true
			})
			if err != nil || n != len(want) {
				t.Errorf("%d events of %d: %v", n, len(want), err)
			}
		})
	}
	wg.Wait()
	if used, _ := s.budget.bytes(); used != 0 {
		t.Errorf("%d bytes are left", used)
	}
}

// TestBlockScansDoNotWaitForOneAnother: likewise, when all of them hold some
// memory and need more.
func TestBlockScansDoNotWaitForOneAnother(t *testing.T) {
	const scans = 15
	s, o := overlapping(t, 4, 1<<20)
	s.budget.patience = 10 * time.Second
	want := o.scan(Query{Group: 1, End: math.MaxInt64})
	var wg, all sync.WaitGroup
	all.Add(scans)
	for range scans {
		wg.Go(func() {
			asked, n := 0, 0
			q := BlockQuery{Groups: []logs.GroupID{1}, End: math.MaxInt64, Skip: func(int64, int64) bool {
				if asked++; asked == 2 { // a part was looked into
					all.Done()
					all.Wait()
				}
				return false
			}}
			_, err := s.ScanBlocks(t.Context(), q, 1, func(_ int, b *BlockView) error {
				n += b.Len()
				return nil
			})
			if err != nil || n != len(want) {
				t.Errorf("%d events of %d: %v", n, len(want), err)
			}
		})
	}
	wg.Wait()
	if used, _ := s.budget.bytes(); used != 0 {
		t.Errorf("%d bytes are left", used)
	}
}

// TestSmallestShareIsEnough: a query with the smallest share reads blocks of any
// size while it holds others, as long as it holds them in slices.
func TestSmallestShareIsEnough(t *testing.T) {
	b := newBudget(minQueryMemory, time.Millisecond)
	for wide := int64(1 << 20); wide <= maxReadCost; wide += 64 << 10 {
		a := &account{b: b}
		for a.roomy(wide) && a.try(wide) {
		}
		for range 40 { // blocks of which slices are kept
			if !a.try(b.slice()) {
				t.Fatal("slices")
			}
		}
		if err := a.reserve(t.Context(), maxReadCost); err != nil {
			t.Errorf("blocks of %d bytes and slices: %v", wide, err)
			return
		}
		a.release(a.used)
	}
}

// TestManyScansKeepLittle: slices of very many blocks fit when queries are short of
// memory together.
func TestManyScansKeepLittle(t *testing.T) {
	b := newBudget(96<<20, time.Millisecond)
	x := &account{b: b}
	if n := b.slice(); n != 128<<10 {
		t.Errorf("a slice of %d bytes", n)
	}
	if !x.try(b.wide) || b.slice() != 128<<10 {
		t.Error("one scan alone")
	}
	accounts := []*account{x}
	for range 64 {
		a := &account{b: b}
		accounts = append(accounts, a)
		for range 20 {
			if !a.try(b.slice()) {
				t.Fatal("no room for slices")
			}
		}
	}
	for _, a := range accounts {
		a.release(a.used)
	}
}

// TestLoneBlockScanGetsItsShare: memtables that are pinned take no workers from it.
func TestLoneBlockScanGetsItsShare(t *testing.T) {
	b := newBudget(96<<20, time.Millisecond)
	b.pin(63 << 20)
	x, y := &account{b: b}, &account{b: b}
	for range 2 {
		if !x.spare(b.share / 2) {
			t.Error("alone")
		}
	}
	if x.spare(1) {
		t.Error("more than its share")
	}
	x.release(b.share / 2)
	b.pin(-63 << 20)
	if !y.spare(b.total-b.room-b.share/2) || y.spare(1) || !y.try(1) {
		t.Error("beside another one")
	}
}
