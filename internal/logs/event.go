package logs

import (
	"errors"
	"fmt"
	"math/big"
)

// MaxBatchEvents bounds the events of one batch: an index into a batch fits
// the low SeqIndexBits of a Seq.
const (
	SeqIndexBits   = 14
	MaxBatchEvents = 10_000
)

// Seq orders events that carry the same timestamp: the log sequence number of
// the batch in the high bits, the index within the batch in the low
// SeqIndexBits. It is fixed when the batch is acknowledged.
type Seq uint64

// MakeSeq builds the Seq of event index of the batch with that log sequence
// number.
func MakeSeq(lsn uint64, index int) Seq {
	return Seq(lsn<<SeqIndexBits | uint64(index))
}

// Batch returns the log sequence number of the batch the event came with.
func (s Seq) Batch() uint64 { return uint64(s) >> SeqIndexBits }

// Key is the position of an event in the total order of its group. Flushes,
// merges and restarts never change it.
type Key struct {
	Timestamp int64 // ms since the Unix epoch
	Seq       Seq
}

// MinKey and MaxKey lie before and after every event.
var (
	MinKey = Key{Timestamp: 0, Seq: 0}
	MaxKey = Key{Timestamp: 1<<63 - 1, Seq: 1<<64 - 1}
)

// Compare returns -1, 0 or +1.
func (k Key) Compare(o Key) int {
	switch {
	case k.Timestamp < o.Timestamp:
		return -1
	case k.Timestamp > o.Timestamp:
		return 1
	case k.Seq < o.Seq:
		return -1
	case k.Seq > o.Seq:
		return 1
	}
	return 0
}

// Less reports whether k comes before o.
func (k Key) Less(o Key) bool { return k.Compare(o) < 0 }

// Event is one stored log event.
type Event struct {
	Key
	Stream    StreamID
	Ingestion int64  // ms since the Unix epoch
	Message   []byte // the bytes as sent; lifetime is set by whoever hands it out
}

// EventID is the identity of an event: its position, group and stream. Its
// text is 56 decimal digits whose order is the order of events, and
// id>>144 is the timestamp in ms, as in the ids of CloudWatch Logs.
type EventID struct {
	Key
	Group  GroupID
	Stream StreamID
}

const eventIDDigits = 56

const idMask = 1<<40 - 1

// ErrBadEventID is returned by ParseEventID for text that no EventID prints.
var ErrBadEventID = errors.New("malformed event id")

// String returns the 56 decimal digits.
func (id EventID) String() string { return string(id.Append(nil)) }

// Append appends the 56 decimal digits of id to dst. It allocates nothing
// beyond growing dst.
func (id EventID) Append(dst []byte) []byte {
	// The number is ts<<144 | seq<<80 | group<<40 | stream, kept as six
	// 32-bit words, most significant first, and divided by 10^9 until it is 0.
	g, s := uint64(id.Group)&idMask, uint64(id.Stream)&idMask
	ts := uint64(id.Timestamp)
	lo := g<<40 | s // low 64 of the low 80 bits
	hi := g >> 24   // upper 16 of the low 80 bits
	w := [6]uint32{
		uint32(ts >> 16),
		uint32(ts<<16) | uint32(uint64(id.Seq)>>48),
		uint32(uint64(id.Seq) >> 16),
		uint32(uint64(id.Seq)<<16) | uint32(hi),
		uint32(lo >> 32),
		uint32(lo),
	}
	var buf [63]byte
	pos := len(buf)
	for range 7 {
		var rem uint64
		for i := range w {
			cur := rem<<32 | uint64(w[i])
			w[i] = uint32(cur / 1_000_000_000)
			rem = cur % 1_000_000_000
		}
		for range 9 {
			pos--
			buf[pos] = byte('0' + rem%10)
			rem /= 10
		}
	}
	return append(dst, buf[len(buf)-eventIDDigits:]...)
}

// ParseEventID is the inverse of String.
func ParseEventID(s string) (EventID, error) {
	if len(s) != eventIDDigits {
		return EventID{}, fmt.Errorf("%w: %d characters, want %d", ErrBadEventID, len(s), eventIDDigits)
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return EventID{}, fmt.Errorf("%w: character %d is not a digit", ErrBadEventID, i)
		}
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.BitLen() > 144+47 {
		return EventID{}, fmt.Errorf("%w: out of range", ErrBadEventID)
	}
	var b [24]byte
	n.FillBytes(b[:])
	u := func(from, to int) (v uint64) {
		for _, c := range b[from:to] {
			v = v<<8 | uint64(c)
		}
		return v
	}
	return EventID{
		Key:    Key{Timestamp: int64(u(0, 6)), Seq: Seq(u(6, 14))},
		Group:  GroupID(u(14, 19)),
		Stream: StreamID(u(19, 24)),
	}, nil
}
