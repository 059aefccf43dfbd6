package segment

import (
	"context"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"

	"github.com/cumulog/cumulog/internal/engine/store/segment/shred"
	"github.com/cumulog/cumulog/internal/logs"
)

// Block is a decoded block. Its rows are numbered 0 to Len()-1 in order of
// (stream, timestamp, seq). Everything it returns lives in the Buffer it was
// read with, until the next Read. Row numbers out of range are the caller's
// error.
type Block struct {
	r           *Reader
	buf         *Buffer
	info        BlockInfo
	encodedKeys []byte
	read        bool // keys are decoded
	check       uint32
	pending     []byte // messages of a shared block before Load has checked them
	messages    []byte
	loaded      bool
	shape       *shred.Block // nil before it is open
}

// Info returns the index entry of the block.
func (b *Block) Info() BlockInfo { return b.info }

// Len returns the number of rows.
func (b *Block) Len() int { return len(b.buf.keys) }

// Keys returns the positions of all rows.
func (b *Block) Keys() []logs.Key { return b.buf.keys }

// Key returns the position of row i.
func (b *Block) Key(i int) logs.Key { return b.buf.keys[i] }

// Ingestion returns the ingestion time of row i in ms.
func (b *Block) Ingestion(i int) int64 { return b.buf.batches[b.buf.batchOf[i]].ingestion }

// Streams returns the runs of rows of each stream, ascending by stream.
func (b *Block) Streams() []StreamRun { return b.buf.runs }

// Stream returns the stream of row i. Iterating over Streams is faster.
func (b *Block) Stream(i int) logs.StreamID {
	runs := b.buf.runs
	return runs[sort.Search(len(runs), func(j int) bool { return runs[j].To > i })].Stream
}

// Run returns the rows of one stream.
func (b *Block) Run(stream logs.StreamID) (StreamRun, bool) {
	runs := b.buf.runs
	i := sort.Search(len(runs), func(j int) bool { return runs[j].Stream >= stream })
	if i < len(runs) && runs[i].Stream == stream {
		return runs[i], true
	}
	return StreamRun{}, false
}

// Search returns the first row of run whose key is not less than k, or run.To.
func (b *Block) Search(run StreamRun, k logs.Key) int {
	keys := b.buf.keys[run.From:run.To]
	return run.From + sort.Search(len(keys), func(i int) bool { return !keys[i].Less(k) })
}

// MessageLen returns the length of the message of row i; it needs no Load.
func (b *Block) MessageLen(i int) int {
	if i == 0 {
		return int(b.buf.ends[0])
	}
	return int(b.buf.ends[i] - b.buf.ends[i-1])
}

// Load reads and decodes the messages and checks them against the hash taken
// when they were first written. A second call does nothing.
func (b *Block) Load(ctx context.Context) error {
	if b.loaded {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r, info := b.r, &b.info
	msgs, off, sec := b.pending, int64(0), "shared"
	switch {
	case info.Mode == ModeShared:
		off = r.index.shared[info.off].off
	case info.Mode.shaped():
		off, sec = info.off+info.keysLen, "columns"
		var err error
		if msgs, err = b.loadShaped(); err != nil {
			return err
		}
	default:
		off, sec = info.off+info.keysLen, "messages"
		h, err := r.load(off, info.messageLen, kindMessages, b.buf)
		if err != nil {
			return err
		}
		if h.check != b.check || int64(h.raw) != info.RawBytes {
			return r.corrupt(off, sec, "the messages belong to another block")
		}
		b.buf.msgsRaw, err = r.unpack(h, b.buf.stored[frameHeader:], off, b.buf.msgsRaw, b.buf)
		if err != nil {
			return err
		}
		msgs = b.buf.msgsRaw
	}
	if xxhash.Sum64(msgs) != info.Hash {
		return r.corrupt(off, sec, "the hash of the messages differs")
	}
	b.messages, b.loaded = msgs, true
	return nil
}

// Loaded reports whether Load has succeeded.
func (b *Block) Loaded() bool { return b.loaded }

// Message returns the message of row i, nil before Load has succeeded.
func (b *Block) Message(i int) []byte {
	if !b.loaded {
		return nil
	}
	from, to := uint32(0), b.buf.ends[i]
	if i > 0 {
		from = b.buf.ends[i-1]
	}
	return b.messages[from:to:to]
}

// Messages returns the concatenated messages of all rows and the end of each
// row in it; nil before Load has succeeded.
func (b *Block) Messages() (arena []byte, ends []uint32) {
	if !b.loaded {
		return nil, nil
	}
	return b.messages, b.buf.ends
}

// Row returns row i; its Message is nil before Load has succeeded.
func (b *Block) Row(i int) Row {
	return Row{Stream: b.Stream(i), Key: b.Key(i), Ingestion: b.Ingestion(i), Message: b.Message(i)}
}

// Order returns the rows of the given runs (nil: all runs) in order of
// (timestamp, seq). The result is valid until the next Order or Read. One run
// costs a loop, more cost a merge: O(rows · log runs).
func (b *Block) Order(runs []StreamRun) []uint32 {
	if runs == nil {
		runs = b.buf.runs
	}
	n := 0
	for _, r := range runs {
		n += r.To - r.From
	}
	cur := slices.Grow(b.buf.order[0][:0], n)[:n]
	b.buf.order[0] = cur
	at := 0
	bounds := make([]int, 0, 64)
	for _, r := range runs {
		// A run that goes on where the last one ended joins it.
		if at == 0 || b.buf.keys[r.From].Less(b.buf.keys[cur[at-1]]) {
			bounds = append(bounds, at)
		}
		for i := r.From; i < r.To; i++ {
			cur[at] = uint32(i)
			at++
		}
	}
	if len(bounds) <= 1 {
		return cur
	}
	other := slices.Grow(b.buf.order[1][:0], n)[:n]
	b.buf.order[1] = other
	for len(bounds) > 1 {
		w := 0
		for i := 0; i < len(bounds); i += 2 {
			from, mid, to := bounds[i], n, n
			if i+1 < len(bounds) {
				mid = bounds[i+1]
			}
			if i+2 < len(bounds) {
				to = bounds[i+2]
			}
			mergeOrder(other[from:to], cur[from:mid], cur[mid:to], b.buf.keys)
			bounds[w] = from
			w++
		}
		bounds = bounds[:w]
		cur, other = other, cur
	}
	return cur
}

func mergeOrder(dst, x, y []uint32, keys []logs.Key) {
	for len(x) > 0 && len(y) > 0 {
		if keys[y[0]].Less(keys[x[0]]) {
			dst[0] = y[0]
			y = y[1:]
		} else {
			dst[0] = x[0]
			x = x[1:]
		}
		dst = dst[1:]
	}
	n := copy(dst, x)
	copy(dst[n:], y)
}
