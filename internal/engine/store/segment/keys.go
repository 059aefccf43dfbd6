package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cumulog/cumulog/internal/logs"
)

// Row is one log event of a block.
type Row struct {
	Stream    logs.StreamID
	Key       logs.Key
	Ingestion int64 // ms since the Unix epoch; one value per batch
	Message   []byte
}

// StreamRun is the rows [From, To) of one stream in a block, sorted by key.
type StreamRun struct {
	Stream   logs.StreamID
	From, To int
}

// batchTime is the ingestion time of one batch.
type batchTime struct {
	batch     uint64
	ingestion int64
}

// keysHeader is the self-describing head of the key columns.
type keysHeader struct {
	group   logs.GroupID
	rows    int
	runs    int
	batches int
	raw     int // bytes of messages
	minTS   int64
	hash    uint64 // xxh64 of the concatenated messages
}

// keyEncoder encodes the key columns of a block; its buffers are reused.
type keyEncoder struct {
	out     []byte
	cols    [3][]byte // timestamps, seqs, lengths
	runs    []StreamRun
	batches []batchTime
	msgs    []byte
	ends    []uint32
}

// messages concatenates the messages of rows; the ends of each are in e.ends.
// Both are valid until the next call.
func (e *keyEncoder) messages(rows []Row) []byte {
	e.msgs, e.ends = e.msgs[:0], e.ends[:0]
	for i := range rows {
		e.msgs = append(e.msgs, rows[i].Message...)
		e.ends = append(e.ends, uint32(len(e.msgs)))
	}
	return e.msgs
}

// columns scans rows once: it checks them, finds runs and batches, and fills
// the statistics of info.
func (e *keyEncoder) columns(rows []Row, info *BlockInfo) error {
	e.runs, e.batches = e.runs[:0], e.batches[:0]
	raw := 0
	info.MinSeq, info.MaxSeq = rows[0].Key.Seq, rows[0].Key.Seq
	info.Min, info.Max = rows[0].Key, rows[0].Key
	last := batchTime{batch: rows[0].Key.Seq.Batch(), ingestion: rows[0].Ingestion}
	e.batches = append(e.batches, last)
	for i := range rows {
		r := &rows[i]
		if r.Stream < 0 || r.Key.Timestamp < 0 {
			return fmt.Errorf("row %d: stream %d, timestamp %d: %w", i, r.Stream, r.Key.Timestamp, ErrInvalid)
		}
		if i == 0 || r.Stream != rows[i-1].Stream {
			if i > 0 && r.Stream < rows[i-1].Stream {
				return fmt.Errorf("row %d: stream %d after stream %d: %w", i, r.Stream, rows[i-1].Stream, ErrOrder)
			}
			e.runs = append(e.runs, StreamRun{Stream: r.Stream, From: i, To: i})
			if r.Key.Less(info.Min) {
				info.Min = r.Key
			}
		} else if !rows[i-1].Key.Less(r.Key) {
			return fmt.Errorf("row %d: key %v after %v: %w", i, r.Key, rows[i-1].Key, ErrOrder)
		}
		e.runs[len(e.runs)-1].To = i + 1
		if info.Max.Less(r.Key) {
			info.Max = r.Key
		}
		info.MinSeq, info.MaxSeq = min(info.MinSeq, r.Key.Seq), max(info.MaxSeq, r.Key.Seq)
		raw += len(r.Message)
		if raw > MaxBlockBytes {
			return fmt.Errorf("more than %d bytes of messages: %w", MaxBlockBytes, ErrTooLarge)
		}
		if b := r.Key.Seq.Batch(); b != last.batch || r.Ingestion != last.ingestion {
			last = batchTime{batch: b, ingestion: r.Ingestion}
			e.batches = append(e.batches, last)
		}
	}
	slices.SortFunc(e.batches, func(a, b batchTime) int {
		switch {
		case a.batch < b.batch:
			return -1
		case a.batch > b.batch:
			return 1
		}
		return 0
	})
	w := 0
	for i, b := range e.batches {
		if i > 0 && b.batch == e.batches[w-1].batch {
			if b.ingestion != e.batches[w-1].ingestion {
				return fmt.Errorf("batch %d has ingestion times %d and %d: %w", b.batch, b.ingestion, e.batches[w-1].ingestion, ErrInvalid)
			}
			continue
		}
		e.batches[w] = b
		w++
	}
	e.batches = e.batches[:w]
	info.Rows, info.Streams, info.RawBytes = len(rows), len(e.runs), int64(raw)
	info.MinStream, info.MaxStream = rows[0].Stream, rows[len(rows)-1].Stream
	return nil
}

