package segment

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"

	"github.com/cumulog/cumulog/internal/logs"
)

// BlockInfo describes a block as the index of its part knows it.
type BlockInfo struct {
	Group                logs.GroupID
	Min, Max             logs.Key // first and last row in (timestamp, seq) order
	MinSeq, MaxSeq       logs.Seq // over all rows; Min.Seq need not be the least
	MinStream, MaxStream logs.StreamID
	Rows                 int
	Streams              int   // distinct streams
	RawBytes             int64 // bytes of messages
	StoredBytes          int64 // bytes in the file; the share of a shared frame
	Hash                 uint64
	Mode                 Mode

	off        int64 // of the keys frame; ModeShared: number of the shared frame
	keysLen    int64 // whole keys frame; ModeShared: encoded keys within the frame
	headLen    int64 // ModeJSON, ModeTemplate: whole head frame, which follows the keys frame
	messageLen int64 // what follows the keys frame: messages, or head and columns
	ord        int   // ModeShared: place within the frame
	unit       int
}

// Unit returns the number of the block in the skip index of its part: blocks
// with frames of their own have one each, those of a shared frame one together.
func (b *BlockInfo) Unit() int { return b.unit }

// GroupEntry sums up the blocks of one group in a part.
type GroupEntry struct {
	Group                 logs.GroupID
	Blocks                int
	Rows                  int64
	RawBytes, StoredBytes int64
	MinTimestamp          int64
	MaxTimestamp          int64
}

func (g *GroupEntry) add(b *BlockInfo) {
	if g.Blocks == 0 {
		g.Group, g.MinTimestamp, g.MaxTimestamp = b.Group, b.Min.Timestamp, b.Max.Timestamp
	}
	g.Blocks++
	g.Rows += int64(b.Rows)
	g.RawBytes += b.RawBytes
	g.StoredBytes += b.StoredBytes
	g.MinTimestamp = min(g.MinTimestamp, b.Min.Timestamp)
	g.MaxTimestamp = max(g.MaxTimestamp, b.Max.Timestamp)
}

// sharedFrame is one entry of the table of shared frames.
type sharedFrame struct {
	off    int64
	stored int64  // whole frame, header included
	raw    uint32 // decoded payload
	blocks uint32
	unit   int // while writing
}

// Head byte of an index entry.
const (
	entryMode   = 3      // bits 0–1
	entryNext   = 1 << 2 // lies where the previous entry ends
	entryOne    = 1 << 3 // one stream
	entrySorted = 1 << 4 // Min.Seq is MinSeq, Max.Seq is MaxSeq
)

// entryState is what entries are encoded against; it is reset at every page.
type entryState struct {
	next   int64 // expected offset of the next own frames
	frame  int64 // shared frame and place of the last shared entry
	ord    int
	stream logs.StreamID
	ts     int64
	seq    logs.Seq
}

func newEntryState() entryState { return entryState{ord: -1} }

func appendEntry(dst []byte, b *BlockInfo, st *entryState) []byte {
	head := byte(b.Mode)
	next := b.off == st.next
	if b.Mode == ModeShared {
		next = b.off == st.frame && b.ord == st.ord+1
	}
	one := b.Streams == 1
	sorted := b.Min.Seq == b.MinSeq && b.Max.Seq == b.MaxSeq
	if next {
		head |= entryNext
	}
	if one {
		head |= entryOne
	}
	if sorted {
		head |= entrySorted
	}
	dst = append(dst, head)
	if b.Mode == ModeShared {
		if !next {
			dst = binary.AppendUvarint(dst, zigzag(b.off-st.frame))
			dst = binary.AppendUvarint(dst, uint64(b.ord))
		}
		dst = binary.AppendUvarint(dst, uint64(b.keysLen))
		st.frame, st.ord = b.off, b.ord
	} else {
		if !next {
			dst = binary.AppendUvarint(dst, zigzag(b.off-st.next))
		}
		dst = binary.AppendUvarint(dst, uint64(b.keysLen))
		if b.Mode.shaped() {
			dst = binary.AppendUvarint(dst, uint64(b.headLen))
		}
		dst = binary.AppendUvarint(dst, uint64(b.messageLen))
		st.next = b.off + b.keysLen + b.messageLen
	}
	dst = binary.AppendUvarint(dst, uint64(b.Rows))
	dst = binary.AppendUvarint(dst, uint64(b.RawBytes))
	dst = binary.AppendUvarint(dst, zigzag(int64(b.MinStream-st.stream)))
	st.stream = b.MinStream
	if !one {
		dst = binary.AppendUvarint(dst, uint64(b.Streams))
		dst = binary.AppendUvarint(dst, uint64(b.MaxStream-b.MinStream))
	}
	dst = binary.AppendUvarint(dst, zigzag(b.Min.Timestamp-st.ts))
	dst = binary.AppendUvarint(dst, uint64(b.Max.Timestamp-b.Min.Timestamp))
	st.ts = b.Min.Timestamp
	dst = binary.AppendUvarint(dst, zigzag(int64(b.MinSeq-st.seq)))
	dst = binary.AppendUvarint(dst, uint64(b.MaxSeq-b.MinSeq))
	st.seq = b.MinSeq
	if !sorted {
		dst = binary.AppendUvarint(dst, uint64(b.Min.Seq-b.MinSeq))
		dst = binary.AppendUvarint(dst, uint64(b.Max.Seq-b.MinSeq))
	}
	return binary.LittleEndian.AppendUint64(dst, b.Hash)
}

