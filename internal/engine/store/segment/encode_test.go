package segment_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cumulog/cumulog/internal/engine/store/segment"
	"github.com/cumulog/cumulog/internal/logs"
)

// Blocks encoded on several goroutines give the same file as Add, byte for byte.
func TestEncodedBlocksGiveTheSameFile(t *testing.T) {
	blocks := sample()
	o := segment.WriterOptions{ID: goldenID}
	f, _ := write(t, o, blocks)
	const workers = 3
	encoded := make([]*segment.Encoded, len(blocks))
	var wg sync.WaitGroup
	for wk := range workers {
		wg.Go(func() {
			enc := segment.NewBlockEncoder(o)
			for i := wk; i < len(blocks); i += workers {
				var err error
				if encoded[i], err = enc.Encode(blocks[i].group, blocks[i].rows); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	got := &memFile{}
	w := segment.NewWriter(got, o)
	for _, b := range encoded {
		if err := w.AddEncoded(b); err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.b, f.b) {
		t.Fatalf("%d bytes differ from the %d that Add writes", len(got.b), len(f.b))
	}
}

func TestAddEncodedKeepsGroupsInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	lsn := uint64(1)
	enc := segment.NewBlockEncoder(segment.WriterOptions{})
	w := segment.NewWriter(&memFile{}, segment.WriterOptions{})
	encode := func(g logs.GroupID) *segment.Encoded {
		blk := randomBlock(rng, g, 5, 2, 20, &lsn)
		b, err := enc.Encode(g, blk.rows)
		if err != nil {
			t.Fatal(err)
		}
		if b.Info().Rows != len(blk.rows) || b.Info().Group != g || b.Size() == 0 {
			t.Fatalf("info %+v, size %d", b.Info(), b.Size())
		}
		return b
	}
	if err := w.AddEncoded(encode(3)); err != nil {
		t.Fatal(err)
	}
	if err := w.AddEncoded(encode(2)); !errors.Is(err, segment.ErrOrder) {
		t.Fatalf("got %v", err)
	}
	if err := w.AddEncoded(encode(3)); err != nil {
		t.Fatal(err)
	}
	if sum, err := w.Finish(); err != nil || sum.Blocks != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
}
