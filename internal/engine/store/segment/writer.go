package segment

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"

	"github.com/cumulog/cumulog/internal/engine/store/segment/skip"
	"github.com/cumulog/cumulog/internal/logs"
)

// WriterOptions tunes a Writer. The zero value is right for a flush.
type WriterOptions struct {
	ID      uuid.UUID         // zero: a random one
	Created int64             // ms since the Unix epoch, informative
	Level   zstd.EncoderLevel // zero: zstd.SpeedFastest
	// Meta is kept with the part for its owner and returned by Reader.Meta; at
	// most 1 MiB.
	Meta []byte
	// Modes are the modes that blocks may have; zero: whichever is best.
	Modes ModeSet
	// NoIndex leaves the skip index out. IndexShared extends it to shared frames:
	// right for a merge, whose small blocks stay, and wrong for a flush, whose small
	// blocks will be merged soon.
	NoIndex, IndexShared bool
}

// Summary describes a finished part.
type Summary struct {
	ID                         uuid.UUID
	Created                    int64
	Blocks                     int
	Rows                       int64
	RawBytes                   int64 // bytes of messages
	FileBytes                  int64
	MinTimestamp, MaxTimestamp int64
	MinSeq, MaxSeq             logs.Seq
	MinIngestion, MaxIngestion int64
	Groups                     []GroupEntry // ascending; nil in Reader.Summary
	// What a Writer did; zero in Reader.Summary.
	Sizes      Sizes
	NotRebuilt int // blocks stored raw because their columns did not give the messages back: a bug
	Unindexed  int // units that the skip index knows nothing about
}

// Writer writes one part, streaming: it holds one block, one shared frame and
// the index in memory. It is not safe for concurrent use. After an error every
// further call returns that error; the file is then garbage.
type Writer struct {
	sink  Sink
	out   *bufio.Writer
	off   int64
	err   error
	opts  WriterOptions
	enc   *BlockEncoder // of Add; made when it is first needed
	pack  packer
	index indexBuilder
	sum   Summary
	last  logs.GroupID
	head  []byte // the frame written last
	buf   Buffer // for AddRaw
	moved skip.Evidence

	// the open shared frame
	shKeys, shMsgs []byte
	shLens, shRaw  []byte
	shBlocks       int
	shEvidence     skip.Evidence

	units unitWriter
}

// NewWriter starts a part at the start of an empty file. An error of the first
// write is reported by the next call.
func NewWriter(f Sink, o WriterOptions) *Writer {
	w := &Writer{sink: f, out: bufio.NewWriterSize(f, 256<<10), opts: o}
	w.units.b = skip.NewBuilder()
	if w.opts.ID == uuid.Nil {
		w.opts.ID = uuid.New()
	}
	if len(o.Meta) > maxMetaBytes {
		w.err = fmt.Errorf("meta of %d bytes: %w", len(o.Meta), ErrTooLarge)
		return w
	}
	if w.err = w.pack.open(o.Level); w.err != nil {
		return w
	}
	w.write(appendHeader(nil, w.opts.ID, w.opts.Created))
	return w
}

