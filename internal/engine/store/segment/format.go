package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Limits of a block. Add refuses more, readers refuse files that claim more.
const (
	MaxBlockRows  = 32 << 10 // rows
	MaxBlockBytes = 2 << 20  // bytes of messages; the longest message too
)

const (
	maxKeysBytes   = 64 + 64*MaxBlockRows // encoded key columns of one block, before compression
	sharedBlock    = 64 << 10             // blocks below this (messages and keys) share frames
	sharedTarget   = 256 << 10            // a shared frame is closed when the next block would pass this
	maxSharedBytes = sharedTarget + sharedBlock + 16<<10
	maxHeadBytes   = 1 << 20       // templates and column directory of one block, before compression
	maxBodyBytes   = MaxBlockBytes // columns of one block
	maxMetaBytes   = 1 << 20
	indexPage      = 64 // entries of the block index between two restarts of the deltas
	tailRead       = 64 << 10
)

// Versions of the format. Version 2 brought blocks that are taken apart
// (ModeJSON, ModeTemplate) and the skip index; a file of version 1 is read like
// one of version 2 that has neither.
const (
	formatVersion = 2
	oldestVersion = 1
)

const (
	headerSize  = 40
	frameHeader = 24
	trailerSize = 32
)

const (
	headerMagic  = "CWP1"
	frameMagic   = "CWF1"
	trailerMagic = "CWP1END\n"
)

// Codecs of a frame.
const (
	codecNone = 0
	codecZstd = 1
)

// Kinds of a frame. Kinds from kindIndex on are sections, listed in the footer.
const (
	kindKeys     = 1
	kindMessages = 2
	kindShared   = 3
	kindHead     = 4    // templates and column directory of a block that is taken apart
	kindBody     = 5    // its columns
	kindIndex    = 0x10 // BLKX
	kindGroups   = 0x11 // GRPD
	kindMeta     = 0x12
	kindColumns  = 0x13 // COLD: reserved, as the following
	kindPaths    = 0x14 // PATH
	kindDict     = 0x15 // DICT
	kindTokens   = 0x16 // TIX
	kindTrigrams = 0x17 // TRI
	kindFooter   = 0x1f
)

const sectionMandatory = 1

// Mode says how the messages of a block are stored.
type Mode uint8

// Modes.
const (
	ModeRaw      Mode = 0 // one frame of keys, one of concatenated messages
	ModeJSON     Mode = 1 // taken apart into columns: one frame of keys, one of templates, one of columns
	ModeTemplate Mode = 2 // the same for text that is not JSON
	ModeShared   Mode = 3 // keys and messages inside a shared frame
)

const modes = 4

// String returns the name of the mode in reports.
func (m Mode) String() string {
	switch m {
	case ModeRaw:
		return "raw"
	case ModeJSON:
		return "json"
	case ModeTemplate:
		return "template"
	case ModeShared:
		return "shared"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// shaped reports whether messages are taken apart.
func (m Mode) shaped() bool { return m == ModeJSON || m == ModeTemplate }

func sectionName(kind byte) string {
	switch kind {
	case kindKeys:
		return "keys"
	case kindMessages:
		return "messages"
	case kindShared:
		return "shared"
	case kindHead:
		return "head"
	case kindBody:
		return "columns"
	case kindIndex:
		return "index"
	case kindGroups:
		return "groups"
	case kindMeta:
		return "meta"
	case kindTokens:
		return "tokens"
	case kindTrigrams:
		return "trigrams"
	case kindFooter:
		return "footer"
	}
	return fmt.Sprintf("section %#x", kind)
}

// Source is what a Reader needs of a file.
type Source interface {
	io.ReaderAt
	Size() (int64, error)
}

// Sink is what a Writer needs of a file: sequential writes from its start and
// a sync.
type Sink interface {
	io.Writer
	Sync() error
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the decoded header of a frame.
type frame struct {
	stored, raw uint32
	codec, kind byte
	dict        uint16
	check       uint32 // keys, messages, head, columns: low half of the hash of the messages, which pairs them
	crc         uint32
}

func (h frame) size() int64 { return frameHeader + int64(h.stored) }

// appendFrameHeader appends the header of a frame with that payload, checksum
// included.
func appendFrameHeader(dst []byte, h frame, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, frameMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, h.stored)
	dst = binary.LittleEndian.AppendUint32(dst, h.raw)
	dst = append(dst, h.codec, h.kind)
	dst = binary.LittleEndian.AppendUint16(dst, h.dict)
	dst = binary.LittleEndian.AppendUint32(dst, h.check)
	crc := crc32.Update(crc32.Checksum(dst[start:], castagnoli), castagnoli, payload)
	return binary.LittleEndian.AppendUint32(dst, crc)
}

// parseFrameHeader decodes the first frameHeader bytes of b; ok is false when
// they are no frame header. The checksum is not checked.
func parseFrameHeader(b []byte) (h frame, ok bool) {
	if len(b) < frameHeader || string(b[:4]) != frameMagic {
		return frame{}, false
	}
	le := binary.LittleEndian
	return frame{
		stored: le.Uint32(b[4:]), raw: le.Uint32(b[8:]),
		codec: b[12], kind: b[13], dict: le.Uint16(b[14:]),
		check: le.Uint32(b[16:]), crc: le.Uint32(b[20:]),
	}, true
}

// frameCRC returns the checksum of a whole frame, header and payload.
func frameCRC(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:20], castagnoli), castagnoli, b[frameHeader:])
}

// maxRaw bounds the decoded size of a frame by its kind.
func maxRaw(kind byte) int64 {
	switch kind {
	case kindKeys:
		return maxKeysBytes
	case kindMessages:
		return MaxBlockBytes
	case kindShared:
		return maxSharedBytes
	case kindHead:
		return maxHeadBytes
	case kindBody:
		return maxBodyBytes
	case kindMeta:
		return maxMetaBytes
	}
	return 1 << 30 // sections are not compressed: the size of the file bounds them
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// cursor decodes varints; after a failure every further call returns 0 and bad
// stays set.
type cursor struct {
	b   []byte
	p   int
	bad bool
}

func (c *cursor) uvarint() uint64 {
	if c.p < len(c.b) && c.b[c.p] < 0x80 {
		c.p++
		return uint64(c.b[c.p-1])
	}
	return c.long()
}

func (c *cursor) long() uint64 {
	v, n := binary.Uvarint(c.b[c.p:])
	if n <= 0 {
		c.bad = true
		c.p = len(c.b)
		return 0
	}
	c.p += n
	return v
}

func (c *cursor) varint() int64 { return unzigzag(c.uvarint()) }

func (c *cursor) byte() byte {
	if c.p >= len(c.b) {
		c.bad = true
		return 0
	}
	c.p++
	return c.b[c.p-1]
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b)-c.p {
		c.bad = true
		c.p = len(c.b)
		return nil
	}
	c.p += n
	return c.b[c.p-n : c.p]
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) left() int { return len(c.b) - c.p }