func decodeEntry(c *cursor, b *BlockInfo, st *entryState) {
	head := c.byte()
	if head&^(entryMode|entryNext|entryOne|entrySorted) != 0 {
		c.bad = true
	}
	*b = BlockInfo{Mode: Mode(head & entryMode)}
	if b.Mode == ModeShared {
		b.off, b.ord = st.frame, st.ord+1
		if head&entryNext == 0 {
			b.off = st.frame + c.varint()
			b.ord = int(c.uvarint())
		}
		b.keysLen = int64(c.uvarint())
		st.frame, st.ord = b.off, b.ord
	} else {
		b.off = st.next
		if head&entryNext == 0 {
			b.off += c.varint()
		}
		b.keysLen = int64(c.uvarint())
		if b.Mode.shaped() {
			b.headLen = int64(c.uvarint())
		}
		b.messageLen = int64(c.uvarint())
		b.StoredBytes = b.keysLen + b.messageLen
		st.next = b.off + b.StoredBytes
	}
	b.Rows = int(c.uvarint())
	b.RawBytes = int64(c.uvarint())
	st.stream += logs.StreamID(c.varint())
	b.MinStream, b.MaxStream, b.Streams = st.stream, st.stream, 1
	if head&entryOne == 0 {
		b.Streams = int(c.uvarint())
		b.MaxStream += logs.StreamID(c.uvarint())
	}
	st.ts += c.varint()
	b.Min.Timestamp = st.ts
	b.Max.Timestamp = st.ts + int64(c.uvarint())
	st.seq += logs.Seq(c.varint())
	b.MinSeq = st.seq
	b.MaxSeq = st.seq + logs.Seq(c.uvarint())
	b.Min.Seq, b.Max.Seq = b.MinSeq, b.MaxSeq
	if head&entrySorted == 0 {
		b.Min.Seq = b.MinSeq + logs.Seq(c.uvarint())
		b.Max.Seq = b.MinSeq + logs.Seq(c.uvarint())
	}
	b.Hash = c.u64()
}

// check reports whether an index entry is possible in a file whose frames end
// at limit.
func (b *BlockInfo) check(limit int64, shared []sharedFrame) error {
	if b.Rows < 1 || b.Rows > MaxBlockRows || b.RawBytes < 0 || b.RawBytes > MaxBlockBytes || b.Streams < 1 || b.Streams > b.Rows {
		return fmt.Errorf("%d rows, %d bytes, %d streams", b.Rows, b.RawBytes, b.Streams)
	}
	if b.MinStream < 0 || b.MaxStream < b.MinStream || b.Min.Timestamp < 0 || b.Max.Less(b.Min) || b.MaxSeq < b.MinSeq ||
		b.Min.Seq < b.MinSeq || b.Min.Seq > b.MaxSeq || b.Max.Seq < b.MinSeq || b.Max.Seq > b.MaxSeq {
		return errors.New("bounds are not in order")
	}
	if b.Mode == ModeShared {
		if b.off < 0 || b.off >= int64(len(shared)) || b.ord < 0 || b.ord >= int(shared[b.off].blocks) ||
			b.keysLen < 1 || b.keysLen+b.RawBytes > int64(shared[b.off].raw) {
			return fmt.Errorf("block %d of shared frame %d", b.ord, b.off)
		}
		return nil
	}
	most := int64(frameHeader + MaxBlockBytes)
	if b.Mode.shaped() {
		most = frameHeader + maxHeadBytes + frameHeader + maxBodyBytes
		if b.headLen < frameHeader || b.headLen > frameHeader+maxHeadBytes || b.messageLen-b.headLen < frameHeader {
			return fmt.Errorf("head of %d bytes in %d", b.headLen, b.messageLen)
		}
	}
	if b.off < headerSize || b.off > limit || b.keysLen <= frameHeader || b.keysLen > frameHeader+maxKeysBytes ||
		b.messageLen < frameHeader || b.messageLen > most || b.off+b.keysLen+b.messageLen > limit {
		return fmt.Errorf("frames at %d, %d and %d bytes long", b.off, b.keysLen, b.messageLen)
	}
	return nil
}

