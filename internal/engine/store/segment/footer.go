package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/logs"
)

// section is one line of the section table.
type section struct {
	kind  byte
	flags byte
	off   int64 // of its frame
	len   int64 // of its frame
	crc   uint32
}

const maxSections = 64

func appendFooter(dst []byte, s *Summary, table []section) []byte {
	dst = append(dst, s.ID[:]...)
	for _, v := range []uint64{
		zigzag(s.Created), uint64(s.Blocks), uint64(s.Rows), uint64(s.RawBytes),
		uint64(s.MinTimestamp), uint64(s.MaxTimestamp), uint64(s.MinSeq), uint64(s.MaxSeq),
		zigzag(s.MinIngestion), zigzag(s.MaxIngestion), uint64(len(table)),
	} {
		dst = binary.AppendUvarint(dst, v)
	}
	for _, t := range table {
		dst = append(dst, t.kind, t.flags)
		dst = binary.AppendUvarint(dst, uint64(t.off))
		dst = binary.AppendUvarint(dst, uint64(t.len))
		dst = binary.LittleEndian.AppendUint32(dst, t.crc)
	}
	return dst
}

// parseFooter decodes a footer whose frame starts at limit.
func parseFooter(b []byte, limit int64) (Summary, []section, error) {
	c := cursor{b: b}
	var s Summary
	if id := c.take(16); id != nil {
		s.ID = uuid.UUID(id)
	}
	s.Created = c.varint()
	s.Blocks = int(c.uvarint())
	s.Rows = int64(c.uvarint())
	s.RawBytes = int64(c.uvarint())
	s.MinTimestamp, s.MaxTimestamp = int64(c.uvarint()), int64(c.uvarint())
	s.MinSeq, s.MaxSeq = logs.Seq(c.uvarint()), logs.Seq(c.uvarint())
	s.MinIngestion, s.MaxIngestion = c.varint(), c.varint()
	n := c.uvarint()
	if c.bad || n > maxSections {
		return s, nil, fmt.Errorf("footer with %d sections", n)
	}
	table := make([]section, n)
	for i := range table {
		t := section{kind: c.byte(), flags: c.byte(), off: int64(c.uvarint()), len: int64(c.uvarint()), crc: c.u32()}
		if c.bad || t.off < headerSize || t.len < frameHeader || t.off > limit || t.len > limit-t.off {
			return s, nil, fmt.Errorf("section %d of the footer is out of the file", i)
		}
		table[i] = t
	}
	if c.left() != 0 {
		return s, nil, fmt.Errorf("%d bytes left over in the footer", c.left())
	}
	return s, table, nil
}

type trailer struct {
	footerOff, footerLen int64
	footerCRC            uint32
}

func appendTrailer(dst []byte, off, length int64, crc uint32) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(off))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(length))
	dst = binary.LittleEndian.AppendUint32(dst, crc)
	dst = binary.LittleEndian.AppendUint16(dst, formatVersion)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
	return append(dst, trailerMagic...)
}

// parseTrailer decodes the last trailerSize bytes of a file of that size.
func parseTrailer(b []byte, size int64) (trailer, error) {
	le := binary.LittleEndian
	if len(b) != trailerSize || string(b[24:]) != trailerMagic {
		return trailer{}, fmt.Errorf("the end mark is missing")
	}
	if crc32.Checksum(b[:20], castagnoli) != le.Uint32(b[20:]) {
		return trailer{}, fmt.Errorf("checksum of the trailer differs")
	}
	if v := le.Uint16(b[16:]); v < oldestVersion || v > formatVersion {
		return trailer{}, fmt.Errorf("version %d: %w", v, ErrVersion)
	}
	if v := le.Uint16(b[18:]); v != 0 {
		return trailer{}, fmt.Errorf("flags %#x: %w", v, ErrVersion)
	}
	t := trailer{footerOff: int64(le.Uint64(b)), footerLen: int64(le.Uint32(b[8:])), footerCRC: le.Uint32(b[12:])}
	if t.footerOff < headerSize || t.footerLen < frameHeader || t.footerOff > size || t.footerOff+t.footerLen != size-trailerSize {
		return trailer{}, fmt.Errorf("footer at %d, %d bytes long, in a file of %d bytes", t.footerOff, t.footerLen, size)
	}
	return t, nil
}
