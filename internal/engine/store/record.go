package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cumulog/cumulog/internal/logs"
)

// recordPut is the type of a WAL record that holds one batch. Its payload:
//
//	uvarint group, stream, zigzag(ingestion), n
//	uvarint first timestamp, then n-1 uvarint differences
//	n uvarint message lengths
//	the messages, one after another
const recordPut = 1

// maxArena bounds the messages of a batch: offsets fit 32 bits with room.
const maxArena = 64 << 20

var errRecord = errors.New("malformed put record")

// appendPutHeader appends everything of a put record but the messages.
func appendPutHeader(dst []byte, c *chunk) []byte {
	dst = binary.AppendUvarint(dst, uint64(c.group))
	dst = binary.AppendUvarint(dst, uint64(c.stream))
	dst = binary.AppendVarint(dst, c.ingestion)
	dst = binary.AppendUvarint(dst, uint64(len(c.timestamps)))
	prev := int64(0)
	for _, ts := range c.timestamps {
		dst = binary.AppendUvarint(dst, uint64(ts-prev))
		prev = ts
	}
	from := c.start
	for _, end := range c.ends {
		dst = binary.AppendUvarint(dst, uint64(end-from))
		from = end
	}
	return dst
}

// decodePut decodes a put record. The chunk keeps the payload.
func decodePut(lsn uint64, payload []byte) (*chunk, error) {
	p := payload
	bad := false
	next := func() uint64 {
		v, n := binary.Uvarint(p)
		if n <= 0 {
			bad = true
			return 0
		}
		p = p[n:]
		return v
	}
	group, stream := next(), next()
	ingestion, n := binary.Varint(p)
	if n <= 0 {
		return nil, fmt.Errorf("%w: head is cut", errRecord)
	}
	p = p[n:]
	rows := next()
	switch {
	case bad:
		return nil, fmt.Errorf("%w: head is cut", errRecord)
	case group == 0 || group > math.MaxInt64 || stream == 0 || stream > math.MaxInt64:
		return nil, fmt.Errorf("%w: group %d, stream %d", errRecord, group, stream)
	case rows == 0 || rows > logs.MaxBatchEvents || rows*2 > uint64(len(p)):
		return nil, fmt.Errorf("%w: %d events in %d bytes", errRecord, rows, len(p))
	}
	c := &chunk{
		lsn: lsn, group: logs.GroupID(group), stream: logs.StreamID(stream), ingestion: ingestion,
		timestamps: make([]int64, rows), ends: make([]uint32, rows),
	}
	ts := uint64(0)
	for i := range c.timestamps {
		d := next()
		if d > math.MaxInt64-ts {
			return nil, fmt.Errorf("%w: timestamp of event %d", errRecord, i)
		}
		ts += d
		c.timestamps[i] = int64(ts)
	}
	end := uint64(0)
	for i := range c.ends {
		d := next()
		if d > maxArena-end {
			return nil, fmt.Errorf("%w: length of event %d", errRecord, i)
		}
		end += d
		c.ends[i] = uint32(end)
	}
	if bad || uint64(len(p)) != end {
		return nil, fmt.Errorf("%w: %d bytes of messages, want %d", errRecord, len(p), end)
	}
	c.arena = p
	return c, nil
}

// check verifies the contract of a batch and makes a chunk of it.
func (b *Batch) check() (*chunk, error) {
	n := len(b.Timestamps)
	switch {
	case b.Group <= 0 || b.Stream <= 0:
		return nil, fmt.Errorf("%w: group %d, stream %d", ErrBadBatch, b.Group, b.Stream)
	case n == 0 || n > logs.MaxBatchEvents || len(b.Ends) != n:
		return nil, fmt.Errorf("%w: %d timestamps, %d ends", ErrBadBatch, n, len(b.Ends))
	case int64(b.Ends[n-1]) > int64(len(b.Arena)) || b.Ends[n-1] > maxArena:
		return nil, fmt.Errorf("%w: messages end at %d of %d", ErrBadBatch, b.Ends[n-1], len(b.Arena))
	}
	from, prev := b.Start, int64(0)
	for i, end := range b.Ends {
		if ts := b.Timestamps[i]; ts < prev {
			return nil, fmt.Errorf("%w: timestamp %d of event %d after %d", ErrBadBatch, ts, i, prev)
		}
		prev = b.Timestamps[i]
		if end < from || end-from > maxMessage {
			return nil, fmt.Errorf("%w: event %d spans %d to %d", ErrBadBatch, i, from, end)
		}
		from = end
	}
	return &chunk{
		group: b.Group, stream: b.Stream, ingestion: b.Ingestion,
		timestamps: b.Timestamps, ends: b.Ends, start: b.Start, arena: b.Arena,
	}, nil
}