// indexBuilder collects blocks and encodes the two index sections.
type indexBuilder struct {
	blocks []BlockInfo
	shared []sharedFrame
}

// encode returns the sections index and groups. Blocks are sorted by group and
// first key.
func (x *indexBuilder) encode() (index, groups []byte) {
	slices.SortStableFunc(x.blocks, func(a, b BlockInfo) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), a.Min.Compare(b.Min))
	})
	index = binary.AppendUvarint(index, uint64(len(x.shared)))
	next := int64(headerSize)
	for _, s := range x.shared {
		index = binary.AppendUvarint(index, zigzag(s.off-next))
		index = binary.AppendUvarint(index, uint64(s.stored))
		index = binary.AppendUvarint(index, uint64(s.raw))
		index = binary.AppendUvarint(index, uint64(s.blocks))
		next = s.off + s.stored
	}
	index = binary.AppendUvarint(index, uint64(len(x.blocks)))
	var st entryState
	for i := range x.blocks {
		if i%indexPage == 0 {
			st = newEntryState()
		}
		index = appendEntry(index, &x.blocks[i], &st)
	}

	n := 0
	body := []byte{}
	prev := logs.GroupID(0)
	for i := 0; i < len(x.blocks); {
		j := i
		for j < len(x.blocks) && x.blocks[j].Group == x.blocks[i].Group {
			j++
		}
		body = binary.AppendUvarint(body, uint64(x.blocks[i].Group-prev))
		body = binary.AppendUvarint(body, uint64(j-i))
		prev = x.blocks[i].Group
		n++
		i = j
	}
	groups = binary.AppendUvarint(groups, uint64(n))
	return index, append(groups, body...)
}

// renumber returns the final number of each unit, by the number it was given
// while the part was written. It is called after encode.
func (x *indexBuilder) renumber(given int) []uint32 {
	final := make([]uint32, given)
	for i, s := range x.shared {
		final[s.unit] = uint32(i)
	}
	n := len(x.shared)
	for i := range x.blocks {
		if b := &x.blocks[i]; b.Mode != ModeShared {
			final[b.unit] = uint32(n)
			n++
		}
	}
	return final
}

// index is the block index of an open part: the encoded sections plus a sparse
// table, decoded where it is asked for.
type index struct {
	entries []byte // section index, from the first entry on
	pages   []indexRestart
	groups  []byte // section groups, from the first entry on
	sparse  []groupPage
	shared  []sharedFrame
	blocks  int
	units   int // shared frames first, then blocks with own frames in the order of the index
	nGroups int
}

// indexRestart is the state before every indexPage-th entry.
type indexRestart struct {
	pos  uint32
	unit uint32 // of the first block with own frames from here on
}

// groupPage is the state before every indexPage-th group.
type groupPage struct {
	pos   int
	prev  logs.GroupID // the group before
	first logs.GroupID
	block int // first block of the page
}

var errIndex = errors.New("index does not add up")