// encode returns the key columns of the rows that columns has seen. The result
// is valid until the next call.
func (e *keyEncoder) encode(rows []Row, info *BlockInfo) []byte {
	ts, seqs, lens := e.cols[0][:0], e.cols[1][:0], e.cols[2][:0]
	firstTS := info.Min.Timestamp
	bi, idx := 0, -1
	for _, run := range e.runs {
		prev := rows[run.From].Key.Timestamp
		ts = binary.AppendUvarint(ts, zigzag(prev-firstTS))
		firstTS = prev
		for i := run.From; i < run.To; i++ {
			r := &rows[i]
			if i > run.From {
				ts = binary.AppendUvarint(ts, uint64(r.Key.Timestamp-prev))
				prev = r.Key.Timestamp
			}
			lens = binary.AppendUvarint(lens, uint64(len(r.Message)))
			x := int(r.Key.Seq & (1<<logs.SeqIndexBits - 1))
			if b := r.Key.Seq.Batch(); b == e.batches[bi].batch {
				seqs = binary.AppendUvarint(seqs, zigzag(int64(x-idx-1))<<1)
			} else {
				nb := e.find(b, bi)
				seqs = binary.AppendUvarint(seqs, zigzag(int64(nb-bi))<<1|1)
				seqs = binary.AppendUvarint(seqs, uint64(x))
				bi = nb
			}
			idx = x
		}
	}
	e.cols[0], e.cols[1], e.cols[2] = ts, seqs, lens

	out := e.out[:0]
	out = binary.AppendUvarint(out, uint64(info.Group))
	out = binary.AppendUvarint(out, uint64(len(rows)))
	out = binary.AppendUvarint(out, uint64(len(e.runs)))
	out = binary.AppendUvarint(out, uint64(len(e.batches)))
	out = binary.AppendUvarint(out, uint64(info.RawBytes))
	out = binary.AppendUvarint(out, uint64(info.Min.Timestamp))
	out = binary.LittleEndian.AppendUint64(out, info.Hash)
	prevStream := uint64(0)
	for _, run := range e.runs {
		out = binary.AppendUvarint(out, uint64(run.Stream)-prevStream)
		prevStream = uint64(run.Stream)
	}
	for _, run := range e.runs {
		out = binary.AppendUvarint(out, uint64(run.To-run.From-1))
	}
	prevBatch := uint64(0)
	for _, b := range e.batches {
		out = binary.AppendUvarint(out, b.batch-prevBatch)
		prevBatch = b.batch
	}
	prevTime := int64(0)
	for _, b := range e.batches {
		out = binary.AppendUvarint(out, zigzag(b.ingestion-prevTime))
		prevTime = b.ingestion
	}
	out = append(out, ts...)
	out = append(out, seqs...)
	out = append(out, lens...)
	e.out = out
	return out
}

// find returns the place of a batch, trying the ones after the last first.
func (e *keyEncoder) find(batch uint64, last int) int {
	if last+1 < len(e.batches) && e.batches[last+1].batch == batch {
		return last + 1
	}
	i, _ := slices.BinarySearchFunc(e.batches, batch, func(b batchTime, t uint64) int {
		switch {
		case b.batch < t:
			return -1
		case b.batch > t:
			return 1
		}
		return 0
	})
	return i
}

var errKeys = errors.New("key columns do not add up")

func keysError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errKeys, fmt.Sprintf(format, args...))
}

// decodeKeysHeader decodes and bounds the head of key columns.
func decodeKeysHeader(c *cursor) (keysHeader, error) {
	group, rows, runs, batches := c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint()
	raw, minTS := c.uvarint(), c.uvarint()
	hash := c.u64()
	switch {
	case c.bad:
		return keysHeader{}, keysError("head is cut")
	case int64(group) < 0 || int64(minTS) < 0:
		return keysHeader{}, keysError("group %d, timestamp %d", group, minTS)
	case rows == 0 || rows > MaxBlockRows || runs == 0 || runs > rows || batches == 0 || batches > rows:
		return keysHeader{}, keysError("%d rows, %d runs, %d batches", rows, runs, batches)
	case raw > MaxBlockBytes:
		return keysHeader{}, keysError("%d bytes of messages", raw)
	case uint64(c.left()) < 3*rows+2*runs+2*batches:
		return keysHeader{}, keysError("%d bytes left for %d rows", c.left(), rows)
	}
	return keysHeader{
		group: logs.GroupID(group), rows: int(rows), runs: int(runs), batches: int(batches),
		raw: int(raw), minTS: int64(minTS), hash: hash,
	}, nil
}

