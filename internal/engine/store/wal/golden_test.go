package wal

import (
	"bytes"
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	goldenFile = "testdata/v1.wal"
	formatDoc  = "../../../../docs/formats/wal.md"
)

// goldenRecords are in the golden file: LSN 7 alone, 8 and 9 in one group.
var goldenRecords = [][]string{{"hello"}, {"", strings.Repeat("a line of log text, ", 2000)}}

// goldenBlock is the S2 block of the long record.
var goldenBlock = []byte("\xc0\xb8\x02\x4ca line of log text, \x11\x14\x19\x00\x20\x9b")

// golden builds a file as the committer does, with a known salt.
func golden(t *testing.T) []byte {
	t.Helper()
	h := fileHeader{first: 7, base: 5}
	copy(h.salt[:], "0123456789abcdef")
	file := h.appendTo(nil)
	c := committer{next: 7, acked: 5}
	for _, group := range append(goldenRecords, nil) { // the last is the seal
		c.batch = nil
		for i, payload := range group {
			r, err := newRequest(byte(1+i), nil, [][]byte{[]byte(payload)}, compressFrom)
			if err != nil {
				t.Fatal(err)
			}
			if r.header.codec == codecS2 {
				// Another version of the encoder may find other bytes.
				r.parts = [][]byte{goldenBlock}
				r.header.stored, r.header.payload = uint32(len(goldenBlock)), checksum(goldenBlock)
			}
			c.batch = append(c.batch, r)
		}
		c.encode(h.salt.seed())
		file = append(file, c.buf...)
		c.next += uint64(len(group))
		c.acked = c.next - 1
	}
	return file
}

func TestGoldenFile(t *testing.T) {
	got := golden(t)
	if *update {
		if err := os.WriteFile(goldenFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the format changed: it needs a new version, and this one must stay readable\n%s", dump(got))
	}

	doc, err := os.ReadFile(formatDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(doc), "```hexdump\n")
	block, after, ok2 := strings.Cut(rest, "```")
	if !ok1 || !ok2 {
		t.Fatalf("%s has no hexdump block", formatDoc)
	}
	if *update {
		if err := os.WriteFile(formatDoc, []byte(before+"```hexdump\n"+dump(want)+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if block != dump(want) {
		t.Errorf("%s shows\n%swant\n%s", formatDoc, block, dump(want))
	}
}

// TestGoldenFileOpens reads the stored file of version 1, which must be possible
// for ever.
func TestGoldenFileOpens(t *testing.T) {
	content, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	mem := vfs.NewMem()
	if err := mem.MkdirAll("/wal"); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(mem, "/wal/"+fileName(7), content); err != nil {
		t.Fatal(err)
	}
	var got []string
	l, r, err := Open(context.Background(), Options{
		FS: mem, Dir: "/wal", Checkpoint: 5, Apply: func([]*Pending) {},
		Replay: func(lsn uint64, typ byte, payload []byte) error {
			got = append(got, fmt.Sprintf("%d %d %s", lsn, typ, payload))
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"7 1 hello", "8 1 ", "9 2 " + goldenRecords[1][1]}
	if fmt.Sprint(got) != fmt.Sprint(want) || r.LastLSN != 9 || len(r.Lost) > 0 {
		t.Errorf("replayed %.200q, %+v", got, r)
	}
}

// dump prints a file as hexdump -C does, without lines of zeros and with a limit on
// a run of others.
func dump(b []byte) string {
	var out strings.Builder
	skipped, run := false, 0
	for at := 0; at < len(b); at += 16 {
		line := b[at:min(at+16, len(b))]
		if run++; len(bytes.Trim(line, "\x00")) == 0 || run > 12 {
			if len(bytes.Trim(line, "\x00")) == 0 {
				run = 0
			}
			if !skipped {
				out.WriteString("*\n")
			}
			skipped = true
			continue
		}
		skipped = false
		h := hex.EncodeToString(line)
		var groups []string
		for i := 0; i < len(h); i += 8 {
			groups = append(groups, h[i:i+8])
		}
		fmt.Fprintf(&out, "%08x  %s  %s\n", at, strings.Join(groups, " "), printable(line))
	}
	fmt.Fprintf(&out, "%08x\n", len(b))
	return out.String()
}

func printable(b []byte) []byte {
	c := bytes.Clone(b)
	for i := range c {
		if c[i] > '~' || c[i] < ' ' {
			c[i] = '.'
		}
	}
	return c
}

func FuzzRecovery(f *testing.F) {
	content, err := os.ReadFile(goldenFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content, uint16(0), byte(0), uint64(0))
	f.Add(content, uint16(8192), byte(0x80), uint64(8))
	f.Add(content[:9000], uint16(12_300), byte(1), uint64(0))
	f.Add([]byte{}, uint16(0), byte(0), uint64(0))
	f.Fuzz(func(t *testing.T, content []byte, at uint16, flip byte, checkpoint uint64) {
		if len(content) > 1<<20 {
			return
		}
		content = bytes.Clone(content)
		if int(at) < len(content) {
			content[at] ^= flip
		}
		mem := vfs.NewMem()
		if err := mem.MkdirAll("/wal"); err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFile(mem, "/wal/"+fileName(7), content); err != nil {
			t.Fatal(err)
		}
		last := checkpoint % MaxLSN
		o := Options{
			FS: mem, Dir: "/wal", Checkpoint: last, Salvage: true,
			Replay: func(lsn uint64, _ byte, payload []byte) error {
				if lsn <= last || len(payload) > MaxPayload {
					t.Fatalf("record %d of %d bytes after %d", lsn, len(payload), last)
				}
				last = lsn
				return nil
			},
		}
		if err := o.ensureDefaults(); err != nil {
			t.Fatal(err)
		}
		if _, err := scan(context.Background(), &o); err != nil && content != nil && !strings.Contains(err.Error(), "version") {
			t.Fatalf("salvage fails: %v", err)
		}
	})
}

// FuzzGroup feeds bytes to the parsers below the checksums.
func FuzzGroup(f *testing.F) {
	content, err := os.ReadFile(goldenFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content[dataStart:])
	f.Add(content[dataStart+pageSize:])
	f.Fuzz(func(t *testing.T, b []byte) {
		seed := uint32(0)
		if len(b) >= groupHeaderSize { // make the checksum of the header right
			h, _ := parseGroupHeader(b, seed)
			h.count, h.length = uint32(b[24]), uint32(len(b))
			h.put(b, seed)
		}
		for at := groupHeaderSize; at+recordHeaderSize <= len(b); at += 8 {
			r := recordHeader{lsn: uint64(b[at]), stored: uint32(b[at+20]), raw: uint32(b[at+24]) << 8, typ: b[at+28], codec: b[at+29]}
			if r.codec == codecNone {
				r.raw = r.stored
			}
			if at%64 == 0 && int(r.stored) <= len(b)-at-recordHeaderSize {
				r.payload = checksum(b[at+recordHeaderSize:][:r.stored])
				r.put(b[at:], seed)
			}
			if r, stored, ok := recordAt(b, at, seed); ok && checkPayload(r, stored) {
				if p, err := unpack(r, stored); err == nil && len(p) != int(r.raw) {
					t.Fatalf("unpacked %d bytes of %d", len(p), r.raw)
				}
			}
		}
		if h, ok := parseGroupHeader(b, seed); ok {
			checkGroup(b[:min(len(b), int(h.length))], h, seed)
		}
	})
}