// parseIndex checks both sections in full, so that later decoding cannot fail.
// It keeps the slices.
func parseIndex(blkx, grpd []byte, limit int64) (*index, error) {
	x := &index{}
	c := cursor{b: blkx}
	n := c.uvarint()
	if c.bad || n > uint64(c.left())/4 {
		return nil, fmt.Errorf("%w: %d shared frames", errIndex, n)
	}
	x.shared = make([]sharedFrame, n)
	next := int64(headerSize)
	for i := range x.shared {
		s := sharedFrame{off: next + c.varint(), stored: int64(c.uvarint())}
		raw, blocks := c.uvarint(), c.uvarint()
		if c.bad || s.off < headerSize || s.off > limit || s.stored <= frameHeader || s.stored > limit-s.off ||
			raw == 0 || raw > maxSharedBytes || blocks == 0 || blocks > raw {
			return nil, fmt.Errorf("%w: shared frame %d", errIndex, i)
		}
		s.raw, s.blocks = uint32(raw), uint32(blocks)
		x.shared[i] = s
		next = s.off + s.stored
	}
	blocks := c.uvarint()
	if c.bad || blocks > uint64(c.left())/16 {
		return nil, fmt.Errorf("%w: %d blocks", errIndex, blocks)
	}
	x.blocks = int(blocks)
	x.entries = blkx[c.p:]
	if err := x.parseGroups(grpd); err != nil {
		return nil, err
	}
	c = cursor{b: x.entries}
	var b BlockInfo
	var st entryState
	x.units = len(x.shared)
	x.pages = make([]indexRestart, 0, (x.blocks+indexPage-1)/indexPage)
	for i := range x.blocks {
		if i%indexPage == 0 {
			x.pages = append(x.pages, indexRestart{pos: uint32(c.p), unit: uint32(x.units)})
			st = newEntryState()
		}
		decodeEntry(&c, &b, &st)
		if c.bad {
			return nil, fmt.Errorf("%w: block %d is cut", errIndex, i)
		}
		if err := b.check(limit, x.shared); err != nil {
			return nil, fmt.Errorf("%w: block %d: %w", errIndex, i, err)
		}
		if b.Mode != ModeShared {
			x.units++
		}
	}
	if c.left() != 0 {
		return nil, fmt.Errorf("%w: %d bytes left over", errIndex, c.left())
	}
	return x, nil
}

func (x *index) parseGroups(grpd []byte) error {
	c := cursor{b: grpd}
	n := c.uvarint()
	if c.bad || n > uint64(c.left())/2 {
		return fmt.Errorf("%w: %d groups", errIndex, n)
	}
	x.nGroups = int(n)
	x.groups = grpd[c.p:]
	c = cursor{b: x.groups}
	prev, block := logs.GroupID(0), 0
	for i := range x.nGroups {
		pos := c.p
		d, count := c.uvarint(), c.uvarint()
		g := prev + logs.GroupID(d)
		if c.bad || g < prev || i > 0 && d == 0 || int64(d) < 0 || count == 0 || count > uint64(x.blocks-block) {
			return fmt.Errorf("%w: group %d", errIndex, i)
		}
		if i%indexPage == 0 {
			x.sparse = append(x.sparse, groupPage{pos: pos, prev: prev, first: g, block: block})
		}
		prev = g
		block += int(count)
	}
	if c.left() != 0 || block != x.blocks {
		return fmt.Errorf("%w: groups hold %d blocks of %d", errIndex, block, x.blocks)
	}
	return nil
}

// find returns the blocks [from, to) of a group.
func (x *index) find(group logs.GroupID) (from, to int) {
	p := sort.Search(len(x.sparse), func(i int) bool { return x.sparse[i].first > group }) - 1
	if p < 0 {
		return 0, 0
	}
	page := x.sparse[p]
	c := cursor{b: x.groups, p: page.pos}
	g, block := page.prev, page.block
	for range min(indexPage, x.nGroups-p*indexPage) {
		g += logs.GroupID(c.uvarint())
		count := int(c.uvarint())
		if g >= group {
			if g > group {
				return 0, 0
			}
			return block, block + count
		}
		block += count
	}
	return 0, 0
}

// walk yields the blocks [from, to), without their group.
func (x *index) walk(from, to int, yield func(*BlockInfo) bool) {
	if from >= to {
		return
	}
	page := from / indexPage
	c := cursor{b: x.entries, p: int(x.pages[page].pos)}
	unit := int(x.pages[page].unit)
	var st entryState
	var b BlockInfo
	for i := page * indexPage; i < to; i++ {
		if i%indexPage == 0 {
			st = newEntryState()
		}
		decodeEntry(&c, &b, &st)
		if b.Mode != ModeShared {
			b.unit = unit
			unit++
		}
		if i < from {
			continue
		}
		if b.Mode == ModeShared {
			b.unit = int(b.off)
			s := x.shared[b.off]
			b.StoredBytes = ((b.keysLen+b.RawBytes)*s.stored + int64(s.raw) - 1) / int64(s.raw)
		}
		if !yield(&b) {
			return
		}
	}
}

// all yields every block in order of (group, first key).
func (x *index) all() iter.Seq[*BlockInfo] {
	return func(yield func(*BlockInfo) bool) {
		c := cursor{b: x.groups}
		g := logs.GroupID(0)
		left := 0
		x.walk(0, x.blocks, func(b *BlockInfo) bool {
			if left == 0 {
				g += logs.GroupID(c.uvarint())
				left = int(c.uvarint())
			}
			left--
			b.Group = g
			return yield(b)
		})
	}
}
