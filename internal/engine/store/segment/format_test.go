package segment

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"testing"

	"github.com/google/uuid"

	"github.com/cumulog/cumulog/internal/logs"
)

type testFile struct{ bytes.Buffer }

func (f *testFile) Sync() error          { return nil }
func (f *testFile) Size() (int64, error) { return int64(f.Len()), nil }
func (f *testFile) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(f.Bytes()).ReadAt(p, off)
}

func testRows(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{Stream: logs.StreamID(i * 3 / n), Key: logs.Key{Timestamp: int64(1000 + i), Seq: logs.MakeSeq(uint64(i/4), i%4)},
			Ingestion: int64(i / 4), Message: bytes.Repeat([]byte("m"), i%30)}
	}
	return rows
}

func testPart(t testing.TB, extra ...section) *testFile {
	t.Helper()
	f := &testFile{}
	w := NewWriter(f, WriterOptions{ID: uuid.UUID{1}})
	for g := range logs.GroupID(3) {
		if err := w.Add(g, testRows(20)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	if len(extra) == 0 {
		return f
	}
	// Put more sections before the footer, as a newer release would.
	b := bytes.Clone(f.Bytes())
	tr, err := parseTrailer(b[len(b)-trailerSize:], int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	sum, table, err := parseFooter(b[tr.footerOff+frameHeader:tr.footerOff+tr.footerLen], tr.footerOff)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:tr.footerOff]
	put := func(kind byte, payload []byte) section {
		s := section{kind: kind, off: int64(len(b)), len: frameHeader + int64(len(payload))}
		b = appendFrameHeader(b, frame{stored: uint32(len(payload)), raw: uint32(len(payload)), kind: kind}, payload)
		s.crc = binary.LittleEndian.Uint32(b[len(b)-4:])
		b = append(b, payload...)
		return s
	}
	for _, s := range extra {
		e := put(s.kind, []byte("a section of the future"))
		e.flags = s.flags
		table = append(table, e)
	}
	ft := put(kindFooter, appendFooter(nil, &sum, table))
	b = appendTrailer(b, ft.off, ft.len, ft.crc)
	f = &testFile{}
	f.Write(b)
	return f
}

func TestUnknownSections(t *testing.T) {
	r, err := Open(testPart(t, section{kind: kindTokens}, section{kind: 0x77}), "f")
	if err != nil || r.Summary().Blocks != 3 {
		t.Fatalf("optional sections: %v", err)
	}
	if _, err := Open(testPart(t, section{kind: kindDict, flags: sectionMandatory}), "f"); !errors.Is(err, ErrVersion) {
		t.Fatalf("mandatory section: %v", err)
	}
	rep, err := Verify(context.Background(), testPart(t, section{kind: 0x77}), "f")
	if err != nil || !rep.OK() || rep.Blocks != 3 {
		t.Fatalf("verify: %+v, %v", rep, err)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	f := testPart(t)
	b := bytes.Clone(f.Bytes())
	tr, err := parseTrailer(b[len(b)-trailerSize:], int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	end := appendTrailer(nil, tr.footerOff, tr.footerLen, tr.footerCRC)
	end[16] = formatVersion + 1
	end = binary.LittleEndian.AppendUint32(end[:20], crc32.Checksum(end[:20], castagnoli))
	end = append(end, trailerMagic...)
	n := &testFile{}
	n.Write(append(b[:len(b)-trailerSize], end...))
	if _, err := Open(n, "f"); !errors.Is(err, ErrVersion) {
		t.Fatalf("got %v", err)
	}
	if _, err := Verify(context.Background(), n, "f"); !errors.Is(err, ErrVersion) {
		t.Fatalf("verify: got %v", err)
	}
}

// A frame of another block of the same part with a right checksum is noticed.
func TestExchangedBlocksAreFound(t *testing.T) {
	r, err := Open(testPart(t), "f")
	if err != nil {
		t.Fatal(err)
	}
	var ce *CorruptionError
	infos := r.Blocks(1, nil)
	infos[0].ord = 2
	if _, err := r.Read(context.Background(), infos[0], new(Buffer)); !errors.As(err, &ce) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecodeKeys(f *testing.F) {
	for _, n := range []int{1, 7, 300} {
		rows := testRows(n)
		var e keyEncoder
		info := BlockInfo{Group: 3, Hash: 99}
		if err := e.columns(rows, &info); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(e.encode(rows, &info)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var buf Buffer
		h, err := decodeKeys(b, &buf)
		if err != nil {
			return
		}
		// What decodes is a block that a Writer accepts and encodes to the same rows.
		rows := make([]Row, h.rows)
		for _, run := range buf.runs {
			for i := run.From; i < run.To; i++ {
				from := uint32(0)
				if i > 0 {
					from = buf.ends[i-1]
				}
				rows[i] = Row{Stream: run.Stream, Key: buf.keys[i], Ingestion: buf.batches[buf.batchOf[i]].ingestion, Message: make([]byte, buf.ends[i]-from)}
			}
		}
		var e keyEncoder
		info := BlockInfo{Group: h.group, Hash: h.hash}
		if err := e.columns(rows, &info); err != nil {
			t.Fatal(err)
		}
		var again Buffer
		if h2, err := decodeKeys(e.encode(rows, &info), &again); err != nil || h2.rows != h.rows || h2.raw != h.raw || h2.minTS != h.minTS {
			t.Fatalf("%+v, %v; want %+v", h2, err, h)
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	r, err := Open(testPart(f), "f")
	if err != nil {
		f.Fatal(err)
	}
	var x indexBuilder
	for b := range r.All() {
		x.blocks = append(x.blocks, b)
	}
	x.shared = r.index.shared
	b, g := x.encode()
	f.Add(b, g, int64(1<<20))
	x.shared = nil
	for i := range x.blocks {
		b := &x.blocks[i]
		b.Mode, b.off, b.keysLen, b.messageLen, b.ord = ModeRaw, int64(headerSize+300*i), 100, 200, 0
	}
	b, g = x.encode()
	f.Add(b, g, int64(1<<20))
	f.Fuzz(func(t *testing.T, b, g []byte, limit int64) {
		x, err := parseIndex(b, g, limit)
		if err != nil {
			return
		}
		n := 0
		for b := range x.all() {
			if err := b.check(limit, x.shared); err != nil {
				t.Fatal(err)
			}
			if from, to := x.find(b.Group); n < from || n >= to {
				t.Fatalf("block %d of group %d: found [%d, %d)", n, b.Group, from, to)
			}
			n++
		}
		if n != x.blocks {
			t.Fatalf("%d blocks, want %d", n, x.blocks)
		}
	})
}

func FuzzParseFooter(f *testing.F) {
	f.Add(appendFooter(nil, &Summary{Rows: 3}, []section{{kind: kindIndex, off: 40, len: 30}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		sum, table, err := parseFooter(b, 1<<30)
		if err != nil {
			return
		}
		if _, _, err := parseFooter(appendFooter(nil, &sum, table), 1<<30); err != nil {
			t.Fatal(err)
		}
	})
}

// A block whose columns do not give its messages back is stored raw, and counted.
func TestWhatCannotBeRebuiltIsStoredRaw(t *testing.T) {
	rows := testRows(3000)
	for i := range rows {
		rows[i].Message = fmt.Appendf(nil, `{"level":"info","number":%d,"text":"some text %x"}`, i, i*i*977)
	}
	f := &testFile{}
	w := NewWriter(f, WriterOptions{})
	w.enc = NewBlockEncoder(WriterOptions{})
	w.enc.breaks = func(body []byte) { body[len(body)/2] ^= 1 }
	if err := w.Add(1, rows); err != nil {
		t.Fatal(err)
	}
	w.enc.breaks = nil
	if err := w.Add(1, rows); err != nil {
		t.Fatal(err)
	}
	sum, err := w.Finish()
	if err != nil || sum.NotRebuilt != 1 || sum.Sizes.Blocks[ModeRaw] != 1 || sum.Sizes.Blocks[ModeJSON] != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	rep, err := Verify(context.Background(), f, "f")
	if err != nil || !rep.OK() || rep.Blocks != 2 {
		t.Fatalf("%+v, %v", rep, err)
	}
}

// Sections longer than one frame are read across the edges of frames.
func TestSectionOfManyFrames(t *testing.T) {
	for _, size := range []int{1, sectionFrame - 1, sectionFrame, sectionFrame + 1, 3 * sectionFrame, 3*sectionFrame + 17} {
		f := &testFile{}
		w := NewWriter(f, WriterOptions{})
		s := &sectionWriter{w: w, kind: kindTokens}
		want := make([]byte, size)
		for i := range want {
			want[i] = byte(i * i >> 7)
		}
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 300_000)
			if _, err := s.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		s.end()
		if err := w.out.Flush(); err != nil {
			t.Fatal(err)
		}
		r := &Reader{f: f, size: int64(f.Len())}
		win, err := r.window(&s.s)
		if err != nil || win.Size() != int64(size) || s.s.off+s.s.len != r.size {
			t.Fatalf("%d bytes: window %+v, %v", size, win, err)
		}
		got := make([]byte, size)
		if n, err := win.ReadAt(got, 0); n != size || err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: read %d, %v", size, n, err)
		}
		from := max(0, size-sectionFrame-5)
		if n, err := win.ReadAt(got, int64(from)); n != size-from || size-from < len(got) && !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want[from:]) {
			t.Fatalf("%d bytes from %d: read %d, %v", size, from, n, err)
		}
		var buf Buffer
		if err := win.check(context.Background(), kindTokens, &buf); err != nil {
			t.Fatal(err)
		}
		f.Bytes()[s.s.off+s.s.len-1] ^= 1
		if err := win.check(context.Background(), kindTokens, &buf); err == nil {
			t.Fatalf("%d bytes: damage of the last byte is not found", size)
		}
	}
}