// decodeKeys decodes key columns into the buffers of buf. Sizes are bounded by
// the length of the payload before anything is allocated.
func decodeKeys(payload []byte, buf *Buffer) (keysHeader, error) {
	c := cursor{b: payload}
	h, err := decodeKeysHeader(&c)
	if err != nil {
		return h, err
	}
	buf.runs = slices.Grow(buf.runs[:0], h.runs)[:h.runs]
	buf.batches = slices.Grow(buf.batches[:0], h.batches)[:h.batches]
	buf.keys = slices.Grow(buf.keys[:0], h.rows)[:h.rows]
	buf.batchOf = slices.Grow(buf.batchOf[:0], h.rows)[:h.rows]
	buf.ends = slices.Grow(buf.ends[:0], h.rows)[:h.rows]

	stream := uint64(0)
	for i := range buf.runs {
		d := c.uvarint()
		stream += d
		if i > 0 && d == 0 || stream < d || int64(stream) < 0 {
			return h, keysError("stream %d of run %d", stream, i)
		}
		buf.runs[i].Stream = logs.StreamID(stream)
	}
	at := 0
	for i := range buf.runs {
		n := c.uvarint()
		if n >= uint64(h.rows-at) {
			return h, keysError("run %d has %d rows too many", i, n)
		}
		buf.runs[i].From = at
		at += int(n) + 1
		buf.runs[i].To = at
	}
	if at != h.rows {
		return h, keysError("runs hold %d rows of %d", at, h.rows)
	}
	batch := uint64(0)
	for i := range buf.batches {
		d := c.uvarint()
		batch += d
		if i > 0 && d == 0 || batch < d || batch >= 1<<(64-logs.SeqIndexBits) {
			return h, keysError("batch %d", batch)
		}
		buf.batches[i].batch = batch
	}
	t := int64(0)
	for i := range buf.batches {
		t += c.varint()
		buf.batches[i].ingestion = t
	}
	if err := decodeTimestamps(&c, h, buf); err != nil {
		return h, err
	}
	if err := decodeSeqs(&c, buf); err != nil {
		return h, err
	}
	end := uint64(0)
	for i := range buf.ends {
		n := c.uvarint()
		if n > uint64(h.raw)-end {
			return h, keysError("messages are longer than %d bytes", h.raw)
		}
		end += n
		buf.ends[i] = uint32(end)
	}
	if c.bad || c.left() != 0 || end != uint64(h.raw) {
		return h, keysError("%d bytes of messages, want %d; %d bytes left over", end, h.raw, c.left())
	}
	return h, nil
}

func decodeTimestamps(c *cursor, h keysHeader, buf *Buffer) error {
	first := h.minTS
	least := int64(1<<63 - 1)
	for _, run := range buf.runs {
		first += c.varint()
		if first < 0 {
			return keysError("timestamp %d", first)
		}
		least = min(least, first)
		ts := first
		keys := buf.keys[run.From:run.To]
		keys[0].Timestamp = ts
		for i := 1; i < len(keys); i++ {
			ts += int64(c.uvarint())
			if ts < keys[i-1].Timestamp {
				return keysError("timestamp %d after %d", ts, keys[i-1].Timestamp)
			}
			keys[i].Timestamp = ts
		}
	}
	if least != h.minTS {
		return keysError("least timestamp %d, want %d", least, h.minTS)
	}
	return nil
}

func decodeSeqs(c *cursor, buf *Buffer) error {
	bi, idx := 0, int64(-1)
	for _, run := range buf.runs {
		for i := run.From; i < run.To; i++ {
			u := c.uvarint()
			if u&1 == 0 {
				idx += 1 + unzigzag(u>>1)
			} else {
				d := unzigzag(u >> 1)
				if d < -int64(bi) || d >= int64(len(buf.batches)-bi) {
					return keysError("batch step %d at row %d", d, i)
				}
				bi += int(d)
				idx = int64(c.uvarint())
			}
			if idx < 0 || idx >= 1<<logs.SeqIndexBits {
				return keysError("index %d at row %d", idx, i)
			}
			buf.batchOf[i] = uint32(bi)
			buf.keys[i].Seq = logs.MakeSeq(buf.batches[bi].batch, int(idx))
			if i > run.From && !buf.keys[i-1].Less(buf.keys[i]) {
				return keysError("row %d is out of order", i)
			}
		}
	}
	return nil
}
