package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

// Sizes of the format; docs/formats/wal.md draws it.
const (
	formatVersion = 1

	pageSize         = 4096
	dataStart        = 2 * pageSize // the file header, twice
	fileHeaderSize   = 64
	groupHeaderSize  = 64
	recordHeaderSize = 32

	fileMagic   = 0x31575743 // "CWW1"
	groupMagic  = 0x31475743 // "CWG1"
	recordMagic = 0x31525743 // "CWR1"
)

const (
	// MaxPayload bounds the payload of a record.
	MaxPayload = 16 << 20
	// MaxLSN bounds LSNs: they are the high 50 bits of a logs.Seq.
	MaxLSN = 1<<50 - 1

	// groupLimit is where a group stops taking records; one record may
	// exceed it.
	groupLimit = 8 << 20
	// maxGroup bounds the bytes of a group on disk.
	maxGroup = 32 << 20
)

const (
	codecNone byte = 0
	codecS2   byte = 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errFormat is what every parser returns for bytes that are not what it reads.
var errFormat = errors.New("wal: bad bytes")

type salt [16]byte

// seed is the checksum that all checksums of headers in a file start from, so
// that what an earlier life of a recycled file left never passes for its own.
func (s salt) seed() uint32 { return crc32.Checksum(s[:], castagnoli) }

// fileHeader begins a file.
type fileHeader struct {
	first uint64 // LSN of the first record, as in the name
	base  uint64 // last LSN acknowledged before; records above it in earlier files are void
	salt  salt
}

// appendTo writes the two copies, one a page.
func (h fileHeader) appendTo(b []byte) []byte {
	p := make([]byte, pageSize)
	binary.LittleEndian.PutUint32(p[4:], fileMagic)
	binary.LittleEndian.PutUint32(p[8:], formatVersion)
	binary.LittleEndian.PutUint64(p[16:], h.first)
	binary.LittleEndian.PutUint64(p[24:], h.base)
	copy(p[32:], h.salt[:])
	binary.LittleEndian.PutUint32(p, crc32.Checksum(p[4:fileHeaderSize], castagnoli))
	return append(append(b, p...), p...)
}

// parseFileHeader reads the two pages; one good copy is enough.
func parseFileHeader(b []byte) (fileHeader, error) {
	err := fmt.Errorf("file header: %w", errFormat)
	for at := 0; at+fileHeaderSize <= len(b) && at < dataStart; at += pageSize {
		p := b[at : at+fileHeaderSize]
		if binary.LittleEndian.Uint32(p[4:]) != fileMagic ||
			binary.LittleEndian.Uint32(p) != crc32.Checksum(p[4:], castagnoli) {
			continue
		}
		if v := binary.LittleEndian.Uint32(p[8:]); v != formatVersion {
			err = fmt.Errorf("%w: %d", ErrVersion, v)
			continue
		}
		h := fileHeader{first: binary.LittleEndian.Uint64(p[16:]), base: binary.LittleEndian.Uint64(p[24:])}
		copy(h.salt[:], p[32:])
		if h.first > MaxLSN || h.base >= h.first {
			continue
		}
		return h, nil
	}
	return fileHeader{}, err
}

// groupHeader begins a group, at a page boundary.
type groupHeader struct {
	first   uint64 // LSN of its first record; the others follow without a gap
	prev    uint64 // last LSN acknowledged before this group
	count   uint32 // records; 0 in the seal that a clean Close writes
	length  uint32 // bytes with this header, without the padding
	headers uint32 // checksum of all record headers, which hold those of the payloads
}

func (h groupHeader) last() uint64 {
	if h.count == 0 {
		return h.prev
	}
	return h.first + uint64(h.count) - 1
}

func (h groupHeader) put(p []byte, seed uint32) {
	clear(p[:groupHeaderSize])
	binary.LittleEndian.PutUint32(p[4:], groupMagic)
	binary.LittleEndian.PutUint64(p[8:], h.first)
	binary.LittleEndian.PutUint64(p[16:], h.prev)
	binary.LittleEndian.PutUint32(p[24:], h.count)
	binary.LittleEndian.PutUint32(p[28:], h.length)
	binary.LittleEndian.PutUint32(p[32:], h.headers)
	binary.LittleEndian.PutUint32(p, crc32.Update(seed, castagnoli, p[4:groupHeaderSize]))
}

func parseGroupHeader(p []byte, seed uint32) (groupHeader, bool) {
	if len(p) < groupHeaderSize || binary.LittleEndian.Uint32(p[4:]) != groupMagic ||
		binary.LittleEndian.Uint32(p) != crc32.Update(seed, castagnoli, p[4:groupHeaderSize]) {
		return groupHeader{}, false
	}
	h := groupHeader{
		first:   binary.LittleEndian.Uint64(p[8:]),
		prev:    binary.LittleEndian.Uint64(p[16:]),
		count:   binary.LittleEndian.Uint32(p[24:]),
		length:  binary.LittleEndian.Uint32(p[28:]),
		headers: binary.LittleEndian.Uint32(p[32:]),
	}
	ok := h.first <= MaxLSN && h.prev < h.first && h.last() <= MaxLSN && h.length <= maxGroup &&
		uint64(h.length) >= groupHeaderSize+uint64(h.count)*recordHeaderSize
	return h, ok
}

// recordHeader begins a record, at a multiple of 8 bytes.
type recordHeader struct {
	lsn     uint64
	payload uint32 // checksum of the stored bytes
	stored  uint32 // bytes that follow
	raw     uint32 // bytes of the payload
	typ     byte
	codec   byte
}

// size is what the record takes in a group.
func (h recordHeader) size() int { return align(recordHeaderSize+int(h.stored), 8) }

func (h recordHeader) put(p []byte, seed uint32) {
	clear(p[:recordHeaderSize])
	binary.LittleEndian.PutUint32(p[4:], recordMagic)
	binary.LittleEndian.PutUint64(p[8:], h.lsn)
	binary.LittleEndian.PutUint32(p[16:], h.payload)
	binary.LittleEndian.PutUint32(p[20:], h.stored)
	binary.LittleEndian.PutUint32(p[24:], h.raw)
	p[28], p[29] = h.typ, h.codec
	binary.LittleEndian.PutUint32(p, crc32.Update(seed, castagnoli, p[4:recordHeaderSize]))
}

func parseRecordHeader(p []byte, seed uint32) (recordHeader, bool) {
	if len(p) < recordHeaderSize || binary.LittleEndian.Uint32(p[4:]) != recordMagic ||
		binary.LittleEndian.Uint32(p) != crc32.Update(seed, castagnoli, p[4:recordHeaderSize]) {
		return recordHeader{}, false
	}
	h := recordHeader{
		lsn:     binary.LittleEndian.Uint64(p[8:]),
		payload: binary.LittleEndian.Uint32(p[16:]),
		stored:  binary.LittleEndian.Uint32(p[20:]),
		raw:     binary.LittleEndian.Uint32(p[24:]),
		typ:     p[28],
		codec:   p[29],
	}
	ok := h.lsn <= MaxLSN && h.raw <= MaxPayload && h.stored <= h.raw &&
		(h.codec == codecNone && h.stored == h.raw || h.codec == codecS2)
	return h, ok
}

// checkGroup verifies a group, of exactly header.length bytes, in full.
func checkGroup(b []byte, h groupHeader, seed uint32) bool {
	if uint64(len(b)) != uint64(h.length) {
		return false
	}
	headers := seed
	at := groupHeaderSize
	for i := range h.count {
		r, stored, ok := recordAt(b, at, seed)
		if !ok || r.lsn != h.first+uint64(i) || !checkPayload(r, stored) {
			return false
		}
		headers = crc32.Update(headers, castagnoli, b[at:at+recordHeaderSize])
		at += r.size()
	}
	return headers == h.headers && at == len(b)
}

// recordAt parses the record header at an offset and cuts out its stored bytes,
// whose checksum is not verified here.
func recordAt(b []byte, at int, seed uint32) (recordHeader, []byte, bool) {
	if at > len(b) {
		return recordHeader{}, nil, false
	}
	r, ok := parseRecordHeader(b[at:], seed)
	if !ok || r.size() > len(b)-at {
		return recordHeader{}, nil, false
	}
	from := at + recordHeaderSize
	return r, b[from : from+int(r.stored) : from+int(r.stored)], true
}

func checkPayload(r recordHeader, stored []byte) bool {
	return checksum(stored) == r.payload
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func align(n, to int) int { return (n + to - 1) / to * to }

const fileSuffix, freeSuffix, damagedSuffix = ".wal", ".free", ".damaged"

func fileName(first uint64) string { return fmt.Sprintf("%016x%s", first, fileSuffix) }

func parseFileName(name string) (first uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, fileSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	first, err := strconv.ParseUint(digits, 16, 64)
	return first, err == nil && first <= MaxLSN && fileName(first) == name
}

// formatAccepted is the content of the file that notes accepted losses: the LSN and
// the checksum of its digits.
func formatAccepted(lsn uint64) []byte {
	digits := strconv.FormatUint(lsn, 10)
	return fmt.Appendf(nil, "%s %08x\n", digits, checksum([]byte(digits)))
}

// parseAccepted returns 0, for nothing, when the content is damaged.
func parseAccepted(text []byte) uint64 {
	digits, _, _ := strings.Cut(string(text), " ")
	lsn, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || lsn > MaxLSN || string(formatAccepted(lsn)) != string(text) {
		return 0
	}
	return lsn
}