func appendHeader(dst []byte, id uuid.UUID, created int64) []byte {
	start := len(dst)
	dst = append(dst, headerMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, formatVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = append(dst, id[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(created))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// ID returns the id of the part.
func (w *Writer) ID() uuid.UUID { return w.opts.ID }

// Size returns the bytes written so far, open shared frame and index excluded.
func (w *Writer) Size() int64 { return w.off }

func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.out.Write(b)
	w.off += int64(n)
	if err != nil {
		w.err = fmt.Errorf("write part: %w", err)
	}
}

// frame writes a frame and returns its size and checksum.
func (w *Writer) frame(kind byte, raw []byte, compress bool) (size int64, crc uint32) {
	w.head = w.pack.frame(w.head[:0], kind, raw, 0, compress)
	w.write(w.head)
	return int64(len(w.head)), binary.LittleEndian.Uint32(w.head[20:])
}

// Add writes rows as one block of the group: BlockEncoder.Encode and AddEncoded
// in one. Input errors (ErrOrder, ErrTooLarge, ErrInvalid) leave the Writer as it
// was.
func (w *Writer) Add(group logs.GroupID, rows []Row) error {
	if w.err != nil {
		return w.err
	}
	if err := w.checkGroup(group); err != nil {
		return err
	}
	if w.enc == nil {
		w.enc = NewBlockEncoder(w.opts)
	}
	b, err := w.enc.Encode(group, rows)
	if err != nil {
		return err
	}
	defer b.Release()
	return w.AddEncoded(b)
}

// AddEncoded writes a block that a BlockEncoder has made. The order of the calls
// is the order in the file; groups must not descend (ErrOrder, which leaves the
// Writer as it was). b may be released afterwards.
func (w *Writer) AddEncoded(b *Encoded) error {
	if w.err != nil {
		return w.err
	}
	if err := w.checkGroup(b.info.Group); err != nil {
		return err
	}
	w.ingestion(b.minIngestion, b.maxIngestion)
	if b.lost {
		w.sum.NotRebuilt++
	}
	if b.info.Mode == ModeShared {
		w.share(b.info, b.keys, b.body, b.ends)
		return w.err
	}
	info := b.info
	info.off = w.off
	if b.indexed {
		info.unit = w.units.add(&b.evidence)
	} else {
		info.unit = w.units.add(nil)
	}
	w.write(b.keys)
	w.write(b.body)
	w.sum.Sizes.block(&info)
	w.account(info)
	return w.err
}

func (w *Writer) checkGroup(group logs.GroupID) error {
	if group < 0 {
		return fmt.Errorf("group %d: %w", group, ErrInvalid)
	}
	if group < w.last {
		return fmt.Errorf("group %d after group %d: %w", group, w.last, ErrOrder)
	}
	return nil
}

// ingestion is called before account.
func (w *Writer) ingestion(least, greatest int64) {
	if w.sum.Blocks == 0 {
		w.sum.MinIngestion, w.sum.MaxIngestion = least, greatest
	}
	w.sum.MinIngestion, w.sum.MaxIngestion = min(w.sum.MinIngestion, least), max(w.sum.MaxIngestion, greatest)
}

// share adds a block to the open shared frame.
func (w *Writer) share(info BlockInfo, keys, msgs []byte, ends []uint32) {
	if len(w.shKeys)+len(w.shMsgs)+len(keys)+len(msgs) > sharedTarget {
		w.flushShared()
	}
	info.Mode, info.off, info.ord = ModeShared, int64(len(w.index.shared)), w.shBlocks
	info.keysLen, info.messageLen = int64(len(keys)), 0
	w.shLens = binary.AppendUvarint(w.shLens, uint64(len(keys)))
	w.shLens = binary.AppendUvarint(w.shLens, uint64(len(msgs)))
	w.shKeys = append(w.shKeys, keys...)
	w.shMsgs = append(w.shMsgs, msgs...)
	w.shBlocks++
	if w.opts.IndexShared && !w.opts.NoIndex {
		w.shEvidence.AddMessages(msgs, ends)
	}
	w.sum.Sizes.block(&info)
	w.account(info)
}

func (w *Writer) flushShared() {
	if w.shBlocks == 0 {
		return
	}
	raw := binary.AppendUvarint(w.shRaw[:0], uint64(w.shBlocks))
	raw = append(raw, w.shLens...)
	raw = append(raw, w.shKeys...)
	raw = append(raw, w.shMsgs...)
	s := sharedFrame{off: w.off, raw: uint32(len(raw)), blocks: uint32(w.shBlocks)}
	if w.opts.IndexShared && !w.opts.NoIndex {
		s.unit = w.units.add(&w.shEvidence)
		w.shEvidence.Reset()
	} else {
		s.unit = w.units.add(nil)
	}
	s.stored, _ = w.frame(kindShared, raw, true)
	w.sum.Sizes.shared(&s)
	w.index.shared = append(w.index.shared, s)
	w.shRaw = raw
	w.shLens, w.shKeys, w.shMsgs, w.shBlocks = w.shLens[:0], w.shKeys[:0], w.shMsgs[:0], 0
}

func (w *Writer) account(info BlockInfo) {
	if w.sum.Blocks == 0 {
		w.sum.MinTimestamp, w.sum.MaxTimestamp = info.Min.Timestamp, info.Max.Timestamp
		w.sum.MinSeq, w.sum.MaxSeq = info.MinSeq, info.MaxSeq
	}
	w.last = info.Group
	w.sum.Blocks++
	w.sum.Rows += int64(info.Rows)
	w.sum.RawBytes += info.RawBytes
	w.sum.MinTimestamp = min(w.sum.MinTimestamp, info.Min.Timestamp)
	w.sum.MaxTimestamp = max(w.sum.MaxTimestamp, info.Max.Timestamp)
	w.sum.MinSeq, w.sum.MaxSeq = min(w.sum.MinSeq, info.MinSeq), max(w.sum.MaxSeq, info.MaxSeq)
	w.index.blocks = append(w.index.blocks, info)
}

// AddRaw copies a block of another part without encoding it again. Own frames
// are copied byte for byte after their checksums are verified, and what the skip
// index of src knows of them is taken over by Finish, so that src must stay open
// until then. A block of a shared frame goes to the open shared frame of w.
// Groups must not descend. Damage of the source is a *CorruptionError and leaves
// the Writer as it was; damage of its skip index does no harm.
func (w *Writer) AddRaw(ctx context.Context, src *Reader, info BlockInfo) error {
	if w.err != nil {
		return w.err
	}
	if err := w.checkGroup(info.Group); err != nil {
		return err
	}
	b, err := src.Read(ctx, info, &w.buf)
	if err != nil {
		return err
	}
	if info.Mode == ModeShared {
		if err := b.Load(ctx); err != nil {
			return err
		}
		w.ingestion(ingestionBounds(w.buf.batches))
		w.share(info, b.encodedKeys, b.messages, w.buf.ends)
		return w.err
	}
	var move *unitMove
	if !w.opts.NoIndex {
		if move, err = w.units.source(ctx, src, &w.buf); err != nil {
			return err
		}
		if move.x == nil {
			// Nobody knows the tokens of the block yet.
			if err := b.Load(ctx); err != nil {
				return err
			}
			w.moved.Reset()
			w.moved.AddMessages(b.messages, w.buf.ends)
		}
	}
	frames, err := src.frames(info, &w.buf)
	if err != nil {
		return err
	}
	w.ingestion(ingestionBounds(w.buf.batches))
	switch {
	case move == nil:
		info.unit = w.units.add(nil)
	case move.x == nil:
		info.unit = w.units.add(&w.moved)
	default:
		info.unit = w.units.move(move, info.unit)
	}
	info.off = w.off
	w.write(frames)
	w.sum.Sizes.block(&info)
	w.account(info)
	return w.err
}

// Finish writes index and footer and syncs the file, which stays open.
func (w *Writer) Finish() (Summary, error) {
	if w.err != nil {
		return Summary{}, w.err
	}
	w.flushShared()
	var table []section
	put := func(kind, flags byte, payload []byte) {
		s := section{kind: kind, flags: flags, off: w.off}
		h := frame{raw: uint32(len(payload)), stored: uint32(len(payload)), kind: kind}
		w.head = appendFrameHeader(w.head[:0], h, payload)
		w.write(w.head)
		w.write(payload)
		s.len, s.crc = w.off-s.off, binary.LittleEndian.Uint32(w.head[20:])
		table = append(table, s)
		w.sum.Sizes.section(&s)
	}
	// The skip index is first, so that one read of the end of the file finds what
	// every reader needs.
	index, groups := w.index.encode()
	tix := &sectionWriter{w: w, kind: kindTokens}
	tri := &sectionWriter{w: w, kind: kindTrigrams, after: tix}
	if err := w.units.encode(w.index.renumber(w.units.given), tix, tri); err != nil {
		w.err = cmp.Or(w.err, err)
		return Summary{}, w.err
	}
	tri.end()
	for _, s := range []*sectionWriter{tix, tri} {
		if s.begun {
			table = append(table, s.s)
			w.sum.Sizes.section(&s.s)
		}
	}
	w.sum.Unindexed = w.units.given - w.units.indexed
	put(kindIndex, sectionMandatory, index)
	put(kindGroups, sectionMandatory, groups)
	if len(w.opts.Meta) > 0 {
		put(kindMeta, sectionMandatory, w.opts.Meta)
	}
	w.sum.ID, w.sum.Created = w.opts.ID, w.opts.Created
	footerOff := w.off
	footerLen, footerCRC := w.frame(kindFooter, appendFooter(nil, &w.sum, table), false)
	w.write(appendTrailer(nil, footerOff, footerLen, footerCRC))
	if w.err != nil {
		return Summary{}, w.err
	}
	if err := w.out.Flush(); err != nil {
		w.err = fmt.Errorf("write part: %w", err)
		return Summary{}, w.err
	}
	if err := w.sink.Sync(); err != nil {
		w.err = fmt.Errorf("sync part: %w", err)
		return Summary{}, w.err
	}
	w.err = ErrFinished
	w.sum.FileBytes = w.off
	w.sum.Sizes.Other += w.off - w.sum.Sizes.Total()
	x, err := parseIndex(index, groups, footerOff)
	if err != nil {
		return Summary{}, fmt.Errorf("check the index just written: %w", err)
	}
	w.sum.Groups = x.groupEntries()
	return w.sum, nil
}

func (x *index) groupEntries() []GroupEntry {
	out := make([]GroupEntry, 0, x.nGroups)
	var g GroupEntry
	for b := range x.all() {
		if g.Blocks > 0 && b.Group != g.Group {
			out = append(out, g)
			g = GroupEntry{}
		}
		g.add(b)
	}
	if g.Blocks > 0 {
		out = append(out, g)
	}
	return out
}
