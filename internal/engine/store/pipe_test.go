package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// pipeRows fills a block of n rows of 1 KiB, of two streams in turn.
func pipeRows(b *blockTask, group logs.GroupID, n int) {
	b.group, b.mixed = group, n > 1
	for i := range n {
		msg := make([]byte, 1<<10)
		copy(msg, fmt.Sprintf("group %d row %d", group, i))
		b.rows = append(b.rows, segment.Row{
			Stream: logs.StreamID(1 + i%2), Key: logs.Key{Timestamp: int64(i), Seq: logs.MakeSeq(uint64(1+i), 0)}, Message: msg,
		})
		b.bytes += len(msg)
	}
}

// TestPipeKeepsOrder: blocks of any size, and steps between them, come out in
// the order in which they went in, whatever the number of goroutines.
func TestPipeKeepsOrder(t *testing.T) {
	for workers := 1; workers <= 4; workers++ {
		var got, want []string
		write := func(b *segment.Encoded) error {
			i := b.Info()
			got = append(got, fmt.Sprintf("group %d, %d rows of %d streams", i.Group, i.Rows, i.Streams))
			return nil
		}
		p := newBlockPipe(t.Context(), &encoders{}, workers, write)
		limits := 0
		p.limit = func() int { limits++; return limits % (workers + 2) } // 0 counts as 1
		for i := range 60 {
			group, rows := logs.GroupID(1+i), []int{1, 200, 40, 3, 31}[i%5]
			b, err := p.take()
			if err != nil {
				t.Fatal(err)
			}
			pipeRows(b, group, rows)
			p.submit(b)
			want = append(want, fmt.Sprintf("group %d, %d rows of %d streams", group, rows, min(rows, 2)))
			if i%7 == 0 {
				step := fmt.Sprint("step ", i)
				if err := p.then(func() error { got = append(got, step); return nil }); err != nil {
					t.Fatal(err)
				}
				want = append(want, step)
			}
			if n := len(p.queue); n > workers+1 {
				t.Fatalf("%d blocks in flight with %d workers", n, workers)
			}
		}
		if err := p.drain(); err != nil {
			t.Fatal(err)
		}
		p.close()
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d workers: %s", workers, d)
		}
		if n := len(p.free); n > workers+2 {
			t.Errorf("%d workers: %d blocks were made", workers, n)
		}
	}
}

// TestPipeStopsAtTheFirstError: nothing is written after an error of writing,
// encoding or a step, every later call returns it, and close still ends.
func TestPipeStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	for _, what := range []string{"write", "encode", "step", "cancel"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		written := 0
		p := newBlockPipe(ctx, &encoders{}, 3, func(*segment.Encoded) error {
			written++
			if what == "write" && written == 5 {
				return broken
			}
			return nil
		})
		var encoded atomic.Int64
		p.check = func(logs.GroupID, []segment.Row) { encoded.Add(1) }
		var err error
		taken := 0
		for ; err == nil && taken < 100; taken++ {
			var b *blockTask
			if b, err = p.take(); err != nil {
				break
			}
			pipeRows(b, 1, 64)
			switch {
			case what == "encode" && taken == 5:
				b.rows[0].Key.Timestamp, b.mixed = 1000, false // not in order
			case what == "step" && taken == 5:
				err = p.then(func() error { return broken })
			case what == "cancel" && taken == 5:
				cancel(nil)
			}
			if err == nil {
				p.submit(b)
			}
		}
		want := broken
		switch what {
		case "encode":
			want = segment.ErrOrder
		case "cancel":
			want = context.Canceled
		}
		if !errors.Is(err, want) || taken > 12 {
			t.Errorf("%s: %v after %d blocks, want %v soon", what, err, taken, want)
		}
		if derr := p.drain(); !errors.Is(derr, want) {
			t.Errorf("%s: drain returned %v", what, derr)
		}
		before := written
		if _, err := p.take(); !errors.Is(err, want) || written != before {
			t.Errorf("%s: take returned %v, %d more written", what, err, written-before)
		}
		p.close()
		cancel(nil)
		if n := encoded.Load(); n > 12 {
			t.Errorf("%s: %d blocks were encoded", what, n)
		}
	}
}
