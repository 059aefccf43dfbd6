package segment

import (
	"fmt"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
	"github.com/cumulog/cumulog/internal/logs"
)

// BlockEncoder turns rows into blocks ready to be written. Encoding is where
// the CPU of a part goes, so several encoders may work at once for one Writer,
// each on its own goroutine; a BlockEncoder itself is not safe for concurrent
// use. It keeps its scratch: 15 to 25 MiB after full blocks, at most EncoderMemory.
type BlockEncoder struct {
	opts WriterOptions
	keys keyEncoder
	pack packer
	free sync.Pool // of *Encoded
	err  error

	shaper
	breaks func(body []byte) // of tests: damages what was encoded
}

// What an encoder and a Buffer hold at most, whatever blocks they have seen, in
// bytes; blocks of one kind leave about half of it.
const (
	EncoderMemory = 48 << 20
	BufferMemory  = 12 << 20
)

// Encoded is one block, encoded and not yet written. It owns its memory: at
// most about MaxBlockBytes and its keys, usually a fifth of that, and its evidence
// for the skip index, up to 1 MiB. Writer.AddEncoded
// may be called by another goroutine than the one that made it.
type Encoded struct {
	from *BlockEncoder
	info BlockInfo
	// For own frames whole frames, ready to be written; for a block of a shared
	// frame the encoded keys and the messages.
	keys, body                 []byte
	ends                       []uint32 // of the messages, for a block of a shared frame
	minIngestion, maxIngestion int64
	evidence                   skip.Evidence
	indexed                    bool // evidence is filled
	lost                       bool // the columns did not give the messages back
}

// NewBlockEncoder returns an encoder for parts written with these options.
func NewBlockEncoder(o WriterOptions) *BlockEncoder {
	e := &BlockEncoder{opts: o}
	e.shaper.pack = &e.pack
	e.err = e.pack.open(o.Level)
	return e
}

// Encode checks rows and encodes them as one block of the group: rows are sorted
// by (stream, timestamp, seq), at least one, at most MaxBlockRows with
// MaxBlockBytes of messages. All rows of a batch carry the same ingestion time.
// Nothing of rows is kept. Errors are ErrOrder, ErrTooLarge and ErrInvalid; the
// encoder stays usable.
func (e *BlockEncoder) Encode(group logs.GroupID, rows []Row) (*Encoded, error) {
	switch {
	case e.err != nil:
		return nil, e.err
	case group < 0:
		return nil, fmt.Errorf("group %d: %w", group, ErrInvalid)
	case len(rows) == 0:
		return nil, fmt.Errorf("no rows: %w", ErrInvalid)
	case len(rows) > MaxBlockRows:
		return nil, fmt.Errorf("%d rows: %w", len(rows), ErrTooLarge)
	}
	info := BlockInfo{Group: group}
	if err := e.keys.columns(rows, &info); err != nil {
		return nil, err
	}
	msgs := e.keys.messages(rows)
	info.Hash = xxhash.Sum64(msgs)
	keys := e.keys.encode(rows, &info)
	b := e.take()
	b.minIngestion, b.maxIngestion = ingestionBounds(e.keys.batches)
	if len(keys)+len(msgs) < sharedBlock && e.opts.Modes.Has(ModeShared) {
		info.Mode, info.keysLen = ModeShared, int64(len(keys))
		b.keys = append(b.keys[:0], keys...)
		b.body = append(b.body[:0], msgs...)
		b.ends = append(b.ends[:0], e.keys.ends...)
	} else {
		e.own(b, &info, keys, msgs)
	}
	b.info = info
	return b, nil
}

// own encodes a block with frames of its own.
func (e *BlockEncoder) own(b *Encoded, info *BlockInfo, keys, msgs []byte) {
	check := uint32(info.Hash)
	b.keys = e.pack.frame(b.keys[:0], kindKeys, keys, check, true)
	mode, head, body, ok := e.choose(e.opts.Modes, msgs, e.keys.ends)
	if ok && e.breaks != nil {
		e.breaks(body)
	}
	if ok && !e.rebuilds(head, body, msgs, e.keys.ends) {
		b.lost, mode, ok = true, ModeRaw, false
	}
	info.Mode = mode
	if ok {
		b.body = e.pack.frame(b.body[:0], kindHead, head, check, true)
		info.headLen = int64(len(b.body))
		b.body = e.pack.frame(b.body, kindBody, body, check, false)
	} else {
		if len(e.whole) == 0 {
			e.whole = e.pack.enc.EncodeAll(msgs, e.whole)
		}
		b.body = appendFrame(b.body[:0], kindMessages, msgs, e.whole, check)
	}
	info.keysLen, info.messageLen = int64(len(b.keys)), int64(len(b.body))
	info.StoredBytes = info.keysLen + info.messageLen
	if e.opts.NoIndex {
		return
	}
	b.indexed = true
	if !ok {
		b.evidence.AddMessages(msgs, e.keys.ends)
		return
	}
	// The pieces of a shape hold all its tokens, and equal texts come once.
	e.enc.Pieces(b.evidence.Tokens)
	b.evidence.Trigrams(msgs)
}

func (e *BlockEncoder) take() *Encoded {
	b, ok := e.free.Get().(*Encoded)
	if !ok {
		b = &Encoded{from: e}
	}
	if b.indexed {
		b.evidence.Reset()
	}
	b.indexed, b.lost = false, false
	return b
}

// Release gives the memory back to the encoder that made b; b is not to be used
// afterwards. It may be called on any goroutine, and need not be called.
func (b *Encoded) Release() { b.from.free.Put(b) }

// Info describes the block; where it lies is not known yet.
func (b *Encoded) Info() BlockInfo { return b.info }

// Size returns the bytes that the block holds in memory until it is written.
func (b *Encoded) Size() int { return len(b.keys) + len(b.body) }

func ingestionBounds(batches []batchTime) (least, greatest int64) {
	least, greatest = batches[0].ingestion, batches[0].ingestion
	for _, b := range batches[1:] {
		least, greatest = min(least, b.ingestion), max(greatest, b.ingestion)
	}
	return least, greatest
}

// packer makes frames.
type packer struct {
	enc    *zstd.Encoder
	packed []byte
}

func (p *packer) open(level zstd.EncoderLevel) (err error) {
	if level == 0 {
		level = zstd.SpeedFastest
	}
	p.enc, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level),
		zstd.WithEncoderCRC(false), zstd.WithWindowSize(MaxBlockBytes), zstd.WithSingleSegment(true), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return fmt.Errorf("open zstd encoder: %w", err)
	}
	return nil
}

// frame appends a frame of raw to dst. The payload is compressed when that pays.
func (p *packer) frame(dst []byte, kind byte, raw []byte, check uint32, compress bool) []byte {
	p.packed = p.packed[:0]
	if compress && len(raw) > 16 {
		p.packed = p.enc.EncodeAll(raw, p.packed)
	}
	return appendFrame(dst, kind, raw, p.packed, check)
}

// appendFrame appends a frame of raw to dst. packed is the same compressed, and
// stored when that pays; empty: it is not known.
func appendFrame(dst []byte, kind byte, raw, packed []byte, check uint32) []byte {
	h := frame{raw: uint32(len(raw)), stored: uint32(len(raw)), kind: kind, check: check}
	payload := raw
	if len(packed) > 0 && len(packed) < len(raw)-len(raw)/32 {
		payload, h.codec, h.stored = packed, codecZstd, uint32(len(packed))
	}
	return append(appendFrameHeader(dst, h, payload), payload...)
}
